"""Set text is read back; a picture without text has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skia

from ray_tasks.pictures.ocr import read_lines, read_text
from ray_tasks.pictures.text_block import TextBlock

LINES = ("Dry feet on every trail", "Kaffee für lange Nächte", "Prêt en 3 minutes", "€ 1.299,00", "420 g")


def page(lines: tuple[str, ...]) -> np.ndarray:
    """(H, 700, 3) uint8: dark lines, 80 pixels each, on a light ramp."""
    ramp = np.broadcast_to(np.linspace(190, 240, 700)[None, :, None], (80 * len(lines), 700, 3))
    surface = cv2.cvtColor(ramp.astype(np.uint8), cv2.COLOR_RGB2RGBA)
    canvas = skia.Surface(surface, colorType=skia.kRGBA_8888_ColorType).getCanvas()
    for index, line in enumerate(lines):
        TextBlock(line, "text-semibold", 44, 680, locale="en").paint(canvas, 20, 80 * index + 12, 0xFF202020)
    return surface[..., :3]


def test_lines_are_read_as_they_were_set() -> None:
    picture = page(LINES)
    read = read_lines([picture[80 * i : 80 * i + 80] for i in range(len(LINES))])
    assert [text.replace(" ", "") for text, _ in read] == [line.replace(" ", "") for line in LINES]
    assert min(score for _, score in read) > 0.8
    assert read_lines([]) == []


@pytest.mark.parametrize("size_px", (480, 1400))
def test_text_is_found_where_it_stands(size_px: int) -> None:
    picture = np.full((700, 700, 3), 205, np.uint8)
    picture[300:380] = page(("ROAST 250 g",))
    scale = size_px / 700
    found = read_text(cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA))
    assert "".join(text for text, _, _ in found).replace(" ", "") == "ROAST250g"
    for _, box, score in found:
        assert 295 * scale < box.top < box.bottom < 385 * scale and score > 0.8


def test_a_picture_without_text_has_none() -> None:
    ramp = np.linspace(40, 220, 640 * 480).reshape(480, 640).astype(np.uint8)
    assert read_text(np.dstack([ramp] * 3)) == []
