"""Framed photographs: boxes that keep their distance, pixels that stay, grounds that differ."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.decide import Thresholds, decide
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.framed import is_photograph, plan_framed
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.measure import TextBox, measure
from ray_tasks.pictures.photo import whole_photo
from ray_tasks.pictures.picture import Picture, render_picture
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SEASONS, SETTINGS

CANVASES = [(1024, 1024), (1024, 1280), (1080, 1920), (1200, 628)]
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
@pytest.mark.parametrize("aspect", [0.67, 1.0, 1.5])
def test_text_and_print_stand_apart_and_inside(canvas: tuple[int, int], layout: str, aspect: float) -> None:
    for texts in (TEXTS[:1], TEXTS[1:], TEXTS, [TextSpec("")]):
        plan = plan_framed(Canvas(*canvas), layout, aspect, texts)
        box, area = plan.product_box, plan.text_area
        assert box.width / box.height == pytest.approx(aspect, rel=0.02)
        assert min(box.left, box.top, canvas[0] - box.right, canvas[1] - box.bottom) >= 40
        assert max(box.width / canvas[0], box.height / canvas[1]) > 0.38
        if area is not None:
            assert not area.overlaps(box)
            assert min(area.left, area.top, canvas[0] - area.right, canvas[1] - area.bottom) >= 30
            assert min(area.width, area.height) > 90


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


def test_the_same_arguments_give_the_same_bytes_and_other_personas_another_ground() -> None:
    photo = _photo()
    first = _picture(photo).rgb
    assert _picture(photo).rgb.tobytes() == first.tobytes()
    for other in (_picture(photo, mood="energetic").rgb, _picture(photo, layout=LAYOUTS[3]).rgb):
        assert np.abs(other.astype(int) - first).mean() > 8
