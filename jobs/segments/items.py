"""What events refer to: items of the merchants' catalogs or of a source's own file, and the values they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs.feeds import plain_text
from jobs.segments.keywords import choose_terms, count_terms, tagged_titles

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ITEM = ("merchant_id", "sku")
NO_MERCHANT = ""
"""merchant_id of items that belong to no catalog."""


def price_band(price_minor: Column) -> Column:
    """`schemas.vocabulary.price_band` as a column; NULL for no price or none above 0.

    Bit lengths as there, so that no rounding of a logarithm moves a border.
    """

    def bit_length(number: Column) -> Column:
        return F.when(number == 0, 0).otherwise(F.length(F.bin(number)))

    below_one = bit_length(F.floor((F.lit(99) + price_minor) / price_minor) - 1)
    return F.when(price_minor >= 100, F.concat(F.lit("p"), bit_length(F.floor(price_minor / 100)) - 1)).when(
        price_minor > 0, F.concat(F.lit("p-"), below_one)
    )


def product_attributes(products: DataFrame) -> DataFrame:
    """One row a product and attribute: merchant_id, sku, dimension, value (lower case).

    Categories appear with all their parents ('drinks', 'drinks > tea'), see `schemas.vocabulary.category_levels`. A
    product of a catalog stands for itself too (`schemas.vocabulary.product_value`, as it is spelt).
    """
    levels = F.split("category", " > ")
    paths = F.transform(
        F.sequence(F.lit(1), F.size(levels)), lambda n: F.array_join(F.slice(levels, 1, n), " > ")
    )

    def values(dimension: str, items: Column) -> Column:
        known = F.filter(F.coalesce(items, F.array().cast("array<string>")), lambda item: item.isNotNull())
        return F.transform(
            known, lambda item: F.struct(F.lit(dimension).alias("dimension"), F.lower(item).alias("value"))
        )

    itself = F.when(F.col("merchant_id") != NO_MERCHANT, F.concat_ws("/", *ITEM))
    pairs = F.concat(
        F.filter(
            F.array(F.struct(F.lit("product").alias("dimension"), itself.alias("value"))),
            lambda own: own["value"].isNotNull(),
        ),
        values("category", paths),
        values("brand", F.array("brand")),
        values("price_band", F.array(price_band(F.col("price_minor")))),
        values("tag", F.col("tags")),
    )
    return products.select(*ITEM, F.inline(F.array_distinct(pairs)))


def priced_by_sales(items: DataFrame, lines: DataFrame) -> DataFrame:
    """`items`, each of them that has no price at the median of what was paid for one in `lines`."""
    paid = lines.groupBy(*ITEM).agg(F.percentile_approx("price", 0.5).alias("paid"))
    price = F.coalesce("price_minor", F.round(F.col("paid") * 100).cast("long"))
    return items.join(paid, on=list(ITEM), how="left").withColumn("price_minor", price).drop("paid")


def described_items(mapped: DataFrame) -> DataFrame:
    """One row an item of a source's own file, with the columns of `products` that `product_attributes` reads.

    mapped: sku and any of merchant_id, title, category, brand, price (major units), tags. Of several rows for one item,
    as order lines have them, the most common counts. Without tags the terms of titles are tags.
    """
    have = set(mapped.columns)

    def field(name: str, kind: str) -> Column:
        return F.col(name).cast(kind) if name in have else F.lit(None).cast(kind)

    said = ("title", "category", "brand", "price", "tags")
    kinds = {"price": "double", "tags": "array<string>"}
    rows = mapped.select(
        F.coalesce(F.trim(field("merchant_id", "string")), F.lit(NO_MERCHANT)).alias("merchant_id"),
        F.nullif(F.trim(field("sku", "string")), F.lit("")).alias("sku"),
        *(field(name, kinds.get(name, "string")).alias(name) for name in said),
    ).where(F.col("sku").isNotNull())
    counted = rows.groupBy(*ITEM, *said).agg(F.count("*").alias("n"))
    common = F.max_by(F.struct(*said), F.struct("n", *said)).alias("said")
    # Text is cleaned after it is counted: once an item, not once a line.
    items = (
        counted.groupBy(*ITEM)
        .agg(common)
        .select(
            *ITEM,
            *(plain_text(F.col("said")[name]).alias(name) for name in said[:3]),
            F.round(F.col("said")["price"] * 100).cast("long").alias("price_minor"),
            F.col("said")["tags"].alias("tags"),
        )
    )
    if "tags" in have or "title" not in have:
        return items
    items = items.drop("tags").cache()
    count, terms = count_terms(items.select("title"))
    return items.join(tagged_titles(items, choose_terms(count, terms)), on=list(ITEM), how="left")
