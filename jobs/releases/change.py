"""Makes another release live: an older one (rollback), a named one (publish), or the live one without something.

Each adds one row to `releases`, so what was live when, who changed it and why stays on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import functions as F

from infra.releases import (
    Release,
    Row,
    add_release,
    all_releases,
    assets_release_id,
    new_release_id,
    read_release,
    recalled,
)
from infra.spark import replace_delta, spark_session
from infra.stage import StageError
from infra.tables import read_table
from jobs.release_assets import assets_hash, merchant_counts
from schemas.config import Engines


@dataclass(frozen=True)
class Order:
    """Who changes what is live, and why."""

    state: Path
    engines: Engines
    who: str
    why: str


def release_before(state: Path) -> Release:
    """What was live before the content that is live now, past what was rolled back or was recalled in part.

    Raises StageError when there was nothing.
    """
    live = read_release(state)
    stood: list[str] = []
    for row in all_releases(state):
        if row["status"] != "published":
            continue
        content = assets_release_id(row)
        if row["action"] in {"rollback", "recall"}:
            # What was live then is given up, and all since what is live again.
            del stood[stood.index(content) if content in stood else -1 :]
        elif content in stood:
            stood.remove(content)
        stood.append(content)
    if len(stood) < 2:
        raise StageError(
            f"before release {live.row['release_id']} nothing was live that was not rolled back: there is nothing to "
            "go back to; name a release, or see the list"
        )
    return read_release(state, stood[-2])


def make_live(order: Order, target: Release, action: str) -> Row:
    """Makes a release live as it was, less what has been recalled since; the new row of `releases`.

    Only that one row is written, whatever the release's size, unless a recall touches it. Raises StageError when the
    release is live already or was vacuumed.
    """
    live = read_release(order.state)
    name = target.row["release_id"]
    if assets_release_id(live.row) == assets_release_id(target.row):
        raise StageError(f"release {name} is live already (as {live.row['release_id']})")
    recalls = read_table(order.state, "recalls").to_pylist()
    check_whole(target)
    if count_assets(target, recalled(recalls)):
        return without(order, target, recalls, action)
    row = target.row | {
        "release_id": new_release_id(order.state, target.row["run_date"], target.row["content_hash"]),
        "assets_release_id": assets_release_id(target.row),
    }
    return add_release(order.state, row | _signed(order, action), asked=True)


def without(order: Order, base: Release, recalls: Sequence[Row], action: str) -> Row:
    """Makes a release live without the assets that the recalls name; the new row of `releases`."""
    spark = spark_session(order.engines, order.state)
    assets = base.spark(spark, "assets").where(f"NOT ({recalled(recalls)})").cache()
    content_hash = assets_hash(assets)
    if content_hash == read_release(order.state).row["content_hash"]:
        raise StageError(
            f"release {base.row['release_id']}, without what was recalled since, is what is live already: name another"
        )
    release_id = new_release_id(order.state, base.row["run_date"], content_hash)
    kept = assets.withColumn("release_id", F.lit(release_id))
    replace_delta(kept, order.state, "assets", f"release_id = '{release_id}'")
    counts = merchant_counts(assets)
    row = base.row | {
        "release_id": release_id,
        "assets_release_id": None,
        "content_hash": content_hash,
        "asset_count": sum(merchant["assets"] for merchant in counts),
        "product_count": sum(merchant["products"] for merchant in counts),
        "merchants": counts,
    }
    return add_release(order.state, row | _signed(order, action), asked=True)


def check_whole(release: Release) -> None:
    """Raises StageError for a release that a vacuum took assets of."""
    had, left = release.row["asset_count"], count_assets(release, "TRUE")
    if left != had:
        raise StageError(
            f"release {release.row['release_id']} had {had} assets and {left} are left: it was vacuumed"
        )


def count_assets(release: Release, predicate: str) -> int:
    """How many of a release's assets match an SQL predicate."""
    (row,) = release.query(f"SELECT count(*) AS n FROM assets WHERE {predicate}", "assets")
    return int(row["n"])


def _signed(order: Order, action: str) -> Row:
    return {"action": action, "created_by": order.who, "comment": order.why}
