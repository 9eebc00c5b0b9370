"""A mask opened where the ground is seen through the product: inside handles, straps, bracelets, between legs."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ray_tasks.pictures.ground import Edges, Ground, box, grown, length, looks_shadowed

_LEAST_PX = 40
"""Area from which a patch of the ground's colour can be told from a highlight, at the working size."""
_NEAR = 6.0
"""Lab units from the ground within which a patch is looked at."""
_FAIR_NOISE = 1.8
_DEEPEST = 30.0
"""Lightness by which the ground gets darker at most in shade that is seen through a hole."""
_DARKER, _DARKER_IN_SHADE, _BRIGHTER, _OTHER_HUE = 1.9, 2.6, 5.6, 2.9
"""Lab units that a hole's middle may be off the ground: a label is mostly a little darker than a white ground."""
_SMALL_PX = 250
_UNEVEN, _UNEVEN_IN_SHADE, _UNEVEN_SMALL = 1.75, 2.1, 0.9
"""Standard deviation (Lab) inside a hole of a smooth ground: shade is even, print and small highlights are not."""
_RIM, _WIDE_RIM = 17.0, 11.0
"""Lab units by which the product differs from what is seen through it, all around; the second from _WIDE_SHARE on,
where no shade is taken for ground."""
_WIDE_SHARE = 0.02
_WALL, _THICK_WALL = 3.2, 6.0
"""Times its own half width that a hole lies inside the product at most: letters lie deeper, and are thinner. The
second from _WIDE_SHARE on: a coiled hose."""
_MOST_LIKE_GROUND = 0.2
"""Share of the ring around a hole that may be of the ground's colour: between print there is more label."""


def open_holes(mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> np.ndarray:
    """(H, W) bool: `mask` without patches that go on like the ground within an outline that stands before it.

    A see-through hole has the colour and texture of the ground beside the product, evenly, and ends at the product all
    around with a step; a white dial or label differs in one of them. lab: (H, W, 3) float32.
    """
    outside = ~grown(mask, 5)
    if not outside.any():
        return mask
    difference = lab - ground.lab
    distance = length(difference)
    # A ground that no smooth surface follows is told from the product less closely.
    loose = max(1.0, ground.noise / _FAIR_NOISE)
    near = distance < _NEAR * loose
    shaded = looks_shadowed(difference, _NEAR - 2) & (difference[..., 0] > -_DEEPEST)
    light = np.ascontiguousarray(lab[..., 0])
    texture = np.abs(light - cv2.medianBlur(light, 3))
    usual_texture = float(texture[outside].mean())
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    opened = mask.copy()
    for window, patch in _patches(
        (mask & near & (edges.cost < 1.5)), (mask & (near | shaded) & (edges.cost < 1))
    ):
        lit = patch & near[window]
        inner = cv2.erode(lit.astype(np.uint8), box(3), borderValue=1) > 0
        core = inner if inner.sum() >= 10 else lit
        if core.sum() < 0.4 * patch.sum():
            continue
        colours = difference[window][core]
        off = length(lab[window] - np.median(lab[window][core], axis=0).astype(np.float32))
        step = cv2.dilate(off, box(9))
        edge = patch & ~(cv2.erode(patch.astype(np.uint8), box(3), borderValue=1) > 0)
        ring = grown(patch, 9) & ~grown(patch, 5) & mask[window]
        half_px = float(cv2.distanceTransform(patch.astype(np.uint8), cv2.DIST_L2, 3).max())
        wide = patch.sum() > _WIDE_SHARE * mask.sum()
        has_shade = bool((patch & ~near[window]).any())
        rim = _WIDE_RIM if wide and not has_shade else _RIM
        even = _UNEVEN_SMALL if patch.sum() < _SMALL_PX else _UNEVEN_IN_SHADE if has_shade else _UNEVEN
        if (
            _off_ground(colours, _DARKER_IN_SHADE if has_shade else _DARKER) < loose
            and float(colours.std(axis=0).max()) < even + 2 * usual_texture
            and float(texture[window][core].mean()) < 0.09 + 0.75 * usual_texture
            and float(np.quantile(step[edge], 0.1)) > rim
            and float(depth[window][patch].min()) < (_THICK_WALL if wide else _WALL) * half_px
            and not has_print(patch, off)
            and (not ring.any() or float((distance[window][ring] < 9).mean()) < _MOST_LIKE_GROUND)
        ):
            # Up to the middle of the step to the product.
            opened[window] &= ~(patch | (grown(patch, 9) & (off < 0.5 * step)))
    thin = opened & (cv2.morphologyEx(opened.astype(np.uint8), cv2.MORPH_OPEN, box(3)) == 0)
    # A wire between two holes keeps its width: its soft edge is found at the picture's own size.
    return opened | (grown(thin & ~grown(~mask, 3), 3) & mask)


def _patches(*areas: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """(window, (h, w) bool part of an area in it) for every part that is large enough."""
    for area in areas:
        smooth = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, box(3))
        count, parts, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
        for index in range(1, count):
            left, top, width, height, size = stats[index]
            if size >= _LEAST_PX:
                window = np.s_[max(0, top - 12) : top + height + 12, max(0, left - 12) : left + width + 12]
                yield window, parts[window] == index


def has_print(patch: np.ndarray, off: np.ndarray) -> bool:
    """Whether something stands in it: letters on a label of the ground's colour leave islands, a hole has none."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~patch).astype(np.uint8), connectivity=4)
    rim = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    islands = [index for index in range(1, count) if index not in rim and stats[index, cv2.CC_STAT_AREA] > 12]
    return any(float(off[parts == index].max()) > 9 for index in islands)


def _off_ground(difference: np.ndarray, darker: float) -> float:
    """How far colours (N, 3) are off the ground in the median, as a share of what a hole may be."""
    light, first, second = np.median(difference, axis=0)
    return float(np.hypot(light / (darker if light < 0 else _BRIGHTER), np.hypot(first, second) / _OTHER_HUE))
