"""What Spark reads of a table is what Delta's own reader says, wherever the table lies and whoever has written it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from infra.spark import read_delta, read_night_delta, replace_delta
from infra.tables import (
    ROW_GROUP_ROWS,
    ensure_tables,
    open_table,
    read_table,
    replace_rows,
    rows_to_table,
    table_path,
)
from tests.jobs.sample_night import RUN_DATE, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NEXT = RUN_DATE + dt.timedelta(days=1)


@pytest.mark.parametrize("folder", ["a folder, ü", "a{b}*"])
def test_every_table_is_read_as_delta_reads_it(tmp_path: Path, spark: SparkSession, folder: str) -> None:
    night = make_sample_night(tmp_path / folder, products=1, merchants=("shop",), size_px=64)
    for name in ("products", "scores", "rejects"):
        rows, by_delta = (
            read_delta(spark, night.state, name),
            spark.read.format("delta").load(str(table_path(night.state, name))),
        )
        assert rows.columns == by_delta.columns
        assert rows.count() == read_table(night.state, name).num_rows > 0
        assert rows.exceptAll(by_delta).count() == 0


def test_a_night_is_its_partition_and_a_table_without_rows_has_its_columns(
    tmp_path: Path, spark: SparkSession
) -> None:
    ensure_tables(tmp_path)
    assert read_delta(spark, tmp_path, "work_units").count() == 0
    night = make_sample_night(tmp_path, products=1, merchants=("shop", "other"), size_px=64)
    products = read_table(night.state, "products").to_pylist()
    rows = [row | {"run_date": NEXT, "title": "renamed"} for row in products]
    replace_rows(night.state, "products", rows_to_table("products", rows), f"run_date = '{NEXT}'")
    read = read_night_delta(spark, night.state, "products", NEXT, ["shop"]).collect()
    assert {(row.run_date, row.merchant_id, row.title) for row in read} == {(NEXT, "shop", "renamed")}
    assert read_night_delta(spark, night.state, "products", NEXT + dt.timedelta(days=1)).count() == 0


def test_rows_that_another_engine_has_marked_deleted_stay_deleted(
    tmp_path: Path, spark: SparkSession
) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop",), size_px=64)
    path = table_path(night.state, "scores")
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE verdict = 'rejected'")
    assert open_table(night.state, "scores").protocol().min_reader_version > 1
    assert {row.verdict for row in read_delta(spark, night.state, "scores").collect()} == {"accepted"}


def test_spark_writes_small_row_groups_in_the_order_of_the_rows(tmp_path: Path, spark: SparkSession) -> None:
    ensure_tables(tmp_path)
    count = 3 * ROW_GROUP_ROWS
    zeros = {name: F.lit(0.0) for name in ("core_s", "gpu_s", "bytes", "attempts", "wall_s")}
    rows = spark.range(count, 0, -1, 1).select(
        F.lpad(F.col("id").cast("string"), 6, "0").alias("unit"), F.col("id").alias("units"), F.lit("s").alias("stage")
    )  # fmt: skip
    night = rows.withColumns({"run_date": F.lit(RUN_DATE), **zeros})
    replace_delta(night, tmp_path, "rates", f"run_date = '{RUN_DATE}'")
    (uri,) = open_table(tmp_path, "rates").file_uris()
    file = pq.ParquetFile(uri.removeprefix("file://"))
    assert [file.metadata.row_group(n).num_rows for n in range(3)] == 3 * [ROW_GROUP_ROWS]
    assert file.read(["units"])["units"].to_pylist() == list(range(count, 0, -1))
