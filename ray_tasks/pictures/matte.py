"""The soft edge of a cut-out: alpha from the colours on both sides, and colours freed of the ground's."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.flaws import soft_outline

_OFF_LINE = 0.25
"""From so far off the line between inside and outside, as a share of its length, a colour is of neither: a rim."""


def matte(rgb: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rgba, alpha): alpha (H, W) uint8 by projecting edge pixels on the colours inside and outside; rgba cropped.

    alpha = (I - B)(F - B) / |F - B|^2 with the mean colours F inside and B outside nearby (the first step of Wang and
    Cohen 2007, eq. 3). B is what lies there, shadow included, so no shadow sticks to the edge.
    """
    height, width = rgb.shape[:2]
    factor = max(height / mask.shape[0], width / mask.shape[1])
    band = max(2, round(1.6 * factor))
    whole = cv2.resize(mask.astype(np.float32), (width, height))
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    margin = 4 * band
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    window = np.s_[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    soft = cv2.GaussianBlur(whole[window], (0, 0), 0.6 * max(1.0, factor))
    hard = (soft > 0.5).view(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inside = cv2.erode(hard, kernel, borderValue=1)
    deep = cv2.erode(inside, kernel, borderValue=1)
    reach = cv2.dilate(hard, kernel)
    outside = 1 - reach
    close = cv2.dilate(reach, kernel) - reach
    # Only along the edge is there anything to find out: far inside alpha is 1, outside 0.
    edge = np.nonzero((deep == 0) & (outside == 0))
    image = np.ascontiguousarray(rgb[window])
    size = (6 * band + 1, 6 * band + 1)
    deep_sum, deep_px = _sums(image, deep, size, edge)
    inside_sum, inside_px = _sums(image, inside, size, edge)
    close_sum, close_px = _sums(image, close, size, edge)
    outside_sum, outside_px = _sums(image, outside, size, edge)
    fore_px = deep_px + 0.02 * inside_px
    fore = (deep_sum + 0.02 * inside_sum) / np.maximum(fore_px, 1e-3)[:, None]
    # A contact shadow is another ground than what lies two steps away.
    back_px = close_px + 0.02 * outside_px
    back = (close_sum + 0.02 * outside_sum) / np.maximum(back_px, 1e-3)[:, None]
    own = image[edge].astype(np.float32) / 255
    axis = fore - back
    length = (axis * axis).sum(axis=1)
    projected = ((own - back) * axis).sum(axis=1) / np.maximum(length, 1e-4)
    seen = np.clip((projected - 0.06) / 0.88, 0, 1)
    geometric = np.clip((np.clip(soft[edge], 0, 1) - 0.25) * 2, 0, 1)
    # Where inside and outside look alike, or a rim looks like neither, the colours say nothing, and the outline speaks.
    off = own - back - projected[:, None] * axis
    off_share = np.sqrt((off * off).sum(axis=1) / np.maximum(length, 0.04))
    trust = np.clip((length - 0.004) / 0.02, 0, 1) * (fore_px > 0) * (back_px > 0)
    trust *= np.clip(2 - off_share / _OFF_LINE, 0, 1)
    # Slivers of ground that the mask took in lie between the outline and the depth: colour alone tells them.
    kept = np.where((trust >= 1) & (projected < 0.45), seen, 1.0)
    found = np.where(inside[edge] > 0, kept, trust * seen + (1 - trust) * geometric)
    found = np.where(found < 0.03, 0, np.where(found > 0.97, 1, found))
    alpha = deep * np.uint8(255)
    alpha[edge] = np.rint(found * 255).astype(np.uint8)
    colour = image * (deep > 0)[..., None]
    mean = np.where((fore_px > 0)[:, None], fore, own)
    colour[edge] = np.rint(np.clip(np.where((found >= 1)[:, None], own, mean), 0, 1) * 255).astype(np.uint8)
    full = np.zeros((height, width), np.uint8)
    full[window] = alpha
    full = soft_outline(full)
    near = outside == 0
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    kept_part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.dstack([colour[kept_part], full[window][kept_part]]), full


def _sums(
    image: np.ndarray, mask: np.ndarray, size: tuple[int, int], at: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Around each pixel of `at`: the sum of the masked pixels' colours (0 to 1), and how many they are."""
    total = cv2.boxFilter(cv2.bitwise_and(image, image, mask=mask), cv2.CV_32F, size, normalize=False)
    return total[at] / 255, cv2.boxFilter(mask, cv2.CV_32F, size, normalize=False)[at]
