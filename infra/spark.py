"""Spark sessions with Delta, and Spark's side of reading and writing the tables."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from infra.tables import ROW_GROUP_ROWS, open_table, table_path
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import DataFrame, SparkSession

    from schemas.config import Engines

# The quick compiler's code cache is 48 MB by default, which the gate fills.
_JVM_OPTIONS = ("-XX:ReservedCodeCacheSize=240m",)
# Where a stage is seconds long, the quick compiler and the serial collector start faster than they are slow, and Spark
# takes longer to compile a query than to run it interpreted.
_QUICK_JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_QUICK_CONF = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
_JARS = Path(sys.prefix) / "jars"
CLASS_ARCHIVE = Path(sys.prefix) / "spark.jsa"
"""Written by `infra.class_archive` at set-up; a session starts without it, some seconds later."""
_PATTERN = frozenset("{}[]*?\\")
"""Spark reads a path with one of these as a pattern."""
_LOG_CONF = Path(__file__).with_name("log4j2.properties")


def spark_session(engines: Engines, state: Path, class_archive: Path | None = CLASS_ARCHIVE) -> SparkSession:
    """The process's Spark session, local, with Delta's jars from the environment; no network.

    Raises FileNotFoundError when the jars are missing.
    """
    began = time.perf_counter()
    from pyspark.sql import SparkSession

    is_first = SparkSession.getActiveSession() is None
    jars = sorted(str(jar) for jar in _JARS.glob("*.jar"))
    if not jars:
        raise FileNotFoundError(f"no Delta jars in {_JARS}: run `make setup`")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    # It writes errors to stderr before anyone can catch them, and they quote values, which may be a person's.
    logging.getLogger("DataFrameQueryContextLogger").disabled = True
    scratch = state / "tmp" / "spark"
    quick = engines.quick_start
    # In quotes: spark-submit splits the options at spaces, which a path may have.
    paths = (f'"-Dderby.system.home={scratch}"', f'"-Dlog4j2.configurationFile={_LOG_CONF}"')
    jvm_options = (*paths, *_JVM_OPTIONS, *(_QUICK_JVM_OPTIONS if quick else ()))
    if class_archive and class_archive.exists():
        # Another Java leaves the archive aside, and would say so on stdout, where answers are.
        jvm_options += (f'"-XX:SharedArchiveFile={class_archive}"', "-Xlog:disable")
    builder = (
        SparkSession.builder.master(f"local[{engines.cores}]")
        .appName("hundredfaces")
        .config("spark.driver.memory", engines.spark_memory)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.jars", ",".join(jars))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .config("spark.local.dir", str(scratch))
        # Shuffles hold user ids; a killed process leaves its files, and the key is gone with it.
        .config("spark.io.encryption.enabled", "true")
        .config("spark.sql.shuffle.partitions", engines.cores)
        .config("spark.default.parallelism", engines.cores)
        # Delta reads its log into 50 partitions by default, which is 50 tasks for a handful of files.
        .config("spark.databricks.delta.snapshotPartitions", engines.cores)
        # A file's rows keep the order in which they come. With none, and from the moment as many are open, Spark sorts
        # by the night that all rows share, and a sort that spills mixes them.
        .config("spark.sql.maxConcurrentOutputFileWriters", 2)
        .config("spark.hadoop.parquet.block.row.count.limit", ROW_GROUP_ROWS)
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.driver.defaultJavaOptions", " ".join(jvm_options))
        .config("spark.ui.showConsoleProgress", "false")
    )
    for name, value in ((_QUICK_CONF if quick else {}) | engines.spark_conf).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    if is_first:
        logging.getLogger(__name__).info("Spark is up, started in %.1f s", time.perf_counter() - began)
    return spark


def read_delta(spark: SparkSession, state: Path, name: str, run_date: dt.date | None = None) -> DataFrame:
    """A table as of now, as Spark sees it; with `run_date` that night's partition.

    Its files are named by delta-rs: Delta on the JVM finds them by Spark jobs, for eight small tables a third of a
    stage's work. A table that Parquet files alone do not tell is read by Delta.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.types import from_arrow_schema

    table, path, contract = open_table(state, name), table_path(state, name), BY_NAME[name]
    added = pa.table(table.get_add_actions(flatten=True))
    if run_date:
        added = added.filter(pc.equal(added["partition.run_date"], run_date))
    files = [str(path / unquote(name)) for name in added["path"].to_pylist()]
    # delta-rs writes partition values that are not ASCII into paths in another way than Spark reads them there.
    if table.protocol().min_reader_version > 1 or _PATTERN & set(str(path)) or "%" in "".join(files):
        rows = spark.read.format("delta").load(str(path))
        return rows.where(F.col("run_date") == F.lit(run_date)) if run_date else rows
    if not files:  # a local relation: Spark prunes its joins
        return spark.createDataFrame(contract.schema.empty_table())
    rows = spark.read.schema(from_arrow_schema(contract.schema)).option("basePath", str(path)).parquet(*files)
    return rows.select(*contract.column_names)


def read_night_delta(
    spark: SparkSession, state: Path, name: str, run_date: dt.date, merchants: Sequence[str] = ()
) -> DataFrame:
    """One night's rows of a state table, of the named merchants (none named: of all)."""
    from pyspark.sql import functions as F

    rows = read_delta(spark, state, name, run_date)
    return rows.where(F.col("merchant_id").isin(list(merchants))) if merchants else rows


def replace_delta(df: DataFrame, state: Path, name: str, predicate: str) -> None:
    """Replaces, in one commit of Delta on the JVM, the rows that match `predicate`, checks enforced."""
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.types import from_arrow_type

    # A stage names what it knows; nullable columns of other stages are NULL in its rows.
    columns = [
        F.lit(None).cast(from_arrow_type(column.type)).alias(column.name)
        if column.nullable and column.name not in df.columns
        else F.col(column.name)
        for column in BY_NAME[name].columns
    ]
    (
        df.select(columns)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", predicate)
        .save(str(table_path(state, name)))
    )
