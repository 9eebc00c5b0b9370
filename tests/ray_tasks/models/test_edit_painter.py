from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ray_tasks.engine.generate import noise
from ray_tasks.models import edit_painter
from ray_tasks.models.diffusion_scene import DiffusionScene
from ray_tasks.models.edit_painter import EditPainter
from ray_tasks.models.painters import open_painter
from schemas.model_config import Diffusion
from tests.ray_tasks.models.painter_checks import (
    check_batches_do_not_matter,
    check_conditions_act,
    check_nothing_waits_for_the_card,
    paint,
    unit_of,
)
from tests.tiny_transformers import save_tiny_edit_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("edit") / "model"
    save_tiny_edit_pipeline(path)
    return path


def opened(folder: Path, guidance: float = 1.0, **more: Any) -> EditPainter:
    config = Diffusion(model=str(folder), device="cpu", steps=3, size_px=64, guidance_scale=guidance, **more)
    painter = open_painter(config, "tiny", None)
    assert isinstance(painter, EditPainter)
    return painter


@pytest.mark.parametrize(("guidance", "with_style"), [(1.0, False), (4.0, True)])
def test_the_picture_is_that_of_diffusers_own_pipeline(
    folder: Path, guidance: float, with_style: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import QwenImageEditPlusPipeline
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as module

    monkeypatch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(edit_painter, "READ_PX", 64)
    reference = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    unit = unit_of(reference=reference if with_style else None)
    painter = opened(folder, guidance)
    (ours,) = paint(painter, [unit])
    pipeline = QwenImageEditPlusPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    order = edit_painter._ORDER.format(unit.prompt) + (edit_painter._STYLE if with_style else "")
    with torch.inference_mode():
        output = pipeline(
            image=[Image.fromarray(picture) for picture in painter._pictures(unit)],
            prompt=order,
            negative_prompt=painter._negative_prompt if guidance > 1 else None,
            true_cfg_scale=guidance,
            width=64,
            height=64,
            num_inference_steps=3,
            latents=edit_painter._packed(noise((1, 4, 8, 8), [7])[:, 0]),
            output_type="np",
        )
    assert ours.std() > 5
    assert np.abs(ours - np.asarray(output.images[0] * 255)).max() < 1.01


def test_every_condition_acts_and_the_product_stays(folder: Path) -> None:
    painter = opened(folder, references={"default": "style.jpg"})
    check_conditions_act(painter, ["text", "product", "layout", "sticker", "reference", "seed"])


def test_shapes_that_the_model_cannot_paint_are_refused(folder: Path) -> None:
    config = Diffusion(model=str(folder), device="cpu", steps=1, shapes=((64, 64), (56, 72)))
    with pytest.raises(ValueError, match=r"shapes: 56 x 72: this model paints multiples of 32"):
        DiffusionScene(config)


def test_batches_do_not_matter(folder: Path) -> None:
    painter = opened(folder)
    check_batches_do_not_matter(painter)
    units = [unit_of(seed, prompt) for seed, prompt in enumerate(["a table", "a much longer scene, a sea"])]
    for alone, together in zip(paint(painter, units, 1), paint(painter, units, 2), strict=True):
        assert np.abs(alone.astype(int) - together.astype(int)).max() <= 1, "texts of different lengths"


def test_nothing_waits_for_the_card(folder: Path) -> None:
    check_nothing_waits_for_the_card(opened(folder, 3.0), reads_pictures=True)
