"""One row of `products` for every sellable SKU that the merchants' feeds hold tonight; what is wrong goes to `rejects`.

A bad row costs that row. A feed that cannot be read, or that is not to be believed, costs that merchant's feed: its
last products stay for `ingest.keep_products_nights` nights. Only when no merchant has any product the stage fails.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from infra.sample_shop.__main__ import main as make_sample_shop
from infra.spark import read_delta, replace_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate, query_tables
from jobs.catalog import keeping, normalise
from jobs.catalog.crossing import PLACE, brand_spellings, parent_faults, repeated_skus, union_all
from jobs.catalog.keeping import Counts, LastProducts, Refusal
from jobs.catalog.reasons import FEED, NOTES, ROW, severity
from jobs.catalog.staging import content, locate_pictures, stage_feed, staged_schema
from jobs.feeds import REASONS, FeedError, feed_paths
from schemas.config import Config
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

STAGE = "jobs.ingest_catalog"
INPUTS: tuple[str, ...] = ()
OUTPUTS = ("products",)

HASHED = (*normalise.HASHED, "brand", "image_sha256")
"""What `product_hash` covers: the normalised fields that can influence a picture; the price is not among them."""


def input_files(config: Config, root: Path) -> Iterable[Path]:
    """The files that tonight's result depends on: feeds and the folders of their pictures."""
    for merchant in config.merchants:
        yield from feed_paths(merchant.feed, root)
        folder = root / merchant.feed.image_root
        if merchant.feed.image_root and folder.is_dir():
            yield from (path for path in folder.rglob("*") if path.is_file())


def stage_feeds(
    spark: SparkSession, stage: Stage, scratch: Path
) -> tuple[DataFrame | None, dict[str, Refusal]]:
    """(the normalised rows of every feed that could be read, why the others could not), one merchant at a time.

    Rows go through Parquet files, so that a feed is read once, a feed that breaks while it is read harms no other,
    and memory does not grow with the catalog.
    """
    refusals: dict[str, Refusal] = {}
    paths: list[str] = []
    pictures = stage.limit is None
    for merchant in stage.progress(stage.merchants, total=len(stage.merchants), unit="feed"):
        try:
            paths += stage_feed(
                spark, merchant, stage.run_date, stage.data_root, scratch / merchant.id, pictures=pictures
            )
        except FeedError as error:
            refusals[merchant.id] = Refusal(error.reason, str(error))
        except PySparkException as error:
            # Unforeseen: the reader or a mapping's expression failed on a value. The night goes on without this feed.
            refusals[merchant.id] = Refusal("feed_unreadable", f"{merchant.feed.path}: {_in_short(error)}")
    schema = from_arrow_schema(staged_schema(pictures=pictures))
    return (spark.read.schema(schema).parquet(*paths) if paths else None), refusals


def _in_short(error: PySparkException) -> str:
    """What failed, without the value that it failed on, which may be a person's."""
    lines = (str(error).strip() or repr(error)).splitlines()
    kind = re.match(r"[\w.]*(?:Error|Exception|Invalid)\b", lines[-1]) if len(lines) > 1 else None
    return lines[0][:300] + (f" {kind[0]}" if kind else "")


def count_rows(rows: DataFrame, crossed: DataFrame | None = None) -> dict[str, Counts]:
    """Counts by merchant, from the rows and from what only several rows together show."""
    counts: dict[str, Counts] = {}
    for merchant_id, reason, n in rows.groupBy("merchant_id", "reason").count().collect():
        count = counts.setdefault(merchant_id, Counts())
        count.read += n
        if reason is not None:
            count.lost[reason] = n
    first = F.min(F.struct("file", "row", F.coalesce("detail", "record"))).alias("first")
    lost = rows.where(F.col("reason").isNotNull()).groupBy("merchant_id", "reason").agg(first)
    for merchant_id, reason, (file, row, shown) in (
        lost.collect() if any(c.lost for c in counts.values()) else ()
    ):
        counts[merchant_id].first[reason] = f"{file} row {row}" + (f": {shown[:200]}" if shown else "")
    if crossed is not None:
        first = F.min(F.struct("file", "row")).alias("first")
        for merchant_id, reason, n, (file, row) in (
            crossed.groupBy("merchant_id", "reason").agg(F.count("*").alias("n"), first).collect()
        ):
            if reason != "parent_missing":
                counts[merchant_id].lost[reason] = n
                counts[merchant_id].first[reason] = f"{file} row {row}"
    return counts


def last_products(stage: Stage) -> dict[str, LastProducts]:
    """Each merchant's newest products of an earlier night, at most LOOKBACK_NIGHTS ago."""
    since = stage.run_date - dt.timedelta(days=keeping.LOOKBACK_NIGHTS)
    found = query_tables(
        stage.state,
        "SELECT merchant_id, run_date, count(*) AS n, max(coalesce(feed_date, run_date)) AS feed_date FROM products "
        f"WHERE run_date < DATE '{stage.run_date}' AND run_date >= DATE '{since}' GROUP BY merchant_id, run_date",
        "products",
    )
    newest: dict[str, LastProducts] = {}
    for row in sorted(found, key=lambda row: row["run_date"]):
        newest[row["merchant_id"]] = LastProducts(row["run_date"], row["feed_date"], row["n"])
    return newest


def build_products(good: DataFrame, night: dt.date) -> DataFrame:
    """Rows of `products`: the good rows, each brand in its merchant's usual spelling."""
    usual = F.broadcast(brand_spellings(good))
    rows = good.join(usual, on=["merchant_id", "brand_key"], how="left").withColumns(
        {
            "brand": F.coalesce("usual_brand", "brand"),
            "run_date": F.lit(night),
            "feed_date": F.lit(night),
            "feed_file": F.col("file"),
            "feed_row": F.col("row"),
        }
    )
    parts = [F.coalesce(name, F.lit("")) for name in ("content_hash", "brand", "image_sha256")]
    return rows.withColumn("product_hash", F.sha2(F.concat_ws("\x1f", *parts), 256)).select(
        BY_NAME["products"].column_names
    )


def carried_products(spark: SparkSession, stage: Stage, kept: dict[str, LastProducts]) -> list[DataFrame]:
    """The last products of the merchants in `kept`, as rows of tonight with the date of their own feed."""
    columns = BY_NAME["products"].column_names
    night = {"run_date": F.lit(stage.run_date)}
    return [
        read_delta(spark, stage.state, "products")
        .where((F.col("run_date") == F.lit(last.run_date)) & (F.col("merchant_id") == merchant_id))
        .withColumns({"feed_date": F.coalesce("feed_date", "run_date")})
        .withColumns(night)
        .select(columns)
        for merchant_id, last in kept.items()
    ]


def build_rejects(rows: DataFrame, crossed: DataFrame, good: DataFrame) -> DataFrame:
    """Rows of `rejects` (without run_date, stage and shard): rejected rows, and notes on products that were kept."""
    known = [(code, severity(code), said) for code, said in {**REASONS, **ROW, **NOTES, **FEED}.items()]
    meanings = F.broadcast(
        rows.sparkSession.createDataFrame(known, "reason string, severity string, said string")
    )

    def reject(found: DataFrame, reason: str, shown: str, record: Column) -> DataFrame:
        return found.select(
            "merchant_id",
            "file",
            "row",
            "sku",
            F.col(reason).alias("reason"),
            F.col(shown).alias("shown"),
            record.alias("record"),
        )

    nothing = F.lit(None).cast("string")
    image_note = F.struct(F.col("image_reason").alias("code"), F.col("image_detail").alias("detail"))
    noted = good.where((F.size("notes") > 0) | F.col("image_reason").isNotNull()).withColumn(
        "note",
        F.explode(F.filter(F.concat("notes", F.array(image_note)), lambda note: note["code"].isNotNull())),
    )
    found = union_all(
        [
            reject(rows.where(F.col("reason").isNotNull()), "reason", "detail", F.col("record")),
            reject(crossed, "reason", "detail", nothing),
            reject(noted, "note.code", "note.detail", nothing),
        ]
    )
    value = F.when(F.length("shown") > 0, F.concat(F.lit(" ("), F.col("shown"), F.lit(")")))
    return found.join(meanings, on="reason", how="left").select(
        F.format_string("%s/%s:%d", "merchant_id", "file", "row").alias("key"),
        "reason",
        F.coalesce("severity", F.lit("row")).alias("severity"),
        "merchant_id",
        "sku",
        F.concat(
            F.format_string("%s row %d: ", "file", "row"),
            F.coalesce("said", "reason"),
            F.coalesce(value, F.lit("")),
        ).alias("detail"),
        "record",
    )


def _limited(good: DataFrame, stage: Stage) -> DataFrame:
    by_sku = F.row_number().over(Window.partitionBy("merchant_id").orderBy("sku"))
    first = good.withColumn("n", by_sku).where(F.col("n") <= F.lit(stage.limit)).drop("n")
    return union_all(
        [
            locate_pictures(first.where(F.col("merchant_id") == merchant.id), merchant, stage.data_root)
            for merchant in stage.merchants
        ]
    )


def _crossed(spark: SparkSession, rows: DataFrame) -> DataFrame:
    """What only several rows together show; small, and used several times."""
    sound = rows.where(F.col("reason").isNull()).withColumn("content", content(rows))
    parts = [repeated_skus(sound)]
    if not sound.where(F.col("parent_sku").isNotNull() & (F.col("parent_sku") != F.col("sku"))).isEmpty():
        parts.append(parent_faults(sound))
    return union_all(parts).persist()


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        if stage.config.paths.sample_shop:
            make_sample_shop(["--out", str(stage.data_root)])
        spark = spark_session(stage.config.engines, stage.state)
        scratch = stage.state / "tmp" / "ingest" / stage.run_date.isoformat()
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            _ingest(spark, stage, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return []


def _ingest(spark: SparkSession, stage: Stage, scratch: Path) -> None:
    limits, night = stage.config.ingest, stage.run_date
    rows, refusals = stage_feeds(spark, stage, scratch)
    last = last_products(stage)
    counts: dict[str, Counts] = {}
    if rows is not None:
        crossed = _crossed(spark, rows)
        counts = count_rows(rows, crossed)
    for merchant in stage.merchants:
        if merchant.id not in refusals:
            count = counts.get(merchant.id, Counts())
            refusal = keeping.judge_feed(
                merchant, count, last.get(merchant.id), night, limits, whole=stage.limit is None
            )
            if refusal:
                refusals[merchant.id] = refusal
    kept = {
        name: last[name]
        for name in refusals
        if keeping.nights_left(last.get(name), night, limits) is not None
    }
    if len(refusals) == len(stage.merchants) and not kept:
        raise StageError(keeping.no_product_sentence(refusals, stage.merchants))
    products, rejects = carried_products(spark, stage, kept), [_feed_rejects(spark, stage, refusals, last)]
    if rows is not None:
        taken = ~F.col("merchant_id").isin(list(refusals))
        dropped = crossed.where(F.col("reason") != "parent_missing")
        sound = rows.where(F.col("reason").isNull() & taken)
        good = sound.join(dropped.select(*PLACE), on=list(PLACE), how="left_anti")
        if stage.limit is not None:
            good = _limited(good, stage).persist()
        products.append(build_products(good, night))
        rejects.append(build_rejects(rows, crossed, good))
    replace_delta(union_all(products), stage.state, "products", stage.tonight)
    own = {"run_date": F.lit(night), "stage": F.lit(STAGE), "shard": F.lit(0)}
    mine = night_predicate(night, stage.selected, stage=STAGE)
    replace_delta(union_all(rejects).withColumns(own), stage.state, "rejects", mine)
    _count(stage, counts, refusals)
    spark.catalog.clearCache()


def _feed_rejects(
    spark: SparkSession, stage: Stage, refusals: dict[str, Refusal], last: dict[str, LastProducts]
) -> DataFrame:
    """A row for every merchant whose feed is set aside, and a line in the log."""
    rows = []
    for name, refusal in refusals.items():
        left = keeping.nights_left(last.get(name), stage.run_date, stage.config.ingest)
        detail = f"{refusal.detail}; {keeping.kept_sentence(last.get(name), left)}"
        stage.log.error("merchant %s: feed set aside (%s): %s", name, refusal.reason, detail)
        rows.append((f"{name}/feed", refusal.reason, "feed", name, None, detail, None))
    kinds = "key string, reason string, severity string, merchant_id string, sku string, detail string, record string"
    return spark.createDataFrame(rows, kinds)


def _count(stage: Stage, counts: dict[str, Counts], refusals: dict[str, Refusal]) -> None:
    for name, count in counts.items():
        stage.count(name, rows_in=count.read, **count.lost)
        if name in refusals:
            stage.count(name, **{refusals[name].reason: count.good})
    for name, refusal in refusals.items():
        if name not in counts:
            stage.count(name, **{refusal.reason: 1})
    written = (
        f"SELECT merchant_id, count(*) AS products FROM products WHERE {stage.tonight} GROUP BY merchant_id"
    )
    for row in query_tables(stage.state, written, "products"):
        stage.count(row["merchant_id"], rows_out=row["products"])


if __name__ == "__main__":
    main()
