"""A photograph on white becomes a main image: its ground is lifted, its product is not touched; and which may not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.pictures.admit import stands_on_white
from ray_tasks.pictures.compose import alpha_bounds
from ray_tasks.pictures.decide import Thresholds, decide, explain
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.measure import measure
from ray_tasks.pictures.picture import set_text, white_base
from ray_tasks.pictures.white_ground import Lifted, is_caption, lift
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

SIZE = 600
CANVAS = Canvas(768, 768)
LEFT, TOP = 150, 130


def _ground(level: float = 246.0) -> np.ndarray:
    """(H, W, 3) float32: a light ground that falls off to the corners, with a little noise."""
    ys, xs = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    noise = np.random.default_rng(3).normal(0, 0.6, (SIZE, SIZE, 1))
    return np.asarray(level - 8 * (xs**2 + ys**2)[..., None] + noise + np.zeros(3), np.float32)


def _photo(
    product: np.ndarray, ground: np.ndarray, left: int = LEFT, top: int = TOP, aside: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """(photograph, the product's share of each pixel): the product on the ground, its soft shade `aside` of it."""
    height, width = product.shape[:2]
    share = np.zeros((SIZE, SIZE), np.float32)
    colour = np.zeros((SIZE, SIZE, 3), np.float32)
    share[top : top + height, left : left + width] = product[..., 3] / 255
    colour[top : top + height, left : left + width] = product[..., :3]
    cast = np.array([[1, 0.1, aside - 0.1 * SIZE], [0, 0.3, 0.7 * (top + height) - 6]], np.float32)
    shade = cv2.GaussianBlur(cv2.warpAffine(share, cast, (SIZE, SIZE)), (0, 0), 12)
    scene = ground * (1 - 0.3 * shade[..., None])
    seen = scene * (1 - share[..., None]) + colour * share[..., None]
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8), share


def _lifted(photo: np.ndarray, texts: tuple[Box, ...] = ()) -> Lifted:
    found = lift(photo, texts)
    assert found is not None
    return found


def _on_white(lifted: Lifted, photo: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the photograph over white at its own size, found again by its pixels."""
    height, width = lifted.rgba.shape[:2]
    match = cv2.matchTemplate(photo, np.ascontiguousarray(lifted.rgba[..., :3]), cv2.TM_SQDIFF)
    _, _, (left, top), _ = cv2.minMaxLoc(match)
    alpha = np.zeros((*photo.shape[:2], 1), np.float32)
    alpha[top : top + height, left : left + width] = lifted.rgba[..., 3:] / 255
    return np.rint(photo * alpha + 255 * (1 - alpha)).astype(np.uint8)


@pytest.mark.parametrize("level", [253.0, 240.0, 231.0])
@pytest.mark.parametrize("product", [bottle(360), shoe(300)], ids=["bottle", "shoe"])
def test_the_ground_becomes_white_and_the_product_stays_as_it_is(product: np.ndarray, level: float) -> None:
    photo, share = _photo(product, _ground(level))
    lifted = _lifted(photo)
    assert stands_on_white(lifted.measured), lifted.measured
    seen = _on_white(lifted, photo)
    core = share > 0.99
    assert core.any() and (seen[core] == photo[core]).all()
    far = cv2.dilate((share > 0).astype(np.uint8), np.ones((161, 161), np.uint8)) == 0
    assert far.any() and (seen[far] == 255).all()
    # Soft shade stays beside the product, and comes to white without a step.
    beside = (share == 0) & (seen[..., 0] < 250)
    assert beside.sum() > 200
    steps = np.abs(np.diff(seen[..., 0].astype(int), axis=1))[:, :-1][
        (share == 0)[:, 1:-1] & (share == 0)[:, 2:]
    ]
    assert np.quantile(steps, 0.999) < 12


def test_the_picture_on_white_passes_like_that_of_a_cut_out() -> None:
    photo, _ = _photo(bottle(360), _ground())
    lifted = _lifted(photo)
    picture = set_text(white_base(lifted.rgba, CANVAS), TextSpec("", locale="en"))
    assert picture.certificate.core_px > 10_000 and picture.certificate.changed_core_px == 0
    jpeg = encode_jpeg(
        picture.rgb, alt_text="A bottle.", digital_source_type="compositeSynthetic", language="en"
    )
    measured = measure(
        jpeg, lifted.rgba, picture.placed.box, [], overflow=False,
        changed_core_px=picture.certificate.changed_core_px,
    )  # fmt: skip
    limits = Thresholds().of_look("white")
    assert decide(measured, limits) == [], explain(measured, limits)
    assert measured["product_extent"] == pytest.approx(0.9, abs=0.01)
    assert measured["clipped_light_share"] > 0.999
    assert (picture.rgb[[0, -1]] == 255).all() and (picture.rgb[:, [0, -1]] == 255).all()


def test_a_ground_that_is_left_grey_on_white_is_rejected() -> None:
    """A patch of the photograph's ground beside the product, a little darker than white, as no lift should leave it."""
    lifted = _lifted(_photo(bottle(360), _ground())[0])
    picture = set_text(white_base(lifted.rgba, CANVAS), TextSpec("", locale="en"))
    limits = Thresholds().of_look("white")

    def reasons(rgb: np.ndarray) -> list[str]:
        jpeg = encode_jpeg(rgb, alt_text="A bottle.", digital_source_type="compositeSynthetic", language="en")
        return decide(
            measure(jpeg, lifted.rgba, picture.placed.box, [], overflow=False, changed_core_px=0), limits
        )

    assert reasons(picture.rgb) == []
    left = picture.rgb.copy()
    left[60:140, 600:740] = 246
    assert reasons(left) == ["ground_not_white"]


def test_shade_that_the_border_cuts_fades_out() -> None:
    photo, _ = _photo(shoe(300), _ground(), left=240, aside=150)
    assert photo[:, -1].min() < photo[:, 0].min() - 20, "the border cuts the shade"
    lifted = _lifted(photo)
    assert stands_on_white(lifted.measured | {"white_border": 1.0}), lifted.measured
    seen = _on_white(lifted, photo)
    assert (seen[:, -2:] == 255).all()
    assert np.abs(np.diff(seen[..., 0].astype(int), axis=1))[:, -60:].max() < 12


def test_a_coloured_shade_that_the_border_cuts_keeps_a_photograph_out() -> None:
    photo, share = _photo(shoe(300), _ground(), aside=400)
    tinted = photo.copy()
    strip = np.s_[TOP + 80 : TOP + 112, LEFT + 200 :]
    tinted[strip] = np.where(share[strip][..., None] > 0, photo[strip], (214, 190, 160))
    assert stands_on_white(_lifted(photo).measured)
    assert _lifted(tinted).measured["white_side"] > 0.1
    assert not stands_on_white(_lifted(photo).measured | {"white_side": 0.1})


def test_ground_seen_through_a_handle_is_lifted_too() -> None:
    ring = cv2.circle(np.zeros((320, 320, 4), np.uint8), (160, 160), 140, (40, 60, 150, 255), 26, cv2.LINE_AA)
    ring[..., :3] = (40, 60, 150)
    photo, _ = _photo(ring, _ground(240), aside=400)
    lifted = _lifted(photo)
    assert stands_on_white(lifted.measured), lifted.measured
    assert (_on_white(lifted, photo)[TOP + 150 : TOP + 170, LEFT + 150 : LEFT + 170] == 255).all()


def test_a_white_product_that_melts_into_its_ground_is_left_alone() -> None:
    product = bottle(360)
    product[..., :3] = (250, 250, 250)
    product[120:200, 30:110, :3] = (60, 60, 60)
    lifted = _lifted(_photo(product, _ground(232), aside=400)[0])
    assert not stands_on_white(lifted.measured)
    assert lifted.measured["white_lighter"] > 0.02 or lifted.measured["white_lost"] > 0.02


def _wall() -> np.ndarray:
    wall = _ground(244)
    for y in range(60, SIZE, 110):
        cv2.line(wall, (0, y), (SIZE, y), (214.0, 214.0, 214.0), 2, cv2.LINE_AA)
    return wall


def _cut() -> np.ndarray:
    return _photo(bottle(360), _ground(), top=SIZE - 360)[0]


@pytest.mark.parametrize(
    ("photo", "fault"),
    [
        (_photo(bottle(360), _ground(150))[0], "white_ground"),
        (_photo(bottle(360), _ground(210))[0], "white_ground"),
        (_cut(), "white_cut"),
        (_photo(bottle(360), _wall())[0], "white_lost"),
    ],
    ids=["dark", "grey", "cut by the border", "a wall"],
)
def test_what_is_no_photograph_on_white_is_told(photo: np.ndarray, fault: str) -> None:
    measured = _lifted(photo).measured
    assert not stands_on_white(measured), measured
    good = _lifted(_photo(bottle(360), _ground())[0]).measured
    assert not stands_on_white(good | {fault: measured[fault]}), measured


def test_text_on_the_ground_keeps_a_photograph_out_and_text_on_the_product_does_not() -> None:
    photo, _ = _photo(bottle(360), _ground())
    label = Box(LEFT + 20, TOP + 240, LEFT + 120, TOP + 270)
    cv2.putText(photo, "NEW 2026", (380, 120), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2, cv2.LINE_AA)
    caption = Box(378, 94, 550, 124)
    assert stands_on_white(_lifted(photo, (label,)).measured | {"white_crumbs": 0.0})
    measured = _lifted(photo, (label, caption)).measured
    assert measured["white_captions"] == 1 and not stands_on_white(measured | {"white_crumbs": 0.0})
    stays = np.zeros((60, 60), bool)
    stays[:, 20:40] = True
    assert not is_caption(stays, Box(24, 24, 36, 30)) and is_caption(~stays & False, Box(24, 24, 36, 30))


def test_a_stain_on_the_ground_goes_with_it() -> None:
    photo, _ = _photo(bottle(360), _ground())
    stain = cv2.GaussianBlur(
        cv2.circle(np.zeros((SIZE, SIZE), np.float32), (450, 150), 12, 1.0, -1), (0, 0), 9
    )
    photo = np.clip(photo - 14 * stain[..., None], 0, 255).astype(np.uint8)
    lifted = _lifted(photo)
    bounds = alpha_bounds(lifted.rgba[..., 3])
    assert bounds is not None and stands_on_white(lifted.measured)
    seen = _on_white(lifted, photo)
    assert (seen[100:200, 420:480] == 255).all()


def test_nothing_but_ground_gives_no_picture() -> None:
    assert lift(np.full((400, 400, 3), 252, np.uint8)) is None


def test_the_same_photograph_gives_the_same_pixels() -> None:
    photo, _ = _photo(shoe(300), _ground())
    assert (_lifted(photo).rgba == _lifted(photo.copy()).rgba).all()
