"""Pictures and texts in one space: how well a scene fits its words, and which pictures are nearly the same.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"; Zhai et al. 2023, "Sigmoid
Loss for Language Image Pre-Training".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ray_tasks.models.loading import dtype_of, load
from schemas.model_config import Weights

Vectors = NDArray[np.float32]

_BATCH = 32


class ImageTextEmbedder(Protocol):
    """Turns pictures and texts into vectors of length 1; their dot product is a cosine similarity."""

    name: str
    revision: str

    def pictures(self, pictures: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(n, d) for (H, W, 3) uint8 pictures of any sizes."""
        ...

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, d)."""
        ...


class TransformersImageText:
    """An `ImageTextEmbedder` around CLIP, SigLIP, or any model of transformers with features of both kinds."""

    def __init__(self, weights: Weights, device: str = "cpu", key: str = "image_text") -> None:
        from transformers import AutoModel, AutoProcessor

        self.name = weights.model
        self.revision = weights.revision or "local"
        self._device = device
        self._processor = load(weights, key, "config.json", AutoProcessor.from_pretrained)
        opened = load(weights, key, "config.json", AutoModel.from_pretrained, dtype=dtype_of(device))
        self._model = opened.eval().to(device)

    def pictures(self, pictures: Sequence[NDArray[np.uint8]]) -> Vectors:
        """See ImageTextEmbedder."""
        from PIL import Image

        return self._embedded(
            [Image.fromarray(picture) for picture in pictures],
            lambda some: self._model.get_image_features(**self._inputs(images=some)),
        )

    def texts(self, texts: Sequence[str]) -> Vectors:
        """See ImageTextEmbedder. Texts longer than the model reads are cut."""
        return self._embedded(
            list(texts),
            # To the full length: SigLIP was trained with padding and has no mask for it.
            lambda some: self._model.get_text_features(
                **self._inputs(text=some, padding="max_length", truncation=True)
            ),
        )

    def _inputs(self, **given: Any) -> Any:
        return self._processor(**given, return_tensors="pt").to(self._device, self._model.dtype)

    def _embedded(self, items: list[Any], features: Any) -> Vectors:
        import torch

        parts = []
        with torch.inference_mode():
            for start in range(0, len(items), _BATCH):
                found = features(items[start : start + _BATCH])
                vectors = getattr(found, "pooler_output", found).float()
                parts.append((vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)).cpu().numpy())
        if not parts:
            return np.zeros((0, 0), np.float32)
        return np.concatenate(parts).astype(np.float32)
