"""A treatment without a cut-out: the whole photograph as a mounted print on a designed ground, text beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import skia

from ray_tasks.pictures.bleed import Sides, field, plan_bleed
from ray_tasks.pictures.brush import Brush
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import (
    MARGIN,
    Layout,
    TextSpec,
    column_fits,
    reading_window,
    text_height_px,
)
from ray_tasks.pictures.palette import Rgb, Tones, mix, shift, to_lch

MOUNT = 0.016
"""Width of the print's white mount as a share of the short side."""
_SLIM = 1.05
"""Prints slimmer than this (width / height) stand beside the text; wider ones above or below it."""
_LANDSCAPE_SHARE = 0.52


def is_photograph(rgba: np.ndarray) -> bool:
    """Whether an (h, w, 4) uint8 "cut-out" is a whole photograph: no cut-out is without a transparent pixel."""
    return bool((rgba[..., 3] == 255).all())


def plan_framed(
    canvas: Canvas, name: str, size: tuple[int, int], texts: Sequence[TextSpec], plain: Sides
) -> Layout:
    """The layout for a photograph of (width, height); its product box has exactly that shape.

    It runs to the borders where its plain sides allow that, else it is mounted as a print.
    """
    reading = reading_window(canvas)
    if reading.height < canvas.height_px:
        inner = plan_framed(Canvas(reading.width, reading.height), name, size, texts, plain)
        return inner.moved(canvas, reading.top)
    if (bleeding := plan_bleed(canvas, name, size, texts, plain)) is not None:
        return bleeding
    aspect = size[0] / size[1]
    w, h = canvas.width_px, canvas.height_px
    short = min(w, h)
    margin, mount = round(MARGIN * short), round(MOUNT * short)
    edge = margin + mount
    if all(text.is_empty for text in texts):
        return Layout(
            name, "bare", canvas, _fit(Box(edge, edge, w - edge, h - edge), aspect), None, False, "top", 1
        )
    return _plan(canvas, name, aspect, texts, margin, edge)


def _plan(
    canvas: Canvas, name: str, aspect: float, texts: Sequence[TextSpec], margin: int, edge: int
) -> Layout:
    w, h = canvas.width_px, canvas.height_px
    mount = edge - margin
    fits = column_fits(texts, 0.4 * w, canvas.unit)
    beside = aspect <= _SLIM and h / w < 1.2 and fits and not name.endswith(("top", "bottom"))
    side_by_side = w / h > 1.35 or beside
    if side_by_side:
        share = _LANDSCAPE_SHARE if w / h > 1.35 else 0.54
        room = round(share * w)
        on_left = name == "headline_right"
        span = (edge, room) if on_left else (w - room, w - edge)
        photo = _fit(Box(span[0], edge, span[1], h - edge), aspect, at=0.0 if on_left else 1.0)
        gutter = round(0.8 * margin) + mount
        area = (
            Box(photo.right + gutter, edge, w - margin, h - edge)
            if on_left
            else Box(margin, edge, photo.left - gutter, h - edge)
        )
        return Layout(name, "column", canvas, photo, area, False, "middle", 1)
    centred = name in ("headline_top", "headline_bottom")
    text_height = text_height_px(texts, canvas, w - 2 * margin, center=centred)
    gutter = round(0.75 * margin) + mount
    at = 0.5 if centred or h / w > 1.5 else 0.0 if name == "headline_left" else 1.0
    photo = _fit(Box(edge, 0, w - edge, h - edge - margin - text_height - gutter), aspect, at=at)
    # Text and print are one group: what both leave free lies around them, not between them.
    spare = h - edge - margin - text_height - gutter - photo.height
    if name == "headline_bottom":
        top = edge + spare // 2
        area = Box(margin, top + photo.height + gutter, w - margin, h - margin - spare // 2)
    else:
        top = h - edge - spare // 2 - photo.height
        area = Box(margin, margin + spare // 2, w - margin, top - gutter)
    photo = Box(photo.left, top, photo.right, top + photo.height)
    return Layout(name, "stacked", canvas, photo, area, centred, "middle", 3 if centred else 1)


def _fit(room: Box, aspect: float, at: float = 0.5) -> Box:
    """The largest box of that shape in `room`; `at` 0..1 places it along the width, the height is centred."""
    scale = min(room.width / aspect, float(room.height))
    width, height = max(1, round(scale * aspect)), max(1, round(scale))
    left = room.left + round(at * (room.width - width))
    top = room.top + (room.height - height) // 2
    return Box(left, top, left + width, top + height)


def draw_ground(canvas: Canvas, layout: Layout, photo: Box, tones: Tones, seed: int) -> np.ndarray:
    """(H, W, 3) uint8 sRGB: ground, a second colour behind the print, its mount and shadow; no photograph yet."""
    rng = np.random.default_rng(seed)
    w, h = canvas.width_px, canvas.height_px
    surface = skia.Surface(w, h)
    brush = Brush(surface.getCanvas(), w, h, rng)
    tones = _carrying_text(tones, layout.name, across=bool(rng.integers(2)))
    wall = shift(tones.wall, 0.02)
    brush.wash(0, h, [(0.0, shift(wall, 0.015)), (1.0, shift(wall, -0.03))])
    second = _second(tones)
    design = int(rng.integers(3))
    if design == 0 or layout.text_area is None:
        _split(brush, layout, photo, second)
    elif design == 1:
        _disc(brush, layout, photo, second)
    else:
        _offset_sheet(brush, photo, second)
    mount = MOUNT * min(w, h)
    for blur, drop, strength in ((26.0, 16.0, 0.22), (6.0, 3.0, 0.22)):
        brush.rect(
            photo.left - mount,
            photo.top - mount + drop * brush.unit,
            photo.right + mount,
            photo.bottom + mount + drop * brush.unit,
            shift(tones.wall_deep, -0.35),
            alpha=strength,
            blur=blur,
            radius=4,
        )
    paper = mix((0.985, 0.98, 0.97), tones.wall, 0.04)
    brush.rect(
        photo.left - mount, photo.top - mount, photo.right + mount, photo.bottom + mount, paper, radius=4
    )
    rgb = np.ascontiguousarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])
    # Light falls from one side, as on a wall, and paper has a grain: flat tones would look printed, gradients banded.
    side = np.linspace(0.0, 1.0, w)[:: 1 if rng.integers(2) else -1, None]
    light = 1.03 - 0.09 * (0.6 * side + 0.4 * np.linspace(0.0, 1.0, h)[:, None, None])
    grain = rng.normal(0.0, 1.8, (h, w, 1))
    return np.clip(np.rint(rgb * light + 90 * (light - 1) + grain), 0, 255).astype(np.uint8)


def _carrying_text(tones: Tones, layout_name: str, *, across: bool) -> Tones:
    """The tones with a wall that is light or dark: on a middling one no ink reads well, and the print has its mount."""
    wall = field(tones, layout_name, across=across)
    return replace(tones, wall=wall, wall_deep=shift(wall, -0.16, 1.15))


def _second(tones: Tones) -> Rgb:
    """A colour beside the wall that is told from it at a glance, quieter than the accent."""
    lightness = to_lch(tones.wall)[0]
    toned = mix(tones.wall_deep, tones.accent, 0.45)
    return shift(toned, 0.10 if lightness > 0.6 else 0.02)


def _split(brush: Brush, layout: Layout, photo: Box, color: Rgb) -> None:
    """The picture in two colours, the edge between them running behind the print."""
    w, h = layout.canvas.width_px, layout.canvas.height_px
    area = layout.text_area
    if area is not None and layout.variant == "column":
        middle = photo.center_x
        left, right = (0.0, middle) if area.left > middle else (middle, float(w))
        brush.rect(left, 0, right, h, color)
        return
    middle = photo.center_y
    above = area is not None and area.top > middle
    brush.rect(0, 0 if above else middle, w, middle if above else h, color)


def _disc(brush: Brush, layout: Layout, photo: Box, color: Rgb) -> None:
    """A great disc that rises behind the print, away from the text."""
    w, h = layout.canvas.width_px, layout.canvas.height_px
    area = layout.text_area
    assert area is not None
    radius = 0.62 * max(photo.width, photo.height)
    if layout.variant == "column":
        x, y = (0.0 if area.left > photo.center_x else float(w)), photo.center_y + 0.1 * h
        radius = min(radius, abs(x - (area.right if x else area.left)) - 8)
    else:
        x, y = photo.center_x, (0.0 if area.top > photo.center_y else float(h))
        radius = min(0.62 * w, abs(y - (area.bottom if y else area.top)) - 8)
    brush.canvas.drawCircle(x, y, max(1.0, radius), brush.paint(color))


def _offset_sheet(brush: Brush, photo: Box, color: Rgb) -> None:
    """A coloured sheet under the print, moved a little aside."""
    aside = 0.035 * min(brush.width, brush.height)
    brush.rect(
        photo.left - aside, photo.top + aside, photo.right, photo.bottom + 1.25 * aside, color, radius=4
    )
