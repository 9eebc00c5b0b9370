"""From measurements to a decision: reason codes in the order of their weight; none means accepted. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from ray_tasks.pictures.flaws import MAX_CRUMB_SHARE, MAX_CUT_SIDE

SCALED = 1.2
"""Times the limits of a cut-out: scaled into a picture it measures a little other than by itself."""


@dataclass(frozen=True)
class Thresholds:
    """The limits: min_ or max_, then the measurement.

    Chosen on half of the sample shop's product families, between what good pictures measure there and what graded
    defects do; how well each defect is told on the other half stands in tests/benchmarks/RESULTS.md.
    """

    max_changed_core_px: float = 0
    max_fidelity_mean_abs: float = 6.0
    max_fidelity_p95_abs: float = 18.0
    max_fidelity_max_cell: float = 5.0
    min_product_share: float = 0.0085
    min_product_extent: float = 0.22
    min_product_room: float = 0.08
    min_product_margin_px: float = 12
    min_separation: float = 0.085
    min_separation_p20: float = 0.035
    max_cut_side: float = SCALED * MAX_CUT_SIDE
    max_crumb_share: float = SCALED * MAX_CRUMB_SHARE
    max_ground_contact: float = 0.85
    min_scale_in_scene: float = 0.45
    max_scale_in_scene: float = 4.5
    max_overflow: float = 0
    max_text_misread: float = 0.08
    max_digits_misread: float = 0
    min_thumbnail_line_px: float = 8.0
    min_thumbnail_contrast: float = 3.0
    max_baked_text: float = 0
    min_text_contrast_min: float = 4.5
    min_text_contrast_seen: float = 3.5
    max_text_product_overlap_px: float = 0
    max_text_text_overlap_px: float = 0
    min_text_margin_px: float = 12
    max_clutter_product: float = 4.0
    max_clutter_text: float = 2.5
    min_clipped_light_share: float = -1.0
    max_clipped_light_share: float = 0.20
    max_clipped_dark_share: float = 0.10
    min_background_deviation: float = 4.0
    max_noise: float = 3.0
    max_banding: float = 0.36
    min_twin_distance: float = 0.055
    max_colour_clash: float = 0.09
    max_brand_clash: float = 0.10
    min_sharpness: float = 1.42
    max_halo: float = 34.0
    min_setting_similarity: float = -1.0
    max_twin_similarity: float = 1.0
    max_judged: float = 0.9

    @classmethod
    def with_overrides(cls, overrides: Mapping[str, float]) -> Self:
        """The defaults with some limits replaced. Raises ValueError for a name that is no limit."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(overrides) - set(known)):
            raise ValueError(
                f"quality.thresholds: {', '.join(unknown)} unknown; known are {', '.join(sorted(known))}"
            )
        return replace(cls(), **{name: float(value) for name, value in overrides.items()})

    def of_look(self, look: str | None) -> Self:
        """The limits for a picture's look: on white, the ground is blank on purpose and the frame is filled."""
        if look != "white":
            return self
        return replace(
            self,
            min_product_extent=0.85,
            min_separation=0.0,
            min_separation_p20=0.0,
            max_ground_contact=math.inf,
            min_clipped_light_share=0.99,
            max_clipped_light_share=1.0,
            min_background_deviation=0.0,
            min_twin_distance=0.0,
            min_setting_similarity=-1.0,
            max_twin_similarity=1.0,
            max_judged=1.0,
        )


@dataclass(frozen=True)
class Rule:
    """One reason for a rejection: a measurement on the wrong side of a limit."""

    reason: str
    measurement: str
    limit: str
    """Field of Thresholds; its prefix says on which side good pictures lie."""
    words: str
    """What was measured, for people."""

    def is_broken(self, measurements: Mapping[str, float], thresholds: Thresholds) -> bool:
        """Whether the measurement is beyond the limit; NaN is beyond every limit."""
        value, limit = measurements[self.measurement], getattr(thresholds, self.limit)
        return not (value >= limit if self.limit.startswith("min_") else value <= limit)

    def sentence(self, measurements: Mapping[str, float], thresholds: Thresholds) -> str:
        """For instance `low_contrast: text contrast 2.9, at least 4.5 is asked`."""
        side = "at least" if self.limit.startswith("min_") else "at most"
        value, limit = measurements[self.measurement], getattr(thresholds, self.limit)
        return f"{self.reason}: {self.words} {value:.3g}, {side} {limit:.3g} is asked"


RULES = (
    Rule(
        "product_changed", "changed_core_px", "max_changed_core_px", "product pixels changed by composition"
    ),
    Rule("product_changed", "fidelity_mean_abs", "max_fidelity_mean_abs", "mean difference from the product"),
    Rule(
        "product_changed",
        "fidelity_p95_abs",
        "max_fidelity_p95_abs",
        "95th percentile of differences from the product",
    ),
    Rule(
        "product_changed",
        "fidelity_max_cell",
        "max_fidelity_max_cell",
        "difference from the product in its most changed spot",
    ),
    Rule("text_overflow", "overflow", "max_overflow", "texts that do not fit"),
    Rule("text_misread", "text_misread", "max_text_misread", "share of an element's letters read otherwise"),
    Rule("text_misread", "digits_misread", "max_digits_misread", "digits read otherwise"),
    Rule("baked_text", "baked_text", "max_baked_text", "advertising texts in the source picture"),
    Rule(
        "text_over_product",
        "text_product_overlap_px",
        "max_text_product_overlap_px",
        "product pixels under text",
    ),
    Rule("texts_overlap", "text_text_overlap_px", "max_text_text_overlap_px", "pixels shared by two texts"),
    Rule("text_near_border", "text_margin_px", "min_text_margin_px", "pixels between text and border"),
    Rule(
        "low_contrast", "text_contrast_min", "min_text_contrast_min", "contrast of the text with its ground"
    ),
    Rule("low_contrast", "text_contrast_seen", "min_text_contrast_seen", "contrast seen in the final text"),
    Rule(
        "illegible_thumbnail",
        "thumbnail_line_px",
        "min_thumbnail_line_px",
        "pixels of the headline's line height in a thumbnail",
    ),
    Rule(
        "illegible_thumbnail",
        "thumbnail_contrast",
        "min_thumbnail_contrast",
        "contrast of the headline in a thumbnail",
    ),
    Rule("cut_out_crumbs", "crumb_share", "max_crumb_share", "share of the product in loose crumbs"),
    Rule("product_cut", "cut_side", "max_cut_side", "share of a side along which the product is cut"),
    Rule(
        "product_near_border",
        "product_margin_px",
        "min_product_margin_px",
        "pixels between product and border",
    ),
    Rule("product_too_small", "product_share", "min_product_share", "product's share of the picture"),
    Rule(
        "product_too_small",
        "product_extent",
        "min_product_extent",
        "product's longer side as a share of the picture",
    ),
    Rule(
        "product_too_large",
        "product_room",
        "min_product_room",
        "share of the width or height that the product leaves free",
    ),
    Rule(
        "floating_product",
        "ground_contact",
        "max_ground_contact",
        "light right under the product over that further down",
    ),
    Rule("low_separation", "separation", "min_separation", "colour distance of product and background"),
    Rule(
        "low_separation",
        "separation_p20",
        "min_separation_p20",
        "colour distance of product and background along the weakest fifth of the outline",
    ),
    Rule("edge_halo", "halo", "max_halo", "fringe on the product's edge"),
    Rule("blurry_product", "sharpness", "min_sharpness", "sharpness of the product"),
    Rule("cluttered", "clutter_product", "max_clutter_product", "unrest around the product"),
    Rule("cluttered", "clutter_text", "max_clutter_text", "unrest around the text"),
    Rule("ground_not_white", "clipped_light_share", "min_clipped_light_share", "share of white background"),
    Rule("overexposed", "clipped_light_share", "max_clipped_light_share", "share of burnt-out background"),
    Rule("underexposed", "clipped_dark_share", "max_clipped_dark_share", "share of black background"),
    Rule(
        "blank_background", "background_deviation", "min_background_deviation", "liveliness of the background"
    ),
    Rule("noisy_background", "noise", "max_noise", "noise of the background"),
    Rule("banding", "banding", "max_banding", "steps in the background's tones"),
    Rule("colour_clash", "colour_clash", "max_colour_clash", "chroma around across the product's hue"),
    Rule(
        "brand_clash", "brand_clash", "max_brand_clash", "chroma around across the nearest brand colour's hue"
    ),
    Rule(
        "near_duplicate",
        "twin_distance",
        "min_twin_distance",
        "colour distance to the product's picture for another persona",
    ),
)
"""In the order of their weight: the first broken one names the rejection."""

SCALE_RULES = (
    Rule(
        "wrong_scale",
        "scale_in_scene",
        "min_scale_in_scene",
        "times the size in proportion to what is around",
    ),
    Rule(
        "wrong_scale",
        "scale_in_scene",
        "max_scale_in_scene",
        "times the size in proportion to what is around",
    ),
)
"""Behind all others, where the product's size and the scene's scale are known."""

JUDGED = {
    "unsafe": "an unsafe picture",
    "wrong_count": "a wrong number of products",
    "extended_product": "a product that the scene goes on with",
    "floating": "a floating product",
    "unreadable": "unreadable words",
}
"""What a judge is asked -> what it says with a yes, weightiest first."""
MODEL_RULES = (
    *(
        Rule(f"judged_{name}", f"judged_{name}", "max_judged", f"precision of the judge that says {told}:")
        for name, told in JUDGED.items()
    ),
    Rule("near_duplicate", "twin_similarity", "max_twin_similarity", "likeness to another persona's picture"),
    Rule(
        "off_scene", "setting_similarity", "min_setting_similarity", "likeness of the picture to its setting"
    ),
)
"""Of what models measure, behind all others, where a model is configured. `judged_...` is the least precision that the
judge's yes was measured to have, 0 where it said no or was never measured: so what it says counts by its record."""


def broken_rules(measurements: Mapping[str, float], thresholds: Thresholds) -> list[Rule]:
    """The rules that a picture breaks, weightiest first."""
    seen = (rule for rule in (*SCALE_RULES, *MODEL_RULES) if rule.measurement in measurements)
    return [rule for rule in (*RULES, *seen) if rule.is_broken(measurements, thresholds)]


def decide(measurements: Mapping[str, float], thresholds: Thresholds) -> list[str]:
    """Reason codes of a rejection, weightiest first; an empty list accepts the picture."""
    return list(dict.fromkeys(rule.reason for rule in broken_rules(measurements, thresholds)))


def decide_early(measurements: Mapping[str, float], thresholds: Thresholds) -> list[str]:
    """The reason codes of a rejection that are certain by some of the measurements, before all are known."""
    known = [rule for rule in RULES if rule.measurement in measurements]
    return list(dict.fromkeys(rule.reason for rule in known if rule.is_broken(measurements, thresholds)))


def explain(measurements: Mapping[str, float], thresholds: Thresholds) -> str:
    """All reasons with values and limits, in words."""
    return "; ".join(
        rule.sentence(measurements, thresholds) for rule in broken_rules(measurements, thresholds)
    )
