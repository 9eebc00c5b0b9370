"""One case of the evaluation: what the night knew, and what happened after it, in a folder of Parquet files.

`products`, `segments` and `segment_affinity` are rows of the contract made from the past alone, by the functions that
the nightly job uses. `truth` has one row a product x segment: observed and expected engagement after the cut, and the
product's group. Nobody who scores reads `truth`; only the metrics do.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from infra.tables import rows_to_table
from jobs.segments.affinity import affinity_from_events
from jobs.segments.build import strongest_lifts
from jobs.segments.clusters import cluster_users, user_features
from jobs.segments.events import user_totals, user_values
from jobs.segments.items import product_attributes
from jobs.segments.naming import label

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FOLDS = 5
"""Every product is cold in one fold, and every category and brand new in one."""
NIGHT = dt.date(2026, 11, 21)
LEAST_SEGMENT_USERS = 50
TRUTH = pa.schema(
    [
        ("merchant_id", pa.string()),
        ("sku", pa.string()),
        ("segment_id", pa.string()),
        ("observed", pa.float64()),
        ("expected", pa.float64()),
        ("group", pa.string()),
    ]
)


@dataclass(frozen=True)
class Shop:
    """A shop with its past and its future."""

    name: str
    products: list[dict[str, Any]]
    """merchant_id, sku, title, description, category, brand, price_minor, tags."""
    lines: DataFrame
    """user_id, merchant_id, sku, weight, at; cached."""
    choice_end: dt.datetime
    """How weights are fitted is chosen by fitting on what happens between here and `early_end`."""
    early_end: dt.datetime
    """Weights are fitted on what happens between here and `past_end`, from parts of what came before."""
    past_end: dt.datetime
    clusters: int = 0
    """Number of clusters of users to find in the past; 0 when members are given."""
    members: DataFrame | None = None
    """user_id, segment_id."""
    described: tuple[dict[str, Any], ...] = ()
    """segment_id, name, description, need, interests, contexts of given segments."""
    planted: dict[tuple[str, str], dict[str, float]] | None = None
    """(merchant_id, sku) -> segment -> lift, where the truth is known rather than observed."""


def groups(products: Iterable[dict[str, Any]], fold: int, salt: str) -> dict[tuple[str, str], str]:
    """(merchant_id, sku) -> warm, cold (no event of the product is in the past) or new (none of its category or brand).

    By hashes of names: a fifth of the products, of the categories and, where there are several, of the brands.
    """
    products = list(products)
    several = len({product["brand"] for product in products}) > 3

    def hidden(kind: str, name: str) -> bool:
        return (
            int.from_bytes(hashlib.sha256(f"{salt}/{kind}/{name}".encode()).digest()[:4], "big") % FOLDS
            == fold
        )

    def group(product: dict[str, Any]) -> str:
        brand = product["brand"] if several else None
        if hidden("category", product["category"]) or (brand and hidden("brand", brand)):
            return "new"
        return "cold" if hidden("sku", product["sku"]) else "warm"

    return {(product["merchant_id"], product["sku"]): group(product) for product in products}


def write_fold(spark: SparkSession, shop: Shop, fold: int, folder: Path, *, fit: bool) -> None:
    """Writes `<shop>-<fold>-test` and, if asked for, `<shop>-<fold>-fit` and `-choice` below `folder`.

    The fit is made of the test's past, and the choice of the fit's: neither the weeks nor the products held out for one
    are in the next.
    """
    lines, seen, cached = shop.lines, list(shop.products), []
    kinds = [("test", shop.past_end), ("fit", shop.early_end), ("choice", shop.choice_end)]
    for kind, cut in kinds if fit else kinds[:1]:
        group = groups(seen, fold, kind)
        past = _known(spark, lines.where(F.col("at") < F.lit(cut)), group).cache()
        cached.append(past)
        later = lines.where(F.col("at") >= F.lit(cut))
        planted = shop.planted if kind == "test" else None
        _write(spark, shop, past, later, group, folder / f"{shop.name}-{fold}-{kind}", planted)
        seen = [one for one in seen if group[one["merchant_id"], one["sku"]] == "warm"]
        lines = past
    for frame in cached:
        frame.unpersist()


def _known(spark: SparkSession, lines: DataFrame, group: dict[tuple[str, str], str]) -> DataFrame:
    warm = [key for key, name in group.items() if name == "warm"]
    return lines.join(
        F.broadcast(spark.createDataFrame(warm, "merchant_id string, sku string")), on=["merchant_id", "sku"]
    )


def _write(
    spark: SparkSession,
    shop: Shop,
    past: DataFrame,
    later: DataFrame,
    group: dict[tuple[str, str], str],
    folder: Path,
    planted: dict[tuple[str, str], dict[str, float]] | None,
) -> None:
    products = [product for product in shop.products if (product["merchant_id"], product["sku"]) in group]
    attributes = product_attributes(_product_frame(spark, products))
    values = user_values(past, attributes).cache()
    totals = user_totals(past).cache()
    members, described = shop.members, list(shop.described)
    if members is None:
        features, _ = user_features(values, totals, least_users=LEAST_SEGMENT_USERS)
        members = cluster_users(features, (shop.clusters, shop.clusters), 2).select(
            "user_id", F.concat(F.lit("c"), "cluster").alias("segment_id")
        )
    members = members.cache()
    affinity = affinity_from_events(members, values, totals).cache()
    if shop.members is None:
        lifts = strongest_lifts(affinity)
        words = {number: label(shop.name, lifts[number]) for number in sorted(lifts)}
        described = [
            {"segment_id": number, "name": one.name, "description": one.description, "need": None,
             "interests": list(one.interests), "contexts": []}
            for number, one in words.items()
        ]  # fmt: skip
    sizes = {row["segment_id"]: row["count"] for row in members.groupBy("segment_id").count().collect()}
    described = [one for one in described if sizes.get(one["segment_id"], 0) >= LEAST_SEGMENT_USERS]
    days = (shop.past_end - shop.early_end).days if planted is None else 90
    theirs = totals.join(members, on="user_id").groupBy("segment_id").agg(F.sum("weight").alias("weight"))
    engagement = {row["segment_id"]: row["weight"] for row in theirs.collect()}
    rows = affinity.withColumns({"basis": F.lit("events"), "window_days": F.lit(days)}).toArrow().to_pylist()
    truth = planted_truth(planted, group) if planted else _observed(later, members, group)
    save(folder, products, described, sizes, engagement, rows, truth)
    for frame in (values, totals, members, affinity):
        frame.unpersist()


def save(
    folder: Path,
    products: Sequence[dict[str, Any]],
    described: Sequence[dict[str, Any]],
    sizes: dict[str, int],
    engagement: dict[str, float],
    affinity: Sequence[dict[str, Any]],
    truth: Sequence[dict[str, Any]],
) -> None:
    """Writes one case; products without truth are left out of the files, their past is not."""
    judged = {(row["merchant_id"], row["sku"]) for row in truth}
    names = {one["segment_id"] for one in described}
    folder.mkdir(parents=True, exist_ok=True)
    night = {"run_date": NIGHT}
    # XXX is ISO 4217's code for no currency: bands of prices are compared, and no amount is shown.
    unused: dict[str, Any] = {
        "currency": "XXX", "facts": [], "rating_mean": None, "rating_count": 0, "image_uri": None,
        "image_sha256": None, "product_hash": "0" * 64,
    }  # fmt: skip
    kept = [
        night | unused | product for product in products if (product["merchant_id"], product["sku"]) in judged
    ]
    pq.write_table(rows_to_table("products", kept), folder / "products.parquet")
    shares = {name: sizes[name] / max(sum(sizes.values()), 1) for name in names}
    segments = rows_to_table(
        "segments",
        [
            night | one | {"source": "case", "size": sizes[one["segment_id"]],
                           "population_share": shares[one["segment_id"]]}
            for one in described
        ],
    )  # fmt: skip
    popularity = pa.array(
        [engagement.get(name, 0.0) for name in segments["segment_id"].to_pylist()], pa.float64()
    )
    pq.write_table(segments.append_column("engagement", popularity), folder / "segments.parquet")
    known = [night | row for row in affinity if row["segment_id"] in names]
    pq.write_table(rows_to_table("segment_affinity", known), folder / "segment_affinity.parquet")
    told = [row for row in truth if row["segment_id"] in names]
    pq.write_table(pa.Table.from_pylist(told, schema=TRUTH), folder / "truth.parquet")


def planted_truth(
    planted: dict[tuple[str, str], dict[str, float]], group: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Truth rows from planted lifts, as if observed a million times."""
    return [
        {"merchant_id": key[0], "sku": key[1], "segment_id": name, "observed": 1e6 * lift, "expected": 1e6,
         "group": group[key]}
        for key, lifts in planted.items() if key in group
        for name, lift in lifts.items()
    ]  # fmt: skip


def _observed(
    later: DataFrame, members: DataFrame, group: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Truth rows from lines after the cut: a segment's expected engagement with a product is its total times the
    population's share of the product, as in the affinity table."""
    item = ["merchant_id", "sku"]
    of_item = later.groupBy(*item).agg(F.sum("weight").alias("item_weight"))
    whole = later.agg(F.sum("weight").alias("whole"))
    theirs = later.join(members, on="user_id")
    of_segment = theirs.groupBy("segment_id").agg(F.sum("weight").alias("segment_weight"))
    observed = theirs.groupBy(*item, "segment_id").agg(F.sum("weight").alias("observed"))
    rows = (
        of_item.crossJoin(F.broadcast(of_segment))
        .crossJoin(F.broadcast(whole))
        .join(observed, on=[*item, "segment_id"], how="left")
        .na.fill(0, ["observed"])
        .withColumn("expected", F.col("item_weight") * F.col("segment_weight") / F.col("whole"))
        .select(*item, "segment_id", "observed", "expected")
        .orderBy(*item, "segment_id")
        .toArrow()
        .to_pylist()
    )
    return [row | {"group": group[key]} for row in rows if (key := (row["merchant_id"], row["sku"])) in group]


def _product_frame(spark: SparkSession, products: Sequence[dict[str, Any]]) -> DataFrame:
    schema = (
        "merchant_id string, sku string, category string, brand string, price_minor long, tags array<string>"
    )
    names = ("merchant_id", "sku", "category", "brand", "price_minor", "tags")
    return spark.createDataFrame([tuple(product[name] for name in names) for product in products], schema)
