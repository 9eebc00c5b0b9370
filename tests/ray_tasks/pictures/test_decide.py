from __future__ import annotations

import math
from dataclasses import fields

import pytest

from ray_tasks.pictures.decide import RULES, Rule, Thresholds, broken_rules, decide, explain

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
    for value in (beyond, math.nan):
        assert decide(GOOD | {rule.measurement: value}, LIMITS) == [rule.reason]


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
    assert {rule.limit for rule in RULES} == {field.name for field in fields(Thresholds)}
    with pytest.raises(KeyError):
        decide({}, LIMITS)
