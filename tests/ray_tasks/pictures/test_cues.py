"""What a picture's form and its lettering say of the thing, and what they do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.cues import VESSEL, form_cues, lettering_cues


def _alpha(width: int, height: int) -> np.ndarray:
    alpha = np.zeros((height, width), np.uint8)
    cv2.rectangle(alpha, (0, 0), (width - 1, height - 1), 255, -1)
    return alpha


def _with_hole(alpha: np.ndarray) -> np.ndarray:
    height, width = alpha.shape
    cv2.circle(alpha, (width // 2, height // 3), width // 5, 0, -1)
    return alpha


def _handled(alpha: np.ndarray) -> np.ndarray:
    alpha[:, : alpha.shape[1] // 4] = 0
    alpha[150:200, : alpha.shape[1] // 4] = 255
    return alpha


@pytest.mark.parametrize(
    ("alpha", "cues"),
    [
        (_alpha(120, 300), [VESSEL]),
        (_alpha(300, 120), []),
        (_alpha(280, 300), []),
        (_with_hole(_alpha(150, 300)), []),
        (_handled(_alpha(160, 300)), []),
        (np.hstack([_alpha(60, 300), np.zeros((300, 40), np.uint8), _alpha(60, 300)]), []),
        (np.zeros((50, 20), np.uint8), []),
    ],
    ids=["can", "lying", "square", "holed", "with a handle", "a pair", "nothing"],
)
def test_the_form_of_a_vessel(alpha: np.ndarray, cues: list[str]) -> None:
    assert form_cues(alpha) == cues


@pytest.mark.parametrize(
    ("lines", "cues"),
    [
        (["Kapok Roasters", "COLD BREW", "180 mg caffeine"], ["cold brew"]),
        (["organic cotton"], ["organic cotton"]),
        (["PRIMER", "for all surfaces: wood, metal"], ["primer"]),
        (["LITTLE OAK", "ZENITH"], []),
        ([], []),
    ],
)
def test_what_is_printed_on_it(lines: list[str], cues: list[str]) -> None:
    assert lettering_cues(lines) == cues
