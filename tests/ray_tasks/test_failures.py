"""Dead letters: attempts, the error budget, and units that kill their worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from infra.object_store import LocalStore
from infra.tables import append_rows, read_night, read_table, rows_to_table
from jobs import retry_rejects
from ray_tasks import make_candidates
from ray_tasks.failures import Begun, WorkerDied, error_budget, failure_rows, given_up, refusal
from ray_tasks.tonight import Part, slots_with_work
from tests.faults.undrawn import make_undrawn_night
from tests.jobs.sample_night import NOW, RUN_DATE, SampleNight


def test_attempts_count_up_and_an_outage_counts_for_nothing() -> None:
    standing = {"a": {"key": "a", "attempts": 2}, "b": {"key": "b", "attempts": 1}}
    failed = [{"key": "a"}, {"key": "c"}]
    rows = {row["key"]: row for row in failure_rows(standing, failed, systematic=False)}
    assert {key: row["attempts"] for key, row in rows.items()} == {"a": 3, "b": 1, "c": 1}
    assert given_up(rows, 3) == {"a"}
    outage = failure_rows(standing, failed, systematic=True)
    assert {row["key"]: row["attempts"] for row in outage} == {"a": 2, "b": 1, "c": 0}


def test_the_stage_names_its_ten_most_frequent_reasons() -> None:
    assert (error_budget(20, 0.1), error_budget(1000, 0.1)) == (10, 100)
    kinds = "ABCDEFGHIJKL"
    why = [f"{kind}Error: row {n} of {'ab' * 32}" for i, kind in enumerate(kinds) for n in range(i + 1)]
    text = refusal(why, due=500)
    assert text.startswith("78 of 500 due failed, above the error budget")
    assert "12 x LError: row # of #; 11 x KError" in text
    assert text.count(" x ") == 10
    assert "AError" not in text


def test_a_unit_that_killed_its_worker_twice_is_not_begun_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), Begun(tmp_path).mark("poison"):
            mark = (tmp_path / "poison").read_bytes()
            raise KeyboardInterrupt
        (tmp_path / "poison").write_bytes(mark)  # as after SIGKILL: nobody took it away
    with pytest.raises(WorkerDied, match="twice"), Begun(tmp_path).mark("poison"):
        raise AssertionError
    with Begun(tmp_path).mark("another"):
        assert {path.name for path in tmp_path.iterdir()} == {"poison", "another"}
    assert not (tmp_path / "another").exists()


def here(
    rows: pa.Table, worker: type[Any], arguments: Mapping[str, Any], *_: Any, **__: Any
) -> Iterator[pa.Table]:
    """Ray's part, in this process."""
    work = worker(**arguments)
    yield from (work(rows.slice(at, 1)) for at in range(rows.num_rows))


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleNight:
    monkeypatch.setattr(make_candidates, "map_rows", here)
    return make_undrawn_night(tmp_path, products=3)


def _attempts(night: SampleNight) -> dict[str, int]:
    rows = read_night(night.state, "rejects", RUN_DATE).to_pylist()
    return {row["key"]: row["attempts"] for row in rows if row["stage"] == make_candidates.STAGE}


def test_a_poison_unit_does_not_stop_the_others_and_waits_when_it_failed_too_often(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    units = read_night(night.state, "work_units", RUN_DATE).to_pylist()
    poison = next(unit for unit in units if unit["variant"] == 0)
    object_ = LocalStore(night.state / "store").path(poison["cutout_uri"])
    good = object_.read_bytes()
    object_.write_bytes(b"no picture")
    first = {unit["asset_id"] for unit in units if unit["variant"] == 0}
    for attempts in (1, 2, 3, 3):
        make_candidates.main(night.argv())
        made = set(read_table(night.state, "candidates", columns=["asset_id"])["asset_id"].to_pylist())
        assert made == first - {poison["asset_id"]}
        assert _attempts(night) == {poison["asset_id"]: attempts}
    object_.write_bytes(good)
    retry_rejects.main([f"--state={night.state}", "--like=%cut-out%", "--dry-run"])
    assert _attempts(night) == {poison["asset_id"]: 3}
    retry_rejects.main([f"--state={night.state}", "--like=%cut-out%"])
    assert "1 failed units are planned again" in capsys.readouterr().out
    make_candidates.main(night.argv())
    assert read_table(night.state, "candidates").num_rows == len(first)
    assert _attempts(night) == {}


def test_when_nothing_can_be_drawn_the_stage_stops_and_counts_no_attempt(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (night.state / "store" / "cutouts").rglob("*.png"):
        path.unlink()
    with pytest.raises(SystemExit) as stop:
        make_candidates.main(night.argv())
    assert stop.value.code == 2
    assert "x FileNotFoundError: " in capsys.readouterr().err
    assert set(_attempts(night).values()) == {0}


def test_slots_with_work_are_those_without_a_picture_that_may_stay(night: SampleNight) -> None:
    units = {unit["asset_id"]: unit for unit in read_night(night.state, "work_units", RUN_DATE).to_pylist()}
    slot = next(unit for unit in units.values() if unit["variant"] == 1)
    variants = sorted(
        (unit for unit in units.values() if unit["sku"] == slot["sku"]), key=lambda unit: unit["variant"]
    )
    good = next(unit for unit in units.values() if unit["sku"] != slot["sku"])
    tonight = Part("TRUE", f"SELECT * FROM work_units WHERE run_date = DATE '{RUN_DATE}'")

    def skus() -> set[str]:
        return {row["sku"] for row in slots_with_work(night.state, tonight, "now")}

    assert skus() == {unit["sku"] for unit in units.values()}
    make_candidates.main(night.argv())
    assert skus() == set()
    verdict = {
        "measurements": [],
        "run_date": RUN_DATE,
        "score_s": 0.1,
        "scored_at": NOW,
        "scorer_revision": "now",
    }
    scores = [
        verdict | {"asset_id": variants[0]["asset_id"], "verdict": "rejected", "reasons": ["cluttered"]},
        verdict | {"asset_id": good["asset_id"], "verdict": "accepted", "reasons": []},
    ]
    append_rows(night.state, "scores", rows_to_table("scores", scores))
    assert skus() == {slot["sku"]}
    rows = slots_with_work(night.state, tonight, "now")
    found = {row["variant"]: (row["is_made"], row["reasons"]) for row in rows}
    assert found == {0: (True, ["cluttered"]), 1: (False, None), 2: (False, None)}
    assert skus() == {slot["sku"]}
    assert len(slots_with_work(night.state, tonight, "other thresholds")) == 0
