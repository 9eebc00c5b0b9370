"""What only several rows together show: repeated SKUs, parents, and the usual spelling of a brand."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PLACE = ("merchant_id", "file", "row")
CROSSED = "merchant_id string, file string, row long, sku string, reason string, detail string"
MAX_PARENT_STEPS = 10


def repeated_skus(sound: DataFrame) -> DataFrame | None:
    """Rows (place, sku, reason, detail) after the first of their SKU: sku_repeated, or sku_conflicting; None without.

    They conflict when they say something else than the first. `sound` has place, sku and `content`, a hash of all that
    the row says.
    """
    # By a hash, as a shuffle of long numbers is cheap; should two SKUs share one, the window tells them apart.
    keyed = sound.withColumn("key", F.xxhash64("merchant_id", "sku"))
    twice = keyed.groupBy("key").count().where(F.col("count") > 1).select("key").persist()
    if twice.isEmpty():
        return None
    by_sku = Window.partitionBy("merchant_id", "sku").orderBy("file", "row")
    ranked = keyed.join(twice, on="key", how="left_semi").select(
        *PLACE,
        "sku",
        "content",
        F.row_number().over(by_sku).alias("place"),
        F.first(F.struct("file", "row", "content")).over(by_sku).alias("first"),
    )
    return ranked.where(F.col("place") > 1).select(
        *PLACE,
        "sku",
        F.when(F.col("content") == F.col("first.content"), "sku_repeated")
        .otherwise("sku_conflicting")
        .alias("reason"),
        F.concat(F.lit("first in row "), F.col("first.row").cast("string")).alias("detail"),
    )


def parent_faults(sound: DataFrame) -> DataFrame:
    """Rows (place, sku, reason, detail) whose parent is missing, or whose parents never end: parent_missing, _cyclic.

    A parent is either a row's SKU or a mere group id. Where at least one parent of a merchant is a row, all should be;
    where none is, they are group ids and nothing is missing. A row that is its own parent leads its group.
    """
    edges = sound.where(F.col("parent_sku").isNotNull() & (F.col("parent_sku") != F.col("sku"))).select(
        *PLACE, "sku", "parent_sku"
    )
    skus = (
        sound.select("merchant_id", F.col("sku").alias("parent_sku"))
        .distinct()
        .withColumn("known", F.lit(True))
    )
    named = edges.join(skus, on=["merchant_id", "parent_sku"], how="left").withColumn(
        "any_known", F.max("known").over(Window.partitionBy("merchant_id"))
    )
    missing = named.where(F.col("known").isNull() & F.col("any_known")).select(
        *PLACE, "sku", F.lit("parent_missing").alias("reason"), F.col("parent_sku").alias("detail")
    )
    # Who has a parent that has a parent, and so on: after ten rounds only circles and what hangs on them are left.
    chain = edges.select("merchant_id", "sku", "parent_sku")
    for _ in range(MAX_PARENT_STEPS):
        upper = chain.select("merchant_id", F.col("sku").alias("parent_sku")).distinct()
        chain = chain.join(upper, on=["merchant_id", "parent_sku"], how="left_semi").localCheckpoint()
        if chain.isEmpty():
            break
    cyclic = edges.join(
        chain.select("merchant_id", "sku").distinct(), on=["merchant_id", "sku"], how="left_semi"
    )
    return missing.unionByName(
        cyclic.select(
            *PLACE, "sku", F.lit("parent_cyclic").alias("reason"), F.col("parent_sku").alias("detail")
        )
    )


def brand_spellings(sound: DataFrame) -> DataFrame:
    """(merchant_id, brand_key, usual_brand): the commonest spelling of each brand that a merchant spells variously."""
    counted = sound.where(F.col("brand").isNotNull()).groupBy("merchant_id", "brand_key", "brand").count()
    return (
        counted.groupBy("merchant_id", "brand_key")
        # Of equally common ones the last by code points: small letters before capitals.
        .agg(F.max(F.struct("count", "brand")).alias("usual"), F.count("*").alias("spellings"))
        .where(F.col("spellings") > 1)
        .select("merchant_id", "brand_key", F.col("usual.brand").alias("usual_brand"))
    )


def union_all(parts: list[DataFrame]) -> DataFrame:
    """The rows of all parts, by column name."""
    return reduce(lambda a, b: a.unionByName(b), parts)
