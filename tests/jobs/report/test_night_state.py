from __future__ import annotations

from pathlib import Path

from infra.stage import write_record
from jobs.report.night_state import read_night_state, stage_label, time_line


def record(stage: str, start: str, wall_s: float, **more: object) -> dict[str, object]:
    started_at = f"2026-11-21T{start}+00:00"
    run = {"started_at": started_at, "wall_s": wall_s}
    return {"stage": stage, "status": "done", "started_at": started_at, "shard": "0/1", "runs": [run], **more}


def test_waiting_is_cut_out_of_the_time_line() -> None:
    bars, length_s = time_line([record("a", "01:00:00", 10), record("b", "03:00:00", 5)])
    assert [(bar.start_s, bar.wall_s) for row in bars for bar in row] == [(0, 10), (30, 5)]
    assert length_s == 35


def test_parallel_shards_stand_below_each_other() -> None:
    bars, length_s = time_line([record("a", "01:00:00", 100), record("a", "01:00:02", 90)])
    assert [row[0].start_s for row in bars] == [0, 2] and length_s == 100


def test_unchanged_stages_have_no_bar() -> None:
    assert time_line([record("a", "01:00:00", 10, status="unchanged")]) == ([[]], 0)


def test_a_stage_that_never_ended_is_what_failed(tmp_path: Path) -> None:
    write_record(tmp_path / "stages" / "a.json", record("a", "01:00:00", 10))
    cut_off = record("b", "01:01:00", 0, status="running") | {"shard": "1/4", "runs": []}
    write_record(tmp_path / "stages" / "b.shard-1.json", cut_off)
    night = read_night_state(tmp_path, "report", None)
    assert night.failed and stage_label(night.failed) == "b 1/4" and "without a word" in night.failed["error"]


def test_records_of_other_nights_are_not_this_nights(tmp_path: Path) -> None:
    write_record(tmp_path / "stages" / "a.json", record("a", "01:00:00", 1, night_id="old", status="failed"))
    write_record(tmp_path / "stages" / "b.json", record("b", "01:00:00", 1, night_id="new"))
    night = read_night_state(tmp_path, "report", "new")
    assert [r["stage"] for r in night.records] == ["b"] and night.failed is None
