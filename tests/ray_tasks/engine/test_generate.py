from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ray_tasks.engine import generate
from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.budget import Budget, Ledger
from ray_tasks.engine.content_cache import ContentCache, content_key
from ray_tasks.engine.generate import Engine, noise
from ray_tasks.engine.unit import Failed, Made, Unit
from ray_tasks.models.scene_prompts import PromptFitter
from schemas.model_config import Spending


@dataclass
class NoisePainter:
    """Paints noise; remembers its batches. Prompts make it misbehave."""

    room: int = 99
    says: Exception = field(default_factory=lambda: torch.OutOfMemoryError("CUDA out of memory"))
    name: str = "noise"
    step_px: int = 8
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    prompts: PromptFitter = field(default_factory=lambda: PromptFitter(None, 0, latin_only=False))
    batches: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)

    def condition(self, units: Sequence[Unit], cache: ContentCache) -> list[dict[str, Any]]:
        keys = [content_key("text", unit.prompt) for unit in units]
        texts = cache.many(keys, lambda places: [(torch.zeros(4),) for _ in places])
        return [{"unit": unit, "text": text} for unit, text in zip(units, texts, strict=True)]

    def denoise(self, conditions: Sequence[dict[str, Any]], seeds: Sequence[int]) -> torch.Tensor:
        units = [condition["unit"] for condition in conditions]
        self.batches.append((len(units), units[0].shape))
        if len(units) > self.room:
            raise self.says
        if any(unit.prompt == "raises" for unit in units):
            raise RuntimeError("the condition cannot be used")
        pictures = noise((3, *units[0].shape), seeds) * 0.1 + 0.5
        for row, unit in enumerate(units):
            if unit.prompt == "unsafe":
                pictures[row, 0, 0, 0] = 2.0
            if unit.prompt == "nan":
                pictures[row, 0, 0, 0] = torch.nan
            if unit.prompt in ("black", "grey"):
                pictures[row] = 0.0 if unit.prompt == "black" else 0.5
                pictures[row, :, -8:] = 0.9  # the product, which the model did not paint
        return pictures

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        self.decoded.append(len(latents))
        return latents

    def refused(self, pictures: torch.Tensor) -> list[bool]:
        return [bool(picture[0, 0, 0] == 2) for picture in pictures]


def unit(seed: int, prompt: str = "a table", side: int = 16) -> Unit:
    mask = np.full((side, side), 255, np.uint8)
    mask[-8:] = 0
    flat = np.zeros((side, side, 3), np.uint8)
    return Unit(prompt, flat, mask, flat, flat, seed, mask, flat)


def engine(painter: NoisePainter, batch: int = 4, **more: Any) -> Engine:
    return Engine(painter, BatchSizes("card", 32, fixed=batch), **more)


def test_every_unit_has_one_outcome_and_shapes_do_not_mix() -> None:
    painter = NoisePainter()
    units = [unit(i, side=16 if i < 6 else 24) for i in range(11)]
    made = list(engine(painter).generate(iter(units)))
    assert sorted(one.index for one in made) == list(range(11))
    assert painter.batches == [(4, (16, 16)), (2, (16, 16)), (4, (24, 24)), (1, (24, 24))]
    for one in made:
        assert isinstance(one, Made) and one.picture.shape == (*units[one.index].shape, 3)


def test_a_picture_depends_on_its_own_seed_only() -> None:
    units = [unit(i) for i in range(7)]
    together = {one.index: one for one in engine(NoisePainter(), 7).generate(units)}
    for index, alone in enumerate(units):
        (one,) = engine(NoisePainter(), 1).generate([alone])
        other = together[index]
        assert isinstance(one, Made) and isinstance(other, Made)
        assert np.array_equal(one.picture, other.picture)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("nan", "nan_picture"),
        ("unsafe", "safety_refused"),
        ("black", "black_picture"),
        ("grey", "blank_picture"),
        ("raises", "cannot be used"),
    ],
)
def test_one_bad_unit_fails_alone(prompt: str, told: str) -> None:
    units = [unit(i, prompt if i == 2 else "a table") for i in range(9)]
    outcomes = {one.index: one for one in engine(NoisePainter()).generate(units)}
    assert len(outcomes) == 9
    failed = [one for one in outcomes.values() if isinstance(one, Failed)]
    assert [one.index for one in failed] == [2] and told in str(failed[0].error)


class Picky:
    """Measures where a picture is brightest, and wants only dark ones."""

    def __init__(self) -> None:
        self.measured: list[int] = []
        self.asked: list[tuple[int, float]] = []

    def measure(self, pictures: torch.Tensor, units: Sequence[Unit]) -> torch.Tensor:
        assert len(pictures) == len(units)
        self.measured.append(len(units))
        return torch.stack([torch.tensor([unit.seed, 0.5]) for unit in units])

    def fault(self, index: int, measured: Sequence[float]) -> Exception | None:
        self.asked.append((index, measured[0]))
        return ValueError("not wanted") if measured[0] % 3 == 0 else None


def test_what_is_not_wanted_fails_before_it_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    copy = generate._copied

    def counted(pixels: torch.Tensor, rows: Sequence[int]) -> list[torch.Tensor]:
        copied.append(len(rows))
        return copy(pixels, rows)

    monkeypatch.setattr(generate, "_copied", counted)
    picky = Picky()
    units = [unit(i, "nan" if i == 4 else "a table") for i in range(8)]
    outcomes = {one.index: one for one in engine(NoisePainter(), 8).generate(units, scorer=picky)}
    failed = {index for index, one in outcomes.items() if isinstance(one, Failed)}
    assert failed == {0, 3, 4, 6} and len(outcomes) == 8 and copied == [4]
    assert picky.measured == [4, 4], "in the decoder's sub-batches"
    assert [index for index, _ in picky.asked] == [0, 1, 2, 3, 5, 6, 7], "a broken picture needs no opinion"
    alone = {one.index: one for one in engine(NoisePainter(), 8).generate(units)}
    for index in {1, 2, 5, 7}:
        one, other = outcomes[index], alone[index]
        assert isinstance(one, Made) and isinstance(other, Made)
        assert np.array_equal(one.picture, other.picture)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    ],
)
def test_out_of_memory_halves_the_batch_and_nothing_is_lost(error: Exception) -> None:
    painter = NoisePainter(room=2, says=error)
    made = list(engine(painter, 8).generate([unit(i) for i in range(10)]))
    assert sorted(one.index for one in made if isinstance(one, Made)) == list(range(10))
    assert [size for size, _ in painter.batches] == [8, 4, 2, 2, 2, 2, 2]


def test_the_decoder_gets_its_own_smaller_batches() -> None:
    painter = NoisePainter()
    list(engine(painter, 10).generate([unit(i) for i in range(10)]))
    assert painter.batches == [(10, (16, 16))] and painter.decoded == [4, 4, 2]


def test_a_unit_too_large_for_the_card_fails_and_the_rest_goes_on() -> None:
    outcomes = list(engine(NoisePainter(room=0), 2).generate([unit(0), unit(1)]))
    assert all(isinstance(one, Failed) and "memory" in str(one.error) for one in outcomes)
    assert len(outcomes) == 2


def test_the_budget_ends_between_batches() -> None:
    now = [0.0]
    budget = Budget(Spending(money=2.0, price_per_hour=4.0), clock=lambda: now[0])
    done = []
    for one in engine(NoisePainter(), 2).generate((unit(i) for i in range(10)), budget):
        done.append(one.index)
        if len(done) == 3:
            now[0] = 1801.0
    assert done == [0, 1, 2, 3, 4, 5], "what is on the card is finished"
    assert list(engine(NoisePainter()).generate([unit(0)], budget)) == []


def test_a_second_round_goes_on_counting(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, Spending(hours=0.5))
    night = dt.date(2026, 11, 21)
    with ledger.night(night) as budget:
        assert budget.allows(1790) and not budget.allows(1810)
    (first,) = tmp_path.rglob("*.seconds")
    first.write_text("1700", encoding="ascii")
    with ledger.night(night) as budget:
        assert budget.allows(90) and not budget.allows(110)
    with ledger.night(night + dt.timedelta(days=1)) as budget:
        assert budget.allows(1790)


def test_units_are_taken_as_they_are_needed() -> None:
    taken = []

    def units() -> Any:
        for i in range(100):
            taken.append(i)
            yield unit(i)

    made = engine(NoisePainter(), 4).generate(units())
    next(made)
    assert len(taken) <= 12


def test_the_next_batch_is_on_the_card_before_pictures_of_the_last_are_waited_for() -> None:
    painter = NoisePainter()
    launched = [len(painter.batches) for _ in engine(painter, 2).generate([unit(i) for i in range(6)])]
    assert launched == [2, 2, 3, 3, 3, 3]


def test_texts_are_encoded_once() -> None:
    tuned = engine(NoisePainter(), 3)
    list(tuned.generate([unit(i, ["a table", "a desk"][i % 2]) for i in range(8)]))
    assert tuned.cache.computed == 2


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = ContentCache(capacity_bytes=3 * 16)
    calls: list[list[int]] = []

    def compute(places: list[int]) -> list[tuple[torch.Tensor, ...]]:
        calls.append(places)
        return [(torch.full((4,), float(place)),) for place in places]

    a, b, c, d = (content_key("text", letter) for letter in "abcd")
    assert [value[0][0].item() for value in cache.many([a, b, a], compute)] == [0, 1, 0]
    cache.many([c, a, d], compute)  # b is the oldest
    cache.many([a, c, d], compute)
    cache.many([b], compute)
    assert calls == [[0, 1], [0, 2], [0]]
    assert len({content_key("k", "ab", "c"), content_key("k", "a", "bc"), content_key("l", "ab", "c")}) == 3


def test_what_is_kept_of_a_batch_is_all_that_stays_in_memory() -> None:
    cache = ContentCache(capacity_bytes=2 * 16)
    names = [content_key("text", letter) for letter in "abcdefgh"]
    cache.many(names, lambda places: [(row,) for row in torch.zeros(len(places), 4)])
    kept = [tensor for value in cache._kept.values() for tensor in value]
    assert [tensor.untyped_storage().nbytes() for tensor in kept] == [16, 16]


def sweep(sizes: BatchSizes, each_s: dict[int, float], limit: int = 40) -> list[int]:
    """The sizes that a sweep tries, its batches taking size * each_s[size] seconds."""
    tried = []
    for _ in range(limit):
        size = sizes.size("model", (64, 64))
        if sizes.settled("model", (64, 64)):
            break
        tried.append(size)
        sizes.measured("model", (64, 64), size, size * each_s[size])
    return tried


def test_a_sweep_ends_where_doubling_gains_nothing_and_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "batch_sizes.json"
    sizes = BatchSizes("H200", 32, file)
    each_s = {1: 1.0, 2: 0.6, 4: 0.5, 8: 0.495, 16: 9.0}
    assert sweep(sizes, each_s) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16]
    assert sizes.size("model", (64, 64)) == 4
    assert BatchSizes("H200", 32, file).size("model", (64, 64)) == 4
    assert not BatchSizes("RTX 4090", 32, file).settled("model", (64, 64))
    assert BatchSizes("H200", 2, file).size("model", (64, 64)) == 2, "a lower limit holds at once"


def test_one_slow_trial_ends_no_sweep() -> None:
    sizes = BatchSizes("busy card", 16)
    assert sweep(sizes, {1: 1.0, 2: 1.1, 4: 0.5, 8: 0.3, 16: 0.299})[-1] == 16
    assert sizes.size("model", (64, 64)) == 8, "16 gains too little for its memory"


def test_a_sweep_ends_at_the_limit_and_at_the_end_of_memory(tmp_path: Path) -> None:
    sizes = BatchSizes("card", 4)
    assert sweep(sizes, {1: 1.0, 2: 0.6, 4: 0.4}) == [1, 1, 2, 2, 4, 4]
    assert sizes.size("model", (64, 64)) == 4
    small = BatchSizes("card", 32)
    for size in (1, 1, 2, 2):
        small.measured("model", (64, 64), size, 1.0)
    assert small.size("model", (64, 64)) == 4
    small.too_large("model", (64, 64), 4)
    assert small.settled("model", (64, 64)) and small.size("model", (64, 64)) == 2


def test_a_damaged_memory_is_found_anew(tmp_path: Path) -> None:
    file = tmp_path / "batch_sizes.json"
    file.write_text("[1", encoding="utf-8")
    assert BatchSizes("card", 8, file).size("model", (64, 64)) == 1
