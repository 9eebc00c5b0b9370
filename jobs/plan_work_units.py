"""One row of `work_units` for every asset that tonight wants: whether it exists, and if not, why it is needed.

An asset's id is the SHA-256 of everything that influences its pixels, so equal work is found by equal ids. The rows
with a variant above 0 stand by: they are made only when every lower variant was rejected. What goes beyond the night's
budget is deferred, and what last night had and tonight does not want is retired, with the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.releases import recalled
from infra.spark import read_delta, read_night_delta, replace_delta, spark_session
from infra.stage import Stage, stage_run
from infra.tables import night_before, night_predicate, query_tables, read_table, replace_rows, rows_to_table
from jobs.planning.rates import Rates, measured_rates, placement_rows, read_rates, unmeasured_nights
from jobs.planning.units import SLOT, build_wanted, cap, compare, former_prices
from schemas.config import Config
from schemas.revisions import scene_revision, scorer_revision, views_revision

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STAGE = "jobs.plan_work_units"
INPUTS = ("products", "product_views", "personas", "instructions", "recalls")
"""Not candidates, although they are read: a night that only drew what its plan names has the same plan."""
OUTPUTS = ("work_units",)

_PLACEMENTS = pa.schema(
    [
        ("merchant_id", pa.string()),
        ("placement", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("look", pa.string()),
        ("scene_height_px", pa.int32()),
        ("scene_text", pa.bool_()),
        ("legal", pa.map_(pa.string(), pa.string())),
        ("tier", pa.int32()),
        ("estimated_s", pa.float64()),
        ("estimated_gpu_s", pa.float64()),
    ]
)


def plan_units(
    spark: SparkSession,
    state: Path,
    config: Config,
    run_date: dt.date,
    rates: Rates,
    *,
    merchants: Sequence[str] = (),
    limit: int | None = None,
) -> DataFrame:
    """Rows of `work_units` (without run_date) for a night, from the tables as they are.

    merchants: only these; none named: all. limit: only the first products of each merchant, by SKU.
    """
    names = ("instructions", "products", "personas")
    night = {name: read_night_delta(spark, state, name, run_date, merchants) for name in names}
    if limit is not None:
        by_sku = F.dense_rank().over(Window.partitionBy("merchant_id").orderBy("sku"))
        night["instructions"] = night["instructions"].withColumn("n", by_sku).where(F.col("n") <= limit)
    placements = placement_rows(config, config.merchants, rates)
    wanted = build_wanted(
        night["instructions"].drop("n"),
        _with_former_prices(spark, state, config, run_date, night["products"]),
        read_delta(spark, state, "product_views").where(F.col("method_revision") == views_revision(config.cutout)),
        night["personas"],
        spark.createDataFrame(pa.Table.from_pylist(placements, schema=_PLACEMENTS)),
        scene_backend=config.scene.backend,
        scene_revision=scene_revision(config.scene),
        max_attempts=config.quality.max_attempts,
    )  # fmt: skip
    before = _last_plan(spark, state, run_date, merchants)
    if limit is not None:  # what lies beyond the limit is still sold
        before = before.join(
            night["instructions"].select("merchant_id", "sku").distinct(),
            on=["merchant_id", "sku"],
            how="left_semi",
        )
    units = compare(
        wanted,
        _made(spark, state, scorer_revision(config.quality)),
        before,
        spark.createDataFrame(given_up(state, run_date, config.quality.max_failures)),
        night["products"].select("merchant_id", "sku"),
        recalled=recalled(read_table(state, "recalls").to_pylist()),
    )
    return cap(units, config.budget)


def _made(spark: SparkSession, state: Path, revision: str) -> DataFrame:
    """SLOT and asset_id of every candidate; judged, accepted: whether `revision` did so (judged NULL: nobody did)."""
    own = F.col("scorer_revision") == revision
    judged = (
        read_delta(spark, state, "scores")
        .groupBy("asset_id")
        .agg(F.max(own).alias("judged"), F.max(own & (F.col("verdict") == "accepted")).alias("accepted"))
    )
    return (
        read_delta(spark, state, "candidates")
        .select(*SLOT, "asset_id")
        .join(judged, on="asset_id", how="left")
    )


def given_up(state: Path, run_date: dt.date, max_failures: int) -> pa.Table:
    """asset_id of units that failed too often, by the newest night's rejects; few, by the error budget."""
    nights = [night for night in (night_before(state, "rejects", run_date), run_date) if night]
    rejects = read_table(
        state,
        "rejects",
        columns=["run_date", "key", "attempts"],
        filters=[("stage", "=", "ray_tasks.make_candidates"), ("run_date", "in", nights)],
    )
    attempts = {
        row["key"]: row["attempts"]
        for row in sorted(rejects.to_pylist(), key=lambda row: row["run_date"])
        if row["attempts"] is not None
    }
    over = [key for key, number in attempts.items() if number >= max_failures]
    return pa.table({"asset_id": pa.array(over, pa.string())})


def _with_former_prices(
    spark: SparkSession, state: Path, config: Config, run_date: dt.date, products: DataFrame
) -> DataFrame:
    """Tonight's products with `was_price_minor`; NULL without a look at the past where no merchant shows prices."""
    if not any(merchant.price for merchant in config.merchants):
        return products.withColumn("was_price_minor", F.lit(None).cast("bigint"))
    history = read_delta(spark, state, "products").where(
        F.col("run_date").between(F.lit(run_date - dt.timedelta(days=60)), F.lit(run_date))
    )
    return products.join(former_prices(history, run_date), on=["merchant_id", "sku"], how="left")


def _last_plan(spark: SparkSession, state: Path, run_date: dt.date, merchants: Sequence[str]) -> DataFrame:
    """What the night before planned, but for what it retired and for stand-ins that nobody made (two rows of three).

    No row before the first night.
    """
    last = night_before(state, "work_units", run_date)
    plans = read_night_delta(spark, state, "work_units", last or run_date, merchants)
    retries = (
        read_delta(spark, state, "candidates")
        .where("variant > 0")
        .select("asset_id", F.lit(True).alias("made"))
    )
    return (
        plans.where("status <> 'retired'" if last else "FALSE")
        .join(F.broadcast(retries), on="asset_id", how="left")
        .where("variant = 0 OR made")
    )


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        for night in unmeasured_nights(stage.state, stage.run_date):
            if rows := measured_rates(stage.state, [night], stage.config):
                replace_rows(stage.state, "rates", rows_to_table("rates", rows), night_predicate(night))
        spark = spark_session(stage.config.engines, stage.state)
        units = plan_units(
            spark,
            stage.state,
            stage.config,
            stage.run_date,
            read_rates(stage.state),
            merchants=stage.selected,
            limit=stage.limit,
        )
        replace_delta(
            units.withColumn("run_date", F.lit(stage.run_date)), stage.state, "work_units", stage.tonight
        )
        spark.catalog.clearCache()
        _count(stage)
    return []


def _count(stage: Stage) -> None:
    rows = query_tables(
        stage.state,
        "SELECT merchant_id, status, reason, count(*) AS units FROM work_units "
        f"WHERE {stage.tonight} AND variant = 0 GROUP BY merchant_id, status, reason ORDER BY 1, 2, 3",
        "work_units",
    )
    for row in rows:
        if row["status"] != "retired":
            done = row["units"] if row["status"] == "to_do" else 0
            stage.count(row["merchant_id"], rows_in=row["units"], rows_out=done)
        stage.log.info("%s: %d %s (%s)", row["merchant_id"], row["units"], row["status"], row["reason"])


if __name__ == "__main__":
    main()
