"""How long painting may go on: until a time or a sum of money is spent."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """Counts from its making. None is no limit. `money` and `price_per_hour` are in one currency, whichever."""

    def __init__(
        self,
        hours: float | None = None,
        money: float | None = None,
        price_per_hour: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if money is not None and not price_per_hour:
            raise ValueError("budget.money needs budget.price_per_hour, the price of the card")
        limits = [] if hours is None else [hours]
        if money is not None and price_per_hour:
            limits.append(money / price_per_hour)
        self._clock = clock
        self._end = clock() + 3600 * min(limits) if limits else None

    def allows(self, seconds: float) -> bool:
        """Whether something that takes so long ends in time."""
        return self._end is None or self._clock() + seconds <= self._end
