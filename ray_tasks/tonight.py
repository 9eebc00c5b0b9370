"""Tonight's planned units with what became of them, found by joins of columns inside delta-rs.

A night in which little changed costs Python only that little, and one in which much did is taken part by part: memory
follows the size of a part, not the catalog's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.stage import Stage
from infra.tables import query_table, query_tables, sql_literal

Shard = tuple[int, int]

SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")
TONIGHT = frozenset({"exists", "to_do", "standby", "failed"})
"""Statuses of the planned units that tonight is about: not what is deferred or retired."""
PART_UNITS = 30_000
"""About so many planned units are in Python's memory at a time, some 4 kB each."""
LOOK_UNITS = 150_000
"""About so many are joined at a time by their keys alone, some 0.5 kB each, to find out which those are."""

_BUCKETS = 16**4
_BUCKET = "substr(encode(sha256(concat(merchant_id, '/', sku)), 'hex'), 1, 4)"


def of_shard(shard: Shard) -> str:
    """SQL predicate (DataFusion's) of the products of shard (index, count); all pictures of a product are in one."""
    index, count = shard
    first, end = (-(-_BUCKETS * n // count) for n in (index, index + 1))
    bounds = [f"{_BUCKET} >= '{first:04x}'"] if index else []
    bounds += [f"{_BUCKET} < '{end:04x}'"] if index + 1 < count else []
    return " AND ".join(bounds) or "TRUE"


def parts(shard: Shard, units: int, of_units: int | None = None) -> list[Shard]:
    """Shards that make up `shard`, so many that each has about PART_UNITS of its `units`; none without units."""
    number = -(-units // (of_units or PART_UNITS))
    return [(shard[0] * number + nth, shard[1] * number) for nth in range(number)]


def planned_units(stage: Stage, shard: Shard | None = None) -> str:
    """A SELECT of tonight's planned units that are this run's: of its merchants, its limit, and `shard` (its own)."""
    source = f"SELECT * FROM work_units WHERE {stage.tonight}"
    mine = f"status IN {sql_literal(sorted(TONIGHT))} AND {of_shard(shard or stage.shard)}"
    if stage.limit is not None:
        mine += f" AND nth_product <= {stage.limit}"
        source = (
            "SELECT *, dense_rank() OVER (PARTITION BY merchant_id ORDER BY sku) AS nth_product "
            f"FROM work_units WHERE {stage.tonight}"
        )
    return f"SELECT * FROM ({source}) WHERE {mine}"


def looks(stage: Stage) -> list[Shard]:
    """The shards of this run that are looked at one after the other: no join holds more than one of them."""
    (row,) = query_tables(stage.state, f"SELECT count(*) AS n FROM ({planned_units(stage)})", "work_units")
    return parts(stage.shard, row["n"], LOOK_UNITS)


# In every join below the few rows are on the left, from which DataFusion makes its table in memory; what is on the
# right, whole rows among it, streams past.


def _lacking(units: str, scorer_revision: str) -> str:
    slot = ", ".join(SLOT)
    return f"""
        WITH units AS ({units}),
        bad AS (SELECT asset_id, reasons FROM scores
            WHERE scorer_revision = {sql_literal(scorer_revision)} AND verdict = 'rejected'),
        seen AS (
            SELECT {", ".join(f"units.{name}" for name in SLOT)}, made.asset_id IS NOT NULL AS is_made,
            bad.asset_id IS NOT NULL AS is_bad
            FROM (SELECT {slot}, asset_id FROM units) AS units
            LEFT JOIN (SELECT asset_id FROM candidates) AS made ON units.asset_id = made.asset_id
            LEFT JOIN (SELECT asset_id FROM bad) AS bad ON units.asset_id = bad.asset_id),
        lacking AS (
            SELECT {slot} FROM seen GROUP BY {slot}
            HAVING sum(CASE WHEN is_made AND NOT is_bad THEN 1 ELSE 0 END) = 0
            AND sum(CASE WHEN is_made THEN 0 ELSE 1 END) > 0)
        """


def _same(left: str, right: str, names: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in names)


def slots_with_work(state: Path, units: str, scorer_revision: str) -> list[dict[str, Any]]:
    """The planned units, all variants, of the slots that lack a picture: columns of `work_units`, is_made, reasons.

    reasons: those of the unit's rejection, NULL without one. units: SELECT of planned units.
    """
    return query_tables(
        state,
        f"""{_lacking(units, scorer_revision)},
        wanted AS (SELECT units.* FROM lacking RIGHT SEMI JOIN units ON {_same("lacking", "units", SLOT)})
        SELECT wanted.*, made.asset_id IS NOT NULL AS is_made, bad.reasons AS reasons FROM wanted
        LEFT JOIN (SELECT asset_id FROM candidates) AS made ON wanted.asset_id = made.asset_id
        LEFT JOIN bad ON wanted.asset_id = bad.asset_id
        """,
        "work_units",
        "candidates",
        "scores",
    )


def instructions_with_work(state: Path, night: str, units: str, scorer_revision: str) -> list[dict[str, Any]]:
    """The rows of `instructions`, all locales, of the products and segments that lack a picture.

    night: SQL predicate of tonight's instructions. units: SELECT of planned units.
    """
    return query_tables(
        state,
        f"{_lacking(units, scorer_revision)} "
        "SELECT told.* FROM lacking "
        f"RIGHT SEMI JOIN (SELECT * FROM instructions WHERE {night}) AS told "
        f"ON {_same('told', 'lacking', SLOT[:3])}",
        "work_units",
        "candidates",
        "scores",
        "instructions",
    )


def count_work(state: Path, units: str, scorer_revision: str) -> tuple[int, int, int]:
    """How many units are planned, how many of them are made, and how many lie in slots that lack a picture."""
    (row,) = query_tables(
        state,
        f"{_lacking(units, scorer_revision)} SELECT (SELECT count(*) FROM seen) AS planned, "
        "(SELECT count(*) FROM seen WHERE is_made) AS made, "
        f"(SELECT count(*) FROM lacking RIGHT SEMI JOIN seen ON {_same('seen', 'lacking', SLOT)}) AS lacking",
        "work_units",
        "candidates",
        "scores",
    )
    return row["planned"], row["made"], row["lacking"]


def _judged(units: str, scorer_revision: str) -> str:
    return f"""
        WITH units AS ({units}),
        own AS (SELECT asset_id, verdict, reasons, measurements FROM scores
            WHERE scorer_revision = {sql_literal(scorer_revision)})
        """


def count_made(state: Path, units: str, scorer_revision: str) -> dict[str, tuple[int, int]]:
    """Of every merchant how many planned units have a candidate, and how many of those nobody has judged."""
    rows = query_tables(
        state,
        f"{_judged(units, scorer_revision)} SELECT units.merchant_id, count(*) AS made, "
        "sum(CASE WHEN own.asset_id IS NULL THEN 1 ELSE 0 END) AS fresh FROM units "
        "JOIN (SELECT asset_id FROM candidates) AS made ON units.asset_id = made.asset_id "
        "LEFT JOIN own ON units.asset_id = own.asset_id GROUP BY units.merchant_id",
        "work_units",
        "candidates",
        "scores",
    )
    return {row["merchant_id"]: (row["made"], row["fresh"]) for row in rows}


def made_beside_unjudged(
    state: Path, units: str, scorer_revision: str, view_revision: str, columns: Sequence[str]
) -> pa.Table:
    """The planned units with a candidate, in those places of a product where one was not judged yet.

    Columns of `work_units`, and `columns` of `candidates`; verdict (NULL: not judged); text_found in the source image.
    """
    place = ("merchant_id", "sku", "locale", "placement")
    own = ", ".join(f"made.{name}" for name in columns)
    of_unit = (*SLOT, "asset_id", "persona_rank", "image_sha256", "cutout_uri", "look")
    return query_table(
        state,
        f"""{_judged(units, scorer_revision)},
        found AS (
            SELECT {", ".join(f"units.{name}" for name in (*SLOT, "asset_id"))}, verdict.verdict AS verdict
            FROM (SELECT {", ".join((*SLOT, "asset_id"))} FROM units) AS units
            JOIN (SELECT asset_id FROM candidates) AS made ON units.asset_id = made.asset_id
            LEFT JOIN (SELECT asset_id, verdict FROM own) AS verdict ON units.asset_id = verdict.asset_id),
        places AS (SELECT DISTINCT {", ".join(place)} FROM found WHERE verdict IS NULL),
        near AS (SELECT found.* FROM places RIGHT SEMI JOIN found ON {_same("places", "found", place)})
        SELECT {", ".join(f"units.{name}" for name in of_unit)}, {own}, near.verdict AS verdict,
            views.text_found AS text_found
        FROM near JOIN units ON near.asset_id = units.asset_id
        JOIN candidates AS made ON units.asset_id = made.asset_id
        LEFT JOIN (SELECT image_sha256, text_found FROM product_views
            WHERE method_revision = {sql_literal(view_revision)}) AS views
        ON units.image_sha256 = views.image_sha256
        """,
        "work_units",
        "candidates",
        "scores",
        "product_views",
    )


def rejected_units(state: Path, units: str, scorer_revision: str) -> list[dict[str, Any]]:
    """The planned units that were rejected, tonight or before: SLOT, asset_id, look, verdict, reasons, measurements."""
    return query_tables(
        state,
        f"{_judged(units, scorer_revision)} "
        f"SELECT {', '.join(f'units.{name}' for name in (*SLOT, 'asset_id', 'look'))}, "
        "own.verdict, own.reasons, own.measurements "
        f"FROM (SELECT {', '.join((*SLOT, 'asset_id', 'look'))} FROM units) AS units "
        "JOIN own ON units.asset_id = own.asset_id WHERE own.verdict = 'rejected'",
        "work_units",
        "scores",
    )


def earlier_scores(state: Path, units: str, scorer_revision: str, method: str) -> list[dict[str, Any]]:
    """Rows of `scores` by other thresholds, of the planned units that these have not judged.

    method: what the revisions of scores with the same measurements begin with.
    """
    return query_tables(
        state,
        f"{_judged(units, scorer_revision)}, "
        "fresh AS (SELECT asset_id FROM units LEFT ANTI JOIN own ON units.asset_id = own.asset_id) "
        "SELECT old.* FROM fresh RIGHT SEMI JOIN (SELECT * FROM scores "
        f"WHERE scorer_revision LIKE {sql_literal(method + '%')}) AS old ON old.asset_id = fresh.asset_id",
        "work_units",
        "scores",
    )
