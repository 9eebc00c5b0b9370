"""The layout whose text would stand calmest, by scenes drawn small: they are composed as the large ones are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ray_tasks.pictures.arrange import TextSpec, fitted
from ray_tasks.pictures.calm import BETTER, CALM, UnrestMap, settled
from ray_tasks.pictures.compose import standing_box
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import Layout
from ray_tasks.pictures.props_small import STREWN
from ray_tasks.pictures.scene import Core, PlacedProduct, SceneBackend, SceneSpec

PREVIEW_PX = 192
"""Short side of a preview. Its edges agree with the large scene's by 0.9 to 1.0 (correlation) in all settings."""
_SHRUNK, _SHRUNK_FOR_BUSY = 0.9, 0.65
"""Share of the product's area in the instruction's layout that another one must leave it: calm is not worth more. The
second where text would stand before fruit, bottles or branches (unrest of twice CALM)."""
_AIR = 10
"""Design units of the text area that stay free around the block, so that rounding makes nothing overflow."""


def calmest(
    cutout_rgba: np.ndarray,
    bounds: Box,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    layouts: Sequence[Layout],
    backend: SceneBackend,
    seed: int,
    share: float,
    core: Core | None = None,
) -> Layout:
    """The first layout in which the text stands calm, else the calmest by far; its text area at the calmest place.

    The first layout is the instruction's. bounds: of the cut-out's opaque pixels; share: of its box that it takes.
    """
    step = max(1, max(bounds.width, bounds.height) // (2 * PREVIEW_PX))
    thin = np.ascontiguousarray(
        cutout_rgba[bounds.top : bounds.bottom : step, bounds.left : bounds.right : step]
    )
    chosen, least = layouts[0], math.inf
    usual_px = _area_px(bounds, layouts[0], share)
    for layout in layouts:
        block = block_px(layout, texts, spec.mood)
        floor = _SHRUNK if least <= 2 * CALM else _SHRUNK_FOR_BUSY
        if block is None or _area_px(bounds, layout, share) < floor * usual_px:
            continue
        scene = _preview(thin, bounds, spec, layout, backend, seed, share, core)
        settled_layout, unrest = settled(layout, block, UnrestMap(scene, layout.canvas))
        if unrest < (least if layout is layouts[0] else BETTER * least):
            chosen, least = settled_layout, unrest
        if least <= CALM:
            break
    return chosen


def _area_px(bounds: Box, layout: Layout, share: float) -> int:
    place = standing_box(bounds, layout.product_box, share=share)
    return place.width * place.height


def block_px(layout: Layout, texts: Sequence[TextSpec], mood: str) -> tuple[int, int] | None:
    """Width and height of the largest text's block in a layout; None if one does not fit."""
    area = layout.text_area
    assert area is not None
    blocks = [fitted(text, layout.form(mood), area.height) for text in texts if not text.is_empty]
    if not blocks or any(block is None for block in blocks):
        return None
    found = [block for block, _ in filter(None, blocks)]
    air = _AIR * layout.canvas.unit
    width = max(
        (max(e.left + e.width for e in block.elements) - min(e.left for e in block.elements))
        for block in found
    )
    return math.ceil(width), math.ceil(max(block.height for block in found) + air)


def _preview(
    thin: np.ndarray,
    bounds: Box,
    spec: SceneSpec,
    layout: Layout,
    backend: SceneBackend,
    seed: int,
    share: float,
    core: Core | None,
) -> np.ndarray:
    """(h, w, 3) uint8: the scene of a layout, small, without what is strewn: that keeps clear of the text anyway."""
    canvas = layout.canvas
    scale = PREVIEW_PX / min(canvas.width_px, canvas.height_px)
    place = standing_box(bounds, layout.product_box, share=share)
    left, top = round(place.left * scale), round(place.top * scale)
    box = Box(left, top, left + max(1, round(place.width * scale)), top + max(1, round(place.height * scale)))
    small = Canvas(round(canvas.width_px * scale), round(canvas.height_px * scale))
    rgba = np.zeros((small.height_px, small.width_px, 4), np.uint8)
    inside = np.s_[box.top : min(box.bottom, small.height_px), box.left : min(box.right, small.width_px)]
    own = cv2.resize(thin, (box.width, box.height), interpolation=cv2.INTER_AREA)
    rgba[inside] = own[: rgba[inside].shape[0], : rgba[inside].shape[1]]
    far = replace(spec, props=tuple(prop for prop in spec.props if prop not in STREWN))
    return backend.draw(far, PlacedProduct(rgba, box), None, seed, core)
