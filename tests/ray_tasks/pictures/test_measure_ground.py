"""Steps in tones, and pictures that look alike, are told from what is good."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.measure_ground import NO_TWIN, brand_clash, look_of, measure_ground, twin_distance

SIZE = (640, 640)
PRODUCT = Box(240, 200, 400, 560)


def ramp(seed: int = 3) -> np.ndarray:
    """(640, 640, 3) uint8: light falling off over a plain ground, with grain."""
    light = np.add.outer(np.linspace(60, 160, 640), np.linspace(0, 60, 640))
    return (
        np.rint(light + np.random.default_rng(seed).normal(0, 1.2, SIZE))[..., None]
        .repeat(3, 2)
        .astype(np.uint8)
    )


def banding(rgb: np.ndarray) -> float:
    alpha = np.zeros(SIZE, np.uint8)
    alpha[PRODUCT.top : PRODUCT.bottom, PRODUCT.left : PRODUCT.right] = 255
    return measure_ground(rgb, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), alpha, PRODUCT, [])["banding"]


@pytest.mark.parametrize("step", [8, 16, 32])
def test_tones_in_steps_are_seen(step: int) -> None:
    assert banding(ramp()) < 0.15
    assert banding(ramp() // step * step) > 0.35


def test_white_is_flat_without_being_banded() -> None:
    assert banding(np.full((640, 640, 3), 255, np.uint8)) == 0


def test_the_nearest_of_the_others_counts_without_the_product() -> None:
    one = ramp()
    look = look_of(one, PRODUCT, SIZE)
    assert twin_distance(look, []) == NO_TWIN
    same = look_of(cv2.resize(ramp(4), (80, 80), interpolation=cv2.INTER_AREA), PRODUCT, SIZE)
    blue = look_of(ramp() // np.array([1, 2, 3], np.uint8), PRODUCT, SIZE)
    assert twin_distance(look, [blue]) > 0.1
    assert twin_distance(look, [blue, same]) < 0.01
    one[PRODUCT.top : PRODUCT.bottom, PRODUCT.left : PRODUCT.right] = 0
    assert twin_distance(look_of(one, PRODUCT, SIZE), [same]) < 0.02


def test_surroundings_suit_a_brand_if_they_go_with_one_of_its_colours() -> None:
    green = np.full((64, 64, 3), (60, 140, 60), np.uint8)
    look = look_of(np.ascontiguousarray(green[..., ::-1]), Box(24, 24, 40, 40), (64, 64))
    grey = np.full((500, 3), 120, np.uint8)
    square = brand_clash(look, ["#1f8fd0", "#d05a1f"], grey)
    assert square > 0.04 > 0.02 > brand_clash(look, ["#1f8fd0", "#3c8c3c"], grey)
    assert brand_clash(look, ["#202020", "#ffffff"], grey) == 0


def test_without_brand_colours_those_of_the_label_count() -> None:
    red = np.full((64, 64, 3), (150, 90, 90), np.uint8)
    look = look_of(np.ascontiguousarray(red[..., ::-1]), Box(24, 24, 40, 40), (64, 64))
    body, label = np.full((800, 3), (70, 150, 60), np.uint8), np.full((400, 3), (190, 40, 40), np.uint8)
    assert brand_clash(look, (), np.concatenate([body, label])) < 0.02
    assert brand_clash(look, (), body) > brand_clash(look, (), np.concatenate([body, label]))
    assert brand_clash(look, (), np.full((300, 3), 90, np.uint8)) == 0
    assert brand_clash(look, (), np.zeros((0, 3), np.uint8)) == 0
