"""Text reads back as it was set, or the share that does not is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import skia

from ray_tasks.pictures.decide import Thresholds
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.measure_text import NO_TEXT_PX, TextBox, distance, is_readable, measure_text, plain
from ray_tasks.pictures.text_block import TextBlock

SAYS = "Dry feet on every trail, for 39 €"


def headline(says: str = SAYS, size_px: float = 60) -> tuple[np.ndarray, TextBox]:
    """(700, 700, 3) uint8 with a headline in two lines, and where it stands."""
    surface = cv2.cvtColor(np.full((700, 700, 3), 225, np.uint8), cv2.COLOR_RGB2RGBA)
    text = TextBlock(says, "display-bold", size_px, 560, locale="en")
    text.paint(skia.Surface(surface, colorType=skia.kRGBA_8888_ColorType).getCanvas(), 60, 90, 0xFF303030)
    box = Box(60, 90, 60 + round(text.width), 90 + round(text.height))
    return surface[..., :3], TextBox("headline", box, 9.0, says, box, text.lines)


def measured(rgb: np.ndarray, *texts: TextBox) -> dict[str, float]:
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return measure_text(rgb, gray, np.zeros_like(gray), texts)


def test_what_was_set_is_read_and_anything_else_is_not() -> None:
    rgb, text = headline()
    assert text.lines == 2
    assert measured(rgb, text)["text_misread"] == 0
    other_price = measured(rgb, replace(text, text=SAYS.replace("39", "89")))
    assert other_price["digits_misread"] == 1 and other_price["text_misread"] < 0.1
    assert measured(rgb, replace(text, text="Warm hands"))["text_misread"] > 0.5
    blotted = rgb.copy()
    blotted[90:150, 180:330] = 225
    assert measured(blotted, text)["text_misread"] > 0.12


def test_a_lone_latin_letter_among_han_is_read() -> None:
    surface = np.full((200, 1000, 4), 225, np.uint8)
    block = TextBlock("卷起袖子：T 形内六角扳手", "display-bold", 70, 990, locale="zh", leading=1.06)
    block.paint(skia.Surface(surface, colorType=skia.kRGBA_8888_ColorType).getCanvas(), 8, 60, 0xFF303030)
    box = Box(8, 60, 8 + round(block.width), 60 + round(block.height))
    text = TextBox("headline", box, 9.0, block.words, box, 1)
    picture = np.ascontiguousarray(surface[..., :3])
    assert measured(picture, text)["text_misread"] == 0
    assert measured(picture, replace(text, text=block.words.replace("T", "L")))["text_misread"] > 0.08


def test_a_small_or_faint_headline_is_lost_in_a_thumbnail() -> None:
    rgb, text = headline()
    good = measured(rgb, text)
    assert good["thumbnail_line_px"] > 15 and good["thumbnail_contrast"] > 5
    tiny, small = headline(size_px=20)
    assert measured(tiny, small)["thumbnail_line_px"] < 8
    faint = np.rint(225 - (225.0 - rgb) * 0.3).astype(np.uint8)
    assert measured(faint, text)["thumbnail_contrast"] < 3
    assert measured(rgb)["thumbnail_line_px"] == NO_TEXT_PX


@pytest.mark.parametrize(
    ("text", "readable", "letters"),
    [
        ("Größe 50 × 100 cm", True, "grösse5oioocm"),
        ("420\xa0g, 12,99 €", True, "42ogi299€"),
        ("咖啡 250 克", True, "咖啡25o克"),
        ("凈含量", True, "净含量"),
        ("قهوة سوداء", False, "قهوةسوداء"),
        ("Кофе", False, "кофе"),
    ],
)
def test_scripts_and_letters(text: str, readable: bool, letters: str) -> None:
    assert is_readable(text) == readable
    assert plain(text) == letters


ARABIC = ("حقيبة ظهر عند النافذة", "بارد 24 ساعة، ولتأتِ الشمس")


@pytest.mark.parametrize("says", [*ARABIC, "Кофе для долгих ночей"])
@pytest.mark.parametrize("width", [300, 600])
def test_scripts_that_nobody_reads_are_shaped_again_and_compared(says: str, width: int) -> None:
    rgb = np.random.default_rng(1).normal(225, 3, (700, 700, 1)).clip(0, 255).astype(np.uint8).repeat(4, 2)
    locale = "ar" if says in ARABIC else "ru"
    block = TextBlock(says, "display-black", 44.4, width, locale=locale, leading=1.06)
    right = "right" if locale == "ar" else "left"
    canvas = skia.Surface(rgb, colorType=skia.kRGBA_8888_ColorType).getCanvas()
    block.paint(canvas, 60.3, 90.6, 0xFF303030, right)
    box = Box(60, 90, 61 + round(block.width), 91 + round(block.height))
    text = TextBox("headline", box, 9.0, block.words, box, block.lines)
    picture = np.ascontiguousarray(rgb[..., :3])
    assert measured(picture, text)["text_misread"] == 0
    assert measured(np.ascontiguousarray(255 - picture), text)["text_misread"] == 0
    # What is behind letters may change under them: light through a window, the edge of a leaf.
    light = np.interp(np.arange(700), (150, 210), (1.0, 0.5))[None, :, None]
    shaded = np.rint(picture * light).astype(np.uint8)
    assert measured(shaded, text)["text_misread"] <= Thresholds().max_text_misread
    other_letter = block.words.replace("ف", "ق").replace("ش", "م").replace("н", "ж")
    assert measured(picture, replace(text, text=other_letter))["text_misread"] > 0.1
    assert (
        measured(picture, replace(text, text=ARABIC[locale == "ar" and says == ARABIC[0]]))["text_misread"]
        > 0.4
    )
    blotted = picture.copy()
    blotted[:, 150:240] = 225
    assert measured(blotted, text)["text_misread"] > 0.1


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("ab", "ab", 0), ("abc", "ac", 1), ("a", "xyz", 3), ("kitten", "sitting", 3)],
)
def test_the_distance_counts_edits(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == distance(other, one) == edits
