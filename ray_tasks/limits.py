"""The limits that decide, as rows beside the scores: analysts see how near to them pictures lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from infra.tables import read_table, replace_rows, rows_to_table, sql_literal
from ray_tasks.pictures.decide import MODEL_RULES, RULES, Thresholds
from schemas.config import Placement

LOOKS: tuple[str, ...] = get_args(Placement.model_fields["look"].annotation)


def limit_rows(scorer_revision: str, thresholds: Thresholds) -> Iterator[dict[str, Any]]:
    """Rows of `limits`: for every look each measurement that decides; what no value can break is left out."""
    for look in LOOKS:
        limits = thresholds.of_look(look)
        for rule in (*RULES, *MODEL_RULES):
            value = float(getattr(limits, rule.limit))
            if math.isfinite(value):
                yield {
                    "scorer_revision": scorer_revision,
                    "look": look,
                    "measurement": rule.measurement,
                    "side": rule.limit[:3],
                    "value": value,
                    "reason": rule.reason,
                }


def keep_limits(state: Path, scorer_revision: str, thresholds: Thresholds) -> None:
    """Adds a scorer revision's limits to their table, once: also when shards of a night do so at the same time."""
    known = read_table(state, "limits", filters=[("scorer_revision", "=", scorer_revision)])
    if not known.num_rows:
        rows = rows_to_table("limits", list(limit_rows(scorer_revision, thresholds)))
        replace_rows(state, "limits", rows, f"scorer_revision = {sql_literal(scorer_revision)}")
