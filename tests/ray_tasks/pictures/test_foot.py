"""A contact shadow that clings to the foot goes; a dark foot of the product's own stays."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.foot import without_contact_shade
from ray_tasks.pictures.ground import fit_ground

SIZE = 300


def lab_of(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def standing(foot: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A red box with a band at its foot, on light grey, with a contact shadow of 14 px under it; and its mask."""
    photo = np.full((SIZE, SIZE, 3), 235.0) + np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1))
    depth = np.arange(14)[:, None, None]
    photo[230:244, 100:200] = 130 + 6.0 * depth
    photo[80:230, 100:200] = (170, 40, 40)
    photo[215:230, 100:200] = foot
    mask = np.zeros((SIZE, SIZE), bool)
    mask[80:230, 100:200] = True
    return photo, mask


def test_the_shadow_goes_and_the_foot_stays() -> None:
    for foot in ((170, 40, 40), (25, 25, 25), (205, 205, 207)):
        photo, exact = standing(foot)
        lab = lab_of(photo)
        with_shadow = exact.copy()
        with_shadow[230:240, 100:200] = True
        found = without_contact_shade(with_shadow, lab, fit_ground(lab))
        assert not found[231:, :].any(), foot
        assert (exact & ~found).sum() < 0.01 * exact.sum(), foot


def test_a_right_mask_stays_as_it_is() -> None:
    photo, exact = standing((25, 25, 25))
    lab = lab_of(photo)
    assert (without_contact_shade(exact, lab, fit_ground(lab)) == exact).all()
    nothing = np.zeros_like(exact)
    assert not without_contact_shade(nothing, lab, fit_ground(lab)).any()
