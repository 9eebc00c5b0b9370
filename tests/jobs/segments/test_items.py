"""Items and the values they stand for: parents of categories, price bands, terms of titles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs.segments.items import described_items, price_band, priced_by_sales, product_attributes
from jobs.segments.keywords import choose_terms, count_terms, tagged_titles
from schemas import vocabulary

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PRODUCT = (
    "merchant_id string, sku string, category string, brand string, price_minor long, tags array<string>"
)


def test_price_bands_and_category_levels_are_those_of_the_vocabulary(spark: SparkSession) -> None:
    prices = [*range(1, 130), 799, 800, 801, 1600, 102_399, 102_400, 2**29 * 100 - 1, 2**29 * 100, 10**12]
    frame = spark.createDataFrame([(price,) for price in prices], "price long")
    bands = [row[0] for row in frame.select(price_band(F.col("price"))).collect()]
    assert bands == [vocabulary.price_band(price) for price in prices]
    products = spark.createDataFrame(
        [
            ("m", "a", "Drinks > Tea > Green", None, 1300, ["Hot"]),
            ("m", "bare", None, "Acme", None, None),
            ("m", "free", "Drinks", None, 0, []),
            ("", "no catalog's", "Drinks", None, 0, []),
        ],
        PRODUCT,
    )
    found: dict[str, set[tuple[str, str]]] = {}
    for row in product_attributes(products).collect():
        found.setdefault(row["sku"], set()).add((row["dimension"], row["value"]))
    levels = {("category", level) for level in vocabulary.category_levels("Drinks > Tea > Green")}
    itself = {sku: {("product", vocabulary.product_value("m", sku))} for sku in ("a", "bare", "free")}
    assert found["a"] == levels | {("price_band", "p3"), ("tag", "hot")} | itself["a"]
    assert found["bare"] == {("brand", "acme")} | itself["bare"]
    assert found["free"] == {("category", "drinks")} | itself["free"]
    assert found["no catalog's"] == {("category", "drinks")}


def test_order_lines_describe_items_by_what_most_of_them_say(spark: SparkSession) -> None:
    rows = [("85123A", "Heart holder", 2.5), ("85123A", "Heart holder", 2.5), ("85123A", "damaged?", 99.0)]
    rows += [("22423", "Cake stand", 12.0), (None, "Postage", 5.0), ("1", None, 0.0)]
    mapped = spark.createDataFrame(rows, "sku string, title string, price double")
    found = {row["sku"]: row for row in described_items(mapped).collect()}
    assert set(found) == {"85123A", "22423", "1"}
    assert (found["85123A"]["title"], found["85123A"]["price_minor"]) == ("Heart holder", 250)
    assert (found["1"]["title"], found["1"]["price_minor"], found["1"]["tags"]) == (None, 0, None)
    assert found["22423"]["merchant_id"] == ""


def test_an_item_without_a_price_has_that_of_its_sales(spark: SparkSession) -> None:
    items = spark.createDataFrame(
        [("", "milk", None), ("", "tea", 450), ("", "unsold", None)],
        "merchant_id string, sku string, price_minor long",
    )
    lines = spark.createDataFrame(
        [("", "milk", 0.99), ("", "milk", 1.09), ("", "milk", 1.49), ("", "tea", 4.0)],
        "merchant_id string, sku string, price double",
    )
    found = {row["sku"]: row["price_minor"] for row in priced_by_sales(items, lines).collect()}
    assert found == {"milk": 109, "tea": 450, "unsold": None}


def test_terms_are_kinds_of_things_not_colours_or_sizes(spark: SparkSession) -> None:
    titles = [f"LARGE RED CAKE STAND {n} CM" for n in range(12)] + ["SET OF 6 T-LIGHTS"] * 11
    titles += ["WHITE T-LIGHT"] * 10 + ["one-off"] + [f"filler{n % 7} word" for n in range(100)]
    frame = spark.createDataFrame([(title,) for title in titles], "title string")
    count, counts = count_terms(frame)
    terms = choose_terms(count, counts)
    assert count == len(titles)
    assert terms["cake stand"] == "cake stand"
    assert terms["t-lights"] == terms["t-light"] == "t-light"
    # Words that stand only in their pair are said once; a word in most titles is the shop's style.
    assert not {"cake", "stand", "red", "large", "of", "one-off", "word"} & set(terms)
    items = frame.select(F.lit("").alias("merchant_id"), F.col("title").alias("sku"), "title").distinct()
    tagged = {row["sku"]: row["tags"] for row in tagged_titles(items, terms).collect()}
    assert tagged["LARGE RED CAKE STAND 3 CM"] == ["cake stand"]
    assert tagged["SET OF 6 T-LIGHTS"] == ["t-light"]
    assert "one-off" not in tagged
