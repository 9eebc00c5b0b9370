"""Typography on a scene: the block of text painted in its place, with contrast measured on the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import skia

from ray_tasks.pictures.arrange import SCALES, Element, TextSpec, fitted, missing
from ray_tasks.pictures.brush import color4, packed, polygon
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.ink import ink_on, pill_fills, prepare_ground, worst_contrast
from ray_tasks.pictures.layout import Layout
from ray_tasks.pictures.palette import Rgb, Tones, shift, to_lch
from ray_tasks.pictures.script import script_of


@dataclass(frozen=True)
class Wording:
    """What one element says: its text, the box of its letters alone, and in how many lines of equal height."""

    text: str
    letters: Box
    lines: int


@dataclass(frozen=True)
class TypesetResult:
    """A scene with its text.

    `boxes`, `contrast` and `wording` have one entry per element: headline, selling_point_1.., sticker, price,
    was_price, call_to_action, legal.
    """

    rgb: np.ndarray
    boxes: dict[str, Box] = field(default_factory=dict)
    contrast: dict[str, float] = field(default_factory=dict)
    """WCAG ratio of ink and the least favourable 4 x 4 pixel mean behind the element."""
    wording: dict[str, Wording] = field(default_factory=dict)
    overflow: bool = False
    """True if the text does not fit even at the smallest size: nothing is drawn then."""
    missing_glyphs: str = ""
    scale: float = 1.0


def typeset(
    scene_rgb: np.ndarray, layout: Layout, text: TextSpec, tones: Tones, mood: str = "calm"
) -> TypesetResult:
    """Sets the text into the layout's area of an (H, W, 3) uint8 scene; the scene itself is not changed.

    The block shrinks step by step until it fits. Ink is dark or light, whichever the pixels favour; a soft scrim in the
    scene's own colour is laid under the text where neither reaches 4.5:1.
    """
    area = layout.text_area
    if text.is_empty or area is None:
        return TypesetResult(rgb=scene_rgb.copy())
    no_glyph = missing(text, mood)
    best = fitted(text, layout.form(mood), area.height)
    if best is None:
        return TypesetResult(scene_rgb.copy(), overflow=True, missing_glyphs=no_glyph, scale=SCALES[-1])
    block, scale = best
    slack = layout.usual_slack * (area.height - block.height)
    elements = [replace(e, left=e.left + area.left, top=e.top + area.top + slack) for e in block.elements]
    plain = [_box(e, layout) for e in elements if e.kind not in ("sticker", "call_to_action")]
    surface_array = cv2.cvtColor(scene_rgb, cv2.COLOR_RGB2RGBA)
    ink = prepare_ground(surface_array, layout, plain, tones)
    fills = pill_fills(tones, ink)
    surface = skia.Surface(surface_array, colorType=skia.kRGBA_8888_ColorType)
    canvas = surface.getCanvas()
    unit = layout.canvas.unit
    inks = {kind: ink_on(fill) for kind, fill in fills.items()}
    for element in elements:
        if element.kind in fills:
            _pill(canvas, element, fills[element.kind], unit)
    boxes = {element.name: _box(element, layout) for element in elements}
    contrast = {
        element.name: worst_contrast(surface_array, _text_box(element, layout), inks.get(element.kind, ink))
        for element in elements
    }
    to_left = script_of(text.locale).right_to_left
    for element in elements:
        own = inks.get(element.kind, ink)
        element.text.paint(
            canvas, element.left + element.text_dx, element.top + element.text_dy, packed(own), element.align
        )
        if element.kind == "selling_point":
            _tick(canvas, element, ink, tones, unit * scale, to_left=to_left)
        elif element.kind == "was_price":
            _strike(canvas, element, ink, unit * scale)
    inside = all(
        area.left <= b.left and b.right <= area.right and area.top <= b.top and b.bottom <= area.bottom
        for b in boxes.values()
    )
    out = cv2.cvtColor(surface_array, cv2.COLOR_RGBA2RGB)
    wording = {e.name: Wording(e.text.words, _letters(e, layout), e.text.lines) for e in elements}
    return TypesetResult(out, boxes, contrast, wording, not inside, no_glyph, scale)


def _box(element: Element, layout: Layout) -> Box:
    w, h = layout.canvas.width_px, layout.canvas.height_px
    return Box(
        max(0, math.floor(element.left)),
        max(0, math.floor(element.top)),
        min(w, math.ceil(element.left + element.width - 0.01)),
        min(h, math.ceil(element.top + element.height - 0.01)),
    )


def _letters(element: Element, layout: Layout) -> Box:
    """The box of an element's letters, without tick or pill."""
    block = element.text
    left, top = element.left + element.text_dx, element.top + element.text_dy
    return _box(replace(element, left=left, top=top, width=block.width, height=block.height), layout)


def _text_box(element: Element, layout: Layout) -> Box:
    """The part of an element's box that its letters cover."""
    box = _box(element, layout)
    if element.kind in ("sticker", "call_to_action"):
        inset_x, inset_y = round(element.text_dx * 0.9), round(element.text_dy * 0.6)
        return Box(box.left + inset_x, box.top + inset_y, box.right - inset_x, box.bottom - inset_y)
    return box


def _pill(canvas: skia.Canvas, element: Element, fill: Rgb, unit: float) -> None:
    rect = skia.Rect.MakeXYWH(element.left, element.top, element.width, element.height)
    radius = element.height / 2
    soft = skia.Paint(AntiAlias=True, Color4f=color4((0.0, 0.0, 0.0), 0.16))
    soft.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 5 * unit))
    canvas.save()
    canvas.translate(0, 3 * unit)
    canvas.drawRoundRect(rect, radius, radius, soft)
    canvas.restore()
    canvas.drawRoundRect(rect, radius, radius, skia.Paint(AntiAlias=True, Color4f=color4(fill)))


def _strike(canvas: skia.Canvas, element: Element, ink: Rgb, u: float) -> None:
    """A line through a former price."""
    y = element.top + 0.53 * element.height
    paint = skia.Paint(AntiAlias=True, Color4f=color4(ink), StrokeWidth=2.4 * u)
    canvas.drawLine(element.left - 3 * u, y, element.left + element.width + 3 * u, y, paint)


def _tick(canvas: skia.Canvas, element: Element, ink: Rgb, tones: Tones, u: float, *, to_left: bool) -> None:
    """A tick in a disc before a selling point's first line."""
    r = 13.5 * u
    cx = element.left + element.width - r if to_left else element.left + r
    cy = element.top + 0.52 * element.text.leading * element.text.size_px
    disc = skia.Paint(
        AntiAlias=True, Color4f=color4(tones.accent if to_lch(ink)[0] < 0.5 else shift(tones.accent, 0.08))
    )
    canvas.drawCircle(cx, cy, r, disc)
    paint = skia.Paint(AntiAlias=True, Color4f=color4(ink_on(tones.accent)), StrokeWidth=3.0 * u)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    points = [(cx - 5.6 * u, cy + 0.4 * u), (cx - 1.6 * u, cy + 4.6 * u), (cx + 6.0 * u, cy - 4.4 * u)]
    canvas.drawPath(polygon(points, closed=False), paint)
