"""A mask freed of the contact shadow that clings to the product's foot."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.ground import Ground, box, grown, hue_off_shade, parts_holding
from ray_tasks.pictures.penumbra import crispness

_DEPTH = 26
"""How far above the outline a product may begin, in pixels of the working size: 5 % of a picture."""
_OUTSIDE = 3
"""Pixels below the outline in which a shadow goes on; a product's own edge is over in two."""
_SOFT = 14.0
"""Lightness (Lab) a pixel up to which an outline may be a shadow's: a product ends with more."""
_DARKEST = 60.0
"""Lightness by which the ground gets darker at most where a product stands on it; what is darker is product."""
_FLAT = 4
"""Pixels that a shadow may stay as dark as it is; a dark part of the product stays so for longer."""
_EDGE = 5.0
"""Lab units by which the product differs from the shadow that it casts, where they meet."""
_GAP = 24
"""Columns between two that tell the product's edge over which it is taken to run straight."""


_CORD = 7
"""Pixels that a cord is wide at most."""
_SPECK_SHARE = 0.02
"""Of the largest piece: what is smaller beside shade is shade too."""

_COLOURED = 8.0
"""Chroma (Lab) from which a smooth ground has a hue that it is told by."""
_SMOOTH = 1.0
"""Noise (Lab) up to which a ground is smooth."""
_PALE = 15.0
"""Lightness by which it gets darker at most in a wide shadow."""
_PATCH_SHARE = 0.05
"""Of the mask: larger parts in the ground's hue are a product that happens to have it."""

_BARS_PX, _CUT_BAR_PX, _LEAST_BAR_PX = (25, 45, 70), 45, 60
"""Heights that a bar of cast shadow has at most (a low one may lie before a wide foot), the height from which the
picture's border must cut it, and its least area in pixels."""
_RUNS_ON = 7.0
"""Lightness by which a shadow differs at most from what lies beyond the end that the mask gives it."""
_LOWEST = 0.5
"""Of a product's height: above it little lies on the ground, unless it is seen from above."""
_SLIMMEST, _LONG = 0.8, 2.0
"""Of a bar's height: its least width, and the one from which it may lie higher up where it is soft and even."""
_ROUGHEST, _EVEN = 3.0, 1.0
"""Lightness by which the middle pixel of a bar differs from those around it (a rim within it does not count), and up to
which it is even."""
_TINTED = 12.0
"""Lab units by which a cast shadow is off the ground's hue at most: light falls in it from another side."""
_SOFT_END = 0.535
"""Share of the step over eleven pixels that an outline makes within three, up to which it is a penumbra: of 79 bars on
real packshots 21 even ones are below, 20 of shade and one that the eye cannot tell."""
_LEAST_OUTLINE_PX = 8
_LEAST_CORE_PX = 20
_BAR_ROUNDS = 3
"""Of looking for bars: the middle one of a row hangs on the product only when its neighbours are gone."""


def without_contact_shade(mask: np.ndarray, lab: np.ndarray, background: Ground) -> np.ndarray:
    """(H, W) bool: the mask without what is ground in shade between its lower outline and the product's own edge.

    Seen from below, a contact shadow is the ground's colour, begins softly, grows darker upwards, and ends where the
    product begins: with a rise, a steep fall, or another hue. lab: (H, W, 3) float32.
    """
    height, width = mask.shape
    last = np.where(mask.any(axis=0), height - 1 - np.argmax(mask[::-1], axis=0), -1)
    columns = np.flatnonzero((last > _DEPTH + 1) & (last < height - 1 - _OUTSIDE))
    if not len(columns):
        return mask
    rows = last[columns] - np.arange(-_OUTSIDE, _DEPTH + 2)[:, None]
    light, hue = lab[rows, columns, 0], hue_off_shade(lab[rows, columns], background.lab[rows, columns])
    too_dark = background.lab[rows, columns, 0] - light > _DARKEST
    shade_px = _shade_px(light, hue, too_dark, background.tolerance)
    in_shade = (hue < 2 * background.tolerance) & ~too_dark
    shade_px = np.maximum(shade_px, _tongue_px(mask[rows, columns], light, in_shade))
    line = _agreed(columns, last[columns] - shade_px, shade_px > 0, width)
    below = np.arange(height)[:, None] > line
    shaded = np.zeros_like(mask)
    shaded[rows, columns] = in_shade
    # What is thin from end to end is a chain or a cord: it throws next to no shade, and looks like it.
    taken = parts_holding(mask, cv2.erode(mask.astype(np.uint8), box(_CORD)) > 0) & below & shaded
    taken &= ~_joints(taken, mask & ~taken)
    kept = mask & ~taken
    # What is torn from the product by taking the shade was shade too.
    return _without_specks(kept, grown(taken, 7))


def without_pale_shade(mask: np.ndarray, lab: np.ndarray, background: Ground) -> np.ndarray:
    """(H, W) bool: the mask without small parts at its outline that are a smooth, coloured ground in pale shade."""
    chroma = np.hypot(*background.lab[..., 1:].reshape(-1, 2).mean(axis=0))
    if chroma < _COLOURED or background.noise > _SMOOTH:
        return mask
    darker = background.lab[..., 0] - lab[..., 0]
    in_hue = mask & (hue_off_shade(lab, background.lab) < 2) & (darker > -1) & (darker < _PALE)
    parts = cv2.morphologyEx(in_hue.astype(np.uint8), cv2.MORPH_OPEN, box(3))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(parts, connectivity=4)
    beside = np.setdiff1d(labels[grown(~mask, 3)], 0)
    small = beside[stats[beside, cv2.CC_STAT_AREA] < _PATCH_SHARE * mask.sum()]
    taken = np.isin(labels, small)
    return _without_specks(mask & ~taken, grown(taken, 7))


@dataclass(frozen=True)
class _Surface:
    """What tells shade at each pixel, (H, W) each: Lab units and shares."""

    light: np.ndarray
    hue: np.ndarray
    darker: np.ndarray
    rough: np.ndarray
    crisp: np.ndarray
    shade: np.ndarray

    @classmethod
    def of(cls, lab: np.ndarray, background: Ground) -> _Surface:
        """Of a picture, (H, W, 3) float32 CIELAB."""
        light = np.ascontiguousarray(lab[..., 0])
        hue, darker = hue_off_shade(lab, background.lab), background.lab[..., 0] - light
        rough = np.abs(light - cv2.medianBlur(light, 5))
        shade = (hue < 2 * background.tolerance) & (darker > 2)
        return cls(light, hue, darker, rough, crispness(light), shade)


def without_cast_bars(mask: np.ndarray, lab: np.ndarray, background: Ground) -> np.ndarray:
    """(H, W) bool: the mask without low bars of cast shadow that lie beside the foot.

    A bar is smooth and of the ground's hue, hangs on the product at one end, and at its other the shadow goes on where
    the mask stops, or its outline is a penumbra; a product's own foot or strap ends there with an edge.
    """
    surface = _Surface.of(lab, background)
    for _ in range(_BAR_ROUNDS):
        before = mask
        for most_px in _BARS_PX:
            mask = mask & ~_cast_bars(mask, surface, most_px)
        if (mask == before).all():
            break
    return mask


def _cast_bars(mask: np.ndarray, surface: _Surface, most_px: int) -> np.ndarray:
    """(H, W) bool: bars of cast shadow, less than `most_px` high, that hang on the rest of the mask."""
    upright = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((most_px, 5), np.uint8))
    slim = cv2.morphologyEx((mask & (upright == 0)).astype(np.uint8), cv2.MORPH_OPEN, box(3))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(slim, connectivity=4)
    rows = np.flatnonzero(mask.any(axis=1))
    light, rough = surface.light, surface.rough
    taken = np.zeros_like(mask)
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        at_border = left < 4 or left + width > mask.shape[1] - 4
        if area < _LEAST_BAR_PX or width < _SLIMMEST * height or (most_px > _CUT_BAR_PX and not at_border):
            continue
        bar = parts == index
        inner = cv2.erode(bar.astype(np.uint8), box(3)) > 0
        inner = inner if inner.sum() >= _LEAST_CORE_PX else bar
        darker, tint = np.median(surface.darker[inner]), np.median(surface.hue[inner])
        if darker < 2 or tint > _TINTED or np.median(rough[inner]) > _ROUGHEST:
            continue
        rows_of_bar = np.flatnonzero(bar.any(axis=1))
        others = (mask & ~bar)[max(0, rows_of_bar[0] - 2) : rows_of_bar[-1] + 3]
        before, behind = others[:, max(0, left - 4) : left], others[:, left + width : left + width + 4]
        # An end at the picture's border is free.
        ends = before.mean() if before.size else 0.0, behind.mean() if behind.size else 0.0
        if max(ends) < 0.5 or min(ends) > 0.3:
            continue
        outline = bar & grown(~mask, 3) & ~grown(mask & ~bar, 7)
        soft = outline.sum() >= _LEAST_OUTLINE_PX and np.median(surface.crisp[outline]) < _SOFT_END
        plainly = surface.shade[bar].mean() > 0.7 and rough[bar].mean() < 1.3 and width >= height
        lies_low = top + height / 2 >= rows[-1] - _LOWEST * np.ptp(rows)
        flat = width > _LONG * height and np.median(rough[inner]) < _EVEN
        runs_on = lies_low and plainly and _runs_on(bar, light, left, width, hangs_left=ends[0] > ends[1])
        if (soft and (lies_low or flat)) or runs_on:
            taken |= bar
    return taken


def _runs_on(bar: np.ndarray, light: np.ndarray, left: int, width: int, *, hangs_left: bool) -> bool:
    """Whether a bar goes on in the picture at the end by which it does not hang on the product."""
    end, beyond = (left + width - 2, left + width + 4) if hangs_left else (left + 1, left - 5)
    at = np.flatnonzero(bar[:, end])
    beyond = min(max(0, beyond), bar.shape[1] - 1)
    return bool(len(at) and abs(np.median(light[at, beyond] - light[at, end])) < _RUNS_ON)


def _shade_px(light: np.ndarray, hue: np.ndarray, too_dark: np.ndarray, tolerance: float) -> np.ndarray:
    """(columns,) int: how many pixels of each column are shade below the product; 0 where it does not tell.

    light, hue, too_dark: (_OUTSIDE + _DEPTH + 2, columns), from below the outline upwards.
    """
    falls = light[:-1] - light[1:]
    outline, inside = falls[_OUTSIDE - 1], falls[_OUTSIDE:]
    soft = _is_soft(falls[:_OUTSIDE])
    light, hue, too_dark = light[_OUTSIDE:], hue[_OUTSIDE:], too_dark[_OUTSIDE:]
    steepest = np.maximum.accumulate(np.vstack([outline[None], inside]), axis=0)[:-1]
    steps = (inside < -1.5) | (inside > np.maximum(8.0, 2 * steepest))
    ends = steps | (hue[1:] > tolerance) | too_dark[1:]
    end = np.argmax(ends, axis=0) + 1
    here = np.arange(light.shape[1])
    flat = np.cumsum(np.abs(inside) < 0.7, axis=0)[end - 1, here]
    further = np.minimum(end + 1, len(light) - 1)
    met = np.maximum(
        np.abs(light[further, here] - light[end - 1, here]), hue[further, here] - hue[end - 1, here]
    )
    tells = soft & ends.any(axis=0) & (hue[0] < tolerance) & ~too_dark[0] & (flat <= _FLAT) & (met > _EDGE)
    return np.where(tells, end, 0)


def _is_soft(falls: np.ndarray) -> np.ndarray:
    """(columns,) bool: whether light falls as at a shadow's outline. falls: (_OUTSIDE, columns), the last across it."""
    *outside, outline = falls
    return (np.min(outside, axis=0) > 0.5) & (outline < 1.8 * outside[-1] + 1.5) & (outline < _SOFT)


def _tongue_px(inside: np.ndarray, light: np.ndarray, in_shade: np.ndarray) -> np.ndarray:
    """(columns,) int: the length of what begins and ends softly and is in shade all through, with ground above it."""
    inside, in_shade = inside[_OUTSIDE:], in_shade[_OUTSIDE:]
    falls = light[:-1] - light[1:]
    length = np.argmin(inside, axis=0)
    here = np.arange(len(length))
    last = len(falls) - 1
    ends = [-falls[np.minimum(_OUTSIDE + length + further, last), here] for further in (1, 0, -1)]
    through = np.logical_or(in_shade, np.arange(len(inside))[:, None] >= length).all(axis=0)
    tongue = (
        (length > 0)
        & (length <= _DEPTH - _OUTSIDE)
        & through
        & _is_soft(falls[:_OUTSIDE])
        & _is_soft(np.array(ends))
    )
    return np.where(tongue, length, 0)


def _agreed(columns: np.ndarray, edge: np.ndarray, tells: np.ndarray, width: int) -> np.ndarray:
    """(W,) float: the product's lowest row in each column as its neighbours agree on it; infinite where none tell."""
    line = np.full(width, np.inf)
    at, rows = columns[tells], edge[tells].astype(float)
    if len(at) < 8:
        return line
    around = np.abs(at[:, None] - at[None, :]) <= 8
    middle = np.array([np.median(rows[near]) for near in around])
    sure = (around.sum(axis=1) >= 4) & (np.abs(rows - middle) <= 4)
    at, rows = at[sure], rows[sure]
    for left, right, from_row, to_row in zip(at[:-1], at[1:], rows[:-1], rows[1:], strict=True):
        if right - left <= _GAP:
            line[left : right + 1] = np.linspace(from_row, to_row, right - left + 1)
    return line


def _joints(taken: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(H, W) bool: parts of `taken` that hold pieces of `kept` together: links of a chain, not shade under a foot."""
    count, parts = cv2.connectedComponents(taken.astype(np.uint8), connectivity=8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    first, last = np.full(count, len(stats)), np.zeros(count, int)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1)):
        beside = np.roll(pieces, (dy, dx), (0, 1))
        meets = (parts > 0) & (beside > 0) & (areas[beside] >= _SPECK_SHARE * areas[1:].max(initial=0))
        np.minimum.at(first, parts[meets], beside[meets])
        np.maximum.at(last, parts[meets], beside[meets])
    return (last > first)[parts] & taken


def _without_specks(mask: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The mask without loose pieces beside what was taken that are small against the product."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    beside = np.unique(parts[near & mask])
    specks = [part for part in beside if areas[part - 1] < _SPECK_SHARE * areas.max()]
    return mask & ~np.isin(parts, specks) if specks else mask
