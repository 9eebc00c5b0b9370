"""Measurements of photographs: each falls with its defect; words say what is plainly to be seen."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.photo import PHOTO_PX, measure_photo, shape_words, surface_words, whole_photo


def _photo() -> np.ndarray:
    rng = np.random.default_rng(5)
    photo = cv2.resize(rng.integers(40, 220, (40, 60, 3)).astype(np.uint8), (600, 400))
    for _ in range(30):
        left, top = rng.integers(0, 500), rng.integers(0, 300)
        cv2.rectangle(photo, (left, top), (left + 60, top + 60), rng.integers(0, 255, 3).tolist(), -1)
    return photo


def test_blur_darkness_and_flatness_are_measured() -> None:
    photo = _photo()
    good = measure_photo(photo, None)
    assert good["short_side_px"] == 400 and good["long_over_short"] == 1.5
    assert good["sharpness"] > 2
    assert measure_photo(cv2.GaussianBlur(photo, (0, 0), 5), None)["sharpness"] < 1.25
    assert measure_photo((photo * 0.02).astype(np.uint8), None)["clipped_dark"] > 0.95
    assert measure_photo((photo * 0.02 + 250).astype(np.uint8), None)["clipped_light"] > 0.8
    assert measure_photo((photo * 0.02 + 120).astype(np.uint8), None)["contrast"] < 3 < 40 < good["contrast"]


def test_a_thin_product_on_white_is_not_flat() -> None:
    photo = np.full((400, 600, 3), 245, np.uint8)
    assert measure_photo(photo, None)["contrast"] == 0
    cv2.ellipse(photo, (300, 200), (150, 120), 0, 0, 360, (190, 60, 50), 5)
    assert measure_photo(photo, None)["contrast"] > 40


def test_light_is_measured_on_the_product_alone() -> None:
    photo = np.full((400, 400, 3), 255, np.uint8)
    photo[100:300, 100:300] = 40
    product = np.zeros((400, 400), bool)
    product[100:300, 100:300] = True
    assert measure_photo(photo, product)["clipped_light"] == 0
    assert measure_photo(photo, None)["clipped_light"] == 0.75


def test_shapes_are_named() -> None:
    ring = np.zeros((300, 300), np.uint8)
    cv2.circle(ring, (150, 150), 120, 255, -1)
    assert shape_words(ring) == ["round"]
    cv2.circle(ring, (150, 150), 60, 0, -1)
    assert shape_words(ring) == ["round", "with openings"]
    pair = np.zeros((300, 600), np.uint8)
    pair[50:250, 50:200] = pair[50:250, 300:560] = 255
    assert shape_words(pair) == ["wide", "several pieces"]
    assert shape_words(np.zeros((10, 10), np.uint8)) == []


def test_surfaces_are_named() -> None:
    plain = np.full((200, 200, 4), 255, np.uint8)
    plain[..., :3] = (120, 60, 40)
    assert surface_words(plain) == ["plain surface"]
    striped = plain.copy()
    striped[:, np.arange(200) % 8 < 4, :3] = 230
    assert "patterned" in surface_words(striped)
    shiny = plain.copy()
    shiny[40:160, 90:96, :3] = 252
    assert "glossy" in surface_words(shiny)


def test_a_photograph_is_kept_whole_and_not_larger_than_needed() -> None:
    kept = whole_photo(np.zeros((3000, 1500, 3), np.uint8))
    assert kept.shape == (PHOTO_PX, PHOTO_PX // 2, 4) and kept[..., 3].min() == 255
    assert whole_photo(_photo())[..., :3].tobytes() == _photo().tobytes()
