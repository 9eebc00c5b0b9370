"""Every table as analysts and engines see it: delta-rs, DuckDB, Polars, pandas and Spark read the same rows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from infra.spark import read_delta, replace_delta
from infra.tables import append_rows, ensure_tables, read_table, table_path
from schemas.contract import Table
from schemas.samples import sample_rows
from schemas.tables import BY_NAME, TABLES
from tests.jobs.sample_night import make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

T = TypeVar("T")
Read = dict[str, Future[pa.Table]]
ROOT = Path(__file__).resolve().parents[1]
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)

# A user's pandas in a process of its own, because how that process ends is part of the answer: the reader threads of
# DeltaTable.to_pyarrow_table() and to_pandas() now and then abort it (arrow issue 34314); scan() has none. The cast is
# there because pandas does not take the string views that scan() delivers within lists.
PANDAS = """
import json, sys
import pyarrow as pa
from deltalake import DeltaTable
keys = {}
for name, key in json.loads(sys.argv[2]).items():
    table = DeltaTable(f"{sys.argv[1]}/{name}")
    frame = pa.table(table.scan()).cast(pa.schema(table.schema().to_arrow())).to_pandas()
    keys[name] = frame[key].astype(str).values.tolist()
print(json.dumps(keys))
"""


@pytest.fixture(scope="module", autouse=True)
def few_partitions(spark: SparkSession) -> Iterator[None]:
    """Queries over a few rows."""
    settings = {
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield
    for name, earlier in before.items():
        spark.conf.unset(name) if earlier is None else spark.conf.set(name, earlier)


def _of_every_table(act: Callable[[Table], T]) -> dict[str, Future[T]]:
    """What `act` gives for each table, four at once: one small query after the other leaves Spark's cores idle."""
    with ThreadPoolExecutor(4) as pool:
        return {table.name: pool.submit(act, table) for table in TABLES}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up night with rows in every table."""
    night = make_sample_night(tmp_path_factory.mktemp("readers"), products=2, size_px=64)
    for table in TABLES:
        if not read_table(night.state, table.name).num_rows:
            append_rows(night.state, table.name, sample_rows(table, 9))
    return night.state


def _keys(rows: list[dict[str, Any]], table: Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[name] for name in table.key) for row in rows)


@each_table
def test_delta_rs_duckdb_polars_read_the_same(state: Path, table: Table) -> None:
    path, key = str(table_path(state, table.name)), ", ".join(table.key)
    expected = _keys(read_table(state, table.name).to_pylist(), table)
    assert expected
    assert len(set(expected)) == len(expected)

    reader = pa.RecordBatchReader.from_stream(DeltaTable(path).scan())
    relation = duckdb.connect().from_arrow(reader)
    assert sorted(relation.select(key).fetchall()) == expected

    frame = pl.read_delta(path)
    assert sorted(frame.select(table.key).rows()) == expected
    assert set(frame.columns) == set(table.column_names)


def test_pandas_reads_the_same_and_its_process_ends_well(state: Path) -> None:
    keys = json.dumps({table.name: table.key for table in TABLES})
    command = [sys.executable, "-c", PANDAS, str(state / "warehouse"), keys]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    for table in TABLES:
        rows = read_table(state, table.name, columns=table.key).to_pylist()
        expected = sorted([str(row[name]) for name in table.key] for row in rows)
        assert sorted(seen[table.name]) == expected, table.name


@pytest.fixture(scope="module")
def read_by_spark(spark: SparkSession, state: Path) -> Read:
    """The night's tables as Spark gives them to Python."""
    return _of_every_table(lambda table: read_delta(spark, state, table.name).toArrow())


@each_table
def test_spark_reads_the_same(read_by_spark: Read, state: Path, table: Table) -> None:
    expected = read_table(state, table.name)
    rows = read_by_spark[table.name].result()
    assert _keys(rows.to_pylist(), table) == _keys(expected.to_pylist(), table)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with every table and no row."""
    folder = tmp_path_factory.mktemp("written-by-spark")
    ensure_tables(folder)
    return folder


def _sorted(rows: pa.Table, table: Table) -> list[dict[str, Any]]:
    ordered = rows.select(table.column_names).sort_by([(name, "ascending") for name in table.key])
    return list(ordered.to_pylist())


@pytest.fixture(scope="module")
def back_from_spark(spark: SparkSession, empty: Path) -> Read:
    """Random rows of every table, written with Spark into the tables that the pipeline makes, and read with Spark."""

    def write_and_read(table: Table) -> pa.Table:
        replace_delta(spark.createDataFrame(sample_rows(table, 15)), empty, table.name, "true")
        return read_delta(spark, empty, table.name).toArrow()

    return _of_every_table(write_and_read)


@each_table
def test_types_survive_arrow_spark_delta_on_the_jvm_and_back(
    back_from_spark: Read, empty: Path, table: Table
) -> None:
    rows = sample_rows(table, 15)
    by_spark = back_from_spark[table.name].result()
    by_delta_rs = read_table(empty, table.name)
    assert by_delta_rs.select(table.column_names).schema.equals(table.schema)
    assert _sorted(by_delta_rs, table) == _sorted(rows, table)
    assert _sorted(by_spark, table) == _sorted(rows, table)
    for column in table.columns:
        assert str(by_spark.schema.field(column.name).type) == str(column.type), column.name


def test_a_column_that_may_be_null_need_not_be_written(spark: SparkSession, tmp_path: Path) -> None:
    ensure_tables(tmp_path)
    rows = sample_rows(BY_NAME["rejects"], 3)
    replace_delta(spark.createDataFrame(rows.drop_columns(["sku", "record"])), tmp_path, "rejects", "true")
    written = read_table(tmp_path, "rejects")
    assert sorted(written["key"].to_pylist()) == sorted(rows["key"].to_pylist())
    assert written["sku"].null_count == written["record"].null_count == 3


@pytest.mark.parametrize(
    ("name", "column", "value", "constraint"),
    [
        ("products", "price_minor", 0, "price_is_positive"),
        ("products", "currency", "eur", "currency_is_iso_4217"),
        ("products", "sku", None, "NOT NULL constraint violated for column: sku"),
        ("assets", "sha256", "short", "CHECK constraint sha256_is_hex"),
    ],
)
def test_spark_refuses_a_row_that_breaks_a_rule(
    spark: SparkSession, tmp_path: Path, name: str, column: str, value: Any, constraint: str
) -> None:
    ensure_tables(tmp_path)
    (row,) = sample_rows(BY_NAME[name], 1).to_pylist()
    schema = pa.schema([field.with_nullable(True) for field in BY_NAME[name].schema])
    broken = pa.Table.from_pylist([row | {column: value}], schema=schema)
    with pytest.raises(Exception, match=constraint):
        replace_delta(spark.createDataFrame(broken), tmp_path, name, "true")
    assert read_table(tmp_path, name).num_rows == 0


@pytest.fixture(scope="module")
def made_by_ddl(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[tuple[StructType, dict[str, str]]]]]:
    """Schema and properties of each table that sql/ddl makes, in a database of its own that is dropped afterwards."""

    def run(table: Table) -> tuple[StructType, dict[str, str]]:
        script = (ROOT / "sql" / "ddl" / f"{table.name}.sql").read_text(encoding="utf-8")
        for statement in filter(str.strip, script.split(";\n")):
            spark.sql(statement)
        properties = spark.sql(f"SHOW TBLPROPERTIES {table.name}").collect()
        ours = {name.lower() for name in table.properties}
        return spark.table(table.name).schema, {
            row.key: row.value for row in properties if row.key.lower() in ours
        }

    database = "ddl_of_the_contract"
    spark.sql(f"CREATE DATABASE {database} LOCATION '{tmp_path_factory.mktemp('ddl')}'")
    spark.catalog.setCurrentDatabase(database)
    yield _of_every_table(run)
    spark.catalog.setCurrentDatabase("default")
    spark.sql(f"DROP DATABASE {database} CASCADE")


@each_table
def test_the_ddl_makes_the_table_that_the_pipeline_makes(
    spark: SparkSession,
    empty: Path,
    made_by_ddl: dict[str, Future[tuple[StructType, dict[str, str]]]],
    table: Table,
) -> None:
    schema, properties = made_by_ddl[table.name].result()
    assert schema == spark.read.format("delta").load(str(table_path(empty, table.name))).schema
    ours = DeltaTable(str(table_path(empty, table.name))).metadata().configuration
    assert _without_spaces(properties) == _without_spaces(ours)


def _without_spaces(properties: Mapping[str, str | None]) -> dict[str, str]:
    """Spark writes a rule's words apart and a constraint's name in small letters."""
    return {name.lower(): "".join(str(rule).split()) for name, rule in properties.items()}
