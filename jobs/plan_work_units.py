"""One row of `work_units` for every asset that tonight wants: whether it exists, and if not, why it is needed.

An asset's id is the SHA-256 of everything that influences its pixels, so equal work is found by equal ids. The rows
with a variant above 0 stand by: they are made only when every lower variant was rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.releases import recalled
from infra.spark import read_delta, read_night_delta, replace_delta, spark_session
from infra.stage import Stage, stage_run
from infra.tables import query_tables, read_table
from schemas.config import Config
from schemas.revisions import RENDERER, VIEWS, scene_revision
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STAGE = "jobs.plan_work_units"
INPUTS = ("products", "product_views", "personas", "instructions", "recalls")
"""Not candidates, although they are read: a night that only drew what its plan names has the same plan."""
OUTPUTS = ("work_units",)

_SLOT = ["merchant_id", "sku", "segment_id", "locale", "placement"]
_DEFAULT_SECONDS = 0.4
"""Core-seconds a picture, until candidates of earlier nights tell better."""


def build_wanted(
    instructions: DataFrame,
    products: DataFrame,
    views: DataFrame,
    personas: DataFrame,
    placements: DataFrame,
    *,
    scene_backend: str,
    scene_revision: str,
    max_attempts: int,
) -> DataFrame:
    """One row an asset wanted, with its identity and id, not yet compared with what exists.

    placements: merchant_id, placement, width_px, height_px. Only products with an accepted view are wanted.
    """
    accepted = views.where(F.col("verdict") == "accepted").select(
        "image_sha256", "cutout_sha256", "cutout_uri"
    )
    locales = F.collect_set("instruction_hash").over(Window.partitionBy("merchant_id", "sku", "segment_id"))
    rows = (
        instructions.withColumn("siblings_hash", F.sha2(F.array_join(F.array_sort(locales), ","), 256))
        .join(products.select("merchant_id", "sku", "image_sha256"), on=["merchant_id", "sku"], how="inner")
        .join(accepted, on="image_sha256", how="inner")
        .join(
            personas.select("merchant_id", "sku", "segment_id", F.col("rank").alias("persona_rank")),
            on=["merchant_id", "sku", "segment_id"],
            how="inner",
        )
        .join(F.broadcast(placements), on="merchant_id", how="inner")
        .withColumn("variant", F.explode(F.sequence(F.lit(0), F.lit(max_attempts - 1))))
        .withColumns(
            {
                "scene_backend": F.lit(scene_backend),
                "scene_revision": F.lit(scene_revision),
                "renderer_revision": F.lit(RENDERER),
            }
        )
    )
    # The slot is part of the identity although it draws nothing: an asset belongs to one merchant, product and
    # segment, so a recall of one never takes another's.
    influences = [
        *_SLOT, "cutout_sha256", "height_px", "instruction_hash", "renderer_revision", "scene_backend",
        "scene_revision", "siblings_hash", "variant", "width_px",
    ]  # fmt: skip
    identity = F.to_json(F.struct(*sorted(influences)))
    return rows.withColumn("identity", identity).withColumn("asset_id", F.sha2("identity", 256))


def explain(wanted: DataFrame, existing: DataFrame, before: DataFrame, *, seconds: float) -> DataFrame:
    """Rows of `work_units` (without run_date).

    existing: asset_id of candidates. before: the first variants of the last night's plan.
    """
    known = existing.select("asset_id").distinct().withColumn("exists", F.lit(True))
    slots = before.select(
        *_SLOT,
        F.col("cutout_sha256").alias("old_cutout"),
        F.col("instruction_hash").alias("old_instruction"),
        F.concat_ws("|", "scene_backend", "scene_revision", "renderer_revision").alias("old_methods"),
    )
    products = before.select("merchant_id", "sku", F.lit(True).alias("sku_known")).distinct()
    methods = F.concat_ws("|", "scene_backend", "scene_revision", "renderer_revision")
    why = (
        F.when(F.col("exists"), "unchanged")
        .when(F.col("variant") > 0, "retry")
        .when(F.col("sku_known").isNull(), "new_product")
        .when(F.col("old_cutout").isNull(), "new_persona")
        .when(F.col("old_cutout") != F.col("cutout_sha256"), "changed_picture")
        .when(F.col("old_instruction") != F.col("instruction_hash"), "changed_instruction")
        .when(F.col("old_methods") != methods, "new_method_revision")
        .otherwise("previously_failed")
    )
    return (
        wanted.join(known, on="asset_id", how="left")
        .join(slots, on=_SLOT, how="left")
        .join(products, on=["merchant_id", "sku"], how="left")
        .withColumns(
            {
                "reason": why,
                "status": F.when(F.col("exists"), "exists")
                .when(F.col("variant") > 0, "standby")
                .otherwise("to_do"),
                "priority": 1.0 / (F.col("persona_rank") + F.col("variant")),
                "estimated_s": F.lit(seconds),
            }
        )
        .select([name for name in BY_NAME["work_units"].column_names if name != "run_date"])
    )


def _placements(spark: SparkSession, config: Config) -> DataFrame:
    rows = [
        (merchant.id, name, config.placements[name].width_px, config.placements[name].height_px)
        for merchant in config.merchants
        for name in merchant.placements
    ]
    return spark.createDataFrame(rows, "merchant_id string, placement string, width_px int, height_px int")


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        spark = spark_session(stage.config.engines, stage.state)
        names = ("instructions", "products", "personas")
        night = {
            name: read_night_delta(spark, stage.state, name, stage.run_date, stage.selected) for name in names
        }
        if stage.limit is not None:
            by_sku = F.dense_rank().over(Window.partitionBy("merchant_id").orderBy("sku"))
            night["instructions"] = (
                night["instructions"].withColumn("n", by_sku).where(F.col("n") <= stage.limit)
            )
        wanted = build_wanted(
            night["instructions"].drop("n"),
            night["products"],
            read_delta(spark, stage.state, "product_views").where(F.col("method_revision") == VIEWS),
            night["personas"],
            _placements(spark, stage.config),
            scene_backend=stage.config.scene.backend,
            scene_revision=scene_revision(stage.config.scene),
            max_attempts=stage.config.quality.max_attempts,
        )
        recalls = read_table(stage.state, "recalls").to_pylist()
        wanted = wanted.where(f"NOT ({recalled(recalls)})")
        candidates = read_delta(spark, stage.state, "candidates")
        units = explain(wanted, candidates, _last_plan(spark, stage), seconds=_measured_seconds(stage))
        replace_delta(
            units.withColumn("run_date", F.lit(stage.run_date)), stage.state, "work_units", stage.tonight
        )
        _count(stage)
    return []


def _measured_seconds(stage: Stage) -> float:
    (row,) = query_tables(
        stage.state, "SELECT avg(scene_s + text_s + encode_s) AS seconds FROM candidates", "candidates"
    )
    return _DEFAULT_SECONDS if row["seconds"] is None else float(row["seconds"])


def _last_plan(spark: SparkSession, stage: Stage) -> DataFrame:
    (row,) = query_tables(
        stage.state,
        f"SELECT max(run_date) AS night FROM work_units WHERE run_date < DATE '{stage.run_date}'",
        "work_units",
    )
    plans = read_delta(spark, stage.state, "work_units")
    return plans.where((F.col("run_date") == F.lit(row["night"])) & (F.col("variant") == 0))


def _count(stage: Stage) -> None:
    rows = query_tables(
        stage.state,
        "SELECT merchant_id, status, reason, count(*) AS units FROM work_units "
        f"WHERE {stage.tonight} AND variant = 0 GROUP BY merchant_id, status, reason ORDER BY 1, 2, 3",
        "work_units",
    )
    for row in rows:
        stage.count(
            row["merchant_id"], rows_in=row["units"], rows_out=row["units"] if row["status"] == "to_do" else 0
        )
        stage.log.info("%s: %d %s (%s)", row["merchant_id"], row["units"], row["status"], row["reason"])


if __name__ == "__main__":
    main()
