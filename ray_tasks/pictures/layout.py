"""Where product and text stand: a small set of grid layouts, chosen by name, canvas and the product's shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ray_tasks.pictures.arrange import SCALES, Form, arrange, longest_word_em
from ray_tasks.pictures.arrange import TextSpec as TextSpec
from ray_tasks.pictures.geometry import Box, Canvas
from schemas.config import READING_SHARE
from schemas.instruction import LAYOUTS


@dataclass(frozen=True)
class Layout:
    """Boxes of one picture. `product_box` and `text_area` never overlap."""

    name: str
    variant: str
    """column (text beside the product) or stacked (text above or below it)."""
    canvas: Canvas
    product_box: Box
    text_area: Box | None
    center: bool
    """Whether lines are centred; else they start where reading starts."""
    anchor: str
    """Where the block sits in its area: top, middle or bottom."""
    max_points_per_row: int
    starts_left: bool = True
    """Whether reading begins on the left."""
    bleeds: bool = False
    """Whether the product is a photograph that runs to the canvas's borders."""

    @property
    def usual_slack(self) -> float:
        """Share of the height that the text leaves free which stands above it."""
        return {"top": 0.0, "middle": 0.46, "bottom": 0.5}[self.anchor]

    def form(self, mood: str) -> Form:
        """How a block of text is set in the area."""
        assert self.text_area is not None
        return Form(
            width=self.text_area.width,
            unit=self.canvas.unit,
            center=self.center,
            stacked=self.variant == "stacked",
            points_per_row=self.max_points_per_row,
            mood=mood,
        )

    @property
    def reading(self) -> Box:
        """The part of the canvas that the layout uses: all of it, or what stays free on a story."""
        return reading_window(self.canvas)

    def window(self, top: int, height_px: int) -> Layout:
        """The layout seen through a lower window of the canvas."""
        canvas = Canvas(self.canvas.width_px, height_px)
        return self.moved(canvas, -top)

    def moved(self, canvas: Canvas, by_y_px: int) -> Layout:
        """The layout on another canvas of the same width, further down."""
        area = self.text_area and self.text_area.moved(0, by_y_px)
        return replace(self, canvas=canvas, product_box=self.product_box.moved(0, by_y_px), text_area=area)

    def mirrored(self) -> Layout:
        """Everything on the other side."""
        area = self.text_area and self._mirrored(self.text_area)
        return replace(
            self,
            product_box=self._mirrored(self.product_box),
            text_area=area,
            starts_left=not self.starts_left,
        )

    def _mirrored(self, box: Box) -> Box:
        return Box(self.canvas.width_px - box.right, box.top, self.canvas.width_px - box.left, box.bottom)


MARGIN = 0.062
"""Outer margin as a share of the short side."""

COLUMN_HEIGHT = 0.67
"""Greatest height of a product beside a text column, as a share of the canvas: the hero, with air above it."""
LANDSCAPE_HEIGHT = 0.74
STACKED_WIDTH = 0.75
"""Greatest width of a product above or below the text, as a share of the canvas."""

_WIDE, _WIDE_ON_TALL = 1.2, 0.6
"""Products wider than this (width / height) are too small beside a text column: the text goes above them. On a tall
canvas both columns are narrow, and only slim products stand well in one."""

COLUMN_TYPE_PX = 53.0
"""Size of type, in design units, that still looks like a headline in a column."""
STORY_TOP = 0.125
"""Where the layout of a story begins, as a share of its height; its own margin comes on top."""
MOST_TEXT = 0.46
"""Greatest height of a text above or below the product, as a share of the canvas."""


def reading_window(canvas: Canvas) -> Box:
    """The part of a canvas in which text and product stand.

    Of a story, the upper 14 % and the lower 20 % lie under the app's name and buttons.
    """
    width, height = canvas.width_px, canvas.height_px
    if height <= 1.5 * width:
        return Box(0, 0, width, height)
    top = round(STORY_TOP * height)
    return Box(0, top, width, top + round(READING_SHARE * width))


def plan_layout(
    canvas: Canvas, layout_name: str, product_aspect: float, text: TextSpec | Sequence[TextSpec]
) -> Layout:
    """The layout for a product of `product_aspect` (width / height) and one or several locales' texts.

    Deterministic and pure. With several texts the area holds the longest, whatever their direction; what is read from
    right to left takes the `mirrored` layout. An unknown name is a ValueError.
    """
    if layout_name not in LAYOUTS:
        raise ValueError(f"layout {layout_name!r} is not one of {', '.join(LAYOUTS)}")
    texts = [text] if isinstance(text, TextSpec) else list(text)
    reading = reading_window(canvas)
    if reading.height < canvas.height_px:
        inner = plan_layout(Canvas(reading.width, reading.height), layout_name, product_aspect, texts)
        return inner.moved(canvas, reading.top)
    w, h = canvas.width_px, canvas.height_px
    margin = round(MARGIN * min(w, h))
    if not texts or all(item.is_empty for item in texts):
        box = Box(margin, margin, w - margin, h - round(1.5 * margin))
        return Layout(layout_name, "bare", canvas, box, None, False, "top", 1)
    landscape = w / h > 1.35
    side = layout_name in ("headline_left", "headline_right")
    # A long word (German compounds) would force tiny letters into a column: it gets the full width instead.
    widest = _WIDE if h < 1.2 * w else _WIDE_ON_TALL
    column = (side and product_aspect <= widest and column_fits(texts, 0.44 * w, canvas.unit)) or landscape
    if column:
        return _column(canvas, layout_name, product_aspect, margin)
    return _stacked(canvas, layout_name, texts, margin)


def column_fits(texts: Sequence[TextSpec], width_px: float, unit: float) -> bool:
    """Whether the longest word of the headlines fits a column in type of a headline's size."""
    longest = max(longest_word_em(text) for text in texts)
    return longest * COLUMN_TYPE_PX * unit <= width_px


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
        product = Box(margin + text_width + gutter, head, w - round(0.95 * margin), stand)
    else:
        text_area = Box(w - margin - text_width, top, w - margin, bottom)
        product = Box(round(0.95 * margin), head, w - margin - text_width - gutter, stand)
    return Layout(name, "column", canvas, product, text_area, False, "middle", 1)


def _stacked(canvas: Canvas, name: str, texts: list[TextSpec], margin: int) -> Layout:
    w, h = canvas.width_px, canvas.height_px
    center = name in ("headline_top", "headline_bottom")
    text_height = text_height_px(texts, canvas, w - 2 * margin, center=center)
    gutter = round(0.45 * margin)
    below = name == "headline_bottom"
    if below:
        text_area = Box(margin, h - margin - text_height, w - margin, h - margin)
        side = round((1 - STACKED_WIDTH) / 2 * w)
        product = Box(side, round(1.1 * margin), w - side, h - margin - text_height - round(2.2 * gutter))
        return Layout(name, "stacked", canvas, product, text_area, True, "bottom", 3)
    # Beside the centred forms there are two off-centre ones: lines begin at the margin, the product stands off it or
    # under their beginning.
    give = round(0.12 * w) if name in ("headline_left", "headline_right") else 0
    text_area = Box(margin, margin, w - margin, margin + text_height)
    narrow = max(0, round((1 - STACKED_WIDTH) * w) - give - 2 * margin)
    product = Box(
        margin + (give if name == "headline_left" else 0) + narrow // 2,
        margin + text_height + round(1.35 * gutter),
        w - margin - (give if name == "headline_right" else 0) - narrow // 2,
        h - round(1.6 * margin),
    )
    return Layout(name, "stacked", canvas, product, text_area, center, "top", 3 if center else 1)


def text_height_px(texts: Sequence[TextSpec], canvas: Canvas, width_px: float, *, center: bool) -> int:
    """Height of the tallest block in lines of `width_px` across the picture, in type of the usual size or less."""
    form = Form(width_px, canvas.unit, center=center, stacked=True, points_per_row=3 if center else 1)
    most = MOST_TEXT * canvas.height_px
    heights = [_height(text, form, most) for text in texts]
    return round(min(most, max(0.12 * canvas.height_px, *heights) + 14 * canvas.unit))


def _height(text: TextSpec, form: Form, most: float) -> float:
    for scale in SCALES[1:]:
        block = arrange(text, form, scale, scale)
        if block.fits and block.height <= most:
            return block.height
    return most
