"""What became of killed nights, and its tables."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.kills import Kill
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


@dataclass
class Tally:
    """All nights together."""

    clean_s: float
    unchanged_s: float
    kills: list[Done] = field(default_factory=list)
    nights: list[tuple[int, float]] = field(default_factory=list)
    """(kills, seconds) of each."""
    commands: int = 0
    checking_s: float = 0.0
    """What looking at a state took while its night was dead: no time of the nights."""
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
        f"| {f'{share:.3f}' if share else 'not known'} |",
        "",
        "Redone: pictures that lay in the store and in no table at a kill. An uninterrupted night takes "
        f"{tally.clean_s:.0f} s, the same again {tally.unchanged_s:.0f} s. The command was given again "
        f"{tally.commands - len(tally.nights)} times; a restart costs {tally.restart_s():.0f} s, as measured in the "
        f"first night, whose kills come as engines are up. A kill lost {sum(lost) / len(lost):.1f} s of a stage in the "
        f"mean and {max(lost):.1f} s at most, {sum(lost) / len(lost) / tally.clean_s:.1%} and "
        f"{max(lost) / tally.clean_s:.1%} of an uninterrupted night. All faults: {faults}.",
    ]
    head = [
        "# Nights that were killed",
        "",
        f"`python -m tests.faults --kills {len(tally.kills)} --seed {seed}`, {len(os.sched_getaffinity(0))} "
        f"{platform.machine()} cores, {dt.date.today()}. The sample shop, as `make night` has it.",
        "",
    ]
    nights = ["| night | kills | s | clean and restarts, s | against them |", "|---:|---:|---:|---:|---:|"]
    for nth, (kills, wall_s) in enumerate(tally.nights):
        due_s = tally.clean_s + kills * tally.restart_s()
        nights.append(f"| {nth} | {kills} | {wall_s:.0f} | {due_s:.0f} | {wall_s / due_s:.3f} |")
    return "\n".join([*head, *summary, "", *nights, "", *lines, ""])
