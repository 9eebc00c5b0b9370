from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.pictures.palette import (
    contrast_ratio,
    harmonise,
    oklab_from_srgb,
    oklch,
    parse_hex,
    product_color,
    relative_luminance,
    separated_lightness,
    srgb_from_oklab,
    to_lch,
)
from schemas.instruction import MOODS


def test_oklab_gives_the_published_values_and_comes_back() -> None:
    # Ottosson's table: white is (1, 0, 0); the round trip is exact.
    assert oklab_from_srgb(np.array([1.0, 1.0, 1.0])) == pytest.approx([1.0, 0.0, 0.0], abs=1e-4)
    colors = np.random.default_rng(1).random((50, 3))
    assert srgb_from_oklab(oklab_from_srgb(colors)) == pytest.approx(colors, abs=1e-6)


def test_oklch_stays_in_gamut_and_keeps_lightness_and_hue() -> None:
    for hue in range(0, 360, 30):
        rgb = oklch(0.7, 0.3, hue)
        assert min(rgb) >= 0 and max(rgb) <= 1
        lightness, _, got = to_lch(rgb)
        assert lightness == pytest.approx(0.7, abs=0.01)
        assert abs((got - hue + 180) % 360 - 180) < 3


def test_contrast_ratio_of_black_on_white_is_21() -> None:
    black, white = relative_luminance(np.zeros(3)), relative_luminance(np.ones(3))
    assert contrast_ratio(black, white) == pytest.approx(21.0)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("product", ["#101010", "#808080", "#f6f6f6", "#b04020"])
def test_wall_is_apart_from_the_product(mood: str, product: str) -> None:
    color = parse_hex(product)
    wall_l, wall_c, wall_h = to_lch(harmonise(("#3d7a5a", "#e6b85c"), mood, color).wall)
    product_l, product_c, product_h = to_lch(color)
    turned = abs((wall_h - product_h + 180) % 360 - 180)
    least = 0.09 if product_c > 0.07 and wall_c > 0.05 and turned > 60 else 0.18
    assert abs(wall_l - product_l) >= least


def test_a_neutral_palette_takes_the_moods_hue() -> None:
    calm, cosy = (harmonise(("#808080",), mood, (0.1, 0.1, 0.1)).wall for mood in ("calm", "cosy"))
    assert abs(to_lch(calm)[2] - to_lch(cosy)[2]) > 60


def test_separated_lightness_prefers_the_wanted_side() -> None:
    assert separated_lightness(0.6, 0.5) == pytest.approx(0.7)
    assert separated_lightness(0.4, 0.5) == pytest.approx(0.3)
    assert separated_lightness(0.95, 0.9) == pytest.approx(0.7)


def test_product_color_ignores_what_is_transparent() -> None:
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[..., 0] = 255
    rgba[5:15, 5:15] = (0, 0, 200, 255)
    assert product_color(rgba) == pytest.approx((0, 0, 200 / 255), abs=0.01)


def test_a_bad_hex_colour_is_named() -> None:
    with pytest.raises(ValueError, match="'#12'"):
        parse_hex("#12")
