"""Ink, scrim and contrast: what makes text readable on a picture, measured on the picture's own pixels."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.layout import Layout
from ray_tasks.pictures.palette import (
    Rgb,
    Tones,
    contrast_ratio,
    mix,
    oklch,
    relative_luminance,
    shift,
    to_lch,
)

LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3 (AA, normal text)."""


def _luminance_range(rgb: np.ndarray, box: Box) -> tuple[float, float]:
    """Least and greatest relative luminance of the 4 x 4 pixel means in a box (single grains do not count)."""
    part = rgb[box.top : box.bottom, box.left : box.right, :3]
    small = cv2.resize(
        part, (max(1, part.shape[1] // 4), max(1, part.shape[0] // 4)), interpolation=cv2.INTER_AREA
    )
    luminance = relative_luminance(small / 255.0)
    return float(luminance.min()), float(luminance.max())


def worst_contrast(rgb: np.ndarray, box: Box, ink: Rgb) -> float:
    """WCAG ratio of an ink and the least favourable 4 x 4 pixel mean of (H, W, 3 or 4) uint8 in the box."""
    own = relative_luminance(np.array(ink))
    return float(min(contrast_ratio(own, value) for value in _luminance_range(rgb, box)))


def _inks(tones: Tones) -> tuple[Rgb, Rgb]:
    """Dark and light ink, both with a trace of the scene's hue."""
    hue = to_lch(tones.wall)[2]
    return oklch(0.21, 0.025, hue), oklch(0.985, 0.008, hue)


def ink_on(fill: Rgb) -> Rgb:
    """Black-ish or white ink, whichever contrasts more with a fill."""
    luminance = relative_luminance(np.array(fill))
    dark, light = oklch(0.20, 0.02, to_lch(fill)[2]), (1.0, 1.0, 1.0)
    of_dark = contrast_ratio(luminance, relative_luminance(np.array(dark)))
    of_light = contrast_ratio(luminance, relative_luminance(np.array(light)))
    # White reads better on saturated fills as long as it passes.
    return light if of_light >= LEAST_CONTRAST or of_light > of_dark else dark


def pill_fills(tones: Tones, ink: Rgb) -> dict[str, Rgb]:
    """Fill of sticker (accent) and call to action (ink, the accent's deep shade on light grounds)."""
    accent = tones.accent
    sticker = accent
    for _ in range(12):
        if (
            contrast_ratio(
                relative_luminance(np.array(sticker)), relative_luminance(np.array(ink_on(sticker)))
            )
            >= 4.8
        ):
            break
        sticker = shift(sticker, -0.02)
    return {"sticker": sticker, "call_to_action": ink}


def prepare_ground(rgb: np.ndarray, layout: Layout, boxes: list[Box], tones: Tones) -> tuple[np.ndarray, Rgb]:
    """The scene with as little scrim as text in `boxes` needs to reach LEAST_CONTRAST, and the ink for it."""
    target = LEAST_CONTRAST * 1.12
    dark, light = _inks(tones)
    if not boxes:
        return rgb, dark

    def worst(picture: np.ndarray, ink: Rgb) -> float:
        return min(worst_contrast(picture, box, ink) for box in boxes)

    area = layout.text_area
    assert area is not None
    mean = rgb[area.top : area.bottom : 8, area.left : area.right : 8].reshape(-1, 3).mean(axis=0) / 255.0
    own = (float(mean[0]), float(mean[1]), float(mean[2]))
    inks = sorted((dark, light), key=lambda ink: -worst(rgb, ink))
    scrims = {ink: mix(own, shift(own, 0.5 if ink is dark else -0.5, 0.7), 0.9) for ink in inks}
    mask = _scrim_mask(layout, boxes)
    lowered = cv2.resize(rgb, (rgb.shape[1] // 4, rgb.shape[0] // 4), interpolation=cv2.INTER_AREA)
    small_mask = cv2.resize(mask, (lowered.shape[1], lowered.shape[0]), interpolation=cv2.INTER_AREA)
    ranges = [
        (lowered[q.top : q.bottom, q.left : q.right], small_mask[q.top : q.bottom, q.left : q.right])
        for q in (Box(b.left // 4, b.top // 4, -(-b.right // 4), -(-b.bottom // 4)) for b in boxes)
    ]

    def enough(ink: Rgb, strength: float) -> bool:
        own_luminance = relative_luminance(np.array(ink))
        for part, weight in ranges:
            under = _veiled(part, weight, scrims[ink], strength)
            if contrast_ratio(own_luminance, relative_luminance(under / 255.0)).min() < target:
                return False
        return True

    for strength in (0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.96):
        for ink in inks:
            if enough(ink, strength):
                return (_veiled(rgb, mask, scrims[ink], strength) if strength else rgb), ink
    return _veiled(rgb, mask, scrims[inks[0]], 0.97), inks[0]


def _veiled(rgb: np.ndarray, mask: np.ndarray, scrim: Rgb, strength: float) -> np.ndarray:
    """The picture with `scrim` laid over it, by `mask` (0..1) times `strength`."""
    veil = np.empty_like(rgb)
    veil[:] = np.rint(np.array(scrim) * 255).astype(np.uint8)
    weight = np.ascontiguousarray(mask * np.float32(strength))
    return cv2.blendLinear(veil, np.ascontiguousarray(rgb), weight, 1 - weight)


def _scrim_mask(layout: Layout, boxes: list[Box]) -> np.ndarray:
    """(H, W) float32 0..1: full under the text, fading out softly around it and towards the product."""
    w, h = layout.canvas.width_px, layout.canvas.height_px
    f = 8
    pad = round(26 * layout.canvas.unit)
    left, right = min(b.left for b in boxes) - pad, max(b.right for b in boxes) + pad
    top, bottom = min(b.top for b in boxes) - pad, max(b.bottom for b in boxes) + pad
    if layout.variant == "stacked":
        left, right = -w, 2 * w
        top = -h if layout.anchor == "top" else top
        bottom = 2 * h if layout.anchor == "bottom" else bottom
    elif layout.name == "headline_right":
        right, top, bottom = 2 * w, -h, 2 * h
    else:
        left, top, bottom = -w, -h, 2 * h
    xs = (np.arange(w // f + 1, dtype=np.float32) + 0.5) * f
    ys = (np.arange(h // f + 1, dtype=np.float32) + 0.5) * f
    fade = (120 if layout.variant == "stacked" else 230) * layout.canvas.unit

    def ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
        outside = np.maximum(np.maximum(low - values, values - high), 0) / fade
        t = np.clip(1 - outside, 0, 1)
        return t * t * (3 - 2 * t)

    small = ramp(ys, top, bottom)[:, None] * ramp(xs, left, right)[None, :]
    return cv2.resize(small.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
