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


def test_a_neck_above_shoulders_is_found_and_a_strap_or_a_lone_patch_is_not() -> None:
    picture = np.full((400, 400, 3), (185, 195, 205), np.uint8)
    picture[60:400, 110:290] = (40, 44, 60)
    assert skin_share(picture) == 0
    worn = picture.copy()
    worn[:60, 180:220] = (222, 178, 150)
    assert 0 < skin_share(worn) < 0.03
    alone = np.full((400, 400, 3), (185, 195, 205), np.uint8)
    alone[:60, 180:220] = (222, 178, 150)
    aside = picture.copy()
    aside[:60, 10:50] = (222, 178, 150)
    assert skin_share(alone) == skin_share(aside) == 0


def test_an_arm_within_a_scene_is_found() -> None:
    scene = _picture((225, 178, 150), to_border=False)
    blocks = np.random.default_rng(2).integers(30, 225, (10, 10, 3)).repeat(40, 0).repeat(40, 1)
    scene = np.where(np.abs(scene.astype(int) - 225).max(axis=2, keepdims=True) > 6, scene, blocks)
    assert skin_share(scene.astype(np.uint8)) > 0.05


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
