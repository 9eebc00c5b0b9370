"""Doubts about masks: ground in a hole, a torn outline, ground along it, a merged shadow; one without them passes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.doubt import WORDS, Doubts, Limits, doubt, measure_doubts
from ray_tasks.pictures.ground import find_edges, fit_ground

SIZE = 512


def _photo(color: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A crate with a hole in it on light grey, and its exact mask."""
    photo = np.full((SIZE, SIZE, 3), 226.0)
    photo += np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1))
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.rectangle(mask, (130, 120), (380, 400), 1, -1)
    cv2.rectangle(mask, (142, 180), (222, 230), 0, -1)
    photo[mask > 0] = color
    smooth = cv2.GaussianBlur(photo.astype(np.float32), (0, 0), 1.6)
    return np.rint(smooth).astype(np.uint8), mask > 0


def _doubts(photo: np.ndarray, mask: np.ndarray, with_shadow: np.ndarray | None = None) -> Doubts:
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    with_shadow = mask if with_shadow is None else with_shadow
    return measure_doubts(photo, mask, with_shadow, lab, fit_ground(lab), find_edges(lab))


def _torn(mask: np.ndarray) -> np.ndarray:
    torn = mask.copy()
    for row in range(130, 390, 24):
        torn[row : row + 12, 360:] = False
        torn[row : row + 12, :150] = False
    return torn


def _closed(mask: np.ndarray) -> np.ndarray:
    closed = mask.copy()
    closed[180:231, 142:223] = True
    return closed


def _widened(mask: np.ndarray) -> np.ndarray:
    widened = cv2.dilate(mask.astype(np.uint8), np.ones((13, 13))) > 0
    widened[180:231, 142:223] = False
    return widened


def test_an_exact_mask_raises_none() -> None:
    assert doubt(_doubts(*_photo((40, 70, 150)))) is None


@pytest.mark.parametrize(
    ("color", "damaged", "reason"),
    [
        ((40, 70, 150), _closed, "ground_in_cutout"),
        ((216, 216, 218), _torn, "outline_torn"),
        ((40, 70, 150), _widened, "cutout_disputed"),
    ],
)
def test_each_damage_is_named(
    color: tuple[int, int, int], damaged: Callable[[np.ndarray], np.ndarray], reason: str
) -> None:
    photo, mask = _photo(color)
    found = doubt(_doubts(photo, damaged(mask)))
    assert found is not None and found[0] == reason, found


@pytest.mark.parametrize(("shadow_color", "merges"), [((62, 62, 64), True), ((92, 92, 94), False)])
def test_a_dark_side_that_goes_over_into_its_shadow_is_named(
    shadow_color: tuple[int, int, int], merges: bool
) -> None:
    photo, mask = _photo((60, 60, 62))
    shadow = np.zeros_like(mask)
    shadow[240:401, 381:480] = True
    photo[240:401, 360:381] = (60, 60, 62)  # up to the seam: elsewhere the crate's edge is soft
    photo[shadow] = shadow_color
    found = doubt(_doubts(photo, mask, mask | shadow))
    assert (found is not None and found[0] == "shadow_merges") == merges, found
    # A small one does not count: a shadow that dark under a product's foot is common.
    small = shadow & (np.arange(SIZE) < 420)
    assert _doubts(photo, mask, mask | small).merged == 0


@pytest.mark.parametrize("measurement", sorted(WORDS))
def test_a_measurement_at_its_limit_is_refused(measurement: str) -> None:
    at = {name: 0.0 for name in WORDS} | {measurement: getattr(Limits(), measurement)}
    found = doubt(Doubts(**at))
    assert found is not None and found[0] == WORDS[measurement][0]
    below = at | {measurement: at[measurement] - 1e-6}
    assert doubt(Doubts(**below)) is None
