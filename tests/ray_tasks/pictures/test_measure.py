"""Good pictures of drawn products pass; each defect made on one of them is rejected for its own reason."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.decide import Thresholds, decide
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.measure import measure
from ray_tasks.pictures.measure_text import NO_TEXT_CONTRAST, TextBox
from ray_tasks.pictures.picture import render_picture
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(768, 768)
TEXTS = (
    TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en"),
    TextSpec("Kaffee für lange Lernnächte", ("Ohne Zucker",), None, "Ansehen", "de"),
)


@dataclass(frozen=True)
class Case:
    """One picture with what its candidate row records."""

    rgb: np.ndarray
    cutout: np.ndarray
    box: Box
    texts: tuple[TextBox, ...]
    alpha: np.ndarray
    """(H, W, 1) float32 0..1 of the placed product."""
    overflow: bool = False
    changed_core_px: int = 0

    def measured(self) -> dict[str, float]:
        return measure(
            encode_jpeg(self.rgb, alt_text="a product"),
            self.cutout,
            self.box,
            self.texts,
            overflow=self.overflow,
            changed_core_px=self.changed_core_px,
        )

    def around(self, change: Callable[[np.ndarray], np.ndarray]) -> Case:
        """The case with everything but the product changed."""
        rgb = self.rgb.astype(np.float32)
        return self.painted(rgb * self.alpha + change(rgb) * (1 - self.alpha))

    def painted(self, rgb: np.ndarray) -> Case:
        return replace(self, rgb=np.clip(np.rint(rgb), 0, 255).astype(np.uint8))


def mug() -> np.ndarray:
    """A mug with a handle, a hole in it, and a printed band."""
    mask = np.zeros((420, 520), np.uint8)
    cv2.circle(mask, (390, 210), 110, 255, 34)
    cv2.rectangle(mask, (20, 30), (380, 400), 255, -1)
    out = np.zeros((420, 520, 4), np.uint8)
    shade = 0.7 + 0.3 * np.sin(np.linspace(0.4, 2.5, 520))[None, :, None]
    out[..., :3] = np.array((70, 110, 170)) * shade
    out[170:250, 24:378, :3] = (240, 230, 205)
    out[190:230, 60:200:24, :3] = (40, 40, 40)
    out[..., 3] = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return out


PRODUCTS = (bottle(640), shoe(560), mug())


@functools.cache
def good(number: int = 2, setting: str = "wood_table") -> Case:
    spec = SceneSpec(
        setting,
        LIGHTS[number % len(LIGHTS)],
        "all",
        MOODS[number % len(MOODS)],
        ("#4f78a8", "#e08a4a"),
        ("leaves",),
    )
    cutout, text = PRODUCTS[number % 3], TEXTS[number % 2]
    layout = LAYOUTS[number % len(LAYOUTS)]
    picture = render_picture(cutout, spec, text, CANVAS, layout, ComponentScene(), number)
    return Case(
        picture.rgb,
        cutout,
        picture.placed.box,
        tuple(TextBox(name, box, picture.text.contrast[name]) for name, box in picture.text.boxes.items()),
        picture.placed.rgba[..., 3:].astype(np.float32) / 255.0,
        picture.text.overflow,
        picture.certificate.changed_core_px,
    )


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_good_pictures_pass(number: int) -> None:
    measured = good(number, SETTINGS[number]).measured()
    assert decide(measured, Thresholds()) == []
    assert all(np.isfinite(value) for value in measured.values())


def _moved_product(case: Case) -> Case:
    rgb = case.rgb.copy()
    box = case.box
    rgb[box.top : box.bottom, box.left + 8 : box.right] = case.rgb[
        box.top : box.bottom, box.left : box.right - 8
    ]
    return case.painted(rgb)


def _spotted(case: Case) -> Case:
    """A small patch of other colour in the middle of the product."""
    rows, columns = np.nonzero(case.alpha[..., 0] == 1)
    y, x = int(np.median(rows)), int(np.median(columns))
    rgb = case.rgb.copy()
    rgb[y : y + 20, x : x + 20] = 255 - rgb[y : y + 20, x : x + 20]
    return replace(case, rgb=rgb)


def _tinted(case: Case) -> Case:
    return case.painted(case.rgb + case.alpha * np.array((0, 30, 0)))


def _at(case: Case, box: Box) -> Case:
    """The product in another place and size, on a soft copy of the scene."""
    placed = place_product(case.cutout, CANVAS, box)
    alpha = placed.rgba[..., 3:].astype(np.float32) / 255.0
    ground = np.broadcast_to(np.linspace(190, 240, 768)[:, None, None], case.rgb.shape)
    rgb = placed.rgba[..., :3] * alpha + ground * (1 - alpha)
    return replace(case, box=placed.box, alpha=alpha, texts=()).painted(rgb)


def _camouflaged(case: Case) -> Case:
    near = cv2.GaussianBlur(case.rgb * case.alpha, (0, 0), 12)
    weight = np.maximum(cv2.GaussianBlur(case.alpha, (0, 0), 12)[..., None], 1e-3)
    return case.around(lambda rgb: near / weight)


def _rimmed(case: Case) -> Case:
    grown = cv2.dilate(case.alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))[..., None]
    return case.around(lambda rgb: rgb * (1 - grown) + np.array((255, 0, 255)) * grown)


def _blurred(case: Case) -> Case:
    cutout = case.cutout.copy()
    cutout[..., :3] = cv2.GaussianBlur(cutout[..., :3], (0, 0), 6)
    placed = place_product(cutout, CANVAS, case.box)
    rgb = placed.rgba[..., :3] * case.alpha + case.rgb * (1 - case.alpha)
    return replace(case, cutout=cutout).painted(rgb)


def _blobs(size_px: int, strength: float) -> Callable[[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(4)
    blobs = rng.standard_normal((768 // size_px, 768 // size_px, 3)).astype(np.float32) * strength
    return lambda rgb: rgb + cv2.resize(blobs, (768, 768), interpolation=cv2.INTER_CUBIC)


def _faint(case: Case) -> Case:
    rgb = case.rgb.astype(np.float32)
    for text in case.texts:
        box = text.box
        part = rgb[box.top : box.bottom, box.left : box.right]
        ground = np.median(part, axis=(0, 1))
        part[:] = ground + 0.25 * (part - ground)
    return case.painted(rgb)


def _texts(case: Case, *boxes: Box) -> Case:
    return replace(case, texts=tuple(TextBox(f"selling_point_{i}", box, 9.0) for i, box in enumerate(boxes)))


DEFECTS: dict[str, tuple[str, Callable[[Case], Case]]] = {
    "drawn over": ("product_changed", lambda case: replace(case, changed_core_px=1)),
    "shifted": ("product_changed", _moved_product),
    "spotted": ("product_changed", _spotted),
    "tinted": ("product_changed", _tinted),
    "too long a text": ("text_overflow", lambda case: replace(case, overflow=True)),
    "text on the product": ("text_over_product", lambda case: _texts(case, case.box)),
    "text on text": ("texts_overlap", lambda case: _texts(case, *[text.box for text in case.texts[:1]] * 2)),
    "text at the border": ("text_near_border", lambda case: _texts(case, Box(2, 40, 200, 80))),
    "recorded contrast": (
        "low_contrast",
        lambda case: replace(case, texts=tuple(replace(text, contrast=3.9) for text in case.texts)),
    ),
    "faint text": ("low_contrast", _faint),
    "at the border": ("product_near_border", lambda case: _at(case, Box(0, 100, 560, 600))),
    "tiny": ("product_too_small", lambda case: _at(case, Box(300, 300, 400, 400))),
    "camouflaged": ("low_separation", _camouflaged),
    "fringed": ("edge_halo", _rimmed),
    "blurred source": ("blurry_product", _blurred),
    "clutter": ("cluttered", lambda case: case.around(_blobs(8, 40.0))),
    "burnt out": ("overexposed", lambda case: case.around(lambda rgb: rgb * 4 + 60)),
    "black": ("underexposed", lambda case: case.around(lambda rgb: rgb * 0.01)),
    "blank": ("blank_background", lambda case: case.around(lambda rgb: np.full_like(rgb, 205))),
    "noise": (
        "noisy_background",
        lambda case: case.around(lambda rgb: rgb + np.random.default_rng(4).normal(0, 20, (768, 768, 1))),
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_rejected_for_its_reason(defect: str) -> None:
    reason, make = DEFECTS[defect]
    assert decide(good().measured(), Thresholds()) == []
    assert reason in decide(make(good()).measured(), Thresholds())


def test_the_pasted_pixels_are_found_again_for_every_rounding() -> None:
    rng = np.random.default_rng(9)
    ground = np.full((400, 400, 3), 128, np.uint8)
    for _ in range(60):
        height, width = (int(side) for side in rng.integers(60, 380, 2))
        cutout = cv2.resize(PRODUCTS[0], (width, height), interpolation=cv2.INTER_AREA)
        left, top = (int(side) for side in rng.integers(0, 150, 2))
        frame = Box(left, top, left + int(rng.integers(60, 250)), top + int(rng.integers(60, 250)))
        placed = place_product(cutout, Canvas(400, 400), frame)
        alpha = placed.rgba[..., 3:] / 255.0
        rgb = np.rint(placed.rgba[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)
        jpeg = encode_jpeg(rgb, alt_text="", quality=100)
        measured = measure(jpeg, cutout, placed.box, [], overflow=False, changed_core_px=0)
        assert measured["fidelity_mean_abs"] < 1.5


def test_without_text_nothing_is_held_against_it() -> None:
    measured = replace(good(), texts=()).measured()
    assert measured["text_contrast_min"] == measured["text_contrast_seen"] == NO_TEXT_CONTRAST
    assert measured["text_product_overlap_px"] == measured["clutter_text"] == 0
    assert decide(measured, Thresholds()) == []


def test_sizes_are_those_of_the_product() -> None:
    case = good()
    measured = case.measured()
    assert measured["product_share"] == pytest.approx(float((case.alpha > 0.5).mean()), abs=0.002)
    opaque_rows = np.flatnonzero((case.cutout[..., 3] > 127).any(axis=1))
    assert measured["upscale"] == pytest.approx(case.box.height / np.ptp(opaque_rows), rel=0.02)
    assert measured["product_margin_px"] == min(
        case.box.left, case.box.top, 768 - case.box.right, 768 - case.box.bottom
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda case: (b"no picture", case.cutout, case.box), "cannot be decoded"),
        (lambda case: (None, case.cutout, Box(0, 0, 1200, 100)), "outside the picture"),
        (lambda case: (None, case.cutout, Box(0, 0, 300, 40)), "another cut-out"),
        (lambda case: (None, np.zeros((9, 9, 4), np.uint8), case.box), "no opaque pixel"),
    ],
)
def test_bad_input_is_named(
    change: Callable[[Case], tuple[bytes | None, np.ndarray, Box]], message: str
) -> None:
    jpeg, cutout, box = change(good())
    jpeg = jpeg or encode_jpeg(good().rgb, alt_text="")
    with pytest.raises(ValueError, match=message):
        measure(jpeg, cutout, box, [], overflow=False, changed_core_px=0)
