"""Tells a packshot's ground from the product: a model of the ground, sharp edges, seeds, and a flood by levels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

RING_SHARE = 0.035
"""Width of the border ring that the ground is modelled from, as a share of the shorter side."""
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
"""A pixel and its four neighbours."""
FLOOD_LEVELS = (0.35, 0.8, 1.6, 3.0, 6.0, 1e9)
"""Sharp slope in Lab units a pixel up to which seeds spread, level by level."""

_AROUND_PX = 9
"""Twice the distance from an outline at which nothing of the product's edge is left."""
_AROUND = ((2, 1.0), (5, 0.05), (12, 0.0025), (30, 0.0001))
"""Sigma at a quarter of the size, and weight: what lies near counts, and what lies far only where nothing is near."""


@dataclass(frozen=True)
class Ground:
    """The ground's colour: lab (H, W, 3) float32 CIELAB; noise in Lab units; uniform_share 0 to 1 of the border."""

    lab: np.ndarray
    noise: float
    uniform_share: float
    kind: str

    @property
    def tolerance(self) -> float:
        """Lab units within which a pixel is the ground's."""
        return max(3.0, 2.6 * self.noise)


@dataclass(frozen=True)
class Edges:
    """cost (H, W) float32: slope in Lab units a pixel, ramps discounted; sharp (H, W) bool: steps, not ramps."""

    cost: np.ndarray
    sharp: np.ndarray
    grain: float
    """Slope of the ground's own structure, Lab units a pixel: the 90th percentile along the border."""


def box(size: int) -> np.ndarray:
    """A square structuring element."""
    return np.ones((size, size), np.uint8)


def length(difference: np.ndarray) -> np.ndarray:
    """(H, W) float32: Euclidean length of an (H, W, 3) difference."""
    return cv2.sqrt(cv2.transform(difference * difference, np.ones((1, 3), np.float32)))


def grown(mask: np.ndarray, size: int) -> np.ndarray:
    """(H, W) bool: `mask` dilated by a square of `size` pixels."""
    return cv2.dilate(mask.astype(np.uint8), box(size)) > 0


def parts_holding(area: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(H, W) bool: the 4-connected parts of `area` that hold a pixel of `marks`."""
    count, parts = cv2.connectedComponents(area.astype(np.uint8), connectivity=4)
    return _marked(parts, marks, count)


def _marked(parts: np.ndarray, marks: np.ndarray, count: int) -> np.ndarray:
    """(H, W) bool: the numbered parts that hold a pixel of `marks`; never part 0, which is what lies between."""
    hit = np.zeros(count, bool)
    hit[np.compress(marks.ravel(), parts.ravel())] = True
    hit[0] = False
    return hit.take(parts.view(np.int32))


def fit_ground(lab: np.ndarray) -> Ground:
    """The ground as a quadratic surface per Lab channel, fitted to the border ring and reweighted three times.

    A quadratic follows vignettes and gradients, and is stiff enough not to follow a product that crosses the border.
    """
    height, width = lab.shape[:2]
    ring = max(4, round(RING_SHARE * min(height, width)))
    border = np.ones((height, width), bool)
    border[ring:-ring, ring:-ring] = False
    ys = (np.arange(height, dtype=np.float32) / height - 0.5)[:, None]
    xs = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :]
    rows, columns = np.nonzero(border)
    y, x = ys[rows, 0], xs[0, columns]
    points = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    values = lab[border]
    weights = np.ones(len(points), np.float32)
    middle = np.median(values, axis=0)
    weights[np.linalg.norm(values - middle, axis=1) > 30] = 0.05
    for _ in range(3):
        weighted = (points * weights[:, None] ** 2).astype(np.float64)
        solution = np.linalg.solve(weighted.T @ points, weighted.T @ values).astype(np.float32)
        residual = np.linalg.norm(values - points @ solution, axis=1)
        spread = max(1.0, float(np.median(residual)) * 1.48)
        weights = (1 / (1 + (residual / (2.5 * spread)) ** 4)).astype(np.float32)
    noise = float(np.median(residual)) * 1.48
    uniform = float((residual < max(7.0, 4 * min(noise, 4.0))).mean())
    one, in_x, in_y, in_xx, in_yy, in_xy = solution
    across = one + xs[0, :, None] * in_x + xs[0, :, None] ** 2 * in_xx
    down = ys * in_y + ys**2 * in_yy
    model = across[None] + down[:, None] + ys[..., None] * (xs[0, :, None] * in_xy)
    lightness, chroma = float(model[..., 0].mean()), float(np.hypot(model[..., 1], model[..., 2]).mean())
    kind = "textured" if noise > 3.5 else "white" if lightness > 92 and chroma < 5 else "plain"
    return Ground(model, noise, uniform, kind)


def find_edges(lab: np.ndarray) -> Edges:
    """Where lightness or colour steps within two or three pixels, however little.

    A penumbra is a ramp: its slope is small against the contrast that it bridges. So slope over local range tells a
    weak edge of a white label from the strong but soft edge of a shadow.
    """
    smooth = cv2.GaussianBlur(lab, (0, 0), 0.9)
    slope = np.zeros(lab.shape[:2], np.float32)
    span = np.zeros_like(slope)
    for channel in range(3):
        plane = np.ascontiguousarray(smooth[..., channel])
        across, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
        slope = np.maximum(slope, cv2.magnitude(across, down) / 8)
        span = np.maximum(span, cv2.dilate(plane, box(11)) - cv2.erode(plane, box(11)))
    ring = max(4, round(RING_SHARE * min(slope.shape)))
    inner = np.s_[ring:-ring, ring:-ring]
    border = np.ones(slope.shape, bool)
    border[inner] = False
    # The ground's own grain decides what counts as an edge, however badly a smooth model follows its light.
    middle, high = np.quantile(slope[border], (0.5, 0.9))
    weak = max(0.25, 2.5 * float(middle), min(1.3 * float(high), 5 * float(middle)))
    sharp = (slope > weak) & (slope > 0.135 * span)
    _, parts = cv2.connectedComponents(sharp.astype(np.uint8), connectivity=8)
    kept = np.zeros(int(parts.max()) + 1, bool)
    kept[parts[sharp & (slope > 2.5 * weak)]] = True
    kept[0] = False
    closed = cv2.morphologyEx(kept[parts].astype(np.uint8), cv2.MORPH_CLOSE, box(3)) > 0
    steep = np.clip((slope / np.maximum(span, 0.5) - 0.07) / 0.07, 0.05, 1)
    return Edges(np.maximum(0, slope - 0.6 * weak) * steep, closed, float(high))


def refine_ground(lab: np.ndarray, ground: Ground, edges: Edges, strict: float) -> tuple[Ground, np.ndarray]:
    """(ground, reached): the model corrected by what was reached from the border, twice; reached (H, W) bool.

    A light pool or plate around a product departs from any surface fitted to the border alone. `strict` scales what
    passes for the ground: 1 is usual, below it less passes.
    """
    open_way = ~grown(edges.sharp, 3)
    height, width = lab.shape[:2]
    border = np.ones((height, width), bool)
    border[3:-3, 3:-3] = False
    model = ground.lab
    for sigma_share in (0.05, 0.03, None):
        difference = lab - model
        chroma = cv2.magnitude(difference[..., 1], difference[..., 2])
        limit = strict * ground.tolerance
        near = (np.abs(difference[..., 0]) < limit + 2 * strict) & (chroma < limit) & open_way
        wide = cv2.erode(near.astype(np.uint8), box(5), borderValue=1) > 0
        reached = grown(parts_holding(wide, border & wide), 5) & near
        if sigma_share is not None:
            weight = reached.astype(np.float32)
            size, sigma = (width // 4, height // 4), sigma_share * min(height, width) / 4
            known = cv2.GaussianBlur(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), (0, 0), sigma)
            residual = cv2.resize((lab - ground.lab) * weight[..., None], size, interpolation=cv2.INTER_AREA)
            local = cv2.GaussianBlur(residual, (0, 0), sigma) / (known + 0.02)[..., None]
            model = ground.lab + cv2.resize(local, (width, height), interpolation=cv2.INTER_LINEAR)
    return Ground(model, ground.noise, ground.uniform_share, ground.kind), reached


def ground_around(mask: np.ndarray, lab: np.ndarray, ground: Ground) -> Ground:
    """The ground as it lies around an (H, W) bool mask, shade included, and as its nearest parts go on within it."""
    height, width = mask.shape
    size = (max(2, width // 4), max(2, height // 4))
    outside = (~grown(mask, _AROUND_PX)).astype(np.float32)
    known = cv2.resize(outside, size, interpolation=cv2.INTER_AREA)
    residual = cv2.resize((lab - ground.lab) * outside[..., None], size, interpolation=cv2.INTER_AREA)
    total, weight = np.zeros_like(residual), np.full(known.shape, 1e-9, np.float32)
    for sigma, share in _AROUND:
        total += share * cv2.GaussianBlur(residual, (0, 0), sigma)
        weight += share * cv2.GaussianBlur(known, (0, 0), sigma)
    model = ground.lab + cv2.resize(
        total / weight[..., None], (width, height), interpolation=cv2.INTER_LINEAR
    )
    return Ground(model, ground.noise, ground.uniform_share, ground.kind)


def mean_beside(mask: np.ndarray, lab: np.ndarray, size_px: int) -> np.ndarray:
    """(H, W, 3) float32: the mean colour of the masked pixels in a window around each pixel."""
    share = mask.astype(np.float32)
    total = cv2.boxFilter(lab * share[..., None], -1, (size_px, size_px), normalize=False)
    count = cv2.boxFilter(share, -1, (size_px, size_px), normalize=False)
    mean: np.ndarray = total / np.maximum(count, 1e-3)[..., None]
    return mean


def hue_off_shade(lab: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """How far colours are from the ground's in shade, in Lab units: its chroma falls as its lightness does."""
    dimmed = np.clip(lab[..., 0] / np.maximum(ground[..., 0], 1), 0, 1)
    off: np.ndarray = cv2.magnitude(
        lab[..., 1] - ground[..., 1] * dimmed, lab[..., 2] - ground[..., 2] * dimmed
    )
    return off


def looks_shadowed(difference: np.ndarray, tolerance: float) -> np.ndarray:
    """(H, W) bool: darker than the ground and of its hue (Prati et al. 2003, section 2), or the ground itself."""
    darker = np.maximum(-difference[..., 0], 0)
    chroma = cv2.magnitude(difference[..., 1], difference[..., 2])
    return (difference[..., 0] < tolerance + 2) & (chroma < tolerance + 2 + 0.14 * darker)


def find_seeds(lab: np.ndarray, ground: Ground, edges: Edges, reached: np.ndarray) -> np.ndarray:
    """(H, W) uint8: 1 surely ground, 2 surely product, 0 open.

    Product is what has another hue than a shadow could have, and what lies behind a sharp edge next to plain ground:
    shadows end softly.
    """
    difference = lab - ground.lab
    distance = length(difference)
    other = cv2.erode((~looks_shadowed(difference, ground.tolerance + 2)).astype(np.uint8), box(3)) > 0
    near_side = reached
    passable = ~edges.sharp & (edges.cost < 1.2)
    for _ in range(8):
        near_side = grown(near_side, 3) & passable
    outline = edges.sharp & grown(near_side, 5)
    # The soft side of an edge is followed further than the edge is looked for, or shadow would count as behind it.
    for _ in range(12):
        near_side = grown(near_side, 3) & passable
    behind = grown(outline, 5) & ~grown(near_side, 3) & (distance > ground.tolerance + 3)
    behind = cv2.morphologyEx(behind.astype(np.uint8), cv2.MORPH_OPEN, box(3)) > 0
    labels = np.zeros(lab.shape[:2], np.uint8)
    labels[other | behind] = 2
    labels[reached] = 1
    return labels


def flood(labels: np.ndarray, edges: Edges, shadowed: np.ndarray, tie: float) -> np.ndarray:
    """(H, W) bool, the product: seeds spread over ever steeper slopes.

    A watershed by flooding (Vincent and Soille 1991) on six levels, with narrow gaps closed on the first four. Where
    both kinds arrive at one level, the nearer wins, ground at a handicap of `tie` and only what could be shadow.
    """
    result = labels == 2
    rows, columns = np.flatnonzero((labels == 0).any(axis=1)), np.flatnonzero((labels == 0).any(axis=0))
    if not rows.size:
        return result
    # Nothing changes outside the frame of what is open; the air is for distances and for gaps that are closed.
    air = 16
    window = np.s_[
        max(0, rows[0] - air) : rows[-1] + air + 1, max(0, columns[0] - air) : columns[-1] + air + 1
    ]
    labels, shadowed, cost = labels[window].copy(), shadowed[window], edges.cost[window]
    for index, level in enumerate(FLOOD_LEVELS):
        free = labels == 0
        if not free.any():
            break
        passable = cost <= level
        if index < 4:
            passable = cv2.erode(passable.astype(np.uint8), box(3), borderValue=1) > 0
        count, parts = cv2.connectedComponents((passable & free).astype(np.uint8), connectivity=4)
        by_ground, by_product = (
            _marked(parts, cv2.dilate((labels == kind).view(np.uint8), CROSS) > 0, count) for kind in (1, 2)
        )
        both = by_ground & by_product
        labels[by_ground & ~both] = 1
        labels[by_product & ~both] = 2
        if not both.any():
            continue
        ground_far = cv2.distanceTransform((labels != 1).view(np.uint8), cv2.DIST_L2, 3)
        product_far = cv2.distanceTransform((labels != 2).view(np.uint8), cv2.DIST_L2, 3)
        # What is left after the fourth level is the width of the edges themselves: half of it is the ground's.
        handicap, eligible = (tie, shadowed) if index < 4 else (1.0, np.ones_like(shadowed))
        to_ground = (handicap * ground_far <= product_far) & eligible
        labels[both] = np.where(to_ground[both], 1, 2)
    result[window] = labels == 2
    return result


def grow_through_shadow(lab: np.ndarray, ground: Ground, edges: Edges) -> np.ndarray:
    """(H, W) bool, the product: all but what hangs together with the border through ground or shadow.

    Only passages of five pixels count: an edge has gaps where product and ground look alike.
    """
    difference = lab - ground.lab
    near = looks_shadowed(difference, max(5.0, 3 * ground.noise) - 2) & (difference[..., 0] > -50)
    barrier = cv2.morphologyEx(edges.sharp.astype(np.uint8), cv2.MORPH_CLOSE, box(5)) > 0
    free = near & ~barrier
    wide = cv2.erode(free.astype(np.uint8), box(5), borderValue=1) > 0
    border = np.ones(near.shape, bool)
    border[3:-3, 3:-3] = False
    reached = grown(parts_holding(wide, border & wide), 7) & free
    # The edge itself is as wide as the filters: half of it belongs to the ground.
    return ~grown(reached, 3)
