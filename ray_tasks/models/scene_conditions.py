"""What a model is shown beside words: the product, its outlines, and where text will stand, all in the model's size."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.engine.unit import Pixels
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.scene import PlacedProduct, SceneOrder

NEUTRAL = 128
"""Ground around the product: the middle of the autoencoder's range."""
_SOLID = 250
"""Alpha from which on a pixel belongs to the product alone."""
_PRODUCT_DEPTH = 230
_GROUND_DEPTH = (96, 230)
"""At the horizon, and at the lower edge."""
_STICKER_DEPTH = 48
_TEXT_DEPTH = 8
"""The farthest of all: what is far away has little detail."""
_HORIZON = 0.45
"""Height of the horizon in an empty depth map, as a share of the canvas."""


def product_on_neutral(product: PlacedProduct, size: tuple[int, int]) -> tuple[Pixels, Pixels, Pixels]:
    """(h, w, 3) uint8 product on a neutral ground, (h, w) uint8 mask, 255 where the model paints, and (h, w) alpha.

    The ground is the same for every persona, so that pictures of one product in one layout share what is encoded.
    """
    share = product.rgba[..., 3:].astype(np.float32) / 255.0
    flat = product.rgba[..., :3] * share + NEUTRAL * (1 - share)
    image = cv2.resize(np.clip(np.rint(flat), 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    alpha = np.asarray(cv2.resize(product.rgba[..., 3], size, interpolation=cv2.INTER_AREA), np.uint8)
    kept = cv2.erode((alpha > _SOLID).view(np.uint8), np.ones((3, 3), np.uint8))
    return image, np.where(kept > 0, 0, 255).astype(np.uint8), alpha


def outlines(image: Pixels, mask: Pixels) -> Pixels:
    """(h, w, 3) uint8: the product's edges, white on black (Canny 1986), and nothing anywhere else."""
    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 60, 150)
    near = cv2.dilate(255 - mask, np.ones((5, 5), np.uint8))
    return np.repeat(np.minimum(edges, near)[..., None], 3, axis=2)


def depth_map(order: SceneOrder, mask: Pixels) -> Pixels:
    """(h, w, 3) uint8, near is bright: a ground that comes nearer, the product on it, flat far areas for the text."""
    height, width = mask.shape
    rows = np.linspace(0, 1, height, dtype=np.float32)
    ground = np.interp(rows, (_HORIZON, 1.0), _GROUND_DEPTH)
    depth = np.repeat(ground[:, None], width, axis=1)
    across, down = width / order.product.rgba.shape[1], height / order.product.rgba.shape[0]
    for area, value in ((order.text_area, _TEXT_DEPTH), (order.sticker_area, _STICKER_DEPTH)):
        if area is not None:
            small = _scaled(area, across, down)
            depth[small.top : small.bottom, small.left : small.right] = value
    depth[mask == 0] = _PRODUCT_DEPTH
    return np.repeat(depth.astype(np.uint8)[..., None], 3, axis=2)


def _scaled(box: Box, across: float, down: float) -> Box:
    return Box(
        round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down)
    )
