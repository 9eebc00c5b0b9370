"""Flaws that a cut-out's own alpha shows: loose crumbs, and sides along which its source picture cut the product.

Views refuse a cut-out for them, so that its photograph is framed, and scores reject a picture for the same ones.
"""

from __future__ import annotations

import cv2
import numpy as np

MAX_CRUMB_SHARE = 0.003
MAX_CUT_SIDE = 0.06
_HELD = 64
"""Alpha from which pixels hold pieces together: a wire is held by its soft edge."""
_CRUMB = 1 / 50
"""Of the largest piece: what is loose and smaller is a crumb."""
_HARD, _CLEAR, _SOFT = 250, 8, 224
"""Alpha that is opaque, that is outside of the product's bounds, and that an outline between the two gets."""


def crumbs(alpha: np.ndarray) -> np.ndarray:
    """(h, w) bool: loose pieces of less than a fiftieth of the largest, in an (h, w) uint8 alpha."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats((alpha > _HELD).view(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    loose = areas < _CRUMB * areas[1:].max(initial=0)
    loose[0] = False
    found: np.ndarray = loose[parts]
    return found


def crumb_share(alpha: np.ndarray) -> float:
    """Share of the product in crumbs."""
    return float(crumbs(alpha).sum() / max(1, (alpha > _HELD).sum()))


def cut_side(alpha: np.ndarray) -> float:
    """The longest straight run of opaque pixels along a side of the product's bounds, over that side's length.

    alpha: (h, w) uint8, the bounds. A product that ends by itself ends in soft pixels (`soft_outline`); where the
    source picture cut it, the edge is hard.
    """
    longest = 0.0
    for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        ends = np.flatnonzero(np.diff(np.concatenate([[0], side >= _HARD, [0]]).astype(np.int8)))
        longest = max(longest, float((ends[1::2] - ends[::2]).max(initial=0)) / side.size)
    return longest


def soft_outline(alpha: np.ndarray) -> np.ndarray:
    """An (H, W) uint8 alpha of a whole picture, softened where opaque meets clear within it, not at its border."""
    beside = cv2.dilate((alpha < _CLEAR).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    softened: np.ndarray = np.where((alpha >= _HARD) & beside, np.uint8(_SOFT), alpha)
    return softened
