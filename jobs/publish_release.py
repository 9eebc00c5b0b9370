"""One row of `releases` for tonight, after its `assets`: readers see the old release until that row is there.

Publishes exactly the rows that `jobs.gate_release` let through. A night that changed nothing adds no release.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from infra.fingerprint import code_revision, versions
from infra.spark import replace_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import append_rows, read_table, rows_to_table
from jobs.gate_release import gate_result_path, gated_rows_path
from schemas.revisions import RENDERER, VIEWS, scene_revision, scorer_revision
from schemas.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

STAGE = "jobs.publish_release"
INPUTS = ("products", "personas", "instructions", "work_units", "candidates", "scores")
OUTPUTS = ("assets", "releases")


def merchant_counts(assets: DataFrame) -> list[dict[str, Any]]:
    """One record a merchant: merchant_id, products, assets."""
    rows = assets.groupBy("merchant_id").agg(
        F.count_distinct("sku").alias("products"), F.count("*").alias("assets")
    )
    return [row.asDict() for row in rows.orderBy("merchant_id").collect()]


def _passed_gate(stage: Stage) -> dict[str, Any]:
    path = gate_result_path(stage)
    if not path.exists():
        raise StageError(f"no gate result for {stage.run_date}: run jobs.gate_release first")
    gate: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not gate["passed"]:
        raise StageError(
            f"the gate of {stage.run_date} is closed ({path}): mend what it names, run jobs.gate_release again"
        )
    return gate


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        gate = _passed_gate(stage)
        release_id = gate["release_id"]
        releases = sorted(read_table(stage.state, "releases").to_pylist(), key=lambda row: row["sequence"])
        spark = spark_session(stage.config.engines, stage.state)
        assets = spark.read.parquet(str(gated_rows_path(stage, release_id)))
        counts = merchant_counts(assets)
        for merchant in counts:
            stage.count(merchant["merchant_id"], rows_in=merchant["assets"], rows_out=merchant["assets"])
        if releases and releases[-1]["release_id"] == release_id:
            stage.log.info("release %s is live already and nothing changed", release_id)
            return []
        replace_delta(assets, stage.state, "assets", f"release_id = '{release_id}'")
        revisions = {
            "code": code_revision(),
            "views": VIEWS,
            "scene": scene_revision(stage.config.scene),
            "renderer": RENDERER,
            "scorer": scorer_revision(stage.config.quality),
        }
        pinned = versions(stage.state, [table.name for table in TABLES if table.name != "releases"])
        row = {
            "release_id": release_id,
            "run_date": stage.run_date,
            "sequence": releases[-1]["sequence"] + 1 if releases else 1,
            "status": "published",
            "previous_release_id": releases[-1]["release_id"] if releases else None,
            "content_hash": gate["content_hash"],
            "asset_count": sum(merchant["assets"] for merchant in counts),
            "product_count": sum(merchant["products"] for merchant in counts),
            "merchants": counts,
            "table_versions": [{"table": name, "version": version} for name, version in pinned.items()],
            "revisions": [{"name": name, "revision": revision} for name, revision in revisions.items()],
            "gate_report": str(gate_result_path(stage).relative_to(stage.state)),
            "created_at": dt.datetime.now(dt.UTC),
            "created_by": STAGE,
            "comment": f"night of {stage.run_date}",
        }
        append_rows(stage.state, "releases", rows_to_table("releases", [row]))
        stage.log.info(
            "release %s is live: %d assets of %d products",
            release_id,
            row["asset_count"],
            row["product_count"],
        )
    return []


if __name__ == "__main__":
    main()
