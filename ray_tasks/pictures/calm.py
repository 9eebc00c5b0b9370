"""Where a scene is calm: how much it would disturb letters in any box, from a small map and its integral images."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import Layout

MAP_PX = 128
"""Short side of the map: a letter's stroke of a headline is about a pixel there."""
CALM = 9.0
"""Unrest up to which no other layout is looked for: a plain wall has 2 to 6, a shelf of bottles 15 to 30."""
BETTER = 0.75
"""Share of its unrest that another layout must come down to: personas have different layouts on purpose."""

_UNEVEN = 0.4
"""Weight of uneven light beside edges."""
_CHANGED = 0.6
"""Weight of what would have to be changed in the light for the better one of two inks: a place that is half bright and
half dark needs it, one that is uneven but bright all over does not."""
_LIGHT_INK, _DARK_INK = 0.455, 0.50
"""Gamma-encoded luma up to which white letters, and from which black letters, have a contrast of 4.5:1."""
_PULL = 0.8
"""How much more unrest counts at the far end of an area than at the place that the grid gives."""
_STEPS = 24
_GRAIN = 1.5
"""Unrest of a plain wall with its grain: between places calmer than that, the usual one is taken."""


class UnrestMap:
    """Unrest of a picture: mean step between neighbours of the map, in levels, plus parts of its light's deviation and
    of the change (root mean square) that letters would need.

    rgb: (h, w, 3) uint8 of any size that shows the canvas. A few milliseconds; a box then costs microseconds.
    """

    def __init__(self, rgb: np.ndarray, canvas: Canvas) -> None:
        self._scale = MAP_PX / min(canvas.width_px, canvas.height_px)
        size = (round(canvas.width_px * self._scale), round(canvas.height_px * self._scale))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 0.8).astype(np.float32)
        edges = cv2.magnitude(
            cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=1, scale=0.5),
            cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=1, scale=0.5),
        )
        self._edges = cv2.integral(edges, sdepth=cv2.CV_64F)
        self._light, self._squares = cv2.integral2(gray, sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
        self._burned = cv2.integral(np.square(np.maximum(gray - 255 * _LIGHT_INK, 0)), sdepth=cv2.CV_64F)
        self._dodged = cv2.integral(np.square(np.maximum(255 * _DARK_INK - gray, 0)), sdepth=cv2.CV_64F)

    def of(self, box: Box) -> float:
        """The unrest in a box of the canvas."""
        height, width = self._edges.shape[0] - 1, self._edges.shape[1] - 1
        left, top = (min(limit - 1, max(0, round(at * self._scale)))
                     for at, limit in ((box.left, width), (box.top, height)))  # fmt: skip
        right, bottom = (max(least + 1, min(limit, round(at * self._scale)))
                         for at, least, limit in ((box.right, left, width), (box.bottom, top, height)))  # fmt: skip
        edges, light, squares, burned, dodged = (
            float(table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left])
            / ((right - left) * (bottom - top))
            for table in (self._edges, self._light, self._squares, self._burned, self._dodged)
        )
        uneven, changed = (
            math.sqrt(max(0.0, squares - light * light)),
            math.sqrt(max(0.0, min(burned, dodged))),
        )
        return edges + _UNEVEN * uneven + _CHANGED * changed


def settled(layout: Layout, block_px: tuple[int, int], unrest: UnrestMap) -> tuple[Layout, float]:
    """The layout with its text area drawn together to the calmest place for a block of (width, height), and its unrest.

    The area keeps its width, so that lines break as before; the block stands at the side where reading begins.
    """
    area = layout.text_area
    assert area is not None
    width, height = min(block_px[0], area.width), min(block_px[1], area.height)
    slack = area.height - height
    left = area.left if layout.starts_left else area.right - width
    if layout.center:
        left = area.left + (area.width - width) // 2
    usual = layout.usual_slack
    best = (math.inf, 0)
    for step in range(_STEPS + 1 if slack else 1):
        top = area.top + round(slack * step / _STEPS)
        pull = 1 + _PULL * abs(step / _STEPS - usual) * slack / area.height
        here = max(_GRAIN, unrest.of(Box(left, top, left + width, top + height)))
        best = min(best, (here * pull, top))
    cost, top = best
    return replace(layout, text_area=Box(area.left, top, area.right, top + height)), cost
