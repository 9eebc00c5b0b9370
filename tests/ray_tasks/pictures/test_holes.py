"""Holes: the ground seen through a product opens; white faces, labels and letters of the ground's colour stay."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.ground import find_edges, fit_ground
from ray_tasks.pictures.holes import kept_ground, open_holes

SIZE = 360
MIDDLE = np.s_[150:170, 170:190]


def _ring(photo: np.ndarray, half: int) -> np.ndarray:
    cv2.circle(photo, (180, 160), half, (60, 90, 40), 14)
    return photo


def _shade(photo: np.ndarray) -> np.ndarray:
    """The ring's soft shade falls on the ground that is seen through it."""
    shade = np.zeros(photo.shape[:2], np.float32)
    cv2.ellipse(shade, (180, 222), (50, 12), 0, 0, 360, 60, -1)
    return _ring(np.rint(photo - cv2.GaussianBlur(shade, (0, 0), 9)[..., None]).astype(np.uint8), 70)


def _dial(photo: np.ndarray) -> np.ndarray:
    """A white face, slightly darker than the ground, in a dark rim."""
    _ring(photo, 70)
    cv2.circle(photo, (180, 160), 62, (216, 216, 214), -1)
    return photo


def _label(photo: np.ndarray) -> np.ndarray:
    """The ground's own white, with print on it."""
    cv2.rectangle(photo, (90, 60), (270, 300), (60, 90, 40), -1)
    cv2.rectangle(photo, (110, 110), (250, 230), (222, 222, 222), -1)
    for line in range(4):
        cv2.putText(photo, "OAT MILK", (118, 138 + 26 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (30, 30, 30), 3)
    return photo


def _letters(photo: np.ndarray) -> np.ndarray:
    """Letters of the ground's colour, deep inside."""
    cv2.rectangle(photo, (90, 60), (270, 300), (30, 30, 34), -1)
    cv2.putText(photo, "SEMI", (110, 180), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (222, 222, 222), 9)
    return photo


def _grainy(photo: np.ndarray) -> np.ndarray:
    """A brushed plate as light as the ground."""
    plate = np.clip(222 + np.random.default_rng(2).normal(0, 6, (SIZE, SIZE, 1)), 0, 255).astype(np.uint8)
    inside = np.zeros((SIZE, SIZE, 1), np.uint8)
    cv2.circle(inside, (180, 160), 62, 1, -1)
    return np.where(inside > 0, plate, _ring(photo, 70))


def _wide_strap(photo: np.ndarray) -> np.ndarray:
    """A hole further behind the outline than a letter's stroke is from its own."""
    cv2.rectangle(photo, (126, 60), (330, 300), (60, 90, 40), -1)
    return cv2.circle(photo, (180, 160), 12, (222, 222, 222), -1)


def _highlight(photo: np.ndarray) -> np.ndarray:
    """As white and at the same place: light on metal, which fades."""
    cv2.rectangle(photo, (126, 60), (330, 300), (60, 90, 40), -1)
    light = cv2.circle(np.zeros((SIZE, SIZE), np.float32), (180, 160), 12, 1.6, -1)
    light = np.clip(cv2.GaussianBlur(light, (0, 0), 5), 0, 1)[..., None]
    return np.rint(photo * (1 - light) + 222 * light).astype(np.uint8)


def _opened(draw: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The product with all holes filled, and as it is after they were looked for."""
    photo = draw(np.full((SIZE, SIZE, 3), 222, np.uint8)).astype(np.float32)
    photo += np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1)).astype(np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(photo, (0, 0), 0.7) / 255, cv2.COLOR_RGB2LAB)
    filled = np.zeros((SIZE, SIZE), np.uint8)
    dark = (lab[..., 0] < 60).astype(np.uint8)
    lines, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(filled, lines, -1, 1, cv2.FILLED)
    mask = filled > 0
    return mask, open_holes(mask, lab, fit_ground(lab), find_edges(lab))


@pytest.mark.parametrize(
    "draw", [lambda photo: _ring(photo, 70), lambda photo: _ring(photo, 26), _shade, _wide_strap]
)
def test_the_ground_within_a_ring_is_seen_through(draw: Callable[[np.ndarray], np.ndarray]) -> None:
    mask, opened = _opened(draw)
    assert not opened[MIDDLE][2:18, 2:18].any()
    assert (mask & opened).sum() > 0.1 * mask.sum()


@pytest.mark.parametrize("draw", [_dial, _label, _letters, _grainy, _highlight])
def test_what_only_looks_like_the_ground_stays(draw: Callable[[np.ndarray], np.ndarray]) -> None:
    mask, opened = _opened(draw)
    assert opened[mask].all()


def test_a_bay_of_ground_that_nothing_parts_from_the_rest_opens_and_a_white_part_with_an_edge_stays() -> None:
    bays = []
    for white in (222, 216):
        photo = np.full((SIZE, SIZE, 3), 222, np.uint8)
        cv2.rectangle(photo, (90, 60), (270, 300), (60, 90, 40), -1)
        cv2.rectangle(photo, (90, 150), (150, 210), (white, white, white), -1)
        if white != 222:
            cv2.rectangle(photo, (88, 150), (90, 210), (150, 150, 150), -1)
        photo = photo + np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1)).astype(np.float32)
        lab = cv2.cvtColor(cv2.GaussianBlur(photo, (0, 0), 0.7) / 255, cv2.COLOR_RGB2LAB)
        mask = np.zeros((SIZE, SIZE), bool)
        mask[60:301, 90:271] = True
        bays.append(open_holes(mask, lab, fit_ground(lab), find_edges(lab))[160:200, 100:140].mean())
    assert bays == [0, 1]


def test_the_opening_ends_at_the_middle_of_the_step() -> None:
    _, opened = _opened(lambda photo: _ring(photo, 70))
    assert abs(int(np.flatnonzero(~opened[160, 110:])[0]) + 110 - (180 - 70 + 7)) <= 2


def test_a_hole_opens_where_the_ground_is_brighter_around_the_product_than_at_the_border() -> None:
    photo = np.full((SIZE, SIZE, 3), 190.0)
    pool = np.zeros((SIZE, SIZE), np.float32)
    cv2.ellipse(pool, (180, 180), (130, 130), 0, 0, 360, 36, -1)
    photo += cv2.GaussianBlur(pool, (0, 0), 14)[..., None]
    photo += np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1))
    photo = np.rint(photo).astype(np.uint8)
    cv2.rectangle(photo, (90, 130), (270, 260), (60, 90, 40), -1)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[130:261, 90:271] = True
    photo[165:200, 150:210] = 226
    lab = cv2.cvtColor(cv2.GaussianBlur(photo.astype(np.float32), (0, 0), 0.8) / 255, cv2.COLOR_RGB2LAB)
    opened = open_holes(mask, lab, fit_ground(lab), find_edges(lab))
    assert not opened[170:195, 155:205].any()
    assert opened[135:160, 95:265].all()


def test_a_picture_full_of_product_stays() -> None:
    lab = np.zeros((40, 40, 3), np.float32)
    assert open_holes(np.ones((40, 40), bool), lab, fit_ground(lab), find_edges(lab)).all()


def _kept(draw: Callable[[np.ndarray], np.ndarray], mask: np.ndarray) -> float:
    photo = draw(np.full((SIZE, SIZE, 3), 222, np.uint8)).astype(np.float32)
    photo += np.random.default_rng(1).normal(0, 0.5, (SIZE, SIZE, 1)).astype(np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(photo, (0, 0), 0.7) / 255, cv2.COLOR_RGB2LAB)
    return kept_ground(mask > 0, lab, fit_ground(lab), find_edges(lab))


def _hook(photo: np.ndarray) -> np.ndarray:
    """A stone that hangs on a wire bent to an open hook."""
    cv2.ellipse(photo, (180, 120), (40, 50), 0, 90, 330, (190, 180, 160), 2)
    cv2.circle(photo, (180, 210), 45, (60, 90, 140), -1)
    return photo


def test_ground_that_was_kept_in_a_hook_is_told_and_a_white_face_deep_inside_is_not() -> None:
    hook = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(hook, (180, 120), (41, 51), 0, 0, 360, 255, -1)
    cv2.circle(hook, (180, 210), 46, 255, -1)
    assert _kept(_hook, hook) > 0.2
    for draw in (_dial, _label, _letters):
        body = np.zeros((SIZE, SIZE), np.uint8)
        cv2.rectangle(body, (90, 60), (270, 300), 255, -1)
        round_body = cv2.circle(np.zeros_like(body), (180, 160), 77, 255, -1)
        assert _kept(draw, round_body if draw is _dial else body) == 0.0, draw.__name__
    assert _kept(_dial, np.full((SIZE, SIZE), 255, np.uint8)) == 0.0
