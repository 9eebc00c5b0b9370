"""A photograph that runs to the borders: its own plain ground goes on around it, text stands on a field of colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ray_tasks.pictures.arrange import Form, fitted
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import MARGIN, Layout, TextSpec, column_fits, text_height_px
from ray_tasks.pictures.palette import Rgb, Tones, oklch, to_lch

PHOTO_ENLARGEMENT = 1.8
"""A whole photograph has no cut edge that would look soft: it may grow a little more than a cut-out."""
_COLUMN_SHARE = 0.56
_LEAST_SHARE = 0.40
"""Of the canvas's width or height that a photograph takes at least: a smaller one is better mounted."""
_LEAST_TEXT = 0.36
"""Of the canvas's width that a column of text has."""
_STEP = 14.0
"""Greatest step of colour (sum over Lab) along a border of 256 px that still belongs to a plain ground."""
_TEXTURE = 5.0
"""Deviation from the neighbourhood (sum over Lab, 90th percentile) up to which a ground has no texture to go on."""
_TIGHT = 0.84
"""Scale of type down to which a text makes room for a photograph as wide as the canvas."""
_ONWARD = 12.0
"""Levels that a fall-off of light at an edge may go on by."""
_MUD = (42.0, 130.0)
"""Hues (OKLCH, degrees) that look like mud where they are deep."""
_FIELDS = {
    "headline_top": (0.89, 0.045, 0.06),
    "headline_left": (0.34, 0.05, 0.09),
    "headline_right": (0.955, 0.012, 0.02),
    "headline_bottom": (0.78, 0.065, 0.095),
}
"""Lightness, least and greatest chroma (OKLCH) of a layout's field: pale, deep, paper, strong."""


@dataclass(frozen=True)
class Sides:
    """Which borders of a photograph show nothing but plain ground, so that it can go on beyond them."""

    left: bool
    top: bool
    right: bool
    bottom: bool

    def mirrored(self) -> Sides:
        """Those of the photograph in a mirror."""
        return replace(self, left=self.right, right=self.left)


def plain_sides(rgba: np.ndarray) -> Sides:
    """The plain sides of an (h, w, 4) uint8 photograph: no step and no texture along its border, 5 % deep."""
    small = cv2.resize(rgba[..., :3], (256, 256), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    soft = cv2.GaussianBlur(lab, (0, 0), 1.5)
    texture = np.abs(lab - cv2.GaussianBlur(lab, (0, 0), 4)).sum(axis=2)

    def plain(strip: np.ndarray, rough: np.ndarray) -> bool:
        """strip (depth, 256, 3), rough (depth, 256)."""
        step = np.abs(np.diff(strip.mean(axis=0), axis=0)).sum(axis=1).max()
        return bool(step <= _STEP and np.quantile(rough, 0.9) <= _TEXTURE)

    across, rough = soft.transpose(1, 0, 2), texture.T
    return Sides(
        left=plain(across[:12], rough[:12]),
        top=plain(soft[:12], texture[:12]),
        right=plain(across[-12:], rough[-12:]),
        bottom=plain(soft[-12:], texture[-12:]),
    )


def plan_bleed(
    canvas: Canvas, name: str, size: tuple[int, int], texts: Sequence[TextSpec], plain: Sides
) -> Layout | None:
    """The layout of a photograph of (width, height) that runs to the borders, or None where it cannot.

    It cannot where a side that the borders do not cut off is not plain, or where it would be small.
    """
    w, h = canvas.width_px, canvas.height_px
    if all(text.is_empty for text in texts):
        photo = _fit(w, h, size)
        left, top = (
            _start(w - photo[0], plain.left, plain.right),
            _start(h - photo[1], plain.top, plain.bottom),
        )
        if left is None or top is None:
            return None
        box = Box(left, top, left + photo[0], top + photo[1])
        return Layout(name, "bare", canvas, box, None, False, "top", 1, bleeds=True)
    margin = round(MARGIN * min(w, h))
    column, stacked = (
        _column(canvas, name, size, margin, plain),
        _stacked(canvas, name, size, texts, margin, plain),
    )
    if w / h > 1.35:
        return column
    if not column_fits(texts, _LEAST_TEXT * w, canvas.unit) or size[0] > 1.2 * size[1] or h > 1.2 * w:
        return stacked
    return column or stacked if name in ("headline_left", "headline_right") else stacked or column


def _fit(width: int, height: int, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the photograph in a room, rounded up: a gap at a border would be seen."""
    scale = min(width / size[0], height / size[1], PHOTO_ENLARGEMENT)
    return min(width, -int(-size[0] * scale // 1)), min(height, -int(-size[1] * scale // 1))


def _start(spare: int, before: bool, after: bool) -> int | None:
    """Pixels left free before the photograph, of `spare`: only where its side is plain. None: neither side is."""
    if spare == 0 or (after and not before):
        return 0
    if before and not after:
        return spare
    return spare // 2 if before else None


def _column(canvas: Canvas, name: str, size: tuple[int, int], margin: int, plain: Sides) -> Layout | None:
    w, h = canvas.width_px, canvas.height_px
    photo = _fit(round(_COLUMN_SHARE * w), h, size)
    top = _start(h - photo[1], plain.top, plain.bottom)
    if photo[0] < _LEAST_SHARE * w or top is None:
        return None
    if name in ("headline_right", "headline_top"):
        box, area = (
            Box(0, top, photo[0], top + photo[1]),
            Box(photo[0] + margin, margin, w - margin, h - margin),
        )
    else:
        left = w - photo[0]
        box, area = Box(left, top, w, top + photo[1]), Box(margin, margin, left - margin, h - margin)
    return Layout(name, "column", canvas, box, area, False, "middle", 1, bleeds=True)


def _stacked(
    canvas: Canvas, name: str, size: tuple[int, int], texts: Sequence[TextSpec], margin: int, plain: Sides
) -> Layout | None:
    w, h = canvas.width_px, canvas.height_px
    centred = name in ("headline_top", "headline_bottom")
    pad = round(0.9 * margin)
    photo = _fit(w, h, size)
    form = Form(w - 2 * margin, canvas.unit, center=centred, stacked=True, points_per_row=3 if centred else 1)
    blocks = [fitted(text, form, h - photo[1] - 2 * pad) for text in texts if not text.is_empty]
    if photo[0] < w or not all(block is not None and block[1] >= _TIGHT for block in blocks):
        photo = _fit(w, h - 2 * pad - text_height_px(texts, canvas, w - 2 * margin, center=centred), size)
    left = _start(w - photo[0], plain.left, plain.right)
    if photo[1] < _LEAST_SHARE * h or left is None:
        return None
    if name in ("headline_bottom", "headline_right"):
        box, area = Box(left, 0, left + photo[0], photo[1]), Box(margin, photo[1] + pad, w - margin, h - pad)
    else:
        top = h - photo[1]
        box, area = Box(left, top, left + photo[0], h), Box(margin, pad, w - margin, top - pad)
    return Layout(name, "stacked", canvas, box, area, centred, "middle", 3 if centred else 1, bleeds=True)


def draw_bleed(
    photo: np.ndarray, plain: Sides, layout: Layout, box: Box, tones: Tones, seed: int
) -> np.ndarray:
    """(H, W, 3) uint8 sRGB: the field of the text, and the photograph with its ground up to the borders.

    photo: (box.height, box.width, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    w, h = layout.canvas.width_px, layout.canvas.height_px
    color = field(tones, layout.name, across=bool(rng.integers(2)))
    # Light falls from one side, as on a sheet of paper.
    side = np.linspace(0.0, 1.0, w, dtype=np.float32)[:: 1 if rng.integers(2) else -1, None]
    light = 1.03 - 0.09 * (0.6 * side + 0.4 * np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None, None])
    out = np.asarray(255 * np.array(color) * light + 220 * (light - 1), np.float32)
    region = _region(layout, box, plain)
    tint = np.array(oklch(0.95, 0.006, to_lch(color)[2]), np.float32)
    out[region.top : region.bottom, region.left : region.right] = _extended(photo, box, region, tint)
    if layout.text_area is not None and rng.integers(2):
        _edge_line(out, layout, region, tones.accent)
    grain = rng.normal(0.0, 2.6, (h, w, 1)).astype(np.float32)
    return np.clip(np.rint(out + grain), 0, 255).astype(np.uint8)


def field(tones: Tones, layout_name: str, *, across: bool = False) -> Rgb:
    """A colour that carries text as it is: of the wall's hue, or the one across from it, which suits a product too.

    Its depth goes with the layout, as personas of one product have different ones: so their fields differ at a glance.
    """
    _, chroma, hue = to_lch(tones.wall)
    hue = (hue + 180) % 360 if across else hue
    lightness, least, most = _FIELDS[layout_name]
    if _MUD[0] < hue < _MUD[1] and lightness < 0.8:
        # Neither deep nor middling is such a hue a colour: brick where it is deep, amber where it is strong.
        lightness, hue = (lightness, _MUD[0]) if lightness < 0.5 else (0.83, min(max(hue, 68.0), 90.0))
    return oklch(lightness, min(most, max(least, chroma)), hue)


def _region(layout: Layout, box: Box, plain: Sides) -> Box:
    """What the photograph and its ground fill: all of the canvas beside the text that lies beyond plain sides."""
    w, h, area = layout.canvas.width_px, layout.canvas.height_px, layout.text_area
    reached = Box(
        0 if plain.left else box.left,
        0 if plain.top else box.top,
        w if plain.right else box.right,
        h if plain.bottom else box.bottom,
    )
    if area is None:
        return reached
    if layout.variant == "column":
        on_left = area.left < box.left
        return replace(reached, **({"left": box.left} if on_left else {"right": box.right}))
    return replace(reached, **({"top": box.top} if area.top < box.top else {"bottom": box.bottom}))


def _extended(photo: np.ndarray, box: Box, region: Box, tint: np.ndarray) -> np.ndarray:
    """(region.height, region.width, 3) float32: the photograph, its borders' colours running on around it."""
    out = photo.astype(np.float32)
    left, right = _run(out, box.left - region.left, tint), _run(out[:, ::-1], region.right - box.right, tint)
    out = np.concatenate([left[:, ::-1], out, right], axis=1).transpose(1, 0, 2)
    above, below = _run(out, box.top - region.top, tint), _run(out[:, ::-1], region.bottom - box.bottom, tint)
    return np.concatenate([above[:, ::-1], out, below], axis=1).transpose(1, 0, 2)


def _run(photo: np.ndarray, length: int, tint: np.ndarray) -> np.ndarray:
    """(n, length, 3) float32: the colours of the left edge going on to the left, first pixel nearest to it.

    They go on as bright or dark as they were about to become, for a while, softer and softer, and drawn to the tint.
    photo: (n, m, 3) float32.
    """
    n, depth = len(photo), max(1, round(0.05 * photo.shape[1]))
    edge = photo[:, :2].mean(axis=1, keepdims=True)

    def soft(colors: np.ndarray, share: float) -> np.ndarray:
        return cv2.GaussianBlur(
            colors, (0, 0), sigmaX=0.1, sigmaY=share * n, borderType=cv2.BORDER_REPLICATE
        ).reshape(n, 1, 3)

    near, far = soft(edge, 0.012), soft(edge, 0.12)
    # Clipped before it is smoothed: near the border a product's foot is no fall-off of light.
    change = (near - soft(photo[:, depth : depth + 2].mean(axis=1, keepdims=True), 0.012)) / depth
    px = np.arange(length, dtype=np.float32)[None, :, None] + 1
    reach = 1.5 * depth
    onward = soft(np.clip(change * reach, -_ONWARD, _ONWARD), 0.06) * (1 - np.exp(-px / reach))
    first, second = np.clip(px / (0.03 * n), 0, 1), np.clip((px / n - 0.02) / 0.3, 0, 1)
    run = edge * (1 - first) + first * (near * (1 - second) + far * second) + onward
    deeper = 1 - np.exp(-np.square(px / (0.35 * n)))
    return np.asarray(run * (1 - deeper * (1 - tint)), np.float32)


def _edge_line(out: np.ndarray, layout: Layout, region: Box, accent: Rgb) -> None:
    """A line of the accent between photograph and field, in place, on the field's side."""
    thick = max(3, round(8 * layout.canvas.unit))
    color = 255 * np.array(accent, np.float32)
    area = layout.text_area
    assert area is not None
    if layout.variant == "column":
        edge = region.left - thick if area.left < region.left else region.right
        out[:, edge : edge + thick] = color
    else:
        edge = region.top - thick if area.top < region.top else region.bottom
        out[edge : edge + thick] = color
