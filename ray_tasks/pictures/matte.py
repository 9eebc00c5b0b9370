"""The soft edge of a cut-out: alpha from the colours on both sides, and colours freed of the ground's."""

from __future__ import annotations

import cv2
import numpy as np


def matte(rgb: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rgba, alpha): alpha (H, W) uint8 by projecting edge pixels on the colours inside and outside; rgba cropped.

    alpha = (I - B)(F - B) / |F - B|^2 with the mean colours F inside and B outside nearby (the first step of Wang and
    Cohen 2007, eq. 3). B is what lies there, shadow included, so no shadow sticks to the edge.
    """
    height, width = rgb.shape[:2]
    factor = max(height / mask.shape[0], width / mask.shape[1])
    band = max(2, round(1.6 * factor))
    soft = cv2.GaussianBlur(
        cv2.resize(mask.astype(np.float32), (width, height)), (0, 0), 0.6 * max(1.0, factor)
    )
    hard = (soft > 0.5).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inside = cv2.erode(hard, kernel, borderValue=1).astype(np.float32)
    deep = cv2.erode(inside, kernel, borderValue=1)
    outside = (1 - cv2.dilate(hard, kernel)).astype(np.float32)
    rows, columns = np.flatnonzero((outside < 1).any(axis=1)), np.flatnonzero((outside < 1).any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = rgb[window].astype(np.float32) / 255
    size = (6 * band + 1, 6 * band + 1)
    fore, fore_weight = _local_mean(image, deep[window] + 0.02 * inside[window], size)
    back, back_weight = _local_mean(image, outside[window], size)
    axis = fore - back
    length = (axis * axis).sum(axis=2)
    projected = ((image - back) * axis).sum(axis=2) / np.maximum(length, 1e-4)
    geometric = np.clip(soft[window], 0, 1)
    # Where inside and outside look alike the colours say nothing, and the outline speaks.
    trust = np.clip((length - 0.004) / 0.02, 0, 1) * (fore_weight > 0) * (back_weight > 0)
    mixed = trust * np.clip((projected - 0.06) / 0.88, 0, 1) + (1 - trust) * np.clip(
        (geometric - 0.25) * 2, 0, 1
    )
    # Slivers of ground that the mask took in lie between the outline and the depth: colour alone tells them.
    sliver = (trust >= 1) & (projected < 0.45) & (deep[window] == 0)
    kept = np.where(sliver, np.clip((projected - 0.06) / 0.88, 0, 1), 1.0)
    alpha = np.where(inside[window] > 0, kept, np.where(outside[window] > 0, 0.0, mixed))
    alpha = np.where(alpha < 0.03, 0, np.where(alpha > 0.97, 1, alpha))
    solid = (alpha >= 1)[..., None]
    colour = np.where(solid, image, np.where((fore_weight > 0)[..., None], fore, image))
    quantised = np.rint(alpha * 255).astype(np.uint8)
    whole = np.zeros((height, width), np.uint8)
    whole[window] = quantised
    rgba = np.dstack([np.rint(np.clip(colour, 0, 1) * 255).astype(np.uint8), quantised])
    return rgba, whole


def _local_mean(
    image: np.ndarray, weight: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    total = cv2.blur(weight, size)
    return cv2.blur(image * weight[..., None], size) / np.maximum(total, 1e-5)[..., None], total > 1e-4
