from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ray_tasks.engine.generate import noise
from ray_tasks.models.painters import open_painter
from ray_tasks.models.z_image_painter import ZImagePainter
from schemas.model_config import Control, Diffusion, Weights
from tests.ray_tasks.models.painter_checks import (
    check_batches_do_not_matter,
    check_conditions_act,
    check_nothing_waits_for_the_card,
    paint,
    unit_of,
)
from tests.tiny_transformers import save_tiny_z_image, save_tiny_z_image_control


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("z_image")
    save_tiny_z_image(path / "model")
    save_tiny_z_image_control(path / "layout")
    return path


def opened(folder: Path, **more: Any) -> ZImagePainter:
    settings = {"steps": 3, "size_px": 64, "guidance_scale": 0.0} | more
    painter = open_painter(Diffusion(model=str(folder / "model"), device="cpu", **settings), "tiny", None)
    assert isinstance(painter, ZImagePainter)
    return painter


@pytest.fixture(scope="module")
def controlled(folder: Path) -> ZImagePainter:
    return opened(folder, layout=Control(model=str(folder / "layout"), scale=1.0))


def diffusers_picture(folder: Path, guidance: float, *, control: bool) -> np.ndarray:
    """The same picture by diffusers' own inpainting pipeline."""
    from diffusers import ZImageControlNetInpaintPipeline, ZImageControlNetModel, ZImageInpaintPipeline

    unit = unit_of()
    more: dict[str, Any] = {}
    if control:
        net = ZImageControlNetModel.from_pretrained(folder / "layout")
        pipeline: Any = ZImageControlNetInpaintPipeline.from_pretrained(folder / "model", controlnet=net)
        more = {"control_image": Image.fromarray(unit.layout), "controlnet_conditioning_scale": 1.0}
        more["image"] = Image.fromarray(unit.image)
    else:
        pipeline = ZImageInpaintPipeline.from_pretrained(folder / "model")
        # It blends with the whole picture: make what is under the mask the mask's own grey.
        pixels = torch.from_numpy(unit.image)[None].permute(0, 3, 1, 2) / 127.5 - 1
        more["image"] = pixels.masked_fill(torch.from_numpy(unit.mask)[None, None] > 127, 0) / 2 + 0.5
    pipeline.set_progress_bar_config(disable=True)
    encode = pipeline.vae.encode
    # Its mean instead of a sample makes the two comparable.
    pipeline.vae.encode = lambda image: _Mean(encode(image).latent_dist.mode())
    start = noise((16, 8, 8), [7])
    if not control:
        # Given latents it draws other noise for the kept part; noise drawn by itself is the same for both.
        from diffusers.pipelines.z_image import pipeline_z_image_inpaint as module

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "randn_tensor", lambda *_, **__: start)
            return _picture(pipeline, unit, guidance, None, more)
    return _picture(pipeline, unit, guidance, start, more)


class _Mean:
    def __init__(self, latents: torch.Tensor) -> None:
        self.latents = latents


def _picture(pipeline: Any, unit: Any, guidance: float, start: Any, more: dict[str, Any]) -> np.ndarray:
    with torch.inference_mode():
        output = pipeline(
            prompt=unit.prompt,
            negative_prompt="text, letters",
            mask_image=Image.fromarray(unit.mask),
            width=64,
            height=64,
            num_inference_steps=3,
            guidance_scale=guidance,
            latents=start,
            output_type="np",
            **more,
        )
    return np.asarray(output.images[0] * 255)


@pytest.mark.parametrize(("guidance", "control"), [(0.0, False), (2.0, False), (0.0, True), (2.0, True)])
def test_the_picture_is_that_of_diffusers_own_pipeline(folder: Path, guidance: float, control: bool) -> None:
    layout = Control(model=str(folder / "layout"), scale=1.0) if control else None
    config = Diffusion(
        model=str(folder / "model"), device="cpu", steps=3, guidance_scale=guidance, layout=layout
    )
    (ours,) = paint(ZImagePainter(config, "text, letters", "tiny"), [unit_of()])
    assert ours.std() > 5
    assert np.abs(ours - diffusers_picture(folder, guidance, control=control)).max() < 1.01


def test_every_condition_acts_and_the_product_stays(folder: Path, controlled: ZImagePainter) -> None:
    check_conditions_act(controlled, ["text", "product", "layout", "sticker", "reference", "seed"])
    check_conditions_act(opened(folder), ["text", "product", "reference", "seed"])


def test_a_reference_of_other_colours_is_another_picture(folder: Path) -> None:
    flat = [
        np.full((40, 40, 3), colour, np.uint8) for colour in ((20, 30, 80), (240, 220, 150), (21, 30, 81))
    ]
    navy, cream, navy_too = paint(opened(folder), [unit_of(reference=picture) for picture in flat])
    assert (navy != cream).any() and np.array_equal(navy, navy_too), "what is told in words is all that acts"


def test_batches_do_not_matter(controlled: ZImagePainter) -> None:
    check_batches_do_not_matter(controlled)


def test_what_the_model_has_no_use_for_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"scene\.diffusion\.unet: Z-Image has no use"):
        opened(folder, unet=Weights(model="x"))
    for field, value in (("sampler", "lcm"), ("shared_steps", 1)):
        with pytest.raises(ValueError, match=rf"scene\.diffusion\.{field}: Z-Image has no use"):
            opened(folder, **{field: value})


def test_nothing_waits_for_the_card(folder: Path) -> None:
    check_nothing_waits_for_the_card(opened(folder))
