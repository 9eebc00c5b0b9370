"""From what was measured of a source picture to its treatment: cut-out, framed, or none, with reasons. Pure.

And whether a photograph that is framed may also be a main image, its ground lifted to white.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ray_tasks.pictures.flaws import MAX_CRUMB_SHARE

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


ON_WHITE_AFTER = frozenset(
    {"low_quality", "ground_in_cutout", "outline_torn", "cutout_disputed", "shadow_merges"}
)
"""Reasons of the cut-out after which a photograph may still be a main image; after the others the picture itself is
none: a person, a scene, a product that the border cuts."""


@dataclass(frozen=True)
class WhiteLimits:
    """What a photograph on white must measure (`white_ground.Lifted`) to be a main image; part of the views' revision.

    Chosen by looking at the 71 photographs of the three real shops that stand on a light ground.
    """

    min_white_ground: float = 225
    """A ground that is darker is no white one that was lit too little."""
    min_white_border: float = 0.96
    """A little shade may lie on the border, where it is faded out."""
    max_white_cut: float = 0.004
    max_white_noise: float = 6
    max_white_lighter: float = 0.02
    """A white product before light grey melts into white."""
    max_white_lost: float = 0.02
    """Joints of a wall, folds of a cloth, and the seams of a white product that runs into its ground."""
    max_white_left: float = 0.01
    max_white_shade: float = 0.6
    """Beyond it, it is rather another ground: a card behind the product, a sheet under it."""
    max_white_crumbs: float = MAX_CRUMB_SHARE
    max_white_side: float = 0.01
    """On white even a shade that ends in a straight line is seen."""
    max_white_captions: float = 0
    """A main image may bear no text but the product's own."""


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


def stands_on_white(measured: Mapping[str, float], limits: WhiteLimits | None = None) -> bool:
    """Whether a photograph of these measurements may be a main image."""
    limits = limits or WhiteLimits()
    names = [field.name for field in fields(limits)]
    return all(_holds(measured[name[4:]], name, getattr(limits, name)) for name in names)


def _is_broken(rule: Rule, measured: Mapping[str, float], limits: Limits) -> bool:
    return not _holds(measured[rule.measurement], rule.limit, getattr(limits, rule.limit))


def _holds(value: float, name: str, limit: float) -> bool:
    """Whether a value is on the good side of a limit, by its name; NaN is not."""
    return value >= limit if name.startswith("min_") else value <= limit
