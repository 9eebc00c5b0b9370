"""The engine: units in, pictures out, a batch at a time.

What is reproducible: a unit's noise depends on its seed alone, so the same unit gives the same picture whatever stands
beside it, up to the rounding of matrix products, which differs between batch sizes, cards and library versions. What
the scorer rejects is painted again with the noise that follows from its seed, so other limits may keep another try. The
picture that was stored, its bytes, is the identity; the recipe gives it again only nearly.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import torch

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.budget import Budget
from ray_tasks.engine.content_cache import ContentCache
from ray_tasks.engine.memory import ran_out
from ray_tasks.engine.to_card import to_card
from ray_tasks.engine.unit import Failed, Made, Painter, Scorer, Unit

_LOG = logging.getLogger(__name__)

DECODED_AT_ONCE = 4
"""Pictures in a sub-batch of the decoder, whose activations are far larger than the denoiser's."""
_DARKEST = 6 / 255
"""A picture whose brightest painted value is below this is black: what safety filters put in a picture's place."""
_FLATTEST = 2 / 255
"""Least difference between a scene's brightest and darkest painted value."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class BadPictureError(ValueError):
    """The model ran, and what it made is no picture."""


@dataclass
class Engine:
    """One model on one card, and what is kept from batch to batch."""

    painter: Painter
    sizes: BatchSizes
    cache: ContentCache = field(default_factory=ContentCache)

    def generate(
        self, units: Iterable[Unit], budget: Budget | None = None, scorer: Scorer | None = None
    ) -> Iterator[Made | Failed]:
        """An outcome for every unit, batch by batch; none for those that the budget does not reach.

        Units come sorted by shape and are taken as they are needed: a lazy iterable prepares the next ones meanwhile.
        What the scorer does not want fails with its reason, and is not copied from the card.
        """
        budget = budget or Budget()
        for shape, run in groupby(enumerate(units), key=lambda pair: pair[1].shape):
            if not budget.allows(0):
                return
            yield from self._paint_run(shape, run, budget, scorer)

    def _paint_run(
        self, shape: tuple[int, int], run: Iterator[tuple[int, Unit]], budget: Budget, scorer: Scorer | None
    ) -> Iterator[Made | Failed]:
        name = self.painter.name
        again: deque[tuple[int, Unit]] = deque()
        alone = 0
        behind: _Launched | None = None
        batch_s = 0.0
        while budget.allows(batch_s):
            size = 1 if alone else self.sizes.size(name, shape)
            alone = max(0, alone - 1)
            batch = _take(again, run, size)
            if not batch:
                break
            started = time.perf_counter()
            launched: _Launched | None = None
            failed: Exception | None = None
            try:
                launched = self._launch(batch, scorer)
            except Exception as error:
                # Its frames hold what the batch had on the card.
                failed = error.with_traceback(None)
            if launched is None:
                assert failed is not None
                if behind is not None:
                    yield from behind.outcomes()
                    behind = None
                if len(batch) == 1:
                    yield Failed(batch[0][0], failed)
                    continue
                again.extendleft(reversed(batch))
                if ran_out(failed):
                    self.cache.clear()
                    if torch.cuda.is_available():
                        torch.cuda.empty_cache()
                    self.sizes.too_large(name, shape, len(batch))
                else:
                    _LOG.warning("a batch of %d failed (%s): each alone", len(batch), failed)
                    alone = len(batch)
                continue
            if behind is not None:
                yield from behind.outcomes()
            behind = launched
            if not self.sizes.settled(name, shape):
                # The sweep needs the batch's own time, so nothing overlaps.
                outcomes = behind.outcomes()
                behind = None
                batch_s = time.perf_counter() - started
                if len(batch) == size:
                    self.sizes.measured(name, shape, size, batch_s)
                yield from outcomes
            else:
                batch_s = max(batch_s, time.perf_counter() - started)
        if behind is not None:
            yield from behind.outcomes()

    def _launch(self, batch: Sequence[tuple[int, Unit]], scorer: Scorer | None = None) -> _Launched:
        """Puts a batch on the card; on CUDA it is painted while this returns."""
        units = [unit for _, unit in batch]
        with torch.inference_mode():
            conditions = self.painter.condition(units, self.cache)
            latents = self.painter.denoise(conditions, [unit.seed for unit in units])
            parts = [self.painter.decode(part) for part in latents.split(DECODED_AT_ONCE)]
            pictures = torch.cat(parts)
            masks = to_card(np.stack([unit.mask for unit in units]), pictures.device) > 127
            facts = torch.stack(_measure(pictures.float(), masks), dim=1)
            if scorer is not None:
                starts = range(0, len(units), DECODED_AT_ONCE)
                measured = [
                    scorer.measure(part, units[start : start + DECODED_AT_ONCE])
                    for start, part in zip(starts, parts, strict=True)
                ]
                facts = torch.cat([facts, torch.cat(measured)], dim=1)
            pixels = (pictures.float().nan_to_num() * 255).round().clamp(0, 255).to(torch.uint8)
            return _Launched(
                [index for index, _ in batch],
                pixels.permute(0, 2, 3, 1).contiguous(),
                _to_host(facts),
                self.painter.refused(pictures),
                scorer,
                torch.cuda.current_stream().record_event() if pictures.is_cuda else None,
            )


@dataclass(frozen=True)
class _Launched:
    """A batch whose pictures lie on the card until what was measured of them has arrived."""

    indices: list[int]
    pixels: torch.Tensor
    facts: torch.Tensor
    refused: list[bool]
    scorer: Scorer | None
    arrived: Any

    def outcomes(self) -> list[Made | Failed]:
        """Waits for the batch; each picture is judged by itself, and copied when it is kept."""
        if self.arrived is not None:
            self.arrived.synchronize()
        faults = [self._fault(row) for row in range(len(self.indices))]
        pictures = iter(_copied(self.pixels, [row for row, fault in enumerate(faults) if fault is None]))
        return [
            Made(index, next(pictures).numpy()) if fault is None else Failed(index, fault)
            for index, fault in zip(self.indices, faults, strict=True)
        ]

    def _fault(self, row: int) -> Exception | None:
        finite, darkest, brightest, *measured = self.facts[row].tolist()
        fault = _fault(bool(finite), darkest, brightest, self.refused[row])
        if fault:
            return BadPictureError(fault)
        return self.scorer.fault(self.indices[row], measured) if self.scorer is not None else None


def _measure(pictures: torch.Tensor, masks: torch.Tensor) -> list[torch.Tensor]:
    """(n,) each, measured where the model painted: whether all is finite, the darkest and the brightest value."""
    painted = masks[:, None].expand_as(pictures)
    return [
        pictures.isfinite().flatten(1).all(dim=1).float(),
        pictures.nan_to_num().masked_fill(~painted, torch.inf).flatten(1).amin(dim=1),
        pictures.nan_to_num().masked_fill(~painted, -torch.inf).flatten(1).amax(dim=1),
    ]


def _fault(finite: bool, darkest: float, brightest: float, refused: bool) -> str | None:
    if refused:
        return "safety_refused: the model's own safety checker refused the picture"
    if not finite:
        return (
            "nan_picture: the model returned NaN; weights meant for float32 or bfloat16 overflow in float16: "
            "use the device's bfloat16, or another autoencoder"
        )
    if brightest < _DARKEST:
        return "black_picture: the painted part is black, as a safety filter or broken weights leave it"
    if brightest - darkest < _FLATTEST:
        return "blank_picture: the painted part has one colour; weights and sampler may not belong together"
    return None


def _take(
    again: deque[tuple[int, Unit]], run: Iterator[tuple[int, Unit]], size: int
) -> list[tuple[int, Unit]]:
    batch = [again.popleft() for _ in range(min(size, len(again)))]
    for pair in run if len(batch) < size else ():
        batch.append(pair)
        if len(batch) == size:
            break
    return batch


def _to_host(tensor: torch.Tensor) -> torch.Tensor:
    """On its way to pinned memory, from which numpy reads once the copy has arrived."""
    if not tensor.is_cuda:
        return tensor
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def _copied(pixels: torch.Tensor, rows: Sequence[int]) -> list[torch.Tensor]:
    """Those rows on the host; beside the card's work, which is the next batch by now, not behind it."""
    if not pixels.is_cuda:
        return [pixels[row] for row in rows]
    copies = torch.cuda.Stream()
    with torch.cuda.stream(copies):
        hosts = [_to_host(pixels[row]) for row in rows]
    copies.synchronize()
    return hosts


def ahead(function: Any, items: Iterable[Item], pool: Executor, most: int) -> Iterator[Any]:
    """`function` of every item, in order, up to `most` of them computed ahead in the pool."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def noise(shape: tuple[int, ...], seeds: Sequence[int]) -> torch.Tensor:
    """(n, *shape) float32 standard normal on the CPU: the same numbers whatever card paints, whatever the batch."""
    return torch.stack([torch.randn(shape, generator=torch.Generator("cpu").manual_seed(s)) for s in seeds])
