"""Releases: which one is live, and every table as one release saw it.

    assets = read_release(Path("var")).table("assets")          # Arrow; pandas, Polars and DuckDB take it as it is
    units = read_release(Path("var"), "20261121-8d575c83").spark(spark, "work_units")

A row of `releases` pins the version of every table, so a reader who takes all tables through one Release never sees a
mixture of two, whatever is published, rolled back or recalled meanwhile.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError

from infra.tables import open_table, read_table, rows_to_table, sql_literal, table_path, table_version
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Row = dict[str, Any]
Filter = tuple[str, str, Any]

_RACES = 20
"""How often a release is written again when another one was added at the same moment."""


def all_releases(state: Path, version: int | None = None) -> list[Row]:
    """Every row of `releases`, oldest first."""
    return sorted(read_table(state, "releases", version=version).to_pylist(), key=lambda row: row["sequence"])


def live_release(state: Path) -> Row | None:
    """The row that readers see: the published one with the highest sequence; None before the first night."""
    return next((row for row in reversed(all_releases(state)) if row["status"] == "published"), None)


def assets_release_id(release: Row) -> str:
    """The release_id under which a release's rows of `assets` are kept."""
    return str(release.get("assets_release_id") or release["release_id"])


@dataclass(frozen=True)
class Release:
    """One release and the tables as it pins them."""

    state: Path
    row: Row

    @property
    def pinned(self) -> dict[str, int]:
        """Table -> the Delta version that the release pins."""
        return {entry["table"]: entry["version"] for entry in self.row["table_versions"]}

    def version(self, name: str) -> int | None:
        """The Delta version of a table that the release pins; None for `assets`, whose rows never change.

        Raises KeyError for a table that it does not pin.
        """
        if name not in self.pinned:
            raise KeyError(
                f"release {self.row['release_id']} pins no table {name}; it pins {', '.join(sorted(self.pinned))}"
            )
        return None if name == "assets" else int(self.pinned[name])

    def filters(self, name: str) -> list[Filter]:
        """What of a table belongs to the release: its assets, its night's state; of made tables, everything."""
        if name == "assets":
            return [("release_id", "=", assets_release_id(self.row))]
        keys = BY_NAME[name].partition_by
        return [("run_date", "=", self.row["run_date"])] if "run_date" in keys else []

    def table(
        self, name: str, *, columns: Sequence[str] | None = None, filters: Sequence[Filter] = ()
    ) -> pa.Table:
        """The rows of a table in this release, by delta-rs, in the contract's Arrow types."""
        return read_table(
            self.state,
            name,
            columns=columns,
            filters=[*self.filters(name), *filters],
            version=self.version(name),
        )

    def query(self, sql: str, *names: str) -> list[Row]:
        """The rows of a SQL query (DataFusion) over tables of this release: for small results, without Spark."""
        builder = QueryBuilder()
        for name in names:
            builder = builder.register(f"{name}_of_all", open_table(self.state, name, self.version(name)))
        views = [
            f"{name} AS (SELECT * FROM {name}_of_all WHERE "
            + (
                " AND ".join(f"{column} = {sql_literal(value)}" for column, _, value in self.filters(name))
                or "TRUE"
            )
            + ")"
            for name in names
        ]
        return list(pa.table(builder.execute(f"WITH {', '.join(views)} {sql}")).to_pylist())

    def spark(self, session: SparkSession, name: str) -> DataFrame:
        """The rows of a table in this release, by Spark."""
        from pyspark.sql import functions as F

        reader = session.read.format("delta")
        if (version := self.version(name)) is not None:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(str(table_path(self.state, name)))
        for column, _, value in self.filters(name):
            rows = rows.where(F.col(column) == F.lit(value))
        return rows


def read_release(state: Path, release: str = "latest") -> Release:
    """A release by its id, or the live one.

    Raises FileNotFoundError when nothing is published and KeyError for an id that does not exist.
    """
    if release == "latest":
        live = live_release(state)
        if live is None:
            raise FileNotFoundError(f"no release is published under {state}")
        return Release(state, live)
    rows = {row["release_id"]: row for row in all_releases(state)}
    if release not in rows:
        newest = ", ".join(list(rows)[-5:]) or "none"
        raise KeyError(f"no release {release} under {state}; the newest are {newest}")
    return Release(state, rows[release])


def new_release_id(state: Path, run_date: dt.date, content_hash: str) -> str:
    """<run date>-<content hash>, and -2, -3, ... where that is taken."""
    name = f"{run_date:%Y%m%d}-{content_hash[:8]}"
    taken = {row["release_id"] for row in all_releases(state)}
    number = 2
    while name in taken:
        name = f"{run_date:%Y%m%d}-{content_hash[:8]}-{number}"
        number += 1
    return name


def tonights_release_id(state: Path, run_date: dt.date, content_hash: str) -> str:
    """A new release's id, or that of one which makes a new one needless.

    That is the live one when it holds the same, the one that was rolled back when the night would bring it back, and
    a past night's own when it is run again.
    """
    live = live_release(state)
    for row in reversed(all_releases(state)):
        if row["content_hash"] != content_hash or live is None:
            continue
        is_live = row["release_id"] == live["release_id"]
        rolled_back = live["action"] == "rollback" and row["release_id"] == live["previous_release_id"]
        backfilled = row["status"] == "backfilled" and row["run_date"] == run_date
        if is_live or rolled_back or backfilled:
            return str(row["release_id"])
    return new_release_id(state, run_date, content_hash)


def recalled(recalls: Sequence[Row]) -> str:
    """The SQL predicate of the rows of `assets` (or `work_units`) that one of the recalls names; FALSE for none.

    Takes kind and value of each: image_sha256, scene_revision, segment_id, merchant_id/sku or asset_id.
    """
    return " OR ".join(_named(recall["kind"], recall["value"]) for recall in recalls) or "FALSE"


def _named(kind: str, value: str) -> str:
    if kind == "sku":
        merchant_id, _, sku = value.partition("/")
        return f"(merchant_id = {sql_literal(merchant_id)} AND sku = {sql_literal(sku)})"
    column = {
        "image": "image_sha256",
        "model": "scene_revision",
        "segment": "segment_id",
        "asset": "asset_id",
    }[kind]
    return f"{column} = {sql_literal(value)}"


def pinned_versions(state: Path) -> list[Row]:
    """The `table_versions` of a release that is added now."""
    names = [name for name in BY_NAME if name not in {"releases", "recalls"}]
    return [{"table": name, "version": table_version(state, name)} for name in names]


def add_release(state: Path, row: Row, *, asked: bool) -> Row:
    """Adds one row to `releases` in one commit, which is the moment of publishing; the row as it was written.

    A night older than the live one is kept as `backfilled` unless `asked`: the past does not replace the present.
    Raises CommitFailedError when others publish at the same moment again and again.
    """
    for attempt in range(_RACES):
        table = open_table(state, "releases")
        rows = all_releases(state, table.version())
        live = next((known for known in reversed(rows) if known["status"] == "published"), None)
        past = live is not None and row["run_date"] < live["run_date"]
        sequence = rows[-1]["sequence"] + 1 if rows else 1
        row = row | {
            "sequence": sequence,
            "status": "backfilled" if past and not asked else "published",
            "previous_release_id": live["release_id"] if live else None,
            "created_at": dt.datetime.now(dt.UTC),
        }
        try:
            # Replacing "the rows with this sequence", of which this version has none, and not appending: of two who
            # publish at once one then conflicts with the other.
            write_deltalake(
                table, rows_to_table("releases", [row]), mode="overwrite", predicate=f"sequence = {sequence}"
            )
        except CommitFailedError:
            if attempt == _RACES - 1:
                raise
            time.sleep(0.05 * attempt)
            continue
        return row
    raise AssertionError("unreachable")
