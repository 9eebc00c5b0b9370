"""From what was measured of a source picture to its treatment: cut-out, framed, or none, with reasons. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEVER = ("blank_image", "too_small_in_frame")
"""Reasons of the cut-out after which a whole photograph would show nothing either."""


@dataclass(frozen=True)
class Limits:
    """What a photograph must measure to be shown whole. Part of the revision of views."""

    min_short_side_px: float = 300
    """A print is some 450 to 900 pixels wide on a canvas of 1024; below this it looks soft."""
    max_long_over_short: float = 2.4
    min_sharpness: float = 1.25
    min_contrast: float = 8
    max_clipped_dark: float = 0.9
    max_clipped_light: float = 0.92


@dataclass(frozen=True)
class Rule:
    """One reason for refusing a photograph: a measurement on the wrong side of a limit."""

    reason: str
    measurement: str
    limit: str
    words: str


RULES = (
    Rule("photo_too_small", "short_side_px", "min_short_side_px", "shorter side in pixels"),
    Rule("photo_too_long", "long_over_short", "max_long_over_short", "longer over shorter side"),
    Rule("photo_blurred", "sharpness", "min_sharpness", "sharpness"),
    Rule("photo_flat", "contrast", "min_contrast", "range of lightness"),
    Rule("photo_too_dark", "clipped_dark", "max_clipped_dark", "share of black"),
    Rule("photo_burnt_out", "clipped_light", "max_clipped_light", "share of white"),
)


@dataclass(frozen=True)
class Admission:
    """treatment cutout, framed or None (refused); reasons: why no cut-out, then why not framed; detail in words."""

    treatment: str | None
    reasons: tuple[str, ...]
    detail: str | None


def admit(
    cut_reason: str | None,
    cut_detail: str | None,
    measured: Mapping[str, float],
    limits: Limits | None = None,
) -> Admission:
    """The treatment of a picture whose cut-out was refused for `cut_reason` (None: it succeeded)."""
    if cut_reason is None:
        return Admission("cutout", (), None)
    if cut_reason in NEVER:
        return Admission(None, (cut_reason,), cut_detail)
    limits = limits or Limits()
    broken = [rule for rule in RULES if _is_broken(rule, measured, limits)]
    told = [cut_detail or cut_reason]
    told += [
        f"{rule.words} {measured[rule.measurement]:.3g}, {'at least' if rule.limit.startswith('min_') else 'at most'} "
        f"{getattr(limits, rule.limit):.3g} is asked of a photograph shown whole"
        for rule in broken
    ]
    reasons = (cut_reason, *dict.fromkeys(rule.reason for rule in broken))
    return Admission(None if broken else "framed", reasons, "; ".join(told))


def _is_broken(rule: Rule, measured: Mapping[str, float], limits: Limits) -> bool:
    value, limit = measured[rule.measurement], getattr(limits, rule.limit)
    return not (value >= limit if rule.limit.startswith("min_") else value <= limit)
