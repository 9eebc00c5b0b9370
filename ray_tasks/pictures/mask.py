"""The mask of a product on its ground: several proposals, each rated by the same measurements, the best one kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.ground import (
    Edges,
    Ground,
    box,
    find_seeds,
    flood,
    grow_through_shadow,
    grown,
    hue_off_shade,
    length,
    looks_shadowed,
    mean_beside,
    parts_holding,
    refine_ground,
)
from ray_tasks.pictures.holes import has_print
from ray_tasks.pictures.walk import product_likelihood

SURE_QUALITY = 0.93
"""From here on no further proposal is made."""
LEAST_HOLE_SHARE = 0.003
"""Smaller patches of the ground's colour are print or parts, not holes, as far as pixels can tell."""

LEAST_PIECE_SHARE = 0.025
"""Loose pieces smaller than this share of the largest are crumbs: veins of marble, threads, dust."""

LEAST_SYMMETRY = 0.985
"""IoU of a mask and its mirror image from which a product is a body of revolution seen from the front."""
NOTCH_PX = 25
"""Width that a notch has less than, at the working size."""
BITTEN_SYMMETRY, RECTANGULAR = 0.93, 0.82
"""IoU with its mirror image, and share of its frame, from which a mask is an upright vessel with bites out of it."""
AXIS_PX = 8
"""Twice a vessel's axis from the middle of its frame at most: an ear or shade on one side shifts that."""
LONGEST_BITE = 0.6
"""Of a vessel's height."""
_OWN_HUE = 8.0
"""Lab units off the ground's hue in shade from which a dark part has a colour of its own."""
_SEAMLESS, _SEAM_PX, _LEAST_PART_PX = 5.0, 7, 100
"""Lab units between the two sides of a seam below which there is none, the window they are seen in; a part's area."""
FRAGMENT = 1 / 3
"""Of the largest piece: what is loose and smaller is a part that the mask lost hold of, what is larger an object."""


@dataclass(frozen=True)
class Proposal:
    """A mask (H, W) bool, its quality 0 to 1, and what was measured for that, in words.

    surely (H, W) bool: what is the product's by its colour, see `rate_mask`. with_shadow (H, W) bool: the first
    proposal, which keeps what may be cast shadow.
    """

    mask: np.ndarray
    quality: float
    detail: str
    surely: np.ndarray | None
    with_shadow: np.ndarray


def best_mask(lab: np.ndarray, background: Ground, edges: Edges) -> Proposal:
    """The proposal with the best quality; later ones are made only when needed."""
    best: tuple[float, Proposal] | None = None
    for mask, surely in _proposals(lab, background, edges):
        outline, detail = rate_mask(mask, edges, lab, background, surely)
        fragments, objects = _loose_shares(mask)
        # One of two objects may be a piece that another proposal holds; where none does, they are two objects.
        whole = outline * (1 - 0.4 * (fragments + objects))
        if best is None or whole > best[0]:
            first = mask if best is None else best[1].with_shadow
            quality = outline * (1 - 0.4 * fragments - 0.06 * objects)
            best = whole, Proposal(mask, quality, detail, surely, first)
        if best[0] >= SURE_QUALITY:
            break
    assert best is not None
    return best[1]


def _loose_shares(mask: np.ndarray) -> tuple[float, float]:
    """Shares of a mask outside of its largest piece: in fragments, and in objects of like size."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])
    if len(areas) < 2:
        return 0.0, 0.0
    fragments, loose = areas[areas < FRAGMENT * areas[-1]].sum(), areas[:-1].sum()
    return float(fragments / areas.sum()), float((loose - fragments) / areas.sum())


def _proposals(
    lab: np.ndarray, background: Ground, edges: Edges
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Masks, and what of each is the product's by its colour, whatever its outline is like."""
    ground, reached = refine_ground(lab, background, edges, 0.7)
    difference = lab - ground.lab
    shadowed = looks_shadowed(difference, ground.tolerance + 2) & (difference[..., 0] > -48)
    likelihood = product_likelihood(lab, ground, edges, reached, find_seeds(lab, ground, edges, reached))
    labels = np.zeros(likelihood.shape, np.uint8)
    labels[cv2.erode((likelihood > 0.5).astype(np.uint8), box(9), borderValue=1) > 0] = 2
    labels[~grown(likelihood > 0.35, 3) | (reached & (likelihood < 0.5))] = 1
    walked = flood(labels, edges, shadowed, 1.15)
    holes = see_through(walked, lab, ground, edges, reached)
    if holes.any():
        labels[holes] = 1
        walked = flood(labels, edges, shadowed, 1.15)
    first = _tidy(walked)
    yield first, None
    in_hue = looks_shadowed(difference, ground.tolerance + 2)
    cast = _cast_shadows(walked & in_hue, walked, difference, edges)
    if cast.any():
        labels[cast] = 1
        labels[(labels == 2) & grown(cast, 9)] = 0
        without = _tidy(flood(labels, edges, in_hue, 1.15))
        coloured = coloured_parts(first & ~without, without, lab, background)
        yield without | coloured, coloured
    yield _flooded(lab, background, edges, 1.0, 1.15), None
    product = grow_through_shadow(lab, background, edges)
    yield _tidy(product & ~grown(see_through(product, lab, background, edges, ~grown(product, 5)), 5)), None


def _cast_shadows(
    candidates: np.ndarray, product: np.ndarray, difference: np.ndarray, edges: Edges
) -> np.ndarray:
    """(H, W) bool: smooth dark parts of `candidates` that mostly fade into the ground instead of ending at an edge."""
    smooth = cv2.morphologyEx((candidates & ~grown(edges.sharp, 3)).astype(np.uint8), cv2.MORPH_OPEN, box(5))
    outer = grown(~product, 3)
    fading = outer & ~grown(edges.sharp, 5)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
    found = np.zeros(product.shape, bool)
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        if not 100 <= area < 0.35 * product.sum():
            continue
        window = np.s_[max(0, top - 5) : top + height + 5, max(0, left - 5) : left + width + 5]
        part = parts[window] == index
        near = grown(part, 9)
        ends, fades = (near & outer[window]).sum(), (near & fading[window]).sum()
        darker = -float(np.median(difference[window][part][:, 0]))
        if fades > 0.45 * ends and fades > 8 and darker > 5:
            found[window] |= part
    return found


def coloured_parts(taken: np.ndarray, product: np.ndarray, lab: np.ndarray, ground: Ground) -> np.ndarray:
    """(H, W) bool: parts of `taken` that are of another hue than the ground in shade and go on into the product.

    A cast shadow may be tinted, but it ends where the product begins; the dark side of a product has no step there.
    """
    opened = cv2.morphologyEx(taken.astype(np.uint8), cv2.MORPH_OPEN, box(3))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    hue = hue_off_shade(lab, ground.lab)
    found = np.zeros_like(taken)
    beside = mean_beside(product, lab, _SEAM_PX)
    for index in range(1, count):
        part = parts == index
        if stats[index, cv2.CC_STAT_AREA] < _LEAST_PART_PX or np.median(hue[part]) < _OWN_HUE:
            continue
        seam = product & grown(part, 3)
        if not seam.any():
            continue
        steps = np.linalg.norm((mean_beside(part, lab, _SEAM_PX) - beside)[seam], axis=1)
        if np.median(steps) < _SEAMLESS:
            found |= part
    # With the slivers that opening took off.
    return parts_holding(taken, found) if found.any() else found


def _flooded(lab: np.ndarray, background: Ground, edges: Edges, strict: float, tie: float) -> np.ndarray:
    ground, reached = refine_ground(lab, background, edges, strict)
    labels = find_seeds(lab, ground, edges, reached)
    difference = lab - ground.lab
    shadowed = looks_shadowed(difference, ground.tolerance + 2) & (difference[..., 0] > -48)
    product = flood(labels, edges, shadowed, tie)
    holes = see_through(product, lab, ground, edges, reached)
    if holes.any():
        labels[holes] = 1
        product = flood(labels, edges, shadowed, tie)
    return _tidy(product)


def see_through(
    product: np.ndarray, lab: np.ndarray, background: Ground, edges: Edges, reached: np.ndarray
) -> np.ndarray:
    """(H, W) bool: holes in the product where the ground itself shows."""
    outline = np.zeros(product.shape, np.uint8)
    contours, _ = cv2.findContours(product.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outline, contours, -1, 1, cv2.FILLED)
    difference = lab - background.lab
    distance = length(difference)
    inner = cv2.erode(outline, box(3)) > 0
    grain = np.abs(lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), 2))
    ground_grain = float(grain[reached].mean()) if reached.any() else 0.0
    like = looks_shadowed(difference, background.tolerance - 1) & (difference[..., 0] > -22)
    flat = (like & product & inner & ~edges.sharp & (edges.cost < 1.0)).astype(np.uint8)
    flat = cv2.morphologyEx(flat, cv2.MORPH_OPEN, box(5))
    count, holes, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    found = np.zeros(product.shape, bool)
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        if area < LEAST_HOLE_SHARE * outline.sum():
            continue
        window = np.s_[max(0, top - 6) : top + height + 6, max(0, left - 6) : left + width + 6]
        hole = holes[window] == index
        # A see-through hole ends at the product all around; a blank part of a label ends at more label, between print.
        if (
            float(np.median(distance[window][hole])) < 2.2 + 0.3 * min(background.noise, 3.0)
            and float(np.median(grain[window][_core(hole)])) < 0.15 + 2 * ground_grain
            and not has_print(hole, distance[window])
            and _unevenness(difference[window], hole) < 2.4 + background.noise
            and _ground_share_around(hole, distance[window], reached[window]) < 0.2
        ):
            found[window] |= hole
    return found


def _core(hole: np.ndarray) -> np.ndarray:
    """The hole without its rim where it is wide enough to have a core."""
    core = cv2.erode(hole.astype(np.uint8), box(7)) > 0
    return core if core.sum() > 400 else hole


def _unevenness(difference: np.ndarray, hole: np.ndarray) -> float:
    """Spread of the difference in a hole around a quadratic, in Lab units: shadow on ground falls off evenly."""
    ys, xs = np.nonzero(hole)
    basis = np.stack([np.ones(len(xs)), xs, ys, xs * ys, xs**2, ys**2], axis=1)[:: max(1, len(xs) // 2000)]
    values = difference[hole][:: max(1, len(xs) // 2000)]
    solution, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return float((values - basis @ solution).std(axis=0).max())


def _ground_share_around(hole: np.ndarray, distance: np.ndarray, reached: np.ndarray) -> float:
    """Share of the ring around a hole that looks like the ground too."""
    ring = grown(hole, 9) & ~grown(hole, 5) & ~reached
    return float((distance[ring] < 9).mean()) if ring.any() else 1.0


def _tidy(product: np.ndarray) -> np.ndarray:
    """Without hairlines, crumbs, pinholes, and strips along the border."""
    solid = cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_OPEN, box(3))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count < 2:
        return solid > 0
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= max(20, LEAST_PIECE_SHARE * areas.max())
    kept = keep[parts]
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    tiny = stats[:, cv2.CC_STAT_AREA] < 40
    tiny[0] = False
    return kept | tiny[parts]


def rate_mask(
    mask: np.ndarray, edges: Edges, lab: np.ndarray, background: Ground, surely: np.ndarray | None = None
) -> tuple[float, str]:
    """0 to 1: how much of the contour lies on sharp edges and on contrast, and how little structure is left outside.

    The contour of what is `surely` (H, W) bool the product's is not asked for an edge.
    """
    solid = mask.astype(np.uint8)
    if not mask.any():
        return 0.0, "nothing found"
    kernel = np.ones((3, 3), np.uint8)
    contour = (solid - cv2.erode(solid, kernel)) > 0
    if surely is not None and surely.any() and (contour & ~surely).any():
        contour &= ~surely
    held = float(cv2.dilate(edges.sharp.astype(np.uint8), np.ones((5, 5), np.uint8))[contour].mean())
    distance = length(lab - background.lab)
    inner = cv2.dilate(distance, np.ones((5, 5), np.uint8)) * (solid > 0)
    clear = float((inner[contour] > max(6.0, 2.5 * background.noise)).mean())
    loose = (contour & ~grown(edges.sharp, 7)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(loose, connectivity=8)
    run = float(stats[1:, cv2.CC_STAT_AREA].max() / np.sqrt(solid.sum())) if len(stats) > 1 else 0.0
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros_like(solid)
    for line in contours:
        cv2.fillPoly(hull, [cv2.convexHull(line)], 1)
    far = ~grown(mask, 11)
    strong = edges.sharp & (grown(distance > max(8.0, 3 * background.noise), 3))
    outside = strong & far
    stray = float(outside.sum() / max(1, strong.sum()))
    lost = float((outside & (hull > 0)).sum() / max(1, (edges.sharp & mask).sum()))
    quality = float(np.clip(held**0.5 * clear**0.5, 0, 1) * np.clip(1.06 - 1.2 * run, 0, 1))
    quality *= float(np.clip(1 - stray, 0, 1) * np.clip(1.02 - 4 * lost, 0, 1))
    return (
        quality,
        f"contour on edges {held:.2f}, longest part off them {run:.2f}, clear {clear:.2f}, "
        f"structure outside {stray:.2f}, within the hull {lost:.2f}",
    )


def without_notches(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: the mask of an upright, symmetric product with small notches filled that its other half lacks.

    A highlight on a rim is as white as the ground behind it; what stands at the mirrored place tells that it is rim.
    """
    if not mask.any():
        return mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = mask[:, columns[0] : columns[-1] + 1]
    mirrored = part[:, ::-1]
    if (part & mirrored).sum() < LEAST_SYMMETRY * (part | mirrored).sum():
        return mask
    closed = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_CLOSE, box(NOTCH_PX)) > 0
    # What one side of the foot has more than the other is shade.
    above = np.s_[: rows[0] + round(0.75 * np.ptp(rows))]
    filled = mask.copy()
    filled[above, columns[0] : columns[-1] + 1] |= (closed & mirrored)[above]
    return filled


def without_bites(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: the mask of an upright vessel with bites filled that its other side lacks, up to its convex hull.

    The light side of a white can is as white as the ground; its rims tell the axis, its other side the outline. What is
    filled must make the mask as symmetric as a body of revolution, which a mug with its handle is not.
    """
    if not mask.any():
        return mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    frame = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = np.pad(mask[frame], ((0, 0), (AXIS_PX, AXIS_PX)))
    height = len(part)
    # What one side of the foot has more than the other is shade.
    above = part[: round(0.9 * height)]
    off = _axis_off_px(above)
    if abs(off) > AXIS_PX or part.sum() < RECTANGULAR * height * np.ptp(columns):
        return mask
    mirrored = np.roll(above[:, ::-1], off, axis=1)
    if (above & mirrored).sum() < BITTEN_SYMMETRY * (above | mirrored).sum():
        return mask
    contours, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.fillPoly(np.zeros(part.shape, np.uint8), [cv2.convexHull(np.vstack(contours))], 1)
    bites = (mirrored & ~above & (hull[: len(above)] > 0)).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(bites, cv2.MORPH_OPEN, box(5)))
    # What runs along a whole side is no bite: the axis was not the product's.
    filled = above | ((parts > 0) & (stats[:, cv2.CC_STAT_HEIGHT] < LONGEST_BITE * height)[parts])
    again = np.roll(filled[:, ::-1], off, axis=1)
    if (filled & again).sum() < LEAST_SYMMETRY * (filled | again).sum():
        return mask
    whole = mask.copy()
    whole[rows[0] : rows[0] + len(above), frame[1]] |= filled[:, AXIS_PX:-AXIS_PX]
    return whole


def _axis_off_px(part: np.ndarray) -> int:
    """Twice the distance from the middle of an (h, w) bool mask to the axis on which most of its rows are centred."""
    width = part.shape[1]
    filled = part[part.any(axis=1)]
    sums = np.argmax(filled, axis=1) + width - 1 - np.argmax(filled[:, ::-1], axis=1)
    counts = np.convolve(np.bincount(sums, minlength=2 * width), [1, 1, 1], "same")
    return int(np.median(np.flatnonzero(counts == counts.max()))) - (width - 1)
