"""Chooses the scene backend that the configuration names."""

from __future__ import annotations

from ray_tasks.pictures.encode import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED
from ray_tasks.pictures.scene import SceneBackend
from schemas.config import Scene


def open_backend(scene: Scene) -> SceneBackend:
    """The backend, its weights loaded; called once per actor."""
    if scene.backend == "components":
        from ray_tasks.pictures.component_scene import ComponentScene

        return ComponentScene()
    from ray_tasks.models.diffusion_scene import DiffusionScene

    assert scene.diffusion is not None
    return DiffusionScene(scene.diffusion)


def digital_source_type(scene: Scene) -> str:
    """The IPTC digital source type of pictures made with this backend."""
    return COMPOSITE_SYNTHETIC if scene.backend == "components" else COMPOSITE_TRAINED
