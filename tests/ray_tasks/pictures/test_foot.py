"""A contact shadow that clings to the foot goes; a dark foot of the product's own stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.foot import _joints, without_cast_bars, without_contact_shade, without_pale_shade
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


def test_columns_that_do_not_tell_follow_those_that_do() -> None:
    photo, exact = standing((205, 205, 207))
    photo[222:230, 130:142] = photo[230, 100]  # a reflection as dark as the shadow, without an edge to it
    with_shadow = exact.copy()
    with_shadow[230:240, 100:200] = True
    lab = lab_of(photo)
    found = without_contact_shade(with_shadow, lab, fit_ground(lab))
    assert not found[232:, :].any()
    assert found[80:228, 100:200].all()


def test_a_tongue_of_cast_shadow_goes_and_a_grey_wire_stays() -> None:
    photo, exact = standing((170, 40, 40))
    photo[230:244, 100:200] = 235
    ramp = np.concatenate([np.linspace(228, 140, 8), np.full(6, 134), np.linspace(140, 228, 8)])
    shadow, wire = np.s_[200:222, 200:260], np.s_[200:206, 40:100]
    photo[shadow] = ramp[:, None, None]
    photo[wire] = 134
    mask = exact.copy()
    mask[204:218, 200:260] = mask[wire] = True
    lab = lab_of(photo)
    found = without_contact_shade(mask, lab, fit_ground(lab))
    assert not found[:, 204:].any()
    assert found[wire].all()


def test_a_scrap_of_a_coloured_ground_goes_and_a_part_of_another_hue_stays() -> None:
    photo = np.full((SIZE, SIZE, 3), (165.0, 190.0, 180.0))
    photo[80:230, 100:200] = (225, 220, 200)
    scrap, tag = np.s_[180:200, 200:225], np.s_[100:120, 200:225]
    photo[scrap] = (145, 168, 158)
    photo[tag] = (170, 170, 178)
    exact = np.zeros((SIZE, SIZE), bool)
    exact[80:230, 100:200] = exact[tag] = True
    mask = exact.copy()
    mask[scrap] = True
    lab = lab_of(photo)
    assert (without_pale_shade(mask, lab, fit_ground(lab)) == exact).all()


def test_a_link_between_two_pieces_is_no_shade() -> None:
    kept = np.zeros((60, 120), bool)
    kept[10:30, 10:40] = kept[10:30, 60:90] = True
    taken = np.zeros_like(kept)
    taken[18:22, 40:60] = True  # holds both together
    taken[30:34, 15:35] = True  # lies under one of them
    joints = _joints(taken, kept)
    assert joints[18:22, 40:60].all() and not joints[30:34].any()


def test_a_bar_of_cast_shadow_goes_and_a_strap_on_the_ground_stays() -> None:
    photo, exact = standing((170, 40, 40))
    photo[230:244, 100:200] = 235
    photo[218:228, 200:] = 110  # runs on to the border of the picture
    photo[218:228, 40:100] = 110  # ends there
    mask = exact.copy()
    mask[218:228, 200:270] = mask[218:228, 40:100] = True
    lab = lab_of(photo)
    found = without_cast_bars(mask, lab, fit_ground(lab))
    assert not found[:, 206:].any()
    assert (found[:, :200] == mask[:, :200]).all()
    assert not without_cast_bars(np.zeros_like(mask), lab, fit_ground(lab)).any()


@pytest.mark.parametrize(("height", "goes"), [(60, True), (90, False)])
def test_a_high_bar_goes_only_where_the_border_of_the_picture_cuts_it(height: int, goes: bool) -> None:
    photo, exact = standing((170, 40, 40))
    shadow = np.zeros((SIZE, SIZE), np.float32)
    shadow[230 - height : 230, 150:] = 130
    lab = lab_of(photo - (cv2.GaussianBlur(shadow, (0, 0), 3) * ~exact)[..., None])
    cut, ended = exact.copy(), exact.copy()
    cut[230 - height : 230, 200:] = True
    ended[230 - height : 230, 200:290] = True
    ground = fit_ground(lab)
    inner = np.s_[240 - height : 220, 210:280]
    assert without_cast_bars(cut, lab, ground)[inner].any() == (not goes)
    assert without_cast_bars(ended, lab, ground)[inner].all()


def test_a_bar_with_a_penumbra_goes_and_a_dark_foot_with_an_edge_stays() -> None:
    photo, exact = standing((170, 40, 40))
    photo[230:244, 100:200] = 235
    shadow = np.zeros((SIZE, SIZE), np.float32)
    shadow[214:230, 180:240] = 130
    soft = cv2.GaussianBlur(shadow, (0, 0), 3) * ~exact
    mask = exact.copy()
    mask[214:230, 200:240] = True
    kept = []
    for shade in (soft, shadow * ~exact):
        lab = lab_of(photo - shade[..., None])
        kept.append(without_cast_bars(mask, lab, fit_ground(lab))[216:228, 206:238].mean())
    assert kept == [0, 1]
