"""Words that several tables share and that Spark and Python must spell alike."""

from __future__ import annotations

SOURCE_TYPE_BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""IPTC NewsCodes: how a picture was made is a word behind this."""
COMPOSITE_SYNTHETIC = SOURCE_TYPE_BASE + "compositeSynthetic"
"""A composite that includes synthetic elements: a photographed product in a scene drawn by code."""
COMPOSITE_TRAINED = SOURCE_TYPE_BASE + "compositeWithTrainedAlgorithmicMedia"
"""A composite that includes elements made by a trained model: a product in a diffusion model's scene."""


def price_band(price_minor: int) -> str:
    """The band of a price: `p` and the power of two at or below it in major units, for instance 13.00 -> p3.

    Takes minor units (cents), greater than 0. A band is as wide as its lower bound, which is how prices are felt:
    the step from 4 to 8 is the step from 40 to 80. Integer arithmetic, so that no rounding moves a border.
    """
    if price_minor <= 0:
        raise ValueError(f"price_minor is {price_minor}; a price is positive")
    if price_minor >= 100:
        return f"p{(price_minor // 100).bit_length() - 1}"
    # floor(log2(x)) = -ceil(log2(1 / x)) for prices below one
    power = 0
    while price_minor << power < 100:
        power += 1
    return f"p-{power}"


def category_levels(category: str) -> list[str]:
    """A category path and all its parents, lower case, widest first: ['drinks', 'drinks > coffee']."""
    levels = category.lower().split(" > ")
    return [" > ".join(levels[:n]) for n in range(1, len(levels) + 1)]


def product_value(merchant_id: str, sku: str) -> str:
    """A product as a value of segment_affinity: 'roastery/RO-101', spelt as the catalog spells it."""
    return f"{merchant_id}/{sku}"
