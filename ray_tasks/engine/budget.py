"""How long painting may go on: until a night's time or money on cards is spent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from schemas.model_config import Spending


class Budget:
    """Counts from its making, `spent_s` seconds of cards being gone by then."""

    def __init__(
        self,
        spending: Spending | None = None,
        spent_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = []
        if spending is not None and spending.hours is not None:
            limits.append(spending.hours)
        if spending is not None and spending.money is not None and spending.price_per_hour:
            limits.append(spending.money / spending.price_per_hour)
        self._clock = clock
        self._end = clock() + 3600 * min(limits) - spent_s if limits else None

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long ends in time."""
        return self._end is None or self._clock() + seconds <= self._end


class Ledger:
    """What a night's painters have spent, a file each, so that a second round and a second try go on counting.

    Painters that run side by side see each other's time when they start on a batch of work, not within it.
    """

    def __init__(self, folder: Path, spending: Spending) -> None:
        self._folder = folder
        self._spending = spending

    @contextmanager
    def night(self, run_date: date) -> Iterator[Budget]:
        """What is left of the night's budget; the time until the end of the block is written down."""
        folder = self._folder / run_date.isoformat()
        spent_s = sum(float(path.read_text(encoding="ascii")) for path in folder.glob("*.seconds"))
        started = time.monotonic()
        try:
            yield Budget(self._spending, spent_s)
        finally:
            folder.mkdir(parents=True, exist_ok=True)
            line = f"{time.monotonic() - started:.3f}"
            (folder / f"{os.getpid()}-{time.monotonic_ns()}.seconds").write_text(line, encoding="ascii")
