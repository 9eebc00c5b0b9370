"""Typography on a scene: headline, selling points, sticker and call to action, with contrast measured on the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import skia

from ray_tasks.pictures.brush import color4, packed, polygon
from ray_tasks.pictures.fonts import SetText, missing_glyphs, usable_face
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.ink import ink_on, pill_fills, prepare_ground, worst_contrast
from ray_tasks.pictures.layout import Layout, TextSpec
from ray_tasks.pictures.palette import Rgb, Tones, shift, to_lch

_SCALES = (1.12, 1.0, 0.92, 0.84, 0.76, 0.69, 0.62)
"""Steps by which the whole block shrinks until it fits; below the last one it overflows."""

_SPARING = 0.81
"""Share of the largest size that fits, down to which type is made smaller to save a line or a lonely word."""

_SPARING_BODY = 0.88
"""The same for selling points, which are small already."""

_HEADLINE_FACE = {"energetic": "display-black", "playful": "display-black", "premium": "display-medium"}


@dataclass(frozen=True)
class TypesetResult:
    """A scene with its text.

    `boxes` and `contrast` have one entry per element: headline, selling_point_1.., sticker, call_to_action.
    """

    rgb: np.ndarray
    boxes: dict[str, Box] = field(default_factory=dict)
    contrast: dict[str, float] = field(default_factory=dict)
    """WCAG ratio of ink and the least favourable 4 x 4 pixel mean behind the element."""
    overflow: bool = False
    """True if the text does not fit even at the smallest size: nothing is drawn then."""
    missing_glyphs: str = ""
    scale: float = 1.0


@dataclass
class _Element:
    kind: str
    name: str
    text: SetText
    left: float
    top: float
    width: float
    height: float
    text_dx: float = 0.0
    text_dy: float = 0.0


def typeset(
    scene_rgb: np.ndarray, layout: Layout, text: TextSpec, locale: str, tones: Tones, mood: str = "calm"
) -> TypesetResult:
    """Sets the text into the layout's area of an (H, W, 3) uint8 scene; the scene itself is not changed.

    The block shrinks step by step until it fits. Ink is dark or light, whichever the pixels favour; a soft scrim in the
    scene's own colour is laid under the text where neither reaches 4.5:1.
    """
    if text.is_empty or layout.text_area is None:
        return TypesetResult(rgb=scene_rgb.copy())
    faces = _faces(text, mood)
    missing = "".join(sorted(set("".join(missing_glyphs(t, faces[kind]) for kind, t in _pieces(text)))))
    area = layout.text_area
    # Headline and body shrink apart until their words fit, then together until the block does.
    fitting = [_first_fit(layout, part, locale, faces) for part in _parts(text)]
    chosen: tuple[float, float] | None = None
    if all(scale is not None for scale in fitting):
        head, body = (scale or 1.0 for scale in fitting)
        for common in _SCALES:
            sizes = min(head, common), min(body, common)
            if _arrange(layout, text, locale, faces, sizes, (0, 0, 0))[1]:
                chosen = sizes
                break
    if chosen is None:
        return TypesetResult(rgb=scene_rgb.copy(), overflow=True, missing_glyphs=missing, scale=_SCALES[-1])
    scale = chosen[1]
    elements, _ = _arrange(layout, text, locale, faces, chosen, (0, 0, 0))
    plain = [_box(e, layout) for e in elements if e.kind in ("headline", "selling_point")]
    rgb, ink = prepare_ground(scene_rgb, layout, plain, tones)
    fills = pill_fills(tones, ink)
    elements, _ = _arrange(layout, text, locale, faces, chosen, ink, fills)
    surface_array = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    surface = skia.Surface(surface_array, colorType=skia.kRGBA_8888_ColorType)
    canvas = surface.getCanvas()
    unit = layout.canvas.unit
    for element in elements:
        if element.kind in fills:
            _pill(canvas, element, fills[element.kind], unit)
    contrast = {}
    boxes = {}
    for element in elements:
        box = _box(element, layout)
        boxes[element.name] = box
        element_ink = ink if element.kind not in fills else ink_on(fills[element.kind])
        contrast[element.name] = worst_contrast(surface_array, _text_box(element, layout), element_ink)
    for element in elements:
        element.text.paint(canvas, element.left + element.text_dx, element.top + element.text_dy)
        if element.kind == "selling_point":
            _tick(canvas, element, ink, tones, unit * scale)
    inside = all(
        area.left <= b.left and b.right <= area.right and area.top <= b.top and b.bottom <= area.bottom
        for b in boxes.values()
    )
    out = np.ascontiguousarray(surface_array[..., :3])
    return TypesetResult(out, boxes, contrast, overflow=not inside, missing_glyphs=missing, scale=scale)


def _parts(text: TextSpec) -> tuple[TextSpec, TextSpec]:
    """The headline alone, and everything else."""
    return (
        TextSpec(headline=text.headline, locale=text.locale),
        TextSpec("", text.selling_points, text.sticker, text.call_to_action, text.locale),
    )


def _first_fit(layout: Layout, part: TextSpec, locale: str, faces: dict[str, str]) -> float | None:
    """The scale at which a part fits alone, or None: the largest, or a little less if that saves a line."""
    if part.is_empty:
        return _SCALES[0]
    largest, least_rows = 0.0, 0
    chosen: float | None = None
    for scale in _SCALES:
        if chosen is not None and scale < (_SPARING if part.headline else _SPARING_BODY) * largest:
            break
        elements, fits = _arrange(layout, part, locale, faces, (scale, scale), (0, 0, 0))
        if not fits:
            continue
        rows = len({round(e.top) for e in elements}) + sum(e.text.lines - 1 for e in elements)
        if chosen is None:
            chosen, largest, least_rows = scale, scale, rows
        elif rows < least_rows:
            chosen, least_rows = scale, rows
    return chosen


def _pieces(text: TextSpec) -> list[tuple[str, str]]:
    pieces = [("headline", text.headline)] if text.headline else []
    pieces += [("selling_point", point) for point in text.selling_points]
    pieces += [("sticker", text.sticker)] if text.sticker else []
    pieces += [("call_to_action", text.call_to_action)] if text.call_to_action else []
    return pieces


def _faces(text: TextSpec, mood: str) -> dict[str, str]:
    """The typeface of each kind of element; one face for all selling points."""
    return {
        "headline": _HEADLINE_FACE.get(mood, "display-bold"),
        "selling_point": usable_face("".join(text.selling_points), "text-semibold"),
        "sticker": usable_face(text.sticker or "", "text-bold"),
        "call_to_action": usable_face(text.call_to_action or "", "text-bold"),
    }


def _arrange(
    layout: Layout,
    text: TextSpec,
    locale: str,
    faces: dict[str, str],
    scales: tuple[float, float],
    ink: Rgb,
    fills: dict[str, Rgb] | None = None,
) -> tuple[list[_Element], bool]:
    """The elements in their places at the scales of headline and body, and whether they fit into the text area."""
    area = layout.text_area
    assert area is not None
    head_u, u = (layout.canvas.unit * scale for scale in scales)
    center = layout.align == "center"
    fills = fills or {}
    y = 0.0
    fits = True
    elements: list[_Element] = []

    def place(width: float) -> float:
        return area.left + (area.width - width) / 2 if center else float(area.left)

    if text.sticker:
        size = 22 * u
        rgb = ink_on(fills["sticker"]) if "sticker" in fills else ink
        set_text = SetText(
            text.sticker,
            faces["sticker"],
            size,
            area.width - 36 * u,
            color=packed(rgb),
            center=False,
            locale=locale,
            leading=1.15,
            tracking_em=0.035,
        )
        fits &= set_text.fits and set_text.lines == 1
        width, height = set_text.width + 36 * u, set_text.height + 15 * u
        elements.append(
            _Element("sticker", "sticker", set_text, place(width), y, width, height, 18 * u, 7.5 * u)
        )
        y += height + 17 * u
    if text.headline:
        size = (74 if layout.variant == "stacked" else 70) * head_u
        set_text = SetText(
            text.headline,
            faces["headline"],
            size,
            area.width,
            color=packed(ink),
            center=center,
            locale=locale,
            leading=1.06,
            tracking_em=-0.012,
        )
        fits &= set_text.fits and set_text.lines <= (2 if layout.variant == "stacked" else 4)
        left = area.left + (area.width - set_text.layout_width) / 2 if center else float(area.left)
        dx = 0.0
        if center:
            dx = left - place(set_text.width)
        elements.append(
            _Element(
                "headline",
                "headline",
                set_text,
                place(set_text.width),
                y,
                set_text.width,
                set_text.height,
                dx,
                0.0,
            )
        )
        y += set_text.height
    if text.selling_points:
        y += 22 * u
        rows, ok = _point_rows(layout, text, locale, faces["selling_point"], u, ink)
        fits &= ok
        stacked = all(len(row) == 1 for row in rows)
        for row in rows:
            row_width = sum(p.width for p in row) + 34 * u * (len(row) - 1)
            # One under the other, the ticks stand in one column.
            x = place(max(p.width for r in rows for p in r) if stacked else row_width)
            for point in row:
                point.left, point.top = x, y
                x += point.width + 34 * u
                elements.append(point)
            y += max(p.height for p in row) + 11 * u
        y -= 11 * u
    if text.call_to_action:
        y += 26 * u
        size = 25 * u
        rgb = ink_on(fills["call_to_action"]) if "call_to_action" in fills else ink
        set_text = SetText(
            text.call_to_action,
            faces["call_to_action"],
            size,
            area.width - 60 * u,
            color=packed(rgb),
            center=False,
            locale=locale,
            leading=1.15,
        )
        fits &= set_text.fits and set_text.lines == 1
        width, height = set_text.width + 60 * u, set_text.height + 26 * u
        elements.append(
            _Element(
                "call_to_action", "call_to_action", set_text, place(width), y, width, height, 30 * u, 13 * u
            )
        )
        y += height
    fits &= y <= area.height
    slack = max(0.0, area.height - y)
    shift_y = area.top + {"top": 0.0, "middle": slack * 0.46, "bottom": slack * 0.5}[layout.anchor]
    for element in elements:
        element.top += shift_y
    return elements, fits


def _point_rows(
    layout: Layout, text: TextSpec, locale: str, face: str, u: float, ink: Rgb
) -> tuple[list[list[_Element]], bool]:
    """Selling points in rows: side by side where the layout allows and they fit on one line."""
    area = layout.text_area
    assert area is not None
    size, indent = 28 * u, 40 * u
    fits = True
    points: list[_Element] = []
    for i, line in enumerate(text.selling_points):
        set_text = SetText(
            line,
            face,
            size,
            area.width - indent,
            color=packed(ink),
            center=False,
            locale=locale,
            leading=1.16,
        )
        fits &= set_text.fits and set_text.lines <= 2
        points.append(
            _Element(
                "selling_point",
                f"selling_point_{i + 1}",
                set_text,
                0,
                0,
                set_text.width + indent,
                set_text.height,
                indent,
            )
        )
    gap = 34 * u
    rows: list[list[_Element]] = []
    for point in points:
        if rows and len(rows[-1]) < layout.max_points_per_row:
            used = sum(p.width + gap for p in rows[-1])
            if used + point.width <= area.width:
                rows[-1].append(point)
                continue
        rows.append([point])
    return rows, fits


def _box(element: _Element, layout: Layout) -> Box:
    w, h = layout.canvas.width_px, layout.canvas.height_px
    return Box(
        max(0, math.floor(element.left)),
        max(0, math.floor(element.top)),
        min(w, math.ceil(element.left + element.width - 0.01)),
        min(h, math.ceil(element.top + element.height - 0.01)),
    )


def _text_box(element: _Element, layout: Layout) -> Box:
    """The part of an element's box that its letters cover."""
    box = _box(element, layout)
    if element.kind in ("sticker", "call_to_action"):
        inset_x, inset_y = round(element.text_dx * 0.9), round(element.text_dy * 0.6)
        return Box(box.left + inset_x, box.top + inset_y, box.right - inset_x, box.bottom - inset_y)
    return box


def _pill(canvas: skia.Canvas, element: _Element, fill: Rgb, unit: float) -> None:
    rect = skia.Rect.MakeXYWH(element.left, element.top, element.width, element.height)
    radius = element.height / 2
    soft = skia.Paint(AntiAlias=True, Color4f=color4((0.0, 0.0, 0.0), 0.16))
    soft.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 5 * unit))
    canvas.save()
    canvas.translate(0, 3 * unit)
    canvas.drawRoundRect(rect, radius, radius, soft)
    canvas.restore()
    canvas.drawRoundRect(rect, radius, radius, skia.Paint(AntiAlias=True, Color4f=color4(fill)))


def _tick(canvas: skia.Canvas, element: _Element, ink: Rgb, tones: Tones, u: float) -> None:
    """A tick in a disc at the left of a selling point's first line."""
    r = 13.5 * u
    cx, cy = element.left + r, element.top + 17 * u
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
