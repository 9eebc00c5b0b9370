"""Chooses the painter by the class of the model's pipeline."""

from __future__ import annotations

import os
from pathlib import Path

from ray_tasks.engine.unit import Painter
from ray_tasks.models.loading import check_device, pipeline_class
from ray_tasks.models.scene_prompts import NEGATIVE_PROMPT
from schemas.model_config import Diffusion


def open_painter(config: Diffusion, name: str, folder: Path | None) -> Painter:
    """The painter, its weights loaded. Raises ValueError or OSError with a remedy for what cannot be used."""
    check_device(config)
    if config.compile and folder is not None:
        # Inductor's own cache: the next night, and the next actor, only look up. It names a folder by itself where
        # none is named when it is imported, so that a default would come too late.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str((folder / "kernels").resolve())
    family = pipeline_class(config)
    if family.startswith("StableDiffusion"):
        from ray_tasks.models.unet_painter import UnetPainter

        return UnetPainter(config, NEGATIVE_PROMPT, name)
    if family in ("ZImagePipeline", "ZImageInpaintPipeline"):
        from ray_tasks.models.z_image_painter import ZImagePainter

        return ZImagePainter(config, NEGATIVE_PROMPT, name)
    if family == "QwenImageEditPlusPipeline":
        from ray_tasks.models.edit_painter import EditPainter

        return EditPainter(config, NEGATIVE_PROMPT, name)
    raise ValueError(
        f"scene.diffusion: model {config.model} is a {family}; known are Stable Diffusion and SDXL (any pipeline), "
        "ZImagePipeline and QwenImageEditPlusPipeline"
    )


def refuse(config: Diffusion, family: str, *fields: str) -> None:
    """Raises ValueError for settings that a family of models has no use for: better than to be ignored."""
    for field in fields:
        if getattr(config, field) != Diffusion.model_fields[field].get_default(call_default_factory=True):
            raise ValueError(f"scene.diffusion.{field}: {family} has no use for it; remove it")
