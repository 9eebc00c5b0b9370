"""Good pictures of drawn products pass; each defect made on one of them is rejected for its own reason."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.decide import RULES, SCALE_RULES, Thresholds, decide
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.measure import measure, placed_pixels
from ray_tasks.pictures.measure_text import NO_TEXT_CONTRAST
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.cases import Case, draw_case, white_case
from tests.ray_tasks.pictures.defects import (
    DEFECTS,
    ON_WHITE,
    READ,
    SCALED,
    STRENGTHS,
    UNTOLD,
)
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(640, 640)
TEXTS = (
    TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en"),
    TextSpec("Kaffee für lange Lernnächte", ("Ohne Zucker",), None, "Ansehen", "de"),
)


def mug() -> np.ndarray:
    """A mug with a handle, a hole in it, and a printed band."""
    mask = np.zeros((420, 520), np.uint8)
    cv2.circle(mask, (390, 210), 110, 255, 34)
    cv2.rectangle(mask, (20, 30), (380, 400), 255, -1)
    out = np.zeros((420, 520, 4), np.uint8)
    shade = 0.7 + 0.3 * np.sin(np.linspace(0.4, 2.5, 520))[None, :, None]
    out[..., :3] = np.array((70, 110, 170)) * shade
    out[170:250, 24:378, :3] = (240, 230, 205)
    out[190:230, 60:200:24, :3] = (40, 40, 40)
    out[..., 3] = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return out


PRODUCTS = (bottle(640), shoe(560), mug())


@functools.cache
def good(number: int = 2, setting: str = "wood_table") -> Case:
    spec = SceneSpec(
        setting,
        LIGHTS[number % len(LIGHTS)],
        "all",
        MOODS[number % len(MOODS)],
        ("#4f78a8", "#e08a4a"),
        ("leaves",),
        24,
    )
    layout = LAYOUTS[number % len(LAYOUTS)]
    return draw_case(PRODUCTS[number % 3], spec, TEXTS[number % 2], layout, number, CANVAS)


@functools.cache
def main_image(number: int = 2) -> Case:
    return white_case(PRODUCTS[number], good(number).order)


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_good_pictures_pass(number: int) -> None:
    measured = good(number, SETTINGS[number]).unread().measured()
    assert decide(measured, Thresholds()) == []
    assert all(np.isfinite(value) for value in measured.values())


@pytest.mark.parametrize("number", range(len(PRODUCTS)))
def test_good_main_images_pass(number: int) -> None:
    case = main_image(number)
    assert decide(case.measured(), case.limits()) == []


def test_what_was_written_beside_a_product_stays_behind_when_it_is_cut_out() -> None:
    case = replace(good().unread(), source_texts=("SALE", "-40 %"))
    assert decide(case.measured(), case.limits()) == []


def test_every_reason_has_a_defect() -> None:
    assert {rule.reason for rule in (*RULES, *SCALE_RULES)} == {reason for reason, _ in DEFECTS.values()}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_rejected_for_its_reason(name: str) -> None:
    reason, make = DEFECTS[name]
    case = main_image() if name in ON_WHITE else good() if name in READ else good().unread()
    measured = make(case, STRENGTHS[-1]).measured()
    assert (reason in decide(measured, case.limits())) == (name not in UNTOLD)
    assert all(np.isfinite(value) for value in measured.values())


def test_scale_is_measured_by_what_was_drawn_and_not_guessed() -> None:
    shown = good().unread()
    assert shown.px_per_cm is not None
    own = shown.measured()["scale_in_scene"]
    assert own == pytest.approx(max(shown.box.width, shown.box.height) / (24 * shown.px_per_cm))
    unknown = replace(shown, order=replace(shown.order, spec=replace(shown.order.spec, size_cm=None)))
    for case in (unknown, replace(shown, px_per_cm=None), good(setting="studio_sweep").unread()):
        assert "scale_in_scene" not in case.measured()
    factor = {name: DEFECTS[name][1](shown, 2).measured()["scale_in_scene"] / own for name in SCALED}
    assert factor == {
        "too large for its scene": pytest.approx(2, abs=0.05),
        "too small for its scene": pytest.approx(1 / 3, abs=0.02),
    }


def test_what_was_set_is_read_and_another_persona_looks_different() -> None:
    measured = replace(good(), others=(good(3, "beach_sand").look(),)).measured()
    assert measured["text_misread"] == measured["digits_misread"] == 0
    assert decide(measured, Thresholds()) == []


@pytest.mark.parametrize("share", [1.0, 0.72, 0.861])
def test_the_pasted_pixels_are_found_again_for_every_rounding(share: float) -> None:
    cutout = mug()
    for side in range(300, 330):
        placed = place_product(cutout, Canvas(400, 400), Box(10, 10, 10 + side, 390), share=share)
        box = placed.box
        there = placed.rgba[box.top : box.bottom, box.left : box.right]
        np.testing.assert_array_equal(placed_pixels(cutout, box), there)
    with pytest.raises(ValueError, match="belongs to another cut-out"):
        placed_pixels(cutout, Box(0, 0, box.width, box.height + 3))


def test_without_text_nothing_is_held_against_it() -> None:
    measured = replace(good(), texts=()).measured()
    assert measured["text_contrast_min"] == measured["text_contrast_seen"] == NO_TEXT_CONTRAST
    assert measured["text_product_overlap_px"] == measured["clutter_text"] == 0
    assert decide(measured, Thresholds()) == []


def test_sizes_are_those_of_the_product() -> None:
    case = good()
    measured = case.measured()
    assert measured["product_share"] == pytest.approx(float((case.alpha > 0.5).mean()), abs=0.002)
    opaque_rows = np.flatnonzero((case.cutout[..., 3] > 127).any(axis=1))
    assert measured["upscale"] == pytest.approx(case.box.height / np.ptp(opaque_rows), rel=0.02)
    assert measured["product_margin_px"] == min(
        case.box.left, case.box.top, 640 - case.box.right, 640 - case.box.bottom
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda case: (b"no picture", case.cutout, case.box), "cannot be decoded"),
        (lambda case: (None, case.cutout, Box(0, 0, 1200, 100)), "outside the picture"),
        (lambda case: (None, case.cutout, Box(0, 0, 300, 40)), "another cut-out"),
        (lambda case: (None, np.zeros((9, 9, 4), np.uint8), case.box), "no opaque pixel"),
    ],
)
def test_bad_input_is_named(
    change: Callable[[Case], tuple[bytes | None, np.ndarray, Box]], message: str
) -> None:
    jpeg, cutout, box = change(good())
    jpeg = jpeg or encode_jpeg(good().rgb, alt_text="")
    with pytest.raises(ValueError, match=message):
        measure(jpeg, cutout, box, [], overflow=False, changed_core_px=0)
