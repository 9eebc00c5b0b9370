"""Chooses the scene backend that the configuration names."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ray_tasks.pictures.scene import SceneBackend
from schemas.model_config import Scene
from schemas.vocabulary import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED


def open_backend(scene: Scene, folder: Path | None = None, threads: int = 2) -> SceneBackend:
    """The backend, its weights loaded; called once per actor.

    folder: where a model's backend remembers what it learnt about the card. threads: what it may use beside it.
    """
    if scene.backend == "components":
        from ray_tasks.pictures.component_scene import ComponentScene

        return ComponentScene()
    from ray_tasks.models.diffusion_scene import DiffusionScene

    assert scene.diffusion is not None
    return DiffusionScene(scene.diffusion, folder, threads)


def reference_pictures(scene: Scene) -> dict[str, np.ndarray]:
    """Merchant (or `default`) -> (h, w, 3) uint8 picture whose style is borrowed. Raises OSError for a lost one."""
    pictures = {}
    if scene.backend == "diffusion" and scene.diffusion is not None:
        for merchant, path in scene.diffusion.references.items():
            bgr = cv2.imread(path, cv2.IMREAD_COLOR)
            if bgr is None:
                raise OSError(
                    f"scene.diffusion.references.{merchant}: {path} is not a picture that can be read"
                )
            pictures[merchant] = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return pictures


def digital_source_type(scene: Scene) -> str:
    """The IPTC digital source type of pictures made with this backend."""
    return COMPOSITE_SYNTHETIC if scene.backend == "components" else COMPOSITE_TRAINED
