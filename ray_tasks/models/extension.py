"""Finds scenes that go on with the product outside its outline: a second rim, a longer handle, a halo of its colours.

Inpainting models extend a masked object where its outline invites it (Eshratifar et al. 2024, "Salient Object-Aware
Background Generation using Text-Guided Diffusion Models", section 1: object expansion). What a product's surroundings
are compared with is worked out once, beside the card; scenes are compared on it, a batch at a time.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional

from ray_tasks.engine.filters import dilated, lab8, resized
from ray_tasks.engine.unit import Pixels
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
_GROWTH = 72
"""Pixels along which a patch is followed: the band that it lies in is at most 64 wide."""
_BAND, _TOUCHING, _FAR, _REST, _PRODUCT = 1, 2, 4, 8, 16
"""What a pixel is to the product, as bits."""

LIMIT = 0.03
"""Largest extension, as a share of the product's area, that passes."""


def surroundings(product: PlacedProduct) -> Pixels:
    """(h, w, 4) of a short side of 256: the colour (CIELAB, 8-bit) of the product's nearest pixel, and what a pixel is
    to the product.
    """
    scale = _SIDE_PX / min(product.rgba.shape[:2])
    size = (round(product.rgba.shape[1] * scale), round(product.rgba.shape[0] * scale))
    rgba = cv2.resize(product.rgba, size, interpolation=cv2.INTER_AREA)
    inside = cv2.erode((rgba[..., 3] > 250).view(np.uint8), np.ones((3, 3), np.uint8))
    found = np.zeros((*rgba.shape[:2], 4), np.uint8)
    if not inside.any():
        return found
    own = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2LAB)[inside > 0]
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    by_label = np.zeros((labels.max() + 1, 3), np.uint8)
    by_label[labels[inside > 0]] = own
    found[..., :3] = by_label[labels]
    solid = rgba[..., 3] > 127
    away = cv2.distanceTransform((~solid).view(np.uint8), cv2.DIST_L2, 5)
    longer = max(product.box.width, product.box.height) * scale
    band = (away > _GAP_PX) & (away < _REACH * longer)
    found[..., 3] = (
        _BAND * band
        + _TOUCHING * (band & (away <= _GAP_PX + 2))
        + _FAR * (band & (away > _GAP_PX + _LEAST_REACH * longer))
        + _REST * (away > _REACH * longer)
        + _PRODUCT * solid
    )
    return found


def extended_shares(pictures: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
    """(n,) areas outside the product that look like its continuation, as shares of the product's own, 0 or more.

    pictures: (n, 3, h, w) levels of any size in the canvas's shape, before the product is pasted. around: what
    `surroundings` gives for each, stacked. A patch counts whole when it touches the product and goes on far enough.
    """
    nearest, kind = around[..., :3].float().movedim(3, 1), around[..., 3]
    lab = lab8(resized(pictures, (around.shape[2], around.shape[1])))
    like = ((lab - nearest).norm(dim=1) < _LIKE) & _is(kind, _BAND)
    like &= ~_scenes_own(lab, _is(kind, _REST))
    grown = _grown(_grown(_is(kind, _TOUCHING), like) & _is(kind, _FAR), like)
    return grown.flatten(1).sum(dim=1) / _is(kind, _PRODUCT).flatten(1).sum(dim=1).clamp_min(1)


def _is(kind: torch.Tensor, bit: int) -> torch.Tensor:
    return (kind & bit) > 0


def _grown(seeds: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """(n, h, w): the parts of patches that hold a seed."""
    within = patches[:, None].float()
    found = seeds[:, None].float() * within
    for _ in range(_GROWTH):
        before, found = found, dilated(found, 3) * within
        # A card is not asked: it would be waited for.
        if found.device.type == "cpu" and torch.equal(before, found):
            break
    return found[:, 0] > 0


def _scenes_own(lab: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """(n, h, w): pixels of a colour that is common in the rest of the scene."""
    bins = (lab / 16).floor().long().clamp(0, 15)
    index = ((bins[:, 0] * 16 + bins[:, 1]) * 16 + bins[:, 2]).flatten(1)
    counted = rest.flatten(1).float()
    shares = torch.zeros(len(lab), 4096, device=lab.device).scatter_add_(1, index, counted)
    shares = (shares / counted.sum(dim=1, keepdim=True).clamp_min(1)).view(-1, 1, 16, 16, 16)
    # A colour at a bin's border belongs to its neighbours too.
    near = functional.max_pool3d(shares, 3, 1, 1).flatten(1)
    return (near.gather(1, index) > _COMMON).view_as(rest)
