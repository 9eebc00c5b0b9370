"""Several objects: all stay, the largest stays with its edge, or the picture is refused."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.cutout import ClassicalCutOut, CutOut
from ray_tasks.pictures.objects import with_objects


def _cut(*radii: int) -> CutOut:
    photo = np.full((300, 420, 3), 248, np.uint8)
    for index, radius in enumerate(radii):
        cv2.circle(photo, (110 + 190 * index, 150), radius, (150, 40, 60), -1)
    cut = ClassicalCutOut().cut(cv2.GaussianBlur(photo, (0, 0), 1))
    assert cut.verdict == "accepted"
    return cut


def test_all_objects_stay_unless_something_else_is_asked_for() -> None:
    pair = _cut(80, 60)
    assert with_objects(pair, "all") is pair
    alone = _cut(80)
    assert with_objects(alone, "largest") is alone
    assert with_objects(alone, "one") is alone


def test_the_largest_object_keeps_its_place_and_its_soft_edge() -> None:
    pair = _cut(60, 80)
    largest = with_objects(pair, "largest")
    assert not largest.alpha[:, :200].any()
    assert np.array_equal(largest.alpha[:, 210:], pair.alpha[:, 210:])
    assert np.array_equal(largest.rgba[..., 3][largest.rgba[..., 3] > 0], largest.alpha[largest.alpha > 0])
    assert abs(largest.rgba.shape[1] - 161) <= 4


def test_where_one_object_is_asked_for_several_are_refused_by_name() -> None:
    cut = with_objects(_cut(80, 60), "one")
    assert (cut.verdict, cut.reason) == ("refused", "several_objects")
    assert "2 objects" in (cut.detail or "")
    assert with_objects(cut, "largest") is cut


def test_two_equal_objects_are_cut_out_and_then_handled_as_asked() -> None:
    pair = _cut(80, 80)
    assert with_objects(pair, "all") is pair
    assert not with_objects(pair, "largest").alpha[:, 200:220].any()
    assert with_objects(pair, "one").reason == "several_objects"
