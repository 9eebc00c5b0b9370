"""What of the night before the plan compares with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from infra.tables import open_table, read_table
from jobs.plan_work_units import _last_plan
from tests.jobs.sample_night import RUN_DATE, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_stand_ins_count_once_they_are_made(tmp_path: Path, spark: SparkSession) -> None:
    night = make_sample_night(tmp_path, products=2, merchants=("shop", "other"), size_px=64)
    open_table(night.state, "candidates").delete("merchant_id = 'other' AND variant > 0")
    made = set(read_table(night.state, "candidates")["asset_id"].to_pylist())
    units = read_table(night.state, "work_units").to_pylist()
    retries = {unit["asset_id"] for unit in units if unit["variant"] > 0}
    assert retries & made and retries - made
    rows = _last_plan(spark, night.state, RUN_DATE + dt.timedelta(days=1), ()).collect()
    assert {row.asset_id for row in rows} == {
        unit["asset_id"] for unit in units if unit["variant"] == 0 or unit["asset_id"] in made
    }
    assert len(rows) == len({row.asset_id for row in rows})
    ones = _last_plan(spark, night.state, RUN_DATE + dt.timedelta(days=1), ("shop",)).collect()
    assert {row.asset_id for row in ones} == {row.asset_id for row in rows if row.merchant_id == "shop"}
    assert not _last_plan(spark, night.state, RUN_DATE, ()).count()
