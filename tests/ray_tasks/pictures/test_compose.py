from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.pictures.compose import MAX_ENLARGEMENT, certify, paste_product, place_product
from ray_tasks.pictures.geometry import Box, Canvas
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(400, 400)


def test_product_stands_on_the_box_and_keeps_its_shape() -> None:
    cutout = bottle(360)
    box = Box(50, 40, 350, 340)
    placed = place_product(cutout, CANVAS, box)
    assert placed.rgba.shape == (400, 400, 4)
    assert placed.box.bottom == box.bottom
    assert placed.box.height == box.height
    assert placed.box.width / placed.box.height == pytest.approx(2 / 5, abs=0.02)
    assert abs(placed.box.center_x - box.center_x) <= 1
    outside = placed.rgba[..., 3].copy()
    outside[placed.box.top : placed.box.bottom, placed.box.left : placed.box.right] = 0
    assert outside.max() == 0


def test_transparent_borders_do_not_count() -> None:
    padded = np.pad(shoe(200), ((60, 90), (30, 10), (0, 0)))
    plain = place_product(shoe(200), CANVAS, Box(20, 20, 380, 380))
    assert np.array_equal(place_product(padded, CANVAS, Box(20, 20, 380, 380)).rgba, plain.rgba)


def test_a_small_source_is_not_blown_up() -> None:
    placed = place_product(bottle(100), CANVAS, Box(20, 20, 380, 380))
    assert placed.box.height <= MAX_ENLARGEMENT * 100


def test_core_pixels_are_copied_and_edges_blended() -> None:
    placed = place_product(bottle(360), CANVAS, Box(50, 40, 350, 340))
    scene = np.full((400, 400, 3), 250, np.uint8)
    rgb = paste_product(scene, placed)
    certificate = certify(rgb, placed, scale=1.0)
    assert certificate.core_px > 5000
    assert certificate.changed_core_px == 0
    assert (scene == 250).all()
    clear = placed.rgba[..., 3] == 0
    assert (rgb[clear] == 250).all()


def test_the_certificate_sees_a_single_changed_pixel() -> None:
    placed = place_product(bottle(360), CANVAS, Box(50, 40, 350, 340))
    rgb = paste_product(np.zeros((400, 400, 3), np.uint8), placed)
    y, x = np.argwhere(placed.rgba[..., 3] == 255)[100]
    rgb[y, x, 1] ^= 1
    assert certify(rgb, placed, scale=1.0).changed_core_px == 1


def test_no_colour_of_the_transparent_part_bleeds_in() -> None:
    cutout = bottle(360)
    cutout[cutout[..., 3] == 0] = (255, 0, 255, 0)
    placed = place_product(cutout, CANVAS, Box(100, 100, 250, 250))
    magenta = (placed.rgba[..., 0] > 200) & (placed.rgba[..., 1] < 60) & (placed.rgba[..., 2] > 200)
    assert not (magenta & (placed.rgba[..., 3] > 0)).any()


@pytest.mark.parametrize(
    ("cutout", "box", "message"),
    [
        (np.zeros((40, 40, 4), np.uint8), Box(0, 0, 100, 100), "no opaque pixel"),
        (np.zeros((40, 40, 3), np.uint8), Box(0, 0, 100, 100), "must be"),
        (bottle(100), Box(0, 0, 500, 100), "outside"),
    ],
)
def test_bad_input_is_named(cutout: np.ndarray, box: Box, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        place_product(cutout, CANVAS, box)
