"""The copy as elements in their places: sizes, lines and rows of one block of text. Geometry only; nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ray_tasks.pictures.fonts import advance_em, families, missing_glyphs
from ray_tasks.pictures.lines import whole_words
from ray_tasks.pictures.script import script_of
from ray_tasks.pictures.text_block import Align, TextBlock

SCALES = (1.12, 1.0, 0.92, 0.84, 0.76, 0.69, 0.62)
"""Steps by which type shrinks until it fits; below the last one it overflows."""
_SPARING = 0.81
"""Share of the largest size that fits, down to which type is made smaller to save a line or a lonely word."""
_SPARING_AWKWARD = 0.68
"""The same where a line would end inside a word or phrase."""
_SPARING_BODY = 0.88
"""The same for selling points, which are small already."""
_HEADLINE_FACE = {"energetic": "display-black", "playful": "display-black", "premium": "display-medium"}
ROLES = {
    "headline": ("display-bold", *sorted(set(_HEADLINE_FACE.values()))),
    "sticker": ("text-bold",),
    "selling_point": ("text-semibold",),
    "price": ("display-bold",),
    "was_price": ("text-regular",),
    "call_to_action": ("text-bold",),
    "legal": ("text-regular",),
}
"""The faces that each kind of element may be set in."""
LEADING = {
    "headline": 1.06,
    "sticker": 1.15,
    "selling_point": 1.16,
    "price": 1.1,
    "was_price": 1.1,
    "call_to_action": 1.15,
    "legal": 1.2,
}
"""Distance of lines over the size of type, for Latin."""
_GAP_BETWEEN_POINTS, _GAP_BESIDE_PRICE = 34, 36


@dataclass(frozen=True)
class TextSpec:
    """The text part of an instruction; an empty headline means a picture without text."""

    headline: str
    selling_points: tuple[str, ...] = ()
    sticker: str | None = None
    call_to_action: str | None = None
    locale: str = "en"
    alt_text: str = ""
    product_alt_text: str = ""
    price: str | None = None
    was_price: str | None = None
    """A former price, struck through beside the price."""
    legal: str | None = None
    """The small line at the end."""

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be set."""
        return not any(
            (self.headline, self.selling_points, self.sticker, self.call_to_action, self.price, self.legal)
        )


@dataclass(frozen=True)
class Form:
    """How a block is set, whatever its words: sizes are in pixels."""

    width: float
    unit: float
    """One design unit in pixels."""
    center: bool = False
    stacked: bool = False
    """Text above or below the product, where lines are long and few."""
    points_per_row: int = 1
    mood: str = "calm"


@dataclass(frozen=True)
class Element:
    """One text in its place, with the room around it that a pill or a tick takes."""

    kind: str
    name: str
    text: TextBlock
    left: float
    top: float
    width: float
    height: float
    text_dx: float = 0.0
    text_dy: float = 0.0
    align: Align = "left"


@dataclass(frozen=True)
class Block:
    """Elements from the top downwards, their upper left corner at (0, 0)."""

    elements: tuple[Element, ...]
    height: float
    fits: bool
    """Whether every text keeps to the lines that its kind may have."""

    @property
    def untidiness(self) -> int:
        """Lines and rows, and breaks inside a word or phrase: fewer is better."""
        rows = len({round(element.top) for element in self.elements})
        return rows + self.awkward + sum(e.text.lines - 1 for e in self.elements)

    @property
    def awkward(self) -> int:
        """Breaks inside a word or phrase."""
        return sum(e.text.awkward for e in self.elements)


def fitted(text: TextSpec, form: Form, height: float) -> tuple[Block, float] | None:
    """The block at the best sizes for a height, and the scale of all but the headline; None if it never fits.

    Headline and body shrink apart until their words fit, then together until the block does.
    """
    head = _first_fit(TextSpec(text.headline, locale=text.locale), form, _SPARING)
    body = _first_fit(replace(text, headline=""), form, _SPARING_BODY)
    if head is None or body is None:
        return None
    for common in SCALES:
        block = arrange(text, form, min(head, common), min(body, common))
        if block.fits and block.height <= height:
            return block, min(body, common)
    return None


def _first_fit(part: TextSpec, form: Form, sparing: float) -> float | None:
    """The scale at which a part's words fit, or None: the largest, or a little less if that is tidier."""
    if part.is_empty:
        return SCALES[0]
    largest, least, awkward = 0.0, 0, 0
    chosen: float | None = None
    for scale in SCALES:
        if chosen is not None and scale < (_SPARING_AWKWARD if awkward else sparing) * largest:
            break
        block = arrange(part, form, scale, scale)
        if not block.fits:
            continue
        if chosen is None:
            chosen, largest, least, awkward = scale, scale, block.untidiness, block.awkward
        elif block.untidiness < least:
            chosen, least, awkward = scale, block.untidiness, block.awkward
    return chosen


def missing(text: TextSpec, mood: str) -> str:
    """The characters that no face can draw, each once."""
    script = script_of(text.locale).name
    pieces = [(text.headline, _HEADLINE_FACE.get(mood, "display-bold"))]
    pieces += [(point, "text-semibold") for point in text.selling_points]
    pieces += [(part or "", "text-bold") for part in (text.sticker, text.call_to_action)]
    pieces += [(part or "", "text-regular") for part in (text.price, text.was_price, text.legal)]
    return "".join(sorted({ch for words, role in pieces for ch in missing_glyphs(words, role, script)}))


def arrange(text: TextSpec, form: Form, head_scale: float, body_scale: float) -> Block:
    """All elements at these scales: sticker, headline, selling points, price and call to action, legal line."""
    head, u = form.unit * head_scale, form.unit * body_scale
    elements: list[Element] = []
    fits = True
    y = 0.0

    def set_text(words: str, kind: str, role: str, size: float, room: float, track: float) -> TextBlock:
        return TextBlock(
            words, role, size, room, locale=text.locale, leading=LEADING[kind], tracking_em=track
        )

    def left_of(width: float) -> float:
        return (form.width - width) / 2 if form.center else 0.0

    if text.sticker:
        block = set_text(text.sticker, "sticker", "text-bold", 24 * u, form.width - 36 * u, 0.035)
        fits &= block.fits and block.lines == 1
        width, height = block.width + 36 * u, block.height + 15 * u
        elements.append(
            Element("sticker", "sticker", block, left_of(width), y, width, height, 18 * u, 7.5 * u)
        )
        y += height + 17 * u
    if text.headline:
        size = (74 if form.stacked else 70) * head
        role = _HEADLINE_FACE.get(form.mood, "display-bold")
        block = set_text(text.headline, "headline", role, size, form.width, -0.012)
        fits &= block.fits and block.lines <= (2 if form.stacked else 4)
        elements.append(
            Element(
                "headline", "headline", block, left_of(block.width), y, block.width, block.height,
                align="center" if form.center else "left",
            )
        )  # fmt: skip
        y += block.height
    if text.selling_points:
        y += 22 * u
        rows, ok = _point_rows(text, form, u)
        fits &= ok
        stacked = all(len(row) == 1 for row in rows)
        widest = max(point.width for row in rows for point in row)
        for row in rows:
            row_width = sum(p.width for p in row) + _GAP_BETWEEN_POINTS * u * (len(row) - 1)
            # One under the other, the ticks stand in one column.
            x = left_of(widest if stacked else row_width)
            for point in row:
                elements.append(replace(point, left=x, top=y))
                x += point.width + _GAP_BETWEEN_POINTS * u
            y += max(p.height for p in row) + 11 * u
        y -= 11 * u
    y, ok = _offer(text, form, u, y, elements)
    fits &= ok
    if text.legal:
        y += 18 * u
        block = set_text(text.legal, "legal", "text-regular", 19 * u, form.width, 0.0)
        fits &= block.fits and block.lines <= 2
        elements.append(
            Element(
                "legal", "legal", block, left_of(block.width), y, block.width, block.height,
                align="center" if form.center else "left",
            )
        )  # fmt: skip
        y += block.height
    if script_of(text.locale).right_to_left:
        elements = [_mirrored(element, form.width) for element in elements]
    return Block(tuple(elements), y, fits)


def _offer(text: TextSpec, form: Form, u: float, y: float, elements: list[Element]) -> tuple[float, bool]:
    """Price and call to action side by side, or one under the other where the row is too long."""
    fits, row = True, []
    locale = text.locale
    if text.price:
        block = TextBlock(
            text.price, "display-bold", 46 * u, form.width, locale=locale, leading=LEADING["price"]
        )
        row.append(Element("price", "price", block, 0, 0, block.width, block.height))
        if text.was_price:
            was = TextBlock(
                text.was_price,
                "text-regular",
                27 * u,
                form.width,
                locale=locale,
                leading=LEADING["was_price"],
            )
            row.append(Element("was_price", "was_price", was, 0, 0, was.width, was.height))
    if text.call_to_action:
        block = TextBlock(
            text.call_to_action,
            "text-bold",
            27 * u,
            form.width - 60 * u,
            locale=locale,
            leading=LEADING["call_to_action"],
        )
        width, height = block.width + 60 * u, block.height + 26 * u
        row.append(Element("call_to_action", "call_to_action", block, 0, 0, width, height, 30 * u, 13 * u))
    if not row:
        return y, True
    fits = all(element.text.fits and element.text.lines == 1 for element in row)
    y += 26 * u
    gaps = [16 * u if element.kind == "was_price" else _GAP_BESIDE_PRICE * u for element in row[1:]]
    rows = [row]
    if sum(element.width for element in row) + sum(gaps) > form.width and len(row) > 1:
        rows = [row[:-1], row[-1:]]
    for part in rows:
        width = sum(element.width for element in part) + sum(gaps[: len(part) - 1])
        fits &= width <= form.width
        height = max(element.height for element in part)
        x = (form.width - width) / 2 if form.center else 0.0
        for element, gap in zip(part, [*gaps[: len(part) - 1], 0.0], strict=True):
            elements.append(replace(element, left=x, top=y + (height - element.height) / 2))
            x += element.width + gap
        y += height + 14 * u
    return y - 14 * u, fits


def longest_word_em(text: TextSpec) -> float:
    """Width over size of the longest word or phrase of a headline that had better not be parted."""
    names = families(text.headline, "display-bold", script_of(text.locale).name)
    return max(advance_em(word, names, text.locale) for word in whole_words(text.headline, text.locale))


def _point_rows(text: TextSpec, form: Form, u: float) -> tuple[list[list[Element]], bool]:
    """Selling points in rows: side by side where the form allows and they fit on one line."""
    indent = 42 * u
    fits = True
    rows: list[list[Element]] = []
    for i, words in enumerate(text.selling_points):
        block = TextBlock(
            words,
            "text-semibold",
            30 * u,
            form.width - indent,
            locale=text.locale,
            leading=LEADING["selling_point"],
        )
        fits &= block.fits and block.lines <= 2
        point = Element(
            "selling_point", f"selling_point_{i + 1}", block, 0, 0, block.width + indent, block.height, indent
        )
        used = sum(p.width + _GAP_BETWEEN_POINTS * u for p in rows[-1]) if rows else 0.0
        if rows and len(rows[-1]) < form.points_per_row and used + point.width <= form.width:
            rows[-1].append(point)
        else:
            rows.append([point])
    return rows, fits


def _mirrored(element: Element, width: float) -> Element:
    """The same place seen from the other side."""
    return replace(
        element,
        left=width - element.left - element.width,
        text_dx=element.width - element.text_dx - element.text.width,
        align="right" if element.align == "left" else element.align,
    )
