"""Contact sheets: every product of a drop with its faces side by side, captions below, as large JPEG pages.

Sizes are pixels. Text is set by Skia in Roboto; a character that the font lacks is left out.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import skia
from font_roboto import font_files
from PIL import Image

from schemas.vocabulary import COMPOSITE_SYNTHETIC

PRODUCTS_PER_PAGE = 60
MAX_PAGES = 40
FACE_PX = 210
FACES_PER_ROW = 6
MAX_WIDTH_PX = 4200
HEIGHT_TO_WIDTH = 1.25
MARGIN_PX = 72
GUTTER_PX = 56
GAP_PX = 10
HEAD_PX = 150
TITLE_PX = 66
CAPTION_PX = 34
ROW_GAP_PX = 46

PAPER, INK, QUIET, RULE, EMPTY = (
    skia.Color(*rgb)
    for rgb in ((252, 251, 249), (28, 27, 25), (112, 108, 101), (222, 218, 210), (240, 238, 233))
)
_XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
Iptc4xmpExt:DigitalSourceType="{COMPOSITE_SYNTHETIC}"/>\
</rdf:RDF></x:xmpmeta>""".encode()


@dataclass(frozen=True)
class SheetFace:
    """One cell: whom the face is for and how to get its file; no picture: an empty cell that says so."""

    caption: str
    picture: Callable[[], bytes] | None


@dataclass(frozen=True)
class SheetProduct:
    """One product with its faces in the order of the personas' ranks."""

    title: str
    sku: str
    faces: Sequence[SheetFace]


def sheet_names(products: int) -> list[str]:
    """File names of the pages: `contact_sheet.jpg`, or `contact_sheet_01.jpg` and so on above 60 products."""
    pages = min(MAX_PAGES, math.ceil(products / PRODUCTS_PER_PAGE))
    return ["contact_sheet.jpg"] if pages == 1 else [f"contact_sheet_{n:02}.jpg" for n in range(1, pages + 1)]


def contact_sheets(heading: str, subheading: str, products: Sequence[SheetProduct]) -> Iterator[bytes]:
    """A JPEG for each name of `sheet_names`; one page is held in memory at a time."""
    pages = len(sheet_names(len(products)))
    for page in range(pages):
        part = products[page * PRODUCTS_PER_PAGE : (page + 1) * PRODUCTS_PER_PAGE]
        number = f"Page {page + 1} of {pages}" if pages > 1 else ""
        yield _page(heading, subheading, number, part)


def thumbnail(data: bytes, size_px: int) -> Image.Image:
    """The picture, RGB, scaled to fit a square; JPEGs are decoded at the nearest larger eighth, which is faster."""
    with Image.open(BytesIO(data)) as picture:
        picture.draft("RGB", (size_px, size_px))
        scaled = picture.convert("RGB")
    scaled.thumbnail((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return scaled


def _page(heading: str, subheading: str, number: str, products: Sequence[SheetProduct]) -> bytes:
    columns = max(1, min(FACES_PER_ROW, max(len(product.faces) for product in products)))
    block_px = columns * FACE_PX + (columns - 1) * GAP_PX
    across = _across(products, columns, block_px)
    rows = [products[i : i + across] for i in range(0, len(products), across)]
    heights = [max(_block_height(product, columns) for product in row) for row in rows]
    width = 2 * MARGIN_PX + across * block_px + (across - 1) * GUTTER_PX
    height = MARGIN_PX + HEAD_PX + sum(heights) + (len(rows) - 1) * ROW_GAP_PX + MARGIN_PX
    pixels = np.empty((height, width, 4), np.uint8)
    canvas = skia.Surface(pixels, colorType=skia.kRGBA_8888_ColorType).getCanvas()
    canvas.clear(PAPER)
    type_set = _TypeSet(canvas)
    inner = width - 2 * MARGIN_PX
    type_set.line(heading, MARGIN_PX, MARGIN_PX + 40, inner - 260, 46, INK, medium=True)
    type_set.line(subheading, MARGIN_PX, MARGIN_PX + 84, inner, 23, QUIET)
    type_set.line(number, width - MARGIN_PX, MARGIN_PX + 40, 240, 23, QUIET, align_right=True)
    rule = skia.Paint(Color=RULE)
    canvas.drawRect(skia.Rect.MakeXYWH(MARGIN_PX, MARGIN_PX + 112, inner, 2), rule)
    top = MARGIN_PX + HEAD_PX
    for row, row_height in zip(rows, heights, strict=True):
        for i, product in enumerate(row):
            _block(canvas, type_set, product, MARGIN_PX + i * (block_px + GUTTER_PX), top, columns, block_px)
        top += row_height + ROW_GAP_PX
    page = Image.fromarray(pixels).convert("RGB")
    out = BytesIO()
    page.save(out, "JPEG", quality=88, subsampling=0, xmp=_XMP)
    return out.getvalue()


def _across(products: Sequence[SheetProduct], columns: int, block_px: int) -> int:
    """How many products stand side by side: what makes the page most like a sheet of paper."""
    block_height = _block_height(products[0], columns) + ROW_GAP_PX

    def distance(across: int) -> float:
        width = 2 * MARGIN_PX + across * (block_px + GUTTER_PX)
        height = 2 * MARGIN_PX + HEAD_PX + math.ceil(len(products) / across) * block_height
        return abs(math.log(height / width / HEIGHT_TO_WIDTH))

    fits = range(1, max(1, (MAX_WIDTH_PX - 2 * MARGIN_PX) // (block_px + GUTTER_PX)) + 1)
    at_least = math.ceil(900 / (block_px + GUTTER_PX))
    return max(min(fits, key=distance), at_least)


def _block_height(product: SheetProduct, columns: int) -> int:
    lines = max(1, math.ceil(len(product.faces) / columns))
    return TITLE_PX + lines * (FACE_PX + CAPTION_PX) + (lines - 1) * GAP_PX


def _block(
    canvas: skia.Canvas,
    type_set: _TypeSet,
    product: SheetProduct,
    left: int,
    top: int,
    columns: int,
    width: int,
) -> None:
    type_set.line(product.title, left, top + 22, width, 24, INK, medium=True, fallback=product.sku)
    type_set.line(product.sku, left, top + 47, width, 18, QUIET)
    for i, face in enumerate(product.faces):
        x = left + (i % columns) * (FACE_PX + GAP_PX)
        y = top + TITLE_PX + (i // columns) * (FACE_PX + CAPTION_PX + GAP_PX)
        if face.picture is None:
            canvas.drawRect(skia.Rect.MakeXYWH(x, y, FACE_PX, FACE_PX), skia.Paint(Color=EMPTY))
            type_set.line("not included", x + 16, y + FACE_PX // 2 + 6, FACE_PX - 32, 18, QUIET)
        else:
            small = thumbnail(face.picture(), FACE_PX)
            rgba = np.asarray(small.convert("RGBA"))
            canvas.drawImage(
                skia.Image.fromarray(rgba, colorType=skia.kRGBA_8888_ColorType),
                x + (FACE_PX - small.width) // 2,
                y + (FACE_PX - small.height) // 2,
            )
        type_set.line(face.caption, x, y + FACE_PX + 24, FACE_PX, 18, QUIET)


class _TypeSet:
    """Sets single lines of text, cut with an ellipsis where they do not fit."""

    def __init__(self, canvas: skia.Canvas) -> None:
        self._canvas = canvas
        self._faces = {True: skia.Typeface.MakeFromFile(font_files["RobotoMedium"])}
        self._faces[False] = skia.Typeface.MakeFromFile(font_files["Roboto"])

    def line(
        self,
        text: str,
        x: float,
        baseline: float,
        width: float,
        size: float,
        color: int,
        *,
        medium: bool = False,
        align_right: bool = False,
        fallback: str = "",
    ) -> None:
        face = self._faces[medium]
        shown = self._printable(text, face) or self._printable(fallback, face)
        font = skia.Font(face, size)
        font.setSubpixel(True)
        font.setHinting(skia.FontHinting.kNone)
        if font.measureText(shown) > width:
            low, high = 0, len(shown)
            while low < high:
                middle = (low + high + 1) // 2
                fits = font.measureText(shown[:middle].rstrip() + "…") <= width
                low, high = (middle, high) if fits else (low, middle - 1)
            shown = shown[:low].rstrip() + "…"
        start = x - font.measureText(shown) if align_right else x
        self._canvas.drawString(shown, start, baseline, font, skia.Paint(AntiAlias=True, Color=color))

    @staticmethod
    def _printable(text: str, face: skia.Typeface) -> str:
        # Control and bidirectional characters go too: a title must not turn around its neighbours.
        kept = "".join(
            c if not unicodedata.category(c).startswith("C") else " "
            for c in unicodedata.normalize("NFC", text)[:400]
            if unicodedata.category(c).startswith(("C", "Z")) or face.unicharToGlyph(ord(c))
        )
        return " ".join(kept.split())
