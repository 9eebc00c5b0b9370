"""Cuts a product out of its packshot by growing the background in from the border, and says how well that went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from schemas.revisions import VIEWS

WORK_PX = 512
"""Longer side at which pixels are classified; the edge is refined at full size."""
LEAST_QUALITY = 0.66
"""Below it, of the real shops' packshots more were cut badly than well, judged by eye."""
RING_SHARE = 0.035
"""Width of the border ring that the background is modelled from, as a share of the shorter side."""


@dataclass(frozen=True)
class CutOut:
    """A product without its background.

    alpha (H, W) uint8 at the image's size; rgba (h, w, 4) uint8 cropped to the product, straight alpha, colours at the
    edge freed of the background's; quality 0 to 1; verdict accepted or refused, with reason and detail.
    """

    alpha: np.ndarray
    rgba: np.ndarray
    quality: float
    background_kind: str
    verdict: str
    reason: str | None
    detail: str | None


class CutOutMethod(Protocol):
    """Anything that cuts a product out of an (H, W, 3) uint8 RGB image."""

    name: str
    revision: str

    def cut(self, rgb: np.ndarray) -> CutOut:
        """The cut-out; a refusal is a result, not an error."""
        ...


@dataclass(frozen=True)
class _Background:
    lab: np.ndarray
    noise: float
    uniform_share: float
    kind: str


class ClassicalCutOut:
    """Background grown in from the border up to sharp edges, so that soft shadows go with it; alpha by projection."""

    name = "classical"
    revision = VIEWS

    def cut(self, rgb: np.ndarray) -> CutOut:
        """See CutOutMethod. About 0.15 core-seconds for 1000 x 1000."""
        height, width = rgb.shape[:2]
        scale = min(1.0, WORK_PX / max(height, width))
        small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        lab = _lab(small)
        background = fit_background(lab)
        if background.uniform_share < 0.72:
            share = f"{background.uniform_share:.0%} of the border is one background"
            return _refused(rgb, "lifestyle", "background_not_uniform", f"{share}; at least 72% is needed")
        edges = sharp_edges(lab, background)
        mask = _tidy(~grow_background(lab, background, edges), lab, background)
        covered = float(mask.mean())
        different = float((np.linalg.norm(lab - background.lab, axis=2) > 14).mean())
        if covered < 0.3 * different and different > 0.02:
            detail = "the background runs into the product: they look alike along its outline"
            return _refused(rgb, background.kind, "low_quality", detail)
        if covered < 0.004:
            return _refused(rgb, background.kind, "blank_image", "nothing stands out from the background")
        if covered < 0.012:
            return _refused(
                rgb, background.kind, "too_small_in_frame", f"the product covers {covered:.1%} of the image"
            )
        sides = _border_contact(mask)
        if max(sides) > 0.1 or sum(side > 0.015 for side in sides) > 1:
            return _refused(
                rgb,
                background.kind,
                "touches_border",
                f"the image cuts the product along {max(sides):.0%} of one side",
            )
        if skin := _skin_share(small, mask):
            return _refused(
                rgb, background.kind, "person_or_hand", f"{skin:.0%} of the product looks like skin"
            )
        quality, detail = _quality(mask, edges, lab, background)
        rgba, alpha = _matte(rgb, mask)
        verdict = "accepted" if quality >= LEAST_QUALITY else "refused"
        reason = None if verdict == "accepted" else "low_quality"
        return CutOut(alpha, rgba, quality, background.kind, verdict, reason, detail if reason else None)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _refused(rgb: np.ndarray, kind: str, reason: str, detail: str) -> CutOut:
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    return CutOut(alpha, np.zeros((1, 1, 4), np.uint8), 0.0, kind, "refused", reason, detail)


def fit_background(lab: np.ndarray) -> _Background:
    """The background as a quadratic surface per Lab channel, fitted to the border ring and reweighted three times.

    A quadratic follows vignettes and gradients, and is stiff enough not to follow a product that crosses the border.
    """
    height, width = lab.shape[:2]
    ring = max(4, round(RING_SHARE * min(height, width)))
    border = np.ones((height, width), bool)
    border[ring:-ring, ring:-ring] = False
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs, ys = xs / width - 0.5, ys / height - 0.5
    basis = np.stack([np.ones_like(xs), xs, ys, xs * xs, ys * ys, xs * ys], axis=-1)
    points, values = basis[border], lab[border]
    weights = np.ones(len(points), np.float32)
    middle = np.median(values, axis=0)
    weights[np.linalg.norm(values - middle, axis=1) > 30] = 0.05
    for _ in range(3):
        solution, *_ = np.linalg.lstsq(points * weights[:, None], values * weights[:, None], rcond=None)
        residual = np.linalg.norm(values - points @ solution, axis=1)
        spread = max(1.0, float(np.median(residual)) * 1.48)
        weights = (1 / (1 + (residual / (2.5 * spread)) ** 4)).astype(np.float32)
    noise = float(np.median(residual)) * 1.48
    uniform = float((residual < max(7.0, 4 * min(noise, 4.0))).mean())
    model = (basis.reshape(-1, 6) @ solution).reshape(height, width, 3).astype(np.float32)
    lightness, chroma = float(model[..., 0].mean()), float(np.hypot(model[..., 1], model[..., 2]).mean())
    kind = "textured" if noise > 3.5 else "white" if lightness > 92 and chroma < 5 else "plain"
    return _Background(model, noise, uniform, kind)


def sharp_edges(lab: np.ndarray, background: _Background) -> np.ndarray:
    """(H, W) bool: where lightness or colour steps within two or three pixels, however little.

    A penumbra is a ramp: its slope is small against the contrast that it bridges. So slope over local range tells a
    weak edge of a white label from the strong but soft edge of a shadow.
    """
    smooth = cv2.GaussianBlur(lab, (0, 0), 0.8)
    slope = np.zeros(lab.shape[:2], np.float32)
    span = np.zeros_like(slope)
    window = np.ones((9, 9), np.uint8)
    for channel in range(3):
        plane = np.ascontiguousarray(smooth[..., channel])
        slope = np.maximum(
            slope, np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)) / 8
        )
        span = np.maximum(span, cv2.dilate(plane, window) - cv2.erode(plane, window))
    weak = max(0.55, 1.1 * background.noise)
    sharp = (slope > weak) & (slope > 0.17 * span)
    strong = sharp & (slope > 2.5 * weak)
    _, parts = cv2.connectedComponents(sharp.astype(np.uint8), connectivity=8)
    kept = np.unique(parts[strong])
    edges = np.isin(parts, kept[kept > 0])
    return cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def grow_background(lab: np.ndarray, background: _Background, edges: np.ndarray) -> np.ndarray:
    """(H, W) bool: what hangs together with the border through background or shadow, and crosses no sharp edge.

    A shadow is darker than the background and of its hue (Prati et al. 2003, section 2).
    """
    difference = lab - background.lab
    chroma = np.hypot(difference[..., 1], difference[..., 2])
    darker = np.maximum(-difference[..., 0], 0)
    tolerance = max(5.0, 3.0 * background.noise)
    near = (difference[..., 0] < tolerance) & (darker < 50) & (chroma < tolerance + 0.16 * darker)
    open_ground = (near & ~edges).astype(np.uint8)
    # Only passages of five pixels count: an edge has gaps where product and ground look alike.
    wide = cv2.erode(open_ground, np.ones((5, 5), np.uint8), borderValue=1)
    _, parts = cv2.connectedComponents(wide, connectivity=4)
    rim = np.concatenate([parts[:3].ravel(), parts[-3:].ravel(), parts[:, :3].ravel(), parts[:, -3:].ravel()])
    numbers, counts = np.unique(rim, return_counts=True)
    reached = np.isin(parts, numbers[(numbers > 0) & (counts > 12)]).astype(np.uint8)
    ground = cv2.dilate(reached, np.ones((7, 7), np.uint8)) & open_ground
    # The edge itself is as wide as the filters: half of it belongs to the ground.
    return cv2.dilate(ground, np.ones((3, 3), np.uint8)) > 0


def _tidy(mask: np.ndarray, lab: np.ndarray, background: _Background) -> np.ndarray:
    """Without hairlines and crumbs, and with holes only where the ground itself shows through."""
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count < 2:
        return solid > 0
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(parts, 1 + np.flatnonzero(areas >= max(20, 0.015 * areas.max())))
    outline = np.zeros(mask.shape, np.uint8)
    contours, _ = cv2.findContours(kept.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outline, contours, -1, 1, cv2.FILLED)
    distance = np.linalg.norm(lab - background.lab, axis=2)
    inner = cv2.erode(outline, np.ones((3, 3), np.uint8))
    difference = lab - background.lab
    chroma = np.hypot(difference[..., 1], difference[..., 2])
    ground_like = (
        (distance < 3.5 + background.noise) & (chroma < 2 + background.noise) & (difference[..., 0] < 1.5)
    )
    flat = (ground_like & (inner > 0)).astype(np.uint8)
    flat = cv2.morphologyEx(flat, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, holes, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    filled = outline > 0
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        window = np.s_[max(0, top - 6) : top + height + 6, max(0, left - 6) : left + width + 6]
        hole = holes[window] == index
        spread = float(difference[window][hole].std(axis=0).max())
        # A see-through hole ends at the product all around; a blank part of a label surrounds print or goes on.
        if (
            area > 0.006 * outline.sum()
            and spread < 1.4 + background.noise
            and _islands(hole) == 0
            and _ground_share_around(hole, distance[window]) < 0.15
        ):
            filled[window] &= ~(cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    return filled


def _ground_share_around(hole: np.ndarray, distance: np.ndarray) -> float:
    """Share of the ring around a hole that looks like the ground too."""
    solid = hole.astype(np.uint8)
    ring = cv2.dilate(solid, np.ones((11, 11), np.uint8)) - cv2.dilate(solid, np.ones((7, 7), np.uint8)) > 0
    return float((distance[ring] < 7).mean()) if ring.any() else 1.0


def _islands(hole: np.ndarray) -> int:
    """Number of parts that a hole surrounds."""
    _, parts = cv2.connectedComponents((~hole).astype(np.uint8))
    rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    return len(np.setdiff1d(np.unique(parts[parts > 0]), rim))


def _border_contact(mask: np.ndarray) -> list[float]:
    """Share of each side (top, bottom, left, right) that the product covers."""
    return [float(side.mean()) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])]


def _skin_share(rgb: np.ndarray, mask: np.ndarray) -> float:
    """Share of the mask that looks like skin where that is much, else 0.

    YCrCb box of Chai and Ngan 1999, narrowed by saturation so that wood, leather and beige cloth stay out, and only
    smooth areas in which the lightness varies as on a rounded limb.
    """
    ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.int16)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.int16)
    red, blue = ycrcb[..., 1], ycrcb[..., 2]
    skin = (red > 136) & (red < 168) & (blue > 98) & (blue < 124) & (ycrcb[..., 0] > 90)
    skin &= (hsv[..., 0] < 17) & (hsv[..., 1] > 40) & (hsv[..., 1] < 150) & mask
    skin = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    share = float(skin.sum() / max(1, mask.sum()))
    rim = np.concatenate([skin[:4].ravel(), skin[-4:].ravel(), skin[:, :4].ravel(), skin[:, -4:].ravel()])
    return share if share > 0.08 and rim.any() else 0.0


def _matte(rgb: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rgba, alpha): alpha (H, W) uint8 by projecting edge pixels on the colours inside and outside; rgba cropped.

    alpha = (I - B)(F - B) / |F - B|^2 with the mean colours F inside and B outside nearby (the first step of Wang and
    Cohen 2007, eq. 3). B is what lies there, shadow included, so no shadow sticks to the edge.
    """
    height, width = rgb.shape[:2]
    factor = max(height / mask.shape[0], width / mask.shape[1])
    band = max(2, round(1.6 * factor))
    soft = cv2.GaussianBlur(
        cv2.resize(mask.astype(np.float32), (width, height)), (0, 0), 0.6 * max(1.0, factor)
    )
    hard = (soft > 0.5).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inside = cv2.erode(hard, kernel, borderValue=1).astype(np.float32)
    outside = (1 - cv2.dilate(hard, kernel)).astype(np.float32)
    rows, columns = np.flatnonzero((outside < 1).any(axis=1)), np.flatnonzero((outside < 1).any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = rgb[window].astype(np.float32) / 255
    size = (6 * band + 1, 6 * band + 1)
    fore, fore_weight = _local_mean(image, inside[window], size)
    back, back_weight = _local_mean(image, outside[window], size)
    axis = fore - back
    length = (axis * axis).sum(axis=2)
    projected = ((image - back) * axis).sum(axis=2) / np.maximum(length, 1e-4)
    geometric = np.clip(soft[window], 0, 1)
    # Where inside and outside look alike the colours say nothing, and the outline speaks.
    trust = np.clip((length - 0.004) / 0.02, 0, 1) * (fore_weight > 0) * (back_weight > 0)
    mixed = trust * np.clip((projected - 0.06) / 0.88, 0, 1) + (1 - trust) * np.clip(
        (geometric - 0.25) * 2, 0, 1
    )
    alpha = np.where(inside[window] > 0, 1.0, np.where(outside[window] > 0, 0.0, mixed))
    alpha = np.where(alpha < 0.03, 0, np.where(alpha > 0.97, 1, alpha))
    solid = (alpha >= 1)[..., None]
    colour = np.where(solid, image, np.where((fore_weight > 0)[..., None], fore, image))
    quantised = np.rint(alpha * 255).astype(np.uint8)
    whole = np.zeros((height, width), np.uint8)
    whole[window] = quantised
    rgba = np.dstack([np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8), quantised])
    return rgba, whole


def _local_mean(
    image: np.ndarray, weight: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    total = cv2.blur(weight, size)
    return cv2.blur(image * weight[..., None], size) / np.maximum(total, 1e-5)[..., None], total > 1e-4


def _quality(
    mask: np.ndarray, edges: np.ndarray, lab: np.ndarray, background: _Background
) -> tuple[float, str]:
    """0 to 1: how much of the contour lies on sharp edges and on contrast, and how little structure is left outside."""
    solid = mask.astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    contour = (solid - cv2.erode(solid, kernel)) > 0
    held = float(cv2.dilate(edges.astype(np.uint8), np.ones((5, 5), np.uint8))[contour].mean())
    distance = np.linalg.norm(lab - background.lab, axis=2)
    inner = cv2.dilate(distance, np.ones((5, 5), np.uint8)) * (solid > 0)
    clear = float((inner[contour] > max(6.0, 2.5 * background.noise)).mean())
    far = cv2.dilate(solid, np.ones((11, 11), np.uint8)) == 0
    stray = float((edges & far).sum() / max(1, edges.sum()))
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(line, True) for line in contours)
    hull = sum(cv2.arcLength(cv2.convexHull(line), True) for line in contours)
    smooth = min(1.0, 3.2 * hull / max(length, 1.0))
    quality = float(np.clip(held * clear**0.5 * (1 - stray) ** 2 * smooth, 0, 1))
    return (
        quality,
        f"contour on edges {held:.2f}, clear {clear:.2f}, structure outside {stray:.2f}, smooth {smooth:.2f}",
    )
