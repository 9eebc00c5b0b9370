"""Rates from finished nights, and estimates from rates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from infra.settings import load_config
from infra.tables import night_predicate, read_table, replace_rows, rows_to_table
from jobs.plan_night import main, summary
from jobs.planning.rates import (
    DRAW,
    SCORE,
    Rates,
    canvas,
    measured_rates,
    placement_rows,
    read_rates,
    record_benchmark,
    unmeasured_nights,
)
from schemas.config import Budget
from tests.benchmarks import generation, understanding
from tests.jobs.sample_night import RUN_DATE, make_sample_night, write_stage_records

GPU = Path(__file__).resolve().parents[3] / "infra" / "config" / "gpu.toml"
TOMORROW = RUN_DATE + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished night, measured."""
    night = make_sample_night(tmp_path_factory.mktemp("rates"), products=2, merchants=("shop",))
    rates = measured_rates(night.state, unmeasured_nights(night.state, TOMORROW), load_config(night.config))
    replace_rows(night.state, "rates", rows_to_table("rates", rates), night_predicate(RUN_DATE))
    return night.state


def test_a_finished_night_is_measured_once(state: Path) -> None:
    assert unmeasured_nights(state, TOMORROW) == []
    rows = {row["stage"]: row for row in read_table(state, "rates").to_pylist()}
    drawn = rows[DRAW]
    assert drawn["unit"] == canvas("components", 256, 256)
    assert drawn["core_s"] == pytest.approx(0.25)  # of the sample night: 0.2 scene, 0.03 text, 0.02 encoding
    assert drawn["attempts"] > 1  # its faint products are tried three times
    assert drawn["bytes"] > 1000
    assert rows[SCORE]["core_s"] == pytest.approx(0.1)
    assert rows["jobs.ingest_catalog"]["wall_s"] == 14.2


def test_a_night_that_failed_measures_nothing(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop",), published=False)
    write_stage_records(night.state, RUN_DATE, failed="jobs.gate_release")
    assert measured_rates(night.state, [RUN_DATE], load_config(night.config)) == []


def test_another_canvas_is_estimated_by_area_and_retries_count(state: Path) -> None:
    rates = read_rates(state)
    own = rates.picture("components", 256, 256)
    large = rates.picture("components", 512, 512)
    attempts = rates.rows[DRAW, canvas("components", 256, 256)]["attempts"]
    assert own.core_s == pytest.approx((0.25 + 0.1) * attempts)
    assert large.core_s == pytest.approx((4 * 0.25 + 0.1) * attempts)
    assert large.stored_bytes == pytest.approx(4 * own.stored_bytes)
    assert Rates().picture("components", 1000, 1000).core_s == 0.4


def test_the_summary_counts_work_money_and_what_waits(state: Path) -> None:
    config = load_config(state.parent / "night.toml")
    priced = config.model_copy(update={"budget": Budget(core_second_price=0.5, gb_month_price=2.0)})
    rows = [
        {"status": "exists", "reason": "unchanged", "units": 90, "core_s": 9.0, "gpu_s": 0.0, "bytes": 1e9},
        {"status": "to_do", "reason": "new_product", "units": 10, "core_s": 8.0, "gpu_s": 0.0, "bytes": 5e8},
        {
            "status": "deferred",
            "reason": "new_product",
            "units": 5,
            "core_s": 4.0,
            "gpu_s": 0.0,
            "bytes": 1e6,
        },
    ]
    lines = summary(rows, priced, read_rates(state))
    assert lines[1].split() == ["to_do", "new_product", "10", "8", "0", "500.0"]
    assert lines[3].split() == ["exists", "unchanged", "90"]
    text = "\n".join(lines)
    assert "to do: 10 pictures, 8 core-seconds, 0 GPU-seconds, 0.500 GB; about 4 s on 2 cores" in text
    assert "money: 4.00 EUR, and 1.0000 a month" in text
    assert "names no prices" in "\n".join(summary(rows, config, Rates()))


def test_tiers_reach_the_plan(state: Path) -> None:
    config = load_config(state.parent / "night.toml")
    (row,) = placement_rows(config, config.merchants, read_rates(state))
    assert (row["merchant_id"], row["tier"], row["width_px"]) == ("shop", 1, 1024)


def test_a_night_without_instructions_is_told_what_to_run(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--run-date={TOMORROW}", f"--state={state}", f"--config={state.parent / 'night.toml'}"]
    assert main([*words, "--dry-run"]) == 2
    assert (
        "run the stages before the plan first: python -m infra.stage jobs.ingest" in capsys.readouterr().err
    )


def test_a_benchmarks_rates_stand_in_until_a_night_has_its_own(tmp_path: Path) -> None:
    record_benchmark(tmp_path, generation.rate_row("cuda", 1024, 48, wall_s=12.0, core_s=6.0))
    record_benchmark(tmp_path, generation.rate_row("cuda", 1024, 48, wall_s=4.8, core_s=2.4))
    record_benchmark(tmp_path, understanding.rate_row("cuda", 8, wall_s=16.0, core_s=4.0))
    rates = read_rates(tmp_path)
    assert len(rates.rows) == 2 and not rates.any_night() and rates.other_wall_s() == 0
    one = rates.picture("diffusion", 1024, 1024)
    assert (one.gpu_s, one.core_s) == (pytest.approx(0.1), pytest.approx(0.05))
    assert rates.picture("diffusion", 1024, 2048).gpu_s == pytest.approx(0.2)
    config = load_config(GPU)
    work = [
        {"status": "to_do", "reason": "new_product", "units": 1, "core_s": 1.0, "gpu_s": 1.0, "bytes": 1.0}
    ]
    told = "\n".join(summary(work, config, rates, products=100))
    assert "100 products, 200 GPU-seconds" in told and "the seconds are a benchmark's" in told
    assert unmeasured_nights(tmp_path, TOMORROW) == []
    own = generation.rate_row("cuda", 1024, 10, wall_s=3.0, core_s=1.0) | {"run_date": RUN_DATE}
    replace_rows(tmp_path, "rates", rows_to_table("rates", [own]), night_predicate(RUN_DATE))
    assert read_rates(tmp_path).picture("diffusion", 1024, 1024).gpu_s == pytest.approx(0.3)


def test_what_runs_side_by_side_keeps_the_card_busy_once() -> None:
    assert generation.covered([(5, 7), (0, 2), (1, 3), (6, 6.5)]) == 5
    assert generation.covered([]) == 0
