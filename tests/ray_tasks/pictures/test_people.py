"""Skin that the border cuts is told from the same colours elsewhere, flat or grained."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.people import skin_share


def _picture(
    colour: tuple[int, int, int], *, lit: bool = True, grain: int = 0, to_border: bool = True
) -> np.ndarray:
    """(400, 400, 3): a bar of a colour (RGB) on light grey, shaded across as a limb is."""
    picture = np.full((400, 400, 3), 225, np.float32)
    shade = 1 - 0.45 * np.abs(np.linspace(-1, 1, 110)) ** 2 if lit else np.ones(110)
    noise = np.random.default_rng(5).normal(0, grain, (110, 250, 1)) if grain else 0
    left = 0 if to_border else 40
    picture[150:260, left : left + 250] = np.array(colour) * shade[:, None, None] + noise
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0 if not grain else 0.3), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour", [(232, 190, 168), (198, 145, 115)])
def test_an_arm_that_the_border_cuts_is_found_and_not_cut_out(colour: tuple[int, int, int]) -> None:
    picture = _picture(colour)
    assert 0.1 < skin_share(picture) < 0.2
    cut = ClassicalCutOut().cut(picture)
    assert (cut.verdict, cut.reason) == ("refused", "person_or_hand")


@pytest.mark.parametrize(
    "picture",
    [
        _picture((232, 190, 168), to_border=False),
        _picture((205, 155, 130), lit=False),
        _picture((205, 155, 130), grain=25),
        _picture((60, 90, 160)),
    ],
    ids=["an object of that colour", "flat paint", "grain", "blue"],
)
def test_what_only_has_its_colour_is_not(picture: np.ndarray) -> None:
    assert skin_share(picture) == 0
