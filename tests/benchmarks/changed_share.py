"""What a night costs when a share of the products changed, against one in which all did; pictures are recorded.

    python -m tests.benchmarks.changed_share --products 10000

Plan, drawing and scoring run as they are, on real Delta tables and Spark; only what a worker would do with a picture is
a row that was recorded (no Ray, no pixels), so what is measured is all that stands around it. One product has one
picture. Engines are started before.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from infra.memory import PeakMemory
from infra.tables import (
    append_rows,
    night_predicate,
    open_table,
    query_tables,
    read_night,
    read_table,
    replace_rows,
    table_version,
)
from jobs import plan_work_units
from ray_tasks import make_candidates, score_candidates
from schemas.config import Quality
from schemas.revisions import VIEWS, scorer_revision
from schemas.tables import BY_NAME
from tests.jobs.sample_night import NOW, RUN_DATE, make_sample_night

SHARES = (0.0, 0.001, 0.01, 0.1, 1.0)
NEXT = RUN_DATE + dt.timedelta(days=1)
NIGHTLY = ("products", "personas", "instructions")
ONE_MERCHANT_ONE_PICTURE = {"merchants": ("shop",), "products": 1, "top_k": 1, "locales": ("en",)}
MEASUREMENTS = [{"name": f"measurement_{i}", "value": 0.1 * i} for i in range(30)]

Times = dict[str, float]


def texts(values: Iterator[str] | Sequence[str]) -> pa.Array:
    return pa.array(list(values), pa.string())


def hashes(numbers: np.ndarray) -> pa.Array:
    return texts([f"{n:064x}" for n in numbers])


def repeated(row: pa.Table, count: int, **columns: pa.Array) -> pa.Table:
    """One row `count` times, with some columns of its own."""
    table = row.take(np.zeros(count, np.int64)).combine_chunks()
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), values)
    return table


class Shop:
    """A state whose products are as many copies of one sample product, with records of its candidate."""

    def __init__(self, folder: Path, products: int) -> None:
        self.night = make_sample_night(folder, **ONE_MERCHANT_ONE_PICTURE)  # type: ignore[arg-type]
        self.state, self.products = self.night.state, products
        self.candidate = read_table(self.state, "candidates").to_pylist()[0]
        self.rows = {name: read_table(self.state, name).slice(0, 1) for name in (*NIGHTLY, "product_views")}
        for name in ("candidates", "scores", "product_views", "work_units", "rejects", "assets", "releases"):
            open_table(self.state, name).delete()
        numbers = np.arange(products)
        views = repeated(
            self.rows["product_views"], products, image_sha256=hashes(numbers), cutout_sha256=hashes(numbers),
            cutout_uri=texts([f"cutouts/{n}.png" for n in numbers]), method_revision=texts([VIEWS] * products),
            verdict=texts(["accepted"] * products),
        )  # fmt: skip
        append_rows(self.state, "product_views", views)

    def write_night(self, state: Path, run_date: dt.date, changed: np.ndarray) -> None:
        """Tonight's products, personas and instructions; those of `changed` have another record and other copy."""
        count, numbers = self.products, np.arange(self.products)
        content = numbers.copy()
        content[changed] += count
        skus = texts([f"P{n:07}" for n in numbers])
        own = {
            "products": {"image_sha256": hashes(numbers), "product_hash": hashes(content)},
            "personas": {},
            "instructions": {"instruction_hash": hashes(content)},
        }
        for name in NIGHTLY:
            night = pa.array([run_date] * count, pa.date32())
            rows = repeated(self.rows[name], count, sku=skus, run_date=night, **own[name])
            replace_rows(state, name, rows.cast(BY_NAME[name].schema), night_predicate(run_date))

    def recorded(self, rows: pa.Table, worker: type[Any], *_: Any, **__: Any) -> Iterator[pa.Table]:
        """What Ray would give back: the recorded candidate or score of every row, in batches."""
        make = self._made if worker is make_candidates.DrawPictures else self._scored
        schema = make_candidates.MADE if worker is make_candidates.DrawPictures else score_candidates.SCORED
        for at in range(0, rows.num_rows, 500):
            batch = rows.slice(at, 500).to_pylist()
            yield pa.Table.from_pylist([item for row in batch for item in make(row)], schema=schema)

    def _made(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        texts_of = {text["locale"]: text for text in job["texts"]}
        return [
            self.candidate
            | {name: job[name] for name in make_candidates.MADE.names if name in job}
            | {name: value for name, value in picture.items() if name in make_candidates.MADE.names}
            | {"instruction_hash": texts_of[picture["locale"]]["instruction_hash"], "failure": None}
            for picture in job["pictures"]
        ]

    def _scored(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "asset_id": row["asset_id"], "scorer_revision": scorer_revision(Quality()), "run_date": RUN_DATE,
                "measurements": MEASUREMENTS, "verdict": "accepted", "reasons": [], "score_s": 0.1, "scored_at": NOW,
            }
        ]  # fmt: skip


def run_night(shop: Shop, state: Path, run_date: dt.date) -> Times:
    """Seconds of each stage."""
    argv = [f"--run-date={run_date}", f"--state={state}", f"--config={shop.night.config}"]
    times = {}
    stages: dict[str, Callable[..., Any]] = {
        "plan": plan_work_units.main, "draw": make_candidates.main, "score": score_candidates.main,
    }  # fmt: skip
    for name, stage in stages.items():
        began = time.perf_counter()
        stage(argv)
        times[name] = time.perf_counter() - began
    return times


def chosen(share: float, products: int, clustered: bool) -> np.ndarray:
    count = round(share * products)
    if clustered:
        return np.arange(products // 3, products // 3 + count) % products
    return np.array(random.Random(7).sample(range(products), count), np.int64)


def made_versions(state: Path) -> list[int]:
    return [table_version(state, name) for name in ("candidates", "scores", "product_views")]


def measure(shop: Shop, folder: Path, share: float, clustered: bool) -> tuple[int, Times, bool]:
    """Pictures made, seconds by stage, and whether the made tables got a commit; on a copy of the first night."""
    state = folder / "copy"
    shutil.copytree(shop.state, state)
    shop.write_night(state, NEXT, chosen(share, shop.products, clustered))
    before = made_versions(state)
    times = run_night(shop, state, NEXT)
    (row,) = query_tables(
        state, f"SELECT count(*) AS n FROM candidates WHERE run_date = DATE '{NEXT}'", "candidates"
    )
    wanted = {unit["reason"] for unit in read_night(state, "work_units", NEXT, columns=["reason", "status"]).to_pylist()
              if unit["status"] == "to_do"}  # fmt: skip
    assert wanted <= {"changed_facts"}, wanted
    changed = made_versions(state) != before
    shutil.rmtree(state)
    return row["n"], times, changed


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="changed-share-") as name, PeakMemory() as memory:
        folder = Path(name)
        shop = Shop(folder / "shop", args.products)
        make_candidates.map_rows = shop.recorded  # type: ignore[assignment]
        score_candidates.map_rows = shop.recorded  # type: ignore[assignment]
        shop.write_night(shop.state, RUN_DATE, np.array([], np.int64))
        run_night(shop, shop.state, RUN_DATE)
        lines = []
        for clustered in (True, False):
            for share in SHARES if not clustered else SHARES[1:-1]:
                runs = [measure(shop, folder, share, clustered) for _ in range(args.rounds)]
                times = {stage: statistics.median(run[1][stage] for run in runs) for stage in runs[0][1]}
                lines.append((share, "clustered" if clustered else "random", runs[0][0], times, runs[0][2]))
                print(lines[-1], flush=True)
        full = next(sum(times.values()) for share, _, _, times, _ in lines if share == 1.0)
    print(f"\n{args.products:,} products, peak {memory.peak_mb:,} MB over all processes\n")
    print(
        "| changed | keys | pictures | plan s | draw s | score s | all s | of 100 % | commits on made tables |"
    )
    print("|---:|---|---:|---:|---:|---:|---:|---:|---|")
    for share, keys, made, times, commits in lines:
        whole = sum(times.values())
        print(
            f"| {share:.1%} | {keys} | {made:,} | {times['plan']:.1f} | {times['draw']:.1f} | {times['score']:.1f} "
            f"| {whole:.1f} | {whole / full:.1%} | {'yes' if commits else 'none'} |"
        )


if __name__ == "__main__":
    main()
