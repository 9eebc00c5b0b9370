"""Vectors of texts that were embedded before, in a file: nothing is embedded twice, in this night or the next."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ray_tasks.models.text_embedder import TextEmbedder, Vectors

MOST_BYTES = 4 * 1024**3
"""About five million vectors of 384 numbers."""
_AT_ONCE = 500
"""Keys a query asks for: SQLite allows 999 on old builds."""


class CachedEmbedder:
    """An embedder that keeps every vector in an SQLite file under the SHA-256 of model, revision and text.

    Vectors are kept as float16 (768 bytes of 384 numbers) and handed out rounded to it from the first time on, so that
    a cache changes nothing but time. Several processes may share the file. Losing it loses time only: a file that holds
    more than `most_bytes` when it is opened loses half of its vectors, by chance, and its space is used again.
    """

    def __init__(self, inner: TextEmbedder, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.name = inner.name
        self.revision = inner.revision
        self._inner = inner
        path.parent.mkdir(parents=True, exist_ok=True)
        # No write-ahead log: two that turn it on at once do not wait for each other.
        # Ray builds an actor in one thread and calls it in another, never in two at once.
        self._file = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )
        if self._held_bytes() > most_bytes:
            self._file.execute("BEGIN IMMEDIATE")
            # Another process may have made room while this one waited.
            if self._held_bytes() > most_bytes:
                self._file.execute("DELETE FROM vectors WHERE random() & 1")
            self._file.execute("COMMIT")

    def _held_bytes(self) -> int:
        pages, free, size = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See TextEmbedder. Equal texts are embedded once."""
        if not texts:
            return self._inner.embed([])
        keys = {text: self._key(text) for text in texts}
        known = self._read(sorted(set(keys.values())))
        new = sorted(text for text, key in keys.items() if key not in known)
        if new:
            made = self._inner.embed(new).astype(np.float16)
            fresh = {keys[text]: vector.tobytes() for text, vector in zip(new, made, strict=True)}
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", fresh.items())
            self._file.execute("COMMIT")
            known |= fresh
        return np.stack([np.frombuffer(known[keys[text]], np.float16) for text in texts]).astype(np.float32)

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{self.revision}\0{text}".encode()).digest()

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(self._file.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some))
        return found
