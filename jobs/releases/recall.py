"""Withdraws everything made from an image, by a model, for a segment or a SKU, or one asset.

The live release goes on without it, no night makes or shows it again, drops that held it are removed, its objects
leave the prefix that serving reads, and a list says what had been distributed.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from infra.live_pointer import name_live
from infra.object_store import ObjectStore, each
from infra.releases import Row, all_releases, assets_release_id, read_release, recalled
from infra.stage import StageError
from infra.tables import append_rows, query_tables, read_table, rows_to_table
from jobs.drops.csv_files import csv_bytes
from jobs.releases.change import Order, count_assets, without

DISTRIBUTED_COLUMNS = (
    "merchant_id",
    "release_id",
    "sku",
    "segment_id",
    "locale",
    "placement",
    "asset_id",
    "sha256",
    "uri",
)


def recall(order: Order, kind: str, value: str, store: ObjectStore) -> tuple[Row, Path]:
    """The row of `recalls`, and the list of what had been distributed (CSV, a line for each release and asset).

    Given again after the store refused or the process died, it goes on and adds no second row. Raises StageError when
    no release and no candidate was ever made from it.
    """
    this = {"kind": kind, "value": value}
    distributed = _distributed(order.state, this)
    matched = query_tables(
        order.state, f"SELECT asset_id, uri FROM candidates WHERE {recalled([this])}", "candidates"
    )
    if not distributed and not matched:
        raise StageError(f"nothing was made from {kind} {value}: check the value (see the table assets)")
    live = read_release(order.state)
    leaving = count_assets(live, recalled([this]))
    earlier: list[Row] = read_table(order.state, "recalls").to_pylist()
    row = next((known for known in earlier if this.items() <= known.items()), None)
    if row is None or leaving:
        now = dt.datetime.now(dt.UTC)
        row = this | {
            "recall_id": f"recall-{now:%Y%m%dT%H%M%SZ}-{kind}",
            "assets": leaving,
            "created_at": now,
            "created_by": order.who,
            "comment": order.why,
        }
        if leaving:
            row["release_id"] = without(order, live, [*earlier, this], "recall")["release_id"]
        # Last of the tables: what is left to do after a crash between the two, the same command does again.
        append_rows(order.state, "recalls", rows_to_table("recalls", [row]))
    name_live(store, order.state)
    listed = order.state / "recalls" / f"{row['recall_id']}.csv"
    listed.parent.mkdir(exist_ok=True)
    listed.write_bytes(csv_bytes(DISTRIBUTED_COLUMNS, distributed))
    _remove_drops(order.state, distributed)
    _withdraw_objects(order.state, matched, this, store)
    _remove_small_copies(order.state, matched)
    return row, listed


def _distributed(state: Path, this: Row) -> list[Row]:
    """A row for each release that was live at some time and each of its assets that the recall names."""
    columns = ", ".join(name for name in DISTRIBUTED_COLUMNS if name != "release_id")
    held: dict[str, list[Row]] = defaultdict(list)
    for row in query_tables(
        state, f"SELECT release_id, {columns} FROM assets WHERE {recalled([this])}", "assets"
    ):
        held[row["release_id"]].append(row)
    return [
        asset | {"release_id": release["release_id"]}
        for release in all_releases(state)
        if release["status"] == "published"
        for asset in held[assets_release_id(release)]
    ]


def _remove_drops(state: Path, distributed: list[Row]) -> None:
    for merchant_id, release_id in {(row["merchant_id"], row["release_id"]) for row in distributed}:
        folder = state / "drops" / merchant_id / release_id
        for name in (f"{release_id}.zip", f"{release_id}.changes.zip"):
            folder.with_name(name).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_small_copies(state: Path, matched: list[Row]) -> None:
    """Of the pages of nights and differences; what names them there shows their text alternative."""
    for thumbs in (state / "reports").glob("*/thumbs"):
        for name in {name for row in matched for name in (f"{row['asset_id']}.jpg", Path(row["uri"]).name)}:
            (thumbs / name).unlink(missing_ok=True)


def _withdraw_objects(state: Path, matched: list[Row], this: Row, store: ObjectStore) -> None:
    """Moves objects from `pictures/` to `recalled/`, but not one whose bytes another asset has as well."""
    shared = query_tables(
        state,
        f"SELECT DISTINCT uri FROM candidates WHERE NOT ({recalled([this])}) "
        f"AND uri IN (SELECT uri FROM candidates WHERE {recalled([this])})",
        "candidates",
    )

    def withdraw(uri: str) -> None:
        with suppress(FileNotFoundError):
            store.put(f"recalled/{uri}", store.get(uri))
            store.delete(uri)

    each(withdraw, sorted({row["uri"] for row in matched} - {row["uri"] for row in shared}))
