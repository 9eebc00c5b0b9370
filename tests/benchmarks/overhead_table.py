"""The benchmark's page: times, core-seconds and memory of night and bare, and where the difference goes."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bare_night import Bare

Span = tuple[float, float]


@dataclass
class StageTime:
    """When a stage ran in a night (seconds since 1970), and its peak memory in MiB."""

    name: str
    spans: list[Span]
    peak_mb: int

    @property
    def wall_s(self) -> float:
        """The wall time of all runs together."""
        return sum(end - begin for begin, end in self.spans)


@dataclass
class Night:
    """What a night took. Times in seconds, memory in MiB."""

    wall_s: float
    cpu_s: float
    peak_mb: int
    stages: list[StageTime]


@dataclass
class Pair:
    """A night and the bare run on its rows."""

    night: Night
    bare: Bare

    @property
    def ratio(self) -> float:
        """wall(night) / wall(bare)."""
        return self.night.wall_s / self.bare.wall_s


def covered_s(spans: Sequence[Span]) -> float:
    """The length of the union of spans, so that shards that run side by side count once."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _spread(values: Sequence[float], digits: int = 1) -> str:
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def results_page(config: Path, pairs: Sequence[Pair]) -> str:
    """All results as Markdown: medians over the pairs, with the smallest and largest value when there are several."""
    cores = len(os.sched_getaffinity(0))
    first = pairs[0].bare
    wrong = sum(len(pair.bare.mismatches) for pair in pairs)
    nights, bares = [pair.night for pair in pairs], [pair.bare for pair in pairs]
    whole = [pair.night.wall_s / (pair.bare.wall_s / cores) for pair in pairs]
    lines = [
        f"# The night against its bare functions: {config.stem}",
        "",
        f"{first.products} products, {first.pictures} pictures drawn (retries included), {len(pairs)} "
        f"repetition{'s' if len(pairs) > 1 else ''}, {cores} cores ({platform.machine()}, Python "
        f"{platform.python_version()}). Bare is one process with one thread. "
        + (
            f"**{wrong} results differ between night and bare.**"
            if wrong
            else "Instructions, pictures (SHA-256) and verdicts of both are the same."
        ),
        "",
        f"**wall(night) / wall(bare) = {_spread([pair.ratio for pair in pairs], 2)}**",
        "",
        "| | night | bare | night / bare |",
        "|---|---:|---:|---:|",
        _row(
            "wall, s",
            _spread([night.wall_s for night in nights]),
            _spread([bare.wall_s for bare in bares]),
            _spread([pair.ratio for pair in pairs], 2),
        ),
        _row(
            f"wall, s, had bare divided itself over {cores} cores without loss",
            _spread([night.wall_s for night in nights]),
            _spread([bare.wall_s / cores for bare in bares]),
            _spread(whole, 2),
        ),
        _row(
            "CPU, core-seconds",
            _spread([night.cpu_s for night in nights]),
            _spread([bare.cpu_s for bare in bares]),
            _spread([pair.night.cpu_s / pair.bare.cpu_s for pair in pairs], 2),
        ),
        _row(
            "peak memory, MiB (night: all processes, shared pages counted in each)",
            _spread([night.peak_mb for night in nights], 0),
            _spread([bare.peak_mb for bare in bares], 0),
            _spread([pair.night.peak_mb / pair.bare.peak_mb for pair in pairs], 1),
        ),
        "",
        "## Where the difference goes",
        "",
        "| stage | night, s | bare, s | difference, s | peak of its last run, MiB |",
        "|---|---:|---:|---:|---:|",
        *_stage_rows(pairs),
    ]
    return "\n".join(lines) + "\n"


def _stage_rows(pairs: Sequence[Pair]) -> list[str]:
    rows = []
    for name in [stage.name for stage in pairs[0].night.stages]:
        stages = [stage for pair in pairs for stage in pair.night.stages if stage.name == name]
        night_s = statistics.median(stage.wall_s for stage in stages)
        bare_s = statistics.median(pair.bare.seconds.get(name, 0.0) for pair in pairs)
        peak = max(stage.peak_mb for stage in stages)
        rows.append(
            _row(
                name,
                f"{night_s:.1f}",
                f"{bare_s:.1f}" if bare_s else "-",
                f"{night_s - bare_s:+.1f}",
                str(peak),
            )
        )
    outside = statistics.median(
        pair.night.wall_s - covered_s([span for stage in pair.night.stages for span in stage.spans])
        for pair in pairs
    )
    between = statistics.median(pair.bare.wall_s - sum(pair.bare.seconds.values()) for pair in pairs)
    rows.append(
        _row(
            "Airflow; processes' start and end",
            f"{outside:.1f}",
            f"{between:.1f}",
            f"{outside - between:+.1f}",
            "",
        )
    )
    night_s = statistics.median(pair.night.wall_s for pair in pairs)
    bare_s = statistics.median(pair.bare.wall_s for pair in pairs)
    rows.append(_row("**whole**", f"{night_s:.1f}", f"{bare_s:.1f}", f"{night_s - bare_s:+.1f}", ""))
    return rows
