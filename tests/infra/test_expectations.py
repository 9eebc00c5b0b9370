"""What a night expects of the tables that a stage has written: found by SQL, told in the record, stopped in time."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from infra.expectations import check_night, check_written, refusal
from infra.stage import read_record, record_path, stage_run
from infra.tables import night_predicate, read_night, replace_rows, rows_to_table
from schemas.tables import BY_NAME
from tests.jobs.sample_night import RUN_DATE, SampleNight, make_sample_night

BEFORE = RUN_DATE - dt.timedelta(days=1)


@pytest.fixture
def night(tmp_path: Path) -> SampleNight:
    return make_sample_night(tmp_path, products=3, size_px=64)


def _rewrite(night: SampleNight, name: str, rows: list[dict[str, Any]], run_date: dt.date = RUN_DATE) -> None:
    rows = [row | {"run_date": run_date} for row in rows]
    replace_rows(night.state, name, rows_to_table(name, rows), night_predicate(run_date))


def _rows(night: SampleNight, name: str) -> list[dict[str, Any]]:
    return read_night(night.state, name, RUN_DATE).to_pylist()


def _broken(night: SampleNight, name: str) -> dict[str, dict[str, Any]]:
    found = check_night(night.state, BY_NAME[name], RUN_DATE)["broken"]
    return {item["rule"].partition(":")[0]: item for item in found}


def test_a_sound_night_breaks_nothing_but_warnings(night: SampleNight) -> None:
    assert {name: list(_broken(night, name)) for name in ("personas", "instructions", "segments")} == {
        "personas": [],
        "instructions": [],
        "segments": [],
    }
    products = _broken(night, "products")
    assert list(products) == ["has_a_picture"]
    assert products["has_a_picture"]["severity"] == "warn"
    assert products["has_a_picture"]["rows"] == 2
    assert "merchant_id=north_shop sku=north_shop-bare" in products["has_a_picture"]["examples"]


def test_ranks_have_no_gap_and_refer_to_what_is_there(night: SampleNight) -> None:
    personas = _rows(night, "personas")
    sku = personas[0]["sku"]
    for row in personas:
        if row["sku"] == sku and row["rank"] == 2:
            row["rank"] = 7
    personas.append(personas[0] | {"sku": "nobody sells this", "rank": 1})
    personas.append(personas[0] | {"segment_id": "nobody", "rank": 2})
    _rewrite(night, "personas", personas)
    broken = _broken(night, "personas")
    assert set(broken) == {"rank_has_no_gap", "is_in_products", "is_in_segments"}
    assert broken["is_in_products"]["examples"] == [
        f"merchant_id={personas[0]['merchant_id']} sku=nobody sells this"
    ]
    assert broken["is_in_segments"]["examples"] == ["segment_id=nobody"]


def test_a_key_that_stands_twice_stops_the_night(night: SampleNight) -> None:
    products = _rows(night, "products")
    _rewrite(night, "products", [*products, products[0]])
    results = check_written(night.state, "jobs.ingest_catalog", RUN_DATE)
    why = refusal(results)
    assert why is not None
    assert "products: key_is_unique: (run_date, merchant_id, sku) is unique: 1 row" in why
    assert products[0]["sku"] in why
    assert "has_a_picture" not in why


def test_tonight_is_compared_with_the_last_night_there_was(night: SampleNight) -> None:
    products = _rows(night, "products")
    assert "count_is_steady" not in _broken(night, "products")
    twice = [row | {"sku": f"{row['sku']}-{i}"} for row in products for i in (1, 2)]
    _rewrite(night, "products", twice, BEFORE - dt.timedelta(days=30))
    _rewrite(night, "products", [*products, products[0] | {"sku": "one more"}], BEFORE)
    assert "count_is_steady" not in _broken(night, "products")
    _rewrite(night, "products", twice, BEFORE)
    found = _broken(night, "products")["count_is_steady"]
    assert (found["severity"], found["rows"]) == ("warn", 2)
    count = sum(row["merchant_id"] == "north_shop" for row in products)
    assert f"merchant_id=north_shop last_night={2 * count} tonight={count}" in found["examples"]
    assert refusal(check_written(night.state, "jobs.ingest_catalog", RUN_DATE)) is None


def test_a_stage_that_writes_broken_rows_fails_and_its_record_says_why(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop, stage_run("ray_tasks.infer_personas", "doc", night.argv()):
        _rewrite(night, "personas", [row for row in _rows(night, "personas") if row["rank"] != 1])
    assert stop.value.code == 2
    assert "rank_has_no_gap" in capsys.readouterr().err
    record = read_record(record_path(night.state, RUN_DATE, "ray_tasks.infer_personas"))
    assert record is not None
    assert record["status"] == "failed"
    (result,) = record["expectations"]
    assert json.dumps(result["broken"]).count("rank_has_no_gap") == 1
