"""Kills a night of the sample shop again and again, gives the same command again, and says what was lost or made twice.

    python -m tests.faults --kills 50 --seed 1

A kill is SIGKILL to one process of the night (its command, Airflow, a stage's driver, a Ray worker, Ray's daemons, the
Spark JVM) at a moment that the seed chooses: most spread evenly over the time that the stages of an uninterrupted night
take, and in every night one at the moment when a new object lies in the store or a new version of a table is there. At
each kill what is committed must be whole; when the night is through, it must be as one that was never interrupted.

In the first of the killed nights a kill comes to every stage, as its engine is up (as the stage begins, where that
starts none); its time does not count, for nothing has to be done again then. A restart is measured at every kill:
until the stage that it hit works again, its engine up. What the other nights take beyond uninterrupted ones and their
restarts is work done again. After a kill of its command or of Airflow a night begins from the top, after any other a
task is tried again: every second kill is of the first sort. An uninterrupted night is run at the beginning, in the
middle and at the end, for a machine's speed drifts within an hour; the mean counts. While a state is looked at, all
that lives of its night stands still, and that time does not count. And at every kill the clock says how long the
stage had run since it began, or since its last commit where it goes on behind that: no more than this is done again,
an engine's start included. The tables are printed and written after every night, so that what is interrupted has said
something.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.faults.invariants import Slot, broken_objects, compare, live_assets, twice, uncommitted_pictures
from tests.faults.kills import GOES_ON, Kill, Restart, Watch, as_engines_are_up, behind, draw_kills
from tests.faults.nights import STAGES, Command, end, make_shop, processes, standing_still, survivors
from tests.faults.tally import Done, Tally, table

KILLS_A_NIGHT = 4
RESULTS = Path(__file__).with_name("RESULTS.md")
HANGS_AFTER = 6.0
"""Times the uninterrupted night."""


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
        if tally.kills:
            tally.kills[-1].restart.look(night.pid)
        if time.monotonic() > deadline:
            tally.faults["hangs"] += 1
            tally.details.append(f"hangs: {log}")
            end(night)
            return 1
        if watch is None and pending:
            watch = Watch(command, night.pid, pending[0], usual_s[pending[0].stage], given_at)
        come = watch.has_come() if watch else False
        if come is not False:
            assert watch is not None
            pending.pop(0)
            lost_s = watch.lost_s()
            if come and (victim := kill_one(night.pid, watch.kill, tally.next_from_the_top(), random_)):
                if tally.kills:
                    tally.kills[-1].restart.end()
                began = time.monotonic()
                with standing_still(night.pid):
                    found, redone = faults_now(command.state), uncommitted_pictures(command.state)
                tally.checking_s += time.monotonic() - began
                restart = Restart(command, watch.kill.stage)
                tally.kills.append(Done(watch.kill, victim, found, redone, lost_s, restart))
                if watch.kill.stage in GOES_ON:
                    pending[:] = [behind(watch.kill, later) for later in pending]
                say(f"  {watch.kill.stage:32} {watch.kill.moment:34} {victim}")
            watch = None
        time.sleep(watch.poll_s if watch else 0.05)
    return night.returncode


def kill_one(root: int, kill: Kill, from_the_top: bool, random_: random.Random) -> str | None:
    """Kills one process of a night, of a kind that is drawn among those alive; the kind.

    from_the_top: one without which the whole command has to be given again, otherwise one of a task's own.
    """
    found = processes(root)
    # At a named moment, a process whose death ends what the moment is in the middle of.
    tasks = {"driver"} if kill.folder else found.keys() - {"night", "airflow"}
    kinds = sorted(found.keys() & ({"night", "airflow"} if from_the_top else tasks))
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
        kept.write_text(json.dumps([uninterrupted_s(command) for _ in range(2)]), encoding="utf-8")
    first_s, again_s = json.loads(kept.read_text(encoding="utf-8"))
    # Of a stage that was repeated for a few pictures, the first time.
    times = {stage: command.record(stage)["runs"][0]["wall_s"] for stage in STAGES}
    say(f"uninterrupted: {first_s:.0f} s, again {again_s:.0f} s, {len(live_assets(command.state))} assets")
    return command, times, Tally([first_s], again_s), live_assets(command.state)


def uninterrupted_s(command: Command) -> float:
    """Seconds that the command takes when nothing is killed."""
    began = time.monotonic()
    log = command.state.with_suffix(".log")
    assert command.start(log).wait() == 0, f"the uninterrupted night failed: {log}"
    return time.monotonic() - began


def run_clean_again(
    folder: Path, clean: Command, expected: dict[Slot, tuple[str, str]], tally: Tally
) -> None:
    """One more uninterrupted night, in a state of its own, compared as the killed ones are."""
    command = Command(clean.config, folder / f"clean_{len(tally.clean_nights_s)}")
    tally.clean_nights_s.append(uninterrupted_s(command))
    say(f"uninterrupted: {tally.clean_nights_s[-1]:.0f} s")
    tally.note(command.state.name, compare(command.state, expected))
    shutil.rmtree(command.state)


def run_killed(
    folder: Path, number: int, kills: list[Kill], clean: Command, usual_s: dict[str, float],
    expected: dict[Slot, tuple[str, str]], tally: Tally, random_: random.Random,
) -> None:  # fmt: skip
    """One night, killed as `kills` says and given again until it is through, then compared."""
    command = Command(clean.config, folder / f"night_{number}")
    log = folder / f"night_{number}.log"
    began, killed_before, checked_s = time.monotonic(), len(tally.kills), tally.checking_s
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
    wall_s = time.monotonic() - began - (tally.checking_s - checked_s)
    tally.nights.append((len(tally.kills) - killed_before, wall_s))
    tally.note(f"night {number}", compare(command.state, expected))
    for done in tally.kills:
        tally.details += [f"night {number}: at a kill in {done.kill.stage}: {fault}" for fault in done.faults]
        tally.faults["broken at a kill"] += len(done.faults)
        done.faults.clear()


def main(argv: Sequence[str] | None = None) -> int:
    """Kills, compares, prints the table; 0 when nothing was lost, twice or broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills-a-night", type=int, default=KILLS_A_NIGHT)
    parser.add_argument("--folder", type=Path, default=None, help="for the nights; one that is used goes on")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file that the tables are written to")
    args = parser.parse_args(argv)
    folder: Path = (args.folder or Path(tempfile.mkdtemp(prefix="faults-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    clean, usual_s, tally, expected = run_clean(folder)
    so_far = folder / "tally.pickle"
    if so_far.exists():
        tally = pickle.loads(so_far.read_bytes())
    nights = 1 + -(-(args.kills - len(STAGES)) // args.kills_a_night)
    while len(tally.kills) < args.kills and len(tally.nights) < args.kills:
        nth = len(tally.nights)
        random_ = random.Random(f"{args.seed} {nth}")
        number = min(args.kills_a_night, args.kills - len(tally.kills))
        kills = draw_kills(random_, number, usual_s) if nth else as_engines_are_up(clean, usual_s)
        say(f"night {nth}: {len(kills)} kills planned, {len(tally.kills)} done")
        run_killed(folder, nth, kills, clean, usual_s, expected, tally, random_)
        say("\n".join(tally.details))
        if len(tally.nights) in {nights // 2, nights}:
            run_clean_again(folder, clean, expected, tally)
        so_far.write_bytes(pickle.dumps(tally))
        if not tally.details:
            shutil.rmtree(folder / f"night_{nth}")
        shown = table(tally, args.seed, len(expected))
        say(shown)
        args.out.write_text(shown, encoding="utf-8")
    return 1 if any(tally.faults.values()) or tally.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
