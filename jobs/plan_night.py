"""What a night's plan holds and what it will take: units by reason, seconds, money, storage.

python -m jobs.plan_night --run-date 2026-11-21 --dry-run    # writes nothing and starts nothing but Spark
python -m jobs.plan_night --run-date 2026-11-21              # also writes the plan, as the night does

It reads the night's instructions, so the stages before the plan come first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from infra.settings import ConfigError, load_config
from infra.spark import spark_session
from infra.stage import EXIT_HOPELESS, StageError, argument_parser
from infra.tables import check_state, read_night
from jobs import plan_work_units
from jobs.planning.rates import (
    PRODUCT,
    WRITE,
    Rates,
    measured_rates,
    placement_rows,
    read_rates,
    unmeasured_nights,
)
from schemas.config import Config

Row = dict[str, Any]
_GB = 1e9
UNDERSTAND = (
    "jobs.ingest_catalog jobs.build_segments ray_tasks.build_product_views ray_tasks.infer_personas "
    "ray_tasks.write_instructions"
)


def summary(rows: Sequence[Row], config: Config, rates: Rates, products: int = 0) -> list[str]:
    """The lines that are printed.

    rows: status, reason, units, core_s, gpu_s and bytes of the plan's first variants, summed. products: whose copy
    the night has written.
    """
    lines = [f"{'status':10} {'why':22} {'units':>9} {'core-s':>10} {'GPU-s':>9} {'MB':>9}"]
    for row in sorted(rows, key=lambda row: (row["status"] != "to_do", row["status"], row["reason"])):
        cost = f"{row['core_s']:>10,.0f} {row['gpu_s']:>9,.0f} {row['bytes'] / 1e6:>9,.1f}"
        is_work = row["status"] in {"to_do", "deferred"}
        lines.append(
            f"{row['status']:10} {row['reason']:22} {row['units']:>9,} {cost if is_work else ''}".rstrip()
        )
    work = [row for row in rows if row["status"] == "to_do"]
    core_s, gpu_s, stored = (sum(row[name] for row in work) for name in ("core_s", "gpu_s", "bytes"))
    budget = config.budget
    wall_s = core_s / config.engines.cores + gpu_s
    lines.append(
        f"to do: {sum(row['units'] for row in work):,} pictures, {core_s:,.0f} core-seconds, {gpu_s:,.0f} GPU-seconds, "
        f"{stored / _GB:,.3f} GB; about {wall_s:,.0f} s on {config.engines.cores} cores"
    )
    if config.writer.backend == "model" and (copy := rates.rows.get((WRITE, PRODUCT))):
        core_s, gpu_s = core_s + products * copy["core_s"], gpu_s + products * copy["gpu_s"]
        lines.append(
            f"copy by a model: {products:,} products, {products * copy['gpu_s']:,.0f} GPU-seconds by its benchmark"
        )
    if other_s := rates.other_wall_s():
        lines.append(f"all other stages: {other_s:,.0f} s in the last measured night")
    if budget.core_second_price or budget.gpu_second_price:
        money = core_s * budget.core_second_price + gpu_s * budget.gpu_second_price
        storage = stored / _GB * budget.gb_month_price
        lines.append(
            f"money: {money:,.2f} {budget.currency}, and {storage:,.4f} a month to keep the pictures"
        )
    else:
        lines.append("money: unknown, the configuration's [budget] names no prices")
    if not rates.any_night():
        guess = "a benchmark's" if rates.rows else "a guess"
        lines.append(f"no earlier night has been measured: the seconds are {guess}")
    return lines


def _rows(args: argparse.Namespace, config: Config, rates: Rates) -> list[Row]:
    from pyspark.sql import functions as F

    spark = spark_session(config.engines, args.state)
    merchants = [name.strip() for name in args.merchants.split(",") if name.strip()]
    units = plan_work_units.plan_units(
        spark, args.state, config, args.run_date, rates, merchants=merchants, limit=args.limit
    )
    sizes = placement_rows(config, config.merchants, rates)
    bytes_of = spark.createDataFrame(
        [(row["merchant_id"], row["placement"], row["estimated_bytes"]) for row in sizes],
        "merchant_id string, placement string, estimated_bytes double",
    )
    counted = (
        units.where((F.col("variant") == 0) | (F.col("status") == "retired"))
        .join(F.broadcast(bytes_of), on=["merchant_id", "placement"], how="left")
        .groupBy("status", "reason")
        .agg(
            F.count("*").alias("units"),
            F.sum("estimated_s").alias("core_s"),
            F.coalesce(F.sum("estimated_gpu_s"), F.lit(0.0)).alias("gpu_s"),
            F.coalesce(F.sum("estimated_bytes"), F.lit(0.0)).alias("bytes"),
        )
    )
    return [row.asDict() for row in counted.collect()]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the plan's summary; 0 when it could be made."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--dry-run", action="store_true", help="only print; the plan is not written")
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(words)
    args.state = args.state.resolve()
    try:
        config = load_config(args.config)
        check_state(args.state)
        written = read_night(args.state, "instructions", args.run_date, columns=["merchant_id", "sku"])
        if not written.num_rows:
            raise StageError(
                f"no instructions of {args.run_date} under {args.state}; run the stages before the plan first: "
                f"python -m infra.stage {UNDERSTAND} --run-date {args.run_date} --config {args.config} "
                f"--state {args.state}"
            )
    except (ConfigError, StageError, FileNotFoundError) as error:
        sys.stderr.write(f"plan_night: {error}\n")
        return EXIT_HOPELESS
    if args.dry_run:
        new = measured_rates(args.state, unmeasured_nights(args.state, args.run_date), config)
        rates = Rates.newest([*read_rates(args.state).rows.values(), *new])
    else:
        plan_work_units.main([word for word in words if word != "--dry-run"])
        rates = read_rates(args.state)
    products = written.group_by(["merchant_id", "sku"]).aggregate([]).num_rows
    print("\n".join(summary(_rows(args, config, rates), config, rates, products)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
