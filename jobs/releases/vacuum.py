"""Frees what no kept release needs: rows of `assets`, pictures, and old files of the Delta tables.

Kept are the newest releases, the live one, what tonight's plan wants, and every table version that a kept release
pins. What may go is found from the tables; the store is never listed: a picture that was stored and never committed
is one that some night planned. Tables that grow by a file for each commit are written anew in large files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.object_store import ObjectStore, batched, each, object_key
from infra.releases import Row, all_releases, assets_release_id, live_release, recalled
from infra.tables import WRITER_PROPERTIES, open_table, query_tables, read_table, sql_literal
from jobs.planning.units import SLOT

RETENTION_HOURS = 48
"""Files younger than this stay: a night that runs now has written some that no commit names yet."""
COMPACTED = ("candidates", "scores", "product_views", "releases")
"""Tables that are appended to and not partitioned: each commit leaves a small file."""
_BATCH = 5_000
"""Names in one SQL predicate."""


@dataclass(frozen=True)
class Plan:
    """What a vacuum would remove."""

    kept: Sequence[Row]
    asset_partitions: Sequence[str]
    """release_ids whose rows of `assets` go."""
    candidates: Sequence[Row]
    """asset_id and uri of pictures that go, and whether they were recalled."""
    uncommitted: Sequence[str]
    """asset_ids that earlier nights had to make, that have no row and that tonight does not plan."""


def plan_vacuum(state: Path, keep: int) -> Plan:
    """What goes when the newest `keep` releases stay (and the live one, and whatever their rows rest on)."""
    rows = all_releases(state)
    live = live_release(state)
    kept = [row for row in rows if row in rows[-keep:] or row == live]
    needed = {assets_release_id(row) for row in kept}
    there = {
        row["release_id"] for row in query_tables(state, "SELECT DISTINCT release_id FROM assets", "assets")
    }
    tonight = """SELECT asset_id FROM work_units
        WHERE status <> 'retired' AND run_date = (SELECT max(run_date) FROM work_units)"""
    recalls = recalled(read_table(state, "recalls").to_pylist())
    unneeded = query_tables(
        state,
        f"""
        SELECT asset_id, uri, ({recalls}) AS recalled FROM candidates WHERE asset_id NOT IN (
            SELECT asset_id FROM assets WHERE release_id IN {sql_literal(needed)} UNION ALL {tonight})
        """,
        "candidates",
        "assets",
        "work_units",
    )
    # A retry was begun at most where there is a first attempt.
    uncommitted = query_tables(
        state,
        f"""
        SELECT DISTINCT u.asset_id FROM work_units AS u LEFT JOIN candidates AS before
            ON {" AND ".join(f"u.{name} = before.{name}" for name in SLOT)} AND before.variant = u.variant - 1
        WHERE (u.status = 'to_do' OR (u.status = 'standby' AND before.asset_id IS NOT NULL))
            AND u.asset_id NOT IN (SELECT asset_id FROM candidates UNION ALL {tonight})
        ORDER BY u.asset_id
        """,
        "work_units",
        "candidates",
    )
    return Plan(kept, sorted(there - needed), unneeded, [row["asset_id"] for row in uncommitted])


def vacuum(state: Path, plan: Plan, store: ObjectStore, *, retention_hours: int = RETENTION_HOURS) -> int:
    """Carries the plan out; the number of objects and table files removed. Run again after a crash, it goes on."""
    each(store.delete, [object_key("pictures", asset_id, "jpg") for asset_id in plan.uncommitted])
    removed = 0
    if plan.asset_partitions:
        open_table(state, "assets").delete(f"release_id IN {sql_literal(plan.asset_partitions)}")
    going = {row["asset_id"] for row in plan.candidates}
    uris = {row["uri"] for row in plan.candidates}
    withdrawn = {row["uri"] for row in plan.candidates if row["recalled"]}
    for some in batched(sorted(uris), _BATCH):
        users = f"SELECT asset_id, uri FROM candidates WHERE uri IN {sql_literal(some)}"
        shared = {
            row["uri"] for row in query_tables(state, users, "candidates") if row["asset_id"] not in going
        }
        unshared = [uri for uri in some if uri not in shared]
        each(store.delete, [*unshared, *(f"recalled/{uri}" for uri in unshared if uri in withdrawn)])
        removed += len(unshared)
    # Rows after objects: a picture without a row would never be found again.
    for some in batched(sorted(going), _BATCH):
        for name in ("scores", "candidates"):
            open_table(state, name).delete(f"asset_id IN {sql_literal(some)}")
    for name in COMPACTED:
        open_table(state, name).optimize.compact(writer_properties=WRITER_PROPERTIES)
    pinned: dict[str, set[int]] = {}
    for row in plan.kept:
        for entry in row["table_versions"]:
            if entry["table"] != "assets":
                pinned.setdefault(entry["table"], set()).add(entry["version"])
    for name, kept_versions in sorted((pinned | {"assets": set(), "releases": set()}).items()):
        gone = open_table(state, name).vacuum(
            retention_hours,
            dry_run=False,
            enforce_retention_duration=False,
            keep_versions=sorted(kept_versions),
        )
        removed += len(gone)
    return removed
