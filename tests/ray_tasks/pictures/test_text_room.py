from __future__ import annotations

import numpy as np

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.text_room import prepare_text_area

AREA = Box(250, 60, 490, 440)


def scene(level: int, spread: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, (64, 64, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)


def test_what_is_behind_the_text_becomes_calm_and_the_rest_stays() -> None:
    before = scene(90, 60)
    after = before.copy()
    prepare_text_area(after, AREA)
    assert after[200:300, 300:450].std() < 0.75 * before[200:300, 300:450].std()
    assert np.array_equal(after[:, :150], before[:, :150])


def test_brightness_moves_to_the_nearer_ink() -> None:
    for level, darker in ((125, True), (150, False)):
        before = scene(level, 4)
        after = before.copy()
        prepare_text_area(after, AREA)
        change = float(after[200:300, 300:450].mean()) - float(before[200:300, 300:450].mean())
        assert change < -3 if darker else change > 3


def test_a_scene_that_suits_an_ink_keeps_its_brightness() -> None:
    for level in (40, 220):
        before = scene(level, 4)
        after = before.copy()
        prepare_text_area(after, AREA)
        assert abs(float(after.mean()) - float(before.mean())) < 1.5
