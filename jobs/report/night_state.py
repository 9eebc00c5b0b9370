"""How a night went, from what the stages' shell and the gate left in the night's report folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.records import GATE_RESULT, read_record

Record = dict[str, Any]

# Waiting between runs longer than this is cut out of the time line: a night by hand may take a day.
IDLE_MAX_S = 20.0


@dataclass(frozen=True)
class Bar:
    """One run of a stage on the time line; both in seconds, idle time cut."""

    start_s: float
    wall_s: float


@dataclass(frozen=True)
class NightState:
    """The stages of a night in the order in which they began, and where it stopped, if it did."""

    records: Sequence[Record]
    failed: Record | None
    gate: Record | None

    @property
    def wall_s(self) -> float:
        """Seconds that stages worked; parallel shards count each."""
        return sum(run["wall_s"] for record in self.records for run in runs_of(record))

    @property
    def peak_rss_mb(self) -> int:
        """The highest memory of any stage."""
        return max((record.get("peak_rss_mb") or 0 for record in self.records), default=0)


def read_night_state(report_dir: Path, own_stage: str, night_id: str | None) -> NightState:
    """The records of this night; with no night id (stages run by hand) the last record of every stage."""
    found = [read_record(path) for path in sorted((report_dir / "stages").glob("*.json"))]
    records = [record for record in found if record and record.get("stage") != own_stage]
    if night_id:
        this = night_id.removesuffix(".failed")
        records = [r for r in records if str(r.get("night_id")).removesuffix(".failed") == this]
    records.sort(key=lambda record: record["started_at"])
    failed = next((record for record in records if record["status"] == "failed"), None)
    if failed is None:
        cut_off = next((record for record in records if record["status"] == "running"), None)
        if cut_off is not None:
            failed = cut_off | {"error": "its process ended without a word (killed, or out of memory)"}
        elif night_id and night_id.endswith(".failed"):
            failed = {
                "stage": "Airflow",
                "error": "no stage left a word of it; see the log of the task in Airflow",
            }
    return NightState(records, failed, read_record(report_dir / GATE_RESULT))


def stage_label(record: Record) -> str:
    """The stage's name, with its shard where there are several: `ray_tasks.make_candidates 0/4`."""
    shard = record.get("shard") or "0/1"
    return record["stage"] if shard.endswith("/1") else f"{record['stage']} {shard}"


def runs_of(record: Record) -> list[Record]:
    """The runs that a stage had in this night; none when it found nothing changed."""
    if record["status"] == "unchanged":
        return []
    runs = record.get("runs") or [record]
    return [run for run in runs if run.get("wall_s") is not None]


def time_line(records: Sequence[Record]) -> tuple[list[list[Bar]], float]:
    """The bars of each record, and the length of the line in seconds, idle time over 20 s cut to 20 s."""
    spans = sorted(
        (dt.datetime.fromisoformat(run["started_at"]).timestamp(), float(run["wall_s"]))
        for record in records
        for run in runs_of(record)
    )
    if not spans:
        return [[] for _ in records], 0.0
    cuts: list[tuple[float, float]] = []
    busy_until, removed = spans[0][0], 0.0
    for start, wall_s in spans:
        removed += max(0.0, start - busy_until - IDLE_MAX_S)
        cuts.append((start, removed))
        busy_until = max(busy_until, start + wall_s)
    origin = spans[0][0]
    cut_at = dict(cuts)
    bars = []
    for record in records:
        starts = [
            (dt.datetime.fromisoformat(run["started_at"]).timestamp(), run["wall_s"])
            for run in runs_of(record)
        ]
        bars.append([Bar(start - origin - cut_at[start], float(wall_s)) for start, wall_s in starts])
    return bars, busy_until - origin - removed
