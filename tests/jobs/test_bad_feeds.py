"""Every kind of bad input in one ingest: what is wrong is set aside with its reason, and the rest of the file lands."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.tables import ensure_tables, night_predicate, read_night, replace_rows, rows_to_table
from jobs import ingest_catalog
from schemas.samples import sample_rows
from schemas.tables import BY_NAME
from tests.bad_feeds import Kind, load_kinds, make_data_root, merchant_toml, shop_feeds

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2026, 11, 21)
BEFORE = dt.date(2026, 11, 20)
KINDS = load_kinds()
CONFIG = """
[paths]
data_root = "{root}"
[ingest]
max_reject_share = 0.9
[[segment_sources]]
id = "panel"
kind = "table"
segments = {{ path = "s.csv", format = "csv", fields = {{ segment_id = "id" }} }}
members = {{ path = "m.csv", format = "csv", fields = {{ user_id = "id" }} }}
"""
Row = dict[str, Any]


class Ingested:
    """What one ingest of the whole collection left."""

    def __init__(self, state: Path) -> None:
        self.products = {
            (r["merchant_id"], r["sku"]): r for r in read_night(state, "products", NIGHT).to_pylist()
        }
        self.rejects = read_night(state, "rejects", NIGHT).to_pylist()
        self.state = state

    def of_file(self, kind: Kind) -> dict[str, list[int]]:
        """Reason -> rows, of a kind's file."""
        start = f"shop_{kind.shop}/{kind.path}:"
        found: dict[str, list[int]] = defaultdict(list)
        for row in self.rejects:
            if row["key"].startswith(start):
                found[row["reason"]].append(int(row["key"].removeprefix(start)))
        return {reason: sorted(rows) for reason, rows in found.items()}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Ingested:
    folder = tmp_path_factory.mktemp("bad_feeds")
    make_data_root(folder / "data")
    state, config = folder / "var", folder / "night.toml"
    feeds = shop_feeds(KINDS)
    shops = "".join(merchant_toml(name, feed) for name, feed in feeds.items())
    config.write_text(CONFIG.format(root=folder / "data") + shops, encoding="utf-8")
    arguments = [f"--config={config}", f"--state={state}"]
    ensure_tables(state)
    own = {"merchant_id": "feed_that_shrank", "run_date": BEFORE, "feed_date": BEFORE}
    rows = [row | own for row in sample_rows(BY_NAME["products"], 12).to_pylist()]
    replace_rows(state, "products", rows_to_table("products", rows), night_predicate(BEFORE))
    ingest_catalog.main([f"--run-date={NIGHT}", *arguments])
    return Ingested(state)


def test_there_are_more_than_sixty_kinds_and_no_file_without_one() -> None:
    assert len(KINDS) >= 60
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.shop], ids=lambda kind: kind.name)
def test_a_bad_row_costs_that_row(ingested: Ingested, kind: Kind) -> None:
    assert ingested.of_file(kind) == kind.rejects
    landed = {
        sku
        for shop, sku in ingested.products
        if shop == f"shop_{kind.shop}" and sku.startswith(f"{kind.name}-")
    }
    assert landed == set(kind.keeps)
    for sku, fields in kind.shows.items():
        product = ingested.products[f"shop_{kind.shop}", sku]
        for name, value in fields.items():
            assert product[name] == (None if value == "NULL" else value)
    for secret in kind.hides:
        assert secret not in str(ingested.rejects)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.refused], ids=lambda kind: kind.name)
def test_a_hostile_file_costs_that_feed(ingested: Ingested, kind: Kind) -> None:
    (row,) = (row for row in ingested.rejects if row["key"] == f"{kind.name}/feed")
    assert row["reason"] == kind.refused
    assert row["detail"]
    kept = [sku for shop, sku in ingested.products if shop == kind.name]
    assert len(kept) == (12 if kind.name == "feed_that_shrank" else 0)


def test_nothing_of_the_host_was_read(ingested: Ingested) -> None:
    written = b"".join(path.read_bytes() for path in ingested.state.rglob("*") if path.is_file())
    assert b"root:x:0" not in written
