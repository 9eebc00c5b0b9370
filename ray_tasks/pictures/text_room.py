"""Room for text in a scene: calmer and more evenly exposed where the letters will stand."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.ink import (
    LUMA_FOR_DARK_INK,
    LUMA_FOR_LIGHT_INK,
    light_mask,
    luma_of,
    shaded_alike,
    wants_light_ink,
)

_FACTOR = 8
_SOFTNESS = 0.42
"""Least share of the blurred scene in the middle of the area."""
_CALM = 1.1
"""Mean step between neighbouring pixels (levels, at 512 px) up to which the least share is enough."""


def prepare_text_area(rgb: np.ndarray, area: Box) -> None:
    """Softens and evens out (H, W, 3) uint8 behind the text, in place, fading far beyond the area's borders."""
    height, width = rgb.shape[:2]
    size = (max(1, width // _FACTOR), max(1, height // _FACTOR))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    mask = _mask(area, size, min(width, height))
    lit = light_mask(area, Canvas(width, height), size, _FACTOR)
    gain = _exposure(luma_of(small.astype(np.float32) / 255.0), mask, lit)
    soft = cv2.GaussianBlur(small, (0, 0), 2.2)
    share = _softness(rgb, area)
    rows, columns = (np.flatnonzero(lit.max(axis=axis) > 0) for axis in (1, 0))
    cells = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    left, top = int(columns[0]) * _FACTOR, int(rows[0]) * _FACTOR
    right, bottom = min(width, (int(columns[-1]) + 1) * _FACTOR), min(height, (int(rows[-1]) + 1) * _FACTOR)

    def enlarged(values: np.ndarray) -> np.ndarray:
        return cv2.resize(values[cells], (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)

    window = rgb[top:bottom, left:right]
    weight = enlarged(mask * np.float32(share))
    calm = cv2.blendLinear(enlarged(soft), np.ascontiguousarray(window), weight, 1 - weight)
    window[:] = cv2.multiply(calm, cv2.merge([enlarged(gain)] * 3), dtype=cv2.CV_8U)


def _softness(rgb: np.ndarray, area: Box) -> float:
    """Share of the blurred scene that makes the area calm: more where it is busy."""
    shrink = max(1, round(min(rgb.shape[:2]) / 512))
    gray = cv2.cvtColor(
        rgb[area.top : area.bottom : shrink, area.left : area.right : shrink], cv2.COLOR_RGB2GRAY
    )
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.2)
    steps = (cv2.absdiff(smooth[1:, :-1], smooth[:-1, :-1]), cv2.absdiff(smooth[:-1, 1:], smooth[:-1, :-1]))
    unrest = math.hypot(*(cv2.mean(step)[0] for step in steps))
    return float(np.clip(1 - (1 - _SOFTNESS) * _CALM / max(unrest, 1e-3), _SOFTNESS, 0.85))


def _mask(area: Box, size: tuple[int, int], short_side: int) -> np.ndarray:
    """(h, w) float32 0..1, full in the middle of the area and 0 far outside."""
    # In a tall column the block is centred: its upper and lower ends stay scenery.
    inset = 0.20 * area.height if area.height > 0.6 * short_side else 0.0
    xs = (np.arange(size[0], dtype=np.float32) + 0.5) * _FACTOR
    ys = (np.arange(size[1], dtype=np.float32) + 0.5) * _FACTOR
    dx = np.maximum(np.maximum(area.left - xs, xs - area.right), 0)[None, :]
    dy = np.maximum(np.maximum(area.top + inset - ys, ys - area.bottom + inset), 0)[:, None]
    t = np.clip(1 - np.hypot(dx, dy) / (0.16 * short_side), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _exposure(luma: np.ndarray, mask: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """(h, w) float32 factor that draws the area's brightness to that of the ink it will carry.

    mask: 1 in the area; lit: where light may change for it.
    """
    inside = luma[mask > 0.9]
    if inside.size == 0:
        return np.ones_like(mask)
    broad = cv2.GaussianBlur(luma, (0, 0), 5.0)
    if wants_light_ink(inside):
        broad = shaded_alike(broad, float(np.quantile(broad[mask > 0.9], 0.9)))
        wanted = np.clip((LUMA_FOR_LIGHT_INK - 0.03) / np.maximum(broad, 0.05), 0.58, 1.0)
    else:
        broad = np.maximum(broad, float(np.quantile(broad[mask > 0.9], 0.1)))
        wanted = np.clip((LUMA_FOR_DARK_INK + 0.05) / np.maximum(broad, 0.05), 1.0, 1.4)
    return np.asarray(1 + lit * (cv2.GaussianBlur(wanted, (0, 0), 6.0) - 1), np.float32)
