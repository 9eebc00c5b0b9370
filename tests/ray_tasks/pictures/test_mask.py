"""Masks: cast shadows are peeled off, see-through holes open and labels stay closed."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.ground import find_edges, fit_ground
from ray_tasks.pictures.mask import best_mask, coloured_parts, without_bites, without_notches

SIZE = 360


def _mask(photo: np.ndarray) -> np.ndarray:
    smooth = cv2.GaussianBlur(photo.astype(np.float32), (0, 0), 0.8) / 255
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    return best_mask(lab, fit_ground(lab), find_edges(lab)).mask


def _photo() -> np.ndarray:
    """A blue crate on grey."""
    photo = np.full((SIZE, SIZE, 3), 222.0)
    photo += np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1))
    cv2.rectangle(photo, (110, 100), (250, 290), (40, 70, 150), -1)
    return photo


def test_a_dark_cast_shadow_is_peeled_off() -> None:
    shadow = np.zeros((SIZE, SIZE, 1))
    shadow[240:292, 240:320] = 150
    photo = np.full((SIZE, SIZE, 3), 222.0) - cv2.GaussianBlur(shadow, (0, 0), 7)[..., None]
    cv2.rectangle(photo, (110, 100), (250, 290), (40, 70, 150), -1)
    mask = _mask(photo)
    assert mask[110:280, 120:240].all()
    assert not mask[:, 262:].any()


def test_a_hole_opens_where_the_ground_shows_and_a_label_stays() -> None:
    photo = _photo()
    ground = photo[20:80, 20:100].copy()
    photo[120:180, 140:220] = ground
    label = np.rint(photo).astype(np.uint8)
    cv2.putText(label, "OK", (150, 165), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (30, 30, 30), 4)
    assert not _mask(photo)[135:165, 160:200].any()
    assert _mask(label)[125:175, 145:215].all()


def test_a_highlight_on_one_side_of_a_rim_is_filled_and_a_handle_is_not() -> None:
    can = np.zeros((SIZE, SIZE), bool)
    can[60:300, 100:260] = True
    lit = can.copy()
    lit[60:70, 130:146] = False
    assert (without_notches(lit) == can).all()
    mug = can.copy()
    mug[100:220, 260:320] = True
    mug[120:200, 262:300] = False
    assert (without_notches(mug) == mug).all()
    assert not without_notches(np.zeros_like(can)).any()


def test_a_bite_out_of_one_side_of_a_can_is_filled_and_a_half_that_is_missing_is_not() -> None:
    can = np.zeros((SIZE, SIZE), bool)
    can[60:300, 100:260] = True
    bitten = can.copy()
    bitten[120:180, 240:260] = False
    bitten[288:300, 260:266] = True  # shade at the foot, beside which the axis is still the can's
    shaded = can | bitten
    assert (without_bites(bitten) == shaded).all()
    mug = can.copy()
    mug[100:220, 260:320] = True
    mug[120:200, 262:300] = False
    torn = can.copy()
    torn[80:200, 180:260] = False
    for other in (mug, torn, np.zeros_like(can)):
        assert (without_bites(other) == other).all()


def test_a_dark_coloured_side_without_a_step_is_no_cast_shadow() -> None:
    photo = _photo()
    taken = np.zeros((SIZE, SIZE), bool)
    taken[250:290, 111:170] = True
    product = np.zeros_like(taken)
    product[101:290, 111:250] = True
    lab = cv2.cvtColor((photo / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    kept = coloured_parts(taken, product & ~taken, lab, fit_ground(lab))
    assert (kept == taken).all()
    photo[taken] = (60, 60, 62)
    lab = cv2.cvtColor((photo / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    assert not coloured_parts(taken, product & ~taken, lab, fit_ground(lab)).any()
