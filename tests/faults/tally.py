"""What became of killed nights, and its tables."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from tests.faults.kills import Kill, Restart
from tests.faults.nights import STAGES


@dataclass
class Done:
    """What happened at one kill."""

    kill: Kill
    victim: str
    faults: list[str]
    redone: int
    lost_s: float
    """Seconds since the stage began or made its last commit."""
    restart: Restart


@dataclass
class Tally:
    """All nights together."""

    clean_nights_s: list[float]
    """Of the uninterrupted ones."""
    unchanged_s: float
    kills: list[Done] = field(default_factory=list)
    nights: list[tuple[int, float]] = field(default_factory=list)
    """(kills, seconds) of each, in the order of `kills`."""
    commands: int = 0
    checking_s: float = 0.0
    """What looking at a state took while its night was dead: no time of the nights."""
    survivors: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    @property
    def clean_s(self) -> float:
        """What an uninterrupted night takes, in the mean."""
        return sum(self.clean_nights_s) / len(self.clean_nights_s)

    def next_from_the_top(self) -> bool:
        """Whether the next kill is one after which the whole command has to be given again: every second one."""
        return (len(self.kills) + len(self.nights)) % 2 == 0

    def note(self, night: str, faults: dict[str, list[str]]) -> None:
        """Counts what `compare` found."""
        for name, found in faults.items():
            self.faults[name] += len(found)
            self.details += [f"{night}: {name}: {item}" for item in found]

    def due_s(self) -> list[float]:
        """What each night would have taken had its kills cost no work: an uninterrupted night and its restarts."""
        restarts = iter([done.restart.end() for done in self.kills])
        return [self.clean_s + sum(islice(restarts, kills)) for kills, _ in self.nights]

    def share(self) -> float | None:
        """Time of the nights behind the first, whose kills come as engines are up, against what was due."""
        taken_s = sum(wall_s for _, wall_s in self.nights[1:])
        return taken_s / sum(self.due_s()[1:]) if taken_s else None


def table(tally: Tally, seed: int, pictures: int) -> str:
    """The result as Markdown; `pictures`: of one night."""
    by_stage: dict[str, list[Done]] = {stage: [] for stage in STAGES}
    for done in tally.kills:
        by_stage[done.kill.stage].append(done)
    lines = [
        "| stage | kills | moments | killed | redone, most | lost s, most | restart s, mean |",
        "|---|---:|---|---|---:|---:|---:|",
    ]
    for stage, dones in by_stage.items():
        moments = ", ".join(f"{n} {m}" for m, n in Counter(d.kill.moment for d in dones).most_common())
        victims = ", ".join(f"{n} {v}" for v, n in Counter(d.victim for d in dones).most_common())
        redone = max((d.redone for d in dones), default=0)
        lost_s = max((d.lost_s for d in dones), default=0)
        restart_s = sum(done.restart.end() for done in dones) / max(1, len(dones))
        lines.append(
            f"| {stage} | {len(dones)} | {moments} | {victims} | {redone} | {lost_s:.1f} | {restart_s:.1f} |"
        )
    faults = ", ".join(f"{name} {tally.faults[name]}" for name in sorted(tally.faults)) or "none"
    redone, lost = [done.redone for done in tally.kills], [done.lost_s for done in tally.kills] or [0.0]
    restarts_s = [done.restart.end() for done in tally.kills] or [0.0]
    share = tally.share()
    cells = {
        "kills": len(tally.kills),
        "nights": len(tally.nights),
        "stages hit": f"{sum(1 for dones in by_stage.values() if dones)} of {len(STAGES)}",
        "lost": tally.faults["lost"],
        "twice": tally.faults["twice"],
        "redone, all": sum(redone),
        "redone, share of all made": f"{sum(redone) / max(1, pictures * len(tally.nights)):.1%}",
        "redone, most after one kill": max(redone, default=0),
        "changed": tally.faults["changed"],
        "broken objects": tally.faults["objects"],
        "extra releases": tally.faults["releases"],
        "left running": tally.survivors,
        "time against clean passes and restarts": f"{share:.3f}" if share else "not known",
    }
    clean = ", ".join(f"{seconds:.0f}" for seconds in tally.clean_nights_s)
    summary = [
        f"| {' | '.join(cells)} |",
        "|---:" * len(cells) + "|",
        f"| {' | '.join(map(str, cells.values()))} |",
        "",
        "Redone: pictures that lay in the store and in no table at a kill: the shard that a kill costs is what was "
        f"drawn since the last commit, at most {max(redone, default=0)} of a night's {pictures} pictures. An "
        f"uninterrupted night takes {tally.clean_s:.0f} s (the mean of {clean}), the same again "
        f"{tally.unchanged_s:.0f} s. The command was given again {tally.commands - len(tally.nights)} times. "
        "A restart, from the kill until the stage that it hit works again with its engine up, took "
        f"{sum(restarts_s) / len(restarts_s):.1f} s in the mean and {max(restarts_s):.1f} s at most. "
        f"A kill lost {sum(lost) / len(lost):.1f} s of a stage in the mean and {max(lost):.1f} s at most, "
        f"{sum(lost) / len(lost) / tally.clean_s:.1%} and {max(lost) / tally.clean_s:.1%} of an uninterrupted night. "
        f"All faults: {faults}.",
    ]
    head = [
        "# Nights that were killed",
        "",
        f"`python -m tests.faults --kills {len(tally.kills)} --seed {seed}`, {len(os.sched_getaffinity(0))} "
        f"{platform.machine()} cores, {dt.date.today()}. The sample shop, as `make night` has it.",
        "",
    ]
    nights = ["| night | kills | s | clean and restarts, s | against them |", "|---:|---:|---:|---:|---:|"]
    for nth, ((kills, wall_s), due_s) in enumerate(zip(tally.nights, tally.due_s(), strict=True)):
        nights.append(f"| {nth} | {kills} | {wall_s:.0f} | {due_s:.0f} | {wall_s / due_s:.3f} |")
    return "\n".join([*head, *summary, "", *nights, "", *lines, ""])
