"""The files of a feed, and their bytes and text: below the root, unpacked within bounds, decoded."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from jobs.feeds.limits import MAX_UNPACK_RATIO, MAX_UNPACKED_BYTES, RATIO_FROM_BYTES
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile, File

BAD = "\ufffe"
"""Stands for bytes that do not fit the encoding: a noncharacter, which no text holds (Unicode 16.0, section 23.7)."""

_GZIP = b"\x1f\x8b"
_TAR = b"ustar"
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive or an Office file",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    _GZIP: "gzip inside gzip",
    _TAR: "a tar archive",
}
# UTF-32-LE begins like UTF-16-LE: the longer mark first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES = 8192
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{1,100}?encoding\s*=\s*["']([\w.-]{1,40})""")

codecs.register_error("feeds.mark", lambda error: (BAD, error.end))  # type: ignore[attr-defined]


def feed_paths(file: File, root: Path) -> list[Path]:
    """Every file that the feed is read from, joined ones included, sorted; those that cannot be had are left out."""
    return sorted({path for part in (file, *file.join.values()) for path in _found(part, root)})


def source_paths(file: DataFile, root: Path) -> list[Path]:
    """The files that one path names below `root` (a file, a glob, a folder), sorted. Raises FeedError for none."""
    if not _confined(file):
        raise FeedError("feed_path_leaves_root", f"{file.path} leaves {root}: keep the feed below it")
    found = _found(file, root)
    if not found:
        raise FeedError("feed_missing", f"{root / file.path} does not exist: check the path and DATA_ROOT")
    resolved = root.resolve()
    for path in found:
        if not path.resolve().is_relative_to(resolved):
            raise FeedError(
                "feed_path_leaves_root", f"{path} is a link that leaves {root}: copy the file there"
            )
    return found


def _confined(file: DataFile) -> bool:
    return not Path(file.path).is_absolute() and ".." not in Path(file.path).parts


def _found(file: DataFile, root: Path) -> list[Path]:
    if not _confined(file):
        return []
    named = sorted(root.glob(file.path))
    inside = [inner for path in named for inner in (sorted(path.iterdir()) if path.is_dir() else [path])]
    # Spark and others leave _SUCCESS and .crc files beside the data.
    return [path for path in inside if path.is_file() and not path.name.startswith(("_", "."))]


class Gunzip(io.RawIOBase):
    """What a gzip file holds, until it is more than a feed can be."""

    def __init__(self, path: Path, packed: BinaryIO) -> None:
        self._path, self._packed, self._unpacked = path, packed, 0
        self._gzip = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:  # noqa: D102
        return True

    def close(self) -> None:  # noqa: D102
        self._packed.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        """As of a raw stream; raises FeedError."""
        try:
            n = self._gzip.readinto(buffer)
        except EOFError:
            raise FeedError(
                "feed_truncated", f"{self._path}: the gzip stream ends early; send it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FeedError("feed_gzip_broken", f"{self._path}: {error}; send it again") from None
        self._unpacked += n
        allowed = max(RATIO_FROM_BYTES, MAX_UNPACK_RATIO * self._packed.tell())
        if self._unpacked > min(allowed, MAX_UNPACKED_BYTES):
            raise FeedError(
                "feed_bomb",
                f"{self._path}: {self._packed.tell()} bytes unpack to more than {self._unpacked - n}; at most "
                f"{MAX_UNPACK_RATIO} times as many are read",
            )
        return n


def open_bytes(path: Path) -> io.BufferedReader[Any]:
    """A file's bytes, unpacked when they are gzip. Raises FeedError for archives and unreadable files."""
    try:
        packed = path.open("rb")
        head = packed.peek(8)
    except OSError as error:
        raise FeedError("feed_unreadable", f"{path}: {error.strerror}; check the file's rights") from None
    stream = io.BufferedReader(Gunzip(path, packed), 1 << 18) if head.startswith(_GZIP) else packed
    head = stream.peek(8)
    if not head:
        raise FeedError("feed_empty", f"{path} has no bytes; check the export")
    for magic, name in _ARCHIVES.items():
        if head.startswith(magic) or (magic == _TAR and stream.peek(512)[257:262] == _TAR):
            raise FeedError(
                "feed_archive", f"{path} is {name}; unpack or export it as a plain or gzipped feed"
            )
    return stream


def open_text(path: Path, file: DataFile) -> TextIO:
    """A file's text with its line ends as they are; bytes that do not fit the encoding become BAD.

    A byte order mark wins over the declared encoding, which wins over an XML declaration's.
    """
    stream, encoding = _open_encoded(path, file)
    return io.TextIOWrapper(stream, encoding=encoding, errors="feeds.mark", newline="")


class Utf8:
    """A file's text as UTF-8; when that is its own encoding, its bytes as they are, sound or not."""

    def __init__(self, path: Path, file: DataFile) -> None:
        stream, encoding = _open_encoded(path, file)
        own = codecs.lookup(encoding).name == "utf-8"
        self._file: Any = (
            stream if own else io.TextIOWrapper(stream, encoding=encoding, errors="feeds.mark", newline="")
        )
        self.close = self._file.close

    def read(self, size: int) -> bytes:
        """So many bytes or characters more, or fewer at the end."""
        read: str | bytes = self._file.read(size)
        return read if isinstance(read, bytes) else read.encode("utf-8", "surrogatepass")


def _open_encoded(path: Path, file: DataFile) -> tuple[io.BufferedReader[Any], str]:
    """(a file's bytes behind its byte order mark, their encoding). Raises FeedError for another than the declared."""
    stream = open_bytes(path)
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", None))
    stream.read(len(mark))
    head = head[len(mark) :]
    encoding = encoding or _encoding(head, file)
    start = head.decode(encoding, "replace").lstrip()
    _check_start(path, file, start)
    if codecs.lookup(encoding).name in {"iso8859-1", "cp1252", "cp1251"} and _is_utf8(head):
        raise FeedError(
            "feed_encoding",
            f"{path} is UTF-8, but {encoding} is declared; correct `encoding` in the configuration",
        )
    return stream, encoding


def _encoding(head: bytes, file: DataFile) -> str:
    """The encoding of bytes without a byte order mark."""
    declared = file.encoding and codecs.lookup(file.encoding).name
    if declared in {None, "utf-16", "utf-32"}:
        # Mostly ASCII in UTF-16 has a zero in every second byte.
        even, odd = head[::2].count(0), head[1::2].count(0)
        if odd > len(head) / 4 and even < len(head) / 50:
            return "utf-16-le"
        if even > len(head) / 4 and odd < len(head) / 50:
            return "utf-16-be"
    named = _XML_ENCODING.match(head)
    if declared is None and file.format == "xml" and named:
        try:
            return codecs.lookup(named[1].decode()).name
        except LookupError:
            raise FeedError(
                "feed_encoding", f"{file.path}: the XML declares an unknown encoding {named[1][:40]!r}"
            ) from None
    return declared or "utf-8"


def _is_utf8(head: bytes) -> bool:
    """Whether at least three characters beyond ASCII are all valid UTF-8: by accident, almost never."""
    # The head may end within a character.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    return "\ufffd" not in text and sum(not character.isascii() for character in text) >= 3


def _check_start(path: Path, file: DataFile, start: str) -> None:
    """Raises FeedError when the first characters show another format than the declared one."""
    if not start.strip("\0"):
        raise FeedError("feed_empty", f"{path} holds white space only; check the export")
    first = start[0]
    looks = None
    if start.startswith("PAR1"):
        looks = "Parquet"
    elif start[:15].lower().startswith(("<!doctype html", "<html")):
        looks = "an HTML page, perhaps of a log-in or an error"
    elif sum(character < "\t" for character in start) > max(8, len(start) / 20):
        looks = "binary"
    elif file.format == "xml":
        looks = None if first == "<" else "not XML"
    elif start.startswith(("<?xml", "<rss", "<feed")):
        looks = "XML"
    elif file.format in {"csv", "tsv"}:
        looks = "JSON" if start.startswith(('{"', "[{")) else None
    elif file.format == "json":
        looks = None if first in "[{" else "not JSON"
    elif start.startswith("[") and start[1:].lstrip().startswith("{"):
        looks = 'a JSON array (format = "json")'
    if looks:
        raise FeedError(
            "feed_format", f"{path} is declared as {file.format} but is {looks}; correct one of them"
        )
