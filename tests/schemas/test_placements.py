"""Placements: what a channel forbids, and which placements are windows of one scene."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from infra.settings import load_config
from schemas.config import Config, Merchant, Paths, Placement
from schemas.feed_config import ProductFeed, SegmentRule, SegmentSource
from schemas.model_config import Diffusion, Scene
from tests.tiny_night import CONFIGS

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


def config_of(*names: str, scene: Scene | None = None) -> Config:
    feed = ProductFeed(
        path="f", format="csv", fields={"sku": "a", "title": "b", "category": "c", "price": "d"}
    )
    shop = Merchant(id="m", name="M", placements=names, segment_sources=("s",), currency="EUR", feed=feed)
    rule = SegmentRule(id="a", name="A", description="All.", where="true")
    users = {"path": "u", "format": "csv", "fields": {"user_id": "id"}}
    source = SegmentSource(id="s", kind="rules", rules=(rule,), users=users)  # type: ignore[arg-type]
    return Config(
        paths=Paths(data_root="."),
        placements=SIZES,
        merchants=(shop,),
        segment_sources=(source,),
        scene=scene or Scene(),
    )


def scenes(*names: str) -> dict[str, tuple[int, bool]]:
    config = config_of(*names)
    return {name: config.scene_of(config.merchants[0], name) for name in names}


def painted(*shapes: tuple[int, int]) -> Scene:
    return Scene(backend="diffusion", diffusion=Diffusion(model="m", shapes=shapes))


def test_every_placement_is_painted_in_one_of_the_shapes() -> None:
    names = ("square", "white", "portrait", "story", "low")
    shapes = ((1024, 1024), (896, 1120), (768, 1360), (1408, 736))
    config = config_of(*names, scene=painted(*shapes))
    assert config.painted_shapes() == {
        (1024, 1024): (1024, 1024),
        (1080, 566): (1408, 736),
        (1080, 1920): (768, 1360),
    }, "a portrait is a window of the story's scene, and what stands on white is not painted"
    assert config_of(*names).painted_shapes() == {}
    derived = config_of("portrait", scene=painted()).painted_shapes()
    assert derived == {(1080, 1350): (928, 1152)}, "without a list, each form is a shape of its own"
    with pytest.raises(ValidationError, match=r"none has the form of 1080 x 1920; add \[768, 1376\]"):
        config_of("square", "story", scene=painted((1024, 1024), (896, 1120)))
    with pytest.raises(ValidationError, match="multiple of 8"):
        painted((1000, 1001))


def test_the_gpu_profiles_paint_in_named_shapes_only() -> None:
    for name in ("gpu.toml", "gpu_tiny.toml"):
        config = load_config(CONFIGS / name)
        assert config.scene.diffusion is not None
        assert set(config.painted_shapes().values()) <= set(config.scene.diffusion.shapes)
        assert len(config.painted_shapes()) == 2


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
