"""Lines of behaviour: why one does not count, what a cancellation takes back, whose clock tells the hour."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from jobs.segments.events import (
    event_lines,
    hour_band,
    local_time,
    net_lines,
    season,
    user_behaviour,
    user_values,
)
from jobs.segments.items import product_attributes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WEIGHTS = {"view": 1.0, "order": 6.0}
FIRST, LAST = dt.date(2026, 11, 1), dt.date(2026, 11, 21)
ITEMS = [("", "tea", "Drinks > Tea", 400), ("", "pan", "Kitchen", 4000)]
LINES = [
    # who, what, event, when, how many, which order
    ("u1", "tea", "order", "2026-11-20 19:30:00", "2", "o1"),
    ("u1", "pan", "order", "2026-11-20 19:30:00", "1", "o1"),
    ("u1", "pan", "order", "2026-11-21 09:00:00", "-1", "o2"),
    ("u1", "tea", "view", "2026-11-14 12:00:00", "1", None),
    ("u2", "tea", "order", "2026-11-02", "12", "o3"),
    ("u2", "tea", "order", "2026-11-03", "-2", "o4"),
    ("", "tea", "order", "2026-11-20", "1", "o5"),
    ("u3", None, "order", "2026-11-20", "1", "o6"),
    ("u3", "tea", "sneeze", "2026-11-20", "1", None),
    ("u3", "tea", "order", "yesterday", "1", "o7"),
    ("u3", "tea", "order", "2026-10-31", "1", "o8"),
    ("u3", "tea", "order", "2026-11-22", "1", "o9"),
    ("u3", "tea", "order", "2026-11-20", "many", "o10"),
    ("u3", "POSTAGE", "order", "2026-11-20", "1", "o11"),
]


@pytest.fixture(scope="module")
def items(spark: SparkSession) -> DataFrame:
    schema = "merchant_id string, sku string, category string, price_minor long"
    empty = {"brand": F.lit(None).cast("string"), "tags": F.array().cast("array<string>")}
    return spark.createDataFrame(ITEMS, schema).withColumns(empty)


@pytest.fixture(scope="module")
def lines(spark: SparkSession, items: DataFrame) -> DataFrame:
    schema = "user_id string, sku string, event string, ts string, quantity string, order_id string"
    mapped = spark.createDataFrame(LINES, schema).withColumn("broken", F.lit(None).cast("string"))
    counted = event_lines(
        mapped, items, weights=WEIGHTS, first_day=FIRST, last_day=LAST, timezone="Europe/Berlin"
    )
    return net_lines(counted).cache()


def test_every_line_that_does_not_count_says_why(lines: DataFrame) -> None:
    reasons = sorted(row["reason"] for row in lines.collect() if row["reason"])
    assert reasons == sorted(
        ["cancellation"] * 2
        + ["event_cancelled", "user_missing", "item_missing", "event_kind_unknown", "event_time_unreadable"]
        + ["event_outside_window"] * 2
        + ["quantity_unreadable", "event_of_unknown_product"]
    )


def test_what_a_user_did_adds_up(lines: DataFrame, items: DataFrame) -> None:
    values = user_values(lines.where(F.col("reason").isNull()), product_attributes(items)).cache()
    found = {(r["user_id"], r["dimension"], r["value"]): (r["weight"], r["events"]) for r in values.collect()}
    assert found["u1", "category", "drinks"] == found["u1", "category", "drinks > tea"] == (7.0, 2)
    assert ("u1", "category", "kitchen") not in found  # sent back
    assert found["u2", "category", "drinks"] == (6.0, 1)  # a part was sent back, the wish stays
    assert (found["u1", "hour_band", "evening"], found["u1", "hour_band", "midday"]) == ((6.0, 1), (1.0, 1))
    assert not [key for key in found if key[:2] == ("u2", "hour_band")]  # dates have no hour
    assert found["u2", "season", "autumn"] == (6.0, 1)
    users = {row["user_id"]: row for row in user_behaviour(lines, values, LAST, WEIGHTS).collect()}
    one, two = users["u1"], users["u2"]
    assert (one["orders"], one["units"], one["spend"], one["cancellations"]) == (1, 2.0, 8.0, 1)
    assert (one["recency_days"], one["tenure_days"], two["tenure_days"]) == (0, 7, 19)
    assert (two["orders"], two["units"]) == (1, 10.0)
    assert one["kind_count"] == {"order": 1, "view": 1}
    assert one["category_share"] == pytest.approx({"drinks": 1.0, "drinks > tea": 1.0})
    assert one["hour_share"] == pytest.approx({"evening": 6 / 7, "midday": 1 / 7})
    assert one["weekend_share"] == pytest.approx(1 / 7)
    assert set(users) == {"u1", "u2"}


def test_hours_are_those_of_the_clock_on_the_wall(spark: SparkSession) -> None:
    texts = [
        "2026-07-01T23:30:00Z",
        "2026-07-01T23:30:00+09:00",
        "2026-07-01 23:30:00",
        "2026-03-29T01:30:00Z",
        "2026-01-05",
        "no time",
    ]
    frame = spark.createDataFrame([(text,) for text in texts], "ts string")
    kind = frame.schema["ts"].dataType
    at = local_time(F.col("ts"), kind, "Europe/Berlin")
    rows = frame.select(at.alias("at")).select("at", hour_band(F.col("at")), season(F.col("at"))).collect()
    assert [tuple(row) for row in rows] == [
        (dt.datetime(2026, 7, 2, 1, 30), "night", "summer"),
        (dt.datetime(2026, 7, 1, 16, 30), "afternoon", "summer"),
        (dt.datetime(2026, 7, 1, 23, 30), "evening", "summer"),
        (dt.datetime(2026, 3, 29, 3, 30), "night", "spring"),  # the hour that summer time skips
        (dt.datetime(2026, 1, 5), None, "winter"),
        (None, None, None),
    ]
    instants = frame.select(F.col("ts").try_cast("timestamp").alias("ts"))
    moved = instants.select(local_time(F.col("ts"), instants.schema["ts"].dataType, "Asia/Tokyo")).first()
    assert moved is not None
    assert moved[0] == dt.datetime(2026, 7, 2, 8, 30)
