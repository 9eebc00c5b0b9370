"""How many units a card paints at once: found on the first real batches, remembered for the next night."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

_LOG = logging.getLogger(__name__)

_TRIALS = 2
"""Batches measured of each size: the first one also pays for memory and kernels."""
_GAIN = 0.97
"""A size that does not take less than this share of the time per unit is not worth its memory."""


class BatchSizes:
    """Batch sizes by model and shape on one card.

    A size not known yet is swept 1, 2, 4, ... on the work itself, so nothing is painted for the sweep alone; it ends
    where two doublings in a row gain less than 3 %, at `most`, or at the end of the memory. Of sizes within 3 % of the
    best the smallest is taken.
    """

    def __init__(self, card: str, most: int, file: Path | None = None, *, fixed: int | None = None) -> None:
        """`fixed` is a size that is known: nothing is swept."""
        self._card = card
        self._most = fixed or most
        self._fixed = fixed
        self._file = file
        self._settled: dict[str, int] = {}
        self._trials: dict[str, list[tuple[int, float]]] = {}
        self._limit: dict[str, int] = {}
        if file is not None and file.is_file():
            try:
                self._settled = {str(k): int(v) for k, v in json.loads(file.read_text("utf-8")).items()}
            except (ValueError, AttributeError):
                _LOG.warning("%s cannot be read: batch sizes are found anew", file)

    def size(self, model: str, shape: tuple[int, int]) -> int:
        """The size of the next batch."""
        key = self._key(model, shape)
        limit = min(self._most, self._limit.get(key, self._most))
        if self._fixed:
            return limit
        if key in self._settled:
            return max(1, min(limit, self._settled[key]))
        trials = self._trials.get(key, [])
        if not trials:
            return 1
        last = trials[-1][0]
        if sum(size == last for size, _ in trials) < _TRIALS:
            return last
        return min(limit, last * 2)

    def settled(self, model: str, shape: tuple[int, int]) -> bool:
        """Whether the sweep is over."""
        return self._fixed is not None or self._key(model, shape) in self._settled

    def measured(self, model: str, shape: tuple[int, int], size: int, seconds: float) -> None:
        """Takes note of one full batch of the sweep."""
        key = self._key(model, shape)
        trials = self._trials.setdefault(key, [])
        trials.append((size, seconds / size))
        if sum(tried == size for tried, _ in trials) < _TRIALS:
            return
        best: dict[int, float] = {}
        for tried, each in trials:
            best[tried] = min(each, best.get(tried, each))
        sizes = sorted(best)
        # Two, because a single slow trial on a busy machine is no verdict.
        before, last = sizes[:-2], sizes[-2:]
        if before and min(map(best.__getitem__, last)) > _GAIN * min(map(best.__getitem__, before)):
            sizes = before
        elif size < min(self._most, self._limit.get(key, self._most)):
            return
        least = min(map(best.__getitem__, sizes))
        self._settle(key, next(one for one in sizes if _GAIN * best[one] <= least))

    def too_large(self, model: str, shape: tuple[int, int], size: int) -> None:
        """Memory ended at this size: half of it from now on."""
        key = self._key(model, shape)
        half = max(1, size // 2)
        self._limit[key] = half
        if key in self._settled or half in {tried for tried, _ in self._trials.get(key, [])}:
            self._settle(key, half)
        _LOG.warning("out of memory with %d units of %s at once: %d from now on", size, key, half)

    def _key(self, model: str, shape: tuple[int, int]) -> str:
        return f"{self._card} | {model} | {shape[1]}x{shape[0]}"

    def _settle(self, key: str, size: int) -> None:
        self._settled[key] = size
        _LOG.info("batch size of %s: %d", key, size)
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written = self._file.with_suffix(f".{os.getpid()}")
            written.write_text(json.dumps(self._settled, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            written.replace(self._file)
