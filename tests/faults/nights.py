"""A real night to be killed: its shop, its command, and its processes by kind."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.airflow_home import end_tree
from infra.records import read_record, record_path
from infra.sample_shop.__main__ import main as make_sample_shop
from tests.jobs.sample_night import RUN_DATE

ROOT = Path(__file__).resolve().parents[2]
STAGES = tuple(
    dict.fromkeys(
        re.findall(r'"((?:jobs|ray_tasks)\.\w+)"', (ROOT / "dags/nightly.py").read_text(encoding="utf-8"))
    )
)
"""The stages in the order in which the night runs them."""

_ENGINE_IS_UP = re.compile(r"^(\S+ \S+),\d+ .* Spark is up", re.MULTILINE)
_KINDS = (
    ("airflow", "infra.airflow_home"),
    ("driver", "infra.stage"),
    ("raylet", "raylet/raylet"),
    ("ray's control store", "gcs_server"),
    ("ray worker", "ray::"),
    ("spark worker", "pyspark.daemon"),
    ("spark JVM", "java"),
)
"""Kind of process and what stands in the command line, the first that fits."""


@dataclass(frozen=True)
class Command:
    """The ordinary command of a night, to be given again and again."""

    config: Path
    state: Path

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """The night's first process, in a process group of its own; what it says goes to a file."""
        words = [sys.executable, "-m", "infra.night", f"--config={self.config}", f"--state={self.state}"]
        words += [f"--run-date={RUN_DATE}"]
        env = os.environ | {"PYTHONPATH": str(ROOT), "HUNDREDFACES_RETRY_DELAY_S": "0"}
        with log.open("ab") as out:
            return subprocess.Popen(words, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)

    def record(self, stage: str) -> dict[str, Any]:
        """The stage's record of this night; empty when there is none."""
        return read_record(record_path(self.state, RUN_DATE, stage)) or {}

    def engine_s(self, stage: str) -> float:
        """Seconds from the stage's beginning until the engine that it started was up; 0 where it started none."""
        began = dt.datetime.fromisoformat(self.record(stage)["runs"][0]["started_at"]).timestamp()
        return max(0.0, (self.spark_up_at(stage) or began) - began)

    def spark_up_at(self, stage: str, since: float = 0.0) -> float | None:
        """When Spark was up first that the stage started, seconds since the epoch; None where it has not since then."""
        log = Path(self.record(stage)["log"]).read_text(encoding="utf-8")
        up = (dt.datetime.fromisoformat(said).timestamp() for said in _ENGINE_IS_UP.findall(log))
        return next((at for at in up if at > since), None)

    def began_at(self, stage: str) -> float:
        """When the stage began last, seconds since the epoch; 0 where it has not."""
        started_at = self.record(stage).get("started_at")
        return dt.datetime.fromisoformat(started_at).timestamp() if started_at else 0.0

    def written_at(self, stage: str) -> float:
        """When the stage's record was written last, seconds since the epoch."""
        return record_path(self.state, RUN_DATE, stage).stat().st_mtime


def make_shop(folder: Path) -> Path:
    """The configuration of a night over the sample shop, which is made below `folder`."""
    make_sample_shop(["--out", str(folder / "shop")])
    text = (ROOT / "infra/config/local.toml").read_text(encoding="utf-8")
    for old, new in (
        ('"{state}/sample_shop"', f'"{folder / "shop"}"'),
        ("sample_shop = true", ""),
    ):
        assert old in text, old
        text = text.replace(old, new)
    config = folder / "night.toml"
    config.write_text(text, encoding="utf-8")
    return config


def processes(root: int) -> dict[str, list[psutil.Process]]:
    """The living processes of a night by kind; `root` is its first one."""
    try:
        night = psutil.Process(root)
        found = {"night": [night]} if night.status() != psutil.STATUS_ZOMBIE else {}
        children = night.children(recursive=True)
    except psutil.NoSuchProcess:
        return {}
    for process in children:
        words = title(process)
        kind = next((kind for kind, mark in _KINDS if mark in words), None)
        if kind:
            found.setdefault(kind, []).append(process)
    return found


@contextmanager
def standing_still(root: int) -> Iterator[None]:
    """Nothing of a night runs while the body does."""
    still = [process for found in processes(root).values() for process in found]
    for process in still:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in still:
            with suppress(psutil.Error):
                process.resume()


def works(root: int, worker: str, since: float = 0.0) -> bool:
    """Whether one of Ray's processes of the night, begun since then, is that worker and is at work on rows."""
    workers = processes(root).get("ray worker", [])
    return any(f"({worker})).submit" in title(process) and begun(process) > since for process in workers)


def begun(process: psutil.Process) -> float:
    """When the process began, seconds since the epoch; 0 when it is gone."""
    try:
        return float(process.create_time())
    except psutil.Error:
        return 0.0


def title(process: psutil.Process) -> str:
    """What the process calls itself; empty when it is gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def survivors(state: Path) -> list[psutil.Process]:
    """Processes that still work on a state: their command line names it."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(state) in word for word in words) and "infra." in " ".join(words[:4]):
            found.append(process)
    return found


def end(night: subprocess.Popen[bytes]) -> None:
    """Ends a night that hangs, with all that it started."""
    end_tree(night.pid, timeout_s=2, root_at_once=True)
    night.wait()
