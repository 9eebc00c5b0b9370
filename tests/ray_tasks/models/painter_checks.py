"""What the tests of all painters share: units of a product, and pictures by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.generate import Engine
from ray_tasks.engine.unit import Failed, Painter, Unit
from ray_tasks.models.scene_conditions import depth_map, outlines, product_on_neutral
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
) -> Unit:
    order = SceneOrder(SPEC, product or placed(), text_area, seed, sticker_area)
    image, mask = product_on_neutral(order.product, (64, 64))
    edges = outlines(image, mask)
    return Unit(prompt, image, mask, edges, depth_map(order, mask), seed, reference)


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
