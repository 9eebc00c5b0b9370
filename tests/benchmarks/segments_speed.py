"""Order lines to segments and affinities against a bare read and groupBy of the same file, both sides in one process.

    python -m tests.benchmarks.segments_speed --data ../shared/data --rounds 3

Prints a Markdown table: wall and processor seconds of Spark and Python together, median and range over the rounds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from pyspark.sql import functions as F

from infra.settings import load_config
from infra.spark import spark_session
from infra.stage import Stage
from infra.tables import ensure_tables
from jobs.segments.build import build_source
from jobs.segments.inputs import read_behaviour

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "infra/config/real_segments.toml"


def _cpu_s() -> float:
    me = psutil.Process()
    return sum(sum(process.cpu_times()[:4]) for process in (me, *me.children(recursive=True)))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return time.perf_counter() - wall, _cpu_s() - cpu


def main() -> None:
    """Runs the sides in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    config = load_config(CONFIG)
    state = Path(tempfile.mkdtemp())
    ensure_tables(state)
    config = config.model_copy(
        update={"paths": config.paths.model_copy(update={"data_root": str(args.data.resolve())})}
    )
    stage = Stage(
        name="benchmark",
        run_date=dt.date(2026, 11, 21),
        config=config,
        config_path=CONFIG,
        state=state,
        merchants=config.merchants,
        limit=None,
        shard=(0, 1),
        only_some_merchants=False,
        log=logging.getLogger(__name__),
    )
    spark = spark_session(config.engines, state)
    source = next(source for source in config.segment_sources if source.id == "giftware")
    assert source.events is not None
    path = str(args.data.resolve() / source.events.path)

    def bare() -> None:
        totals = (F.sum("Quantity"), F.count("*"))
        rows = spark.read.parquet(path).groupBy("CustomerID", "StockCode").agg(*totals)
        rows.write.format("noop").mode("overwrite").save()

    def behaviour() -> None:
        read = read_behaviour(spark, stage, source)
        assert read is not None
        read[0].values.count()
        spark.catalog.clearCache()

    def everything() -> None:
        found = build_source(spark, stage, source)
        found.segments.write.format("noop").mode("overwrite").save()
        found.affinity.write.format("noop").mode("overwrite").save()
        spark.catalog.clearCache()

    sides = {
        "bare read and groupBy user, item": bare,
        "read, set aside, net, share by value": behaviour,
        "the same, clusters (6 to 10 tried), affinity": everything,
    }
    for work in sides.values():
        work()
    rounds = [{name: _timed(work) for name, work in sides.items()} for _ in range(args.rounds)]
    lines = spark.read.parquet(path).count()
    print(f"{lines:,} lines, {config.engines.cores} cores\n")
    print("| side | wall s | processor s | times bare |\n|---|---|---|---|")
    base = statistics.median(one["bare read and groupBy user, item"][1] for one in rounds)
    for name in sides:
        wall, cpu = ([one[name][i] for one in rounds] for i in (0, 1))
        print(
            f"| {name} | {statistics.median(wall):.1f} ({min(wall):.1f}-{max(wall):.1f}) "
            f"| {statistics.median(cpu):.1f} ({min(cpu):.1f}-{max(cpu):.1f}) | {statistics.median(cpu) / base:.1f} |"
        )


if __name__ == "__main__":
    main()
