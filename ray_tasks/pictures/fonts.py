"""Typefaces of the packages font-roboto (Apache-2.0) and font-source-sans-pro (OFL-1.1), and text set in them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

import skia

# Alias -> package and file. Roboto covers Latin, Greek and Cyrillic; Source Sans Pro adds a quieter text face.
_FILES = {
    "display-black": ("font_roboto", "Roboto-Black.ttf"),
    "display-bold": ("font_roboto", "Roboto-Bold.ttf"),
    "display-medium": ("font_roboto", "Roboto-Medium.ttf"),
    "display-light": ("font_roboto", "Roboto-Light.ttf"),
    "text-regular": ("font_source_sans_pro", "SourceSansPro-Regular.ttf"),
    "text-semibold": ("font_source_sans_pro", "SourceSansPro-Semibold.ttf"),
    "text-bold": ("font_source_sans_pro", "SourceSansPro-Bold.ttf"),
}
_FALLBACK = {
    "text-regular": "display-medium",
    "text-semibold": "display-medium",
    "text-bold": "display-bold",
}


@cache
def typeface(alias: str) -> skia.Typeface:
    """The typeface of an alias."""
    package, name = _FILES[alias]
    data = resources.files(package).joinpath("files", name).read_bytes()
    return skia.Typeface.MakeFromData(skia.Data.MakeWithCopy(data))


@cache
def _collection() -> tuple[skia.textlayout.FontCollection, skia.Unicode]:
    provider = skia.textlayout.TypefaceFontProvider()
    for alias in _FILES:
        provider.registerTypeface(typeface(alias), alias)
    collection = skia.textlayout.FontCollection()
    collection.setDefaultFontManager(provider)
    return collection, skia.Unicodes.ICU.Make()


def missing_glyphs(text: str, alias: str) -> str:
    """The characters of a text that the typeface cannot draw, each once, in order of code point."""
    face = typeface(alias)
    return "".join(
        sorted(
            {
                ch
                for ch in text
                if unicodedata.category(ch) not in ("Zs", "Cf", "Cc") and face.unicharToGlyph(ord(ch)) == 0
            }
        )
    )


def usable_face(text: str, alias: str) -> str:
    """The alias, or its fallback where only that one has every glyph."""
    if missing_glyphs(text, alias) and alias in _FALLBACK and not missing_glyphs(text, _FALLBACK[alias]):
        return _FALLBACK[alias]
    return alias


class SetText:
    """One text shaped in one face and size, broken into balanced lines no wider than asked."""

    def __init__(
        self,
        text: str,
        alias: str,
        size_px: float,
        width_px: float,
        *,
        color: int,
        center: bool,
        locale: str,
        leading: float = 1.12,
        tracking_em: float = 0.0,
    ):
        style = skia.textlayout.TextStyle()
        style.setFontFamilies([alias])
        face_style = typeface(alias).fontStyle()
        style.setFontStyle(face_style)
        style.setFontSize(size_px)
        style.setColor(color)
        style.setLocale(locale)
        style.setHeight(leading)
        style.setHeightOverride(True)
        style.setLetterSpacing(tracking_em * size_px)
        paragraph_style = skia.textlayout.ParagraphStyle()
        paragraph_style.setTextStyle(style)
        align = skia.textlayout.TextAlign
        paragraph_style.setTextAlign(align.kCenter if center else align.kLeft)
        collection, unicode = _collection()
        builder = skia.textlayout.ParagraphBuilder.make(paragraph_style, collection, unicode)
        builder.pushStyle(style)
        builder.addText(text)
        self._paragraph = builder.Build()
        self._paragraph.layout(width_px)
        self.height = float(self._paragraph.Height)
        line = leading * size_px
        self.lines = max(1, round(self.height / line))
        # Skia breaks a word that is wider than the line and then reports the width of the parts: measured here instead.
        font = skia.Font(typeface(alias), size_px)
        words = re.findall(r"[^\s-]+-?|-", text)
        self._longest_word = max(
            (font.measureText(w) + tracking_em * size_px * len(w) for w in words), default=0.0
        )
        # Shaping differs from the sum of advances by a little: a line as narrow as that would break before a comma.
        self._longest_word = 1.012 * self._longest_word + 0.05 * size_px
        self.fits = self._longest_word <= width_px + 0.5
        self.layout_width = width_px
        if self.lines > 1 and self.fits:
            self.layout_width = self._balanced(width_px)
        self.width = float(self._paragraph.LongestLine)

    def _balanced(self, width_px: float) -> float:
        """The least width with the same number of lines: no lonely last word."""
        low, high = self._longest_word, width_px
        for _ in range(7):
            middle = (low + high) / 2
            self._paragraph.layout(middle)
            if float(self._paragraph.Height) <= self.height + 0.5:
                high = middle
            else:
                low = middle
        high = min(width_px, high + 1.0)
        self._paragraph.layout(high)
        return high

    def paint(self, canvas: skia.Canvas, x: float, y: float) -> None:
        """Draws it with its layout box's upper left corner at (x, y)."""
        self._paragraph.paint(canvas, x, y)
