"""Runs one night through the Airflow DAG and says how it went.

    python -m infra.night --config infra/config/local.toml --state var --run-date 2026-11-21 --limit 10

A line for each stage as it ends; the last four lines name the release, the tables, the drops and the report. After a
failure the last lines name the stage, the reason and the log, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.airflow_home import ROOT, AirflowError, airflow_env, end_tree, interrupt, only_one, run_id_of
from infra.releases import read_release
from infra.settings import ConfigError, load_config, night_date
from infra.stage import read_record

POLL_S = 0.2
INTERRUPT_S = 3.0
# What Airflow writes around a line that a stage wrote: time and level before it, the logger and its place after it.
AIRFLOW_DECORATION = re.compile(r"^\S+ \[\w+ *\] | +\[airflow\..*$")
FINAL = {"done", "unchanged", "failed"}

Record = dict[str, Any]


def night_records(reports: Path, night_id: str) -> list[Record]:
    """The stages' records of this night so far, in the order in which they began; one for each shard."""
    records = [read_record(path) for path in (reports / "stages").glob("*.json")]
    of_night = [r for r in records if r and str(r.get("night_id")).removesuffix(".failed") == night_id]
    return sorted(of_night, key=lambda r: r["started_at"])


def stage_label(record: Record) -> str:
    """The stage's name, with its shard when there are several: `ray_tasks.make_candidates 0/4`."""
    shard = record.get("shard", "0/1")
    return record["stage"] if shard.endswith("/1") else f"{record['stage']} {shard}"


def stage_line(record: Record) -> str:
    """What the console shows of a stage that ended."""
    name = f"  {stage_label(record):36}"
    if record["status"] == "unchanged":
        return f"{name} unchanged"
    line = f"{name} {record['wall_s']:7.1f} s"
    if record["status"] == "failed":
        return f"{line}  failed: {str(record.get('error')).splitlines()[0]}"
    return line + f"{record['rows_in']:>9} in {record['rows_out']:>9} out {record['set_aside']:>7} set aside"


class Progress:
    """Shows each stage's line once, and on a terminal what is running now."""

    def __init__(self, reports: Path, night_id: str) -> None:
        self._reports = reports
        self._night_id = night_id
        self._shown: set[tuple[str, str, str]] = set()
        self._live = sys.stdout.isatty()
        self._began = time.monotonic()

    def update(self, *, last: bool = False) -> None:
        """Shows what is new since the last call."""
        records = night_records(self._reports, self._night_id)
        for record in records:
            ended = (stage_label(record), record["started_at"], record["status"])
            # A stage that is repeated until it finds no work ends as unchanged: its earlier line says more.
            known = {ended, (*ended[:2], "done")} if record["status"] == "unchanged" else {ended}
            if record["status"] in FINAL and not known & self._shown:
                self._shown.add(ended)
                self._write(stage_line(record) + "\n")
        if last:
            self._write("")
        elif self._live:
            running = [stage_label(r) for r in records if r["status"] == "running"] or ["Airflow"]
            self._write(f"  {', '.join(running)} ... {time.monotonic() - self._began:.0f} s")

    def _write(self, text: str) -> None:
        sys.stdout.write(("\r\x1b[K" if self._live else "") + text)
        sys.stdout.flush()


def run_airflow(command: list[str], env: dict[str, str], log: Path, progress: Progress) -> int:
    """The exit status of Airflow's process, whose log goes to a file; the tree ends with this process."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        while child.poll() is None:
            progress.update()
            time.sleep(POLL_S)
    finally:
        if child.poll() is None:
            end_tree(child.pid, timeout_s=INTERRUPT_S, root_at_once=True)  # or it would try the stage again
        progress.update(last=True)
    return child.returncode


def failure(records: Sequence[Record], airflow_log: Path) -> tuple[str, str, str]:
    """Which stage failed, why, and where its log is; from Airflow's log when no stage left a record of it."""
    for record in records:
        if record["status"] == "failed":
            return stage_label(record), str(record.get("error")), record["log"]
    for record in records:
        if record["status"] == "running":
            why = "its process ended without a word (killed, or out of memory)"
            return stage_label(record), why, record["log"]
    text = airflow_log.read_text(encoding="utf-8", errors="replace")
    lines = [AIRFLOW_DECORATION.sub("", line) for line in text.splitlines()]
    told = [line for line in lines if "stage " in line and " failed: " in line]
    if told:
        stage, _, why = told[-1].partition("stage ")[2].partition(" failed: ")
        return stage, why, str(airflow_log)
    raised = [line.strip() for line in lines if "Error" in line]
    return "Airflow", raised[-1] if raised else "its process ended without a word", str(airflow_log)


def check_arguments(config: Path, merchants: str | None) -> None:
    """Reads the configuration, so that a mistake in it costs no start of Airflow.

    Raises ConfigError when it cannot be used or does not have these merchants.
    """
    read = load_config(config)
    loose = [
        key for key, one in read.weights().items() if one.revision is None and not Path(one.model).is_dir()
    ]
    if loose:
        raise ConfigError(
            f"{config}: {', '.join(loose)} name a model of the hub without a revision, or a folder that is not there; "
            f"`python -m ray_tasks.preflight --config {config}` says what to do"
        )
    known = {merchant.id for merchant in read.merchants}
    if unknown := [name for name in (merchants or "").split(",") if name and name not in known]:
        raise ConfigError(
            f"no merchant {', '.join(unknown)} in {config}; there are {', '.join(sorted(known))}"
        )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, default=Path("infra/config/local.toml"), help="TOML file of the night"
    )
    parser.add_argument(
        "--state", type=Path, default=Path("var"), help="folder of tables, store, drops, reports"
    )
    parser.add_argument(
        "--run-date",
        type=night_date,
        default=None,
        help="the night, YYYY-MM-DD (default: today, UTC)",
    )
    parser.add_argument("--merchants", default=None, help="only these merchants, comma-separated")
    parser.add_argument("--limit", type=int, default=None, help="only the first N products of each merchant")
    parser.add_argument("--force", action="store_true", help="run stages even when nothing changed")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the night; 0 when it ended well."""
    args = _parse(argv)
    started = dt.datetime.now(dt.UTC)
    run_date = args.run_date or started.date()
    state: Path = args.state
    night_id = run_id_of(started)
    airflow_log = state.resolve() / "airflow" / "logs" / f"night_{started:%Y%m%dT%H%M%S}.log"
    reports = state.resolve() / "reports" / run_date.isoformat()
    conf = {
        "run_date": run_date.isoformat(),
        "config": str(args.config.resolve()),
        "state": str(state.resolve()),
        "merchants": args.merchants,
        "limit": args.limit,
        "force": args.force,
    }
    command = [sys.executable, "-m", "infra.airflow_home", "run", "--state", str(state.resolve())]
    command += ["--logical-date", started.isoformat(), "--conf", json.dumps(conf)]
    say = sys.stdout.write
    try:
        check_arguments(args.config, args.merchants)
        with only_one(state, "another night"):
            signal.signal(signal.SIGTERM, interrupt)
            say(
                f"night of {run_date} (config {args.config}, state {state}, log {os.path.relpath(airflow_log)})\n"
            )
            status = run_airflow(command, airflow_env(state), airflow_log, Progress(reports, night_id))
    except (AirflowError, ConfigError) as error:
        sys.exit(f"night not started: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where the night stopped")
    took = (dt.datetime.now(dt.UTC) - started).total_seconds()
    page = state / "reports" / run_date.isoformat() / "index.html"
    if status:
        stage, why, log = failure(night_records(reports, night_id), airflow_log)
        if page.exists():
            say(f"report: {page}\n")
        say(f"night failed after {took:.0f} s; the last release stays live\n")
        say(f"stage: {stage}\nwhy: {why}\nlog: {log}\n")
        return 1
    say(f"night done in {took:.0f} s\n")
    say(f"release: {read_release(state).row['release_id']}\n")
    say(f"tables: {state / 'warehouse'}\n")
    say(f"drops: {state / 'drops'}\n")
    say(f"report: {page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
