"""Segments and affinities: the arithmetic on small tables, the stage on a shop with planted personal data."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.tables import read_night
from jobs import build_segments, ingest_catalog
from jobs.segments.affinity import PRIOR_STRENGTH

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2026, 11, 21)
CONFIG = """
[paths]
data_root = "{root}"
[ingest]
min_segment_size = 5
[[merchants]]
id = "shop"
name = "Shop"
segment_sources = ["panel", "users"]
currency = "EUR"
[merchants.feed]
path = "feed.jsonl"
format = "jsonl"
fields = {{ sku = "sku", title = "title", category = "category", price = "price", tags = "tags" }}
[[segment_sources]]
id = "panel"
kind = "table"
window_days = 30
[segment_sources.segments]
path = "segments.jsonl"
format = "jsonl"
fields = {{ segment_id = "id", name = "name", description = "text", interests = "likes" }}
[segment_sources.members]
path = "members.csv"
format = "csv"
fields = {{ user_id = "user", segment_id = "segment" }}
[segment_sources.events]
path = "events.csv"
format = "csv"
fields = {{ user_id = "user", merchant_id = "'shop'", sku = "sku", event = "event", ts = "cast(ts AS timestamp)" }}
[[segment_sources]]
id = "users"
kind = "rules"
[segment_sources.users]
path = "users.json"
format = "json"
fields = {{ user_id = "id", interests = "split(persona, '_')" }}
[[segment_sources.rules]]
id = "cooks"
name = "Cooks"
description = "People who cook."
where = "persona LIKE 'kitchen%'"
[[segment_sources.rules]]
id = "nobody"
name = "Nobody"
description = "Nobody."
where = "age > 200"
"""
CANARIES = ("Ada Canary", "canary@example.com", "1 Canary Street")


def _shop(folder: Path) -> list[str]:
    root = folder / "data"
    root.mkdir()
    products = [
        {"sku": "tea", "title": "Tea", "category": "Drinks > Tea", "price": 4, "tags": ["hot"]},
        {"sku": "pan", "title": "Pan", "category": "Kitchen", "price": 40, "tags": []},
    ]
    (root / "feed.jsonl").write_text("\n".join(map(json.dumps, products)))
    segments = [
        {"id": "drinkers", "name": "Drinkers", "text": "They drink tea.", "likes": ["tea", None]},
        {"id": "tiny", "name": "Tiny", "text": "Too few.", "likes": []},
    ]
    (root / "segments.jsonl").write_text("\n".join(map(json.dumps, segments)))
    members = [f"u{i},drinkers" for i in range(8)] + ["u1,tiny", "u9,tiny"]
    (root / "members.csv").write_text("user,segment\n" + "\n".join(members))
    events = [f"u{i},tea,order,2026-11-20" for i in range(8)]
    events += [f"u{i},pan,view,2026-11-20" for i in range(20)]
    events += ["u1,tea,order,2026-01-01", "u1,gone,order,2026-11-20", "u1,tea,sneeze,2026-11-20"]
    (root / "events.csv").write_text("user,sku,event,ts\n" + "\n".join(events))
    person = {"name": CANARIES[0], "email": CANARIES[1], "addresses": [{"address1": CANARIES[2]}]}
    users = [
        person | {"id": str(i), "age": 30, "persona": "kitchen_garden" if i < 6 else "garden_beauty"}
        for i in range(20)
    ]
    (root / "users.json").write_text(json.dumps(users))
    config = folder / "night.toml"
    config.write_text(CONFIG.format(root=root))
    return [f"--run-date={NIGHT}", f"--config={config}", f"--state={folder / 'var'}"]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    arguments = _shop(folder)
    ingest_catalog.main(arguments)
    build_segments.main(arguments)
    return folder / "var"


def test_segments_have_sizes_and_no_small_one_passes(night: Path) -> None:
    segments = {row["segment_id"]: row for row in read_night(night, "segments", NIGHT).to_pylist()}
    assert set(segments) == {"drinkers", "cooks"}
    assert (segments["drinkers"]["size"], segments["cooks"]["size"]) == (8, 6)
    assert segments["drinkers"]["population_share"] == pytest.approx(8 / 9)
    assert segments["drinkers"]["interests"] == ["tea"]
    assert segments["cooks"]["interests"][0] == "kitchen"


def test_what_was_not_counted_is_said(night: Path) -> None:
    rejects = {
        (row["key"], row["reason"]): row["detail"] for row in read_night(night, "rejects", NIGHT).to_pylist()
    }
    assert rejects["tiny", "segment_too_small"] == "2 users; the minimum is 5"
    assert rejects["nobody", "segment_too_small"].startswith("0 users")
    for reason in ("event_kind_unknown", "event_outside_window", "event_of_unknown_product"):
        assert rejects["panel/events", reason].startswith("1 of 31 rows")


def test_lift_is_the_shrunk_ratio(night: Path) -> None:
    rows = read_night(night, "segment_affinity", NIGHT).to_pylist()
    lift = {(r["segment_id"], r["dimension"], r["value"]): r["lift"] for r in rows}
    # Drinkers: 8 orders of tea (weight 6) and 8 views; everyone: the same 48 and 20 views.
    expected = (8 * 6 + 8) * 48 / (48 + 20)
    assert lift["drinkers", "category", "drinks > tea"] == pytest.approx(
        (48 + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH)
    )
    assert lift["drinkers", "category", "drinks"] == lift["drinkers", "category", "drinks > tea"]
    assert lift["drinkers", "tag", "hot"] > 1 > lift["drinkers", "category", "kitchen"]
    assert lift["cooks", "category", "kitchen"] > 1
    assert not any(segment == "tiny" for segment, *_ in lift)


def test_a_night_of_some_products_finds_the_same_tastes_as_a_whole_one(night: Path) -> None:
    second = NIGHT + dt.timedelta(days=1)
    arguments = [
        f"--run-date={second}",
        f"--config={night.parent / 'night.toml'}",
        f"--state={night}",
        "--limit=1",
    ]
    ingest_catalog.main(arguments)
    build_segments.main(arguments)
    assert [row["sku"] for row in read_night(night, "products", second).to_pylist()] == ["pan"]
    some, whole = (
        {(r["segment_id"], r["dimension"], r["value"]): r["lift"] for r in rows.to_pylist()}
        for rows in (read_night(night, "segment_affinity", date) for date in (second, NIGHT))
    )
    assert some == whole and ("drinkers", "product", "shop/tea") in some


def test_no_person_leaves_the_stage(night: Path) -> None:
    written = b"".join(path.read_bytes() for path in night.rglob("*") if path.is_file())
    assert not [canary for canary in CANARIES if canary.encode() in written]
    columns = {
        name
        for table in ("segments", "segment_affinity")
        for name in read_night(night, table, NIGHT).column_names
    }
    assert "user_id" not in columns
