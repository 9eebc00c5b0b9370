"""The gate: Great Expectations on what is about to be published. A broken `stop` rule ends the night here.

Leaves the suites' pages in the night's report, the result in gate.json, and the rows that passed for
`jobs.publish_release`, which publishes exactly these.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from infra.records import GATE_RESULT
from infra.releases import assets_release_id, live_release, recalled, tonights_release_id
from infra.spark import read_delta, read_night_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_before, read_table
from jobs.release_assets import assets_hash, build_assets, kept_assets, merchant_counts, waiting_assets
from schemas.expectations import build_suite
from schemas.revisions import scorer_revision
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STAGE = "jobs.gate_release"
INPUTS = (
    "products",
    "segments",
    "segment_affinity",
    "personas",
    "instructions",
    "work_units",
    "candidates",
    "scores",
    "recalls",
)
OUTPUTS: tuple[str, ...] = ()

_GATED = ("products", "segments", "segment_affinity", "personas", "instructions", "work_units")


def gate_result_path(stage: Stage) -> Path:
    """STATE/reports/<run date>/gate.json."""
    return stage.report_dir / GATE_RESULT


def gated_rows_path(stage: Stage, release_id: str) -> Path:
    """Where the rows that passed wait for publishing."""
    return stage.state / "tmp" / "gated" / release_id


def _great_expectations() -> Any:
    """The library, imported: for seconds on one core, so that it is begun beside Spark's start."""
    # It logs nine hundred lines on fields that it does not know itself.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations

    return great_expectations


def run_expectations(
    frames: dict[str, DataFrame], before: dict[str, DataFrame], folder: Path, site: Path
) -> tuple[int, list[dict[str, Any]]]:
    """Number of expectations, and a record of each broken one: table, rule, severity, number of rows.

    frames: table name -> rows. before: the same of the last night, where there was one. folder: where Great
    Expectations keeps its own files. site: where its pages are written.
    """
    gx = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    context = gx.get_context(mode="file", project_root_dir=folder)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_spark("tonight")
    tonight = {name: f"tonight_{name}" for name in frames}
    for name, rows in frames.items():
        rows.createOrReplaceTempView(tonight[name])
    asked = 0
    broken: list[dict[str, Any]] = []
    for name, rows in frames.items():
        views = dict(tonight)
        if name in before:
            views["last_night"] = f"last_night_{name}"
            before[name].createOrReplaceTempView(views["last_night"])
        suite = context.suites.add(build_suite(BY_NAME[name], views))
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("tonight")
        validation = context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        for outcome in validation.run(batch_parameters={"dataframe": rows}).results:
            asked += 1
            config = outcome.expectation_config
            if not outcome.success and config is not None:
                broken.append(
                    {
                        "table": name,
                        "rule": config.description or config.type,
                        "severity": "warn" if config.severity == "warning" else "stop",
                        "rows": outcome.result.get("observed_value"),
                        "error": (outcome.exception_info or {}).get("exception_message"),
                    }
                )
    # Once for all tables: a checkpoint's own action writes every page anew after each table.
    context.build_data_docs()
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(folder / "gx" / "uncommitted" / "data_docs" / "local_site", site)
    return asked, broken


def _tonight(
    spark: SparkSession, stage: Stage
) -> tuple[dict[str, DataFrame], dict[str, DataFrame], DataFrame]:
    """Tonight's state tables, the same of the night before (and the live release's assets), what is to be released."""
    night = {name: read_night_delta(spark, stage.state, name, stage.run_date).cache() for name in _GATED}
    before = {
        name: read_night_delta(spark, stage.state, name, last)
        for name in _GATED
        if (last := night_before(stage.state, name, stage.run_date))
    }
    assets = build_assets(
        night["work_units"].where("status <> 'retired'"),
        read_delta(spark, stage.state, "candidates"),
        read_delta(spark, stage.state, "scores"),
        night["instructions"],
        night["products"],
        scorer_revision=scorer_revision(stage.config.quality),
    )
    live = live_release(stage.state)
    if live is not None:
        present = [row["merchant_id"] for row in night["products"].select("merchant_id").distinct().collect()]
        live_assets = read_delta(spark, stage.state, "assets").where(
            F.col("release_id") == assets_release_id(live)
        )
        before["assets"] = live_assets
        configured = [merchant.id for merchant in stage.config.merchants]
        deferred = night["work_units"].where("status = 'deferred'")
        if not deferred.isEmpty():
            history = read_delta(spark, stage.state, "work_units")
            assets = assets.unionByName(waiting_assets(live_assets, deferred, history, assets))
        assets = assets.unionByName(kept_assets(live_assets, present, configured))
    recalls = read_table(stage.state, "recalls").to_pylist()
    assets = assets.where(f"NOT ({recalled(recalls)})")
    return night, before, assets.cache()


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        Thread(target=_great_expectations, daemon=True).start()
        spark = spark_session(stage.config.engines, stage.state)
        frames, before, assets = _tonight(spark, stage)
        content_hash = assets_hash(assets)
        release_id = tonights_release_id(stage.state, stage.run_date, content_hash)
        assets = assets.withColumns({"release_id": F.lit(release_id), "run_date": F.lit(stage.run_date)})
        assets = assets.select(BY_NAME["assets"].column_names).cache()
        counts = merchant_counts(assets)
        count = sum(merchant["assets"] for merchant in counts)
        site = stage.report_dir / "gate"
        asked, broken = run_expectations(
            {**frames, "assets": assets}, before, stage.state / "tmp" / "gx", site
        )
        stops = [item for item in broken if item["severity"] == "stop"]
        if count == 0:
            stops.append(
                {"table": "assets", "rule": "a release holds at least one picture", "severity": "stop"}
            )
            broken.append(stops[-1])
        result = {
            "passed": not stops,
            "release_id": release_id,
            "content_hash": content_hash,
            "assets": count,
            "merchants": counts,
            "expectations": asked,
            "failed": broken,
            "docs": "gate/index.html",
        }
        gate_result_path(stage).write_text(json.dumps(result, indent=1, default=str), encoding="utf-8")
        if not stops:
            assets.write.mode("overwrite").parquet(str(gated_rows_path(stage, release_id)))
        for item in broken:
            stage.log.warning("%s: %s (%s)", item["table"], item["rule"], item["severity"])
        for merchant in counts:
            accepted = 0 if stops else merchant["assets"]
            stage.count(merchant["merchant_id"], rows_in=merchant["assets"], rows_out=accepted)
        if stops:
            rules = "; ".join(f"{item['table']}: {item['rule']}" for item in stops)
            raise StageError(
                f"the gate is closed, nothing is published and the last release stays live: {rules} ({site})"
            )
    return [gate_result_path(stage), site / "index.html"]


if __name__ == "__main__":
    main()
