"""One row of `segments` for every segment that is large enough, and its affinities in `segment_affinity`.

From a ready segment table, from rules over users' attributes and behaviour, or from clusters of behaviour. User ids
are counted here and go no further; no other personal field is ever selected, and no user's row is ever quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.spark import replace_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate
from jobs.feeds import FeedError, feed_paths
from jobs.segments.build import Found, build_source, union
from jobs.segments.inputs import Counted
from schemas.config import Config

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STAGE = "jobs.build_segments"
INPUTS = ("products",)
OUTPUTS = ("segments", "segment_affinity")

Reject = tuple[str, str, str]
"""Key, reason and detail; never a user's row."""


def input_files(config: Config, root: Path) -> Iterable[Path]:
    """The files that tonight's result depends on."""
    for source in config.segment_sources:
        for file in (source.segments, source.members, source.events, source.users, source.items):
            if file is not None:
                yield from feed_paths(file, root)


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        spark = spark_session(stage.config.engines, stage.state)
        used = {name for merchant in stage.config.merchants for name in merchant.segment_sources}
        # A value that cannot be cast is NULL and costs its row; in ANSI mode it stops the stage and is quoted.
        ansi = spark.conf.get("spark.sql.ansi.enabled", "true") or "true"
        spark.conf.set("spark.sql.ansi.enabled", "false")
        try:
            _build_all(spark, stage, used)
        except AnalysisException:
            raise
        except PySparkException as error:
            # Spark's messages quote the value that could not be read, which may be a person's.
            raise StageError(
                f"Spark stopped with {error.getCondition() or type(error).__name__}; check the files and expressions "
                f"of segment_sources {', '.join(sorted(used))}"
            ) from None
        finally:
            spark.conf.set("spark.sql.ansi.enabled", ansi)
            spark.catalog.clearCache()
    return []


def _build_all(spark: SparkSession, stage: Stage, used: set[str]) -> None:
    found: dict[str, Found] = {}
    rejects: list[Reject] = []
    for source in stage.config.segment_sources:
        if source.id not in used:
            continue
        try:
            found[source.id] = build_source(spark, stage, source)
        except FeedError as error:
            stage.log.error("segment source %s: %s (%s)", source.id, error, error.reason)
            rejects.append((source.id, error.reason, str(error)))
    if not found:
        raise StageError("no segment source could be read: " + "; ".join(detail for *_, detail in rejects))
    uncounted = set_aside([one for some in found.values() for one in some.counted])
    for key, reason, _ in uncounted:
        if reason.startswith("feed_"):
            source_id, _, part = key.partition("/")
            stage.log.error(
                "segment source %s: its %s file is damaged (%s), it is left out", source_id, part, reason
            )
            found.pop(source_id, None)
    if not found:
        raise StageError("every segment source has a damaged file: " + "; ".join(map(" ".join, uncounted)))
    _write(spark, stage, found, rejects + uncounted)


def set_aside(counted: Sequence[Counted]) -> list[Reject]:
    """One reject a file and reason: how many of its rows did not count. All files in one query."""
    if not counted:
        return []
    rows = union([one.rows.select(F.lit(i).alias("file"), "reason") for i, one in enumerate(counted)])
    total = F.sum("n").over(Window.partitionBy("file")).alias("total")
    counts = rows.groupBy("file", "reason").agg(F.count("*").alias("n")).select("*", total)
    return [
        (
            counted[row["file"]].key,
            row["reason"],
            f"{row['n']} of {row['total']} rows of {counted[row['file']].path} were not counted",
        )
        for row in counts.orderBy("file", "reason").collect()
        if row["reason"] is not None
    ]


def _write(spark: SparkSession, stage: Stage, found: dict[str, Found], rejects: list[Reject]) -> None:
    night = F.lit(stage.run_date)
    minimum = stage.config.ingest.min_segment_size
    everything = union(
        [one.segments.withColumn("source", F.lit(source_id)) for source_id, one in found.items()]
    ).cache()
    sizes = everything.select("segment_id", "source", "size").collect()
    # Of two sources that give one id, the first of the configuration keeps it.
    owner = {row["segment_id"]: row["source"] for row in reversed(sizes)}
    for row in sizes:
        if owner[row["segment_id"]] != row["source"]:
            detail = f"source {owner[row['segment_id']]} has a segment of this id too: rename one"
            rejects.append((row["segment_id"], "segment_twice", detail))
        elif row["size"] < minimum:
            detail = f"{row['size']} users; the minimum is {minimum}"
            rejects.append((row["segment_id"], "segment_too_small", detail))
            stage.count("", segment_too_small=1)
    kept_rows = [
        (row["segment_id"], row["source"])
        for row in sizes
        if row["size"] >= minimum and owner[row["segment_id"]] == row["source"]
    ]
    kept = F.broadcast(spark.createDataFrame(kept_rows, "segment_id string, source string"))
    key = ["segment_id", "source"]
    predicate = night_predicate(stage.run_date)
    segments = everything.join(kept, on=key, how="left_semi").withColumns(
        {"run_date": night, "population_share": F.col("size") / F.col("population")}
    )
    replace_delta(segments, stage.state, "segments", predicate)
    affinity = union([one.affinity.withColumn("source", F.lit(name)) for name, one in found.items()])
    affinity = affinity.join(kept, on=key, how="left_semi").withColumn("run_date", night)
    replace_delta(affinity, stage.state, "segment_affinity", predicate)
    _write_rejects(spark, stage, rejects)
    stage.count("", rows_in=len(sizes), rows_out=len(kept_rows))


def _write_rejects(spark: SparkSession, stage: Stage, rejects: list[Reject]) -> None:
    rows: DataFrame = spark.createDataFrame(rejects, "key string, reason string, detail string").withColumns(
        {"run_date": F.lit(stage.run_date), "stage": F.lit(STAGE), "shard": F.lit(0)}
    )
    for column in ("merchant_id", "sku", "record"):
        rows = rows.withColumn(column, F.lit(None).cast("string"))
    replace_delta(rows, stage.state, "rejects", night_predicate(stage.run_date, stage=STAGE))


if __name__ == "__main__":
    main()
