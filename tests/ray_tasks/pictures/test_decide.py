from __future__ import annotations

import math
from dataclasses import fields

import pytest

from ray_tasks.pictures.decide import (
    JUDGED,
    MODEL_RULES,
    RULES,
    SCALE_RULES,
    Rule,
    Thresholds,
    broken_rules,
    decide,
    explain,
)

LIMITS = Thresholds()
GOOD = {
    rule.measurement: getattr(LIMITS, rule.limit) + (1.0 if rule.limit.startswith("min_") else -1.0)
    for rule in RULES
}


def test_a_picture_within_all_limits_is_accepted() -> None:
    assert decide(GOOD, LIMITS) == []
    assert explain(GOOD, LIMITS) == ""
    on_the_limit = {rule.measurement: getattr(LIMITS, rule.limit) for rule in RULES}
    assert decide(on_the_limit, LIMITS) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.limit)
def test_each_limit_rejects_for_its_own_reason(rule: Rule) -> None:
    limit = getattr(LIMITS, rule.limit)
    beyond = limit - 0.001 if rule.limit.startswith("min_") else limit + 0.001
    assert decide(GOOD | {rule.measurement: beyond}, LIMITS) == [rule.reason]
    of_it = dict.fromkeys(other.reason for other in RULES if other.measurement == rule.measurement)
    assert decide(GOOD | {rule.measurement: math.nan}, LIMITS) == list(of_it)


def test_only_on_white_the_ground_has_to_be_white() -> None:
    grey = GOOD | {"product_extent": 0.9, "clipped_light_share": 0.1}
    assert decide(grey, LIMITS) == []
    assert decide(grey, LIMITS.of_look("white")) == ["ground_not_white"]
    assert decide(grey | {"clipped_light_share": 1.0}, LIMITS.of_look("white")) == []


def test_reasons_come_once_and_weightiest_first() -> None:
    bad = GOOD | {"fidelity_mean_abs": 40.0, "fidelity_p95_abs": 90.0, "overflow": 1.0, "noise": 99.0}
    assert decide(bad, LIMITS) == ["product_changed", "text_overflow", "noisy_background"]
    assert len(broken_rules(bad, LIMITS)) == 4


def test_the_explanation_holds_values_and_limits() -> None:
    bad = GOOD | {"text_contrast_min": 2.91, "overflow": 1.0}
    assert explain(bad, LIMITS) == (
        "text_overflow: texts that do not fit 1, at most 0 is asked; "
        "low_contrast: contrast of the text with its ground 2.91, at least 4.5 is asked"
    )


def test_limits_can_be_replaced_by_name() -> None:
    strict = Thresholds.with_overrides({"min_text_contrast_min": 7})
    assert strict.min_text_contrast_min == 7.0 and strict.max_noise == LIMITS.max_noise
    assert decide(GOOD | {"text_contrast_min": 5.5}, strict) == ["low_contrast"]
    assert Thresholds.with_overrides({}) == LIMITS


def test_an_unknown_limit_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"min_beauty unknown; known are .*max_noise.*min_separation"):
        Thresholds.with_overrides({"min_beauty": 1.0})


def test_every_limit_is_used_and_a_missing_measurement_is_an_error() -> None:
    assert {rule.limit for rule in (*RULES, *SCALE_RULES, *MODEL_RULES)} == {
        field.name for field in fields(Thresholds)
    }
    with pytest.raises(KeyError):
        decide({}, LIMITS)


@pytest.mark.parametrize("rule", SCALE_RULES, ids=lambda rule: rule.limit)
def test_scale_is_judged_only_where_it_is_known(rule: Rule) -> None:
    limit = getattr(LIMITS, rule.limit)
    beyond = limit - 0.01 if "min" in rule.limit else limit + 0.01
    assert decide(GOOD, LIMITS) == decide(GOOD | {"scale_in_scene": limit}, LIMITS) == []
    assert decide(GOOD | {"scale_in_scene": beyond}, LIMITS) == ["wrong_scale"]
    assert "wrong_scale: times the size in proportion" in explain(GOOD | {"scale_in_scene": beyond}, LIMITS)


@pytest.mark.parametrize("rule", MODEL_RULES, ids=lambda rule: rule.measurement)
def test_what_models_measure_is_judged_only_where_it_was_measured(rule: Rule) -> None:
    strict = Thresholds.with_overrides({"min_setting_similarity": 0.2, "max_twin_similarity": 0.95})
    limit = getattr(strict, rule.limit)
    for value, reasons in (
        (limit, []),
        (limit - 0.01 if "min" in rule.limit else limit + 0.01, [rule.reason]),
    ):
        assert decide(GOOD | {rule.measurement: value}, strict) == reasons
    assert decide(GOOD, strict) == []


def test_a_judge_is_believed_no_further_than_its_measured_precision() -> None:
    says = {f"judge_{name}": 1.0 for name in JUDGED}
    assert decide(GOOD | says | {f"judged_{name}": 0.0 for name in JUDGED}, LIMITS) == [], "never measured"
    known = {"judged_floating": 0.95, "judged_unreadable": 0.7}
    assert decide(GOOD | says | known, LIMITS) == ["judged_floating"]
    assert decide(GOOD | says | known, Thresholds.with_overrides({"max_judged": 0.6})) == [
        "judged_floating",
        "judged_unreadable",
    ]
    on_white = {"clipped_light_share": 1.0}
    assert decide(GOOD | says | known | on_white, LIMITS.of_look("white")) == []
    assert "precision of the judge that says a floating product: 0.95" in explain(GOOD | says | known, LIMITS)
