"""A mask freed of strips of shadow that hug the product: their outline is a penumbra, a product's is an edge."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.ground import Edges, Ground, box, grown, hue_off_shade, length, mean_beside

_SOFT = 0.5
"""Share of the step over eleven pixels that an outline makes within three, up to which it is a penumbra."""
_SOFT_SHARE = 0.8
"""Of the outline of a strip: so much is a penumbra at least."""
_LEAST_PX, _LEAST_OUTLINE_PX = 60, 20
_WIDEST_PX = 14
"""Mean width of a strip, its area over the length of its outline: what reaches further in is the product's."""
_MOST_SHARE = 0.15
"""Of the mask: larger parts are the product's."""
_TINTED, _WITHIN = 7.0, 10.0
"""Lab units by which a shadow is off the ground's hue at most, and each of its pixels."""
_DARKER = (6.0, 80.0)
"""Lightness by which the ground gets darker in a shadow."""
_PALE = 20.0
"""Up to so much darker, a strip may be a highlight at a product's edge: it must lie below the product."""
_ROUGH = 2.0
"""Lightness by which a shadow's pixels differ from their neighbourhood's median at most."""
_STEP, _EDGE_SHARE = 4.0, 0.57
"""Lab units between strip and product, and the share of sharp edges where they meet."""


def _range_over(light: np.ndarray, size: int) -> np.ndarray:
    """(H, W) float32: the highest less the lowest value in a square around each pixel."""
    found: np.ndarray = cv2.dilate(light, box(size)) - cv2.erode(light, box(size))
    return found


def crispness(light: np.ndarray) -> np.ndarray:
    """(H, W) float32, 0 to 1: how much of the step over eleven pixels is made within three: little in a penumbra."""
    share: np.ndarray = _range_over(light, 3) / np.maximum(_range_over(light, 11), 1)
    return share


def without_penumbras(mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> np.ndarray:
    """(H, W) bool: the mask without smooth strips in the ground's hue between a soft outline and the product's edge.

    lab: (H, W, 3) float32 CIELAB.
    """
    light = np.ascontiguousarray(lab[..., 0])
    hue, darker = hue_off_shade(lab, ground.lab), ground.lab[..., 0] - light
    rough = np.abs(light - cv2.medianBlur(light, 5))
    smooth = mask & (hue < _WITHIN) & (darker > 2) & (rough < _ROUGH) & ~edges.sharp
    strips = cv2.morphologyEx(smooth.astype(np.uint8), cv2.MORPH_OPEN, box(3))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(strips, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    outline = mask & grown(~mask, 3)
    near = cv2.dilate(parts.astype(np.uint16), box(3))
    at = near[outline]
    lengths = np.bincount(at, minlength=count)
    soft = np.bincount(at, weights=(crispness(light) < _SOFT)[outline], minlength=count)
    likely = (areas >= _LEAST_PX) & (areas <= np.minimum(_MOST_SHARE * mask.sum(), _WIDEST_PX * lengths))
    likely &= (lengths >= _LEAST_OUTLINE_PX) & (soft >= np.maximum(_LEAST_OUTLINE_PX, _SOFT_SHARE * lengths))
    taken = np.zeros_like(mask)
    for index in np.flatnonzero(likely[1:]) + 1:
        left, top, width, height, _ = stats[index]
        window = np.s_[max(0, top - 9) : top + height + 9, max(0, left - 9) : left + width + 9]
        strip, inside = parts[window] == index, mask[window]
        depth = float(np.median(darker[window][strip]))
        if not _DARKER[0] <= depth <= _DARKER[1] or np.median(hue[window][strip]) > _TINTED:
            continue
        seam = inside & grown(strip, 5) & ~strip & ~outline[window]
        if not seam.any() or edges.sharp[window][seam].mean() < _EDGE_SHARE:
            continue
        product = mean_beside(inside & ~grown(strip, 5), lab[window], 9)
        if np.median(length(mean_beside(strip, lab[window], 7) - product)[seam]) < _STEP:
            continue
        facing_down = _facing_down(outline[window] & grown(strip, 3), inside)
        if facing_down < (0.6 if depth < _PALE else -0.2):
            continue
        taken[window] |= strip
    if not taken.any():
        return mask
    rest = mask & ~grown(taken, 3)
    slivers = rest & ~(cv2.morphologyEx(rest.astype(np.uint8), cv2.MORPH_OPEN, box(3)) > 0) & grown(taken, 9)
    return rest & ~slivers


def _facing_down(outline: np.ndarray, mask: np.ndarray) -> float:
    """-1 to 1: how much of a piece of outline has the ground below it, less how much has it above."""
    ys, xs = np.nonzero(outline)
    height = len(mask)
    below, above = ~mask[np.minimum(ys + 4, height - 1), xs], ~mask[np.maximum(ys - 4, 0), xs]
    return float(below.mean() - above.mean())
