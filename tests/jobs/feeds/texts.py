"""Records of a text as the readers give them, without Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.feeds.files import open_text
from jobs.feeds.lines import Record
from jobs.feeds.read import _records, _until_fault
from schemas.feed_config import DataFile


def read(folder: Path, content: str | bytes, format: str = "csv", **settings: Any) -> list[Record]:
    """Every record of one file with this content; a fault of the whole file is the last record."""
    path = folder / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = DataFile(path="feed", format=format, **settings)  # type: ignore[arg-type]
    return list(_until_fault(path, file))


def values(records: list[Record]) -> list[Any]:
    """Only what was read."""
    return [value for _, value, code, *_ in records if code is None]


def codes(records: list[Record]) -> dict[int, str]:
    """Number of a broken record -> reason code."""
    return {number: code for number, _, code, *_ in records if code is not None}


def first(folder: Path, content: str | bytes, format: str = "csv", **settings: Any) -> Record | None:
    """The first record; faults are raised."""
    path = folder / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = DataFile(path="feed", format=format, **settings)  # type: ignore[arg-type]
    with open_text(path, file) as text:
        return next(_records(text, file), None)
