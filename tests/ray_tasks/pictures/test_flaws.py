"""Crumbs and cut sides are told alike from a cut-out and from the picture that it stands in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.compose import resized
from ray_tasks.pictures.cutout import CutOut, without_flaws
from ray_tasks.pictures.flaws import crumb_share, cut_side, soft_outline


def _box(hard: bool = False) -> np.ndarray:
    """A box with straight sides in a picture of 400 x 300; soft as a cut-out's are, or hard."""
    alpha = np.zeros((400, 300), np.uint8)
    alpha[100:300, 60:240] = 255
    return alpha if hard else soft_outline(alpha)


def _cut(alpha: np.ndarray) -> CutOut:
    rgba = np.dstack([np.full((*alpha.shape, 3), 90, np.uint8), alpha])
    return CutOut(alpha, rgba, 0.95, "white", "accepted", None, None)


@pytest.mark.parametrize("width", [60, 97, 180, 250])
def test_a_box_that_ends_by_itself_is_not_cut_at_any_size(width: int) -> None:
    inside = _cut(_box()).rgba[100:300, 60:240]
    placed = resized(inside, width, round(width * 200 / 180))
    assert cut_side(placed[..., 3]) == 0.0
    hard = resized(_cut(_box(hard=True)).rgba[100:300, 60:240], width, round(width * 200 / 180))
    assert cut_side(hard[..., 3]) > 0.9


def test_what_the_pictures_border_cuts_stays_hard() -> None:
    whole = np.zeros((400, 300), np.uint8)
    whole[300:, 60:120] = 255
    alpha = soft_outline(whole)
    assert (alpha[399, 62:118] == 255).all() and (alpha[300, 60:120] < 250).all()
    found = without_flaws(_cut(alpha))
    assert (found.verdict, found.reason) == ("refused", "touches_border")
    assert found.detail and not found.alpha.any()


def test_many_crumbs_refuse() -> None:
    alpha = _box()
    alpha[20:28, 20:28] = 255
    assert without_flaws(_cut(alpha)).verdict == "accepted"
    alpha[20:36, 20:36] = 255
    found = without_flaws(_cut(alpha))
    assert (found.verdict, found.reason) == ("refused", "low_quality")
    assert "crumbs" in (found.detail or "")


def test_a_wire_holds_a_part_and_a_large_part_is_no_crumb() -> None:
    alpha = _box()
    cv2.line(alpha, (240, 200), (280, 200), 90, 1)
    alpha[195:206, 270:281] = 255
    assert crumb_share(alpha) == 0.0
    alpha[20:50, 20:60] = 255
    assert crumb_share(alpha) == 0.0
    assert crumb_share(np.zeros((9, 9), np.uint8)) == 0.0
