"""Placements: what a channel forbids, and which placements are windows of one scene."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.config import Config, Merchant, Paths, Placement
from schemas.feed_config import ProductFeed, SegmentRule, SegmentSource

SIZES = {
    "square": Placement(width_px=1024, height_px=1024),
    "square_plain": Placement(width_px=1024, height_px=1024, look="plain"),
    "white": Placement(width_px=1024, height_px=1024, look="white", channel="main_image"),
    "portrait": Placement(width_px=1080, height_px=1350, channel="social"),
    "portrait_plain": Placement(width_px=1080, height_px=1080, look="plain"),
    "story": Placement(width_px=1080, height_px=1920, channel="social"),
    "low": Placement(width_px=1080, height_px=566),
    "landscape": Placement(width_px=1200, height_px=628),
}


def scenes(*names: str) -> dict[str, tuple[int, bool]]:
    feed = ProductFeed(
        path="f", format="csv", fields={"sku": "a", "title": "b", "category": "c", "price": "d"}
    )
    shop = Merchant(id="m", name="M", placements=names, segment_sources=("s",), currency="EUR", feed=feed)
    rule = SegmentRule(id="a", name="A", description="All.", where="true")
    users = {"path": "u", "format": "csv", "fields": {"user_id": "id"}}
    source = SegmentSource(id="s", kind="rules", rules=(rule,), users=users)  # type: ignore[arg-type]
    config = Config(
        paths=Paths(data_root="."), placements=SIZES, merchants=(shop,), segment_sources=(source,)
    )
    return {name: config.scene_of(shop, name) for name in names}


def test_a_main_image_must_not_carry_text() -> None:
    with pytest.raises(ValidationError, match="main_image forbids text"):
        Placement(width_px=1000, height_px=1000, channel="main_image")
    assert SIZES["white"].one_a_product and not SIZES["square_plain"].one_a_product


def test_placements_of_one_width_are_windows_of_the_tallest() -> None:
    assert scenes("portrait", "story", "portrait_plain", "low", "landscape") == {
        "portrait": (1920, True),
        "story": (1920, True),
        "portrait_plain": (1080, False),
        "low": (566, True),
        "landscape": (628, True),
    }
    assert scenes("square", "square_plain") == {"square": (1024, True), "square_plain": (1024, False)}


def test_a_scene_without_any_text_leaves_no_room_for_it() -> None:
    assert scenes("square_plain", "white") == {"square_plain": (1024, False), "white": (1024, False)}
    assert scenes("portrait_plain", "low")["portrait_plain"] == (1080, False)
