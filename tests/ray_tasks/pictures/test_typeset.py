from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.ink import LEAST_CONTRAST
from ray_tasks.pictures.layout import TextSpec, plan_layout
from ray_tasks.pictures.palette import harmonise
from ray_tasks.pictures.text_block import TextBlock
from ray_tasks.pictures.typeset import typeset
from schemas.instruction import CALL_TO_ACTION_MAX_CHARS, HEADLINE_MAX_CHARS, LAYOUTS, SELLING_POINT_MAX_CHARS

CANVAS = Canvas(640, 640)
TONES = harmonise(("#3d7a5a", "#e6b85c"), "calm", (0.1, 0.1, 0.1))
ENGLISH = TextSpec(
    "Dry feet on every trail", ("Waterproof to 10 m", "Only 420 g", "Vegan glue"), "New in", "See it", "en"
)
GERMAN = TextSpec(
    "Winterschuhe für Wochenendwanderungen",
    (
        "Wasserabweisende Außenmaterialien aus Wolle",
        "Atmungsaktive Innenausstattung",
        "Rutschhemmende Laufsohle",
    ),
    "Neuheit",
    "Jetzt entdecken",
    "de",
)


def flat(value: int) -> np.ndarray:
    return np.full((640, 640, 3), value, np.uint8)


def busy(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.repeat(np.repeat(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), 16, axis=0), 16, axis=1)


CHINESE = TextSpec(
    "凉 24 小时，太阳请便", ("不锈钢", "12 小时保温", "双层杯壁"), "容量 750 毫升", "去看看", "zh"
)
ARABIC = TextSpec(
    "قهوة من TrailMate في بداية اليوم",
    ("فولاذ مقاوم للصدأ", "جدار مزدوج", "يتسع لـ 750 مل"),
    "جديد",
    "ألقِ نظرة",
    "ar",
)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("text", [ENGLISH, GERMAN, CHINESE, ARABIC], ids=["en", "de", "zh", "ar"])
def test_every_element_is_set_inside_the_area_apart_and_readable(name: str, text: TextSpec) -> None:
    layout = plan_layout(CANVAS, name, 0.8, text)
    for scene in (flat(240), flat(25), flat(120), busy(1)):
        result = typeset(scene, layout, text, TONES)
        assert not result.overflow and not result.missing_glyphs
        assert set(result.boxes) == {
            "headline", "selling_point_1", "selling_point_2", "selling_point_3", "sticker", "call_to_action",
        }  # fmt: skip
        assert min(result.contrast.values()) >= LEAST_CONTRAST
        area = layout.text_area
        assert area is not None
        boxes = list(result.boxes.values())
        for i, box in enumerate(boxes):
            assert (
                area.left <= box.left
                and box.right <= area.right
                and area.top <= box.top
                and box.bottom <= area.bottom
            )
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])
            changed = (
                result.rgb[box.top : box.bottom, box.left : box.right]
                != scene[box.top : box.bottom, box.left : box.right]
            )
            assert changed.any()


def test_contrast_is_that_of_the_pixels_under_the_letters() -> None:
    layout = plan_layout(CANVAS, "headline_top", 0.8, ENGLISH)
    white, grey = (typeset(flat(v), layout, ENGLISH, TONES).contrast["headline"] for v in (255, 150))
    assert white > 14
    assert LEAST_CONTRAST <= grey < white


def test_arabic_starts_at_the_right_and_its_ticks_too() -> None:
    layout = plan_layout(CANVAS, "headline_left", 0.6, ARABIC).mirrored()
    assert layout.variant == "column" and layout.text_area is not None
    result = typeset(flat(240), layout, ARABIC, TONES)
    for box in result.boxes.values():
        assert abs(box.right - layout.text_area.right) <= 2
    point = result.boxes["selling_point_1"]
    tick = result.rgb[point.top : point.bottom, point.right - 17 : point.right].astype(int)
    assert (np.abs(tick - 240).max(axis=2) > 30).mean() > 0.3


def test_ink_follows_the_ground() -> None:
    layout = plan_layout(CANVAS, "headline_left", 0.8, ENGLISH)
    box = typeset(flat(250), layout, ENGLISH, TONES).boxes["headline"]
    window = (slice(box.top, box.bottom), slice(box.left, box.right))
    assert typeset(flat(250), layout, ENGLISH, TONES).rgb[window].min() < 60
    assert typeset(flat(10), layout, ENGLISH, TONES).rgb[window].max() > 220


def test_a_scrim_is_laid_only_where_it_is_needed() -> None:
    layout = plan_layout(CANVAS, "headline_top", 0.8, ENGLISH)
    far = (slice(560, 640), slice(0, 640))
    calm, noisy = (
        typeset(flat(245), layout, ENGLISH, TONES),
        typeset(busy(2), layout, ENGLISH, TONES),
    )
    assert (calm.rgb[0, 0] == 245).all()
    assert not np.array_equal(noisy.rgb[:40], busy(2)[:40])
    assert np.array_equal(noisy.rgb[far], busy(2)[far])


def test_one_word_that_is_too_wide_is_overflow_and_nothing_is_drawn() -> None:
    text = TextSpec("Pneumonoultramicroscopicsilicovolcanoconio", locale="en")
    assert len(text.headline) == HEADLINE_MAX_CHARS
    layout = plan_layout(Canvas(640, 360), "headline_left", 0.8, text)
    result = typeset(flat(240)[:360], layout, text, TONES)
    assert result.overflow
    assert (result.rgb == 240).all()


def test_the_longest_allowed_text_fits_every_layout_of_the_square() -> None:
    words = "Leichte warme Jacken "
    text = TextSpec(
        (words * 3)[:HEADLINE_MAX_CHARS],
        tuple((words * 3)[:SELLING_POINT_MAX_CHARS] for _ in range(3)),
        "Jetzt neu im Laden",
        (words * 3)[:CALL_TO_ACTION_MAX_CHARS],
        "de",
    )
    for name in LAYOUTS:
        for aspect in (0.4, 1.0, 2.5):
            layout = plan_layout(Canvas(1024, 1024), name, aspect, text)
            assert not typeset(np.full((1024, 1024, 3), 240, np.uint8), layout, text, TONES).overflow


def test_a_long_word_gets_the_full_width_instead_of_a_column() -> None:
    assert plan_layout(CANVAS, "headline_left", 0.8, ENGLISH).variant == "column"
    layout = plan_layout(CANVAS, "headline_left", 0.8, GERMAN)
    assert layout.variant == "stacked"
    assert typeset(flat(240), layout, GERMAN, TONES).scale >= 0.76


def test_missing_glyphs_are_named_and_covered_scripts_are_not() -> None:
    def missing(headline: str) -> str:
        text = TextSpec(headline)
        return typeset(flat(240), plan_layout(CANVAS, "headline_top", 0.8, text), text, TONES).missing_glyphs

    assert missing("Кофе без сахара") == ""
    assert missing("Żółta łódź – 5 €") == ""
    assert missing("黑咖啡 coffee") == ""
    assert missing("قهوة سوداء") == ""
    assert missing("ᚠ and ꦗ") == "ᚠꦗ"


def test_selling_points_in_cyrillic_fall_back_to_a_face_that_has_them() -> None:
    text = TextSpec("Кофе", ("Без сахара и добавок",), locale="ru")
    assert (
        typeset(flat(240), plan_layout(CANVAS, "headline_top", 0.8, text), text, TONES).missing_glyphs == ""
    )


def test_same_text_same_pixels() -> None:
    layout = plan_layout(CANVAS, "headline_right", 0.8, GERMAN)
    first, second = (typeset(busy(3), layout, GERMAN, TONES).rgb for _ in range(2))
    assert np.array_equal(first, second)


def test_a_comma_never_stands_on_a_line_of_its_own() -> None:
    for size in range(40, 90, 3):
        for word in ("wiederholen,", "Markieren,", "Wäschekörbe;"):
            alone = TextBlock(word, "display-bold", size, 2000, locale="de")
            for width in np.linspace(0.97, 1.06, 10) * alone.width:
                line = TextBlock(word, "display-bold", size, width, locale="de")
                assert not line.fits or line.lines == 1


def test_a_dark_scene_keeps_its_mood_and_a_bright_one_too() -> None:
    layout = plan_layout(CANVAS, "headline_left", 0.8, ENGLISH)
    rng = np.random.default_rng(0)
    for level, lighter in ((60, True), (215, False)):
        scene = (
            np.clip(level + 12 * rng.standard_normal((40, 40, 3)), 0, 255)
            .astype(np.uint8)
            .repeat(16, 0)
            .repeat(16, 1)
        )
        result = typeset(scene, layout, ENGLISH, TONES)
        box = result.boxes["headline"]
        window = result.rgb[box.top : box.bottom, box.left : box.right]
        assert (float(window.mean()) > float(scene.mean())) == lighter
        around = result.rgb[box.top - 8 : box.top - 4, box.left : box.right]
        assert abs(float(around.mean()) - level) < 12


def test_the_scene_under_the_scrim_stays_scenery() -> None:
    layout = plan_layout(CANVAS, "headline_left", 0.8, ENGLISH)
    scene = busy(4)
    result = typeset(scene, layout, ENGLISH, TONES)
    area = layout.text_area
    assert area is not None
    inside = np.s_[area.top : area.bottom : 16, area.left : area.right : 16]
    same = np.corrcoef(scene[inside].ravel().astype(float), result.rgb[inside].ravel().astype(float))[0, 1]
    assert same > 0.5
