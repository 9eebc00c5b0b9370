"""What models made of their inputs, in a file: nothing is asked of them twice, in this night or the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

_AT_ONCE = 500
"""Keys a query asks for: SQLite allows 999 on old builds."""


class KeptFile:
    """Bytes under keys in an SQLite file that several processes may share.

    Losing it loses time only: a file that holds more than `most_bytes` when it is opened loses half of what it keeps,
    by chance, and its space is used again.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # No write-ahead log: two that turn it on at once do not wait for each other.
        # Ray builds an actor in one thread and calls it in another, never in two at once.
        self._file = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        if self._held_bytes() > most_bytes:
            self._file.execute("BEGIN IMMEDIATE")
            # Another process may have made room while this one waited.
            if self._held_bytes() > most_bytes:
                self._file.execute("DELETE FROM kept WHERE random() & 1")
            self._file.execute("COMMIT")

    def _held_bytes(self) -> int:
        pages, free, size = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def add(self, values: Mapping[bytes, bytes]) -> None:
        """Keeps values; what is there already stays."""
        self._file.execute("BEGIN IMMEDIATE")
        self._file.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", values.items())
        self._file.execute("COMMIT")

    def read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are kept, with their values."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(self._file.execute(f"SELECT key, value FROM kept WHERE key IN ({marks})", some))
        return found
