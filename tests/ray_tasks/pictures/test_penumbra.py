"""Strips along a product's edge: shadow goes where its outline is a penumbra, what has an edge or a colour stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.ground import find_edges, fit_ground
from ray_tasks.pictures.penumbra import crispness, without_penumbras

SIZE = 512


def _photo(tint: tuple[float, float, float], blur: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lab, exact, strip): a red crate on grey with a strip along its right side, of that tint and softness."""
    exact = np.zeros((SIZE, SIZE), bool)
    exact[120:400, 130:330] = True
    strip = np.zeros((SIZE, SIZE), np.float32)
    strip[140:410, 330:346] = 1
    if blur:
        strip = cv2.GaussianBlur(strip, (0, 0), blur)
    photo = np.full((SIZE, SIZE, 3), 226.0) - strip[..., None] * np.array(tint)
    photo += np.random.default_rng(1).normal(0, 0.4, (SIZE, SIZE, 1))
    photo[exact] = (170, 40, 40)
    soft = cv2.GaussianBlur(photo.astype(np.float32), (0, 0), 0.8)
    lab = cv2.cvtColor(soft / 255, cv2.COLOR_RGB2LAB)
    return lab, exact, (strip > 0.35) & ~exact


def _left(lab: np.ndarray, exact: np.ndarray, strip: np.ndarray) -> float:
    """Share of the strip that the mask keeps; the product's own pixels are all kept."""
    found = without_penumbras(exact | strip, lab, fit_ground(lab), find_edges(lab))
    assert found[exact].mean() > 0.995
    return float(found[strip].mean())


def test_a_soft_strip_in_the_grounds_hue_goes() -> None:
    assert _left(*_photo((130, 130, 130), blur=5)) < 0.15


@pytest.mark.parametrize(
    ("tint", "blur"), [((130, 130, 130), 0), ((150, 60, 20), 5)], ids=["crisp", "of another hue"]
)
def test_a_strip_of_the_product_stays(tint: tuple[float, float, float], blur: float) -> None:
    assert _left(*_photo(tint, blur)) == 1


def test_nothing_is_taken_of_an_exact_or_an_empty_mask() -> None:
    lab, exact, _ = _photo((130, 130, 130), blur=5)
    ground, edges = fit_ground(lab), find_edges(lab)
    assert (without_penumbras(exact, lab, ground, edges) == exact).all()
    assert not without_penumbras(np.zeros_like(exact), lab, ground, edges).any()


def test_a_step_is_crisp_and_a_ramp_is_not() -> None:
    light = np.zeros((40, 80), np.float32)
    light[:, 40:] = 50
    ramp = cv2.GaussianBlur(light, (0, 0), 6)
    assert crispness(light)[20, 40] == 1 and crispness(ramp)[20, 40] < 0.45
