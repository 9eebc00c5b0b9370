"""The three shops with behaviour over time: the sample shop, Complete Journey and Online Retail."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from infra.sample_shop.catalog import segments as declared_segments
from infra.sample_shop.events import WINDOW_END, event_table, members, preferences, sellable
from jobs.persona_cases.split import LEAST_SEGMENT_USERS, Shop
from jobs.segments.items import described_items

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

EVENT_WEIGHTS = {"view": 1.0, "cart": 3.0, "order": 6.0}
DESCRIBED = ("name", "description", "need", "interests", "contexts")
PRODUCT = ("merchant_id", "sku", "title", "description", "category", "brand", "price_minor", "tags")


def sample_shop(spark: SparkSession) -> Shop:
    """The sample shop; the last 30 of its 90 days are held out, and the truth is what was planted."""
    products = [
        {"merchant_id": one.merchant_id, "sku": one.sku, "title": one.name, "description": one.text,
         "category": one.category, "brand": one.brand, "price_minor": round(one.price * 100),
         "tags": list(one.tags)}
        for one in sellable()
    ]  # fmt: skip
    large = {name: one for name, one in declared_segments().items() if one["size"] >= LEAST_SEGMENT_USERS}
    planted = {}
    for key, shares in preferences().items():
        known = {name: share for name, share in shares.items() if name in large}
        merchant_id, _, sku = key.partition("/")
        planted[merchant_id, sku] = {
            name: share * len(known) / sum(known.values()) for name, share in known.items()
        }
    weight = F.create_map(*(F.lit(part) for pair in EVENT_WEIGHTS.items() for part in pair))
    lines = spark.createDataFrame(event_table().to_pandas()).select(
        "user_id",
        "merchant_id",
        "sku",
        weight[F.col("event")].alias("weight"),
        F.col("ts").cast("timestamp_ntz").alias("at"),
    )
    end = WINDOW_END.replace(tzinfo=None)
    return Shop(
        "sample_shop",
        products,
        lines.cache(),
        choice_end=end - dt.timedelta(days=75),
        early_end=end - dt.timedelta(days=60),
        past_end=end - dt.timedelta(days=30),
        members=spark.createDataFrame(
            [(user, segment) for user, _, _, segment in members() if segment in large],
            "user_id string, segment_id string",
        ),
        described=tuple(
            {
                "segment_id": name,
                **{field: one[field] for field in DESCRIBED},
            }
            for name, one in large.items()
        ),
        planted=planted,
    )


def complete_journey(spark: SparkSession, data_root: Path) -> Shop:
    """A grocer's households; the last 12 of 53 weeks are held out.

    The sample holds 3.6 lines a product, too few to tell who buys it: an item is a product type of the store's own
    brand or of national brands. Segments are clusters of households; demographics say little about purchases.
    """
    folder = data_root / "complete_journey"
    about = spark.read.parquet(str(folder / "products.parquet"))
    bought = spark.read.parquet(str(folder / "transactions_sample.parquet")).join(
        about, on="product_id", how="inner"
    )
    kind = F.lower("product_type")
    rows = bought.where(
        F.col("product_category").isNotNull()
        & F.col("product_type").isNotNull()
        & (F.col("quantity") > 0)
        & ~F.col("department").isin("FUEL", "COUPON", "MISCELLANEOUS")
    ).select(
        F.col("household_id").alias("user_id"),
        F.lit("complete_journey").alias("merchant_id"),
        F.concat_ws("|", "product_type", "brand").alias("sku"),
        F.initcap(kind).alias("title"),
        F.concat_ws(" > ", F.lower("department"), F.lower("product_category"), kind).alias("category"),
        "brand",
        (F.col("sales_value") / F.col("quantity")).alias("price"),
        F.col("transaction_timestamp").cast("timestamp_ntz").alias("at"),
    )
    return Shop(
        "complete_journey",
        _items(rows, F.array().cast("array<string>")),
        _lines(rows),
        choice_end=dt.datetime(2017, 4, 23),
        early_end=dt.datetime(2017, 7, 16),
        past_end=dt.datetime(2017, 10, 8),
        clusters=8,
    )


def online_retail(spark: SparkSession, data_root: Path) -> Shop:
    """A wholesaler of gifts; the last 9 of 53 weeks are held out, segments are clusters of customers.

    The feed has one text: tags are its terms, as the nightly job finds them, and its last word stands for a category.
    """
    orders = spark.read.parquet(str(data_root / "uci_online_retail" / "orders.parquet"))
    rows = orders.where(
        F.col("CustomerID").isNotNull()
        & (F.col("Quantity") > 0)
        & (F.col("UnitPrice") > 0)
        & F.col("StockCode").rlike("^[0-9]{5}")
    ).select(
        F.col("CustomerID").cast("int").cast("string").alias("user_id"),
        F.lit("online_retail").alias("merchant_id"),
        F.upper("StockCode").alias("sku"),
        F.initcap(F.lower(F.trim("Description"))).alias("title"),
        F.col("UnitPrice").alias("price"),
        F.col("InvoiceDate").cast("timestamp_ntz").alias("at"),
    )
    return Shop(
        "online_retail",
        _items(rows, None),
        _lines(rows),
        choice_end=dt.datetime(2011, 6, 20),
        early_end=dt.datetime(2011, 8, 15),
        past_end=dt.datetime(2011, 10, 10),
        clusters=8,
    )


def _items(rows: DataFrame, tags: Column | None) -> list[dict[str, Any]]:
    described = described_items(rows if tags is None else rows.withColumn("tags", tags))
    last_word = F.regexp_extract("title", r"(\p{L}[\p{L}'-]*)\W*$", 1)
    items = described.where(F.col("title").isNotNull() & (F.col("price_minor") > 0)).withColumns(
        {
            "category": F.coalesce("category", F.nullif(F.lower(last_word), F.lit("")), F.lit("other")),
            "description": F.lit(None).cast("string"),
            "tags": F.coalesce("tags", F.array().cast("array<string>")),
        }
    )
    return list(items.select(*PRODUCT).orderBy("sku").toArrow().to_pylist())


def _lines(rows: DataFrame) -> DataFrame:
    return rows.select("user_id", "merchant_id", "sku", F.lit(1.0).alias("weight"), "at").cache()
