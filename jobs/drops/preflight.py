"""What each channel's published rules say of a picture, and whether a picture keeps them: pure, bytes in, words out.

A slot is a place that a channel has for a picture: its main image, an additional one. Sources: Google Merchant Center
Help, "Image link [image_link]", "Additional image link", "Lifestyle image link" and "AI-generated content"; Amazon
Seller Central, "Product image guide" and "Image file naming"; Meta Business Help, "Product image specifications" and
"Catalog fields"; Meta Ads Guide, "Feed image ads" and "Stories image ads" (Facebook and Instagram).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from schemas.vocabulary import SOURCE_TYPE_BASE

ChannelName = Literal["google_merchant", "amazon", "meta", "social"]
_WHITE = 255
_NOT_PRODUCT = 250
"""Levels from which a pixel of a white picture counts as ground, past the noise of the JPEG."""


@dataclass(frozen=True)
class PictureFile:
    """What the rules ask of one file; `white_border` and `fill` (0..1) are told of white pictures only."""

    look: str
    format: str
    width_px: int
    height_px: int
    bytes: int
    says_made_by_machine: bool
    white_border: bool = False
    fill: float = 0.0


def read_picture(data: bytes, look: str) -> PictureFile:
    """A picture file by its own bytes; `look` is its placement's: text, plain or white."""
    with Image.open(BytesIO(data)) as picture:
        kind, (width, height) = str(picture.format), picture.size
        border, fill = _white(np.asarray(picture.convert("L"))) if look == "white" else (False, 0.0)
    return PictureFile(look, kind, width, height, len(data), SOURCE_TYPE_BASE.encode() in data, border, fill)


def _white(grey: np.ndarray) -> tuple[bool, float]:
    """Whether the outermost pixels are pure white, and how much of its longer side the product takes."""
    ring = (grey[0], grey[-1], grey[:, 0], grey[:, -1])
    rows, columns = (np.flatnonzero((grey < _NOT_PRODUCT).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return all((side == _WHITE).all() for side in ring), 0.0
    fill = max((np.ptp(rows) + 1) / grey.shape[0], (np.ptp(columns) + 1) / grey.shape[1])
    return all((side == _WHITE).all() for side in ring), float(fill)


@dataclass(frozen=True)
class Rule:
    """One rule of a channel: `keeps` of a picture, what is allowed in words, and what was found instead."""

    name: str
    allowed: str
    source: str
    keeps: Callable[[PictureFile], bool]
    found: Callable[[PictureFile], str]


@dataclass(frozen=True)
class Slot:
    """A place for up to `at_most` pictures of these looks, in the order of preference.

    Google's and Meta's take no text laid over a picture, so none of the look `text`.
    """

    name: str
    looks: tuple[str, ...]
    at_most: int
    rules: tuple[Rule, ...]


def _format(source: str, *allowed: str) -> Rule:
    return Rule("format", ", ".join(allowed), source, lambda p: p.format in allowed, lambda p: p.format)


def _shorter_side(least: int, source: str) -> Rule:
    return Rule(
        "size",
        f"at least {least} x {least} px",
        source,
        lambda p: min(p.width_px, p.height_px) >= least,
        lambda p: f"{p.width_px} x {p.height_px} px",
    )


def _longer_side(least: int, most: int, source: str) -> Rule:
    return Rule(
        "size",
        f"longer side {least:,} to {most:,} px",
        source,
        lambda p: least <= max(p.width_px, p.height_px) <= most,
        lambda p: f"{p.width_px} x {p.height_px} px",
    )


def _file_size(most_mb: int, source: str) -> Rule:
    return Rule(
        "file_size",
        f"at most {most_mb} MB",
        source,
        lambda p: p.bytes <= most_mb * 1_000_000,
        lambda p: f"{p.bytes / 1e6:.1f} MB",
    )


def _ratio(narrowest: float, widest: float, tolerance: float, allowed: str, source: str) -> Rule:
    return Rule(
        "ratio",
        allowed,
        source,
        lambda p: narrowest * (1 - tolerance) <= p.width_px / p.height_px <= widest * (1 + tolerance),
        lambda p: f"{p.width_px} x {p.height_px} px",
    )


def _width(least: int, source: str) -> Rule:
    return Rule(
        "size",
        f"at least {least} px wide",
        source,
        lambda p: p.width_px >= least,
        lambda p: f"{p.width_px} x {p.height_px} px",
    )


_GOOGLE = "Google Merchant Center Help, Image link [image_link]"
_ANY, _ALL = ("text", "plain", "white"), 10**9
_GOOGLE_RULES = (
    _format(_GOOGLE, "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"),
    _shorter_side(250, _GOOGLE),
    Rule(
        "megapixels",
        "at most 64 megapixels",
        _GOOGLE,
        lambda p: p.width_px * p.height_px <= 64_000_000,
        lambda p: f"{p.width_px * p.height_px / 1e6:.0f} megapixels",
    ),
    _file_size(16, _GOOGLE),
    Rule(
        "made_by_machine",
        "metadata that says so (IPTC digital source type)",
        "Google Merchant Center Help, AI-generated content",
        lambda p: p.says_made_by_machine,
        lambda p: "no such metadata",
    ),
)
_AMAZON = "Amazon Seller Central, Product image guide"
_AMAZON_RULES = (_format(_AMAZON, "JPEG", "TIFF", "PNG", "GIF"), _longer_side(1000, 10_000, _AMAZON))
_META = "Meta Business Help, Product image specifications"
_FEED, _STORY = "Meta Ads Guide, Feed image ads", "Meta Ads Guide, Stories image ads"
_META_RULES = (_format(_META, "JPEG", "PNG"), _shorter_side(500, _META), _file_size(8, _META))

SLOTS: dict[ChannelName, tuple[Slot, ...]] = {
    "google_merchant": (
        Slot("lifestyle_image_link", ("plain",), 1, _GOOGLE_RULES),
        Slot("additional_image_link", ("plain", "white"), 10, _GOOGLE_RULES),
    ),
    "amazon": (
        Slot(
            "MAIN",
            ("white",),
            1,
            (
                *_AMAZON_RULES,
                Rule(
                    "white_background",
                    "pure white (RGB 255, 255, 255)",
                    _AMAZON,
                    lambda p: p.white_border,
                    lambda p: "another colour at the border",
                ),
                Rule(
                    "fills_the_frame",
                    "product at least 85 % of the frame",
                    _AMAZON,
                    lambda p: p.fill >= 0.85,
                    lambda p: f"{100 * p.fill:.0f} %",
                ),
            ),
        ),
        Slot("PT", ("plain", "text"), 8, _AMAZON_RULES),
    ),
    "meta": (
        Slot("image_link", ("white", "plain"), 1, _META_RULES),
        Slot("additional_image_link", ("plain", "white"), 20, _META_RULES),
    ),
    "social": (
        Slot(
            "feed",
            _ANY,
            _ALL,
            (
                _format(_FEED, "JPEG", "PNG"),
                _ratio(4 / 5, 1.91, 0.03, "4:5 to 1.91:1, within 3 %", _FEED),
                _width(600, _FEED),
                _file_size(30, _FEED),
            ),
        ),
        Slot(
            "story",
            _ANY,
            _ALL,
            (
                _format(_STORY, "JPEG", "PNG"),
                _ratio(9 / 16, 9 / 16, 0.01, "9:16, within 1 %", _STORY),
                _width(500, _STORY),
                _file_size(30, _STORY),
            ),
        ),
    ),
}


def social_slot(picture: PictureFile) -> Slot:
    """The place on a social network that a picture's shape is for."""
    feed, story = SLOTS["social"]
    return story if picture.height_px > 1.5 * picture.width_px else feed
