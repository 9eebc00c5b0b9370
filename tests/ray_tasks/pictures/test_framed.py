"""Framed photographs: boxes that keep their distance, pixels that stay, grounds that differ."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.bleed import Sides, field, plain_sides
from ray_tasks.pictures.decide import Thresholds, decide
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.framed import is_photograph, plan_framed
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.measure import TextBox, measure
from ray_tasks.pictures.palette import harmonise, to_lch
from ray_tasks.pictures.photo import whole_photo
from ray_tasks.pictures.picture import Picture, render_picture
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SEASONS, SETTINGS

CANVASES = [(1024, 1024), (1024, 1280), (1080, 1920), (1200, 628)]
PLAIN, TEXTURED = Sides(True, True, True, True), Sides(False, False, False, False)
TEXTS = [
    TextSpec(
        "Light enough to take along every day", ("Only 380 g", "Machine washable"), "12.90 EUR", "Buy now"
    ),
    TextSpec("Quiet colours. Clear lines."),
]


def _photo(width: int = 600, height: int = 400, tone: int = 0) -> np.ndarray:
    ys, xs = np.mgrid[0:height, 0:width]
    photo = np.dstack([xs * 150 // width, ys * 150 // height, (xs + ys) % 90]).astype(np.uint8) + np.uint8(
        tone
    )
    cv2.circle(photo, (width // 2, height // 2), height // 4, (200, 60, 40), -1)
    return whole_photo(photo)


def _picture(photo: np.ndarray, seed: int = 1, mood: str = "calm", layout: str = LAYOUTS[0]) -> Picture:
    spec = SceneSpec(SETTINGS[0], LIGHTS[0], SEASONS[0], mood, ("#c8663a", "#d9c6a5"), ())
    return render_picture(photo, spec, TEXTS[0], Canvas(1024, 1024), layout, None, seed)  # type: ignore[arg-type]


def test_only_what_has_no_transparent_pixel_is_a_photograph() -> None:
    photo = _photo()
    assert is_photograph(photo)
    photo[0, 0, 3] = 254
    assert not is_photograph(photo)


@pytest.mark.parametrize("canvas", CANVASES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(400, 600), (512, 512), (600, 400)])
@pytest.mark.parametrize("plain", [TEXTURED, PLAIN])
def test_text_and_photograph_stand_apart_and_inside(
    canvas: tuple[int, int], layout: str, size: tuple[int, int], plain: Sides
) -> None:
    for texts in (TEXTS[:1], TEXTS[1:], TEXTS, [TextSpec("")]):
        plan = plan_framed(Canvas(*canvas), layout, size, texts, plain)
        box, area = plan.product_box, plan.text_area
        assert box.width / box.height == pytest.approx(size[0] / size[1], rel=0.02)
        gaps = (box.left, box.top, canvas[0] - box.right, canvas[1] - box.bottom)
        assert min(gaps) >= (0 if plan.bleeds else 40)
        assert max(box.width / canvas[0], box.height / canvas[1]) > 0.38
        if area is not None:
            assert not area.overlaps(box)
            assert min(area.left, area.top, canvas[0] - area.right, canvas[1] - area.bottom) >= 30
            assert min(area.width, area.height) > 90


def test_a_photograph_runs_to_the_borders_where_its_ground_is_plain() -> None:
    canvas = Canvas(1024, 1024)
    for layout in LAYOUTS:
        assert plan_framed(canvas, layout, (512, 512), TEXTS, PLAIN).bleeds
        assert not plan_framed(canvas, layout, (512, 512), TEXTS, TEXTURED).bleeds
    # As wide as the canvas, nothing has to go on beside it.
    assert plan_framed(Canvas(1080, 1350), "headline_top", (600, 400), TEXTS, TEXTURED).bleeds
    # Cut off on the right, it stands at the right border, whose other side is plain.
    cut = Sides(left=True, top=True, right=False, bottom=True)
    assert plan_framed(canvas, "headline_top", (512, 512), TEXTS, cut).product_box.right == 1024


def test_sides_are_plain_without_steps_and_texture() -> None:
    photo = np.full((400, 600, 4), 240, np.uint8)
    photo[..., :3] -= np.linspace(0, 60, 600).astype(np.uint8)[None, :, None]
    assert plain_sides(photo) == PLAIN
    photo[150:250, 500:] = 30
    photo[360:] = np.random.default_rng(0).integers(0, 255, (40, 600, 1))
    assert plain_sides(photo) == Sides(left=False, top=True, right=False, bottom=False)


def test_the_ground_goes_on_without_a_seam() -> None:
    tone = np.linspace(150, 220, 512).astype(np.uint8)
    photo = whole_photo(np.repeat(np.repeat(tone[:, None, None], 512, 1), 3, 2))
    picture = _picture(photo, layout="headline_top")
    assert picture.layout.bleeds
    box = picture.placed.box
    inside, outside = (
        picture.rgb[box.top : box.bottom, x : x + 6].astype(float).mean(axis=(1, 2))
        for x in (box.left, box.left - 6)
    )
    assert np.abs(np.convolve(inside - outside, np.full(15, 1 / 15), "valid")).max() < 2


@pytest.mark.parametrize("tone", [0, 100])
def test_a_framed_photograph_passes_the_scorer_with_its_pixels_unchanged(tone: int) -> None:
    for index, mood in enumerate(MOODS):
        photo = _photo(tone=tone)
        picture = _picture(photo, index, mood, LAYOUTS[index % len(LAYOUTS)])
        assert picture.certificate.changed_core_px == 0 < picture.certificate.core_px
        data = encode_jpeg(
            picture.rgb, alt_text="a print", digital_source_type="compositeSynthetic", language="en"
        )
        boxes = [TextBox(name, box, picture.text.contrast[name]) for name, box in picture.text.boxes.items()]
        measured = measure(
            data, photo, picture.placed.box, boxes, overflow=picture.text.overflow, changed_core_px=0
        )
        assert decide(measured, Thresholds()) == []


@pytest.mark.parametrize(
    ("texts", "reasons"),
    [
        (("SALE", "-40 %"), ["baked_text"]),
        (("30% off",), ["baked_text"]),
        (("nur 9,99 €",), ["baked_text"]),
        (("NORVAND", "70 % COCOA", "SUGAR FREE", "NEW YORK", "www.norvand.example"), []),
    ],
)
def test_an_offer_in_a_photograph_rejects_its_pictures_and_a_label_does_not(
    texts: tuple[str, ...], reasons: list[str]
) -> None:
    photo = _photo()
    picture = _picture(photo)
    boxes = [TextBox(name, box, picture.text.contrast[name]) for name, box in picture.text.boxes.items()]
    measured = measure(
        encode_jpeg(picture.rgb, alt_text="a print"), photo, picture.placed.box, boxes,
        overflow=False, changed_core_px=0, source_texts=texts,
    )  # fmt: skip
    assert decide(measured, Thresholds()) == reasons


def test_the_same_arguments_give_the_same_bytes_and_other_personas_another_ground() -> None:
    photo = _photo()
    first = _picture(photo).rgb
    assert _picture(photo).rgb.tobytes() == first.tobytes()
    for other in (_picture(photo, 2, mood="premium").rgb, _picture(photo, layout=LAYOUTS[3]).rgb):
        assert np.abs(other.astype(int) - first).mean() > 8


def test_each_layout_has_a_field_that_is_told_from_the_others_at_a_glance() -> None:
    for mood in MOODS:
        tones = harmonise(("#c8663a", "#d9c6a5"), mood, (0.5, 0.4, 0.3))
        for across in (False, True):
            lightness = sorted(to_lch(field(tones, layout, across=across))[0] for layout in LAYOUTS)
            assert np.diff(lightness).min() > 0.04
