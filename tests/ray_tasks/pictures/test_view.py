"""Every canvas is a window of one scene: what two of them show in common is alike, and no part of either is empty."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.component_scene import DRAWERS, ComponentScene
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import plan_layout
from ray_tasks.pictures.picture import core_layout, plan_base
from ray_tasks.pictures.scene import CORE_PX, Core, PlacedProduct, SceneSpec
from ray_tasks.pictures.view import View
from schemas.instruction import LAYOUTS, SEEN_FROM_ABOVE, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

TEXT = TextSpec("Dry feet on every trail", ("Only 420 g",), "New in", "See it", "en")
PRODUCT = bottle(900)
SQUARE, LANDSCAPE, STORY = Canvas(256, 256), Canvas(300, 157), Canvas(216, 384)


def placed(canvas: Canvas) -> PlacedProduct:
    layout = plan_layout(canvas, "headline_left", PRODUCT.shape[1] / PRODUCT.shape[0], TEXT)
    return place_product(PRODUCT, canvas, layout.product_box)


@functools.cache
def core() -> Core:
    return Core(placed(Canvas(CORE_PX, CORE_PX)).box, None)


def shown(scene: np.ndarray, view: View, part: Box) -> np.ndarray:
    """(24, 24) float of a part of the frame as a canvas shows it, without its mean: falls of light are its own."""
    left, top = (part.left - view.left) * view.scale, (part.top - view.top) * view.scale
    right, bottom = (part.right - view.left) * view.scale, (part.bottom - view.top) * view.scale
    cut = scene[round(top) : round(bottom), round(left) : round(right)]
    small = cv2.resize(cut, (24, 24), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return np.asarray(gray - gray.mean())


def test_a_canvas_shows_the_product_where_its_frame_has_it() -> None:
    for canvas in (SQUARE, LANDSCAPE, STORY):
        product = placed(canvas)
        view = View.of(product, core())
        same = view.box(product.box)
        assert abs(same.bottom - core().product.bottom) <= 1 and abs(same.top - core().product.top) <= 2
        assert abs(same.center_x - core().product.center_x) <= 1
    assert View.of(placed(LANDSCAPE), core()).left < -0.3 * CORE_PX < 0 > View.of(placed(STORY), core()).top
    assert View.of(placed(SQUARE), None) == View((256, 256), 1.0, 0.0, 0.0)


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_canvases_are_windows_of_one_scene_and_none_is_empty_anywhere(setting: str) -> None:
    spec = SceneSpec(setting, "studio_soft", "all", "calm", ("#4f78a8", "#e08a4a"), ("leaves",))
    # Around the product, with its shadow, but without the frame's borders.
    part = Box(420, 200, 960, 940)
    views = []
    for canvas in (SQUARE, LANDSCAPE, STORY):
        product = placed(canvas)
        scene = ComponentScene().draw(spec, product, None, 5, core())
        assert scene.min(axis=2).max() > 0 and (scene.max(axis=2) < 4).mean() < 0.02
        views.append(shown(scene, View.of(product, core()), part))
    for other in views[1:]:
        alike = float((views[0] * other).sum() / np.sqrt((views[0] ** 2).sum() * (other**2).sum()))
        assert alike > 0.9, alike


def test_the_squares_own_canvas_has_the_layout_that_the_scene_was_composed_for() -> None:
    spec = SceneSpec("forest_trail", "studio_soft", "all", "calm", ("#4f78a8",), ())
    backend, cutout = ComponentScene(), shoe(300)
    common = core_layout(cutout, spec, [TEXT], LAYOUTS, 3, backend)
    square = Canvas(CORE_PX, CORE_PX)
    base, order = plan_base(cutout, spec, [TEXT], square, LAYOUTS[0], 3, preview=backend, core=common)
    assert base.layout == common and order is not None and order.core is None
    for canvas, texts in ((square, []), (LANDSCAPE, [TEXT])):
        _, order = plan_base(cutout, spec, texts, canvas, LAYOUTS[0], 3, preview=backend, core=common)
        assert order is not None and order.core == Core(base.placed.box, common.text_area)


def test_a_product_lies_in_the_middle_of_what_is_seen_from_above() -> None:
    assert {name for name, setting in DRAWERS.items() if setting.from_above} == SEEN_FROM_ABOVE
    for setting in ("linen_fabric", "wood_table"):
        spec = SceneSpec(setting, "studio_soft", "all", "calm", ("#4f78a8",), ())
        _, order = plan_base(PRODUCT, spec, [TEXT], Canvas(1024, 1024), "headline_left", 3)
        assert order is not None
        assert (abs(order.product.box.center_y / 1024 - 0.5) < 0.02) == (setting in SEEN_FROM_ABOVE)
