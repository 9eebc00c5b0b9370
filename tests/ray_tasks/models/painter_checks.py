"""What the tests of all painters share: units of a product, and pictures by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.generate import Engine
from ray_tasks.engine.unit import Failed, Painter, Unit
from ray_tasks.models.extension import surroundings
from ray_tasks.models.scene_conditions import depth_map, outlines, product_on_neutral
from ray_tasks.models.scene_scorer import SceneScorer
from ray_tasks.pictures.compose import certify, paste_product, place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import PlacedProduct, SceneOrder, SceneSpec
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(64, 64)
TEXT_AREA = Box(4, 2, 60, 20)
BOX = Box(18, 22, 46, 60)
SPEC = SceneSpec("wood_table", "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ())


def placed(cutout: np.ndarray | None = None) -> PlacedProduct:
    return place_product(bottle() if cutout is None else cutout, CANVAS, BOX)


def unit_of(
    seed: int = 7,
    prompt: str = "product photo on an oak table, soft light",
    *,
    product: PlacedProduct | None = None,
    text_area: Box = TEXT_AREA,
    sticker_area: Box | None = None,
    reference: np.ndarray | None = None,
    size: tuple[int, int] = (64, 64),
) -> Unit:
    order = SceneOrder(SPEC, product or placed(), text_area, seed, sticker_area)
    image, mask, alpha = product_on_neutral(order.product, size)
    edges, layout = outlines(image, mask), depth_map(order, mask)
    return Unit(prompt, image, mask, edges, layout, seed, alpha, surroundings(order.product), reference)


def paint(painter: Painter, units: Sequence[Unit], batch: int = 8) -> list[np.ndarray]:
    engine = Engine(painter, BatchSizes("cpu", batch, fixed=batch))
    pictures: list[Any] = [None] * len(units)
    for one in engine.generate(units):
        if isinstance(one, Failed):
            raise one.error
        pictures[one.index] = one.picture
    return pictures


def conditions() -> dict[str, Unit]:
    """A unit, and one for each condition in which nothing else differs."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    return {
        "none": unit_of(),
        "text": unit_of(prompt="product photo on beach sand, golden hour sun"),
        "product": unit_of(product=placed(shoe())),
        "layout": unit_of(text_area=Box(2, 2, 16, 60)),
        "sticker": unit_of(sticker_area=Box(10, 4, 30, 12)),
        "reference": unit_of(reference=noise),
        "other reference": unit_of(reference=255 - noise),
        "seed": replace(unit_of(), seed=8),
    }


def check_conditions_act(painter: Painter, names: Sequence[str]) -> None:
    """Each named condition changes the scene, and none a pixel of the product once it is pasted."""
    units = conditions()
    chosen = [units["none"], *(units[name] for name in names)]
    base, *others = paint(painter, chosen)
    for name, other in zip(names, others, strict=True):
        product = placed(shoe()) if name == "product" else placed()
        outside = product.rgba[..., 3] == 0
        assert (base != other)[outside].any(), f"{name} does not act"
        certificate = certify(paste_product(other, product), product, scale=1.0)
        assert certificate.core_px > 100 and certificate.changed_core_px == 0, name


def check_batches_do_not_matter(painter: Painter) -> None:
    """A unit's picture is the same alone and in a batch, but for rounding."""
    units = [unit_of(seed) for seed in range(3)]
    for alone, together in zip(paint(painter, units, 1), paint(painter, units, 3), strict=True):
        assert np.abs(alone.astype(int) - together.astype(int)).max() <= 1


class CopiesToCard(TorchDispatchMode):
    """Counts copies to the meta device, which stands for a card: those in the background, and those that wait.

    Whatever would ask the card for a value (`item`, `nonzero`, `cpu`) fails on it by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queued = 0
        self.waiting: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        aten = torch.ops.aten
        if func.overloadpacket in (aten.to, aten._to_copy, aten.copy_):
            source = args[1] if func.overloadpacket is aten.copy_ else args[0]
            if source.device.type == "cpu" and made.device.type == "meta":
                queued = [one for one in args[1:] if isinstance(one, bool)][:1] == [True]
                self.queued += 1
                if not (queued or kwargs.get("non_blocking")):
                    self.waiting.append(f"{tuple(source.shape)} {source.dtype}")
        return made


def check_nothing_waits_for_the_card(
    painter: Any, *, reads_pictures: bool = False, new_texts: bool = False
) -> None:
    """From pictures to finished ones nobody waits, so that batches run back to back.

    reads_pictures: its text encoder does, so that pictures are no new ones. new_texts: else they were encoded before.
    """
    units = [unit_of(seed) for seed in range(2)]
    others = units if reads_pictures else [replace(unit, image=255 - unit.image) for unit in units]
    others = [replace(unit, prompt="a sea") for unit in others] if new_texts else others
    engine = Engine(painter, BatchSizes("card", 2, fixed=2))
    cache = engine.cache
    with torch.inference_mode():
        painter.condition(units, cache)
        for key, tensors in cache._kept.items():
            cache._kept[key] = tuple(tensor.to("meta") for tensor in tensors)
        painter._pipeline.to("meta")
        for *_, model in getattr(painter, "_controls", []):
            model.to("meta")
        for name in ("_mean", "_std"):
            if hasattr(painter, name):
                setattr(painter, name, getattr(painter, name).to("meta"))
        painter.device = torch.device("meta")
        # The models send their tables of positions with the first picture.
        scorer = SceneScorer(None)
        engine._launch(list(enumerate(units)), scorer)
        with CopiesToCard() as copies:
            engine._launch(list(enumerate(others)), scorer)
    assert copies.queued >= 3, "noise, times and masks at the least"
    assert copies.waiting == []
