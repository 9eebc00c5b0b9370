"""What surrounds the product in a finished picture: clutter, light, noise, steps, and likeness to another picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.measure_text import TextBox
from ray_tasks.pictures.palette import oklab_from_srgb, parse_hex

NO_TWIN = 1.0
"""Distance to the nearest other picture where there is none."""

LOOK_PX = 512
"""Short side at which the surroundings are looked at."""
RING_PX = 28
"""Width of the ring around the product in which clutter counts, at that size."""
EDGE_STEP = 6
"""Distance in pixels at which product and ground are compared across the edge, past the anti-aliased rim."""
GRID = 24
"""Cells a side in which two pictures are compared."""


@dataclass(frozen=True)
class Look:
    """A picture at a glance: lab (24, 24, 3) float32 OKLab; product (24, 24) bool, cells that its box covers."""

    lab: np.ndarray
    product: np.ndarray


def look_of(bgr: np.ndarray, product_box: Box, size: tuple[int, int]) -> Look:
    """The look of an (h, w, 3) uint8 BGR picture of any scale; the box is given at `size` (width, height)."""
    cells = cv2.resize(bgr, (GRID, GRID), interpolation=cv2.INTER_AREA)
    product = np.zeros((GRID, GRID), bool)
    across, down = GRID / size[0], GRID / size[1]
    product[
        math.floor(product_box.top * down) : math.ceil(product_box.bottom * down),
        math.floor(product_box.left * across) : math.ceil(product_box.right * across),
    ] = True
    return Look(oklab_from_srgb(cells[..., ::-1] / 255.0).astype(np.float32), product)


def twin_distance(look: Look, others: Sequence[Look]) -> float:
    """Mean OKLab distance to the most similar of other pictures, cells that hold the product in both left out."""
    nearest = NO_TWIN
    for other in others:
        free = ~(look.product & other.product)
        if free.any():
            nearest = min(nearest, float(np.linalg.norm(look.lab - other.lab, axis=2)[free].mean()))
    return nearest


def colour_clash(look: Look, product_rgb: np.ndarray) -> float:
    """Mean chroma (OKLab) of the surroundings across the axis of the product's own hue: 0.02 is usual.

    Neighbours and opposites of its hue lie along that axis, and go together; what stands square to both clashes
    (Matsuda's templates of harmony, in Cohen-Or et al. 2006). A product without a hue of its own clashes with nothing.

    product_rgb: (n, 3) uint8, opaque pixels of the product.
    """
    if not len(product_rgb):
        return 0.0
    lab = oklab_from_srgb(product_rgb[:: max(1, len(product_rgb) // 4000)] / 255.0)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    return _across(look, (lab[:, 1:] * chroma[:, None]).mean(axis=0) / max(1e-6, float(chroma.mean())))


def brand_clash(look: Look, brand_colors: Sequence[str], product_rgb: np.ndarray) -> float:
    """The same against the brand: the least over its colours, as surroundings that go with one of them suit it.

    brand_colors: "#rrggbb", by the merchant; where there are none, the colours that the product's label and body carry
    (the peaks of its hues, weighted by chroma).
    """
    if brand_colors:
        hues = [oklab_from_srgb(np.array(parse_hex(color)))[1:] for color in brand_colors]
        hues = [hue for hue in hues if np.linalg.norm(hue) >= _HAS_HUE]
    else:
        hues = _own_hues(product_rgb)
    return min((_across(look, hue) for hue in hues), default=0.0)


_HAS_HUE = 0.04
"""OKLab chroma from which on a colour has a hue to clash with."""
_HUE_BINS = 24
_OWN_SHARE = 0.2
"""Share of all chroma that a hue carries at least to be one of the product's colours."""


def _own_hues(product_rgb: np.ndarray) -> list[np.ndarray]:
    """(a, b) of the hues, each with its mean chroma, that carry a good share of the product's colour."""
    if not len(product_rgb):
        return []
    lab = oklab_from_srgb(product_rgb[:: max(1, len(product_rgb) // 4000)] / 255.0)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    coloured = chroma >= _HAS_HUE
    if coloured.mean() < 0.02:
        return []
    turn = np.arctan2(lab[coloured, 2], lab[coloured, 1]) / (2 * np.pi) % 1.0
    bins = (turn * _HUE_BINS).astype(int) % _HUE_BINS
    weight = np.bincount(bins, chroma[coloured], _HUE_BINS)
    near = weight + np.roll(weight, 1) + np.roll(weight, -1)
    peaks = [
        i
        for i in range(_HUE_BINS)
        if near[i] >= _OWN_SHARE * weight.sum()
        and near[i] == max(near[i - 1], near[i], near[(i + 1) % _HUE_BINS])
    ]
    apart = [np.abs((bins - i + _HUE_BINS // 2) % _HUE_BINS - _HUE_BINS // 2) <= 1 for i in peaks]
    return [lab[coloured][own][:, 1:].mean(axis=0) for own in apart]


def _across(look: Look, hue: np.ndarray) -> float:
    """Mean chroma of the surroundings square to a hue (a, b); less where that has little chroma itself."""
    strength = float(np.linalg.norm(hue))
    if strength < 1e-6 or look.product.all():
        return 0.0
    across = np.abs(look.lab[..., 1] * hue[1] - look.lab[..., 2] * hue[0])[~look.product] / strength
    return float(across.mean()) * min(1.0, strength / 0.08)


def measure_ground(
    bgr: np.ndarray, gray: np.ndarray, alpha: np.ndarray, product_box: Box, texts: Sequence[TextBox]
) -> dict[str, float]:
    """Clutter around product and text, exposure, liveliness, noise and steps of what is not product or text.

    alpha: (H, W) uint8, the placed product; product_box: its outline's.
    """
    height, width = gray.shape
    # All sizes are looked at at one size, so that the limits hold for every canvas.
    scale = LOOK_PX / min(width, height)
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 1.2)
    gradient = cv2.magnitude(
        cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=1, scale=0.5),
        cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=1, scale=0.5),
    )
    shape = (cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR) > 8).view(np.uint8)
    text, beside = np.zeros_like(shape), np.zeros_like(shape)
    for item in texts:
        _fill(text, item.box, scale, 2)
        _fill(beside, item.box, scale, 10)
    near = cv2.dilate(shape, np.ones((5, 5), np.uint8))
    far = cv2.boxFilter(shape, cv2.CV_32F, (2 * RING_PX + 1,) * 2, normalize=False) > 0
    free = ((near == 0) & (text == 0)).view(np.uint8)
    ring = (far & (free > 0)).view(np.uint8)
    by_text = cv2.bitwise_and(beside, free)
    nearest = cv2.resize(bgr, size, interpolation=cv2.INTER_NEAREST)
    blue, green, red = cv2.split(nearest)
    least, most = cv2.min(cv2.min(blue, green), red), cv2.max(cv2.max(blue, green), red)
    total = max(1, cv2.countNonZero(free))
    noise = np.abs(small.astype(np.int16) - cv2.medianBlur(small, 3))
    return {
        "clutter_product": cv2.mean(gradient, ring)[0] if ring.any() else 0.0,
        "clutter_text": cv2.mean(gradient, by_text)[0] if by_text.any() else 0.0,
        "clipped_light_share": cv2.countNonZero(cv2.bitwise_and(cv2.inRange(least, 253, 255), free)) / total,
        "clipped_dark_share": cv2.countNonZero(cv2.bitwise_and(cv2.inRange(most, 0, 4), free)) / total,
        "background_deviation": float(cv2.meanStdDev(small, mask=free)[1][0, 0]) if free.any() else 0.0,
        "noise": float(cv2.mean(noise, free)[0]) if free.any() else 0.0,
        "banding": _banding(cv2.cvtColor(nearest, cv2.COLOR_BGR2GRAY), free),
    }


def _banding(gray: np.ndarray, free: np.ndarray) -> float:
    """How far the histogram is from a smooth one: 0.1 in a picture with grain, 0.3 and more where tones come in steps.

    Black and white are left out: they are flat in good pictures too.
    """
    counts = cv2.calcHist([gray], [0], free, [256], [0, 256]).ravel()[3:253]
    total = float(counts.sum())
    if total < 0.05 * free.size:
        return 0.0
    return float(np.abs(counts - cv2.GaussianBlur(counts[None], (0, 0), 3)[0]).sum() / total)


def _fill(mask: np.ndarray, box: Box, scale: float, grown_px: int) -> None:
    """Sets a box of the full picture in a mask of `scale` its size, grown by pixels of the mask."""
    mask[
        max(0, math.floor(box.top * scale) - grown_px) : math.ceil(box.bottom * scale) + grown_px,
        max(0, math.floor(box.left * scale) - grown_px) : math.ceil(box.right * scale) + grown_px,
    ] = 1
