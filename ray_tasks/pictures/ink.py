"""Ink, scrim and contrast: what makes text readable on a picture, measured on the picture's own pixels."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import Layout
from ray_tasks.pictures.palette import (
    Rgb,
    Tones,
    contrast_ratio,
    oklch,
    relative_luminance,
    shift,
    to_lch,
)

LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3 (AA, normal text)."""

LUMA_FOR_LIGHT_INK, LUMA_FOR_DARK_INK = 0.44, 0.56
"""Gamma-encoded luma up to which white letters, and from which black letters, are comfortable."""

_NEAR = 0.30
"""Share of a side within which an area counts as lying at that border."""
_ALIKE = 0.65
"""Share of the way to the brightest part, by which darker parts are exposed like it."""
_FADE = 0.40
"""Length of a fall-off of light as a share of the short side."""


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


def luma_of(rgb: np.ndarray) -> np.ndarray:
    """(H, W) float32 gamma-encoded luma 0..1 of (H, W, 3) float32 0..1, near the 2.2nd root of relative luminance."""
    return np.sqrt(np.square(rgb) @ np.array([0.2126, 0.7152, 0.0722], np.float32))


def wants_light_ink(luma: np.ndarray) -> bool:
    """Whether white letters need the smaller change of what is behind them; luma is gamma-encoded, 0..1.

    Darkening counts a little less than brightening: it looks like a fall-off of light, brightening like haze.
    """
    too_bright = float(np.maximum(luma - LUMA_FOR_LIGHT_INK, 0).mean())
    too_dark = float(np.maximum(LUMA_FOR_DARK_INK - luma, 0).mean())
    return too_bright <= 1.1 * too_dark


def shaded_alike(luma: np.ndarray, brightest: float) -> np.ndarray:
    """Luma to expose by, so that what is dark falls into shade with what is bright, and stays the darker of the two.

    Bright parts darkened alone, down to what is dark beside them, look like smoke. brightest: where letters stand; what
    is brighter elsewhere may stay so.
    """
    return np.minimum(luma + _ALIKE * np.maximum(brightest - luma, 0), brightest)


def prepare_ground(rgba: np.ndarray, layout: Layout, boxes: list[Box], tones: Tones) -> Rgb:
    """The ink for text in `boxes`, after exposing the scene under it, in place, just so that it is readable.

    Only what is too bright (or too dark) for the ink to reach LEAST_CONTRAST is burned (or dodged), by the scene's own
    colours: it stays scenery. rgba: (H, W, 4) uint8, opaque.
    """
    dark, light = _inks(tones)
    if not boxes:
        return dark
    height, width = rgba.shape[:2]
    size = (max(1, width // 4), max(1, height // 4))
    mask = cv2.resize(_text_mask(layout, boxes), size, interpolation=cv2.INTER_AREA)
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0) for axis in (1, 0))
    # All that follows happens where the mask is, at a quarter of the size.
    at = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    full = Box(4 * at.left, 4 * at.top, min(width, 4 * at.right), min(height, 4 * at.bottom))
    window = rgba[full.top : full.bottom, full.left : full.right]
    small = cv2.resize(window, (at.width, at.height), interpolation=cv2.INTER_AREA)[..., :3] / np.float32(255)
    mask = mask[at.top : at.bottom, at.left : at.right]
    cells = [
        np.s_[
            max(0, b.top // 4 - at.top) : -(-b.bottom // 4) - at.top,
            max(0, b.left // 4 - at.left) : -(-b.right // 4) - at.left,
        ]
        for b in boxes
    ]
    luma = luma_of(small)
    first = wants_light_ink(np.concatenate([luma[cell].ravel() for cell in cells]))
    own = small[mask > 0.5].mean(axis=0) if (mask > 0.5).any() else small.mean(axis=(0, 1))
    best: tuple[float, np.ndarray, np.ndarray, Rgb] | None = None
    for is_light in (first, not first):
        ink = light if is_light else dark
        bound = _bound_luma(ink, is_light)
        extreme = _extreme(luma, is_light)
        if is_light:
            extreme = shaded_alike(extreme, max(float(extreme[cell].max()) for cell in cells))
        else:
            # What is darker than this, but not behind letters, would get a glow around it.
            extreme = np.maximum(extreme, min(float(extreme[cell].min()) for cell in cells))
        for share in (1.0, 0.93, 0.85, 0.75, 0.62, 0.45, 0.2):
            limit = bound * share if is_light else 1 - (1 - bound) * share
            gain, veil = (_burn if is_light else _dodge)(extreme, mask, limit)
            worst = min(_least_contrast(_exposed(small[c], gain[c], veil[c], own), ink) for c in cells)
            if best is None or worst > best[0]:
                best = worst, gain, veil, ink
            if worst >= LEAST_CONTRAST * 1.1:
                break
        if best is not None and best[0] >= LEAST_CONTRAST * 1.1:
            break
    assert best is not None
    _, gain, veil, ink = best
    if np.abs(gain - 1).max() >= 0.01:
        _multiply(window, gain)
    if veil.max() > 0.004:
        weight = cv2.resize(veil, (full.width, full.height), interpolation=cv2.INTER_LINEAR)
        haze = np.empty((full.height, full.width, 4), np.uint8)
        haze[:] = [*np.rint(_haze(own) * 255).astype(np.uint8), 255]
        window[:] = cv2.blendLinear(haze, np.ascontiguousarray(window), weight, 1 - weight)
    return ink


def _multiply(window: np.ndarray, gain: np.ndarray) -> None:
    """Multiplies the colours of (H, W, 4) uint8 by a small field, enlarged, in place; in 8 bits, which grain hides."""
    # A whole number of steps makes 1, so that what is opaque stays opaque.
    unity = int(255 / max(1.0, float(gain.max())))
    steps = np.rint(gain * unity).astype(np.uint8)
    one = np.full_like(steps, unity)
    field = cv2.resize(
        cv2.merge([steps, steps, steps, one]),
        (window.shape[1], window.shape[0]),
        interpolation=cv2.INTER_LINEAR,
    )
    cv2.multiply(np.ascontiguousarray(window), field, field, scale=1 / unity)
    window[:] = field


def _bound_luma(ink: Rgb, is_light: bool) -> float:
    """The luma that a ground may reach (light ink) or must have (dark ink) for a comfortable contrast."""
    own = float(relative_luminance(np.array(ink)))
    ratio = LEAST_CONTRAST * 1.18
    luminance = (own + 0.05) / ratio - 0.05 if is_light else (own + 0.05) * ratio - 0.05
    return max(0.02, luminance) ** (1 / 2.2)


def _extreme(luma: np.ndarray, is_light: bool) -> np.ndarray:
    """The brightest (for light ink) or darkest luma around each cell, smoothly."""
    kernel = np.ones((7, 7), np.uint8)
    return cv2.GaussianBlur(cv2.dilate(luma, kernel) if is_light else cv2.erode(luma, kernel), (0, 0), 5.0)


def _burn(peak: np.ndarray, mask: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Factor (and no veil) that lowers what is brighter than `limit`, smoothly."""
    gain = np.minimum(1.0, limit / np.maximum(peak, 1e-3))
    return 1 - mask * (1 - gain), np.zeros_like(mask)


def _dodge(low: np.ndarray, mask: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Factor and veil that raise what is darker than `limit`: exposure first, a veil of haze for the rest."""
    gain = np.clip(limit / np.maximum(low, 1e-3), 1.0, 1.35)
    lifted = low * gain
    veil = np.clip((limit - lifted) / np.maximum(0.94 - lifted, 0.05), 0.0, 0.96)
    return 1 + mask * (gain - 1), mask * veil


def _exposed(rgb: np.ndarray, gain: np.ndarray, veil: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The picture (float32 0..1) times the gain, with a veil of its own colour, brightened."""
    out = np.minimum(rgb * gain[..., None], 1.0)
    if veil.max() > 0.004:
        out += veil[..., None] * (_haze(own) - out)
    return out


def _haze(own: np.ndarray) -> np.ndarray:
    """The scene's own colour, brightened to that of haze; (3,) float32 0..1."""
    return np.asarray(0.55 + 0.42 * own / max(0.05, float(own.max())), np.float32)


def _least_contrast(rgb: np.ndarray, ink: Rgb) -> float:
    return float(contrast_ratio(relative_luminance(np.array(ink)), relative_luminance(rgb)).min())


def _text_mask(layout: Layout, boxes: list[Box]) -> np.ndarray:
    """(H / 8, W / 8) float32 0..1: full under the block of text, fading out softly all around it."""
    canvas = layout.canvas
    block = Box(
        min(b.left for b in boxes),
        min(b.top for b in boxes),
        max(b.right for b in boxes),
        max(b.bottom for b in boxes),
    )
    size = (canvas.width_px // 8 + 1, canvas.height_px // 8 + 1)
    return light_mask(block.grown(round(20 * canvas.unit), canvas), canvas, size, 8)


def light_mask(area: Box, canvas: Canvas, size: tuple[int, int], cell_px: int) -> np.ndarray:
    """(h, w) float32 0..1 where light is changed for text in `area`, in cells of `cell_px`.

    Full from the area to the borders of the picture that are near, and fading out over a long way elsewhere: that looks
    like a fall-off of light, while a patch around the text would look like a panel.
    """
    w, h = canvas.width_px, canvas.height_px
    left = 0 if area.left < _NEAR * w else area.left
    right = w if area.right > (1 - _NEAR) * w else area.right
    top = 0 if area.top < _NEAR * h else area.top
    bottom = h if area.bottom > (1 - _NEAR) * h else area.bottom
    xs = (np.arange(size[0], dtype=np.float32) + 0.5) * cell_px
    ys = (np.arange(size[1], dtype=np.float32) + 0.5) * cell_px
    dx = np.maximum(np.maximum(left - xs, xs - right), 0)[None, :]
    dy = np.maximum(np.maximum(top - ys, ys - bottom), 0)[:, None]
    t = np.clip(1 - np.hypot(dx, dy) / (_FADE * min(w, h)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
