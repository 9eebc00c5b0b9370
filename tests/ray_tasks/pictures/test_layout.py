from __future__ import annotations

import pytest

from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import TextSpec, plan_layout
from schemas.instruction import LAYOUTS

LONG = TextSpec(
    "Donaudampfschifffahrt für alle Wintertage",
    ("Wasserdichte Nähte und Reißverschlüsse überall", "Nur 420 Gramm", "Fünf Jahre Herstellergarantie"),
    "Neu im Sortiment",
    "Jetzt entdecken",
    "de",
)
CANVASES = [Canvas(1024, 1024), Canvas(1024, 1280), Canvas(1080, 1920), Canvas(1200, 628), Canvas(512, 512)]


@pytest.mark.parametrize("canvas", CANVASES, ids=str)
@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("aspect", [0.15, 0.6, 1.0, 1.4, 2.8])
def test_product_and_text_keep_apart_and_inside(canvas: Canvas, name: str, aspect: float) -> None:
    layout = plan_layout(canvas, name, aspect, LONG)
    assert layout.text_area is not None
    assert not layout.product_box.overlaps(layout.text_area)
    margin = round(0.04 * min(canvas.width_px, canvas.height_px))
    for box in (layout.product_box, layout.text_area):
        assert box.left >= margin and box.top >= margin
        assert box.right <= canvas.width_px - margin and box.bottom <= canvas.height_px - margin
        assert box.width > 0.25 * canvas.width_px and box.height > 0.15 * canvas.height_px
    assert plan_layout(canvas, name, aspect, LONG) == layout


def test_the_name_decides_the_side() -> None:
    def text_and_product(name: str) -> tuple[Box, Box]:
        layout = plan_layout(Canvas(1024, 1024), name, 0.7, TextSpec("Dry feet on every trail"))
        assert layout.text_area is not None
        return layout.text_area, layout.product_box

    text, product = text_and_product("headline_left")
    assert text.right <= product.left
    text, product = text_and_product("headline_right")
    assert product.right <= text.left
    text, product = text_and_product("headline_top")
    assert text.bottom <= product.top
    text, product = text_and_product("headline_bottom")
    assert product.bottom <= text.top


def test_several_locales_share_the_room_of_the_longest() -> None:
    short = TextSpec("Dry feet")
    canvas = Canvas(1024, 1024)
    both = plan_layout(canvas, "headline_top", 1.0, [short, LONG])
    assert both == plan_layout(canvas, "headline_top", 1.0, LONG)
    assert both.product_box.height < plan_layout(canvas, "headline_top", 1.0, short).product_box.height


def test_without_text_the_product_has_the_whole_canvas() -> None:
    layout = plan_layout(Canvas(1024, 1024), "headline_left", 1.0, TextSpec(""))
    assert layout.text_area is None
    assert layout.product_box.width > 850


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="headline_top"):
        plan_layout(Canvas(1024, 1024), "diagonal", 1.0, LONG)


def test_a_product_is_the_hero_with_air_above_it() -> None:
    text = TextSpec("Dry feet on every trail", ("Only 420 g",), None, "See it")
    for name in ("headline_left", "headline_right"):
        column = plan_layout(Canvas(1024, 1024), name, 0.45, text)
        assert column.variant == "column"
        assert 0.58 <= column.product_box.height / 1024 <= 0.70
        assert column.product_box.top > 0.15 * 1024
    for name in LAYOUTS:
        stacked = plan_layout(Canvas(1024, 1024), name, 1.8, text)
        assert 0.62 <= stacked.product_box.width / 1024 <= 0.78


ARABIC = TextSpec("بارد 24 ساعة، ولتأتِ الشمس", ("فولاذ مقاوم للصدأ",), "جديد", "ألقِ نظرة", "ar")


@pytest.mark.parametrize("canvas", CANVASES[:4], ids=str)
def test_texts_of_both_directions_share_a_layout_and_its_mirror_image(canvas: Canvas) -> None:
    for name in LAYOUTS:
        ordinary = plan_layout(canvas, name, 0.6, [LONG, ARABIC])
        mirrored = ordinary.mirrored()
        assert mirrored.text_area is not None and ordinary.text_area is not None
        middle = mirrored.text_area.center_x - mirrored.product_box.center_x
        assert middle * (ordinary.text_area.center_x - ordinary.product_box.center_x) <= 0
