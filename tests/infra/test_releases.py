"""Releases on real Delta tables: what is live, the past, two publishers at once, readers under load."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

from infra.releases import (
    add_release,
    all_releases,
    assets_release_id,
    live_release,
    new_release_id,
    pinned_versions,
    read_release,
    recalled,
    tonights_release_id,
)
from infra.tables import ensure_tables, query_tables, replace_rows, rows_to_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2026, 11, 21)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def asset(release_id: str, run_date: dt.date, slot: int, content: str, **other: Any) -> dict[str, Any]:
    return {
        "release_id": release_id, "asset_id": sha(f"{slot} {content}"), "run_date": run_date,
        "merchant_id": "shop", "sku": f"S-{slot}", "segment_id": "office", "locale": "en",
        "placement": "square", "persona_rank": 1, "variant": 0, "uri": f"pictures/{sha(content)}.jpg",
        "sha256": sha(content), "bytes": 10, "width_px": 8, "height_px": 8, "headline": "Good coffee",
        "alt_text": "a can", "product_hash": sha("product"), "image_sha256": sha(f"image {slot}"),
        "cutout_sha256": sha("cutout"), "instruction_hash": sha("instruction"),
        "scene_backend": "components", "scene_revision": "scene-1", "scorer_revision": "scorer-1",
        "changed_core_px": 0, "fidelity_mean_abs": 1.0,
    } | other  # fmt: skip


def publish(
    state: Path, content: str, *, run_date: dt.date = NIGHT, asked: bool = False, assets: int = 20
) -> dict[str, Any]:
    """A release of `assets` pictures that all come from `content`, as jobs.publish_release adds it."""
    content_hash = sha(content)
    release_id = tonights_release_id(state, run_date, content_hash)
    rows = [asset(release_id, run_date, slot, content) for slot in range(assets)]
    replace_rows(state, "assets", rows_to_table("assets", rows), f"release_id = '{release_id}'")
    row = {
        "release_id": release_id, "run_date": run_date, "action": "night", "assets_release_id": None,
        "content_hash": content_hash, "asset_count": assets, "product_count": assets, "merchants": [],
        "table_versions": pinned_versions(state), "revisions": [], "gate_report": "gate.json",
        "created_by": "test", "comment": "",
    }  # fmt: skip
    return add_release(state, row, asked=asked)


def back_to(state: Path, release_id: str) -> dict[str, Any]:
    target = read_release(state, release_id).row
    row = target | {
        "release_id": new_release_id(state, target["run_date"], target["content_hash"]),
        "assets_release_id": assets_release_id(target),
        "action": "rollback",
    }
    return add_release(state, row, asked=True)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    ensure_tables(tmp_path)
    yield tmp_path


def test_before_the_first_night_nothing_is_live(state: Path) -> None:
    assert live_release(state) is None
    with pytest.raises(FileNotFoundError, match="no release is published"):
        read_release(state)


def test_a_past_night_becomes_live_only_when_asked(state: Path) -> None:
    newest = publish(state, "newest")
    past = publish(state, "past", run_date=NIGHT - dt.timedelta(days=2))
    assert (newest["status"], past["status"]) == ("published", "backfilled")
    assert read_release(state).row["release_id"] == newest["release_id"]
    again = tonights_release_id(state, past["run_date"], past["content_hash"])
    assert again == past["release_id"], "the past night run once more adds nothing"
    asked = publish(state, "past on purpose", run_date=NIGHT - dt.timedelta(days=2), asked=True)
    assert read_release(state).row["release_id"] == asked["release_id"]


def test_catching_up_three_nights_ends_as_running_them_in_time(tmp_path: Path) -> None:
    live = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        state = tmp_path / "-".join(map(str, order))
        ensure_tables(state)
        for day in order:
            publish(state, f"day {day}", run_date=NIGHT + dt.timedelta(days=day))
        live.append(read_release(state).row["content_hash"])
    assert live == [sha("day 2")] * 3


def test_an_unchanged_night_and_one_that_was_rolled_back_need_no_new_release(state: Path) -> None:
    good = publish(state, "good")
    assert tonights_release_id(state, NIGHT, sha("good")) == good["release_id"]
    bad = publish(state, "bad", run_date=NIGHT + dt.timedelta(days=1))
    back = back_to(state, good["release_id"])
    assert read_release(state).row == back
    assert tonights_release_id(state, bad["run_date"], sha("bad")) == bad["release_id"]
    assert tonights_release_id(state, bad["run_date"], sha("mended")) not in {
        row["release_id"] for row in all_releases(state)
    }


def test_of_those_who_publish_at_once_none_is_lost_and_the_order_is_clear(state: Path) -> None:
    publish(state, "first")
    row = read_release(state).row
    with ThreadPoolExecutor(4) as pool:
        added = list(
            pool.map(lambda n: add_release(state, row | {"release_id": f"r{n}"}, asked=True), range(12))
        )
    rows = all_releases(state)
    assert [known["sequence"] for known in rows] == list(range(1, 14))
    assert {known["release_id"] for known in rows} == {row["release_id"], *(f"r{n}" for n in range(12))}
    assert [known["previous_release_id"] for known in rows[1:]] == [
        known["release_id"] for known in rows[:-1]
    ]
    assert sorted(known["sequence"] for known in added) == list(range(2, 14))


def test_readers_never_see_a_mixture(state: Path) -> None:
    """8 readers in a loop during 20 releases and 5 rollbacks."""
    publish(state, "release 0")
    seen: list[set[str]] = []
    broken: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            release = read_release(state)
            table = release.table("assets", columns=["sha256", "sku"])
            contents = set(table["sha256"].to_pylist())
            if contents != {release.row["content_hash"]} or table.num_rows != release.row["asset_count"]:
                broken.append(f"{release.row['release_id']}: {table.num_rows} rows of {contents}")
            seen.append({release.row["release_id"]})

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for n in range(1, 21):
        made = publish(state, f"release {n}", assets=20 + n)
        if n % 4 == 0:
            back_to(state, made["previous_release_id"])
    stop.set()
    for reader in readers:
        reader.join()
    assert not broken
    assert len(all_releases(state)) == 26
    assert len(set().union(*seen)) > 5, "the readers read while releases changed"


def test_all_tables_are_read_as_the_release_saw_them(state: Path, spark: SparkSession) -> None:
    first = publish(state, "one")
    publish(state, "two", assets=7)
    old = read_release(state, first["release_id"])
    assert old.table("assets").num_rows == 20
    assert old.spark(spark, "assets").count() == 20
    assert old.query("SELECT count(*) AS n FROM assets", "assets") == [{"n": 20}]
    assert read_release(state).table("assets", columns=["sku"]).num_rows == 7
    rows = old.table("assets", columns=["sku"])
    skus = {f"S-{slot}" for slot in range(20)}
    assert set(pl.from_arrow(rows)["sku"]) == set(rows.to_pandas()["sku"]) == skus  # type: ignore[index]
    assert {sku for (sku,) in duckdb.sql("SELECT sku FROM rows").fetchall()} == skus
    with pytest.raises(KeyError, match="pins no table releases"):
        old.table("releases")
    with pytest.raises(KeyError, match="the newest are"):
        read_release(state, "20200101-00000000")


@pytest.mark.parametrize(
    ("kind", "value", "skus"),
    [
        ("image", sha("image 3"), {"S-3"}),
        ("sku", "shop/S-4", {"S-4"}),
        ("sku", "other/S-4", set()),
        ("sku", "shop/' OR TRUE --", set()),
        ("asset", sha("5 one"), {"S-5"}),
        ("segment", "nobody", set()),
        ("model", "scene-1", {f"S-{n}" for n in range(20)}),
    ],
)
def test_a_recall_names_its_assets(state: Path, kind: str, value: str, skus: set[str]) -> None:
    publish(state, "one")
    rows = query_tables(
        state, f"SELECT sku FROM assets WHERE {recalled([{'kind': kind, 'value': value}])}", "assets"
    )
    assert {row["sku"] for row in rows} == skus


def test_nothing_recalled_is_no_row() -> None:
    assert recalled([]) == "FALSE"
