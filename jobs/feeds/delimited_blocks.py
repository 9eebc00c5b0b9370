"""CSV and TSV in blocks of whole records: plain ones for Arrow's compiled parser, the others record by record.

A block is plain when RFC 4180 leaves no doubt about it: every quote opens or closes a cell or is doubled, and no byte
is out of place. Both ways give the same records; see tests/jobs/feeds/test_delimited_blocks.py.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv

from jobs.feeds.delimited import delimiter_of, header_of, parse, records
from jobs.feeds.files import BAD, Utf8
from jobs.feeds.limits import BLOCK_BYTES, MAX_CELL_CHARS
from jobs.feeds.lines import Lines, Record, fault_of
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

_NEWLINE, _RETURN = 10, 13
_PIECE_BYTES = 65_536


class PlainBlock(NamedTuple):
    """Text of whole records (UTF-8), the line that it begins with and those in which its records start."""

    text: bytes
    first_line: int
    lines: np.ndarray


class _Ahead:
    """A text in blocks of UTF-8, or line by line: what was put ahead, and then the next block."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._rest = b""
        self._ahead, self._chars = io.StringIO(), 0
        self._fault: FeedError | OSError | None = None
        self.at_end = False

    def read(self) -> bytes:
        """The next block; what stands before a fault of the file comes before the fault."""
        pieces = [self._rest]
        size = len(self._rest)
        try:
            while size < BLOCK_BYTES and not (self.at_end or self._fault):
                pieces.append(self._read(_PIECE_BYTES))
                size += len(pieces[-1])
                self.at_end = not pieces[-1]
        except (FeedError, OSError) as error:
            self._fault = error
        block = b"".join(pieces)
        if self._fault and not block:
            raise self._fault
        # Between the bytes of a character and the two characters of a line's end is no place to stop.
        end = len(block) if self.at_end or self._fault else len(block) - _torn(block)
        self._rest = block[end:]
        return block[:end]

    def put_back(self, rest: bytes) -> None:
        """What the next block begins with."""
        self._rest = rest + self._rest

    def put_ahead(self, block: bytes) -> None:
        """What is now read line by line; bytes that are not UTF-8 become BAD."""
        text = block.decode("utf-8", "feeds.mark")
        self._ahead, self._chars = io.StringIO(text, newline=""), len(text)

    def readline(self, limit: int) -> str:
        line = self._ahead.readline(limit)
        self._chars -= len(line)
        while not line.endswith(("\n", "\r")) and len(line) < limit and (block := self.read()):
            self.put_ahead(block)
            line += self._ahead.readline(limit - len(line))
            self._chars = 0
        return line

    @property
    def passed(self) -> bool:
        """Whether what was put ahead has been read to its end, or beyond."""
        return self._chars <= 0

    def leave(self) -> None:
        """Reading line by line ends; what still stands ahead is read in blocks again."""
        self.put_back(self._ahead.read().encode("utf-8", "surrogatepass"))
        self._chars = 0


def _torn(block: bytes) -> int:
    """How many bytes at the end may belong to what follows."""
    if block.endswith(b"\r"):
        return 1
    for back, byte in enumerate(reversed(block[-3:]), 1):
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            break
    return 0


def read_blocks(path: Path, file: DataFile) -> Iterator[PlainBlock | list[Record]]:
    """The records behind the header as `read_delimited` gives them, block by block; a fault of the file comes last."""
    read: list[Record] = []
    lines: Lines | None = None
    try:
        with closing(Utf8(path, file)) as text:
            ahead = _Ahead(text.read)
            lines = Lines(ahead)
            parsed = parse(lines, file)
            careful = records(parsed, lines, file, len(header_of(parsed, file)))
            ahead.leave()
            while held := ahead.read():
                first = lines.number + 1
                found = _plain_block(held, file, first, final=False) or (
                    _plain_block(held, file, first, final=True) if ahead.at_end else None
                )
                if found:
                    block, newlines = found
                    ahead.put_back(held[len(block.text) :])
                    lines.pass_by(newlines)
                    yield block
                    continue
                # A doubtful quote may reach far: from here to the next end of a record behind what is held.
                ahead.put_ahead(held)
                read = []
                while not (ahead.passed and not lines.has_given_back) and (record := next(careful, None)):
                    read.append(record)
                ahead.leave()
                yield read
                read = []
            lines.begin()
            lines.judge_at_end()
    except (FeedError, OSError) as error:
        yield [*read, fault_of(error, path, lines.start if lines else 1)]


def _plain_block(
    raw: bytes, file: DataFile, first_line: int, *, final: bool
) -> tuple[PlainBlock, int] | None:
    """(the whole records that `raw` begins with, their line ends); None when one, or where it ends, is in doubt."""
    delimiter, quote = delimiter_of(file).encode(), file.quote.encode()
    if len(delimiter) != 1 or len(quote) > 1 or b"\0" in raw or not _is_sound_utf8(raw):
        return None
    if raw.startswith(codecs.BOM_UTF8):
        # Arrow would take it away.
        return None
    cells = np.frombuffer(raw, np.uint8)
    quotes = np.flatnonzero(cells == quote[0]) if quote else np.zeros(0, np.int64)
    newlines = np.flatnonzero(cells == _NEWLINE)
    ends_record = np.searchsorted(quotes, newlines) % 2 == 0
    ends = newlines[ends_record]
    size = len(raw) if final else int(ends[-1]) + 1 if len(ends) else 0
    quotes = quotes[quotes < size]
    if not size or len(quotes) % 2 or np.diff(ends, prepend=-1, append=size).max() > MAX_CELL_CHARS:
        return None
    if b"\r" in raw:
        returns = np.flatnonzero(cells[:size] == _RETURN)
        if len(returns) and (returns[-1] + 1 == size or (cells[returns + 1] != _NEWLINE).any()):
            return None
    if len(quotes):
        outside = np.zeros(256, bool)
        outside[[delimiter[0], _NEWLINE, _RETURN]] = True
        opening, closing = quotes[::2], quotes[1::2]
        doubled = closing[:-1] + 1 == opening[1:]
        # The block's ends stand for line ends.
        sound_opening = outside[cells[opening - 1]] | (opening == 0)
        sound_closing = outside[cells[(closing + 1).clip(max=size - 1)]] | (closing + 1 == size)
        sound_opening[1:] |= doubled
        sound_closing[:-1] |= doubled
        if not (sound_opening.all() and sound_closing.all()):
            return None
    starts = np.concatenate([[0], np.flatnonzero(ends_record) + 1])
    begins = np.concatenate([[0], ends + 1])
    filled = (begins < size) & (cells[begins.clip(max=size - 1)] != _NEWLINE)
    filled &= cells[begins.clip(max=size - 1)] != _RETURN
    block = PlainBlock(raw[:size], first_line, first_line + starts[filled])
    return block, int(np.searchsorted(newlines, size))


def _is_sound_utf8(raw: bytes) -> bool:
    """Whether bytes are UTF-8 without BAD."""
    # Few letters begin with BAD's first byte: looking for that is ten times as fast.
    if BAD.encode()[:1] in raw and BAD.encode() in raw:
        return False
    ends = pa.py_buffer(np.array([0, len(raw)], np.int32))
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(raw)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def parse_block(
    block: PlainBlock, path: Path, file: DataFile, width: int
) -> tuple[np.ndarray, list[pa.Array]] | list[Record]:
    """(the lines, the columns of a block's records, NULL where empty); or its records where some are ragged."""
    names = [str(n) for n in range(width)]
    try:
        table = csv.read_csv(
            pa.BufferReader(block.text),
            csv.ReadOptions(use_threads=False, block_size=len(block.text) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=delimiter_of(file), quote_char=file.quote or False, newlines_in_values=True
            ),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        table = None
    if table is None or len(table) != len(block.lines):
        return _careful(block, path, file, width)
    columns = [column.combine_chunks() for column in table.columns]
    if any(column.null_count == 0 for column in columns):
        return block.lines, columns
    said = np.logical_or.reduce([column.is_valid().to_numpy(zero_copy_only=False) for column in columns])
    if said.all():
        return block.lines, columns
    # Spreadsheets leave rows of empty cells behind.
    return block.lines[said], [column.filter(pa.array(said)) for column in columns]


def _careful(block: PlainBlock, path: Path, file: DataFile, width: int) -> list[Record]:
    lines = Lines(io.StringIO(block.text.decode(), newline=""))
    lines.number = block.first_line - 1
    found: list[Record] = []
    try:
        found.extend(records(parse(lines, file), lines, file, width))
    except FeedError as error:
        found.append(fault_of(error, path, lines.start))
    return found
