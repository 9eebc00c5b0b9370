"""A source's files as frames: mapped, their broken rows marked, and what events refer to joined on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from infra.spark import read_delta, read_night_delta
from infra.stage import Stage
from jobs.catalog.keeping import LOOKBACK_NIGHTS
from jobs.feeds import FeedError, map_fields, read_feed
from jobs.segments.events import event_lines, net_lines, user_totals, user_values
from jobs.segments.items import ITEM, described_items, priced_by_sales, product_attributes
from schemas.feed_config import File, SegmentSource

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


@dataclass(frozen=True)
class Counted:
    """Rows of one file with the reason why each does not count (NULL for those that do): reason."""

    key: str
    path: str
    rows: DataFrame


@dataclass(frozen=True)
class Behaviour:
    """What the events of a source say, up to `last_day`."""

    lines: DataFrame
    """See `net_lines`; cached."""
    values: DataFrame
    """See `user_values`; cached."""
    totals: DataFrame
    """See `user_totals`."""
    last_day: dt.date


def broken(rows: DataFrame) -> Column:
    """Why the reader could not make sense of a row; NULL for sound rows."""
    return F.col("broken") if "broken" in rows.columns else F.lit(None).cast("string")


def raw_file(spark: SparkSession, stage: Stage, file: File, required: set[str]) -> DataFrame:
    """A file's rows as `read_feed` gives them; raises FeedError when a required field is not mapped."""
    if missing := required - file.fields.keys():
        raise FeedError(
            "feed_field_missing", f"{file.path}: map these fields too: {', '.join(sorted(missing))}"
        )
    return read_feed(spark, file, stage.data_root)


def mapped_file(spark: SparkSession, stage: Stage, file: File | None, required: set[str]) -> DataFrame:
    """A file's mapped fields and `broken`."""
    assert file is not None
    rows = raw_file(spark, stage, file, required)
    return rows.select(*map_fields(rows, file), broken(rows).alias("broken"))


def catalog_items(spark: SparkSession, stage: Stage) -> DataFrame:
    """Tonight's products, with the columns that `product_attributes` reads.

    A night of some shops or some products also takes the newest earlier row of all others: what a group buys more than
    the rest does not depend on which shops are made tonight.
    """
    columns = ("category", "brand", "price_minor", "tags")
    tonight = read_night_delta(spark, stage.state, "products", stage.run_date).select(*ITEM, *columns)
    if not stage.selected and stage.limit is None:
        return tonight
    night = F.col("run_date")
    since = stage.run_date - dt.timedelta(days=LOOKBACK_NIGHTS)
    earlier = read_delta(spark, stage.state, "products").where((night >= since) & (night < stage.run_date))
    newest = earlier.groupBy(*ITEM).agg(*(F.max_by(name, night).alias(name) for name in columns))
    return tonight.unionByName(newest.join(tonight, on=list(ITEM), how="left_anti"))


def source_items(spark: SparkSession, stage: Stage, source: SegmentSource) -> DataFrame:
    """One row an item that events may refer to, with the columns that `product_attributes` reads.

    Catalog products come first; a source's own items add to them, or stand alone when its events name no merchant.
    """
    products = catalog_items(spark, stage)
    assert source.events is not None
    if source.items is None:
        return products
    mapped = mapped_file(spark, stage, source.items, {"sku"})
    own = described_items(mapped.where(F.col("broken").isNull())).select(products.columns)
    if "merchant_id" not in source.events.fields:
        return own
    return products.unionByName(own.join(products, on=list(ITEM), how="left_anti"))


def read_behaviour(
    spark: SparkSession, stage: Stage, source: SegmentSource
) -> tuple[Behaviour, Counted] | None:
    """What the source's events say, and its lines with their reasons; None without events."""
    if source.events is None:
        return None
    required = {"user_id", "sku"} | (set() if source.items else {"merchant_id"})
    mapped = mapped_file(spark, stage, source.events, required)
    last_day = min(source.window_end or stage.run_date, stage.run_date)
    items = source_items(spark, stage, source).cache()
    lines = event_lines(
        mapped,
        items,
        weights=source.event_weights,
        first_day=last_day - dt.timedelta(days=source.window_days - 1),
        last_day=last_day,
        timezone=source.timezone,
    )
    # All that follows is by user: one shuffle here spares one at every step.
    lines = lines.repartition("user_id")
    if "quantity" in source.events.fields:
        lines = net_lines(lines)
    lines = lines.cache()
    good = lines.where(F.col("reason").isNull())
    if source.items and "price" in source.events.fields.keys() - source.items.fields.keys():
        items = priced_by_sales(items, good)
    values = user_values(good, product_attributes(items)).cache()
    behaviour = Behaviour(lines, values, user_totals(good), last_day)
    return behaviour, Counted(f"{source.id}/events", source.events.path, lines.select("reason"))
