"""Compares a release's objects with its rows: every one present but what was recalled, every hash right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from infra.object_store import ObjectStore
from infra.releases import Release, Row, recalled
from infra.tables import read_table

_COLUMNS = ("asset_id", "merchant_id", "sku", "uri", "sha256", "bytes")
_THREADS = 8


def fault(store: ObjectStore, asset: Row) -> str | None:
    """What is wrong with an asset's object: missing, or changed; None when it is as the release says."""
    try:
        data = store.get(asset["uri"])
    except FileNotFoundError:
        return "missing"
    return None if hashlib.sha256(data).hexdigest() == asset["sha256"] else "changed"


def verify(release: Release, store: ObjectStore) -> Iterator[tuple[Row, str]]:
    """The assets whose object is missing or changed, and last a row for assets that the table has lost."""
    recalls = recalled(read_table(release.state, "recalls").to_pylist())
    withdrawn = {
        row["asset_id"] for row in release.query(f"SELECT asset_id FROM assets WHERE {recalls}", "assets")
    }
    rows_left = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for batch in release.table("assets", columns=_COLUMNS).to_batches(max_chunksize=1000):
            rows_left += batch.num_rows
            assets = [asset for asset in batch.to_pylist() if asset["asset_id"] not in withdrawn]
            faults = pool.map(lambda asset: fault(store, asset), assets)
            yield from ((asset, what) for asset, what in zip(assets, faults, strict=True) if what)
    if rows_left != release.row["asset_count"]:
        said = f"{rows_left} of {release.row['asset_count']} rows left"
        yield {"merchant_id": "-", "sku": "-", "asset_id": "-", "uri": "table assets"}, said
