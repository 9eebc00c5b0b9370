"""Treatment of a source picture: one row a reason, and the words that say why."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ray_tasks.pictures.admit import RULES, WhiteLimits, admit, stands_on_white

GOOD = {
    "short_side_px": 600.0,
    "long_over_short": 1.5,
    "sharpness": 2.4,
    "contrast": 70.0,
    "clipped_dark": 0.01,
    "clipped_light": 0.3,
}


def test_a_good_cut_out_needs_no_frame() -> None:
    assert admit(None, "contour on edges 0.99", GOOD) == admit(None, None, {})
    assert admit(None, None, GOOD).treatment == "cutout"


def test_a_good_photograph_that_cannot_be_cut_is_framed_and_says_why() -> None:
    admission = admit("touches_border", "the image cuts the product along 15% of one side", GOOD)
    assert (admission.treatment, admission.reasons) == ("framed", ("touches_border",))
    assert admission.detail and "15%" in admission.detail


@pytest.mark.parametrize(
    ("measurement", "value", "reason"),
    [
        ("short_side_px", 240.0, "photo_too_small"),
        ("long_over_short", 4.0, "photo_too_long"),
        ("sharpness", 1.1, "photo_blurred"),
        ("sharpness", float("nan"), "photo_blurred"),
        ("contrast", 2.0, "photo_flat"),
        ("clipped_dark", 0.97, "photo_too_dark"),
        ("clipped_light", 0.99, "photo_burnt_out"),
    ],
)
def test_a_bad_photograph_is_refused_with_both_reasons(measurement: str, value: float, reason: str) -> None:
    admission = admit("low_quality", "contour on edges 0.4", GOOD | {measurement: value})
    assert (admission.treatment, admission.reasons) == (None, ("low_quality", reason))
    assert admission.detail and "is asked" in admission.detail


def test_every_rule_has_a_case_above() -> None:
    assert {rule.measurement for rule in RULES} == set(GOOD)


@pytest.mark.parametrize("reason", ["blank_image", "too_small_in_frame"])
def test_what_shows_nothing_is_not_framed(reason: str) -> None:
    assert admit(reason, "nothing stands out", GOOD).treatment is None


def test_every_limit_of_a_photograph_on_white_keeps_it_out() -> None:
    limits = {field.name: getattr(WhiteLimits(), field.name) for field in fields(WhiteLimits)}
    good = {name[4:]: limit for name, limit in limits.items()}
    assert stands_on_white(good)
    for name, limit in limits.items():
        beyond = limit - 0.001 if name.startswith("min_") else limit + 0.001
        assert not stands_on_white(good | {name[4:]: beyond}), name
        assert not stands_on_white(good | {name[4:]: float("nan")}), name
