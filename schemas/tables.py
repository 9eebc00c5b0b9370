"""Every table of the pipeline, in the order of the flow. Table and key column names are public."""

from __future__ import annotations

from schemas.contract import Table
from schemas.ingest_tables import PRODUCTS, SEGMENT_AFFINITY, SEGMENTS
from schemas.production_tables import CANDIDATES, LIMITS, RATES, REJECTS, SCORES, WORK_UNITS
from schemas.release_tables import ASSETS, RECALLS, RELEASES
from schemas.understanding_tables import (
    INSTRUCTIONS,
    PERSONA_EVALUATION,
    PERSONAS,
    PRODUCT_VIEWS,
)

TABLES: tuple[Table, ...] = (
    PRODUCTS,
    SEGMENTS,
    SEGMENT_AFFINITY,
    PRODUCT_VIEWS,
    PERSONAS,
    PERSONA_EVALUATION,
    INSTRUCTIONS,
    WORK_UNITS,
    RATES,
    CANDIDATES,
    SCORES,
    LIMITS,
    ASSETS,
    RELEASES,
    RECALLS,
    REJECTS,
)
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
