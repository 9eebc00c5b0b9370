"""What a finished picture measures: one number per name, taken from the decoded JPEG that a shopper would see.

Nothing is judged here; `decide` does that. Colour differences are in 8-bit levels (0..255) or in OKLab (0..1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import cv2
import numpy as np

from ray_tasks.pictures.compose import alpha_bounds, resized
from ray_tasks.pictures.flaws import crumb_share, cut_side
from ray_tasks.pictures.framed import MOUNT, is_photograph
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.measure_ground import (
    EDGE_STEP,
    Look,
    brand_clash,
    colour_clash,
    look_of,
    measure_ground,
    twin_distance,
)
from ray_tasks.pictures.measure_text import TextBox, measure_text
from ray_tasks.pictures.palette import oklab_from_srgb

_FLAT = 5.0
"""Gradient in levels a pixel below which a surface has no detail that could be sharp."""


def measure(
    jpeg: bytes,
    cutout_rgba: np.ndarray,
    product_box: Box,
    text_boxes: Sequence[TextBox],
    *,
    overflow: bool,
    changed_core_px: int,
    placed: np.ndarray | None = None,
    others: Sequence[Look] = (),
    source_texts: Sequence[str] = (),
    stands: bool = True,
    brand_colors: Sequence[str] = (),
    size_cm: float | None = None,
    px_per_cm: float | None = None,
) -> dict[str, float]:
    """The measurements of one picture by name.

    cutout_rgba: (h, w, 4) uint8, straight alpha, as it was placed. product_box: where its bounds stand in the picture.
    placed: what `placed_pixels` gives for the two, where pictures that share a scene share it.
    others: what the product's pictures for other personas look like. source_texts: what was read in the source picture.
    stands: whether the product stands on something, instead of lying on it or hanging. brand_colors: the merchant's, as
    "#rrggbb"; the product's own where there are none. size_cm: the product's longest side; px_per_cm: the scene's scale
    where it stands; where one is not known, the product's scale is not measured.
    Raises ValueError for bytes that are no picture and for a box outside it.
    """
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("the file cannot be decoded as a picture")
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    height, width = rgb.shape[:2]
    canvas = Canvas(width, height)
    if (
        product_box.left < 0
        or product_box.top < 0
        or product_box.right > width
        or product_box.bottom > height
    ):
        raise ValueError(f"product box {product_box} lies outside the picture of {width} x {height} pixels")
    product = placed_pixels(cutout_rgba, product_box) if placed is None else placed
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    alpha = np.zeros((height, width), np.uint8)
    alpha[product_box.top : product_box.bottom, product_box.left : product_box.right] = product[..., 3]
    thin = product[::4, ::4]
    opaque = thin[..., :3][thin[..., 3] == 255]
    look = look_of(bgr, product_box, (width, height))
    extent = max(product_box.width / width, product_box.height / height)
    framed = is_photograph(cutout_rgba)
    outline = product_box
    if framed:
        # A mount, or the line at its edge, belongs to the photograph.
        outline = product_box.grown(round(MOUNT * min(width, height)), canvas)
        alpha[outline.top : outline.bottom, outline.left : outline.right] = 255
    ground = measure_ground(bgr, gray, alpha, outline, text_boxes)
    if framed:
        # A photograph brings its own ground, which may be white, and goes on around it.
        ground["clipped_light_share"] = 0.0
        ground["background_deviation"] = float(cv2.meanStdDev(gray)[1][0, 0])
    edge = (
        # It may run to the borders or into its surroundings.
        {
            "product_margin_px": float(min(width, height)),
            "product_room": 1.0,
            "separation": 1.0,
            "separation_p20": 1.0,
            "halo": 0.0,
        }
        if framed
        else {
            "product_margin_px": float(
                min(product_box.left, product_box.top, width - product_box.right, height - product_box.bottom)
            ),
            "product_room": 1 - extent,
            **_edge(rgb, alpha, product_box.grown(3 * EDGE_STEP, canvas)),
        }
    )
    return {
        "changed_core_px": float(changed_core_px),
        "overflow": float(overflow),
        "upscale": math.sqrt(product_box.width * product_box.height / _bounds_px(cutout_rgba)),
        "product_share": float(cv2.countNonZero((product[..., 3] > 127).view(np.uint8))) / (width * height),
        "product_extent": extent,
        **_fidelity(rgb, product, product_box),
        **edge,
        "sharpness": _sharpness(product),
        "crumb_share": 0.0 if framed else crumb_share(product[..., 3]),
        "cut_side": 0.0 if framed else cut_side(product[..., 3]),
        "ground_contact": _ground_contact(gray, product[..., 3], product_box)
        if stands and not framed
        else 0.0,
        **measure_text(rgb, gray, alpha, text_boxes),
        **ground,
        "twin_distance": twin_distance(look, others),
        "colour_clash": colour_clash(look, opaque),
        "brand_clash": brand_clash(look, brand_colors, opaque),
        "baked_text": _baked_text(source_texts, framed, bool(text_boxes)),
        **_scale(product_box, size_cm, px_per_cm),
    }


def _scale(box: Box, size_cm: float | None, px_per_cm: float | None) -> dict[str, float]:
    """How many times as large as in proportion to its scene the product is drawn, by its longer side."""
    if not size_cm or not px_per_cm:
        return {}
    return {"scale_in_scene": max(box.width, box.height) / (size_cm * px_per_cm)}


_OFFER = (
    r"[€$£]|[-−–]\s*\d+\s*%|\d\s*%\s*(off|rabatt|günstiger|de remise)\b|"
    r"\b(sale|deal|offer|discount|save|rabatt|angebot|soldes?|promo|remise)\b"
)
_PROMOTION = _OFFER + r"|\d\s*%|www\.|\.(com|de|fr|net|org|shop)\b|\b(free|gratis|offert|new|neu|nouveau)\b"


def _baked_text(texts: Sequence[str], framed: bool, has_text: bool) -> float:
    """How many texts of the source picture do not belong into this one.

    Channels that forbid text forbid advertising baked in, but not labels. Beside our own text an offer does not belong:
    it promises a price that the record may not have. There a cut-out has left it behind, and a photograph shows it.
    """
    if has_text and not framed:
        return 0.0
    return float(sum(is_offer(text) if has_text else is_promotion(text) for text in texts))


def is_promotion(text: str) -> bool:
    """Whether a text in a source picture advertises."""
    return bool(re.search(_PROMOTION, text, re.IGNORECASE))


def is_offer(text: str) -> bool:
    """Whether a text in a source picture names a price or a reduction; "70 % cocoa" and "sugar free" are labels."""
    return bool(re.search(_OFFER, text, re.IGNORECASE))


def _ground_contact(gray: np.ndarray, alpha: np.ndarray, box: Box) -> float:
    """Light of the ground right under the product over that a little further down: below 0.7 it stands in its shadow.

    Median over the columns in which the product reaches its lowest part; 1 and more where nothing is dark under it.
    """
    unit = min(gray.shape) / 1024
    solid = alpha > 127
    lowest = np.where(solid.any(axis=0), solid.shape[0] - 1 - np.argmax(solid[::-1], axis=0), -1)
    columns = np.flatnonzero(lowest >= lowest.max() - max(2, round(0.02 * solid.shape[0])))
    columns = columns[:: max(1, len(columns) // 64)]
    bottoms = box.top + lowest[columns]

    def light(first: float, last: float) -> np.ndarray:
        rows = np.arange(round(first * unit), round(last * unit))
        below = np.minimum(bottoms[:, None] + rows, gray.shape[0] - 1)
        return gray[below, box.left + columns[:, None]].mean(axis=1)

    far = light(22, 40)
    # On dark ground no shadow can be seen, so that none is asked for.
    lit = far > 30
    return float(np.median(light(2, 7)[lit] / far[lit])) if lit.any() else 0.0


def placed_pixels(cutout_rgba: np.ndarray, box: Box) -> np.ndarray:
    """(box.height, box.width, 4) uint8: the very pixels that were pasted there.

    Raises ValueError for a cut-out without opaque pixels, or of another shape: one that no scale rounds to the box.
    """
    bounds = alpha_bounds(cutout_rgba[..., 3])
    if bounds is None:
        raise ValueError("cut-out has no opaque pixel")
    least = max((box.width - 0.5) / bounds.width, (box.height - 0.5) / bounds.height)
    most = min((box.width + 0.5) / bounds.width, (box.height + 0.5) / bounds.height)
    if least > most:
        raise ValueError(
            f"product box of {box.width} x {box.height} pixels is not the shape of a cut-out of "
            f"{bounds.width} x {bounds.height}: the candidate belongs to another cut-out"
        )
    part = cutout_rgba[bounds.top : bounds.bottom, bounds.left : bounds.right]
    return resized(part, box.width, box.height)


def _bounds_px(cutout_rgba: np.ndarray) -> int:
    bounds = alpha_bounds(cutout_rgba[..., 3])
    assert bounds is not None
    return bounds.width * bounds.height


def _fidelity(rgb: np.ndarray, product: np.ndarray, box: Box) -> dict[str, float]:
    """Differences after encoding between picture and cut-out where the cut-out is opaque, its rim left out."""
    opaque = (product[..., 3] == 255).view(np.uint8)
    core = cv2.erode(opaque, np.ones((5, 5), np.uint8))
    if not core.any():
        core = opaque
    if not core.any():
        return {"fidelity_mean_abs": 255.0, "fidelity_p95_abs": 255.0, "fidelity_max_cell": 255.0}
    shown = np.ascontiguousarray(rgb[box.top : box.bottom, box.left : box.right])
    own = np.ascontiguousarray(product[..., :3])
    difference = cv2.absdiff(shown, own)
    counts = sum(cv2.calcHist([difference], [i], core, [256], [0, 256]).ravel() for i in range(3))
    levels = np.arange(256)
    total = float(np.sum(counts))
    return {
        "fidelity_mean_abs": float((counts * levels).sum() / total),
        "fidelity_p95_abs": float(np.searchsorted(np.cumsum(counts), 0.95 * total)),
        "fidelity_max_cell": _worst_cell(shown, own, core),
    }


def _worst_cell(shown: np.ndarray, own: np.ndarray, core: np.ndarray) -> float:
    """The greatest difference of mean colours over cells of 8 x 8 pixels inside the core.

    The encoder keeps such means within a few levels, while a spot drawn over the product moves some of them far.
    """
    size = (max(1, core.shape[1] // 8), max(1, core.shape[0] // 8))
    cells = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (shown, own)]
    inside = cv2.resize(core * np.uint8(255), size, interpolation=cv2.INTER_AREA) == 255
    return float(cv2.absdiff(cells[0], cells[1])[inside].max(initial=0))


def _edge(rgb: np.ndarray, alpha: np.ndarray, window: Box) -> dict[str, float]:
    """Separation (OKLab) of product and background across the edge, and the halo on it (8-bit levels).

    A rim pixel of a clean edge lies between the colour inside and the colour outside; the halo is its distance to
    that line.
    """
    cut = np.s_[window.top : window.bottom, window.left : window.right]
    shape = (alpha[cut] > 127).view(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    inner, outer = cv2.erode(shape, kernel), 1 - cv2.dilate(shape, kernel)
    rim = (cv2.dilate(shape, np.ones((3, 3), np.uint8)) - cv2.erode(shape, np.ones((3, 3), np.uint8))) > 0
    picture = rgb[cut]
    size = (2 * EDGE_STEP + 3, 2 * EDGE_STEP + 3)

    def nearby(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean colour of the masked pixels around each pixel (0 where there are none), and how many there are."""
        total = cv2.boxFilter(cv2.bitwise_and(picture, picture, mask=mask), cv2.CV_32F, size, normalize=False)
        count = cv2.boxFilter(mask, cv2.CV_32F, size, normalize=False)
        return total[rim], count[rim]

    inside, inside_px = nearby(inner)
    outside, outside_px = nearby(outer)
    usable = (inside_px >= 4) & (outside_px >= 4)
    if usable.sum() < 16:
        return {"separation": 0.0, "separation_p20": 0.0, "halo": 0.0}
    inside = inside[usable] / inside_px[usable, None]
    outside = outside[usable] / outside_px[usable, None]
    own = picture[rim][usable].astype(np.float32)
    line = outside - inside
    along = np.clip(((own - inside) * line).sum(axis=1) / np.maximum((line**2).sum(axis=1), 1.0), 0, 1)
    halo = np.linalg.norm(own - inside - along[:, None] * line, axis=1)
    step = max(1, len(line) // 1500)
    distance = np.linalg.norm(
        oklab_from_srgb(inside[::step] / 255.0) - oklab_from_srgb(outside[::step] / 255.0), axis=1
    )
    return {
        "separation": float(np.median(distance)),
        "separation_p20": float(np.percentile(distance, 20)),
        "halo": float(halo.mean()),
    }


def _sharpness(product: np.ndarray) -> float:
    """How much steeper the steepest edges are at the finest scale than after a blur of 2.5 px: 1 (soft) .. 6 (step).

    A ratio, so that a plain product is not taken for a blurred one. A surface without edges is judged by its outline.
    """
    alpha = product[..., 3]
    core = cv2.erode((alpha == 255).view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if core.sum() >= 400:
        fine, ratio = _steepness(
            cv2.cvtColor(np.ascontiguousarray(product[..., :3]), cv2.COLOR_RGB2GRAY), core
        )
        if fine >= _FLAT:
            return ratio
    padded = cv2.copyMakeBorder(alpha, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0)
    return _steepness(padded, np.ones(padded.shape, bool))[1]


def _steepness(gray: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    def steepest(values: np.ndarray, scale: float) -> float:
        across = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=1, scale=scale)[where]
        down = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=1, scale=scale)[where]
        size = np.maximum(np.abs(across), np.abs(down))
        keep = max(1, size.size // 200)
        return float(np.partition(size, size.size - keep)[-keep:].mean())

    fine = steepest(gray, 0.5)
    coarse = steepest(cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 2.5), 0.5)
    return fine, fine / max(coarse, 0.1)
