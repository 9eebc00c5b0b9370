"""Pictures a second: a plain loop around diffusers, Ray around it, diffusers tuned by its guide, ours, and the floor.

    python -m tests.benchmarks.generation                         # tiny shapes on the CPU: proves that it runs
    python -m tests.benchmarks.generation --size sdxl --device cuda --units 48 --record-rates var   # a card of 80 GB

With --record-rates, `python -m jobs.plan_night` estimates by our rate at 4 steps until a finished night has its own.

Weights are random in the shapes of SDXL: operations, memory and batching are real, the pictures are not. Work is
inpainting around products, four personas each. Arms take turns, round after round; each ends with uint8 pictures in
host memory, and each has compiled before. Arms c paint as many at once as our sweep found best. An arm that fails is
told and left out; so is arm b where there is no Ray. Arm d3 also scores pictures before they are copied, which takes
the same time whatever the model's size; the plan reads its rate. The floor is the operations of one picture, its
product's encode shared by its personas, over what this card does in a large bfloat16 matrix product, measured in the
same run: an arm's share of it is its model FLOP use. Core-seconds are this process's, so arm b has none; other work
on the machine moves them less than the rates.
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
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from ray_tasks.engine.content_cache import ContentCache
from ray_tasks.engine.generate import Engine
from ray_tasks.engine.unit import Failed, Unit
from ray_tasks.models.loading import quiet_libraries
from ray_tasks.models.scene_scorer import SceneScorer
from tests.benchmarks.generation_arms import (
    PERSONAS,
    SETTINGS_COMPARED,
    DiffusersLoop,
    Setting,
    ours,
    ray_rate,
    units,
)
from tests.benchmarks.sdxl_sized import save_sdxl_sized
from tests.tiny_models import save_tiny_sdxl

BASE = "a: diffusers loop, batch 1"
RAY = "b: Ray map_batches around a"
OURS = "d: ours"
SCORED = "d3: ours, scored on the card as a night does"


class Measured(SceneScorer):
    """Scores every picture on the card, as a night does, and keeps it: weights that are random paint nothing good."""

    def fault(self, index: int, measured: Sequence[float]) -> Exception | None:
        """See Scorer."""
        return None


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


def flops_of_one(engine: Engine, product: Sequence[Unit]) -> float:
    """Operations that one picture needs, counted: text, all steps, decode, and its share of its product's encode.

    product: the units of all its personas.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    # Nothing can be counted in what is compiled.
    with torch.compiler.set_stance("force_eager"), counter, torch.inference_mode():
        conditions = engine.painter.condition(product, ContentCache())
        engine.painter.decode(engine.painter.denoise(conditions, [unit.seed for unit in product]))
    return float(counter.get_total_flops()) / len(product)


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
        _paint_all(engine, work, Measured(None))
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
    flops = flops_of_one(engine, work[:PERSONAS])
    for one in (engine, sharing):
        # The sweep for our batch size; what it leaves in the cache is cleared below.
        while not one.sizes.settled(one.painter.name, work[0].shape):
            _paint_all(one, units(max(count, 64), side))
    size, size_sharing = (one.sizes.size(one.painter.name, work[0].shape) for one in (engine, sharing))
    at_once = min(size, count)
    half = work[: count // 2]
    Paint = Callable[[list[Unit]], Any]
    opened: dict[str, Callable[[], Paint]] = {
        BASE: lambda: DiffusersLoop(folder, device, setting).paint,
        f"c: diffusers by its guide, batch {at_once}, blocks compiled": (
            lambda: DiffusersLoop(folder, device, setting, at_once, "regions").paint
        ),
        "c2: the same, UNet and decoder compiled whole": (
            lambda: DiffusersLoop(folder, device, setting, at_once, "whole").paint
        ),
        OURS: lambda: partial(_paint_all, engine),
        SCORED: lambda: partial(_paint_all, engine, scorer=Measured(None)),
        "d2: ours, a quarter of the steps shared": lambda: partial(_paint_all, sharing),
    }
    arms: dict[str, Callable[[], float]] = {}
    rates: dict[str, list[float]] = {}
    told: list[str] = []

    def tried(name: str, part: Callable[[], Any]) -> Any:
        try:
            return part()
        except Exception as error:
            arms.pop(name, None)
            rates.pop(name, None)
            told.append(f"{name}: left out, {type(error).__name__}: {' '.join(str(error).split())[:300]}")
            sys.stderr.write(f"{told[-1]}\n")
            return None

    for name, open_arm in opened.items():
        if (paint := tried(name, open_arm)) is not None:
            some, first = (half, work[:1]) if name == BASE else (work, work[:at_once])
            arms[name] = partial(rate, partial(paint, some), len(some), device)
            # A compiler compiles at the first call, and a graph is recorded at the second.
            for _ in range(3):
                if name in arms:
                    tried(name, partial(paint, first))
        if name == BASE and find_spec("ray") is not None:
            arms[RAY] = partial(ray_rate, folder, device, setting, len(half), side)
    peaks: list[float] = []
    cores: dict[str, list[float]] = {}
    for _ in range(rounds):
        peaks.append(matmul_flops(device))
        for name, arm in list(arms.items()):
            engine.cache.clear()
            sharing.cache.clear()
            before_s = time.process_time()
            if (found := tried(name, arm)) is None:
                continue
            rates.setdefault(name, []).append(found)
            if name != RAY:
                used_s = time.process_time() - before_s
                cores.setdefault(name, []).append(used_s / (len(half) if name == BASE else count))
    if not {OURS, SCORED} <= rates.keys():
        raise RuntimeError("; ".join(told))
    peak = statistics.median(peaks)
    floor = peak / flops
    middle = {name: statistics.median(found) for name, found in rates.items()}
    core_s = {name: statistics.median(found) for name, found in cores.items()}
    base = middle.get(BASE, math.nan)
    lines = [
        f"\n{setting.name}, {side} x {side} px, {count} units of {count // PERSONAS} products; "
        f"{flops / 1e12:.3g} TFLOP a picture; matrix product {peak / 1e12:.3g} TFLOP/s\n",
        "| arm | pictures a second, median | least, most | times a | share of the floor | core-s a picture |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in sorted(rates.items(), key=lambda pair: pair[0].split(":")[0]):
        lines.append(
            f"| {name} | {middle[name]:.3g} | {min(each):.3g}, {max(each):.3g} | {middle[name] / base:.2f} | "
            f"{middle[name] / floor:.1%} | {f'{core_s[name]:.3g}' if name in core_s else ''} |"
        )
    lines.append(f"| e: floor by operations | {floor:.3g} | | {floor / base:.2f} | 100% | |")
    engine.cache.clear()
    wall_s = count / middle[SCORED]
    idle = idle_share(engine, work, wall_s)
    tuned = max((one for name, one in middle.items() if name.startswith("c")), default=math.nan)
    lines.append(
        f"\nours: batch {size} (d2: {size_sharing}), {middle[OURS] / tuned:.2f} times the better c"
        + (f", card idle {idle:.1%}" if idle is not None else "")
    )
    return "\n".join([*lines, *told]), wall_s, count * core_s[SCORED]


def _paint_all(engine: Engine, work: list[Unit], scorer: Measured | None = None) -> None:
    outcomes = list(engine.generate(work, scorer=scorer))
    if failed := [one.error for one in outcomes if isinstance(one, Failed)]:
        raise RuntimeError(f"{len(failed)} of {len(work)} units failed: {failed[0]}")
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
        "--steps", type=int, nargs="+", choices=(20, 4), default=[20, 4], help="what is compared"
    )
    parser.add_argument(
        "--record-rates", type=Path, metavar="STATE", help="where jobs.plan_night reads our rate"
    )
    parser.add_argument(
        "--models", type=Path, help="where the random weights are kept; a temporary folder if left out"
    )
    args = parser.parse_args()
    quiet_libraries()
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
            if setting.steps not in args.steps:
                continue
            table, wall_s, core_s = compare(
                folder, args.device, setting, args.units, side, args.rounds, Path(scratch)
            )
            sys.stdout.write(table + "\n")
            sys.stdout.flush()
            # 4 steps are what infra/config/gpu.toml draws.
            if args.record_rates is not None and setting.steps == 4:
                from jobs.planning.rates import record_benchmark

                record_benchmark(args.record_rates, rate_row(args.device, side, args.units, wall_s, core_s))


if __name__ == "__main__":
    main()
