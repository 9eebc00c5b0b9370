"""Where product and text stand: a small set of grid layouts, chosen by name, canvas and the product's shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ray_tasks.pictures.geometry import Box, Canvas
from schemas.instruction import LAYOUTS


@dataclass(frozen=True)
class TextSpec:
    """The text part of an instruction; an empty headline means a picture without text."""

    headline: str
    selling_points: tuple[str, ...] = ()
    sticker: str | None = None
    call_to_action: str | None = None
    locale: str = "en"
    alt_text: str = ""

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be set."""
        return not (self.headline or self.selling_points or self.sticker or self.call_to_action)


@dataclass(frozen=True)
class Layout:
    """Boxes of one picture. `product_box` and `text_area` never overlap."""

    name: str
    variant: str
    """column (text beside the product) or stacked (text above or below it)."""
    canvas: Canvas
    product_box: Box
    text_area: Box | None
    align: str
    """left or center."""
    anchor: str
    """Where the block sits in its area: top, middle or bottom."""
    max_points_per_row: int


MARGIN = 0.062
"""Outer margin as a share of the short side."""

COLUMN_HEIGHT = 0.67
"""Greatest height of a product beside a text column, as a share of the canvas: the hero, with air above it."""
LANDSCAPE_HEIGHT = 0.74
STACKED_WIDTH = 0.75
"""Greatest width of a product above or below the text, as a share of the canvas."""

_WIDE = 1.2
"""Products wider than this (width / height) are too small beside a text column: the text goes above them."""

COLUMN_LETTER_PX = 30.0
"""Width of a headline's letter in a column, in design units, at a size that still looks like a headline."""


def plan_layout(
    canvas: Canvas, layout_name: str, product_aspect: float, text: TextSpec | Sequence[TextSpec]
) -> Layout:
    """The layout for a product of `product_aspect` (width / height) and one or several locales' texts.

    Deterministic and pure. With several texts the area holds the longest. Raises ValueError for an unknown name.
    """
    if layout_name not in LAYOUTS:
        raise ValueError(f"layout {layout_name!r} is not one of {', '.join(LAYOUTS)}")
    texts = [text] if isinstance(text, TextSpec) else list(text)
    w, h = canvas.width_px, canvas.height_px
    margin = round(MARGIN * min(w, h))
    if not texts or all(item.is_empty for item in texts):
        box = Box(margin, margin, w - margin, h - round(1.5 * margin))
        return Layout(layout_name, "bare", canvas, box, None, "left", "top", 1)
    landscape, tall_canvas = w / h > 1.35, h / w > 1.5
    side = layout_name in ("headline_left", "headline_right")
    # A long word (German compounds) would force tiny letters into a column: it gets the full width instead.
    longest = max(len(word) for item in texts for word in item.headline.split() or [""])
    fits = longest * COLUMN_LETTER_PX * canvas.unit <= 0.44 * w
    column = (side and not tall_canvas and product_aspect <= _WIDE and fits) or landscape
    if column:
        return _column(canvas, layout_name, product_aspect, margin)
    return _stacked(canvas, layout_name, texts, margin)


def _column(canvas: Canvas, name: str, aspect: float, margin: int) -> Layout:
    w, h = canvas.width_px, canvas.height_px
    gutter = round(0.7 * margin)
    landscape = w / h > 1.35
    # A slim product leaves more width to the text.
    share = 0.56 if aspect < 0.5 else 0.52 if aspect < 0.8 else 0.455
    if landscape:
        share = 0.50
    text_width = round(share * (w - 2 * margin))
    top, bottom = round(1.15 * margin), h - round(1.25 * margin)
    # Air above the product and ground in front of it: it stands in a room instead of filling a frame.
    stand = h - round(1.9 * margin)
    head = stand - round((LANDSCAPE_HEIGHT if landscape else COLUMN_HEIGHT) * h)
    text_left = name != "headline_right"
    if text_left:
        text_area = Box(margin, top, margin + text_width, bottom)
        product = Box(margin + text_width + gutter, head, w - round(0.75 * margin), stand)
    else:
        text_area = Box(w - margin - text_width, top, w - margin, bottom)
        product = Box(round(0.75 * margin), head, w - margin - text_width - gutter, stand)
    return Layout(name, "column", canvas, product, text_area, "left", "middle", 1)


def _stacked(canvas: Canvas, name: str, texts: list[TextSpec], margin: int) -> Layout:
    w, h = canvas.width_px, canvas.height_px
    share = max(
        text_share(text, canvas, center=name in ("headline_top", "headline_bottom")) for text in texts
    )
    text_height = round(share * h)
    gutter = round(0.45 * margin)
    below = name == "headline_bottom"
    if below:
        text_area = Box(margin, h - margin - text_height, w - margin, h - margin)
        side = round((1 - STACKED_WIDTH) / 2 * w)
        product = Box(side, round(1.1 * margin), w - side, h - margin - text_height - round(1.3 * gutter))
        return Layout(name, "stacked", canvas, product, text_area, "center", "bottom", 3)
    # Beside the centred form there are two off-centre ones: text and product on opposite sides.
    lean = {"headline_left": 0, "headline_right": round(0.20 * w)}.get(name, 0)
    give = round(0.12 * w) if name in ("headline_left", "headline_right") else 0
    text_area = Box(margin + lean, margin, w - margin, margin + text_height)
    narrow = max(0, round((1 - STACKED_WIDTH) * w) - give - 2 * margin)
    product = Box(
        margin + (give if lean == 0 else 0) + narrow // 2,
        margin + text_height + round(1.35 * gutter),
        w - margin - (give if lean else 0) - narrow // 2,
        h - round(1.6 * margin),
    )
    align = "center" if name == "headline_top" else "left"
    return Layout(name, "stacked", canvas, product, text_area, align, "top", 3 if align == "center" else 1)


def text_share(text: TextSpec, canvas: Canvas, *, center: bool) -> float:
    """Estimated height of the block over the canvas height, from character counts."""
    unit, h = canvas.unit, canvas.height_px
    per_line = 0.86 * canvas.width_px / (0.56 * 72 * unit)
    lines = 1 if len(text.headline) <= per_line else 2
    total = lines * 82.0 if text.headline else 0.0
    if text.sticker:
        total += 60
    if text.selling_points:
        per_row = 0.86 * canvas.width_px / (0.50 * 27 * unit)
        rows, used = 1, 0.0
        for point in text.selling_points:
            used += len(point) + 5
            if used > per_row:
                rows, used = rows + 1, len(point) + 5.0
        rows = max(rows, min(2, len(text.selling_points))) if center else len(text.selling_points)
        total += 22 + rows * 44
    if text.call_to_action:
        total += 84
    return min(0.46, max(0.12, (total + 14) * unit / h))
