from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ray_tasks.engine.content_cache import ContentCache
from ray_tasks.engine.generate import BadPictureError
from ray_tasks.models.painters import open_painter
from ray_tasks.models.scene_prompts import SETTING_PHRASES
from ray_tasks.models.unet_painter import UnetPainter
from ray_tasks.pictures.geometry import Box
from schemas.instruction import SETTINGS
from schemas.model_config import Control, Diffusion, LoRA, Scene, Style, Weights
from schemas.revisions import scene_revision
from tests.ray_tasks.models.painter_checks import (
    check_batches_do_not_matter,
    check_conditions_act,
    check_nothing_waits_for_the_card,
    conditions,
    paint,
    unit_of,
)
from tests.tiny_models import (
    add_safety_checker,
    save_tiny_controlnet,
    save_tiny_inpaint_pipeline,
    save_tiny_ip_adapter,
    save_tiny_lcm_unet,
    save_tiny_lora,
    save_tiny_sdxl,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unets")
    save_tiny_inpaint_pipeline(path / "sd_inpaint")
    save_tiny_sdxl(path / "sdxl")
    save_tiny_sdxl(path / "sdxl_inpaint", in_channels=9)
    save_tiny_lcm_unet(path / "lcm")
    save_tiny_controlnet(path / "edges")
    save_tiny_controlnet(path / "layout", seed=1)
    save_tiny_ip_adapter(path / "style")
    save_tiny_lora(path / "lora")
    return path


def settings(folder: Path, model: str, **more: Any) -> Diffusion:
    return Diffusion(model=str(folder / model), device="cpu", steps=3, size_px=64, **more)


def opened(folder: Path, model: str, **more: Any) -> UnetPainter:
    painter = open_painter(settings(folder, model, **more), "tiny", None)
    assert isinstance(painter, UnetPainter)
    return painter


@pytest.fixture(scope="module")
def full(folder: Path) -> UnetPainter:
    return opened(
        folder,
        "sdxl",
        unet=Weights(model=str(folder / "lcm")),
        sampler="lcm",
        edges=Control(model=str(folder / "edges")),
        layout=Control(model=str(folder / "layout")),
        style=Style(model=str(folder / "style")),
    )


def diffusers_picture(folder: Path, model: str, controls: dict[str, Path], start: torch.Tensor) -> np.ndarray:
    """The same picture by diffusers' own inpainting pipeline."""
    from diffusers import (
        AutoPipelineForInpainting,
        ControlNetModel,
        StableDiffusionXLControlNetInpaintPipeline,
    )

    unit = unit_of()
    more: dict[str, Any] = {}
    if controls:
        nets = [ControlNetModel.from_pretrained(path) for path in controls.values()]
        pipeline: Any = StableDiffusionXLControlNetInpaintPipeline.from_pretrained(
            folder / model, controlnet=nets
        )
        maps = [Image.fromarray(getattr(unit, name)) for name in controls]
        more = {"control_image": maps, "controlnet_conditioning_scale": [0.5] * len(maps)}
    else:
        pipeline = AutoPipelineForInpainting.from_pretrained(folder / model)
    pipeline.set_progress_bar_config(disable=True)
    with torch.inference_mode():
        # diffusers samples from the autoencoder's distribution; its mean makes the two comparable.
        pipeline._encode_vae_image = lambda image, generator: (
            pipeline.vae.encode(image).latent_dist.mode() * pipeline.vae.config.scaling_factor
        )
        # ControlNet pipelines show the ground under the mask to a UNet with 4 inputs: make it the mask's own grey.
        pixels = torch.from_numpy(unit.image)[None].permute(0, 3, 1, 2) / 127.5 - 1
        grey = pixels.masked_fill(torch.from_numpy(unit.mask)[None, None] > 127, 0) / 2 + 0.5
        output = pipeline(
            prompt=unit.prompt,
            negative_prompt="text, letters",
            image=grey,
            mask_image=Image.fromarray(unit.mask),
            width=64,
            height=64,
            strength=1.0,
            num_inference_steps=3,
            guidance_scale=6.0,
            latents=start,
            output_type="np",
            **more,
        )
    return np.asarray(output.images[0] * 255)


@pytest.mark.parametrize(
    ("model", "controls"),
    [("sd_inpaint", ()), ("sdxl_inpaint", ()), ("sdxl", ()), ("sdxl", ("edges", "layout"))],
)
def test_the_picture_is_that_of_diffusers_own_pipeline(
    folder: Path, model: str, controls: tuple[str, ...]
) -> None:
    from ray_tasks.engine.generate import noise

    config = settings(folder, model, **{name: Control(model=str(folder / name)) for name in controls})
    painter = UnetPainter(config, "text, letters", "tiny")
    (ours,) = paint(painter, [unit_of()])
    theirs = diffusers_picture(
        folder, model, {name: folder / name for name in controls}, noise((4, 8, 8), [7])
    )
    assert ours.std() > 5
    assert np.abs(ours - theirs).max() < 1.01


def test_every_condition_acts_and_the_product_stays(full: UnetPainter) -> None:
    check_conditions_act(full, ["text", "product", "layout", "sticker", "reference", "seed"])


def test_another_style_picture_is_another_picture(full: UnetPainter) -> None:
    units = conditions()
    first, second = paint(full, [units["reference"], units["other reference"]])
    assert (first != second).any()


@pytest.mark.parametrize("sampler", ["own", "lcm"])
def test_batches_do_not_matter(folder: Path, full: UnetPainter, sampler: str) -> None:
    check_batches_do_not_matter(full if sampler == "lcm" else opened(folder, "sdxl"))


def test_personas_share_what_is_encoded_of_their_product(full: UnetPainter) -> None:
    cache = ContentCache()
    units = [unit_of(seed, prompt) for seed, prompt in enumerate(["a table", "a beach", "a table", "a desk"])]
    with torch.inference_mode():
        full.condition(units, cache)
    assert cache.computed == 3 + 1 + 1, "three texts, one product, no style picture"


def test_what_the_models_own_safety_checker_refuses_is_told_as_that(tmp_path: Path) -> None:
    for name in ("strict", "lenient"):
        save_tiny_inpaint_pipeline(tmp_path / name)
        add_safety_checker(tmp_path / name, refuses=name == "strict")
    with pytest.raises(BadPictureError, match="safety_refused: the model's own"):
        paint(opened(tmp_path, "strict"), [unit_of()])
    (picture,) = paint(opened(tmp_path, "lenient"), [unit_of()])
    assert picture.std() > 5


def test_a_long_prompt_is_cut_by_whole_phrases_and_the_log_says_so(
    full: UnetPainter, caplog: pytest.LogCaptureFixture
) -> None:
    assert full.prompts.fit("a table, soft light, " + "x" * 80) == "a table, soft light"
    assert "left out" in caplog.text
    with pytest.raises(ValueError, match="prompt_too_long"):
        full.prompts.fit("x" * 200)
    with pytest.raises(ValueError, match=r"prompt_script.*Latin"):
        full.prompts.fit("木桌上的产品")


def test_a_lost_part_is_named(folder: Path) -> None:
    with pytest.raises(OSError, match=r"scene\.diffusion\.edges.*config\.json"):
        opened(folder, "sdxl", edges=Control(model=str(folder / "nothing")))
    with pytest.raises(ValueError, match=r"scene\.diffusion\.unet\.revision"):
        opened(folder, "sdxl", unet=Weights(model="some/unet"))


def test_a_part_of_another_kind_or_family_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"scene\.diffusion\.layout.*lacks weights of a ControlNetModel"):
        opened(folder, "sdxl", layout=Control(model=str(folder / "sdxl" / "unet")))
    with pytest.raises(
        ValueError, match=r"scene\.diffusion\.edges: a ControlNet of another family.*of 32.*of 16"
    ):
        opened(folder, "sd_inpaint", edges=Control(model=str(folder / "edges")))


@pytest.mark.parametrize("sampler", ["own", "lcm"])
def test_a_products_scenes_share_their_first_steps_where_that_is_asked_for(
    folder: Path, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, Any] = {"layout": Control(model=str(folder / "layout"))} if sampler == "own" else {}
    painter = opened(folder, "sdxl", sampler=sampler, guidance_scale=1.0, shared_steps=1, **more)
    prompts = [f"product photo {SETTING_PHRASES[setting]}" for setting in SETTINGS[:16:4]]
    units = [unit_of(seed, prompt) for seed, prompt in enumerate(prompts)]
    units.append(unit_of(4, "a rock", text_area=Box(2, 2, 16, 60)))
    rows: list[int] = []
    forward = painter._unet.forward
    monkeypatch.setattr(
        painter._unet, "forward", lambda x, *a, **k: rows.append(len(x)) or forward(x, *a, **k)
    )
    together = paint(painter, units)
    # A layout map of its own is a beginning of its own; without that map, the two layouts are shown the same.
    distinct = 2 if sampler == "own" else 1
    assert rows == [distinct, 5, 5]
    assert len({picture.tobytes() for picture in together}) == 5, "words still part the scenes"
    for alone, one in zip((paint(painter, [unit])[0] for unit in units), together, strict=True):
        assert np.abs(alone.astype(int) - one.astype(int)).max() <= 1, "whoever else is in the batch"
    check_conditions_act(painter, ["text", "product", *(["layout"] if more else [])])
    plain = paint(opened(folder, "sdxl", sampler=sampler, guidance_scale=1.0, **more), units[:1])[0]
    assert (plain != together[0]).any() and scene_revision(of(painter)) != scene_revision(
        of(opened(folder, "sdxl"))
    )


def of(painter: UnetPainter) -> Scene:
    return Scene(backend="diffusion", diffusion=painter._config)


def test_steps_are_not_shared_where_they_cannot_be(folder: Path, tmp_path: Path) -> None:
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionXLPipeline

    with pytest.raises(ValueError, match="leave no step for a scene's own words"):
        settings(folder, "sdxl", shared_steps=3)
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder / "sdxl")
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.save_pretrained(tmp_path / "dpm", safe_serialization=True)
    with pytest.raises(ValueError, match="DPMSolverMultistepScheduler looks back"):
        opened(tmp_path, "dpm", shared_steps=1)


def test_a_reference_without_an_adapter_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"scene\.diffusion\.style"):
        opened(folder, "sdxl", references={"default": "style.jpg"})


def test_convolutions_run_channels_last(full: UnetPainter) -> None:
    for model in (full._vae, full._unet, *(model for *_, model in full._controls)):
        kernels = [p for p in model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1]
        assert kernels and all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


def test_a_lora_is_part_of_the_unet_from_its_loading_on(folder: Path) -> None:
    from diffusers import StableDiffusionXLPipeline

    lora = LoRA(model=str(folder / "lora"), scale=0.7)
    painter = opened(folder, "sdxl", lora=lora)
    ours = painter._unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1.to_q").weight
    reference = StableDiffusionXLPipeline.from_pretrained(folder / "sdxl")
    before = reference.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight.detach().clone()
    reference.load_lora_weights(str(folder / "lora"))
    reference.fuse_lora(lora_scale=0.7)
    theirs = reference.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.base_layer.weight
    assert torch.allclose(ours, theirs, atol=1e-6) and (ours - before).abs().max() > 0.1
    assert not any("lora" in name for name, _ in painter._unet.named_parameters())
    plain = opened(folder, "sdxl")
    (one,), (other,) = paint(painter, [unit_of()]), paint(plain, [unit_of()])
    assert (one != other).any()
    assert scene_revision(of(painter)) != scene_revision(of(plain))
    with pytest.raises(OSError, match=r"scene\.diffusion\.lora.*pytorch_lora_weights"):
        opened(folder, "sdxl", lora=LoRA(model=str(folder / "lcm")))


@pytest.mark.parametrize("sampler", ["lcm", "own"])
def test_nothing_waits_for_the_card(folder: Path, sampler: Any) -> None:
    controls = {name: Control(model=str(folder / name)) for name in ("edges", "layout")}
    painter = opened(folder, "sdxl", sampler=sampler, guidance_scale=3.0, **controls)
    check_nothing_waits_for_the_card(painter, new_texts=True)
