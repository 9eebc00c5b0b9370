"""The palette of a cut-out whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.pictures.colours import colour_name, product_palette


def _two_colours() -> np.ndarray:
    rgba = np.zeros((120, 100, 4), np.uint8)
    rgba[:90] = (200, 35, 44, 255)
    rgba[90:] = (29, 42, 82, 255)
    return rgba


def test_shares_follow_the_areas_strongest_first() -> None:
    palette = product_palette(_two_colours())
    assert palette[0].name == "red"
    assert {colour.name for colour in palette} == {"red", "navy"}
    assert palette[0].share == pytest.approx(0.75, abs=0.02)
    red = tuple(int(palette[0].hex[i : i + 2], 16) for i in (1, 3, 5))
    assert max(abs(a - b) for a, b in zip(red, (200, 35, 44), strict=True)) <= 2


def test_transparent_pixels_do_not_count() -> None:
    rgba = _two_colours()
    rgba[:60] = (0, 255, 0, 0)
    assert {colour.name for colour in product_palette(rgba)} == {"red", "navy"}
    assert product_palette(np.zeros((20, 20, 4), np.uint8)) == []


def test_the_same_pixels_give_the_same_palette() -> None:
    rng = np.random.default_rng(2)
    rgba = np.dstack([rng.integers(0, 256, (200, 200, 3)), np.full((200, 200), 255)]).astype(np.uint8)
    assert product_palette(rgba) == product_palette(rgba.copy())
    assert 1 <= len(product_palette(rgba)) <= 5


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((250, 250, 250), "white"),
        ((10, 10, 10), "black"),
        ((130, 132, 131), "grey"),
        ((240, 200, 50), "yellow"),
    ],
)
def test_names_are_the_usual_ones(rgb: tuple[int, int, int], name: str) -> None:
    assert colour_name(rgb) == name
