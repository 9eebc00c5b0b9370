"""The first records of a feed, and what a stranger's file seems to be: for people who look before a night runs."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jobs.feeds import FeedError
from jobs.feeds.columns import unique_names
from jobs.feeds.delimited import read_header
from jobs.feeds.files import open_bytes, open_text, source_paths
from jobs.feeds.read import READERS
from schemas.feed_config import DataFile

_SNIFFED_BYTES = 65_536
_CELL_BETWEEN = r"(?m)(?:^|(?<=[\t;|,]))%(mark)s[^%(mark)s\n]*%(mark)s(?=[\t;|,]|$)"


@dataclass
class Head:
    """The first records of a feed's first file, each a dictionary of its columns."""

    name: str
    columns: list[str]
    records: list[dict[str, Any]]
    lines: list[int]
    """Where each record starts, in lines of the file (or its number, where the format has no lines)."""
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    """(line, reason code, raw text) of records that cannot be read."""
    whole: bool = False
    """Whether the file holds no more than this."""


def read_head(file: DataFile, root: Path, rows: int) -> Head:
    """The first `rows` records. Raises FeedError for a file that is missing or not what it should be."""
    path = source_paths(file, root)[0]
    name = path.relative_to(root).as_posix()
    if file.format == "parquet":
        return _parquet_head(path, name, rows)
    head = Head(name, [], [], [])
    if file.format in {"csv", "tsv"}:
        with open_text(path, file) as text:
            head.columns = unique_names(read_header(text, file))
    with open_text(path, file) as text:
        found = READERS[file.format](text, file)
        for line, value, code, raw, _ in itertools.islice(found, rows):
            if code is not None:
                head.broken.append((line, code, raw or ""))
                continue
            if file.format in {"csv", "tsv"}:
                value = {column: cell or None for column, cell in zip(head.columns, value, strict=True)}
            head.records.append(json.loads(value) if isinstance(value, str) else value)
            head.lines.append(line)
        head.whole = next(found, None) is None
    if not head.columns:
        head.columns = list(dict.fromkeys(name for record in head.records for name in record))
    if not head.records and not head.broken:
        raise FeedError("feed_empty", f"{name} holds no record; check the export")
    return head


def _parquet_head(path: Path, name: str, rows: int) -> Head:
    file = pq.ParquetFile(path)
    batches = file.iter_batches(batch_size=rows)
    found = itertools.islice((row for batch in batches for row in batch.to_pylist()), rows)
    # By way of JSON, as the other formats: dates and decimals become text.
    records = json.loads(json.dumps(list(found), default=str))
    whole = file.metadata.num_rows <= rows
    return Head(name, file.schema_arrow.names, records, list(range(1, len(records) + 1)), whole=whole)


def sniff(path: Path, root: Path) -> DataFile:
    """What a file seems to be, from its name and its first bytes."""
    with open_bytes(path) as file:
        start = file.read(_SNIFFED_BYTES)
    settings: dict[str, Any] = {"path": path.relative_to(root).as_posix()}
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if start[:4] == b"PAR1" or suffix == ".parquet":
        return DataFile(**settings, format="parquet")
    if encoding := _encoding(start):
        settings["encoding"] = encoding
    text = start.decode(encoding or "utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text.startswith("<") or suffix == ".xml":
        return DataFile(**settings, format="xml")
    if text.startswith("["):
        return DataFile(**settings, format="json")
    if text.startswith("{"):
        lines = text.splitlines()
        return DataFile(**settings, format="jsonl" if lines[0].rstrip().endswith("}") else "json")
    lines = [line for line in text.splitlines()[:50] if line]
    # Apostrophes are quotes where whole cells stand between them, oftener than between quotation marks.
    quote = max("\"'", key=lambda mark: len(re.findall(_CELL_BETWEEN % {"mark": mark}, "\n".join(lines))))
    if quote != DataFile.model_fields["quote"].default:
        settings["quote"] = quote
    delimiter = _delimiter([re.sub(f"{quote}[^{quote}]*{quote}", "", line) for line in lines])
    if delimiter == "\t":
        return DataFile(**settings, format="tsv")
    if delimiter != ",":
        settings["delimiter"] = delimiter
    return DataFile(**settings, format="csv")


def _encoding(start: bytes) -> str | None:
    """An encoding to be declared; None where the reader finds it itself (UTF-8, a byte order mark)."""
    if start.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        # The last character of a cut may be torn.
        codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < _SNIFFED_BYTES)
    except UnicodeDecodeError:
        japanese = codecs.getincrementaldecoder("cp932")("replace").decode(start)
        if "\ufffd" not in japanese and len(re.findall("[\u3041-\u30fa]", japanese)) >= 3:
            return "cp932"
        # Words of letters beyond ASCII only are Cyrillic; Latin letters stand alone among others.
        return "windows-1251" if re.search(rb"[\xc0-\xff]{4,}", start) else "windows-1252"
    return None


def _delimiter(bare: Sequence[str]) -> str:
    """The delimiter of lines without what stands between quotes."""
    if not bare:
        return ","
    counts = {mark: Counter(line.count(mark) for line in bare) for mark in "\t;|,"}
    # The mark that stands equally often on most lines; of several, the one that stands oftenest.
    return max(counts, key=lambda mark: _regularity(counts[mark], len(bare)))


def _regularity(counts: Counter[int], lines: int) -> tuple[float, int]:
    often, n = max(counts.items(), key=lambda item: (item[1], item[0]))
    return (n / lines if often else 0.0), often
