"""The saved questions: the same answers from DuckDB and from Spark SQL, and right ones, on a made-up night."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from infra.releases import read_release
from infra.tables import append_rows, night_predicate, read_table, replace_rows, rows_to_table
from jobs.ask import main, question_sql, questions, warehouse
from tests.jobs.answers import Expected, agree, plain, spark_views
from tests.jobs.sample_night import SampleNight, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EACH = pytest.mark.parametrize("question", questions())


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> SampleNight:
    return make_sample_night(tmp_path_factory.mktemp("ask"), products=3, size_px=64)


@pytest.fixture(scope="module")
def duck(night: SampleNight) -> duckdb.DuckDBPyConnection:
    return warehouse(read_release(night.state))


@pytest.fixture(scope="module")
def spark_night(night: SampleNight, spark: SparkSession) -> Iterator[SparkSession]:
    with spark_views(spark, night.state) as session:
        yield session


def _answer(duck: duckdb.DuckDBPyConnection, question: str) -> list[dict[str, Any]]:
    relation = duck.sql(question_sql(question))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


@EACH
def test_spark_and_duckdb_answer_what_is_expected(
    night: SampleNight, duck: duckdb.DuckDBPyConnection, spark_night: SparkSession, question: str
) -> None:
    by_duck = _answer(duck, question)
    by_spark = [row.asDict() for row in spark_night.sql(question_sql(question)).collect()]
    assert by_duck
    assert [list(map(plain, row.values())) for row in by_duck] == [
        list(map(plain, row.values())) for row in by_spark
    ]
    assert agree(by_duck, Expected(night.state).of(question))
    assert not agree(by_duck, Expected(night.state).of(question)[1:])


def test_coverage_counts_the_products_with_pictures(
    duck: duckdb.DuckDBPyConnection, night: SampleNight
) -> None:
    rows = _answer(duck, "coverage")
    products = read_table(night.state, "products").to_pylist()
    pictured = {(a["merchant_id"], a["sku"]) for a in read_table(night.state, "assets").to_pylist()}
    assert sum(row["products"] for row in rows) == len(products)
    assert sum(row["with_pictures"] for row in rows) == len(pictured)


def test_every_product_without_a_picture_has_its_reason(
    duck: duckdb.DuckDBPyConnection, night: SampleNight
) -> None:
    rows = _answer(duck, "without_pictures")
    reasons = {row["sku"].removeprefix(row["merchant_id"]): row["reason"] for row in rows}
    assert reasons["-bare"] == "image_missing"
    view = next(v for v in read_table(night.state, "product_views").to_pylist() if v["verdict"] == "refused")
    assert reasons["-blurred"] == view["reason"]
    assert {row["merchant_id"] for row in rows} == set(night.merchants)


def test_yield_adds_up_to_the_slots_that_were_scored(
    duck: duckdb.DuckDBPyConnection, night: SampleNight
) -> None:
    rows = _answer(duck, "yield_by_setting")
    for row in rows:
        parts = row["usable_at_first_try"] + row["usable_after_retries"] + row["not_usable"]
        assert parts == row["slots"]
    usable = sum(row["usable_at_first_try"] + row["usable_after_retries"] for row in rows)
    assert usable == read_table(night.state, "assets").num_rows


def test_the_first_release_only_adds(duck: duckdb.DuckDBPyConnection, night: SampleNight) -> None:
    assets = Counter(asset["merchant_id"] for asset in read_table(night.state, "assets").to_pylist())
    rows = _answer(duck, "changes")
    assert {row["merchant_id"]: row["pictures"] for row in rows} == dict(assets)
    assert {row["change"] for row in rows} == {"added"}


def test_lineage_goes_back_to_the_source_picture(duck: duckdb.DuckDBPyConnection, night: SampleNight) -> None:
    rows = _answer(duck, "lineage")
    assert len(rows) == read_table(night.state, "assets").num_rows
    for row in rows:
        assert Path(row["image_uri"]).is_file()
        assert row["evidence"] and row["made_at"] and row["planned_because"] and row["drawn_in"]
        assert row["feed_file"].endswith(".csv") and row["feed_row"] > 1
        assert row["releases"] == 1 and row["first_published"]


def test_answers_are_as_of_the_release_whatever_a_night_writes_since(
    tmp_path: Path, spark: SparkSession
) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop",), locales=("en",), size_px=64)
    asked = ("coverage", "near_limits", "yield_by_setting")
    before = [_answer(warehouse(read_release(night.state)), question) for question in asked]
    products = read_table(night.state, "products").slice(0, 1)
    replace_rows(night.state, "products", products, night_predicate(night.run_date))
    for name in ("work_units", "instructions"):
        replace_rows(night.state, name, rows_to_table(name, []), night_predicate(night.run_date))
    later = {
        "scorer_revision": "later",
        "scored_at": dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        "verdict": "rejected",
    }
    scores = [row | later for row in read_table(night.state, "scores").to_pylist()]
    append_rows(night.state, "scores", rows_to_table("scores", scores))
    assert [_answer(warehouse(read_release(night.state)), question) for question in asked] == before
    with spark_views(spark, night.state) as session:
        by_spark = [[row.asDict() for row in session.sql(question_sql(q)).collect()] for q in asked]
    for rows, wanted in zip(by_spark, before, strict=True):
        assert [list(map(plain, row.values())) for row in rows] == [
            list(map(plain, row.values())) for row in wanted
        ]


def test_the_command_lists_filters_and_refuses(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    assert "coverage" in capsys.readouterr().out
    state = f"--state={night.state}"
    merchant = night.merchants[0]
    assert main(["coverage", state, "--csv", "--where", f"merchant_id = '{merchant}'"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "merchant_id,category,products,with_pictures,percent"
    assert all(line.startswith(merchant) for line in lines[1:])
    assert main(["coverage", state]) == 0
    assert "with_pictures" in capsys.readouterr().out
    sku = read_table(night.state, "assets")["sku"][0].as_py()
    where = f"sku = '{sku.replace(chr(39), chr(39) * 2)}' AND locale = 'en'"
    assert main(["lineage", state, "--where", where]) == 0
    told = capsys.readouterr().out
    assert re.search(rf"^sku +{re.escape(sku)}$", told, re.M) and re.search(r"^release_id +\S+$", told, re.M)
    assert main(["weather", state]) == 2
    assert "there are changes, cost_per_asset, coverage" in capsys.readouterr().err
    assert main(["coverage", state, "--where", "no_such = 1"]) == 2
    assert "no_such" in capsys.readouterr().err
    assert main(["coverage", f"--state={night.state / 'nowhere'}"]) == 2
