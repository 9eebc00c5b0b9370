"""What must hold of a state whatever was killed: nothing lost, nothing twice, every object whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from infra.object_store import LocalStore
from infra.releases import all_releases, read_release
from infra.tables import query_tables, read_table, table_version
from schemas.tables import TABLES

Slot = tuple[str, ...]
_SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")


def live_assets(state: Path) -> dict[Slot, tuple[str, str]]:
    """Slot -> asset id and SHA-256 of the live release's pictures."""
    rows = read_release(state).table("assets").to_pylist()
    return {tuple(row[name] for name in _SLOT): (row["asset_id"], row["sha256"]) for row in rows}


def twice(state: Path) -> list[str]:
    """The keys that stand in their table more than once, with the table's name."""
    found = []
    for table in TABLES:
        if table_version(state, table.name) < 0:
            continue
        key = ", ".join(table.key)
        rows = query_tables(
            state, f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1", table.name
        )
        found += [f"{table.name}: {row}" for row in rows]
    return found


def broken_objects(state: Path) -> list[str]:
    """The pictures and cut-outs that a committed row names and that are missing or have another hash."""
    store = LocalStore(state / "store")
    named = [
        (row["uri"], row["sha256"])
        for row in _rows(state, "candidates", "uri", "sha256")
    ] + [
        (row[f"{kind}_uri"], row[f"{kind}_sha256"])
        for kind in ("cutout", "white")
        for row in _rows(state, "product_views", f"{kind}_uri", f"{kind}_sha256")
        if row[f"{kind}_uri"]
    ]  # fmt: skip
    return [uri for uri, digest in named if not _is_whole(store, uri, digest)]


def uncommitted_pictures(state: Path) -> int:
    """Pictures in the store that no row names: drawn, and to be drawn again after a kill at this moment."""
    named = {row["uri"] for row in _rows(state, "candidates", "uri")}
    folder = state / "store"
    drawn = {path.relative_to(folder).as_posix() for path in (folder / "pictures").glob("*/*.jpg")}
    return len({uri for uri in drawn if not Path(uri).name.startswith(".")} - named)


def compare(state: Path, expected: dict[Slot, tuple[str, str]]) -> dict[str, list[str]]:
    """What a finished night lacks, has twice or has wrong against an uninterrupted one's live assets; empty lists."""
    live = live_assets(state)
    rows = [row for row in all_releases(state) if row["status"] == "published"]
    orphans = query_tables(state, "SELECT DISTINCT release_id FROM assets", "assets")
    known = {row["release_id"] for row in rows}
    return {
        "lost": [str(slot) for slot in expected if slot not in live],
        "twice": twice(state) + [str(slot) for slot in live if slot not in expected],
        "changed": [str(slot) for slot, asset in live.items() if expected.get(slot, asset) != asset],
        "objects": broken_objects(state),
        "releases": [row["release_id"] for row in rows[1:]]
        + [row["release_id"] for row in orphans if row["release_id"] not in known],
    }


def _rows(state: Path, name: str, *columns: str) -> list[dict[str, Any]]:
    if table_version(state, name) < 0:
        return []
    return list(read_table(state, name, columns=columns).to_pylist())


def _is_whole(store: LocalStore, uri: str, digest: str) -> bool:
    try:
        return hashlib.sha256(store.get(uri)).hexdigest() == digest
    except FileNotFoundError:
        return False
