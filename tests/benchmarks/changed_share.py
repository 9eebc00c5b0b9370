"""What a night costs when a share of the products changed, against one in which all are new.

    python -m tests.benchmarks.changed_share --products 1000 --drawn
    python -m tests.benchmarks.changed_share --products 1000000

Plan, drawing and scoring run as they are, on real Delta tables, each night in a process of its own. One product has one
picture. Without --drawn, what a worker would do with a picture is a row that was recorded (no Ray, no pixels): what is
measured is all that stands around it, and the share of a night adds PICTURE_CORE_S for each picture to either side.

The engines' start is what the same night takes of a shop of 20 products of which as many changed as start the same
workers (one picture starts one of two; at share 0: none), in the same process, after another one of 20: planning of the
plan's query and the start of Ray's workers, nothing that depends on the number of products. Shares of a night are of
seconds beyond it, on both sides; the goals are for these.

Memory is that of the night's processes: Python, which reads by delta-rs, hands out the work and commits, and Java
(Spark); the rows that the benchmark makes are in another process. Python's is the greater of two: what all its
processes held when they were looked at, each 0.3 s, shared pages in parts, and the kernel's own record of the one that
reads and commits (VmHWM, shared pages whole), which misses no short peak of a small night.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pyarrow as pa

from infra.memory import sampled
from infra.object_store import LocalStore
from infra.tables import (
    append_rows,
    night_predicate,
    open_table,
    query_tables,
    read_table,
    replace_streamed,
    table_version,
)
from jobs import plan_work_units
from ray_tasks import make_candidates, score_candidates
from schemas.config import Quality
from schemas.revisions import VIEWS, scorer_revision
from schemas.tables import BY_NAME
from tests.jobs.sample_night import NOW, RUN_DATE, make_sample_night
from tests.ray_tasks.pictures.product_shapes import bottle

SHARES = (0.0, 0.001, 0.01, 0.1)
GOALS = {0.01: 0.05, 0.1: 0.14}
"""Changed share -> at most this share of the full night, beyond the engines' start."""
NEXT = RUN_DATE + dt.timedelta(days=1)
NIGHTLY = ("products", "personas", "instructions")
ONE_MERCHANT_ONE_PICTURE = {"merchants": ("shop",), "products": 1, "top_k": 1, "locales": ("en",)}
MEASUREMENTS = [{"name": f"measurement_{i}", "value": 0.1 * i} for i in range(30)]

PICTURE_CORE_S = 0.2
"""Drawing and scoring of one picture of 1024 x 1024, as measured with --drawn."""
CORES = 2
FEW = 20
RUNS_FAST_FROM = 100_000
"""From so many products on Spark compiles its queries, as the README advises."""
CHUNK = 100_000
"""So many rows of a made-up table are in memory at a time."""


@dataclass
class Night:
    """What one night took: seconds and Python's peak memory (MB, shared pages in parts) by stage, and Java's peak."""

    times: dict[str, float]
    python_mb: dict[str, int]
    java_mb: int
    pictures: int
    commits: bool
    start_s: float = 0.0

    def wall_s(self, drawn: bool) -> float:
        """Its wall time beyond the engines' start, with the drawing that was left out."""
        left_out_s = 0 if drawn else self.pictures * PICTURE_CORE_S / CORES
        return max(0.0, sum(self.times.values()) - self.start_s) + left_out_s


class Memory:
    """The peaks of this process and its children."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the kernel's peak begins anew
        self.python_mb = self.java_mb = 0

    def look(self) -> None:
        """Sees what the processes hold now."""
        me, python, java = psutil.Process(), 0, 0
        for process in (me, *me.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                proportional = process.memory_full_info().pss // 2**20
                if process.name() == "java":
                    java += proportional
                else:
                    python += proportional
        status = Path("/proc/self/status").read_text()
        own = int(status.split("VmHWM:")[1].split()[0]) // 2**10
        self.python_mb, self.java_mb = max(self.python_mb, python, own), max(self.java_mb, java)


def texts(values: Iterable[str]) -> pa.Array:
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

    def __init__(self, folder: Path, products: int, *, drawn: bool) -> None:
        self.night = make_sample_night(folder, **ONE_MERCHANT_ONE_PICTURE)  # type: ignore[arg-type]
        self.state, self.products = self.night.state, products
        self.candidate = read_table(self.state, "candidates").to_pylist()[0]
        self.rows = {name: read_table(self.state, name).slice(0, 1) for name in (*NIGHTLY, "product_views")}
        for name in ("candidates", "scores", "product_views", "work_units", "rejects", "assets", "releases"):
            open_table(self.state, name).delete()
        png = cv2.imencode(".png", cv2.cvtColor(bottle(420), cv2.COLOR_RGBA2BGRA))[1].tobytes()
        LocalStore(self.state / "store").put("cutouts/0.png", png)
        if products >= RUNS_FAST_FROM:
            with self.night.config.open("a", encoding="utf-8") as config:
                config.write("\n[engines]\nquick_start = false\n")
        for numbers in self._chunks():
            uris = texts("cutouts/0.png" if drawn else f"cutouts/{n}.png" for n in numbers)
            views = repeated(
                self.rows["product_views"], len(numbers), image_sha256=hashes(numbers), cutout_sha256=hashes(numbers),
                cutout_uri=uris, method_revision=texts([VIEWS] * len(numbers)),
                verdict=texts(["accepted"] * len(numbers)),
            )  # fmt: skip
            append_rows(self.state, "product_views", views)

    def _chunks(self) -> list[np.ndarray]:
        return [np.arange(at, min(self.products, at + CHUNK)) for at in range(0, self.products, CHUNK)]

    def write_night(self, state: Path, run_date: dt.date, changed: np.ndarray) -> None:
        """Tonight's products, personas and instructions; those of `changed` have another record and other copy."""
        content = np.arange(self.products)
        content[changed] += self.products

        def batches(name: str) -> Iterator[pa.RecordBatch]:
            for numbers in self._chunks():
                own = {"products": "product_hash", "instructions": "instruction_hash"}.get(name)
                columns = {own: hashes(content[numbers])} if own else {}
                if name == "products":
                    columns["image_sha256"] = hashes(numbers)
                night = pa.array([run_date] * len(numbers), pa.date32())
                skus = texts(f"P{n:07}" for n in numbers)
                rows = repeated(self.rows[name], len(numbers), sku=skus, run_date=night, **columns)
                yield from rows.cast(BY_NAME[name].schema).combine_chunks().to_batches()

        for name in NIGHTLY:
            replace_streamed(state, name, batches(name), night_predicate(run_date))

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


def run_night(shop: Shop, state: Path, run_date: dt.date) -> Night:
    """Plans, draws and scores."""
    argv = [f"--run-date={run_date}", f"--state={state}", f"--config={shop.night.config}"]
    before, times = made_versions(state), {}
    stages: dict[str, Callable[..., Any]] = {
        "plan": plan_work_units.main, "draw": make_candidates.main, "score": score_candidates.main,
    }  # fmt: skip
    python_mb, java_mb = {}, 0
    for name, stage in stages.items():
        memory = Memory()
        with sampled(memory.look, 0.3):
            began = time.perf_counter()
            stage(argv)
            times[name] = time.perf_counter() - began
        python_mb[name], java_mb = memory.python_mb, max(java_mb, memory.java_mb)
    (row,) = query_tables(
        state, f"SELECT count(*) AS n FROM candidates WHERE run_date = DATE '{run_date}'", "candidates"
    )
    return Night(times, python_mb, java_mb, row["n"], made_versions(state) != before)


def warm_night(few: Shop, shop: Shop, state: Path, run_date: dt.date, drawn: bool) -> Night:
    """One night after two of FEW products, which have started the engines; for a process of its own."""
    nights = []
    for one, its_state, night in (
        (few, few.state, RUN_DATE),
        (few, few.state, NEXT),
        (shop, state, run_date),
    ):
        if not drawn:
            make_candidates.map_rows = one.recorded  # type: ignore[assignment]
            score_candidates.map_rows = one.recorded  # type: ignore[assignment]
        nights.append(run_night(one, its_state, night))
    return replace(nights[-1], start_s=sum(nights[-2].times.values()))


def apart(folder: Path, shop: Shop, state: Path, run_date: dt.date, share: float, drawn: bool) -> Night:
    """`warm_night` in a new process."""
    shutil.rmtree(folder / "few", ignore_errors=True)
    few = Shop(folder / "few", FEW, drawn=drawn)
    few.night.config.write_text(shop.night.config.read_text(encoding="utf-8"), encoding="utf-8")
    few.write_night(few.state, RUN_DATE, chosen(0, FEW, False))
    few.write_night(few.state, NEXT, np.arange(min(CORES, round(share * shop.products))))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(warm_night, few, shop, state, run_date, drawn).result()


def chosen(share: float, products: int, clustered: bool) -> np.ndarray:
    count = round(share * products)
    if clustered:
        return np.arange(products // 3, products // 3 + count) % products
    return np.array(random.Random(7).sample(range(products), count), np.int64)


def made_versions(state: Path) -> list[int]:
    return [table_version(state, name) for name in ("candidates", "scores", "product_views")]


def measure(shop: Shop, folder: Path, share: float, clustered: bool, drawn: bool) -> Night:
    """The night after the first one, on a copy of its state."""
    state = folder / "copy"
    shutil.copytree(shop.state, state, copy_function=os.link)  # Delta's files are never changed
    shop.write_night(state, NEXT, chosen(share, shop.products, clustered))
    night = apart(folder, shop, state, NEXT, share, drawn)
    why = query_tables(
        state,
        f"SELECT DISTINCT reason FROM work_units WHERE status = 'to_do' AND run_date = DATE '{NEXT}'",
        "work_units",
    )
    assert why in ([], [{"reason": "changed_facts"}]), why
    shutil.rmtree(state)
    return night


HEAD = """
| changed | keys | pictures | plan s | draw s | score s | all s | start s | beyond it, of a full night | goal | \
Python MB: plan | draw | score | Java MB | commits on made tables |
|---:|---|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---|"""


def row(share: float, keys: str, night: Night, full: Night, drawn: bool) -> str:
    """A night as a row of HEAD's table."""
    part, goal = night.wall_s(drawn) / full.wall_s(drawn), GOALS.get(share)
    told = f"{goal:.0%}: {'met' if part <= goal else 'missed'}" if goal else ""
    if share == 0:
        told = f"no picture, no commit: {'missed' if night.pictures or night.commits else 'met'}"
    seconds = [*night.times.values(), sum(night.times.values()), night.start_s]
    cells = [
        f"{share:.1%}",
        keys,
        f"{night.pictures:,}",
        *(f"{value:.1f}" for value in seconds),
        f"{part:.1%}",
        told,
        *(f"{mb:,}" for mb in (*night.python_mb.values(), night.java_mb)),
        "yes" if night.commits else "none",
    ]
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--drawn", action="store_true", help="draw and score the pictures for real")
    parser.add_argument("--shares", type=float, nargs="*", default=SHARES, help="only these changed shares")
    parser.add_argument("--keys", nargs="*", default=["random", "clustered"], help="only these kinds of keys")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="changed-share-") as name:
        folder = Path(name)
        shop = Shop(folder / "shop", args.products, drawn=args.drawn)
        shop.write_night(shop.state, RUN_DATE, chosen(0, args.products, False))
        full = apart(folder, shop, shop.state, RUN_DATE, 1.0, args.drawn)
        print(f"{args.products:,} products, pictures {'drawn' if args.drawn else 'recorded'}\n{HEAD}")
        print(row(1.0, "all new", full, full, args.drawn), flush=True)
        for share in args.shares:
            for keys in args.keys if share else [""]:
                night = measure(shop, folder, share, keys == "clustered", args.drawn)
                print(row(share, keys, night, full, args.drawn), flush=True)


if __name__ == "__main__":
    main()
