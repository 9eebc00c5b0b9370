"""Rows that a release and its night rest on, one merchant at a time, so that memory does not grow with the catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from infra.records import GATE_RESULT, read_record, report_dir
from infra.releases import Release, all_releases, live_release, recalled
from infra.tables import open_table, query_tables, read_table, sql_literal

Row = dict[str, Any]

VIEW_COLUMNS = (
    "image_sha256",
    "verdict",
    "treatment",
    "white_uri",
    "reason",
    "reasons",
    "detail",
    "width_px",
    "mask_quality",
    "background_kind",
    "palette",
    "method_revision",
)
SCORE_COLUMNS = ("asset_id", "verdict", "reasons", "measurements", "scorer_revision")


def tonights_release(state: Path, run_date: dt.date) -> Row | None:
    """This night's published release, or the live one where the night found nothing to change; else None."""
    releases = all_releases(state)
    own = [row for row in releases if row["run_date"] == run_date and row["status"] == "published"]
    live = live_release(state)
    if not own and live and live["release_id"] == _gated(state, run_date):
        return live
    return own[-1] if own else None


def held_release(state: Path, run_date: dt.date) -> Row | None:
    """What this night holds, live or not: tonights_release, else what it was kept as or what its gate let through."""
    if release := tonights_release(state, run_date):
        return release
    rows = [
        row
        for row in all_releases(state)
        if row["release_id"] == _gated(state, run_date)
        or (row["run_date"] == run_date and row["status"] == "backfilled")
    ]
    return rows[-1] if rows else None


def _gated(state: Path, run_date: dt.date) -> str | None:
    """The release that this night's gate let through, be it a new one or one that holds the same."""
    gate = read_record(report_dir(state, run_date) / GATE_RESULT)
    return gate["release_id"] if gate and gate["passed"] else None


def release_before(state: Path, release: Row) -> Row | None:
    """What was live before this release; None before the first."""
    named = (row for row in all_releases(state) if row["release_id"] == release["previous_release_id"])
    return next(named, None)


def night_rows(
    state: Path, name: str, run_date: dt.date, merchant_id: str, columns: Sequence[str] | None = None
) -> list[Row]:
    """One merchant's rows of one night; of work units those that are wanted."""
    filters: list[tuple[str, str, Any]] = [("run_date", "=", run_date), ("merchant_id", "=", merchant_id)]
    if name == "work_units":
        filters.append(("status", "<>", "retired"))
    return list(read_table(state, name, columns=columns, filters=filters).to_pylist())


def recalled_faces(state: Path, run_date: dt.date, merchant_id: str) -> set[tuple[str, ...]]:
    """(sku, segment_id, locale, placement) of the night's units, wanted or not, that a recall names."""
    recalls = read_table(state, "recalls").to_pylist()
    if not recalls:
        return set()
    face = "sku, segment_id, locale, placement"
    mine = f"run_date = {sql_literal(run_date)} AND merchant_id = {sql_literal(merchant_id)}"
    sql = f"SELECT {face} FROM work_units WHERE {mine} AND ({recalled(recalls)})"
    return {tuple(row.values()) for row in query_tables(state, sql, "work_units")}


def release_assets(state: Path, release: Row, merchant_id: str) -> list[Row]:
    """One merchant's assets of a release, by SKU, persona rank, locale and placement."""
    mine = Release(state, release).table("assets", filters=[("merchant_id", "=", merchant_id)])
    rows = [row | {"release_id": release["release_id"]} for row in mine.to_pylist()]
    return sorted(rows, key=lambda row: (row["sku"], row["persona_rank"], row["locale"], row["placement"]))


def rows_with(
    state: Path, name: str, column: str, values: Iterable[str | None], columns: Sequence[str]
) -> list[Row]:
    """The rows of a made (content-addressed, unpartitioned) table whose `column` is one of `values`.

    The table is streamed: what is held in memory is the values and the rows that match.
    """
    wanted = sorted({value for value in values if value is not None})
    if not wanted:
        return []
    matches = ds.field(column).isin(pa.array(wanted, pa.string()))
    dataset = open_table(state, name).to_pyarrow_dataset()
    return list(dataset.scanner(columns=list(columns), filter=matches).to_table().to_pylist())


def revisions_of(release: Row, name: str, now: str) -> tuple[str, ...]:
    """A method's revision in a release, then that of the code as it is now: a drop may be made again by newer code."""
    return (*(item["revision"] for item in release["revisions"] if item["name"] == name), now)


def tonights_views(state: Path, image_sha256s: Iterable[str | None], *revisions: str) -> dict[str, Row]:
    """Source image hash -> what was seen in it by the first of these method revisions that has seen it."""
    rows = rows_with(state, "product_views", "image_sha256", image_sha256s, VIEW_COLUMNS)
    return _by_first(rows, "image_sha256", "method_revision", revisions)


def tonights_scores(state: Path, asset_ids: Iterable[str], *revisions: str) -> dict[str, Row]:
    """Asset id -> verdict, reasons and measurements by the first of these scorer revisions that has judged it."""
    rows = rows_with(state, "scores", "asset_id", asset_ids, SCORE_COLUMNS)
    return _by_first(rows, "asset_id", "scorer_revision", revisions)


def _by_first(rows: Sequence[Row], key: str, column: str, revisions: Sequence[str]) -> dict[str, Row]:
    return {row[key]: row for name in reversed(revisions) for row in rows if row[column] == name}
