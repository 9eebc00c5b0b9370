"""Steps in tones, and pictures that look alike, are told from what is good."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.measure_ground import NO_TWIN, look_of, measure_ground, twin_distance

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
