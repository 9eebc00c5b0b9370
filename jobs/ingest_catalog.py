"""One row of `products` for every sellable SKU that the merchants' feeds hold tonight; what is wrong goes to `rejects`.

A bad row costs that row, a file that cannot be read costs that merchant's night; above `ingest.max_reject_share`
of rejected rows in one feed the stage stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.sample_shop.__main__ import main as make_sample_shop
from infra.spark import replace_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate, query_tables
from jobs.feeds import PLACE_COLUMNS, FeedError, feed_paths, map_fields, plain_text, read_feed
from jobs.images import IMAGE_SCHEMA, locate_images
from schemas.config import Config, Merchant

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

STAGE = "jobs.ingest_catalog"
INPUTS: tuple[str, ...] = ()
OUTPUTS = ("products",)

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
    "CLP": 0,
    "ISK": 0,
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
}
_FACTS = "array<struct<name:string,value:string,unit:string,source_field:string>>"

Counts = dict[tuple[str, str | None], tuple[int, int]]
"""(merchant, reason or None for good rows) -> (number of rows, first row)."""

REJECTED_ROW_REASONS = ("sku_missing", "title_missing", "price_missing", "price_not_positive", "sku_twice")
"""Reasons that cost a row; a product whose picture is missing stays, without a picture."""


def input_files(config: Config, root: Path) -> Iterable[Path]:
    """The files that tonight's result depends on: feeds and the folders of their pictures."""
    for merchant in config.merchants:
        yield from feed_paths(merchant.feed, root)
        folder = root / merchant.feed.image_root
        if merchant.feed.image_root and folder.is_dir():
            yield from (path for path in folder.rglob("*") if path.is_file())


def map_feed(rows: DataFrame, merchant: Merchant) -> DataFrame:
    """A feed row in our fields and types, with `row`, `record` (raw JSON, cut) and `reason` (NULL when good)."""
    feed = merchant.feed
    own = [F.col(f"`{name}`") for name in rows.columns if name not in PLACE_COLUMNS]
    raw = F.coalesce("record", F.substring(F.to_json(F.struct(own)), 1, 2000))
    mapped = rows.select("row", "broken", raw.alias("record"), *map_fields(rows, feed))

    def given(field: str) -> Column:
        return F.col(field) if field in feed.fields else F.lit(None)

    amount = F.regexp_replace(F.col("price").cast("string"), r"[^0-9.,\-]", "")
    price = amount.try_cast("decimal(18,4)")
    currency = F.upper(F.coalesce(plain_text(given("currency")), F.lit(merchant.currency)))
    digits = F.coalesce(
        *(F.when(currency == code, F.lit(number)) for code, number in sorted(_MINOR_DIGITS.items())), F.lit(2)
    )
    ratings = given("ratings").cast("array<double>")
    tags = F.transform(given("tags").cast("array<string>"), lambda tag: F.lower(plain_text(tag)))
    fields = mapped.select(
        F.lit(merchant.id).alias("merchant_id"),
        "row",
        "broken",
        "record",
        plain_text(F.col("sku")).alias("sku"),
        F.substring(plain_text(F.col("title")), 1, 500).alias("title"),
        F.substring(plain_text(given("description")), 1, 5000).alias("description"),
        F.coalesce(
            F.regexp_replace(plain_text(F.col("category")), r"\s*>\s*", " > "), F.lit("Uncategorised")
        ).alias("category"),
        plain_text(given("brand")).alias("brand"),
        F.round(price * F.pow(F.lit(10), digits)).cast("long").alias("price_minor"),
        (amount.isNull() | (F.length(amount) == 0) | price.isNull()).alias("price_unreadable"),
        currency.alias("currency"),
        F.coalesce(
            F.array_distinct(F.filter(tags, lambda tag: tag.isNotNull())), F.array().cast("array<string>")
        ).alias("tags"),
        F.coalesce(_facts(F.col("specs")) if "specs" in feed.fields else F.lit(None), F.array())
        .cast(_FACTS)
        .alias("facts"),
        F.round(
            F.aggregate(ratings, F.lit(0.0), lambda total, rating: total + rating)
            / F.nullif(F.size(ratings), F.lit(0)),
            2,
        ).alias("rating_mean"),
        F.coalesce(F.greatest(F.size(ratings), F.lit(0)), F.lit(0)).cast("long").alias("rating_count"),
        plain_text(given("image")).alias("image"),
    )
    judged = fields.withColumn(
        "reason",
        F.when(F.col("broken").isNotNull(), F.col("broken"))
        .when(F.col("sku").isNull(), "sku_missing")
        .when(F.col("title").isNull(), "title_missing")
        .when(F.col("price_unreadable"), "price_missing")
        .when(F.col("price_minor") <= 0, "price_not_positive"),
    )
    # Of several good rows with one SKU the first is kept; a bad row does not take a good one's place.
    place = F.row_number().over(
        Window.partitionBy("merchant_id", "sku", F.col("reason").isNull()).orderBy("row")
    )
    return judged.withColumn(
        "reason", F.when(F.col("reason").isNull() & (place > 1), "sku_twice").otherwise(F.col("reason"))
    )


def _facts(specs: Column) -> Column:
    """Specifications as facts; fields are taken by name, because readers of JSON put them in alphabetical order."""
    named = F.filter(specs, lambda spec: spec["name"].isNotNull() & spec["value"].isNotNull())
    return F.transform(
        named,
        lambda spec: F.struct(
            plain_text(spec["name"]).alias("name"),
            plain_text(spec["value"]).alias("value"),
            plain_text(spec["unit"]).alias("unit"),
            F.lit("specs").alias("source_field"),
        ),
    )


def build_products(good_rows: DataFrame, images: DataFrame) -> DataFrame:
    """Rows of `products` (without run_date): the good rows with their picture's place and hash."""
    joined = good_rows.join(images, on=["merchant_id", "sku"], how="left")
    influences = ["title", "description", "category", "brand", "tags", "facts", "rating_mean", "image_sha256"]
    return joined.withColumn(
        "product_hash", F.sha2(F.to_json(F.struct(*influences), {"ignoreNullFields": "false"}), 256)
    )


def build_rejects(rows: DataFrame, images: DataFrame, feed_paths_by_merchant: dict[str, str]) -> DataFrame:
    """Rows of `rejects` (without run_date and stage): bad feed rows, and products whose picture cannot be had."""
    paths = F.create_map(*(F.lit(part) for pair in sorted(feed_paths_by_merchant.items()) for part in pair))
    place = F.concat(paths[F.col("merchant_id")], F.lit(" row "), F.col("row").cast("string"))
    bad_rows = rows.where(F.col("reason").isNotNull()).select(
        F.concat_ws("/", "merchant_id", F.concat(F.lit("row "), F.col("row").cast("string"))).alias("key"),
        "reason",
        "merchant_id",
        "sku",
        F.concat(place, F.lit(": "), F.col("reason"), F.lit("; correct the row in the feed")).alias("detail"),
        "record",
    )
    bad_images = images.where(F.col("image_reason").isNotNull()).select(
        F.concat_ws("/", "merchant_id", "sku").alias("key"),
        F.col("image_reason").alias("reason"),
        "merchant_id",
        "sku",
        F.col("image_detail").alias("detail"),
        F.lit(None).cast("string").alias("record"),
    )
    return bad_rows.unionByName(bad_images)


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        if stage.config.paths.sample_shop:
            make_sample_shop(["--out", str(stage.data_root)])
        spark = spark_session(stage.config.engines, stage.state)
        feeds, feed_rejects = _read_feeds(spark, stage)
        rows = reduce(lambda a, b: a.unionByName(b), feeds).cache()
        counts = {
            (row["merchant_id"], row["reason"]): (row["n"], row["row"])
            for row in rows.groupBy("merchant_id", "reason")
            .agg(F.count("*").alias("n"), F.min_by("row", "row").alias("row"))
            .collect()
        }
        _check_budget(stage, counts)
        good = rows.where(F.col("reason").isNull())
        if stage.limit is not None:
            by_sku = F.row_number().over(Window.partitionBy("merchant_id").orderBy("sku"))
            good = good.withColumn("n", by_sku).where(F.col("n") <= stage.limit)
        roots = {m.id: str(stage.data_root / m.feed.image_root) for m in stage.merchants}
        images = (
            good.select("merchant_id", "sku", "image").mapInArrow(locate_images(roots), IMAGE_SCHEMA).cache()
        )
        night = F.lit(stage.run_date)
        products = build_products(good, images).withColumn("run_date", night)
        replace_delta(products, stage.state, "products", stage.tonight)
        paths = {m.id: m.feed.path for m in stage.merchants}
        rejects = build_rejects(rows, images, paths).withColumns(
            {"run_date": night, "stage": F.lit(STAGE), "shard": F.lit(0)}
        )
        if feed_rejects:
            feed_rows = spark.createDataFrame(
                feed_rejects, "key string, reason string, merchant_id string, detail string"
            )
            rejects = rejects.unionByName(
                feed_rows.withColumns({"run_date": night, "stage": F.lit(STAGE), "shard": F.lit(0)}),
                allowMissingColumns=True,
            )
        replace_delta(
            rejects, stage.state, "rejects", night_predicate(stage.run_date, stage.selected, stage=STAGE)
        )
        _count(stage, counts)
        rows.unpersist()
        images.unpersist()
    return []


def _read_feeds(spark: SparkSession, stage: Stage) -> tuple[list[DataFrame], list[tuple[str, str, str, str]]]:
    feeds, rejects = [], []
    for merchant in stage.merchants:
        try:
            feeds.append(map_feed(read_feed(spark, merchant.feed, stage.data_root), merchant))
        except FeedError as error:
            stage.log.error("merchant %s: %s (%s); its last release stays", merchant.id, error, error.reason)
            stage.count(merchant.id, **{error.reason: 1})
            rejects.append((f"{merchant.id}/feed", error.reason, merchant.id, str(error)))
    if not feeds:
        raise StageError("no merchant's feed could be read: " + "; ".join(detail for *_, detail in rejects))
    return feeds, rejects


def _check_budget(stage: Stage, counts: Counts) -> None:
    for merchant in stage.merchants:
        rows = {reason: n_and_row for (name, reason), n_and_row in counts.items() if name == merchant.id}
        bad = {reason: n_and_row for reason, n_and_row in rows.items() if reason is not None}
        total = sum(n for n, _ in rows.values())
        share = sum(n for n, _ in bad.values()) / total if total else 0.0
        if share > stage.config.ingest.max_reject_share:
            reason, (_, first_row) = max(bad.items(), key=lambda item: item[1][0])
            raise StageError(
                f"merchant {merchant.id}: {share:.0%} of the rows of {merchant.feed.path} were rejected, "
                f"most for {reason} (first: row {first_row}); mend the feed or its mapping, "
                f"or raise ingest.max_reject_share (now {stage.config.ingest.max_reject_share:.0%})"
            )


def _count(stage: Stage, counts: Counts) -> None:
    for (merchant_id, reason), (n, _) in counts.items():
        stage.count(merchant_id, rows_in=n, **({reason: n} if reason else {}))
    written = (
        f"SELECT merchant_id, count(*) AS products FROM products WHERE {stage.tonight} GROUP BY merchant_id"
    )
    for row in query_tables(stage.state, written, "products"):
        stage.count(row["merchant_id"], rows_out=row["products"])


if __name__ == "__main__":
    main()
