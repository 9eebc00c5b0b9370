"""Rows that obey the contract commit from both engines; a row that breaks one rule is refused and found everywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra.spark import replace_delta
from infra.tables import ensure_tables, read_table, table_path
from jobs.gate_release import run_expectations
from schemas.contract import LONG, Check, Column, Table
from schemas.samples import BrokenRow, broken_rows, sample_rows
from schemas.tables import BY_NAME, TABLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    ensure_tables(folder)
    return folder


def _of_kind(table: Table, kind: str) -> list[BrokenRow]:
    return [broken for broken in broken_rows(table) if broken.kind == kind]


@each_table
def test_samples_obey_every_check_and_stay_the_same(table: Table) -> None:
    rows = sample_rows(table, 50, seed=1)
    assert rows.equals(sample_rows(table, 50, seed=1))
    assert len({tuple(key.values()) for key in rows.select(list(table.key)).to_pylist()}) == 50
    for check in table.checks:
        broken = duckdb.sql(f"SELECT count(*) FROM rows WHERE ({check.predicate}) IS NOT TRUE").fetchall()
        assert broken == [(0,)], f"{check.name}: give its columns a `sample`"


@each_table
def test_a_broken_row_breaks_its_rule_and_no_other(table: Table) -> None:
    for broken in _of_kind(table, "check"):
        each = ", ".join(f"({check.predicate}) IS TRUE" for check in table.checks)
        (holds,) = duckdb.from_arrow(broken.row).query("row", f"SELECT {each} FROM row").fetchall()
        names = [check.name for check, held in zip(table.checks, holds, strict=True) if not held]
        assert names == [broken.rule], f"{table.name}: Check.breaks of {broken.rule}"


def test_a_check_must_say_what_breaks_it() -> None:
    table = Table(
        "t", "One row.", (Column("a", LONG, "A value."),), ("a",), "jobs.x", checks=(Check("c", "a > 0"),)
    )
    with pytest.raises(ValueError, match="say what breaks check c"):
        broken_rows(table)


@each_table
def test_delta_rs_refuses_each_broken_row(state: Path, table: Table) -> None:
    path = str(table_path(state, table.name))
    write_deltalake(path, sample_rows(table, 3), mode="append")
    version = DeltaTable(path).version()
    refused = 0
    for broken in broken_rows(table):
        if broken.severity == "warn":
            continue
        with pytest.raises(Exception, match=r"(?i)check|constraint|validation|null|cast|convert|pars|schema"):
            write_deltalake(path, broken.row, mode="append")
        refused += 1
    assert refused >= len(table.columns)
    assert DeltaTable(path).version() == version


def test_spark_commits_valid_rows_and_refuses_broken_ones(spark: SparkSession, tmp_path: Path) -> None:
    """A check of every table (the suites below ask Spark every check), and of one table a NULL and every type."""
    ensure_tables(tmp_path)
    products = BY_NAME["products"]
    tries = [(table, _of_kind(table, "check")[-1]) for table in TABLES]
    tries += [(products, broken) for broken in (*_of_kind(products, "check"), _of_kind(products, "null")[0])]
    by_type = {str(BY_NAME["products"].schema.field(b.rule).type): b for b in _of_kind(products, "type")}
    tries += [(products, broken) for broken in by_type.values()]

    def refusal(table: Table, broken: BrokenRow) -> str | None:
        try:
            replace_delta(spark.createDataFrame(broken.row), tmp_path, table.name, "true")
        except Exception as error:
            return str(error)
        return None

    stops = [(table, broken) for table, broken in tries if broken.severity == "stop"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda item: refusal(*item), stops))
    for (table, broken), answer in zip(stops, answers, strict=True):
        assert answer is not None, f"{table.name}: {broken.kind} {broken.rule} was written"
        assert broken.kind == "type" or broken.rule in answer, answer
    assert all(read_table(tmp_path, table.name).num_rows == 0 for table in TABLES)
    rows = sample_rows(products, 20)
    replace_delta(spark.createDataFrame(rows), tmp_path, "products", "true")
    assert read_table(tmp_path, "products").num_rows == 20


def test_great_expectations_finds_each_broken_row(spark: SparkSession, tmp_path: Path) -> None:
    frames, wanted = {}, {}
    for table in (table for table in TABLES if table.is_nightly or table.name == "assets"):
        rows = [broken.row for broken in broken_rows(table) if broken.kind != "type"]
        rows.append(sample_rows(table, 5, seed=7).cast(rows[0].schema))
        frames[table.name] = spark.createDataFrame(pa.concat_tables(rows))
        wanted[table.name] = {check.name: check.severity for check in table.checks} | {"no_null": "stop"}
    asked, broken = run_expectations(frames, {}, tmp_path / "gx", tmp_path / "site")
    assert asked > sum(map(len, wanted.values()))
    for name, rules in wanted.items():
        found = {item["rule"].partition(":")[0]: item for item in broken if item["table"] == name}
        assert rules.keys() <= found.keys()
        for rule, severity in rules.items():
            assert found[rule]["severity"] == severity
            assert not found[rule]["error"]
        nulls = len(_of_kind(BY_NAME[name], "null"))
        assert found["no_null"]["rows"] == nulls
