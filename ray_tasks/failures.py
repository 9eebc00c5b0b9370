"""Dead letters: units that failed, how often each was tried, when to give one up, and when the whole stage.

A failed unit is a row of `rejects` with its error and its attempts. It is tried again when the same command is given
again, and in later nights, until it has failed MAX_ATTEMPTS times; then it waits for `python -m jobs.retry_rejects`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.stage import Stage
from infra.tables import night_before, read_table

Row = dict[str, Any]

LEAST_BUDGET = 10
"""So many units may fail however few there are."""
MAX_DEATHS = 2
"""So often a worker process may die of a unit within one run: the second time it was no chance."""
_NUMBERS = re.compile(r"[0-9a-f]{12,}|\d+")


def standing_failures(stage: Stage, wanted: Collection[str]) -> dict[str, Row]:
    """Asset id -> its newest reject with attempts, of this stage and shard, tonight's or the night before's."""
    nights = [stage.run_date, night_before(stage.state, "rejects", stage.run_date)]
    rows = read_table(
        stage.state,
        "rejects",
        filters=[("stage", "=", stage.name), ("run_date", "in", [night for night in nights if night])],
    ).to_pylist()
    rows.sort(key=lambda row: row["run_date"])
    return {row["key"]: row for row in rows if row["attempts"] is not None and row["key"] in wanted}


def given_up(standing: dict[str, Row], max_failures: int) -> set[str]:
    """The units that have failed too often to be tried again unasked."""
    return {key for key, row in standing.items() if row["attempts"] >= max_failures}


def failure_rows(standing: dict[str, Row], failed: Iterable[Row], *, systematic: bool) -> list[Row]:
    """The stage's rejects of tonight: what failed now, with one attempt more, and what stands from before.

    failed: reject rows without attempts. systematic: above the error budget, where the fault is not the unit's own and
    no attempt is counted.
    """
    rows = dict(standing)
    for row in failed:
        before = rows.get(row["key"], {}).get("attempts") or 0
        rows[row["key"]] = row | {"attempts": before + (not systematic)}
    return list(rows.values())


def error_budget(due: int, share: float) -> int:
    """How many of `due` units may fail before the stage stops."""
    return max(LEAST_BUDGET, int(share * due))


def refusal(failures: Sequence[str], due: int) -> str:
    """Why the stage stops, with the ten most frequent reasons, numbers and hashes left out.

    failures: why each failed.
    """
    reasons = Counter(_NUMBERS.sub("#", why) for why in failures).most_common(10)
    named = "; ".join(f"{count} x {why}" for why, count in reasons)
    return f"{len(failures)} of {due} due failed, above the error budget (quality.max_failed_share): {named}"


class WorkerDied(RuntimeError):
    """Worker processes died of a unit."""


class Begun:
    """Marks on disk what a worker process has begun, so that the next one knows what its predecessor died of.

    Without a folder nothing is marked.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextmanager
    def mark(self, name: str) -> Iterator[None]:
        """Holds a mark while the body runs. Raises WorkerDied when too many processes died with this mark."""
        if self._folder is None:
            yield
            return
        path = self._folder / name
        deaths = path.stat().st_size if path.exists() else 0
        if deaths >= MAX_DEATHS:
            raise WorkerDied("the worker process died of it (killed, out of memory or crashed), twice")
        with path.open("ab") as file:
            file.write(b".")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
