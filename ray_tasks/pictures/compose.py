"""The product's own pixels: scaled once, placed, pasted over the scene, and compared afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import PlacedProduct

MAX_ENLARGEMENT = 1.6
"""A source picture is never enlarged by more than this: beyond it, it looks soft."""


@dataclass(frozen=True)
class FidelityCertificate:
    """Proof that the product was not redrawn, measured on the composed picture before encoding."""

    core_px: int
    """Pixels where the cut-out is fully opaque."""
    changed_core_px: int
    """Those whose value differs from the placed cut-out: 0 unless something was drawn over the product."""
    scale: float
    """Placed size divided by the cut-out's size."""


def size_share(size_cm: int | None) -> float:
    """Share of its box that a product takes: 0.72 for a ring of 3 cm, 1 from 15 cm on and where nothing is known."""
    if size_cm is None:
        return 1.0
    return min(1.0, max(0.72, 0.72 + 0.28 * math.log(size_cm / 3) / math.log(5)))


def place_product(
    cutout_rgba: np.ndarray,
    canvas: Canvas,
    box: Box,
    *,
    share: float = 1.0,
    most: float = MAX_ENLARGEMENT,
) -> PlacedProduct:
    """The cut-out as large as it fits into `share` of the box, centred, standing on the box's lower edge.

    It is enlarged `most` times at most.
    cutout_rgba: (h, w, 4) uint8, straight alpha. Transparent borders are cut off first. Raises ValueError for a
    cut-out without an opaque pixel, or a box outside the canvas.
    """
    if cutout_rgba.ndim != 3 or cutout_rgba.shape[2] != 4 or cutout_rgba.dtype != np.uint8:
        raise ValueError(f"cut-out must be (h, w, 4) uint8, not {cutout_rgba.shape} {cutout_rgba.dtype}")
    if box.left < 0 or box.top < 0 or box.right > canvas.width_px or box.bottom > canvas.height_px:
        raise ValueError(f"product box {box} lies outside the canvas {canvas}")
    bounds = alpha_bounds(cutout_rgba[..., 3])
    if bounds is None:
        raise ValueError("cut-out has no opaque pixel")
    part = cutout_rgba[bounds.top : bounds.bottom, bounds.left : bounds.right]
    place = standing_box(bounds, box, share=share, most=most)
    rgba = np.zeros((canvas.height_px, canvas.width_px, 4), np.uint8)
    rgba[place.top : place.bottom, place.left : place.right] = resized(part, place.width, place.height)
    return PlacedProduct(rgba=rgba, box=place)


def standing_box(bounds: Box, box: Box, *, share: float = 1.0, most: float = MAX_ENLARGEMENT) -> Box:
    """Where a product of these bounds stands in a box; see `place_product`."""
    scale = min(share * box.width / bounds.width, share * box.height / bounds.height, most)
    width, height = max(1, round(bounds.width * scale)), max(1, round(bounds.height * scale))
    left, top = box.left + (box.width - width) // 2, box.bottom - height
    return Box(left, top, left + width, top + height)


def alpha_bounds(alpha: np.ndarray, least: int = 8) -> Box | None:
    """The box of pixels with alpha of at least `least`, or None."""
    rows = np.flatnonzero((alpha >= least).any(axis=1))
    columns = np.flatnonzero((alpha >= least).any(axis=0))
    if rows.size == 0 or columns.size == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def resized(rgba: np.ndarray, width: int, height: int) -> np.ndarray:
    """Area (smaller) or Lanczos (larger) scaling in premultiplied alpha, so that no background colour bleeds in."""
    if (width, height) == (rgba.shape[1], rgba.shape[0]):
        return rgba.copy()
    method = cv2.INTER_AREA if width < rgba.shape[1] else cv2.INTER_LANCZOS4
    values = rgba.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255.0
    scaled = cv2.resize(values, (width, height), interpolation=method)
    alpha = np.clip(scaled[..., 3:], 0, 255)
    out = np.empty((height, width, 4), np.uint8)
    color = np.where(alpha > 0.5, scaled[..., :3] * 255.0 / np.maximum(alpha, 0.5), 0)
    out[..., :3] = np.clip(np.rint(color), 0, 255)
    out[..., 3] = np.rint(alpha[..., 0])
    return out


def paste_product(scene_rgb: np.ndarray, placed: PlacedProduct) -> np.ndarray:
    """(H, W, 3) uint8: the product over the scene; where alpha is 255 its pixels are copied, not blended."""
    if scene_rgb.shape[:2] != placed.rgba.shape[:2]:
        raise ValueError(
            f"scene {scene_rgb.shape[:2]} and placed product {placed.rgba.shape[:2]} differ in size"
        )
    out = scene_rgb.copy()
    box = placed.box
    window = out[box.top : box.bottom, box.left : box.right]
    part = placed.rgba[box.top : box.bottom, box.left : box.right]
    alpha = part[..., 3:].astype(np.uint16)
    blended = (part[..., :3] * alpha + window * (255 - alpha) + 127) // 255
    window[:] = blended.astype(np.uint8)
    return out


def certify(rgb: np.ndarray, placed: PlacedProduct, *, scale: float) -> FidelityCertificate:
    """The certificate of a composed picture, (H, W, 3) uint8, before encoding."""
    box = placed.box
    part = placed.rgba[box.top : box.bottom, box.left : box.right]
    core = part[..., 3] == 255
    changed = (rgb[box.top : box.bottom, box.left : box.right] != part[..., :3]).any(axis=2) & core
    return FidelityCertificate(core_px=int(core.sum()), changed_core_px=int(changed.sum()), scale=scale)
