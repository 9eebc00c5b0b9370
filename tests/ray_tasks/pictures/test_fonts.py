"""Shaping by real faces: what is tested is pixels and advances, not calls."""

from __future__ import annotations

import numpy as np
import pytest
import skia

from ray_tasks.pictures.fonts import advance_em, directed, families, missing_glyphs, typeface
from ray_tasks.pictures.script import script_of
from ray_tasks.pictures.text_block import TextBlock

COPY = {
    "en": "Black coffee, 250 ml",
    "de": "Schwarzer Kaffee, süß & größer",
    "fr": "À l’œuvre : un café, ça réchauffe",
    "ru": "Чёрный кофе без сахара",
    "pl": "Żółta łódź – 5 €",
    "zh": "黑咖啡，零糖零脂（250 毫升）",
    "ar": "قهوة سوداء من TrailMate، 1.5 kg",
}


def painted(text: str, locale: str, *, width: float = 2000, align: str = "left") -> np.ndarray:
    """(H, W) bool: where ink is."""
    block = TextBlock(text, "display-bold", 40, width, locale=locale)
    surface = skia.Surface(900, 240)
    surface.getCanvas().clear(skia.ColorWHITE)
    block.paint(surface.getCanvas(), 20, 20, 0xFF000000, align)  # type: ignore[arg-type]
    return np.asarray(surface.toarray()[..., 0] < 128)


@pytest.mark.parametrize("locale", COPY)
def test_every_locale_is_drawn_and_inside_its_box(locale: str) -> None:
    assert missing_glyphs(COPY[locale], "text-semibold", script_of(locale).name) == ""
    block = TextBlock(COPY[locale], "display-bold", 40, 2000, locale=locale)
    ink = painted(COPY[locale], locale)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    # Accents on capitals reach a little beyond a line.
    assert rows[0] >= 17 and rows[-1] <= 22 + block.height
    assert columns[0] >= 18 and columns[-1] <= 22 + block.width
    assert columns[-1] - columns[0] > 0.9 * block.width


def test_a_box_is_never_drawn_for_a_letter_that_no_face_has() -> None:
    assert missing_glyphs("黑 ᚠ قهوة ꦗ", "display-bold") == "ᚠꦗ"


def test_a_variable_face_has_the_weight_of_its_role() -> None:
    assert [typeface(f"{role}@han").fontStyle().weight() for role in ("text-regular", "display-black")] == [
        400,
        900,
    ]
    ink = [painted_share(role) for role in ("display-light", "display-bold", "display-black")]
    assert ink[0] < ink[1] < ink[2]


def painted_share(role: str) -> float:
    surface = skia.Surface(400, 100)
    surface.getCanvas().clear(skia.ColorWHITE)
    TextBlock("安静时光", role, 60, 390, locale="zh").paint(surface.getCanvas(), 5, 5, 0xFF000000)
    return float((surface.toarray()[..., 0] < 128).mean())


def test_a_foreign_word_comes_from_the_face_that_has_it() -> None:
    assert families("Tee 茶", "display-bold") == ("display-bold", "display-bold@han")
    assert families("Кофе", "text-semibold") == ("text-semibold",)
    assert families("Ǿresund", "text-semibold") == ("display-medium",)
    assert families("咖啡", "display-bold", "han")[0] == "display-bold@han"


def test_arabic_letters_join() -> None:
    joined = advance_em("قهوة", families("قهوة", "display-bold", "arabic"), "ar")
    apart = sum(advance_em(ch, families(ch, "display-bold", "arabic"), "ar") for ch in "قهوة")
    assert joined < 0.9 * apart


def test_latin_pairs_are_kerned() -> None:
    assert advance_em("AV", ("display-bold",), "en") < sum(
        advance_em(ch, ("display-bold",), "en") for ch in "AV"
    )


def test_arabic_runs_from_right_to_left_and_a_brand_in_it_from_left_to_right() -> None:
    # The last mark of the sentence stands at its left end; in the brand, "V" stands left of "200".
    mark, plain = painted("قهوة!", "ar"), painted("قهوة", "ar")
    assert np.flatnonzero(mark.any(axis=0))[-1] - np.flatnonzero(plain.any(axis=0))[-1] > 8
    assert directed("من TrailMate (V2) بسعة") == "\u2067من \u2066TrailMate (V2)\u2069 بسعة\u2069"
    brand = painted("V-200", "ar")
    assert np.array_equal(brand, painted("V-200 ", "ar"))


def test_right_alignment_ends_all_lines_at_one_edge() -> None:
    ink = painted("قهوة سوداء من أجل صباح طويل", "ar", width=260, align="right")
    block = TextBlock("قهوة سوداء من أجل صباح طويل", "display-bold", 40, 260, locale="ar")
    assert block.lines >= 2
    edges = []
    for i in range(block.lines):
        line = ink[
            round(20 + i * block.height / block.lines) : round(20 + (i + 1) * block.height / block.lines)
        ]
        edges.append(int(np.flatnonzero(line.any(axis=0))[-1]))
    assert max(edges) - min(edges) <= 6
    assert abs(edges[0] - (20 + block.width)) <= 6


def test_same_text_same_pixels() -> None:
    assert np.array_equal(painted(COPY["ar"], "ar"), painted(COPY["ar"], "ar"))
