"""One row of `releases` for tonight, after its `assets`: readers see the old release until that row is there.

Publishes exactly the rows that `jobs.gate_release` let through. A night that changed nothing adds no release, and a
past night that is run again does not become live over a newer one: `python -m jobs.releases publish` does that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.fingerprint import code_revision
from infra.live_pointer import name_live
from infra.releases import add_release, all_releases, pinned_versions
from infra.stage import Stage, StageError, stage_run
from infra.tables import replace_rows
from jobs.gate_release import gate_result_path, gated_rows_path
from schemas.revisions import LAYOUT_REVISIONS, RENDERER, scene_revision, scorer_revision, views_revision

STAGE = "jobs.publish_release"
INPUTS = ("products", "personas", "instructions", "work_units", "candidates", "scores", "recalls")
OUTPUTS = ("assets", "releases")


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
        counts = gate["merchants"]
        for merchant in counts:
            stage.count(merchant["merchant_id"], rows_in=merchant["assets"], rows_out=merchant["assets"])
        if known := next((row for row in all_releases(stage.state) if row["release_id"] == release_id), None):
            stage.log.info(
                "release %s holds this already (%s); nothing to publish", release_id, known["status"]
            )
            name_live(stage.store, stage.state)  # where a kill came between the two
            return []
        # Not by Spark: after a kill this stage would start it for one copy of files.
        rows = gated_rows_path(stage, release_id)
        replace_rows(stage.state, "assets", rows, f"release_id = '{release_id}'")
        revisions = {
            "code": code_revision(),
            "views": views_revision(stage.config.cutout),
            "scene": scene_revision(stage.config.scene),
            "renderer": RENDERER,
            **{f"layout {name}": revision for name, revision in LAYOUT_REVISIONS.items()},
            "scorer": scorer_revision(stage.config.quality),
        }
        row = {
            "release_id": release_id,
            "run_date": stage.run_date,
            "action": "night",
            "assets_release_id": None,
            "content_hash": gate["content_hash"],
            "asset_count": sum(merchant["assets"] for merchant in counts),
            "product_count": sum(merchant["products"] for merchant in counts),
            "merchants": counts,
            "table_versions": pinned_versions(stage.state),
            "revisions": [{"name": name, "revision": revision} for name, revision in revisions.items()],
            "gate_report": str(gate_result_path(stage).relative_to(stage.state)),
            "created_by": STAGE,
            "comment": f"night of {stage.run_date}",
        }
        row = add_release(stage.state, row, asked=False)
        name_live(stage.store, stage.state)
        stage.log.info(
            "release %s is %s: %d assets of %d products",
            release_id,
            "live" if row["status"] == "published" else "kept, and not live over a newer night",
            row["asset_count"],
            row["product_count"],
        )
    return []


if __name__ == "__main__":
    main()
