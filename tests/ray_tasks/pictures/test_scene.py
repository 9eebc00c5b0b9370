from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.arrangements import ARRANGEMENTS
from ray_tasks.pictures.component_scene import DRAWERS, ComponentScene, plan_stage
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.light import LIGHT_SETUPS
from ray_tasks.pictures.palette import oklab_from_srgb
from ray_tasks.pictures.picture import Base, draw_base, render_picture, set_text
from ray_tasks.pictures.props import FAR
from ray_tasks.pictures.props_small import STREWN
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LIGHTS, MOODS, PROPS, SEASONS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(320, 320)
TEXT = TextSpec("Dry feet on every trail", ("Only 420 g",), "New in", "See it", "en")
SPEC = SceneSpec("wood_table", "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ("coffee_beans",))


@functools.cache
def base(setting: str, light: str = "studio_soft", mood: str = "calm", seed: int = 7) -> Base:
    spec = SceneSpec(setting, light, "autumn", mood, ("#4f78a8", "#e08a4a"), ("plant", "leaves"))
    return draw_base(bottle(), spec, [TEXT], CANVAS, "headline_left", ComponentScene(), seed)


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    return oklab_from_srgb(cv2.resize(rgb, (24, 24), interpolation=cv2.INTER_AREA) / 255.0)


def test_every_word_of_the_vocabulary_has_a_drawer() -> None:
    assert set(DRAWERS) == set(SETTINGS)
    assert set(LIGHT_SETUPS) == set(LIGHTS)
    assert set(STREWN) | set(FAR) | {"none"} == set(PROPS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_setting_is_a_full_picture_with_the_product_apart_from_it(setting: str) -> None:
    drawn = base(setting)
    assert drawn.scene_rgb.shape == (320, 320, 3) and drawn.scene_rgb.dtype == np.uint8
    assert drawn.scene_rgb.std() > 6
    alpha = drawn.placed.rgba[..., 3]
    box = drawn.placed.box
    ring = (cv2.dilate(alpha, np.ones((9, 9), np.uint8)) > 0) & (alpha == 0)
    rim = (alpha == 255) & (cv2.erode(alpha, np.ones((9, 9), np.uint8)) < 255)
    # Third by third: a wall brighter and a floor darker than the product have its colour in their mean.
    gaps = []
    for third in range(3):
        rows = slice(box.top + third * box.height // 4, box.top + (third + 1) * box.height // 4)
        behind, edge = (
            oklab_from_srgb(picture[rows][where[rows]][:, :3] / 255.0).mean(axis=0)
            for picture, where in ((drawn.scene_rgb, ring), (drawn.placed.rgba, rim))
        )
        gaps.append(np.linalg.norm(behind - edge))
    assert np.mean(gaps) > 0.10


def test_settings_differ_from_each_other() -> None:
    looks = [thumbnail(base(setting).scene_rgb) for setting in SETTINGS]
    for i, first in enumerate(looks):
        for second in looks[i + 1 :]:
            assert np.linalg.norm(first - second, axis=2).mean() > 0.03


@pytest.mark.parametrize("rgb", [(238, 170, 190), (150, 195, 235), (128, 128, 130)])
def test_no_product_sinks_into_its_background(rgb: tuple[int, int, int]) -> None:
    """A product in one colour, before every setting in that colour's own palette: OKLab difference of 0.09 at least."""
    plain = bottle(300, rgb=rgb)
    plain[..., :3] = rgb
    canvas = Canvas(192, 192)
    placed = place_product(plain, canvas, Box(60, 30, 132, 170))
    solid = (placed.rgba[..., 3] > 230).astype(np.uint8)
    ring = (cv2.dilate(solid, np.ones((9, 9))) - cv2.dilate(solid, np.ones((3, 3)))) > 0
    ring[140:] = False  # below, the contact shadow separates
    own = oklab_from_srgb(np.array(rgb) / 255.0)
    for setting in SETTINGS:
        palette = (f"#{bytes(rgb).hex()}",)
        spec = SceneSpec(setting, "studio_soft", "all", "calm", palette, ())
        scene = ComponentScene().draw(spec, placed, None, 5)
        behind = np.linalg.norm(oklab_from_srgb(scene[ring] / 255.0) - own, axis=1)
        assert np.median(behind) > 0.09, setting


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("setting", ["wood_table", "mountain_camp", "linen_fabric"])
def test_every_light_draws(setting: str, light: str) -> None:
    assert base(setting, light).scene_rgb.std() > 6


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_draws(mood: str) -> None:
    assert base("color_block", "studio_soft", mood).scene_rgb.std() > 6


@pytest.mark.parametrize("season", SEASONS)
def test_every_season_draws(season: str) -> None:
    spec = dataclasses.replace(SPEC, setting="garden_lawn", season=season)
    assert draw_base(shoe(), spec, [TEXT], CANVAS, "headline_top", ComponentScene(), 1).scene_rgb.std() > 6


@pytest.mark.parametrize("prop", [p for p in PROPS if p != "none"])
def test_every_prop_is_seen_and_spares_product_and_text(prop: str) -> None:
    def scene(props: tuple[str, ...]) -> Base:
        spec = dataclasses.replace(SPEC, props=props)
        return draw_base(bottle(), spec, [TEXT], CANVAS, "headline_top", ComponentScene(), 5)

    without, with_prop = scene(("none",)), scene((prop,))
    difference = np.abs(without.scene_rgb.astype(int) - with_prop.scene_rgb).max(axis=2)
    assert (difference > 20).mean() > 0.001


def test_same_seed_same_bytes_other_seed_other_picture() -> None:
    backend = ComponentScene()
    for setting in ("forest_trail", "city_night", "stone_plinth"):
        spec = dataclasses.replace(SPEC, setting=setting)
        first, again, other = (
            render_picture(bottle(), spec, TEXT, CANVAS, "headline_left", backend, seed).rgb
            for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert np.linalg.norm(thumbnail(first) - thumbnail(other), axis=2).mean() > 0.008


def test_the_product_throws_a_shadow_away_from_the_light() -> None:
    def darkening(light: str) -> tuple[float, float]:
        spec = dataclasses.replace(SPEC, setting="studio_sweep", light=light, props=())
        drawn = draw_base(bottle(), spec, [TextSpec("")], CANVAS, "headline_top", ComponentScene(), 3)
        box = drawn.placed.box
        rows = slice(box.bottom - 26, box.bottom - 6)
        left = drawn.scene_rgb[rows, box.left - 50 : box.left - 8].mean()
        right = drawn.scene_rgb[rows, box.right + 8 : box.right + 50].mean()
        return float(left), float(right)

    left, right = darkening("window_left")
    assert right < left - 3
    left, right = darkening("window_right")
    assert left < right - 3


def test_the_ground_is_darkest_where_the_product_touches_it() -> None:
    drawn = base("studio_sweep")
    box = drawn.placed.box
    middle = slice(box.left + 20, box.right - 20)
    touch = drawn.scene_rgb[box.bottom : box.bottom + 3, middle].mean()
    below = drawn.scene_rgb[box.bottom + 16 : box.bottom + 20, middle].mean()
    assert touch < below - 15


@pytest.mark.parametrize("cutout", [bottle(300), shoe(900), bottle(120)], ids=["tall", "wide", "small"])
@pytest.mark.parametrize("layout", ["headline_left", "headline_bottom"])
def test_a_finished_picture_leaves_the_product_untouched(cutout: np.ndarray, layout: str) -> None:
    picture = render_picture(cutout, SPEC, TEXT, CANVAS, layout, ComponentScene(), 11)
    assert picture.certificate.changed_core_px == 0
    assert picture.certificate.core_px > 500
    product = picture.placed.box
    assert not any(box.overlaps(product) for box in picture.text.boxes.values())
    assert min(picture.text.contrast.values()) >= 4.5


def test_locales_share_one_base() -> None:
    german = TextSpec("Trockene Füße auf jedem Weg", ("Nur 420 g",), "Neu", "Ansehen", "de")
    shared = draw_base(bottle(), SPEC, [TEXT, german], CANVAS, "headline_top", ComponentScene(), 4)
    before = shared.scene_rgb.copy()
    english, deutsch = set_text(shared, TEXT), set_text(shared, german)
    assert np.array_equal(shared.scene_rgb, before)
    assert not np.array_equal(english.rgb, deutsch.rgb)
    box: Box = shared.placed.box
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    assert np.array_equal(english.rgb[inside], deutsch.rgb[inside])


def test_words_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scene\.setting: 'moon'"):
        dataclasses.replace(SPEC, setting="moon")
    with pytest.raises(ValueError, match=r"scene\.props"):
        dataclasses.replace(SPEC, props=("rocket",))


def test_spec_from_an_instructions_record() -> None:
    record = {**dataclasses.asdict(SPEC), "palette": list(SPEC.palette), "props": list(SPEC.props)}
    assert SceneSpec.from_record(record) == SPEC


@pytest.mark.parametrize("canvas", [Canvas(216, 384), Canvas(400, 209)], ids=["story", "banner"])
@pytest.mark.parametrize(
    "setting", ["wood_table", "mountain_camp", "market_stall", "paper_flatlay", "hallway_pegs"]
)
def test_slim_and_wide_canvases_are_filled_to_the_border(setting: str, canvas: Canvas) -> None:
    drawn = draw_base(
        bottle(),
        dataclasses.replace(SPEC, setting=setting),
        [TEXT],
        canvas,
        "headline_top",
        ComponentScene(),
        3,
    )
    rgb = drawn.scene_rgb.astype(int)
    assert rgb.shape == (canvas.height_px, canvas.width_px, 3)
    for strip in (rgb[:6], rgb[-6:], rgb[:, :6], rgb[:, -6:]):
        assert strip.mean() > 12 and strip.std() > 1


@pytest.mark.parametrize("setting", ARRANGEMENTS)
@pytest.mark.parametrize("size", [(120, 213), (160, 84), (128, 128)])
def test_every_arrangement_is_drawn_wherever_its_product_stands(setting: str, size: tuple[int, int]) -> None:
    width, height = size
    for seed in range(9):
        bottom = round((0.45 + 0.06 * seed) * height)
        place = Box(round(0.1 * width * (seed % 5)), bottom - height // 3, width // 2 + 5 * seed, bottom)
        placed = place_product(bottle(), Canvas(width, height), place)
        scene = ComponentScene().draw(dataclasses.replace(SPEC, setting=setting), placed, None, seed)
        assert scene.shape == (height, width, 3) and scene.std() > 4


def test_a_small_product_is_shown_nearer_and_smaller_than_a_large_one() -> None:
    def drawn(size_cm: int) -> Base:
        spec = dataclasses.replace(SPEC, props=(), size_cm=size_cm)
        return draw_base(bottle(), spec, [TEXT], CANVAS, "headline_left", ComponentScene(), 3)

    ring, chair = drawn(3), drawn(120)
    assert ring.placed.box.height < 0.8 * chair.placed.box.height
    boards = []
    for size_cm, base in ((3, ring), (120, chair)):
        spec = dataclasses.replace(SPEC, size_cm=size_cm)
        rng = np.random.default_rng(1)
        stage, _ = plan_stage(spec, base.placed, DRAWERS["wood_table"], base.placed.box.bottom, rng)
        boards.append(stage.plane(1.0).scale)
    assert boards[0] > 2 * boards[1]


def test_what_hangs_throws_its_shade_on_the_wall_and_not_on_a_ground() -> None:
    spec = dataclasses.replace(SPEC, setting="wardrobe_rail", light="window_left", props=("leaves",))
    hung = draw_base(bottle(), spec, [TextSpec("")], CANVAS, "headline_top", ComponentScene(), 3)
    box = hung.placed.box
    middle = slice(box.top + box.height // 2, box.bottom - 20)
    right = hung.scene_rgb[middle, box.right + 1 : box.right + 7].mean()
    left = hung.scene_rgb[middle, box.left - 7 : box.left - 1].mean()
    assert right < left - 5
