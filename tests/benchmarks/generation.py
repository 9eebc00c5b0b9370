"""Pictures a second: a plain loop around diffusers, Ray around it, diffusers tuned by its guide, ours, and the floor.

    python -m tests.benchmarks.generation                         # tiny shapes on the CPU: proves that it runs
    python -m tests.benchmarks.generation --size sdxl --device cuda --units 48 --record-rates var   # one card, 15 min

With --record-rates, `python -m jobs.plan_night` estimates by our rate at 4 steps until a finished night has its own.

Weights are random in the shapes of SDXL: operations, memory and batching are real, the pictures are not. Work is
inpainting around products, four personas each. Arms take turns, round after round; each ends with uint8 pictures in
host memory. Arm b is left out where there is no Ray. Arm d3 also scores them before they are copied, which takes the
same time whatever the model's size; the plan reads its rate. The floor is the operations of one picture over what this
card does in a large bfloat16 matrix product, measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.generate import Engine
from ray_tasks.engine.unit import Unit
from ray_tasks.models.extension import surroundings
from ray_tasks.models.scene_conditions import depth_map, outlines, product_on_neutral
from ray_tasks.models.scene_prompts import NEGATIVE_PROMPT, scene_prompt
from ray_tasks.models.scene_scorer import SceneScorer
from ray_tasks.models.unet_painter import UnetPainter
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import SceneOrder, SceneSpec
from schemas.instruction import SETTINGS
from schemas.model_config import Diffusion
from tests.benchmarks.sdxl_sized import save_sdxl_sized
from tests.ray_tasks.pictures.product_shapes import bottle
from tests.tiny_models import save_tiny_sdxl

OURS = "d: ours"
SCORED = "d3: ours, scored on the card as a night does"
PERSONAS = 4
TUNED_BATCH = 8
"""Prompts that the tuned arm gives to a call, as the guide's page on batches has it."""


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
    """Arm a, and with `batch` and `tuned` arm c: diffusers' own inpainting pipeline."""

    def __init__(
        self, folder: Path, device: str, setting: Setting, batch: int = 1, *, tuned: bool = False
    ) -> None:
        from diffusers import StableDiffusionXLInpaintPipeline

        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self._pipeline = StableDiffusionXLInpaintPipeline.from_pretrained(folder, dtype=dtype).to(device)
        self._pipeline.set_progress_bar_config(disable=True)
        self._setting, self._batch = setting, batch
        if tuned:
            # Diffusers documentation, "Accelerate inference": bfloat16, fused projections, channels last,
            # and compilation of the repeated blocks.
            self._pipeline.fuse_qkv_projections()
            self._pipeline.unet.to(memory_format=torch.channels_last)
            self._pipeline.vae.to(memory_format=torch.channels_last)
            if device == "cuda":
                self._pipeline.unet.compile_repeated_blocks(fullgraph=True)

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


class Measured(SceneScorer):
    """Scores every picture on the card, as a night does, and keeps it: weights that are random paint nothing good."""

    def fault(self, index: int, measured: Sequence[float]) -> Exception | None:
        """See Scorer."""
        return None


class RayLoop:
    """Arm b: the same loop in an actor of Ray Data."""

    def __init__(self, folder: Path, device: str, setting: Setting, side: int) -> None:
        self._loop = DiffusersLoop(folder, device, setting)
        self._side = side

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Numbers of units -> checksums and the moments at which they were done."""
        every = units(int(batch["number"].max()) + 1, self._side)
        sums, moments = [], []
        for number in batch["number"]:
            sums.append(int(self._loop.paint([every[number]])[0].astype(np.int64).sum()))
            moments.append(time.time())
        return {"sum": np.array(sums), "moment": np.array(moments)}


def ray_rate(folder: Path, device: str, setting: Setting, count: int, side: int) -> float:
    """Pictures a second of arm b once its actor is warm: its start and loading are not counted."""
    import ray

    from infra.ray_session import start_ray
    from schemas.config import Engines

    start_ray(Engines(cores=2))
    rows = (
        ray.data.range(count + 1, override_num_blocks=1)
        .rename_columns({"id": "number"})
        .map_batches(
            RayLoop,
            fn_constructor_args=(folder, device, setting, side),
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


def matmul_flops(device: str) -> float:
    """Operations a second of a large matrix product in the arms' precision, best of five."""
    side, dtype = (8192, torch.bfloat16) if device == "cuda" else (512, torch.float32)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    times = []
    for _ in range(6):
        started = time.perf_counter()
        for _ in range(10):
            a @ b
        _wait(device)
        times.append(time.perf_counter() - started)
    return 10 * 2 * side**3 / min(times[1:])


def flops_of_one(engine: Engine, unit: Unit) -> float:
    """Operations that one picture needs, counted: text, encode, all steps, decode."""
    from torch.utils.flop_counter import FlopCounterMode

    from ray_tasks.engine.content_cache import ContentCache

    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        conditions = engine.painter.condition([unit], ContentCache())
        engine.painter.decode(engine.painter.denoise(conditions, [unit.seed]))
    return float(counter.get_total_flops())


def idle_share(engine: Engine, work: list[Unit], wall_s: float) -> float | None:
    """Share of the time in which nothing ran on the card; None on the CPU.

    wall_s: what the same work takes unobserved. The profiler gives only what the card's own clock says of kernels and
    copies, which it does not slow down; the time that it costs the host is in none of the two.
    """
    if engine.painter.device.type != "cuda":
        return None
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        list(engine.generate(work, scorer=Measured(None)))
        torch.cuda.synchronize()
    events = (event for event in profiler.events() or () if event.device_type == DeviceType.CUDA)
    return max(0.0, 1 - covered((one.time_range.start, one.time_range.end) for one in events) / 1e6 / wall_s)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of spans: what runs beside something else counts once."""
    total, end = 0.0, -math.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def rate(paint: Callable[[], Any], count: int, device: str) -> float:
    """Pictures a second of one run."""
    started = time.perf_counter()
    paint()
    _wait(device)
    return count / (time.perf_counter() - started)


def rate_row(device: str, side: int, count: int, wall_s: float, core_s: float) -> dict[str, Any]:
    """A row of `rates` without its night: what one picture takes of us, of `count` that took so long."""
    # Delta is needed for this alone.
    from jobs.planning.rates import DRAW, UNMEASURED, canvas

    on_card = device == "cuda"
    return {
        "stage": DRAW,
        "unit": canvas("diffusion", side, side),
        "units": count,
        "core_s": core_s / count,
        "gpu_s": wall_s / count if on_card else 0.0,
        # What a picture weighs when it is stored no benchmark knows.
        "bytes": UNMEASURED["bytes"] * side * side / 1e6,
        "attempts": 1.0,
        "wall_s": wall_s,
    }


def compare(
    folder: Path, device: str, setting: Setting, count: int, side: int, rounds: int, state: Path
) -> tuple[str, float, float]:
    """A Markdown table of one setting, and the wall and core seconds of our round as a night runs it."""
    work = units(count, side)
    engine = ours(folder, device, setting, side, state)
    sharing = ours(folder, device, setting, side, state, setting.steps // PERSONAS)
    flops = flops_of_one(engine, work[0])
    a = DiffusersLoop(folder, device, setting)
    c = DiffusersLoop(folder, device, setting, TUNED_BATCH, tuned=True)
    arms: dict[str, Callable[[], float]] = {
        "a: diffusers loop, batch 1": lambda: rate(lambda: a.paint(work[: count // 2]), count // 2, device),
        "b: Ray map_batches around a": lambda: ray_rate(folder, device, setting, count // 2, side),
        f"c: diffusers by its guide, batch {TUNED_BATCH}": lambda: rate(lambda: c.paint(work), count, device),
        OURS: lambda: rate(lambda: _all_outcomes(engine, work), count, device),
        SCORED: lambda: rate(lambda: _all_outcomes(engine, work, Measured(None)), count, device),
        "d2: ours, a quarter of the steps shared": lambda: rate(
            lambda: _all_outcomes(sharing, work), count, device
        ),
    }
    if find_spec("ray") is None:
        del arms["b: Ray map_batches around a"]
    # Compilation, and the sweep for our batch size.
    a.paint(work[:1])
    c.paint(work[:TUNED_BATCH])
    for each in (engine, sharing):
        while not each.sizes.settled(each.painter.name, work[0].shape):
            list(each.generate(units(max(count, 64), side)))
    # What the sweep left in the cache would be a gift.
    rates: dict[str, list[float]] = {name: [] for name in arms}
    peaks: list[float] = []
    core_s: list[float] = []
    for _ in range(rounds):
        peaks.append(matmul_flops(device))
        for name, arm in arms.items():
            engine.cache.clear()
            sharing.cache.clear()
            before_s = time.process_time()
            rates[name].append(arm())
            if name == SCORED:
                core_s.append(time.process_time() - before_s)
    peak = statistics.median(peaks)
    floor = peak / flops
    base = statistics.median(rates["a: diffusers loop, batch 1"])
    lines = [
        f"\n{setting.name}, {side} x {side} px, {count} units of {count // PERSONAS} products; "
        f"{flops / 1e12:.3g} TFLOP a picture; matrix product {peak / 1e12:.3g} TFLOP/s\n",
        "| arm | pictures a second, median | least, most | times a | share of the floor |",
        "|---|---|---|---|---|",
    ]
    for name, found in rates.items():
        middle = statistics.median(found)
        lines.append(
            f"| {name} | {middle:.3g} | {min(found):.3g}, {max(found):.3g} | {middle / base:.2f} | "
            f"{middle / floor:.1%} |"
        )
    lines.append(f"| e: floor by operations | {floor:.3g} | | {floor / base:.2f} | 100% |")
    size = engine.sizes.size(engine.painter.name, work[0].shape)
    engine.cache.clear()
    wall_s = count / statistics.median(rates[SCORED])
    idle = idle_share(engine, work, wall_s)
    lines.append(f"\nours: batch {size}" + (f", card idle {idle:.1%}" if idle is not None else ""))
    return "\n".join(lines), wall_s, statistics.median(core_s)


def _all_outcomes(engine: Engine, work: list[Unit], scorer: Measured | None = None) -> None:
    outcomes = list(engine.generate(work, scorer=scorer))
    if len(outcomes) != len(work):
        raise RuntimeError(f"{len(work)} units, {len(outcomes)} outcomes")


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=("tiny", "sdxl"), default="tiny")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--units", type=int, default=16, help="pictures a round; a multiple of 8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--record-rates", type=Path, metavar="STATE", help="where jobs.plan_night reads our rate"
    )
    parser.add_argument(
        "--models", type=Path, help="where the random weights are kept; a temporary folder if left out"
    )
    args = parser.parse_args()
    if args.device == "cpu":
        torch.set_num_threads(1)
    card = torch.cuda.get_device_name() if args.device == "cuda" else f"{platform.machine()} CPU, one thread"
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.models or Path(scratch)) / args.size
        if not (folder / "model_index.json").is_file():
            save_sdxl_sized(folder, args.device) if args.size == "sdxl" else save_tiny_sdxl(folder)
        side = 1024 if args.size == "sdxl" else 64
        sys.stdout.write(f"{' '.join(sys.argv)}; {card}, torch {torch.__version__}, {dt.date.today()}\n")
        for setting in SETTINGS_COMPARED:
            table, wall_s, core_s = compare(
                folder, args.device, setting, args.units, side, args.rounds, Path(scratch)
            )
            sys.stdout.write(table + "\n")
            sys.stdout.flush()
        if args.record_rates is not None:
            from jobs.planning.rates import record_benchmark

            # Of 4 steps, as infra/config/gpu.toml draws.
            record_benchmark(args.record_rates, rate_row(args.device, side, args.units, wall_s, core_s))


if __name__ == "__main__":
    main()
