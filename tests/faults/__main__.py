"""Kills a small real night again and again, gives the same command again, and says what was lost or made twice.

    python -m tests.faults --kills 60 --seed 1

A kill is SIGKILL to one process of the night (its command, Airflow, a stage's driver, a Ray worker, Ray's daemons, the
Spark JVM) at a moment that the seed chooses: some time after a stage began, the moment when a new object lies in the
store, or the moment when a new version of a table is there. At each kill what is committed must be whole; when the
night is through, it must be as one that was never interrupted.

What a kill costs is told twice. The first night has a kill as each stage begins, when there is nothing yet to be done
again: that tells what a restart costs, and what the other nights take beyond an uninterrupted one and their restarts is
work done again. And at every kill the clock says how long the stage had run since it began, or since its last commit
where it goes on behind that: no more than this is done again, an engine's start included.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import pickle
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.faults.invariants import Slot, broken_objects, compare, live_assets, twice, uncommitted_pictures
from tests.faults.nights import STAGES, Command, end, make_shop, processes, survivors

POLL_S = 0.004
KILLS_A_NIGHT = 17
HANGS_AFTER = 6.0
"""Times the uninterrupted night."""
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


@dataclass(frozen=True)
class Kill:
    """When to kill: `share` of the stage's usual time after it began, or when `folder` holds something new."""

    stage: str
    share: float
    folder: str | None = None

    @property
    def moment(self) -> str:
        """In words, for the table."""
        if self.folder is None:
            return "some time after it began" if self.share else "as it began"
        kind, _, name = self.folder.partition("/")
        return "after an upload" if kind == "store" else f"after a commit of {name.split('/')[0]}"


@dataclass
class Done:
    """What happened at one kill."""

    kill: Kill
    victim: str
    faults: list[str]
    redone: int
    lost_s: float
    """Seconds since the stage began or made its last commit."""


@dataclass
class Tally:
    """All nights together."""

    clean_s: float
    unchanged_s: float
    kills: list[Done] = field(default_factory=list)
    nights: list[tuple[int, float]] = field(default_factory=list)
    """(kills, seconds) of each."""
    commands: int = 0
    survivors: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def restart_s(self) -> float:
        """What a kill costs that costs no work, from the first night."""
        kills, wall_s = self.nights[0]
        return (wall_s - self.clean_s) / max(1, kills)

    def share(self) -> float | None:
        """Time of the later nights against as many uninterrupted ones plus their restarts."""
        kills, wall_s = (
            (sum(column) for column in zip(*self.nights[1:], strict=True)) if self.nights[1:] else (0, 0)
        )
        return wall_s / ((len(self.nights) - 1) * self.clean_s + kills * self.restart_s()) if kills else None


def draw_kills(random_: random.Random, number: int) -> list[Kill]:
    """That many kills: each stage has its turn before one has two; the kind of moment is drawn.

    Always among them are those between an upload and the commit that names it.
    """
    possible = {stage: [Kill(stage, random_.uniform(0.02, 0.95)) for _ in range(2)] for stage in STAGES}
    for stage, tables in COMMITS.items():
        possible[stage] += [Kill(stage, 0, f"warehouse/{table}/_delta_log") for table in tables]
    for kills in possible.values():
        random_.shuffle(kills)
    for stage, kind in OBJECTS.items():
        possible[stage].insert(0, Kill(stage, 0, f"store/{kind}"))
    turns = [
        kills[turn] for turn in range(2) for kills in random_.sample(list(possible.values()), len(STAGES))
    ]
    return turns[:number]


def contents(folder: Path) -> set[Path]:
    """Finished files below a folder: no side files."""
    paths = (path for path in folder.rglob("*") if path.suffix not in {"", ".tmp"})
    return {path for path in paths if not path.name.startswith(".")}


class Watch:
    """Says when the moment of the next kill has come."""

    def __init__(self, command: Command, kill: Kill, usual_s: float, given_at: float) -> None:
        self._command, self.kill, self._after_s = command, kill, kill.share * usual_s
        self._folder = command.state / kill.folder if kill.folder else None
        self._began = 0.0
        self._given_at = given_at
        self._before: set[Path] = set()

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
        later = STAGES[STAGES.index(self.kill.stage) + 1 :]
        began = [self._command.record(stage).get("started_at") for stage in later]
        if any(text and dt.datetime.fromisoformat(text).timestamp() > self._given_at for text in began):
            return True
        return (
            record.get("status") in {"done", "unchanged"}
            and self._command.written_at(self.kill.stage) > self._given_at
        )


def attempt(
    command: Command,
    pending: list[Kill],
    usual_s: dict[str, float],
    random_: random.Random,
    tally: Tally,
    log: Path,
) -> int:
    """Gives the command once and kills as `pending` says, in the order of the stages; the exit status."""
    given_at = time.time()
    night = command.start(log)
    tally.commands += 1
    deadline = time.monotonic() + HANGS_AFTER * tally.clean_s
    watch: Watch | None = None
    while night.poll() is None:
        if time.monotonic() > deadline:
            tally.faults["hangs"] += 1
            tally.details.append(f"hangs: {log}")
            end(night)
            return 1
        if watch is None and pending:
            watch = Watch(command, pending[0], usual_s[pending[0].stage], given_at)
        come = watch.has_come() if watch else False
        if come is not False:
            assert watch is not None
            pending.pop(0)
            lost_s = watch.lost_s()
            if come and (victim := kill_one(night.pid, watch.kill, random_)):
                found, redone = faults_now(command.state), uncommitted_pictures(command.state)
                tally.kills.append(Done(watch.kill, victim, found, redone, lost_s))
                say(f"  {watch.kill.stage:32} {watch.kill.moment:34} {victim}")
            watch = None
        time.sleep(POLL_S)
    return night.returncode


def kill_one(root: int, kill: Kill, random_: random.Random) -> str | None:
    """Kills one process of a night, of a kind that is drawn among those alive; the kind."""
    found = processes(root)
    # At a named moment, a process whose death ends what the moment is in the middle of.
    kinds = sorted(found.keys() & {"night", "airflow", "driver"} if kill.folder else found.keys())
    if not kinds:
        return None
    kind = random_.choice(kinds)
    try:
        random_.choice(found[kind]).kill()
    except psutil.NoSuchProcess:
        return None
    return kind


def faults_now(state: Path) -> list[str]:
    """What is wrong with what is committed at this moment."""
    return [f"twice: {key}" for key in twice(state)] + [f"object: {uri}" for uri in broken_objects(state)]


def say(text: str) -> None:
    print(text, flush=True)


def run_clean(folder: Path) -> tuple[Command, dict[str, float], Tally, dict[Slot, tuple[str, str]]]:
    """The uninterrupted night, unless the folder holds one: its command, stages' times, tally, what it published."""
    command = Command(folder / "night.toml", folder / "clean")
    kept = folder / "clean.json"
    if not kept.exists():
        make_shop(folder)
        took = []
        for _ in range(2):
            began = time.monotonic()
            status = command.start(folder / "clean.log").wait()
            took.append(time.monotonic() - began)
            assert status == 0, f"the uninterrupted night failed: {folder / 'clean.log'}"
        kept.write_text(json.dumps(took), encoding="utf-8")
    took = json.loads(kept.read_text(encoding="utf-8"))
    times = {stage: sum(run["wall_s"] for run in command.record(stage)["runs"]) for stage in STAGES}
    say(f"uninterrupted: {took[0]:.0f} s, again {took[1]:.0f} s, {len(live_assets(command.state))} assets")
    return command, times, Tally(*took), live_assets(command.state)


def run_killed(
    folder: Path, number: int, kills: list[Kill], clean: Command, usual_s: dict[str, float],
    expected: dict[Slot, tuple[str, str]], tally: Tally, random_: random.Random,
) -> None:  # fmt: skip
    """One night, killed as `kills` says and given again until it is through, then compared."""
    command = Command(clean.config, folder / f"night_{number}")
    log = folder / f"night_{number}.log"
    began, killed_before = time.monotonic(), len(tally.kills)
    pending = sorted(kills, key=lambda kill: (STAGES.index(kill.stage), kill.folder is not None, kill.share))
    for _ in range(len(kills) + 3):
        before = len(tally.kills)
        status = attempt(command, pending, usual_s, random_, tally, log)
        tally.survivors += len(survivors(command.state))
        if status == 0 and not pending:
            break
        if status and len(tally.kills) == before:
            tally.faults["not finished"] += 1
            tally.details.append(f"failed without a kill: {log}")
            break
        if status == 0:
            break
    tally.nights.append((len(tally.kills) - killed_before, time.monotonic() - began))
    for name, found in compare(command.state, expected).items():
        tally.faults[name] += len(found)
        tally.details += [f"night {number}: {name}: {item}" for item in found]
    for done in tally.kills:
        tally.details += [f"night {number}: at a kill in {done.kill.stage}: {fault}" for fault in done.faults]
        tally.faults["broken at a kill"] += len(done.faults)
        done.faults.clear()


def table(tally: Tally, seed: int) -> str:
    """The result as Markdown."""
    by_stage: dict[str, list[Done]] = {stage: [] for stage in STAGES}
    for done in tally.kills:
        by_stage[done.kill.stage].append(done)
    lines = [
        "| stage | kills | moments | killed | redone, most | lost s, most |",
        "|---|---:|---|---|---:|---:|",
    ]
    for stage, dones in by_stage.items():
        moments = ", ".join(f"{n} {m}" for m, n in Counter(d.kill.moment for d in dones).most_common())
        victims = ", ".join(f"{n} {v}" for v, n in Counter(d.victim for d in dones).most_common())
        redone = max((d.redone for d in dones), default=0)
        lost_s = max((d.lost_s for d in dones), default=0)
        lines.append(f"| {stage} | {len(dones)} | {moments} | {victims} | {redone} | {lost_s:.1f} |")
    faults = ", ".join(f"{name} {tally.faults[name]}" for name in sorted(tally.faults)) or "none"
    redone, lost = [done.redone for done in tally.kills], [done.lost_s for done in tally.kills] or [0.0]
    share = tally.share()
    summary = [
        "| kills | nights | stages hit | lost | twice | redone, all | redone, most after one kill | changed "
        "| broken objects | extra releases | left running | time against clean passes and restarts |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        f"| {len(tally.kills)} | {len(tally.nights)} | {sum(1 for d in by_stage.values() if d)} of {len(STAGES)} "
        f"| {tally.faults['lost']} | {tally.faults['twice']} | {sum(redone)} | {max(redone, default=0)} "
        f"| {tally.faults['changed']} | {tally.faults['objects']} | {tally.faults['releases']} | {tally.survivors} "
        f"| {f'{share:.2f}' if share else 'not known'} |",
        "",
        "Redone: pictures that lay in the store and in no table at a kill. An uninterrupted night takes "
        f"{tally.clean_s:.0f} s, the same again {tally.unchanged_s:.0f} s. The command was given again "
        f"{tally.commands - len(tally.nights)} times; a restart costs {tally.restart_s():.0f} s, as measured in the "
        f"first night, whose kills come as stages begin. A kill lost {sum(lost) / len(lost):.1f} s of a stage in the "
        f"mean and {max(lost):.1f} s at most, {sum(lost) / len(lost) / tally.clean_s:.1%} and "
        f"{max(lost) / tally.clean_s:.1%} of an uninterrupted night. All faults: {faults}.",
    ]
    head = [
        f"`python -m tests.faults --kills {len(tally.kills)} --seed {seed}`, {os.cpu_count()} {platform.machine()} "
        f"cores, {dt.date.today()}",
        "",
    ]
    return "\n".join([*head, *summary, "", *lines, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Kills, compares, prints the table; 0 when nothing was lost, twice or broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills-a-night", type=int, default=KILLS_A_NIGHT)
    parser.add_argument("--folder", type=Path, default=None, help="for the nights; one that is used goes on")
    parser.add_argument("--out", type=Path, default=None, help="file that the table is written to")
    args = parser.parse_args(argv)
    folder: Path = (args.folder or Path(tempfile.mkdtemp(prefix="faults-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    clean, usual_s, tally, expected = run_clean(folder)
    so_far = folder / "tally.pickle"
    if so_far.exists():
        tally = pickle.loads(so_far.read_bytes())
    while len(tally.kills) < args.kills and len(tally.nights) < args.kills:
        nth = len(tally.nights)
        random_ = random.Random(f"{args.seed} {nth}")
        number = min(args.kills_a_night, args.kills - len(tally.kills))
        kills = draw_kills(random_, number) if nth else [Kill(stage, 0) for stage in STAGES]
        say(f"night {nth}: {len(kills)} kills planned, {len(tally.kills)} done")
        run_killed(folder, nth, kills, clean, usual_s, expected, tally, random_)
        say("\n".join(tally.details))
        so_far.write_bytes(pickle.dumps(tally))
        if not tally.details:
            shutil.rmtree(folder / f"night_{nth}")
    shown = table(tally, args.seed)
    say(shown)
    if args.out:
        args.out.write_text(shown, encoding="utf-8")
    return 1 if any(tally.faults.values()) or tally.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
