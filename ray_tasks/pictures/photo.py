"""What a source picture measures as a photograph, whatever is cut out of it: one number per name."""

from __future__ import annotations

import cv2
import numpy as np

LOOK_PX = 768
"""Longer side at which light is measured; sharpness is measured at full size, where it is lost first."""

PHOTO_PX = 2048
"""Longer side at which a photograph to be framed is kept: twice what a canvas shows of it."""


def measure_photo(rgb: np.ndarray, product: np.ndarray | None) -> dict[str, float]:
    """Measurements of an (H, W, 3) uint8 picture; `product` (H, W) bool limits light and sharpness to the product.

    short_side_px, long_over_short; sharpness 1 (soft) to about 4 (crisp); lightness 0 to 100 (CIELAB L);
    contrast (L between the 1st and 99th percentile: a necklace takes 3 % of its picture); clipped_dark and
    clipped_light 0 to 1; detail 0 to 1 (share of pixels with structure). Deterministic.
    """
    height, width = rgb.shape[:2]
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    part = np.ones((height, width), bool) if product is None or not product.any() else product
    lightness = gray[part].astype(np.float32)
    low, high = np.percentile(lightness, (1, 99))
    small = _shrunk(gray)
    return {
        "short_side_px": float(min(height, width)),
        "long_over_short": max(height, width) / min(height, width),
        "sharpness": _sharpness(gray, part),
        "lightness": float(lightness.mean()) / 2.55,
        "contrast": float(high - low) / 2.55,
        "clipped_dark": float((lightness <= 8).mean()),
        "clipped_light": float((lightness >= 252).mean()),
        "detail": float((cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 12).mean()),
    }


def whole_photo(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8: the picture without a transparent pixel, its longer side at most PHOTO_PX."""
    scale = min(1.0, PHOTO_PX / max(rgb.shape[:2]))
    if scale < 1:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def _shrunk(gray: np.ndarray) -> np.ndarray:
    scale = min(1.0, LOOK_PX / max(gray.shape))
    return cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _sharpness(gray: np.ndarray, part: np.ndarray) -> float:
    """How much steeper the steepest edges are than after a blur of 2 pixels: a ratio, so contrast does not matter."""
    sharp, soft = _steepness(gray, part), _steepness(cv2.GaussianBlur(gray, (0, 0), 2.0), part)
    return float(sharp / max(soft, 0.5))


def _steepness(gray: np.ndarray, part: np.ndarray) -> float:
    slope = cv2.magnitude(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    return float(np.percentile(slope[part], 99))


def shape_words(alpha: np.ndarray) -> list[str]:
    """Words for the shape of a cut-out, (h, w) uint8 alpha: tall, wide, round, several pieces, with openings."""
    solid = (alpha > 127).astype(np.uint8)
    contours, tree = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return []
    areas = np.array([cv2.contourArea(line) for line in contours])
    outer = tree[0][:, 3] < 0
    total = areas[outer].sum()
    _, _, width, height = cv2.boundingRect(solid)
    biggest = contours[int(np.argmax(np.where(outer, areas, -1)))]
    _, radius = cv2.minEnclosingCircle(biggest)
    words = []
    if width / height < 0.6:
        words.append("tall")
    if width / height > 1.7:
        words.append("wide")
    if areas[outer].max() > 0.85 * np.pi * radius**2:
        words.append("round")
    if (areas[outer] > 0.1 * total).sum() > 1:
        words.append("several pieces")
    if (areas[~outer] > 0.01 * total).any():
        words.append("with openings")
    return words


def surface_words(rgba: np.ndarray) -> list[str]:
    """Words for the surface of an (h, w, 4) uint8 cut-out: patterned or plain, glossy where highlights stand out."""
    gray = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2GRAY)
    core = cv2.erode((rgba[..., 3] == 255).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if core.sum() < 400:
        return []
    structure = cv2.morphologyEx(
        cv2.GaussianBlur(gray, (0, 0), 1.0), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    share = float((structure[core] > 18).mean())
    words = ["patterned"] if share > 0.3 else ["plain surface"] if share < 0.06 else []
    values = gray[core]
    saturation = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2HSV)[..., 1][core]
    bright = (values > min(250, np.percentile(values, 60) + 70)) & (saturation < 60)
    if 0.002 < bright.mean() < 0.12 and np.percentile(values, 60) < 170:
        words.append("glossy")
    return words
