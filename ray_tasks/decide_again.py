"""Scores under other thresholds: pictures that were measured by the same revision are decided anew, not measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from ray_tasks.pictures.decide import Thresholds, decide

Row = dict[str, Any]


def decide_again(
    planned: Iterable[Row], earlier: Iterable[Row], thresholds: Thresholds, shared: Mapping[str, Any]
) -> list[Row]:
    """Rows of `scores` for the planned pictures that have an earlier score; of several the newest.

    planned: asset_id and look. earlier: scores of the same measurements by other thresholds. shared: scorer_revision
    and run_date of the new rows.
    """
    newest = {row["asset_id"]: row for row in sorted(earlier, key=lambda row: row["scored_at"])}
    rows = []
    for picture in planned:
        if score := newest.get(picture["asset_id"]):
            values = {item["name"]: item["value"] for item in score["measurements"]}
            reasons = decide(values, thresholds.of_look(picture["look"]))
            rows.append(
                {
                    **shared,
                    "asset_id": picture["asset_id"],
                    "measurements": score["measurements"],
                    "verdict": "rejected" if reasons else "accepted",
                    "reasons": reasons,
                    "score_s": 0.0,
                    "scored_at": dt.datetime.now(dt.UTC),
                }
            )
    return rows
