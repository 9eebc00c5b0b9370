"""Cut-outs whose soft edge a matting network draws: hair, fur, fringes and glass, where the classical edge is too hard.

The classical method says what is product, what is ground, and whether the picture can be used at all; between the two
the network decides. Yao et al. 2024, "ViTMatte". Colours of the edge: Forte 2021, "Approximate Fast Foreground Colour
Estimation", equations 2 and 3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ray_tasks.models.loading import dtype_of, load
from ray_tasks.pictures.cutout import ClassicalCutOut, CutOut, CutOutMethod, without_flaws
from ray_tasks.pictures.flaws import soft_outline
from schemas.model_config import Weights

_BAND = 0.012
"""Half the width of the open band along the outline, as a share of the picture's longer side."""
_LONGEST_PX = 1536
"""Larger pictures are matted at this size: memory grows with the square."""


class MattingCutOut:
    """A `CutOutMethod`: another one's verdict and mask, and the network's alpha along the outline."""

    name = "matting"

    def __init__(
        self,
        weights: Weights,
        device: str = "cpu",
        inner: CutOutMethod | None = None,
        key: str = "cutout.matting",
    ) -> None:
        from transformers import VitMatteForImageMatting, VitMatteImageProcessor

        self._inner = inner or ClassicalCutOut()
        self.revision = f"{self._inner.revision}+{weights.model}@{weights.revision or 'local'}"
        self._device = device
        self._processor = load(weights, key, "config.json", VitMatteImageProcessor.from_pretrained)
        model: Any = load(
            weights, key, "config.json", VitMatteForImageMatting.from_pretrained, dtype=dtype_of(device)
        )
        self._model = model.eval().to(device)

    def cut(self, rgb: np.ndarray, alpha: np.ndarray | None = None) -> CutOut:
        """See CutOutMethod. A refusal, and a cut-out that the file brings itself, stay as they are."""
        found = self._inner.cut(rgb, alpha)
        if found.verdict != "accepted" or found.background_kind == "transparent":
            return found
        height, width = rgb.shape[:2]
        scale = min(1.0, _LONGEST_PX / max(height, width))
        size = (round(width * scale), round(height * scale))
        trimap = trimap_of(found.alpha)
        drawn = self._alpha(
            cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
            cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST),
        )
        drawn = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_LINEAR)
        # What was certain stays certain.
        matted = soft_outline(np.where(trimap == 128, np.rint(drawn * 255), trimap).astype(np.uint8))
        if not (matted > 127).any():
            return found
        rows, columns = np.flatnonzero(matted.any(axis=1)), np.flatnonzero(matted.any(axis=0))
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        rgba = np.dstack([foreground(rgb, matted)[window], matted[window]])
        return without_flaws(replace(found, alpha=matted, rgba=rgba))

    def _alpha(self, rgb: np.ndarray, trimap: np.ndarray) -> np.ndarray:
        """(h, w) float32 0..1."""
        import torch

        inputs = self._processor(images=rgb, trimaps=trimap, return_tensors="pt").to(
            self._device, self._model.dtype
        )
        with torch.inference_mode():
            alphas = self._model(**inputs).alphas
        found: np.ndarray = alphas[0, 0, : rgb.shape[0], : rgb.shape[1]].float().cpu().numpy()
        if not np.isfinite(found).all():
            raise ValueError("the matting network returned NaN")
        return found


def trimap_of(alpha: np.ndarray) -> np.ndarray:
    """(H, W) uint8: 255 product, 0 ground, 128 open: a band along the outline, and whatever is soft."""
    reach = max(2, round(_BAND * max(alpha.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    trimap = np.full(alpha.shape, 128, np.uint8)
    trimap[cv2.erode((alpha == 255).view(np.uint8), kernel, borderValue=1) > 0] = 255
    trimap[cv2.dilate((alpha > 0).view(np.uint8), kernel) == 0] = 0
    return trimap


def foreground(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the product's own colours, the ground's taken out of the soft edge; untouched where opaque."""
    share = alpha[..., None].astype(np.float32) / 255
    image = rgb.astype(np.float32)
    colour = image
    for radius in (45, 7):
        blur = (2 * radius + 1, 2 * radius + 1)
        weight = cv2.blur(share[..., 0], blur)[..., None]
        inside = cv2.blur(colour * share, blur) / np.maximum(weight, 1e-4)
        outside = cv2.blur(image * (1 - share), blur) / np.maximum(1 - weight, 1e-4)
        colour = np.clip(inside + share * (image - share * inside - (1 - share) * outside), 0, 255)
    return np.where(alpha[..., None] == 255, rgb, np.rint(colour)).astype(np.uint8)
