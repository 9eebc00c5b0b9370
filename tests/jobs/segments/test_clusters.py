"""Clusters: users with one taste are together, whatever the order of rows, and keep their segment's id and name."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.tables import read_night
from jobs import build_segments
from jobs.segments.clusters import cluster_users, user_features

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TASTES = {
    "baker": ("kitchen > cake stands", "kitchen > baking tins"),
    "hiker": ("outdoor > boots", "outdoor > tents"),
    "reader": ("books > novels", "books > lamps"),
}
ITEMS = [value for values in TASTES.values() for value in values]
NIGHT = dt.date(2026, 11, 20)
CONFIG = """
[paths]
data_root = "{root}"
[ingest]
min_segment_size = 10
[[merchants]]
id = "shop"
name = "Shop"
segment_sources = ["tastes"]
currency = "EUR"
feed = {{ path = "x.csv", format = "csv", fields = {{ sku = "a", title = "b", category = "c", price = "d" }} }}
[[segment_sources]]
id = "tastes"
kind = "clusters"
clusters = [2, 3]
[segment_sources.events]
path = "events.jsonl"
format = "jsonl"
fields = {{ user_id = "u", sku = "i", ts = "t" }}
[segment_sources.items]
path = "items.jsonl"
format = "jsonl"
fields = {{ sku = "id", category = "category", price = "price" }}
"""


def _events(seed: int, users: int = 30) -> list[dict[str, str]]:
    """Eight of ten lines of a user are of his own taste; bakers buy in the evening."""
    draw = random.Random(seed)
    lines = []
    for taste, own in TASTES.items():
        for n in range(users):
            for _ in range(12):
                item = draw.choice(own) if draw.random() < 0.8 else draw.choice(ITEMS)
                hour = 20 if taste == "baker" else 12
                time = f"2026-11-{draw.randrange(1, 20):02}T{hour}:15:00"
                lines.append({"u": f"{taste}-{n}", "i": str(ITEMS.index(item)), "t": time})
    draw.shuffle(lines)
    return lines


def test_the_same_users_give_the_same_clusters_in_any_order(spark: SparkSession) -> None:
    rows = [(line["u"], "category", ITEMS[int(line["i"])], 6.0, 1) for line in _events(1)]
    found = []
    for seed in (0, 1):
        random.Random(seed).shuffle(rows)
        lines = spark.createDataFrame(
            rows, "user_id string, dimension string, value string, weight double, n long"
        )
        lines = lines.repartition(3 - seed).cache()
        values = (
            lines.groupBy("user_id", "dimension", "value")
            .sum("weight")
            .toDF("user_id", "dimension", "value", "weight")
        )
        totals = (
            lines.groupBy("user_id").agg({"weight": "sum", "n": "sum"}).toDF("user_id", "weight", "events")
        )
        features, names = user_features(values, totals, least_users=5)
        assert sorted(names) == sorted(ITEMS)
        found.append({row["user_id"]: row["cluster"] for row in cluster_users(features, (3, 3), 2).collect()})
    assert found[0] == found[1]
    groups: dict[int, set[str]] = {}
    for user, cluster in found[0].items():
        groups.setdefault(cluster, set()).add(user.split("-")[0])
    assert sorted(map(sorted, groups.values())) == [["baker"], ["hiker"], ["reader"]]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    """Two nights: on the second some users are new and all numbers are others."""
    root = tmp_path_factory.mktemp("clusters")
    items = [{"id": str(n), "category": value, "price": 2.0 + n} for n, value in enumerate(ITEMS)]
    (root / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    (root / "night.toml").write_text(CONFIG.format(root=root))
    for day, seed, users in ((0, 1, 30), (1, 2, 40)):
        (root / "events.jsonl").write_text("\n".join(map(json.dumps, _events(seed, users))))
        night = NIGHT + dt.timedelta(days=day)
        build_segments.main(
            [f"--run-date={night}", f"--config={root / 'night.toml'}", f"--state={root / 'var'}"]
        )
    return root / "var"


def test_clusters_are_named_by_what_sets_them_apart_and_keep_their_names(state: Path) -> None:
    first, second = (
        {row["segment_id"]: row for row in read_night(state, "segments", night).to_pylist()}
        for night in (NIGHT, NIGHT + dt.timedelta(days=1))
    )
    names = {row["name"] for row in first.values()}
    assert len(first) == 3
    assert any(name.startswith("Kitchen: ") and name.endswith(", in the evening") for name in names)
    assert {name.partition(":")[0] for name in names} == {"Kitchen", "Outdoor", "Books"}
    assert {id_: row["name"] for id_, row in first.items()} == {
        id_: row["name"] for id_, row in second.items()
    }
    assert {row["size"] for row in first.values()} == {30}
    assert {row["size"] for row in second.values()} == {40}


def test_the_rows_can_be_joined_with_a_catalog(state: Path) -> None:
    rows = read_night(state, "segment_affinity", NIGHT).to_pylist()
    values = {(row["dimension"], row["value"]) for row in rows}
    assert {("category", "kitchen"), ("category", "kitchen > cake stands"), ("price_band", "p1")} <= values
    assert {value for dimension, value in values if dimension == "hour_band"} == {"evening", "midday"}
    assert ("season", "autumn") in values
    assert all(row["users"] == 0 or row["users"] >= 3 for row in rows)
    assert all(row["events"] >= row["users"] for row in rows)
