"""Tonight's planned units with what became of them, found by joins of columns inside delta-rs.

What the plan calls settled is not looked at again, so a night in which little changed costs only that little. The rest
is taken part by part, a range of products each: memory follows the size of a part, not the catalog's. Tables that
are written in the order of their products, as the plan and the made things are, are read where the range lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.stage import Stage
from infra.tables import query_table, query_tables, sql_literal

Shard = tuple[int, int]

SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")
TONIGHT = frozenset({"exists", "to_do", "standby", "failed"})
"""Statuses of the planned units that tonight is about: not what is deferred or retired."""
PART_UNITS = 15_000
"""About so many planned units are taken at a time; of each place that has none yet, one comes into Python's memory."""
_SAMPLED = 200
"""Of about so many products a part the keys are compared, to find where parts begin."""
_OPEN = "settled IS NOT TRUE"

_BUCKETS = 16**4
_PRODUCT = "concat(merchant_id, '/', sku)"
_HASH = f"encode(sha256({_PRODUCT}), 'hex')"
_BUCKET = f"substr({_HASH}, 1, 4)"


@dataclass(frozen=True)
class Part:
    """Products that are looked at together."""

    products: str
    """SQL predicate over merchant_id and sku."""
    units: str
    """A SELECT of all their planned units."""


def of_shard(shard: Shard) -> str:
    """SQL predicate (DataFusion's) of the products of shard (index, count); all pictures of a product are in one."""
    index, count = shard
    first, end = (-(-_BUCKETS * n // count) for n in (index, index + 1))
    bounds = [f"{_BUCKET} >= '{first:04x}'"] if index else []
    bounds += [f"{_BUCKET} < '{end:04x}'"] if index + 1 < count else []
    return " AND ".join(bounds) or "TRUE"


def planned_units(stage: Stage, products: str = "TRUE") -> str:
    """A SELECT of tonight's planned units that are this run's: of its merchants, its limit and its shard."""
    source = f"SELECT * FROM work_units WHERE {stage.tonight}"
    mine = f"status IN {sql_literal(sorted(TONIGHT))} AND {of_shard(stage.shard)} AND {products}"
    if stage.limit is not None:
        mine += f" AND nth_product <= {stage.limit}"
        source = (
            "SELECT *, dense_rank() OVER (PARTITION BY merchant_id ORDER BY sku) AS nth_product "
            f"FROM work_units WHERE {stage.tonight}"
        )
    return f"SELECT * FROM ({source}) WHERE {mine}"


def open_parts(stage: Stage) -> list[Part]:
    """The parts of this run where something may be left to do; none when all is settled."""
    units = f"SELECT * FROM ({planned_units(stage)}) WHERE {_OPEN}"
    (row,) = query_tables(stage.state, f"SELECT count(*) AS n FROM ({units})", "work_units")
    return _parts(stage, units, row["n"])


def rejected_parts(stage: Stage, scorer_revision: str) -> list[Part]:
    """The parts of this run, so many that each holds not too many of the pictures that were ever rejected."""
    (row,) = query_tables(
        stage.state, f"SELECT count(*) AS n FROM scores WHERE {_rejected(scorer_revision)}", "scores"
    )
    return _parts(stage, planned_units(stage), row["n"])


def _parts(stage: Stage, units: str, count: int) -> list[Part]:
    """Ranges of the products of `units`, each with about PART_UNITS of `count` things that lie evenly in them."""
    number = -(-count // PART_UNITS)
    if number < 2:
        return [Part("TRUE", planned_units(stage))] * number
    (row,) = query_tables(
        stage.state, f"SELECT approx_distinct({_PRODUCT}) AS products FROM ({units})", "work_units"
    )
    share = min(_BUCKETS, -(-_BUCKETS * _SAMPLED * number // row["products"]))
    sample = query_table(
        stage.state,
        f"SELECT DISTINCT merchant_id, sku FROM ({units}) WHERE substr({_HASH}, 5, 4) < '{share:04x}' ORDER BY 1, 2",
        "work_units",
    )
    places = sorted({len(sample) * nth // number for nth in range(1, number)}) if len(sample) else []
    bounds = [sample.slice(place, 1).to_pylist()[0] for place in places]
    ranges = map(between, [None, *bounds], [*bounds, None])
    return [Part(products, planned_units(stage, products)) for products in ranges]


def between(first: Mapping[str, str] | None, end: Mapping[str, str] | None) -> str:
    """SQL predicate of the products from `first` to before `end` (None: no bound), by merchant_id, then sku."""
    bounds = []
    for bound, merchants, skus in ((first, ">", ">="), (end, "<", "<")):
        if bound:
            merchant_id, sku = sql_literal(bound["merchant_id"]), sql_literal(bound["sku"])
            bounds.append(
                f"(merchant_id {merchants} {merchant_id} OR (merchant_id = {merchant_id} AND sku {skus} {sku}))"
            )
    return " AND ".join(bounds) or "TRUE"


def standing(stage: Stage) -> tuple[int, dict[str, int]]:
    """How many units are planned, and of every merchant how many pictures of settled places there are."""
    rows = query_tables(
        stage.state,
        "SELECT merchant_id, count(*) AS planned, "
        "sum(CASE WHEN status = 'exists' AND settled THEN 1 ELSE 0 END) AS made "
        f"FROM ({planned_units(stage)}) GROUP BY merchant_id",
        "work_units",
    )
    return sum(row["planned"] for row in rows), {row["merchant_id"]: row["made"] for row in rows}


def any_made(stage: Stage) -> bool:
    """Whether this run's products have a candidate: of the nights before, or made tonight."""
    of_mine = f"{of_shard(stage.shard)} LIMIT 1"
    return bool(
        query_tables(
            stage.state,
            f"SELECT 1 FROM ({planned_units(stage)}) WHERE status = 'exists' LIMIT 1",
            "work_units",
        )
        or query_tables(
            stage.state, f"SELECT 1 FROM candidates WHERE {stage.tonight} AND {of_mine}", "candidates"
        )
    )


# In every join below the few rows are on the left, from which DataFusion makes its table in memory; what is on the
# right, whole rows among it, streams past.


def _rejected(scorer_revision: str) -> str:
    return f"scorer_revision = {sql_literal(scorer_revision)} AND verdict = 'rejected'"


def _lacking(part: Part, scorer_revision: str) -> str:
    slot = ", ".join(SLOT)
    return f"""
        WITH units AS (SELECT * FROM ({part.units}) WHERE {_OPEN}),
        made AS (SELECT asset_id FROM candidates WHERE {part.products}),
        bad AS (SELECT asset_id, reasons FROM scores WHERE {_rejected(scorer_revision)}),
        seen AS (
            SELECT {", ".join(f"units.{name}" for name in SLOT)}, units.variant,
            made.asset_id IS NOT NULL AS is_made, bad.asset_id IS NOT NULL AS is_bad
            FROM (SELECT {slot}, variant, asset_id FROM units) AS units
            LEFT JOIN made ON units.asset_id = made.asset_id
            LEFT JOIN (SELECT asset_id FROM bad) AS bad ON units.asset_id = bad.asset_id),
        lacking AS (
            SELECT {slot}, bool_or(is_made) AS tried, min(variant) AS first FROM seen GROUP BY {slot}
            HAVING NOT bool_or(is_made AND NOT is_bad) AND NOT bool_and(is_made))
        """


def _same(left: str, right: str, names: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in names)


def slots_with_work(state: Path, part: Part, scorer_revision: str) -> list[dict[str, Any]]:
    """The planned units of the slots that lack a picture: columns of `work_units`, is_made, reasons.

    Of a slot that was tried all variants, of another the first. reasons: those of the unit's rejection, NULL without
    one.
    """
    return query_tables(
        state,
        f"""{_lacking(part, scorer_revision)},
        wanted AS (SELECT units.* FROM lacking RIGHT SEMI JOIN units
            ON {_same("lacking", "units", SLOT)} AND (lacking.tried OR units.variant = lacking.first))
        SELECT wanted.*, made.asset_id IS NOT NULL AS is_made, bad.reasons AS reasons FROM wanted
        LEFT JOIN made ON wanted.asset_id = made.asset_id
        LEFT JOIN bad ON wanted.asset_id = bad.asset_id
        """,
        "work_units",
        "candidates",
        "scores",
    )


def instructions_with_work(
    state: Path, night: str, part: Part, scorer_revision: str, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """`columns` of `instructions`, all locales, of the products and segments that lack a picture.

    night: SQL predicate of tonight's instructions.
    """
    return query_tables(
        state,
        f"{_lacking(part, scorer_revision)} "
        f"SELECT {', '.join(f'told.{name}' for name in columns)} FROM lacking "
        f"RIGHT SEMI JOIN (SELECT * FROM instructions WHERE {night} AND {part.products}) AS told "
        f"ON {_same('told', 'lacking', SLOT[:3])}",
        "work_units",
        "candidates",
        "scores",
        "instructions",
    )


def _judged(part: Part, scorer_revision: str) -> str:
    return f"""
        WITH units AS ({part.units}),
        open AS (SELECT {", ".join((*SLOT, "asset_id"))} FROM units WHERE {_OPEN}),
        made AS (SELECT asset_id FROM candidates WHERE {part.products}),
        own AS (SELECT asset_id, verdict, reasons, measurements FROM scores
            WHERE scorer_revision = {sql_literal(scorer_revision)})
        """


def count_made(state: Path, part: Part, scorer_revision: str) -> dict[str, int]:
    """Of every merchant how many planned units of places that are not settled have a candidate."""
    rows = query_tables(
        state,
        f"{_judged(part, scorer_revision)} SELECT open.merchant_id, count(*) AS made FROM open "
        "JOIN made ON open.asset_id = made.asset_id GROUP BY open.merchant_id",
        "work_units",
        "candidates",
        "scores",
    )
    return {row["merchant_id"]: row["made"] for row in rows}


def made_beside_unjudged(
    state: Path, part: Part, scorer_revision: str, view_revision: str, columns: Sequence[str]
) -> pa.Table:
    """The planned units with a candidate, in those places of a product where one was not judged yet.

    Columns of `work_units`, and `columns` of `candidates`; verdict (NULL: not judged); text_found in the source image.
    """
    place = ("merchant_id", "sku", "locale", "placement")
    own = ", ".join(f"made.{name}" for name in columns)
    of_unit = (*SLOT, "asset_id", "persona_rank", "image_sha256", "cutout_uri", "look")
    return query_table(
        state,
        f"""{_judged(part, scorer_revision)},
        fresh AS (SELECT open.* FROM open LEFT SEMI JOIN made ON open.asset_id = made.asset_id),
        unjudged AS (SELECT fresh.* FROM fresh LEFT ANTI JOIN own ON fresh.asset_id = own.asset_id),
        places AS (SELECT DISTINCT {", ".join(place)} FROM unjudged),
        beside AS (SELECT units.* FROM places
            RIGHT SEMI JOIN (SELECT {", ".join(of_unit)} FROM units) AS units ON {_same("places", "units", place)}),
        near AS (SELECT beside.*, verdict.verdict AS verdict FROM beside
            LEFT JOIN (SELECT asset_id, verdict FROM own) AS verdict ON beside.asset_id = verdict.asset_id)
        SELECT near.*, {own}, views.text_found AS text_found FROM near
        JOIN (SELECT * FROM candidates WHERE {part.products}) AS made ON near.asset_id = made.asset_id
        LEFT JOIN (SELECT image_sha256, text_found FROM product_views
            WHERE method_revision = {sql_literal(view_revision)}) AS views
        ON near.image_sha256 = views.image_sha256
        """,
        "work_units",
        "candidates",
        "scores",
        "product_views",
    )


def rejected_units(state: Path, part: Part, scorer_revision: str) -> list[dict[str, Any]]:
    """The planned units that were rejected, tonight or before: SLOT, asset_id, look, verdict, reasons, measurements."""
    return query_tables(
        state,
        f"{_judged(part, scorer_revision)}, "
        "bad AS (SELECT asset_id FROM own WHERE verdict = 'rejected'), "
        f"hit AS (SELECT units.* FROM bad RIGHT SEMI JOIN (SELECT {', '.join((*SLOT, 'asset_id', 'look'))} FROM units) "
        "AS units ON bad.asset_id = units.asset_id) "
        "SELECT hit.*, own.verdict, own.reasons, own.measurements FROM hit JOIN own ON hit.asset_id = own.asset_id",
        "work_units",
        "candidates",
        "scores",
    )


def earlier_scores(state: Path, part: Part, scorer_revision: str, method: str) -> list[dict[str, Any]]:
    """Rows of `scores` by other thresholds, of the planned units that these have not judged.

    method: what the revisions of scores with the same measurements begin with.
    """
    return query_tables(
        state,
        f"{_judged(part, scorer_revision)}, "
        "fresh AS (SELECT open.asset_id FROM open LEFT ANTI JOIN own ON open.asset_id = own.asset_id) "
        "SELECT old.* FROM fresh RIGHT SEMI JOIN (SELECT * FROM scores "
        f"WHERE scorer_revision LIKE {sql_literal(method + '%')} "
        f"AND scorer_revision <> {sql_literal(scorer_revision)}) AS old ON old.asset_id = fresh.asset_id",
        "work_units",
        "candidates",
        "scores",
    )
