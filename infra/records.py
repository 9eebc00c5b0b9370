"""The JSON record that a stage leaves of its last run, below STATE/reports/<run date>/stages."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

GATE_RESULT = "gate.json"
"""Name, in a night's report_dir, of what its gate found and let through."""


def report_dir(state: Path, run_date: dt.date) -> Path:
    """STATE/reports/<run date>."""
    return state / "reports" / run_date.isoformat()


def record_path(state: Path, run_date: dt.date, stage: str, shard: tuple[int, int] = (0, 1)) -> Path:
    """The JSON record of a stage's last run for a night (and shard, when there are several)."""
    suffix = f".shard-{shard[0]}" if shard[1] > 1 else ""
    return report_dir(state, run_date) / "stages" / f"{stage}{suffix}.json"


def read_record(path: Path) -> dict[str, Any] | None:
    """A stage's record, or None when there is none that can be read."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes a record whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record, indent=1, default=str))


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old one or the new one, never half of it."""
    side = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        side.write_text(text, encoding="utf-8")
        side.replace(path)
    finally:
        side.unlink(missing_ok=True)  # half of it, where the disk is full
