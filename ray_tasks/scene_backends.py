"""Chooses the scene backend that the configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ray_tasks.pictures.decide import Thresholds
from ray_tasks.pictures.scene import SceneBackend
from schemas.model_config import Scene
from schemas.vocabulary import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED


def open_backend(
    scene: Scene, folder: Path | None = None, threads: int = 2, limits: Thresholds | None = None
) -> SceneBackend:
    """The backend, its weights loaded; called once per actor.

    folder: where a model's backend remembers what it learnt about the card. threads: what it may use beside it. limits:
    what finished pictures are judged by, for a backend whose scenes may come out badly.
    """
    if scene.backend == "components":
        from ray_tasks.pictures.component_scene import ComponentScene

        return ComponentScene()
    from ray_tasks.models.diffusion_scene import DiffusionScene

    assert scene.diffusion is not None
    return DiffusionScene(scene.diffusion, folder, threads, limits)


@dataclass(frozen=True)
class References:
    """The pictures whose style scenes borrow."""

    of_whom: Mapping[str, str]
    """`merchant/segment`, `merchant` or `default` -> SHA-256 of the picture's file."""
    pictures: Mapping[str, np.ndarray]
    """SHA-256 -> (h, w, 3) uint8."""

    def name(self, merchant_id: str, segment_id: str) -> str | None:
        """What the instruction for a segment carries: of the pictures that fit, the most particular one's SHA-256."""
        keys = (f"{merchant_id}/{segment_id}", merchant_id, "default")
        return next((self.of_whom[key] for key in keys if key in self.of_whom), None)

    def picture(self, name: str | None) -> np.ndarray | None:
        """The picture that an instruction names. Raises ValueError where the configuration has it no longer."""
        if name is None:
            return None
        if name not in self.pictures:
            raise ValueError(
                f"reference_lost: the instruction borrows from a picture with SHA-256 {name[:12]}..., and none of "
                "scene.diffusion.references has it any more; run ray_tasks.write_instructions again"
            )
        return self.pictures[name]


def open_references(scene: Scene) -> References:
    """All pictures that the configuration names. Raises OSError for one that cannot be read."""
    of_whom, pictures = {}, {}
    if scene.backend == "diffusion" and scene.diffusion is not None:
        for whose, path in scene.diffusion.references.items():
            data = Path(path).read_bytes() if Path(path).is_file() else b""
            bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            if bgr is None:
                raise OSError(f"scene.diffusion.references.{whose}: {path} is not a picture that can be read")
            of_whom[whose] = hashlib.sha256(data).hexdigest()
            pictures[of_whom[whose]] = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return References(of_whom, pictures)


def digital_source_type(scene: Scene) -> str:
    """The IPTC digital source type of pictures made with this backend."""
    return COMPOSITE_SYNTHETIC if scene.backend == "components" else COMPOSITE_TRAINED
