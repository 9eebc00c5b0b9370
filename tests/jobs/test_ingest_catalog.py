"""The ingest stage on small hostile feeds, through real files, Spark and Delta."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
import shutil
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.sample_shop.exports import ADDRESS, EXPORTS, sample_families, write_exports
from infra.stage import record_path
from infra.tables import read_night
from jobs import ingest_catalog
from jobs.catalog.finishing import HASHED

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2026, 11, 21)
HEAD = """
[paths]
data_root = "{root}"
[ingest]
max_reject_share = {share}
[[segment_sources]]
id = "panel"
kind = "table"
segments = {{ path = "s.csv", format = "csv", fields = {{ segment_id = "id" }} }}
members = {{ path = "m.csv", format = "csv", fields = {{ user_id = "id" }} }}
"""
SHOPS = """
[[merchants]]
id = "good"
name = "Good"
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
path = "good/feed.csv"
format = "csv"
delimiter = ";"
image_root = "good/images"
fields = { sku = "id", title = "name", description = "text", category = "cat", brand = "brand", price = "price", \
image = "image", parent_sku = "parent" }
[[merchants]]
id = "other"
name = "Other"
segment_sources = ["panel"]
currency = "JPY"
[merchants.feed]
path = "other.jsonl"
format = "jsonl"
[merchants.feed.fields]
sku = "sku"
title = "title"
category = "'Things'"
price = "price"
tags = "tags"
specs = "specs"
ratings = "transform(reviews, r -> r.stars)"
[[merchants]]
id = "torn"
name = "Torn"
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
path = "other.jsonl"
format = "jsonl"
fields = { sku = "sku", title = "title", category = "'Things'", price = "prise" }
"""
FEED = [
    "id;name;text;cat;brand;price;image;parent",
    'a1;Red mug;"<b>Nice</b> &amp; <script>x()</script>red";Kitchen>Mugs;Acme;12.90;mug.jpg;p1',
    "a2;Blue mug;Good.;Kitchen>Mugs;ACME;;mug.jpg;",
    "a3;Green mug;Good.;Kitchen>Mugs;acme;-3;mug.jpg;",
    "a1;Red mug again;Good.;Kitchen>Mugs;Acme;11;mug.jpg;",
    "a4;No picture;Good.;Kitchen>Mugs;ACME;5;gone.jpg;",
    "a5;Empty picture;Good.;;;5;empty.jpg;",
    "a6;Path trick;Good.;Kitchen;Acme;5;../../secret.jpg;",
    ";No id;Good.;Kitchen;;5;mug.jpg;",
    "a7;;Good.;Kitchen;;5;mug.jpg;",
    'a8;"Two\nlines";Good.;Kitchen;;$1 000.50;mug.jpg;a9',
    "a9;Remote;Good.;Kitchen;;5;http://192.168.0.1/x.jpg;",
    "a9;Remote;Good.;Kitchen;;5;http://192.168.0.1/x.jpg;",
    "c1;Chicken;Good.;Kitchen;;5;mug.jpg;c2",
    "c2;Egg;Good.;Kitchen;;5;mug.jpg;c1",
]
OTHER = {
    "sku": "x",
    "title": "Lamp\u202e",
    "price": 1300,
    "tags": ["LED", "LED", " "],
    "specs": [{"name": "power", "value": "5", "unit": "W"}, {"name": None, "value": "1", "unit": None}],
    "reviews": [{"stars": 4}, {"stars": 5}],
}


def _arguments(folder: Path, night: dt.date = NIGHT) -> list[str]:
    return [f"--run-date={night}", f"--config={folder / 'night.toml'}", f"--state={folder / 'var'}"]


def _shop(folder: Path) -> list[str]:
    root = folder / "data"
    images = root / "good" / "images"
    images.mkdir(parents=True)
    (images / "mug.jpg").write_bytes(b"a picture")
    (images / "empty.jpg").write_bytes(b"")
    (root / "secret.jpg").write_bytes(b"secret")
    (root / "good" / "feed.csv").write_text("\r\n".join(FEED), encoding="utf-8")
    (root / "other.jsonl").write_text(json.dumps(OTHER), encoding="utf-8")
    (folder / "night.toml").write_text(HEAD.format(root=root, share=1.0) + SHOPS, encoding="utf-8")
    return _arguments(folder)


def _rows(folder: Path, table: str, night: dt.date = NIGHT) -> list[dict[str, Any]]:
    return read_night(folder / "var", table, night).to_pylist()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    folder = tmp_path_factory.mktemp("ingest")
    ingest_catalog.main(_shop(folder))
    return folder


def test_what_is_wrong_is_said_with_its_severity(night: Path) -> None:
    found = {(row["severity"], row["reason"], row["sku"]) for row in _rows(night, "rejects")}
    assert found == {
        ("row", "price_missing", "a2"),
        ("row", "price_not_positive", "a3"),
        ("row", "sku_conflicting", "a1"),
        ("row", "sku_missing", None),
        ("row", "title_missing", "a7"),
        ("row", "parent_cyclic", "c1"),
        ("row", "parent_cyclic", "c2"),
        ("note", "sku_repeated", "a9"),
        ("note", "script_removed", "a1"),
        ("note", "parent_missing", "a1"),
        ("note", "category_missing", "a5"),
        ("note", "image_missing", "a4"),
        ("note", "image_empty", "a5"),
        ("note", "image_path_leaves_root", "a6"),
        ("note", "image_remote", "a9"),
        ("note", "hidden_characters_removed", "x"),
        ("feed", "feed_column_missing", None),
    }


def test_nothing_is_lost(night: Path) -> None:
    record = json.loads(record_path(night / "var", NIGHT, ingest_catalog.STAGE).read_text())
    good = record["funnel"]["good"]
    assert good["rows_in"] == len(FEED) - 1
    assert good["rows_in"] == good["rows_out"] + sum(good["set_aside"].values())


def test_rejects_name_row_and_keep_the_record(night: Path) -> None:
    (row,) = (row for row in _rows(night, "rejects") if row["reason"] == "price_missing")
    assert row["key"] == "good/good/feed.csv:3"
    assert row["detail"].startswith("good/feed.csv row 3: ")
    assert json.loads(row["record"])["name"] == "Blue mug"


def test_a_feed_whose_mapping_fails_costs_its_merchant(night: Path) -> None:
    (row,) = (row for row in _rows(night, "rejects") if row["key"] == "torn/feed")
    assert "prise" in row["detail"]
    assert "price" in row["detail"]
    assert "no earlier products" in row["detail"]


def test_fields_are_normalised(night: Path) -> None:
    products = {row["sku"]: row for row in _rows(night, "products")}
    assert set(products) == {"a1", "a4", "a5", "a6", "a8", "a9", "x"}
    mug = products["a1"]
    assert (mug["price_minor"], mug["currency"], mug["category"]) == (1290, "EUR", "Kitchen > Mugs")
    assert (mug["description"], mug["taxonomy"]) == ("Nice & red", "Kitchen & Dining > Mugs & Glasses")
    assert mug["image_sha256"] == hashlib.sha256(b"a picture").hexdigest()
    assert products["a8"]["title"] == "Two lines"
    assert (products["a8"]["price_minor"], products["a8"]["currency"]) == (100050, "USD")
    assert products["a5"]["category"] == "Uncategorised"
    assert products["a6"]["image_uri"] is None
    # Among good rows "Acme" stands twice and "ACME" once.
    assert {products[sku]["brand"] for sku in ("a1", "a4", "a6")} == {"Acme"}
    lamp = products["x"]
    assert (lamp["price_minor"], lamp["currency"], lamp["title"]) == (1300, "JPY", "Lamp")
    assert (lamp["tags"], lamp["feed_date"]) == (["led"], NIGHT)
    fact = {"name": "power", "value": "5", "unit": "W", "number": 5.0, "source_field": "specs"}
    assert lamp["facts"] == [fact]
    assert (lamp["rating_mean"], lamp["rating_count"]) == (4.5, 2)


def test_one_merchant_again_leaves_all_rows_as_they_are(night: Path) -> None:
    before = _rows(night, "products"), _rows(night, "rejects")
    ingest_catalog.main([*_arguments(night), "--merchants=good"])
    after = _rows(night, "products"), _rows(night, "rejects")
    for old, new in zip(before, after, strict=True):
        assert sorted(map(str, old)) == sorted(map(str, new))


def test_a_refused_feed_keeps_its_last_products_for_some_nights(
    night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(night, tmp_path, dirs_exist_ok=True)
    root = tmp_path / "data"
    (tmp_path / "night.toml").write_text(HEAD.format(root=root, share=0.2) + SHOPS, encoding="utf-8")
    (root / "good" / "feed.csv").write_text("\n".join(FEED[:2]), encoding="utf-8")
    third = NIGHT + dt.timedelta(days=3)
    # `good` lost five of its six products, `other` half of its rows for good.
    (root / "other.jsonl").write_text(json.dumps(OTHER) + '\n{"sku": "y"}\n', encoding="utf-8")
    ingest_catalog.main(_arguments(tmp_path, third))
    kept = _rows(tmp_path, "products", third)
    assert {row["feed_date"] for row in kept} == {NIGHT}
    hashes = {row["sku"]: row["product_hash"] for row in _rows(tmp_path, "products")}
    assert {row["sku"]: row["product_hash"] for row in kept} == hashes
    refused = {r["merchant_id"]: r for r in _rows(tmp_path, "rejects", third) if r["severity"] == "feed"}
    assert refused["good"]["reason"] == "feed_shrunken"
    assert 'accept_shrink = "2026-11-24"' in refused["good"]["detail"]
    assert "tonight for the last time" in refused["good"]["detail"]
    assert refused["other"]["reason"] == "feed_too_many_rejects"
    assert "50% of 2 rows of other.jsonl" in refused["other"]["detail"]

    fourth = NIGHT + dt.timedelta(days=4)
    with pytest.raises(SystemExit) as stop:
        ingest_catalog.main(_arguments(tmp_path, fourth))
    assert stop.value.code == 2
    assert "no merchant has any product tonight; good: " in capsys.readouterr().err
    assert not _rows(tmp_path, "products", fourth)


TRANSLATED = [
    {"sku": f"s{i}", "title": title, "category": "Küche > Töpfe", "description": text, "price": price}
    for i, (title, text, price) in enumerate(
        [
            ("Kaffeekanne 1,5 l", "Für große Runden & den Alltag", "29,90"),
            ("Schüssel, rot", 'Sie sagt "schön"; er auch', "1.299,00"),
            ("Crème brûlée set of 2", "Für zwei <Gäste>", "9,00 EUR"),
        ]
    )
]


def test_the_same_catalog_gives_the_same_products_whatever_file_it_comes_in(
    tmp_path: Path, spark: SparkSession
) -> None:
    """By a ready mapping's one word, and by row order, encoding and format."""
    root = tmp_path / "data"
    write_exports(root)
    families = sample_families()
    for family in families:
        path = root / family.variants[0].image
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(family.id.encode())
    for name, encoding, delimiter in (("latin.csv", "latin-1", ";"), ("tabs.tsv", "utf-8-sig", "\t")):
        with (root / name).open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(TRANSLATED[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(TRANSLATED[::-1])
    (root / "tabs.tsv").write_bytes(gzip.compress((root / "tabs.tsv").read_bytes()))
    (root / "array.json").write_text(json.dumps(TRANSLATED, ensure_ascii=False), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(TRANSLATED[1:] + TRANSLATED[:1]), root / "columns.parquet")
    lines = [json.dumps(dict(reversed(row.items()))) for row in reversed(TRANSLATED)]
    (root / "shuffled.jsonl").write_text("\n".join(lines), encoding="utf-16")
    items = "".join(
        "<item>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in row.items()) + "</item>"
        for row in TRANSLATED
    )
    (root / "items.xml").write_text(f"<rss><channel>{items}</channel></rss>", encoding="utf-8")
    feeds = {
        name.replace(
            ".", "_"
        ): f'path = "{name}"\nformat = "{name.split(".")[1]}"\nmapping = "{name.split(".")[0]}"'
        for name in EXPORTS
    }
    feeds["latin"] = (
        'path = "latin.csv"\nformat = "csv"\nmapping = "plain"\ndelimiter = ";"\nencoding = "latin-1"'
    )
    feeds["shuffled"] = 'path = "shuffled.jsonl"\nformat = "jsonl"\nmapping = "plain"\nencoding = "utf-16"'
    for name, format in (("items", "xml"), ("tabs", "tsv"), ("array", "json"), ("columns", "parquet")):
        feeds[name] = f'path = "{name}.{format}"\nformat = "{format}"\nmapping = "plain"'
    text = HEAD.format(root=root, share=0)
    for name, feed in feeds.items():
        text += f"""
[[merchants]]
id = "{name}"
name = "{name}"
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
{feed}
image_paths = [{{ prefix = "{ADDRESS}" }}]
"""
    (tmp_path / "night.toml").write_text(text, encoding="utf-8")
    ingest_catalog.main(_arguments(tmp_path))
    found: dict[str, dict[str, tuple[Any, ...]]] = {name: {} for name in feeds}
    grouped: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in feeds}
    for row in _rows(tmp_path, "products"):
        said = tuple(
            str(row[name])
            for name in (*HASHED, "brand", "image_sha256", "price_minor", "currency", "taxonomy")
        )
        found[row["merchant_id"]][row["sku"]] = (row["product_hash"], *said)
        if row["parent_sku"] is not None:
            grouped[row["merchant_id"]][row["parent_sku"]].add(row["sku"])
    assert not [row for row in _rows(tmp_path, "rejects") if row["severity"] != "note"]
    exported = [found[name.replace(".", "_")] for name in EXPORTS]
    assert len(exported[0]) == sum(len(family.variants) for family in families)
    for other in exported[1:]:
        assert other == exported[0]
    packs = {f.id: {p.sku for p in f.variants} for f in families if len(f.variants) > 1}
    for name in EXPORTS:
        several = {k: skus for k, skus in grouped[name.replace(".", "_")].items() if len(skus) > 1}
        assert several == packs, name
    assert len(found["latin"]) == len(TRANSLATED)
    for name in ("shuffled", "items", "tabs", "array", "columns"):
        assert found[name] == found["latin"], name
