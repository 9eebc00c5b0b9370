from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from jobs.persona_cases.split import FOLDS, Shop, groups, write_fold

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PRODUCTS = [
    {"merchant_id": "m", "sku": f"S{n}", "title": f"Thing {n}", "description": None,
     "category": f"Room > Shelf {n % 12}", "brand": None, "price_minor": 500, "tags": [f"t{n % 4}"]}
    for n in range(60)
]  # fmt: skip


def test_every_product_is_cold_or_new_in_a_fold_and_new_means_the_whole_category() -> None:
    seen: dict[str, set[str]] = {}
    for fold in range(FOLDS):
        group = groups(PRODUCTS, fold, "test")
        for product in PRODUCTS:
            seen.setdefault(product["sku"], set()).add(group["m", product["sku"]])
        new = {product["category"] for product in PRODUCTS if group["m", product["sku"]] == "new"}
        assert all(group["m", one["sku"]] == "new" for one in PRODUCTS if one["category"] in new)
    assert all({"warm", "new"} <= kinds for kinds in seen.values())
    assert sum("cold" in kinds for kinds in seen.values()) > len(PRODUCTS) / 2


def test_nothing_of_the_future_or_of_hidden_products_is_in_the_past(
    spark: SparkSession, tmp_path: Path
) -> None:
    start = dt.datetime(2026, 1, 1, 10)
    # Segment a wants even tags in the past and odd ones in the future; had the future leaked, lifts would be flat.
    lines = [
        (f"{segment}{user}", "m", f"S{n}", 1.0, start + dt.timedelta(days=day))
        for segment in "ab"
        for user in range(60)
        for day in (1, 20)
        for n in range(60)
        if ((n % 2 == 0) == (segment == "a")) == (day == 1)
    ]
    frame = spark.createDataFrame(
        lines, "user_id string, merchant_id string, sku string, weight double, at timestamp_ntz"
    )
    members = spark.createDataFrame(
        [(f"{segment}{user}", segment) for segment in "ab" for user in range(60)],
        "user_id string, segment_id string",
    )
    described = tuple(
        {"segment_id": name, "name": name, "description": f"People {name}.", "need": None, "interests": [],
         "contexts": []}
        for name in "ab"
    )  # fmt: skip
    shop = Shop(
        "toy",
        PRODUCTS,
        frame,
        start,
        start,
        start + dt.timedelta(days=10),
        members=members,
        described=described,
    )
    write_fold(spark, shop, 0, tmp_path, fit=False)
    folder = tmp_path / "toy-0-test"
    affinity = pq.read_table(folder / "segment_affinity.parquet").to_pylist()
    lift = {(row["segment_id"], row["value"]): row["lift"] for row in affinity if row["dimension"] == "tag"}
    assert lift["a", "t0"] > 1.5 and lift["a", "t1"] < 0.5
    group = groups(PRODUCTS, 0, "test")
    categories = {row["value"] for row in affinity if row["dimension"] == "category"}
    hidden = {one["category"].lower() for one in PRODUCTS if group["m", one["sku"]] == "new"}
    assert hidden and not hidden & categories
    truth = pq.read_table(folder / "truth.parquet").to_pylist()
    assert Counter(row["group"] for row in truth) == Counter(name for name in group.values() for _ in "ab")
    wanted = next(row for row in truth if row["sku"] == "S1" and row["segment_id"] == "a")
    assert (wanted["observed"], wanted["expected"]) == (60.0, 30.0)
