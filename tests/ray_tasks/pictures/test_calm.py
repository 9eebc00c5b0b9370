"""Text goes where the drawn scene is calm: within its area, and to another layout where the first one is busy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.calm import UnrestMap, settled
from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import plan_layout
from ray_tasks.pictures.picture import plan_base
from ray_tasks.pictures.scene import Core, PlacedProduct, SceneSpec
from schemas.instruction import LAYOUTS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(512, 512)
TEXT = TextSpec("Dry feet on every trail", ("Only 420 g",), None, "See it", "en")
SPEC = SceneSpec("studio_sweep", "studio_soft", "all", "calm", ("#4f78a8",), ())


def noisy(where: Callable[[np.ndarray, np.ndarray], np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """A grey picture, full of blocks in part of it; (x, y) are 0 to 1."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    blocks = (
        np.random.default_rng(1).integers(0, 2, (height // 8 + 1, width // 8 + 1)).repeat(8, 0).repeat(8, 1)
    )
    grey = np.where(where(x, y), 60 + 130 * blocks[:height, :width], 200)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


class Painted:
    """A scene backend whose scenes are busy where it is told."""

    name, revision = "painted", "1"

    def __init__(self, where: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.where = where

    def draw(
        self,
        spec: SceneSpec,
        product: PlacedProduct,
        text_area: Box | None,
        seed: int,
        core: Core | None = None,
    ) -> np.ndarray:
        return noisy(self.where, product.rgba.shape[:2])


def test_unrest_is_edges_and_uneven_light() -> None:
    unrest = UnrestMap(noisy(lambda x, y: x > 0.5, (512, 512)), CANVAS)
    assert unrest.of(Box(10, 10, 200, 500)) < 1 < 10 < unrest.of(Box(300, 10, 500, 500))
    assert UnrestMap(np.full((64, 64, 3), 90, np.uint8), CANVAS).of(Box(0, 0, 512, 512)) == pytest.approx(
        0, abs=1e-3
    )


def test_a_place_on_both_sides_of_the_inks_is_less_calm_than_one_as_uneven_on_one_side() -> None:
    def of(darker: int, brighter: int) -> float:
        halves = np.full((512, 512, 3), darker, np.uint8)
        halves[:, 256:] = brighter
        return UnrestMap(halves, CANVAS).of(Box(56, 56, 456, 456))

    for one_sided in ((20, 80), (150, 210)):
        assert of(90, 150) > 1.25 * of(*one_sided)


@pytest.mark.parametrize(("busy", "goes_up"), [(lambda x, y: y > 0.45, True), (lambda x, y: y < 0.55, False)])
def test_a_block_moves_to_the_calm_end_of_its_column(
    busy: Callable[[np.ndarray, np.ndarray], np.ndarray], goes_up: bool
) -> None:
    layout = plan_layout(CANVAS, "headline_left", 0.5, TEXT)
    area = layout.text_area
    assert area is not None
    found, _ = settled(layout, (180, 150), UnrestMap(noisy(busy, (512, 512)), CANVAS))
    assert found.text_area is not None and found.text_area.height == 150
    assert (found.text_area.left, found.text_area.right) == (area.left, area.right)
    if goes_up:
        assert found.text_area.bottom < 0.47 * CANVAS.height_px
    else:
        assert found.text_area.top > 0.53 * CANVAS.height_px
    calm, _ = settled(layout, (180, 150), UnrestMap(np.full((64, 64, 3), 90, np.uint8), CANVAS))
    middle = area.top + 0.46 * (area.height - 150)
    assert calm.text_area is not None and abs(calm.text_area.top - middle) < 0.05 * CANVAS.height_px


def test_another_layout_is_taken_where_the_first_is_busy_and_only_if_it_is_allowed() -> None:
    left_busy = Painted(lambda x, y: x < 0.6)

    def chosen(others: list[str], name: str = "headline_left", cutout: np.ndarray | None = None) -> str:
        cutout = bottle(300) if cutout is None else cutout
        base, order = plan_base(cutout, SPEC, [TEXT], CANVAS, name, 3, preview=left_busy, others=others)
        assert order is not None and order.text_area == base.layout.text_area
        return base.layout.name

    others = [name for name in LAYOUTS if name != "headline_left"]
    assert chosen(others) == "headline_right"
    assert chosen([]) == "headline_left"
    assert chosen(["headline_left"], "headline_right") == "headline_right"


def test_the_choice_is_the_same_every_time_and_the_product_hardly_shrinks_for_it() -> None:
    spec = SceneSpec("forest_trail", "studio_soft", "all", "calm", ("#4f78a8",), ("leaves",))
    for cutout in (bottle(300), shoe(300)):
        first, again = (
            plan_base(
                cutout, spec, [TEXT], CANVAS, "headline_right", 3, preview=ComponentScene(), others=LAYOUTS
            )[0]
            for _ in range(2)
        )
        plain, _ = plan_base(cutout, spec, [TEXT], CANVAS, "headline_right", 3)
        assert first.layout == again.layout
        area = [base.placed.box.width * base.placed.box.height for base in (first, plain)]
        assert area[0] >= 0.64 * area[1]
