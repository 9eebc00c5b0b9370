"""Typefaces from packages with open licences, chosen by role and script, and words measured and shaped in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources

import skia

from ray_tasks.pictures.script import script_of

# Role -> package and file. Roboto (Apache-2.0) covers Latin, Greek and Cyrillic; Source Sans Pro (OFL-1.1) is a quieter
# text face.
_LATIN = {
    "display-black": ("font_roboto", "files/Roboto-Black.ttf"),
    "display-bold": ("font_roboto", "files/Roboto-Bold.ttf"),
    "display-medium": ("font_roboto", "files/Roboto-Medium.ttf"),
    "display-light": ("font_roboto", "files/Roboto-Light.ttf"),
    "text-regular": ("font_source_sans_pro", "files/SourceSansPro-Regular.ttf"),
    "text-semibold": ("font_source_sans_pro", "files/SourceSansPro-Semibold.ttf"),
    "text-bold": ("font_source_sans_pro", "files/SourceSansPro-Bold.ttf"),
}
_FALLBACK = {"text-regular": "display-medium", "text-semibold": "display-medium", "text-bold": "display-bold"}
# Noto Sans (OFL-1.1), one variable file a script; their Latin is of the same design.
_VARIABLE = {
    "han": ("justmytype_intl_cjk", "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"),
    "arabic": ("justmytype_intl_rtl", "fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf"),
}
_WEIGHT = {
    "display-black": 900,
    "display-bold": 700,
    "display-medium": 500,
    "display-light": 300,
    "text-regular": 400,
    "text-semibold": 600,
    "text-bold": 700,
}
_MEASURED_PX = 100.0
"""Size at which words are measured: advances are not hinted, so they scale."""
_ARABIC_RANGES = r"\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u2066-\u2069"
_LATIN_RUN = re.compile(
    rf"[A-Za-z\u00c0-\u024f0-9]"
    rf"(?:(?:\([^(){_ARABIC_RANGES}]*\)|[^(){_ARABIC_RANGES}])*"
    rf"(?:[A-Za-z\u00c0-\u024f0-9%°+®™]|\([^(){_ARABIC_RANGES}]*\)))?"
)
"""What stands in Latin letters or digits between right-to-left words, without the spaces and marks at its ends."""
_RIGHT_TO_LEFT_ISOLATE, _LEFT_TO_RIGHT_ISOLATE, _POP_ISOLATE = "\u2067", "\u2066", "\u2069"


@cache
def typeface(family: str) -> skia.Typeface:
    """The typeface of a family: a role, or role@script."""
    role, _, script = family.partition("@")
    package, name = _VARIABLE[script] if script else _LATIN[role]
    with resources.as_file(resources.files(package).joinpath(name)) as path:
        # Mapped, not copied: the Chinese file has 17 MB, and every worker holds it.
        face = skia.Typeface.MakeFromData(skia.Data.MakeFromFileName(str(path)))
    if not script:
        return face
    position = skia.FontArguments.VariationPosition
    weight = position.Coordinate(int.from_bytes(b"wght", "big"), float(_WEIGHT[role]))
    arguments = skia.FontArguments()
    coordinates = position.Coordinates([weight])
    arguments.setVariationDesignPosition(position(coordinates))
    return face.makeClone(arguments)


@lru_cache(maxsize=4096)
def families(text: str, role: str, script: str = "latin") -> tuple[str, ...]:
    """The families that set a text, the locale's own first: letters that it lacks come from the next that has them."""
    latin = role
    if role in _FALLBACK and _missing(_letters(text), role) - _missing(_letters(text), _FALLBACK[role]):
        # The whole text in one face, rather than one word of it in another.
        latin = _FALLBACK[role]
    own = [latin] if script == "latin" else [f"{role}@{script}", latin]
    for other in _VARIABLE:
        if other != script and _missing(_letters(text), *own):
            own.append(f"{role}@{other}")
    return tuple(own)


def missing_glyphs(text: str, role: str, script: str = "latin") -> str:
    """The characters of a text that no family can draw, each once, in order of code point."""
    return "".join(sorted(_missing(_letters(text), *families(text, role, script))))


def _letters(text: str) -> frozenset[str]:
    return frozenset(ch for ch in text if unicodedata.category(ch) not in ("Zs", "Cf", "Cc"))


def _missing(letters: frozenset[str], *names: str) -> set[str]:
    left = set(letters)
    for name in names:
        face = typeface(name)
        left = {ch for ch in left if face.unicharToGlyph(ord(ch)) == 0}
    return left


@lru_cache(maxsize=64)
def _collection(names: tuple[str, ...]) -> tuple[skia.textlayout.FontCollection, skia.Unicode]:
    provider = skia.textlayout.TypefaceFontProvider()
    for name in names:
        provider.registerTypeface(typeface(name), name)
    collection = skia.textlayout.FontCollection()
    collection.setDefaultFontManager(provider)
    return collection, skia.Unicodes.ICU.Make()


@lru_cache(maxsize=16384)
def advance_em(text: str, names: tuple[str, ...], locale: str, tracking_em: float = 0.0) -> float:
    """Width of a text on one line over its size."""
    line = shaped(text, names, _MEASURED_PX, locale=locale, tracking_em=tracking_em)
    return float(line.MaxIntrinsicWidth) / _MEASURED_PX


def shaped(
    text: str, names: Sequence[str], size_px: float, *, locale: str, tracking_em: float = 0.0, color: int = 0
) -> skia.textlayout.Paragraph:
    """One line of text, shaped by HarfBuzz with kerning and ligatures; its upper left corner is where it is painted."""
    style = skia.textlayout.TextStyle()
    style.setFontFamilies(list(names))
    style.setFontStyle(typeface(names[0]).fontStyle())
    style.setFontSize(size_px)
    style.setColor(color)
    style.setLocale(locale)
    style.setLetterSpacing(tracking_em * size_px)
    paragraph_style = skia.textlayout.ParagraphStyle()
    paragraph_style.setTextStyle(style)
    builder = skia.textlayout.ParagraphBuilder.make(paragraph_style, *_collection(tuple(names)))
    builder.pushStyle(style)
    builder.addText(directed(text) if script_of(locale).right_to_left else text)
    paragraph = builder.Build()
    paragraph.layout(1e6)
    return paragraph


def directed(text: str) -> str:
    """A text to be read from right to left, in which what is written in Latin letters keeps its own order.

    Skia lays paragraphs out from left to right; a whole paragraph inside one isolate (Unicode Standard Annex 9,
    section 2.4) is ordered as one that runs the other way.
    """
    inner = _LATIN_RUN.sub(lambda run: f"{_LEFT_TO_RIGHT_ISOLATE}{run.group()}{_POP_ISOLATE}", text)
    return f"{_RIGHT_TO_LEFT_ISOLATE}{inner}{_POP_ISOLATE}"
