"""All rows of one merchant's night that the page shows, read once and dropped before the next merchant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs.drops.release_rows import (
    Row,
    night_rows,
    recalled_faces,
    release_assets,
    rows_with,
    tonights_scores,
    tonights_views,
)
from jobs.drops.shortfalls import Placements, Said, Shortfall, shortfalls
from schemas.config import Merchant

CANDIDATE_COLUMNS = (
    "asset_id",
    "uri",
    "sha256",
    "bytes",
    "width_px",
    "height_px",
    "run_date",
    "scene_s",
    "text_s",
    "encode_s",
    "changed_core_px",
)


@dataclass(frozen=True)
class MerchantRows:
    """One merchant's rows of one night."""

    merchant: Merchant
    placements: Placements
    products: Sequence[Row]
    views: Mapping[str, Row]
    personas: Sequence[Row]
    instructions: Sequence[Row]
    work_units: Sequence[Row]
    candidates: Mapping[str, Row]
    scores: Mapping[str, Row]
    assets: Sequence[Row]
    rejects: Sequence[Row]
    short: Sequence[Shortfall]


def read_merchant_rows(
    state: Path,
    run_date: dt.date,
    merchant: Merchant,
    placements: Placements,
    release: Row | None,
    revision: str,
    views: str,
) -> MerchantRows:
    """Reads one merchant; every table may be empty, as after a night that failed early.

    revision, views: the scorer's and the views' revision that count tonight.
    """
    rows = partial(night_rows, state, run_date=run_date, merchant_id=merchant.id)
    products = sorted(rows("products"), key=lambda product: product["sku"])
    seen = tonights_views(state, (product["image_sha256"] for product in products), views)
    personas = sorted(rows("personas"), key=lambda persona: (persona["sku"], persona["rank"]))
    instructions = rows("instructions")
    units = rows("work_units")
    unit_ids = {unit["asset_id"] for unit in units}
    candidates = rows_with(state, "candidates", "asset_id", unit_ids, CANDIDATE_COLUMNS)
    scores = tonights_scores(state, unit_ids, revision)
    assets = release_assets(state, release, merchant.id) if release else []
    rejects = rows("rejects")
    withdrawn = recalled_faces(state, run_date, merchant.id)
    said = Said(seen, personas, instructions, units, scores, rejects, withdrawn)
    short = list(shortfalls(merchant, placements, products, assets, said))
    by_id = {candidate["asset_id"]: candidate for candidate in candidates}
    return MerchantRows(
        merchant,
        placements,
        products,
        seen,
        personas,
        instructions,
        units,
        by_id,
        scores,
        assets,
        rejects,
        short,
    )
