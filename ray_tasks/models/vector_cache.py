"""Vectors of texts that were embedded before, in a file: nothing is embedded twice, in this night or the next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ray_tasks.models.kept_file import KeptFile
from ray_tasks.models.text_embedder import TextEmbedder, Vectors

MOST_BYTES = 4 * 1024**3
"""About five million vectors of 384 numbers."""


class CachedEmbedder:
    """An embedder that keeps every vector in an SQLite file under the SHA-256 of model, revision and text.

    Vectors are kept as float16 (768 bytes of 384 numbers) and handed out rounded to it from the first time on, so that
    a cache changes nothing but time.
    """

    def __init__(self, inner: TextEmbedder, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.name = inner.name
        self.revision = inner.revision
        self._inner = inner
        self._file = KeptFile(path, most_bytes)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See TextEmbedder. Equal texts are embedded once."""
        if not texts:
            return self._inner.embed([])
        keys = {text: self._key(text) for text in texts}
        known = self._file.read(sorted(set(keys.values())))
        new = sorted(text for text, key in keys.items() if key not in known)
        if new:
            made = self._inner.embed(new).astype(np.float16)
            fresh = {keys[text]: vector.tobytes() for text, vector in zip(new, made, strict=True)}
            self._file.add(fresh)
            known |= fresh
        return np.stack([np.frombuffer(known[keys[text]], np.float16) for text in texts]).astype(np.float32)

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{self.revision}\0{text}".encode()).digest()
