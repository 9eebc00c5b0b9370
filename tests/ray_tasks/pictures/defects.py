"""Defects of finished pictures, each made on a good one in four strengths: 1 is hard to see, 4 nobody would publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.compose import resized
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.measure_text import TextBox
from ray_tasks.pictures.palette import oklab_from_srgb, parse_hex, srgb_from_oklab
from ray_tasks.pictures.scene import CORE_PX, Core
from tests.ray_tasks.pictures.cases import Case, white_case

STRENGTHS = (1, 2, 3, 4)


def _tinted(case: Case, strength: int) -> Case:
    return case.painted(case.rgb + case.alpha * np.array((0, (4, 8, 16, 30)[strength - 1], 0)))


def _spotted(case: Case, strength: int) -> Case:
    """A patch of other colour where the product is thickest: its middle may be a gap."""
    side = (6, 10, 16, 24)[strength - 1]
    depth = cv2.distanceTransform((case.alpha[..., 0] == 1).view(np.uint8), cv2.DIST_L2, 3)
    y, x = (int(at) - side // 2 for at in np.unravel_index(depth.argmax(), depth.shape))
    rgb = case.rgb.copy()
    rgb[y : y + side, x : x + side] = 255 - rgb[y : y + side, x : x + side]
    return replace(case, rgb=rgb)


def _shifted(case: Case, strength: int) -> Case:
    rgb, box, by = case.rgb.copy(), case.box, (1, 2, 4, 8)[strength - 1]
    rgb[box.top : box.bottom, box.left + by : box.right] = case.rgb[
        box.top : box.bottom, box.left : box.right - by
    ]
    return replace(case, rgb=rgb)


def _rimmed(case: Case, strength: int) -> Case:
    """A rim of the colour of another ground, as a cut-out leaves it."""
    width, share = ((3, 0.45), (3, 0.8), (5, 0.8), (7, 1.0))[strength - 1]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    rim = (cv2.dilate(case.alpha, kernel)[..., None] - case.alpha).clip(0, 1) * share
    light = case.rgb[case.alpha[..., 0] < 0.1].mean() > 128
    return case.painted(case.rgb * (1 - rim) + rim * (10 if light else 250))


def _cut(case: Case, strength: int) -> Case:
    """The source picture's border went through the product."""
    height, width = case.cutout.shape[:2]
    share = (0.03, 0.08, 0.16, 0.3)[strength - 1]
    if height > width:
        return case.standing(case.cutout[: round(height * (1 - share))], case.box)
    return case.standing(np.ascontiguousarray(case.cutout[:, : round(width * (1 - share))]), case.box)


def _crumbs(case: Case, strength: int) -> Case:
    """Pieces of the old ground beside the product."""
    height, width = case.cutout.shape[:2]
    air = round(0.06 * max(height, width))
    wide = cv2.copyMakeBorder(case.cutout, air, air, air, air, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    side = round(max(height, width) * (0.015, 0.025, 0.035, 0.05)[strength - 1])
    for index in range(2 + strength):
        y = round(air + height * (index + 0.5) / (2 + strength))
        wide[y : y + max(2, side // 3), 0:side] = (150, 150, 150, 255)
    return case.standing(wide, case.box)


def _edge_of_picture(case: Case, strength: int) -> Case:
    by = (11, 8, 4, 0)[strength - 1]
    size = case.canvas
    room = Box(
        by, round(0.2 * size.height_px), by + case.box.width, round(0.2 * size.height_px) + case.box.height
    )
    return case.standing(case.cutout, room.grown(0, size), _soft_ground(case))


def _tiny(case: Case, strength: int) -> Case:
    side = round((0.2, 0.16, 0.12, 0.08)[strength - 1] * min(case.rgb.shape[:2]))
    left, top = case.canvas.width_px // 2, case.canvas.height_px // 2
    return case.standing(case.cutout, Box(left, top, left + side, top + side), _soft_ground(case))


def _giant(case: Case, strength: int) -> Case:
    """It fills the picture from border to border."""
    share, size = (0.9, 0.94, 0.97, 1.0)[strength - 1], case.canvas
    width, height = round(share * size.width_px), round(share * size.height_px)
    left, top = (size.width_px - width) // 2, (size.height_px - height) // 2
    scale = min(width / case.cutout.shape[1], height / case.cutout.shape[0])
    large = resized(case.cutout, round(scale * case.cutout.shape[1]), round(scale * case.cutout.shape[0]))
    return case.standing(large, Box(left, top, left + width, top + height), _soft_ground(case))


def _soft_ground(case: Case) -> np.ndarray:
    """The scene out of focus: its own product's shadow is no defect of another place."""
    return cv2.GaussianBlur(case.bare, (0, 0), 24)


def _floating(case: Case, strength: int) -> Case:
    by = round((0.012, 0.02, 0.035, 0.06)[strength - 1] * case.canvas.height_px)
    up = min(by, case.box.top)
    box = Box(case.box.left, case.box.top - up, case.box.right, case.box.bottom - up)
    return replace(case.standing(case.cutout, box), stands=True)


def _out_of_scale(case: Case, times: float) -> Case:
    """The scene is seen from as far or near as if the product were so many times as large as it is."""
    box, size = case.box, case.canvas
    frame = CORE_PX / min(size.width_px, size.height_px)
    half, height = 0.5 * times * frame * box.width, round(times * frame * box.height)
    middle, bottom = frame * box.center_x, round(frame * box.bottom)
    core = Core(Box(round(middle - half), bottom - height, round(middle + half), bottom), None)
    order = replace(case.order, core=core)
    backend = ComponentScene()
    moved = case.standing(case.cutout, case.box, order.drawn_by(backend))
    return replace(moved, order=order, px_per_cm=order.px_per_cm(backend))


def _too_large(case: Case, strength: int) -> Case:
    return _out_of_scale(case, (1.4, 2.0, 2.8, 4.0)[strength - 1])


def _too_small(case: Case, strength: int) -> Case:
    return _out_of_scale(case, 1 / (2.0, 3.0, 4.5, 6.5)[strength - 1])


def _blurred(case: Case, strength: int) -> Case:
    sigma = (2.0, 3.5, 5.0, 8.0)[strength - 1]
    air = round(3 * sigma)
    cutout = cv2.copyMakeBorder(case.cutout, air, air, air, air, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    weight = cv2.GaussianBlur(cutout[..., 3].astype(np.float32) / 255, (0, 0), sigma)
    spread = cv2.GaussianBlur(cutout[..., :3] * (cutout[..., 3:] / 255.0), (0, 0), sigma)
    cutout[..., :3] = np.clip(spread / np.maximum(weight, 1e-3)[..., None], 0, 255)
    cutout[..., 3] = np.rint(weight * 255)
    return case.standing(cutout, case.box)


def _camouflaged(case: Case, strength: int) -> Case:
    near = cv2.GaussianBlur(case.rgb * case.alpha, (0, 0), 12)
    weight = np.maximum(cv2.GaussianBlur(case.alpha, (0, 0), 12)[..., None], 1e-3)
    share = np.clip(cv2.GaussianBlur(case.alpha, (0, 0), 14)[..., None] * 4, 0, 1)
    share = share * (0.55, 0.75, 0.9, 1.0)[strength - 1]
    return case.around(lambda rgb: rgb * (1 - share) + near / weight * share)


def _cluttered(case: Case, strength: int) -> Case:
    rng = np.random.default_rng(4)
    height, width = case.rgb.shape[:2]
    blobs = rng.standard_normal((height // 9, width // 9, 3)).astype(np.float32)
    blobs = cv2.resize(blobs, (width, height), interpolation=cv2.INTER_CUBIC) * (12, 20, 30, 45)[strength - 1]
    return case.around(lambda rgb: rgb + blobs)


def _overexposed(case: Case, strength: int) -> Case:
    gain = (1.5, 2.0, 2.8, 4.0)[strength - 1]
    return case.around(lambda rgb: rgb * gain + 20 * strength)


def _underexposed(case: Case, strength: int) -> Case:
    gain = (0.12, 0.06, 0.03, 0.01)[strength - 1]
    return case.around(lambda rgb: rgb * gain)


def _blank(case: Case, strength: int) -> Case:
    flat = np.median(case.bare, axis=(0, 1))
    share = (0.8, 0.9, 0.96, 1.0)[strength - 1]
    return replace(case, texts=()).around(lambda rgb: case.bare * (1 - share) + flat * share)


def _noisy(case: Case, strength: int) -> Case:
    sigma = (7, 11, 16, 24)[strength - 1]
    grain = np.random.default_rng(4).normal(0, sigma, (*case.rgb.shape[:2], 1))
    return case.around(lambda rgb: rgb + grain)


def _banded(case: Case, strength: int) -> Case:
    step = (6, 10, 16, 24)[strength - 1]
    return case.around(lambda rgb: np.floor(rgb / step) * step + step / 2)


def _clashing(case: Case, strength: int) -> Case:
    """The surroundings take on a colour square to the product's hue."""
    own = oklab_from_srgb(case.rgb[case.alpha[..., 0] == 1][::50] / 255.0)
    return _dyed(case, (own[:, 1:] * np.hypot(own[:, 1], own[:, 2])[:, None]).mean(axis=0), strength)


def _off_brand(case: Case, strength: int) -> Case:
    """The surroundings take on a colour square to that of the merchant's brand, a clear blue."""
    blue = "#1f5fd0"
    hue = oklab_from_srgb(np.array(parse_hex(blue)))[1:]
    return _dyed(replace(case, brand_colors=(blue, "#202020")), hue, strength)


def _dyed(case: Case, hue: np.ndarray, strength: int) -> Case:
    hue = hue / max(1e-6, float(np.linalg.norm(hue)))
    chroma = (0.06, 0.09, 0.13, 0.18)[strength - 1]

    def dyed(rgb: np.ndarray) -> np.ndarray:
        lab = oklab_from_srgb(rgb / 255.0)
        lab[..., 1], lab[..., 2] = -hue[1] * chroma, hue[0] * chroma
        return srgb_from_oklab(lab) * 255.0

    return case.around(dyed)


def _twin(case: Case, strength: int) -> Case:
    """Another persona's picture is the same but for a shade."""
    gain = (1.18, 1.12, 1.06, 1.0)[strength - 1]
    return replace(case, others=(case.around(lambda rgb: rgb * gain).look(),))


def _advertising(case: Case, strength: int) -> Case:
    told = ("SALE -40 %", "www.shop.example", "NEU", "nur 9,99 €")[:strength]
    return replace(case, texts=(), source_texts=("NORVAND", *told))


def _faint(case: Case, strength: int) -> Case:
    share = (0.55, 0.4, 0.28, 0.18)[strength - 1]
    rgb = case.rgb.astype(np.float32)
    for text in case.texts:
        part = rgb[text.box.top : text.box.bottom, text.box.left : text.box.right]
        ground = np.median(part, axis=(0, 1))
        part[:] = ground + share * (part - ground)
    return case.painted(rgb)


def _misspelt(case: Case, strength: int) -> Case:
    """Letters are drawn that were not asked for: here, others are asked for than were drawn."""
    headline = case.texts[_headline(case)]
    letters = list(headline.text)
    places = [i for i, sign in enumerate(letters) if sign.isalpha()]
    share = (0.1, 0.2, 0.35, 0.6)[strength - 1]
    for place in places[:: max(1, round(1 / share))]:
        letters[place] = "x" if letters[place].lower() != "x" else "o"
    return _with_headline(case, replace(headline, text="".join(letters)))


def _blotted(case: Case, strength: int) -> Case:
    """Part of the headline is covered."""
    box = case.texts[_headline(case)].letters
    assert box is not None
    rgb = case.rgb.copy()
    share = (0.12, 0.2, 0.35, 0.6)[strength - 1]
    part = rgb[box.top : box.bottom, box.left : box.left + round(share * box.width)]
    part[:] = np.median(part, axis=(0, 1))
    return replace(case, rgb=rgb)


def _wrong_price(case: Case, strength: int) -> Case:
    """Digits are not those that were asked for."""
    headline = case.texts[_headline(case)]
    return _with_headline(case, replace(headline, text=f"{headline.text} {'1234'[:strength]}"))


def _small_print(case: Case, strength: int) -> Case:
    """The headline is set at a part of its size."""
    headline = case.texts[_headline(case)]
    box, share = headline.letters, (0.55, 0.45, 0.35, 0.25)[strength - 1]
    assert box is not None
    part = case.rgb[box.top : box.bottom, box.left : box.right]
    small = cv2.resize(part, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    rgb = case.rgb.copy()
    rgb[box.top : box.bottom, box.left : box.right] = case.bare[box.top : box.bottom, box.left : box.right]
    place = Box(box.left, box.top, box.left + small.shape[1], box.top + small.shape[0])
    rgb[place.top : place.bottom, place.left : place.right] = small
    return _with_headline(replace(case, rgb=rgb), replace(headline, box=place, letters=place))


def _over_product(case: Case, strength: int) -> Case:
    headline = case.texts[_headline(case)]
    by = (0.03, 0.1, 0.25, 0.6)[strength - 1]
    left = round(case.box.left + 0.3 * case.box.width)
    top = round((case.box.top + case.box.bottom) / 2)
    width, height = max(4, round(by * case.box.width)), max(4, round(by * case.box.height))
    return _with_headline(case, replace(headline, box=Box(left, top, left + width, top + height)))


def _over_text(case: Case, strength: int) -> Case:
    headline = case.texts[_headline(case)]
    box, share = headline.box, (0.03, 0.1, 0.3, 1.0)[strength - 1]
    top = box.bottom - max(1, round(share * box.height))
    other = replace(headline, element="legal", box=Box(box.left, top, box.right, top + box.height), text="")
    return replace(case, texts=(*case.texts, other))


def _at_the_border(case: Case, strength: int) -> Case:
    headline, left = case.texts[_headline(case)], (11, 8, 4, 0)[strength - 1]
    box = Box(left, headline.box.top, left + headline.box.width, headline.box.bottom)
    return _with_headline(case, replace(headline, box=box))


def _cast_on_white(case: Case, strength: int) -> Case:
    """The ground of a photograph in warm light, not lifted the whole way."""
    depth = (2, 4, 8, 16)[strength - 1]
    return case.around(lambda rgb: rgb - depth * np.array((0.3, 0.6, 1.0)))


def _vignette_on_white(case: Case, strength: int) -> Case:
    """The ground falls off to the corners, as under a lens or a lamp."""
    depth = (2, 4, 8, 16)[strength - 1]
    height, width = case.rgb.shape[:2]
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = depth * (xs**2 + ys**2)[..., None] / 2
    return case.around(lambda rgb: rgb - fall)


def _stain_on_white(case: Case, strength: int) -> Case:
    """A soft grey stain where the ground is widest."""
    depth, share = ((4, 0.03), (8, 0.05), (12, 0.08), (20, 0.12))[strength - 1]
    ground = cv2.copyMakeBorder((case.alpha[..., 0] == 0).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    widest = cv2.distanceTransform(ground, cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(widest.argmax(), widest.shape)
    ys, xs = np.mgrid[: widest.shape[0], : widest.shape[1]]
    sigma = share * min(widest.shape)
    fall = depth * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * sigma**2))[..., None]
    return case.around(lambda rgb: rgb - fall)


def _sheet_on_white(case: Case, strength: int) -> Case:
    """A grey sheet under the product that was taken for its shade, and stays with it in the alpha."""
    own = case.cutout[..., 3:] / 255.0
    sheet = np.zeros_like(own)
    sheet[len(sheet) // 2 :] = (0.12, 0.25, 0.5, 1.0)[strength - 1] * (1 - own[len(sheet) // 2 :])
    alpha = own + sheet
    rgb = (case.cutout[..., :3] * own + 228 * sheet) / np.maximum(alpha, 1e-3)
    return white_case(np.rint(np.dstack([rgb, 255 * alpha])).astype(np.uint8), case.order)


def _small_on_white(case: Case, strength: int) -> Case:
    share, size = (0.87, 0.82, 0.7, 0.5)[strength - 1], case.canvas
    side = round(share * min(size.width_px, size.height_px))
    left, top = (size.width_px - side) // 2, (size.height_px - side) // 2
    return case.standing(case.cutout, Box(left, top, left + side, top + side))


def _headline(case: Case) -> int:
    return next(i for i, text in enumerate(case.texts) if text.element == "headline")


def _with_headline(case: Case, headline: TextBox) -> Case:
    index = _headline(case)
    return replace(case, texts=(*case.texts[:index], headline, *case.texts[index + 1 :]))


DEFECTS: dict[str, tuple[str, Callable[[Case, int], Case]]] = {
    "drawn over": ("product_changed", lambda case, strength: replace(case, changed_core_px=strength)),
    "tinted": ("product_changed", _tinted),
    "spotted": ("product_changed", _spotted),
    "shifted": ("product_changed", _shifted),
    "fringed": ("edge_halo", _rimmed),
    "cut by the border": ("product_cut", _cut),
    "crumbs": ("cut_out_crumbs", _crumbs),
    "at the border": ("product_near_border", _edge_of_picture),
    "tiny": ("product_too_small", _tiny),
    "giant": ("product_too_large", _giant),
    "floating": ("floating_product", _floating),
    "too large for its scene": ("wrong_scale", _too_large),
    "too small for its scene": ("wrong_scale", _too_small),
    "blurred source": ("blurry_product", _blurred),
    "camouflaged": ("low_separation", _camouflaged),
    "misspelt": ("text_misread", _misspelt),
    "covered text": ("text_misread", _blotted),
    "wrong digits": ("text_misread", _wrong_price),
    "too long a text": ("text_overflow", lambda case, _: replace(case, overflow=True)),
    "text on the product": ("text_over_product", _over_product),
    "text on text": ("texts_overlap", _over_text),
    "text at the border": ("text_near_border", _at_the_border),
    "faint text": ("low_contrast", _faint),
    "small headline": ("illegible_thumbnail", _small_print),
    "clutter": ("cluttered", _cluttered),
    "burnt out": ("overexposed", _overexposed),
    "black": ("underexposed", _underexposed),
    "blank": ("blank_background", _blank),
    "noise": ("noisy_background", _noisy),
    "steps in tones": ("banding", _banded),
    "clashing colours": ("colour_clash", _clashing),
    "off brand": ("brand_clash", _off_brand),
    "like another": ("near_duplicate", _twin),
    "advertising baked in": ("baked_text", _advertising),
    "cast on white": ("ground_not_white", _cast_on_white),
    "vignette on white": ("ground_not_white", _vignette_on_white),
    "stain on white": ("ground_not_white", _stain_on_white),
    "sheet left on white": ("ground_not_white", _sheet_on_white),
    "small on white": ("product_too_small", _small_on_white),
}
"""Name -> the reason that it has to be rejected for, and what makes it of a good picture."""
READ = ("misspelt", "covered text", "wrong digits")
"""Those for which text has to be read."""
SCALED = ("too large for its scene", "too small for its scene")
"""Those that can be made only where the scene's scale is known."""
ON_WHITE = tuple(name for name in DEFECTS if name.endswith(" on white"))
"""Those that are made on main images, which have limits of their own."""
UNTOLD = ("sheet left on white",)
"""Those that no rule tells yet: what stays in the alpha counts as the product."""
