"""Lines of behaviour: what a user did with an item and when, why a line does not count, and what lines add up to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.window import Window

from jobs.segments.items import ITEM, NO_MERCHANT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ORDER = "order"
"""Kind of every line of a file that maps no `event`."""


SHARES = {
    "category": "category",
    "brand": "brand",
    "price_band": "price_band",
    "tag": "tag",
    "hour_band": "hour",
    "season": "season",
}
"""Dimension -> the name of its share in a rule."""


def local_time(column: Column, kind: T.DataType, timezone: str) -> Column:
    """A time as the clock on the wall showed it (TIMESTAMP_NTZ); NULL when it cannot be read.

    Instants (TIMESTAMP, and text that ends with a zone) are moved into `timezone`; what has no zone is local already.
    """
    if isinstance(kind, T.TimestampType):
        return F.convert_timezone(F.lit("UTC"), F.lit(timezone), column.cast("timestamp_ntz"))
    if isinstance(kind, T.StringType):
        zoned = column.rlike(r"(Z|[+-]\d\d:?\d\d)$")
        instant = column.try_cast("timestamp").cast("timestamp_ntz")
        moved = F.convert_timezone(F.lit("UTC"), F.lit(timezone), instant)
        return F.when(zoned, moved).otherwise(column.try_cast("timestamp_ntz"))
    return column.try_cast("timestamp_ntz")


def hour_band(at: Column) -> Column:
    """night, morning, midday, afternoon or evening; NULL at midnight sharp: so reads a date without a time."""
    hour = F.hour(at)
    band = (
        F.when(hour < 6, "night")
        .when(hour < 11, "morning")
        .when(hour < 14, "midday")
        .when(hour < 18, "afternoon")
        .otherwise("evening")
    )
    return F.when(at != F.date_trunc("day", at), band)


def season(at: Column) -> Column:
    """winter (December to February), spring, summer or autumn: meteorological seasons of the northern half."""
    quarter = F.floor(F.month(at) % 12 / 3)
    return F.element_at(
        F.array(*map(F.lit, ("winter", "spring", "summer", "autumn"))), (quarter + 1).cast("int")
    )


def event_lines(
    mapped: DataFrame,
    items: DataFrame,
    *,
    weights: Mapping[str, float],
    first_day: dt.date,
    last_day: dt.date,
    timezone: str,
) -> DataFrame:
    """One row an event or order line: user_id, merchant_id, sku, kind, weight, quantity, price, order_id, at, reason.

    mapped: user_id, sku and any of merchant_id, event, ts, quantity (below 0 for what came back), price (of one, major
    units), order_id, broken. items: merchant_id, sku, price_minor. `reason` says why a line does not count; else NULL.
    """
    have = set(mapped.columns)

    def field(name: str, kind: str) -> Column:
        return F.col(name).try_cast(kind) if name in have else F.lit(None).cast(kind)

    at = local_time(F.col("ts"), mapped.schema["ts"].dataType, timezone) if "ts" in have else F.lit(None)
    kind = F.coalesce(field("event", "string"), F.lit(None if "event" in have else ORDER))
    weight_of = F.create_map(*(F.lit(part) for pair in sorted(weights.items()) for part in pair))
    quantity = field("quantity", "double") if "quantity" in have else F.lit(1.0)
    lines = mapped.select(
        F.nullif(field("user_id", "string"), F.lit("")).alias("user_id"),
        F.coalesce(field("merchant_id", "string"), F.lit(NO_MERCHANT)).alias("merchant_id"),
        F.nullif(field("sku", "string"), F.lit("")).alias("sku"),
        kind.alias("kind"),
        weight_of[kind].alias("weight"),
        quantity.alias("quantity"),
        field("price", "double").alias("own_price"),
        field("order_id", "string").alias("order_id"),
        at.cast("timestamp_ntz").alias("at"),
        field("broken", "string").alias("broken"),
    )
    known = items.select(*ITEM, F.lit(True).alias("known"), "price_minor")
    day = F.to_date("at")
    reason = F.coalesce(
        F.col("broken"),
        F.when(F.col("user_id").isNull(), "user_missing"),
        F.when(F.col("sku").isNull(), "item_missing"),
        F.when(F.col("weight").isNull(), "event_kind_unknown"),
        F.when(F.lit("ts" in have) & day.isNull(), "event_time_unreadable"),
        F.when(~day.between(F.lit(first_day), F.lit(last_day)), "event_outside_window"),
        F.when(F.col("quantity").isNull(), "quantity_unreadable"),
        F.when(F.col("known").isNull(), "event_of_unknown_product"),
    )
    return lines.join(known, on=list(ITEM), how="left").select(
        "user_id",
        *ITEM,
        "kind",
        "weight",
        "quantity",
        F.coalesce("own_price", F.col("price_minor") / 100).alias("price"),
        "order_id",
        "at",
        reason.alias("reason"),
    )


def net_lines(lines: DataFrame) -> DataFrame:
    """`event_lines` with the reasons `cancellation` (quantity 0 or less) and `event_cancelled` added.

    A line is cancelled when its user sent back as many of the item as he took, or more, within the window; a part
    that is sent back does not make the rest less wanted.
    """
    counts = F.col("reason").isNull()
    net = F.sum(F.when(counts, F.col("quantity"))).over(Window.partitionBy("user_id", *ITEM))
    reason = F.coalesce(
        F.col("reason"),
        F.when(F.col("quantity") <= 0, "cancellation"),
        F.when(net <= 0, "event_cancelled"),
    )
    return lines.withColumn("reason", reason)


def user_values(lines: DataFrame, attributes: DataFrame) -> DataFrame:
    """One row a user, dimension and value: weight and events (lines) of the user's engagement with it.

    lines: user_id, merchant_id, sku, weight, at. attributes: see `product_attributes`. Hour band and season come from
    the lines, the others from the items; the join is over user and item, never over segments.
    """
    totals = (F.sum("weight").alias("weight"), F.sum("events").alias("events"))
    by_item = (
        lines.groupBy("user_id", *ITEM)
        .agg(F.sum("weight").alias("weight"), F.count("*").alias("events"))
        .join(attributes, on=list(ITEM), how="inner")
        .groupBy("user_id", "dimension", "value")
        .agg(*totals)
    )
    when = F.array(
        F.struct(F.lit("hour_band").alias("dimension"), hour_band(F.col("at")).alias("value")),
        F.struct(F.lit("season").alias("dimension"), season(F.col("at")).alias("value")),
    )
    by_time = (
        lines.select("user_id", "weight", F.inline(when))
        .where(F.col("value").isNotNull())
        .groupBy("user_id", "dimension", "value")
        .agg(F.sum("weight").alias("weight"), F.count("*").alias("events"))
    )
    return by_item.unionByName(by_time)


def user_totals(lines: DataFrame) -> DataFrame:
    """One row a user: weight and events of all lines that count."""
    return lines.groupBy("user_id").agg(F.sum("weight").alias("weight"), F.count("*").alias("events"))


def user_behaviour(lines: DataFrame, values: DataFrame, last_day: dt.date, kinds: Iterable[str]) -> DataFrame:
    """One row a user with events: the columns that a rule may ask for.

    lines: see `net_lines`; values: see `user_values`. orders, units and spend (cancellations netted), cancellations
    (lines), recency_days and tenure_days (since the last and the first line), weekend_share, kind_count['cart'], and
    the shares of the user's weighted engagement by value: category_share['drinks > tea'], brand_share,
    price_band_share, tag_share, hour_share['evening'], season_share. What the user never touched is missing (NULL).
    """
    traded = F.col("reason").isNull() | F.col("reason").isin("cancellation", "event_cancelled")
    stands, is_order = F.col("reason").isNull(), F.col("kind") == ORDER
    weight = F.when(stands, F.col("weight")).otherwise(0.0)
    day = F.to_date("at")
    bought = F.when(stands & is_order, F.coalesce("order_id", day.cast("string")))
    units = F.when(is_order, F.col("quantity")).otherwise(0.0)
    kinds = sorted(kinds)
    counted = (
        lines.where(traded)
        .groupBy("user_id")
        .agg(
            F.count_distinct(bought).alias("orders"),
            F.sum(units).alias("units"),
            F.sum(units * F.col("price")).alias("spend"),
            F.count_if(F.col("reason") == "cancellation").alias("cancellations"),
            F.datediff(F.lit(last_day), F.max(day)).alias("recency_days"),
            F.datediff(F.lit(last_day), F.min(day)).alias("tenure_days"),
            (F.sum(F.when(F.dayofweek("at").isin(1, 7), weight)) / F.sum(weight)).alias("weekend_share"),
            F.map_from_arrays(
                F.array(*map(F.lit, kinds)),
                F.array(*(F.count_if(stands & (F.col("kind") == kind)) for kind in kinds)),
            ).alias("kind_count"),
            F.sum(weight).alias("_weight"),
        )
    )
    share = F.struct("value", (F.col("weight") / F.col("_weight")).alias("share"))
    maps = (
        values.join(counted.select("user_id", "_weight"), on="user_id", how="inner")
        .groupBy("user_id")
        .agg(
            *(
                F.map_from_entries(F.collect_list(F.when(F.col("dimension") == dimension, share))).alias(
                    f"{name}_share"
                )
                for dimension, name in SHARES.items()
            )
        )
    )
    return counted.drop("_weight").join(maps, on="user_id", how="left")
