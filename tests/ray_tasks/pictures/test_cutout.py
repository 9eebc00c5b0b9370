"""The classical cut-out on made packshots with a known mask, and each refusal."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.ground import find_edges, fit_ground
from ray_tasks.pictures.mask import rate_mask

METHOD = ClassicalCutOut()
SIZE = 640


def _ground(tone: tuple[int, int, int] = (236, 236, 238), fall: float = 14.0) -> np.ndarray:
    ys, xs = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    light = fall * (xs**2 + ys**2 + 0.4 * ys)
    noise = np.random.default_rng(7).normal(0, 0.8, (SIZE, SIZE, 1))
    return np.clip(np.array(tone) - light[..., None] + noise, 0, 255)


def _bottle_mask() -> np.ndarray:
    mask = np.zeros((SIZE * 4, SIZE * 4), np.uint8)
    cv2.rectangle(mask, (900, 900), (1660, 2200), 255, -1)
    cv2.ellipse(mask, (1280, 900), (380, 300), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (1160, 360), (1400, 800), 255, -1)
    return cv2.resize(mask, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _photo(mask: np.ndarray, colour: tuple[int, int, int], ground: np.ndarray) -> np.ndarray:
    """The shape on the ground with a soft shadow to the right; shaded like a round body."""
    offset = np.float32([[1, 0.25, -0.25 * SIZE + 60], [0, 0.5, 0.45 * SIZE]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(mask, offset, (SIZE, SIZE)), (0, 0), 14) / 255.0
    scene = ground * (1 - 0.35 * shadow[..., None])
    xs = np.arange(SIZE) / SIZE - 0.5
    body = np.array(colour) * (1.05 - 1.2 * (xs[None, :, None] + 0.05) ** 2)
    alpha = (mask / 255.0)[..., None]
    return np.clip(scene * (1 - alpha) + body * alpha, 0, 255).astype(np.uint8)


def _iou(alpha: np.ndarray, mask: np.ndarray) -> float:
    a, b = alpha > 127, mask > 127
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("colour", [(180, 40, 50), (30, 30, 34), (60, 120, 190), (104, 106, 110)])
def test_a_packshot_is_cut_without_its_shadow(colour: tuple[int, int, int]) -> None:
    mask = _bottle_mask()
    cut = METHOD.cut(_photo(mask, colour, _ground()))
    assert cut.verdict == "accepted", cut.detail
    assert _iou(cut.alpha, mask) > 0.96
    assert cut.quality > 0.7


def test_it_beats_grabcut(colour: tuple[int, int, int] = (104, 106, 110)) -> None:
    mask = _bottle_mask()
    photo = _photo(mask, colour, _ground())
    labels = np.zeros(mask.shape, np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(photo, labels, (20, 20, SIZE - 40, SIZE - 40), *models, 5, cv2.GC_INIT_WITH_RECT)
    theirs = np.where(np.isin(labels, (1, 3)), 255, 0).astype(np.uint8)
    assert _iou(METHOD.cut(photo).alpha, mask) > _iou(theirs, mask)


def test_a_label_of_the_grounds_colour_stays_in() -> None:
    mask = _bottle_mask()
    photo = _photo(mask, (30, 60, 120), _ground())
    label = _ground().astype(np.uint8)[300:480, 260:390]
    photo[300:480, 260:390] = label
    cv2.putText(photo, "COLA", (270, 400), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 4)
    assert _iou(METHOD.cut(photo).alpha, mask) > 0.96


def test_the_hole_of_a_handle_stays_open() -> None:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.rectangle(mask, (180, 200), (400, 480), 255, -1)
    cv2.circle(mask, (420, 340), 110, 255, -1)
    cv2.circle(mask, (440, 340), 60, 0, -1)
    photo = np.where(mask[..., None] > 0, np.array([150, 60, 40]), _ground((244, 244, 244), 2.0))
    photo = cv2.GaussianBlur(photo.astype(np.uint8), (3, 3), 0)
    cut = METHOD.cut(photo)
    assert cut.alpha[340, 440] == 0
    assert _iou(cut.alpha, mask) > 0.95


def test_edges_carry_no_colour_of_the_ground() -> None:
    mask = _bottle_mask()
    cut = METHOD.cut(_photo(mask, (20, 20, 24), _ground((250, 250, 250), 0.0)))
    soft = (cut.rgba[..., 3] > 60) & (cut.rgba[..., 3] < 200)
    assert soft.any()
    assert cut.rgba[..., :3][soft].mean() < 60


def test_the_same_picture_gives_the_same_bytes() -> None:
    photo = _photo(_bottle_mask(), (60, 120, 190), _ground())
    assert METHOD.cut(photo).rgba.tobytes() == METHOD.cut(photo.copy()).rgba.tobytes()


def _refusals() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    busy = cv2.resize(
        rng.integers(0, 255, (12, 12, 3)).astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    cut_off = np.roll(_bottle_mask(), 200, axis=0)
    cut_off[:200] = 0
    boards = 150 + 25 * np.sign(np.sin(np.arange(SIZE) / 3.0))[None, :, None] + np.zeros((SIZE, SIZE, 3))
    dot = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(dot, (320, 320), 30, 255, -1)
    return {
        "blank_image": _ground().astype(np.uint8),
        "background_not_uniform": busy,
        "background_textured": _photo(_bottle_mask(), (180, 40, 50), cv2.GaussianBlur(boards, (0, 0), 1.0)),
        "touches_border": _photo(cut_off, (180, 40, 50), _ground()),
        "too_small_in_frame": _photo(dot, (180, 40, 50), _ground()),
        "low_quality": cv2.GaussianBlur(_photo(_bottle_mask(), (180, 40, 50), _ground()), (0, 0), 18),
    }


@pytest.mark.parametrize(
    "reason",
    sorted(_refusals()),
)
def test_it_refuses_what_it_cannot_cut(reason: str) -> None:
    cut = METHOD.cut(_refusals()[reason])
    assert (cut.verdict, cut.reason) == ("refused", reason)
    assert cut.detail


@pytest.mark.parametrize("shape", [(160, 900), (900, 160), (161, 163)])
def test_any_shape_of_picture_is_taken(shape: tuple[int, int]) -> None:
    photo = np.full((*shape, 3), 245, np.uint8)
    height, width = shape
    photo[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = (40, 90, 160)
    assert METHOD.cut(photo).alpha.shape == shape


def test_a_grey_body_on_a_grey_ground_is_not_bitten() -> None:
    mask = _bottle_mask()
    ground = _ground((214, 215, 217), 20.0)
    contact = cv2.GaussianBlur(np.roll(mask, 10, axis=0), (0, 0), 9)[..., None] / 255.0
    cut = METHOD.cut(_photo(mask, (168, 169, 171), ground * (1 - 0.45 * contact)))
    assert cut.verdict == "accepted", cut.detail
    assert _iou(cut.alpha, mask) > 0.95


@pytest.mark.parametrize("damage", ["bite", "shadow", "lost_half"])
def test_a_bad_mask_is_rated_low(damage: str) -> None:
    mask = _bottle_mask()
    photo = _photo(mask, (60, 120, 190), _ground())
    cv2.putText(photo, "COLA", (250, 400), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (240, 240, 240), 5)
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    ground = fit_ground(lab)
    edges = find_edges(lab)
    good = mask > 127
    bad = good.copy()
    if damage == "bite":
        bad[300:450, 200:330] = False
    elif damage == "shadow":
        bad[440:548, 400:560] = True
    else:
        bad[380:] = False
    good_quality, _ = rate_mask(good, edges, lab, ground)
    bad_quality, detail = rate_mask(bad, edges, lab, ground)
    assert good_quality > 0.9
    assert bad_quality < 0.7, detail
