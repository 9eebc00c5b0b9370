"""The moments to kill at, and whether they have come."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from tests.faults.nights import STAGES, Command, works

OBJECTS = {"ray_tasks.build_product_views": "cutouts", "ray_tasks.make_candidates": "pictures"}
COMMITS = {
    "jobs.ingest_catalog": ("products", "rejects"),
    "jobs.build_segments": ("segments", "segment_affinity"),
    "ray_tasks.build_product_views": ("product_views",),
    "ray_tasks.infer_personas": ("personas",),
    "ray_tasks.write_instructions": ("instructions",),
    "jobs.plan_work_units": ("work_units",),
    "ray_tasks.make_candidates": ("candidates", "rejects"),
    "ray_tasks.score_candidates": ("scores",),
    "jobs.publish_release": ("assets", "releases"),
}
"""Tables by the stage that writes them."""
GOES_ON = {
    "ray_tasks.build_product_views": "product_views",
    "ray_tasks.make_candidates": "candidates",
    "ray_tasks.score_candidates": "scores",
}
"""Stages that go on behind their last commit, and its table; the others begin anew."""
WORKERS = {
    "ray_tasks.build_product_views": "CutOutImages",
    "ray_tasks.infer_personas": "PersonaRanker",
    "ray_tasks.write_instructions": "InstructionWriter",
    "ray_tasks.make_candidates": "DrawPictures",
    "ray_tasks.score_candidates": "ScoreCandidates",
}
"""What Ray's workers are of a stage: they have loaded what they need when they work on a first batch."""


@dataclass(frozen=True)
class Kill:
    """When to kill: `share` of the stage's usual time after it began, or when `folder` holds something new."""

    stage: str
    share: float
    folder: str | None = None
    waits_for_engine: bool = False

    @property
    def moment(self) -> str:
        """In words, for the table."""
        if self.folder is None:
            return "as its engine was up" if self.waits_for_engine else "some time after it began"
        kind, _, name = self.folder.partition("/")
        return "after an upload" if kind == "store" else f"after a commit of {name.split('/')[0]}"


def between_writes() -> list[tuple[str, float, str]]:
    """Stage, 0 and folder of every moment between two writes: after an upload, after a commit."""
    folders = [(stage, f"store/{kind}") for stage, kind in OBJECTS.items()]
    folders += [
        (stage, f"warehouse/{table}/_delta_log") for stage, tables in COMMITS.items() for table in tables
    ]
    return [(stage, 0, folder) for stage, folder in folders]


def draw_kills(random_: random.Random, number: int, usual_s: Mapping[str, float]) -> list[Kill]:
    """That many kills: one between two writes, the others one in each equal part of the stages' time together."""
    part_s = sum(usual_s.values()) / max(1, number - 1)
    return [
        *(_at((nth + random_.random()) * part_s, usual_s) for nth in range(number - 1)),
        Kill(*random_.choice(between_writes())),
    ]


def _at(after_s: float, usual_s: Mapping[str, float]) -> Kill:
    """The kill when the stages have run for that long together."""
    for stage, took_s in usual_s.items():
        if after_s < took_s:
            return Kill(stage, after_s / took_s)
        after_s -= took_s
    raise ValueError("a moment after the last stage")


def as_engines_are_up(clean: Command, usual_s: Mapping[str, float]) -> list[Kill]:
    """A kill for every stage when its engine is up, Ray's workers included, and nothing of its work is done."""
    return [
        Kill(stage, 0 if stage in WORKERS else clean.engine_s(stage) / took_s, waits_for_engine=True)
        for stage, took_s in usual_s.items()
    ]


def contents(folder: Path) -> set[Path]:
    """Finished files below a folder: no side files."""
    paths = (path for path in folder.rglob("*") if path.suffix not in {"", ".tmp"})
    return {path for path in paths if not path.name.startswith(".")}


def behind(done: Kill, later: Kill) -> Kill:
    """The later kill in a stage that goes on where the kill that was done has stopped it."""
    return (
        replace(later, share=later.share - done.share)
        if later.stage == done.stage and not later.folder
        else later
    )


def later_began(command: Command, stage: str, since: float) -> bool:
    """Whether a stage behind that one has begun since then."""
    return any(command.began_at(later) > since for later in STAGES[STAGES.index(stage) + 1 :])


class Restart:
    """How long a kill keeps its night from work: until the stage that it hit works again, its engine up.

    That is a worker of Ray, begun since the kill, that works on rows; or Spark, started since the kill; or, where the
    stage started neither or had nothing left to do, that it or a later stage has begun. Where an engine replaces its
    worker and the stage goes on, there is no restart.
    """

    def __init__(self, command: Command, stage: str) -> None:
        self._command, self._stage, self._killed_at = command, stage, time.time()
        self._pid = command.record(stage).get("pid")
        self._asked = 0.0
        self.took_s: float | None = None

    def look(self, night: int) -> None:
        """Notes whether it is over; looks twice a second, for looking takes the night's own cores."""
        if self.took_s is None and time.monotonic() - self._asked > 0.5:
            self._asked = time.monotonic()
            over_at = self._over_at(night)
            self.took_s = over_at - self._killed_at if over_at else None

    def end(self) -> float:
        """Seconds that it took; if it is not over, it is now."""
        if self.took_s is None:
            self.took_s = time.time() - self._killed_at
        return self.took_s

    def _over_at(self, night: int) -> float | None:
        """When it was over, seconds since the epoch."""
        record = self._command.record(self._stage)
        is_past = later_began(self._command, self._stage, self._killed_at)
        if record.get("pid") == self._pid:
            return self._killed_at if record.get("status") == "done" else time.time() if is_past else None
        if self._stage in WORKERS:
            return time.time() if is_past or works(night, WORKERS[self._stage], self._killed_at) else None
        up_at = self._command.spark_up_at(self._stage, self._killed_at)
        began_at = self._command.began_at(self._stage)
        return up_at or (began_at if is_past or record.get("status") == "done" else None)


class Watch:
    """Says when the moment of the next kill has come."""

    def __init__(self, command: Command, night: int, kill: Kill, usual_s: float, given_at: float) -> None:
        self._night = night
        self._command, self.kill, self._after_s = command, kill, kill.share * usual_s
        self._folder = command.state / kill.folder if kill.folder else None
        self._began = 0.0
        self._given_at = given_at
        self._before: set[Path] = set()

    @property
    def poll_s(self) -> float:
        """How often to ask: as seldom as the moment allows, for asking takes the night's own cores."""
        if not self._began or self._folder is None:
            return 0.05
        return 0.004 if self._folder.name == "_delta_log" else 0.2

    def has_come(self) -> bool | None:
        """True when it has come; None when the stage ended before it came."""
        record = self._command.record(self.kill.stage)
        running = record.get("status") == "running" and psutil.pid_exists(record.get("pid", -1))
        if running and not self._began:
            self._began = time.monotonic()
            self._before = contents(self._folder) if self._folder else set()
            return False
        if not self._began:
            return None if self._is_past(record) else False
        if self.kill.waits_for_engine and self.kill.stage in WORKERS:
            return True if works(self._night, WORKERS[self.kill.stage]) else False if running else None
        if self._folder is None and time.monotonic() - self._began >= self._after_s:
            return True if running else None
        if self._folder is not None and contents(self._folder) - self._before:
            return True
        return False if running else None

    def lost_s(self) -> float:
        """Seconds of the stage until now that are not behind a commit from which it goes on."""
        ran_s = time.monotonic() - self._began
        if self.kill.stage not in GOES_ON:
            return ran_s
        log = self._command.state / "warehouse" / GOES_ON[self.kill.stage] / "_delta_log"
        return min(ran_s, time.time() - max((path.stat().st_mtime for path in log.glob("*.json")), default=0))

    def _is_past(self, record: dict[str, Any]) -> bool:
        """Whether this command is beyond the stage already."""
        if later_began(self._command, self.kill.stage, self._given_at):
            return True
        return (
            record.get("status") in {"done", "unchanged"}
            and self._command.written_at(self.kill.stage) > self._given_at
        )
