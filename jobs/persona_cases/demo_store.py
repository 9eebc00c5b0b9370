"""The fourth shop: users who declare three categories each, the segments of infra/config/three_shops.toml, no events.

Half of the users are the past, from whom affinities are counted; the other half are the truth. In further cases one
category is hidden from the past's declarations, so that its products are new.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from infra.settings import load_config
from jobs.persona_cases.split import save
from jobs.segments.affinity import affinity_from_interests

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAME = "demo_store"
CONFIG = Path("infra/config/three_shops.toml")
_INTERESTS = 4


def write_cases(spark: SparkSession, data_root: Path, folder: Path) -> None:
    """Writes `demo_store-<category hidden, or all>-test`, `-fit` and `-choice` below `folder`."""
    source = next(one for one in load_config(CONFIG).segment_sources if one.id == "retail_users")
    users = spark.read.json(str(data_root / "retail_demo_store" / "users.json.gz"), multiLine=True)
    held = F.filter(
        F.array(*(F.when(F.expr(rule.where), F.lit(rule.id)) for rule in source.rules)),
        lambda one: one.isNotNull(),
    )
    people = users.select(
        F.col("id").alias("user_id"), F.split("persona", "_").alias("interests"), held.alias("segments")
    ).toArrow().to_pylist()  # fmt: skip
    halves, known = [], people
    for kind in ("test", "fit", "choice"):
        truth = [one for one in known if not _half(one["user_id"], kind)]
        known = [one for one in known if _half(one["user_id"], kind)]
        halves.append((known, truth, kind))
    categories = sorted({interest for one in people for interest in one["interests"]})
    products = [one for one in _products(data_root) if one["category"].split(" > ")[0].lower() in categories]
    rules = [rule.model_dump(include={"name", "description", "need", "contexts"}) | {"segment_id": rule.id}
             for rule in source.rules]  # fmt: skip
    for hidden in ("", *categories):
        for known, truth, kind in halves:
            _write_case(
                spark, products, rules, known, truth, hidden, folder / f"{NAME}-{hidden or 'all'}-{kind}"
            )


def _half(user_id: str, salt: str) -> bool:
    return hashlib.sha256(f"{salt}/{user_id}".encode()).digest()[0] % 2 == 0


def _products(data_root: Path) -> list[dict[str, Any]]:
    found = {}
    for name in ("catalog.jsonl", "catalog_without_images.jsonl"):
        for line in (data_root / "retail_demo_store" / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            levels = [str(row[level]).capitalize() for level in ("category", "style") if row.get(level)]
            found[str(row["id"])] = {
                "merchant_id": NAME, "sku": str(row["id"]), "title": row["name"],
                "description": row["description"], "category": " > ".join(levels), "brand": None,
                "price_minor": round(row["price"] * 100), "tags": [row["style"]] if row.get("style") else [],
            }  # fmt: skip
    return list(found.values())


def _write_case(
    spark: SparkSession,
    products: list[dict[str, Any]],
    rules: list[dict[str, Any]],
    past: list[dict[str, Any]],
    later: list[dict[str, Any]],
    hidden: str,
    folder: Path,
) -> None:
    told = [one | {"interests": [name for name in one["interests"] if name != hidden]} for one in past]
    affinity = affinity_from_interests(_declarations(spark, told)).toArrow().to_pylist()
    affinity = [row | {"basis": "declared", "window_days": 0} for row in affinity]
    liked: dict[str, list[tuple[float, str]]] = {}
    for row in affinity:
        if row["lift"] > 1:
            liked.setdefault(row["segment_id"], []).append((-row["lift"], row["value"]))
    described = [
        rule | {"contexts": list(rule["contexts"]),
                "interests": [name for _, name in sorted(liked.get(rule["segment_id"], []))[:_INTERESTS]]}
        for rule in rules
    ]  # fmt: skip
    sizes = Counter(segment for one in past for segment in one["segments"])
    truth = _truth(
        [one for one in products if not hidden or _top(one) == hidden], later, "new" if hidden else "warm"
    )
    save(
        folder,
        products,
        described,
        dict(sizes),
        {name: float(n) for name, n in sizes.items()},
        affinity,
        truth,
    )


def _top(product: dict[str, Any]) -> str:
    return str(product["category"]).split(" > ")[0].lower()


def _declarations(spark: SparkSession, users: list[dict[str, Any]]) -> DataFrame:
    rows = [
        (one["user_id"], segment, one["interests"])
        for one in users
        for segment in (one["segments"] or [None])
    ]
    return spark.createDataFrame(rows, "user_id string, segment_id string, interests array<string>")


def _truth(products: list[dict[str, Any]], users: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """Observed and expected weight of a product's category among the declarations of the users held out."""
    everyone: Counter[str] = Counter()
    by_segment: dict[str, Counter[str]] = {}
    for one in users:
        weights = {name: 3.0 - place for place, name in enumerate(one["interests"])}
        everyone.update(weights)
        for segment in one["segments"]:
            by_segment.setdefault(segment, Counter()).update(weights)
    total = everyone.total()
    return [
        {"merchant_id": NAME, "sku": product["sku"], "segment_id": segment, "observed": float(own[_top(product)]),
         "expected": own.total() * everyone[_top(product)] / total, "group": group}
        for product in products for segment, own in sorted(by_segment.items())
    ]  # fmt: skip
