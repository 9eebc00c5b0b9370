"""wall(night) / wall(bare): what Airflow, Spark, Ray and Delta add to the work on the same pictures, and where.

    python -m tests.benchmarks.night_overhead --config infra/config/three_shops.toml --out tests/benchmarks/RESULTS.md

The night is `python -m infra.night` on a fresh state. Bare is one process without engines: the callables of the five
picture stages on the night's rows, one after the other, objects in a temporary local store. Both must make the same
pictures, byte for byte; otherwise the exit status is 1.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from infra.fingerprint import code_revision
from infra.stage import read_record
from tests.benchmarks.bare_night import Bare, run_bare
from tests.benchmarks.overhead_table import Night, Pair, StageTime, results_page
from tests.benchmarks.process_usage import process_usage

ROOT = Path(__file__).resolve().parents[2]
MEASURED = "night_overhead.json"
"""Beside the night's stage records: what was measured of it, for --reuse-night."""


@dataclass(frozen=True)
class Options:
    """What is run, and where."""

    config: Path
    limit: int | None
    run_date: dt.date
    code: str


def _code() -> str:
    """The revision of the code as it lies there now."""
    code_revision.cache_clear()
    return code_revision()


def run_night(options: Options, state: Path) -> Night:
    """Runs the whole night on a fresh state and measures its process tree.

    Raises SystemExit with the night's last lines when it fails.
    """
    command = [sys.executable, "-m", "infra.night", f"--config={options.config}", f"--state={state}"]
    command.append(f"--run-date={options.run_date}")
    if options.limit is not None:
        command.append(f"--limit={options.limit}")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as night:
        assert night.stdout is not None
        with process_usage(night.pid) as usage:
            said = []
            for line in night.stdout:
                sys.stderr.write(line)
                said.append(line)
            night.wait()
        wall_s = time.perf_counter() - started
    if night.returncode:
        sys.exit(f"the night failed, nothing to compare: {''.join(said[-4:])}")
    measured: dict[str, Any] = {"wall_s": wall_s, "cpu_s": usage.cpu_s, "peak_mb": usage.peak_mb}
    measured |= {"limit": options.limit, "code": options.code}
    folder = state / "reports" / options.run_date.isoformat()
    (folder / MEASURED).write_text(json.dumps(measured), encoding="utf-8")
    return Night(wall_s, usage.cpu_s, usage.peak_mb, stage_times(folder))


def stage_times(reports: Path) -> list[StageTime]:
    """Each stage's time in a night, in the order in which they began; shards and repeated runs added up."""
    times: dict[str, StageTime] = {}
    records = [record for path in (reports / "stages").glob("*.json") if (record := read_record(path))]
    for record in sorted(records, key=lambda record: record["runs"][0]["started_at"]):
        spans = []
        for run in record["runs"]:
            began = dt.datetime.fromisoformat(run["started_at"]).timestamp()
            spans.append((began, began + run["wall_s"]))
        known = times.setdefault(record["stage"], StageTime(record["stage"], [], 0))
        known.spans.extend(spans)
        known.peak_mb = max(known.peak_mb, record["peak_rss_mb"])
    return list(times.values())


def known_night(state: Path) -> tuple[Night, dt.date, int | None]:
    """A night that was measured before on this state: its numbers, its date and its limit.

    Raises SystemExit when there is none, or one of other code.
    """
    measured = sorted((state / "reports").glob(f"*/{MEASURED}"))
    if not measured:
        sys.exit(f"--reuse-night: no night was measured under {state}; run once without it")
    record: dict[str, Any] = json.loads(measured[-1].read_text(encoding="utf-8"))
    limit = record.pop("limit")
    if record.pop("code") != _code():
        sys.exit(f"--reuse-night: the code changed since the night under {state}; run without --reuse-night")
    folder = measured[-1].parent
    return Night(**record, stages=stage_times(folder)), dt.date.fromisoformat(folder.name), limit


def bare_in_own_process(options: Options, state: Path, scratch: Path) -> Bare:
    """The bare run in one new process, so that every repetition pays its imports and models as the first does."""
    with _one_thread(), ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as one:
        return one.submit(run_bare, options.config, state, options.run_date, options.limit, scratch).result()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started meanwhile do linear algebra in one thread, as Ray has its workers do."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    yield
    del os.environ["OMP_NUM_THREADS"]
    if before is not None:
        os.environ["OMP_NUM_THREADS"] = before


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, default=Path("infra/config/local.toml"), help="TOML of the night"
    )
    parser.add_argument("--state", type=Path, help="keep the states here (default: a temporary folder)")
    parser.add_argument("--limit", type=int, help="only the first N products of each merchant")
    parser.add_argument(
        "--repeat", type=int, default=1, help="pairs of night and bare run, each on a new state"
    )
    parser.add_argument("--out", type=Path, help="write the table here too")
    parser.add_argument(
        "--reuse-night",
        action="store_true",
        help="take the nights that lie measured in --state; run only bare",
    )
    args = parser.parse_args(argv)
    if args.reuse_night and not args.state:
        parser.error("--reuse-night needs --state")
    return args


def _pair(args: argparse.Namespace, state: Path, scratch: Path) -> Pair:
    code = _code()
    if args.reuse_night:
        night, run_date, limit = known_night(state)
        options = Options(args.config, limit, run_date, code)
    else:
        if state.exists():
            sys.exit(f"{state} exists: a night is measured on a fresh state; remove it or give --reuse-night")
        options = Options(args.config, args.limit, dt.datetime.now(dt.UTC).date(), code)
        night = run_night(options, state)
    bare = bare_in_own_process(options, state, scratch)
    if _code() != code:
        sys.exit("the code was changed while it was measured: nothing to compare; run again")
    sys.stderr.write(f"night {night.wall_s:.1f} s, bare {bare.wall_s:.1f} s, {bare.pictures} pictures\n")
    return Pair(night, bare)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark and prints its page; 1 when bare and night made different pictures."""
    args = _parse(argv)
    root = args.state or Path(tempfile.mkdtemp(prefix="night_overhead-"))
    root.mkdir(parents=True, exist_ok=True)
    scratch = root / "bare"
    pairs = []
    try:
        for number in range(1, args.repeat + 1):
            shutil.rmtree(scratch, ignore_errors=True)
            pairs.append(_pair(args, (root / f"night-{number}").resolve(), scratch.resolve()))
    finally:
        shutil.rmtree(root if args.state is None else scratch, ignore_errors=True)
    page = results_page(args.config, pairs)
    sys.stdout.write(page)
    if args.out:
        args.out.write_text(page, encoding="utf-8")
    mismatches = [line for pair in pairs for line in pair.bare.mismatches]
    for line in mismatches[:20]:
        sys.stderr.write(f"mismatch: {line}\n")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
