"""The arms of tests.benchmarks.generation: diffusers alone, in Ray, tuned by its guide, and ours, on the same work."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.generate import Engine
from ray_tasks.engine.unit import Unit
from ray_tasks.models.extension import surroundings
from ray_tasks.models.scene_conditions import depth_map, outlines, product_on_neutral
from ray_tasks.models.scene_prompts import NEGATIVE_PROMPT, scene_prompt
from ray_tasks.models.unet_painter import UnetPainter
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import SceneOrder, SceneSpec
from schemas.instruction import SETTINGS
from schemas.model_config import Diffusion
from tests.ray_tasks.pictures.product_shapes import bottle

PERSONAS = 4
GUIDE = {
    "max_autotune": True,
    "triton.cudagraphs": True,
    "coordinate_descent_tuning": True,
    "coordinate_descent_check_all_directions": True,
    "conv_1x1_as_mm": True,
    "epilogue_fusion": False,
}
"""The compiler's settings of diffusers' documentation, "Accelerate inference": mode max-autotune, and four more."""


@dataclass(frozen=True)
class Setting:
    """Steps and guidance of one comparison."""

    name: str
    steps: int
    guidance: float


SETTINGS_COMPARED = (Setting("20 steps, guided", 20, 6.0), Setting("4 steps", 4, 1.0))


def units(count: int, side: int) -> list[Unit]:
    """Units of products at different places, `PERSONAS` scenes each."""
    made = []
    for number in range(count):
        product, persona = divmod(number, PERSONAS)
        left = side // 8 + (product * side // 16) % (side // 4)
        placed = place_product(
            bottle(rgb=(40 + 20 * (product % 8), 90, 60)),
            Canvas(side, side),
            Box(left, side // 3, left + side // 3, side * 9 // 10),
        )
        setting = SETTINGS[(number * 7) % len(SETTINGS)]
        mood = ("calm", "fresh", "cosy", "premium")[persona]
        spec = SceneSpec(setting, "window_left", "all", mood, ("#8a5a36", "#d9a05b"), ())
        order = SceneOrder(spec, placed, Box(side // 16, side // 16, side * 15 // 16, side // 4), number)
        image, mask, alpha = product_on_neutral(placed, (side, side))
        maps = outlines(image, mask), depth_map(order, mask)
        prompt = scene_prompt(spec, has_text=True)
        made.append(Unit(prompt, image, mask, *maps, number, alpha, surroundings(placed)))
    return made


class DiffusersLoop:
    """Arm a, and tuned by diffusers' documentation arms c: its own inpainting pipeline.

    regions: with fused projections, channels last, and its repeated blocks compiled. whole: likewise, and all of UNet
    and decoder are compiled, as its page on speed has it for SDXL.
    """

    def __init__(
        self,
        folder: Path,
        device: str,
        setting: Setting,
        batch: int = 1,
        tuned: Literal["not", "regions", "whole"] = "not",
    ) -> None:
        from diffusers import StableDiffusionXLInpaintPipeline

        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        pipeline = StableDiffusionXLInpaintPipeline.from_pretrained(folder, dtype=dtype).to(device)
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline, self._setting, self._batch = pipeline, setting, batch
        if tuned == "not":
            return
        pipeline.fuse_qkv_projections()
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
        if device == "cpu":
            return
        if tuned == "regions":
            pipeline.unet.compile_repeated_blocks(fullgraph=True)
        else:
            pipeline.unet.compile(fullgraph=True, options=GUIDE)
            pipeline.vae.decode = torch.compile(pipeline.vae.decode, fullgraph=True, options=GUIDE)

    def paint(self, work: list[Unit]) -> list[np.ndarray]:
        """(h, w, 3) uint8 each."""
        made: list[np.ndarray] = []
        for start in range(0, len(work), self._batch):
            some = work[start : start + self._batch]
            output = self._pipeline(
                prompt=[unit.prompt for unit in some],
                negative_prompt=[NEGATIVE_PROMPT] * len(some),
                image=[Image.fromarray(unit.image) for unit in some],
                mask_image=[Image.fromarray(unit.mask) for unit in some],
                height=some[0].shape[0],
                width=some[0].shape[1],
                strength=1.0,
                num_inference_steps=self._setting.steps,
                guidance_scale=self._setting.guidance,
                generator=[torch.Generator("cpu").manual_seed(unit.seed) for unit in some],
                output_type="pil",
            )
            made += [np.asarray(image) for image in output.images]
        return made


class RayLoop:
    """Arm b: the same loop in an actor of Ray Data."""

    def __init__(self, folder: Path, device: str, setting: Setting, count: int, side: int) -> None:
        self._loop = DiffusersLoop(folder, device, setting)
        self._units = units(count, side)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Numbers of units -> checksums and the moments at which they were done."""
        sums, moments = [], []
        for number in batch["number"]:
            sums.append(int(self._loop.paint([self._units[number]])[0].astype(np.int64).sum()))
            moments.append(time.time())
        return {"sum": np.array(sums), "moment": np.array(moments)}


def ray_rate(folder: Path, device: str, setting: Setting, count: int, side: int) -> float:
    """Pictures a second of arm b once its actor is warm: its start, loading and first picture are not counted."""
    import ray

    from infra.ray_session import start_ray
    from schemas.config import Engines

    start_ray(Engines(cores=2))
    if device == "cuda":
        # The actor is another process: what this one keeps for itself it cannot have.
        torch.cuda.empty_cache()
    rows = (
        ray.data.range(count + 1, override_num_blocks=1)
        .rename_columns({"id": "number"})
        .map_batches(
            RayLoop,
            fn_constructor_args=(folder, device, setting, count + 1, side),
            batch_size=4,
            compute=ray.data.ActorPoolStrategy(size=1),
            num_cpus=0.5,
            num_gpus=1 if device == "cuda" else 0,
        )
        .take_all()
    )
    moments = sorted(row["moment"] for row in rows)
    return count / float(moments[-1] - moments[0])


def ours(folder: Path, device: str, setting: Setting, side: int, state: Path, shared: int = 0) -> Engine:
    """Arm d, and with `shared` first steps for all of a product's personas arm d2."""
    config = Diffusion(
        model=str(folder),
        device="cuda" if device == "cuda" else "cpu",
        steps=setting.steps,
        guidance_scale=setting.guidance,
        size_px=side,
        compile=device == "cuda",
        shared_steps=shared,
    )
    painter = UnetPainter(config, NEGATIVE_PROMPT, f"benchmark {setting.name}, {shared} shared")
    card = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return Engine(painter, BatchSizes(card, 16, state / f"{setting.steps} {shared}.json"))
