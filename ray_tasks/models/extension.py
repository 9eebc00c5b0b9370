"""Finds scenes that go on with the product outside its outline: a second rim, a longer handle, a halo of its colours.

Inpainting models extend a masked object where its outline invites it (Eshratifar et al. 2024, "Salient Object-Aware
Background Generation using Text-Guided Diffusion Models", section 1: object expansion).
"""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.scene import PlacedProduct

_SIDE_PX = 256
_LIKE = 13.0
"""Distance in CIELAB (8-bit scale) up to which a pixel has the product's colour."""
_GAP_PX = 3
"""Pixels next to the outline are mixtures of both."""
_REACH = 0.25
"""How far from the outline is looked, as a share of the product's longer side."""
_LEAST_REACH = 0.045
"""Patches that stay nearer to the outline than this are reflections and soft edges."""
_COMMON = 0.004
"""A colour that so large a share of the rest of the scene has is the scene's own."""

LIMIT = 0.03
"""Largest extension, as a share of the product's area, that passes."""


def extended_share(scene_rgb: np.ndarray, product: PlacedProduct) -> float:
    """Area outside the product that looks like its continuation, as a share of the product's own, 0 or more.

    scene_rgb: (h, w, 3) uint8 of any size in the canvas's shape, before the product is pasted.
    """
    scale = _SIDE_PX / min(product.rgba.shape[:2])
    size = (round(product.rgba.shape[1] * scale), round(product.rgba.shape[0] * scale))
    scene = cv2.cvtColor(cv2.resize(scene_rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    rgba = cv2.resize(product.rgba, size, interpolation=cv2.INTER_AREA)
    inside = cv2.erode((rgba[..., 3] > 250).view(np.uint8), np.ones((3, 3), np.uint8))
    area = int((rgba[..., 3] > 127).sum())
    if not inside.any():
        return 0.0
    own = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2LAB)[inside > 0].astype(np.float32)
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    by_label = np.zeros((labels.max() + 1, 3), np.float32)
    by_label[labels[inside > 0]] = own
    away = cv2.distanceTransform((rgba[..., 3] <= 127).view(np.uint8), cv2.DIST_L2, 5)
    longer = max(product.box.width, product.box.height) * scale
    difference = np.linalg.norm(scene.astype(np.float32) - by_label[labels], axis=2)
    like = (difference < _LIKE) & (away > _GAP_PX) & (away < _REACH * longer)
    like &= ~_scenes_own(scene, away > _REACH * longer)
    count, parts, facts, _ = cv2.connectedComponentsWithStats(like.view(np.uint8), connectivity=8)
    touching = np.unique(parts[(away <= _GAP_PX + 2) & like])
    furthest = np.zeros(count, np.float32)
    np.maximum.at(furthest, parts.ravel(), away.ravel())
    grown = [part for part in touching if part and furthest[part] > _GAP_PX + _LEAST_REACH * longer]
    return float(facts[grown, cv2.CC_STAT_AREA].sum() / area) if grown else 0.0


def _scenes_own(lab: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels of a colour that is common in the rest of the scene."""
    bins = (lab >> 4).astype(np.int32)
    index = (bins[..., 0] * 16 + bins[..., 1]) * 16 + bins[..., 2]
    shares = np.bincount(index[rest], minlength=4096).reshape(16, 16, 16).astype(np.float32)
    shares /= max(1, int(rest.sum()))
    # A colour at a bin's border belongs to its neighbours too.
    near = shares.copy()
    for axis in range(3):
        near = np.maximum(near, np.maximum(np.roll(near, 1, axis), np.roll(near, -1, axis)))
    return np.asarray(near.ravel()[index] > _COMMON)
