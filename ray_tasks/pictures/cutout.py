"""Cuts a product out of its packshot by a model of the background, and says how well that went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from schemas.revisions import VIEWS

WORK_PX = 512
"""Longer side at which pixels are classified; the edge is refined at full size."""
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
    """Background polynomial, colour distance with shadows told apart, GrabCut in the doubtful band, guided matting."""

    name = "classical"
    revision = VIEWS

    def cut(self, rgb: np.ndarray) -> CutOut:
        """See CutOutMethod. About 0.2 core-seconds for 1000 x 1000."""
        height, width = rgb.shape[:2]
        scale = min(1.0, WORK_PX / max(height, width))
        small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        lab = _lab(small)
        background = fit_background(lab)
        distance, shadow = foreground_evidence(lab, background)
        if float((distance > 12).mean()) < 0.004:
            return _refused(rgb, background.kind, "blank_image", "nothing stands out from the background")
        if background.uniform_share < 0.72:
            share = f"{background.uniform_share:.0%} of the border is one background"
            return _refused(rgb, "lifestyle", "background_not_uniform", f"{share}; at least 72% is needed")
        mask = _segment(small, distance, shadow, background.noise)
        share = float(mask.mean())
        if share < 0.01:
            return _refused(
                rgb, background.kind, "too_small_in_frame", f"the product covers {share:.1%} of the image"
            )
        touching = _border_contact(mask)
        if touching > 0.12:
            return _refused(
                rgb,
                background.kind,
                "touches_border",
                f"the image cuts the product along {touching:.0%} of its border",
            )
        alpha = _matte(rgb, mask)
        quality, detail = _quality(mask, distance, background)
        rgba = _decontaminate(rgb, alpha, background, scale)
        if quality < 0.45:
            return CutOut(alpha, rgba, quality, background.kind, "refused", "low_quality", detail)
        return CutOut(alpha, rgba, quality, background.kind, "accepted", None, None)


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


def foreground_evidence(lab: np.ndarray, background: _Background) -> tuple[np.ndarray, np.ndarray]:
    """(distance, shadow): CIE76 distance to the background, (H, W) float32; and where that is explained by a shadow.

    A cast shadow is darker, of the background's hue, and smooth (Prati et al. 2003, section 2).
    """
    difference = lab - background.lab
    distance = np.linalg.norm(difference, axis=2)
    darker = -difference[..., 0]
    chroma = np.hypot(difference[..., 1], difference[..., 2])
    light = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.2)
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    near_edge = cv2.dilate(slope, np.ones((3, 3), np.uint8))
    shadow = (darker > 0) & (darker < 42) & (chroma < 4 + 0.12 * darker) & (near_edge < 2.2)
    return distance.astype(np.float32), shadow


def _segment(small: np.ndarray, distance: np.ndarray, shadow: np.ndarray, noise: float) -> np.ndarray:
    low, high = max(3.5, 2.5 * noise), max(14.0, 6 * noise)
    labels = np.full(distance.shape, cv2.GC_PR_BGD, np.uint8)
    labels[(distance > low) & ~shadow] = cv2.GC_PR_FGD
    labels[(distance > high) & ~shadow] = cv2.GC_FGD
    # Only what hangs together with the border through background or shadow is surely background.
    open_ground = ((distance < low) | shadow).astype(np.uint8)
    count, parts = cv2.connectedComponents(open_ground, connectivity=4)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    outside = np.isin(parts, edge[edge > 0]) & (open_ground > 0)
    labels[outside & (distance < low)] = cv2.GC_BGD
    ring = max(2, round(0.01 * min(distance.shape)))
    solid = cv2.erode(outside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    labels[solid] = cv2.GC_BGD
    inner = open_ground.astype(bool) & ~outside & (distance > low)
    labels[inner] = cv2.GC_PR_FGD
    for line in (np.s_[:ring], np.s_[-ring:], np.s_[:, :ring], np.s_[:, -ring:]):
        labels[line] = np.where(labels[line] == cv2.GC_FGD, cv2.GC_FGD, cv2.GC_BGD)
    if (labels == cv2.GC_FGD).sum() < 30:
        labels[(distance > low) & ~shadow] = cv2.GC_FGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    if (
        np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any()
        and np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any()
    ):
        cv2.setRNGSeed(1)
        cv2.grabCut(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), labels, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return _tidy(mask, distance, low)


def _tidy(mask: np.ndarray, distance: np.ndarray, low: float) -> np.ndarray:
    """Without crumbs (under 2% of the largest part) and without holes that do not show the background."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return mask.astype(bool)
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(parts, 1 + np.flatnonzero(areas >= 0.02 * areas.max()))
    count, holes, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        inside = left > 0 and top > 0 and left + width < mask.shape[1] and top + height < mask.shape[0]
        if inside:
            hole = holes == index
            if area < 25 or float(np.median(distance[hole])) > low:
                kept |= hole
    return kept


def _border_contact(mask: np.ndarray) -> float:
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(rim.mean())


def _matte(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(H, W) uint8 alpha: a guided filter (He et al. 2013, eq. 5-8) in the band around the mask's edge."""
    height, width = rgb.shape[:2]
    hard = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(2, round(0.004 * max(height, width)))
    size = (2 * radius + 1,) * 2
    mean_i, mean_p = cv2.blur(guide, size), cv2.blur(hard, size)
    covariance = cv2.blur(guide * hard, size) - mean_i * mean_p
    variance = cv2.blur(guide * guide, size) - mean_i * mean_i
    a = covariance / (variance + 1e-3)
    b = mean_p - a * mean_i
    alpha = cv2.blur(a, size) * guide + cv2.blur(b, size)
    alpha = np.clip((alpha - 0.1) / 0.8, 0, 1)
    sure_in = cv2.erode((hard > 0.5).astype(np.uint8), np.ones(size, np.uint8), borderValue=1) > 0
    sure_out = cv2.dilate((hard > 0.5).astype(np.uint8), np.ones(size, np.uint8)) == 0
    alpha[sure_in], alpha[sure_out] = 1, 0
    return np.rint(alpha * 255).astype(np.uint8)


def _decontaminate(rgb: np.ndarray, alpha: np.ndarray, background: _Background, scale: float) -> np.ndarray:
    """(h, w, 4) uint8, cropped: F = (I - (1 - a) B) / a at the edge, kept near the colour just inside."""
    height, width = rgb.shape[:2]
    rows, columns = np.flatnonzero((alpha > 8).any(axis=1)), np.flatnonzero((alpha > 8).any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    window = np.s_[top:bottom, left:right]
    ground = cv2.cvtColor(background.lab, cv2.COLOR_LAB2RGB)
    ground = cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR)[window]
    image = rgb[window].astype(np.float32) / 255
    a = (alpha[window].astype(np.float32) / 255)[..., None]
    solid = (alpha[window] > 250).astype(np.float32)[..., None]
    size = (9, 9)
    nearby = cv2.blur(image * solid, size) / np.maximum(cv2.blur(solid, size), 1e-3)[..., None]
    solved = (image - (1 - a) * ground) / np.maximum(a, 0.05)
    inner = np.where(cv2.blur(solid, size)[..., None] > 0.02, nearby, solved)
    mixed = np.clip(0.5 * solved + 0.5 * inner, 0, 1)
    colour = np.where(solid > 0, image, mixed)
    return np.dstack([np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8), alpha[window]])


def _quality(mask: np.ndarray, distance: np.ndarray, background: _Background) -> tuple[float, str]:
    """0 to 1 from three measurements: contrast along the contour, uniform ground outside, smoothness of the contour."""
    solid = mask.astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    inside = (solid - cv2.erode(solid, kernel, iterations=3)) > 0
    outside = (cv2.dilate(solid, kernel, iterations=6) - cv2.dilate(solid, kernel, iterations=3)) > 0
    contrast = distance[inside]
    clear = float((contrast > max(6.0, 3 * background.noise)).mean()) if contrast.size else 0.0
    calm = float((distance[outside] < max(16.0, 5 * background.noise)).mean()) if outside.any() else 0.0
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, True) for contour in contours)
    hull = sum(cv2.arcLength(cv2.convexHull(contour), True) for contour in contours)
    smooth = min(1.0, 2.6 * hull / max(length, 1.0))
    quality = float(np.clip(clear**0.7 * calm * smooth * background.uniform_share**0.5, 0, 1))
    return quality, f"contour clear {clear:.2f}, ground calm {calm:.2f}, contour smooth {smooth:.2f}"
