"""CSV and TSV in blocks of whole records: plain ones for Arrow's compiled parser, the others record by record.

A block is plain when RFC 4180 leaves no doubt about it: every quote opens or closes a cell or is doubled, and no byte
is out of place. Both ways give the same records; see tests/jobs/feeds/test_delimited_blocks.py.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pyarrow as pa
from pyarrow import csv

from jobs.feeds.delimited import delimiter_of, header_of, parse, records
from jobs.feeds.files import BAD, open_text
from jobs.feeds.limits import BLOCK_CHARS, MAX_CELL_CHARS
from jobs.feeds.lines import Lines, Record, fault_of, until_fault
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

_NEWLINE, _RETURN = 10, 13
_PIECE_CHARS = 65_536


class PlainBlock(NamedTuple):
    """Text of whole records (UTF-8), its first line, those in which its records start, and the last record before."""

    text: bytes
    first_line: int
    lines: np.ndarray
    before: int


class _Ahead:
    """A text of which some was read ahead: that comes first."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead = io.StringIO()
        self._fault: FeedError | OSError | None = None
        self.chars = 0

    def put_back(self, ahead: str) -> None:
        self._ahead, self.chars = io.StringIO(ahead, newline=""), len(ahead)

    def readline(self, limit: int) -> str:
        line = self._ahead.readline(limit)
        self.chars -= len(line)
        if not line.endswith(("\n", "\r")) and len(line) < limit:
            line += self._text.readline(limit - len(line))
        return line

    def read(self) -> str:
        """Some text more; what stands before a fault of the file comes before the fault."""
        if self._fault:
            raise self._fault
        pieces: list[str] = []
        size = 0
        try:
            while size < BLOCK_CHARS and (piece := self._text.read(_PIECE_CHARS)):
                pieces.append(piece)
                size += len(piece)
            # Between the two characters of a line's end is no place to stop.
            while size and pieces[-1].endswith("\r") and (piece := self._text.read(1)):
                pieces.append(piece)
        except (FeedError, OSError) as error:
            self._fault = error
            if not pieces:
                raise
        return "".join(pieces)


def read_blocks(path: Path, file: DataFile) -> Iterator[PlainBlock | list[Record]]:
    """The records behind the header as `read_delimited` gives them, block by block; a fault of the file comes last."""
    number, read = 0, list[Record]()
    try:
        with open_text(path, file) as text:
            ahead = _Ahead(text)
            lines = Lines(ahead)
            parsed = parse(lines, file)
            careful = records(parsed, lines, file, len(header_of(parsed, file)))
            rest = ""
            while (piece := ahead.read()) or rest:
                held = rest + piece
                raw = held.encode("utf-8", "surrogatepass")
                block = _plain_block(raw, file, lines.number + 1, number, final=not piece)
                if block:
                    lines.number += block.text.count(b"\n")
                    rest = raw[len(block.text) :].decode("utf-8")
                    number = int(block.lines.max(initial=number))
                    yield block
                    continue
                # A doubtful quote may reach far: from here to the next end of a record behind what is held.
                ahead.put_back(held)
                rest, read = "", []
                while (ahead.chars or lines.has_given_back) and (record := next(careful, None)):
                    read.append(record)
                    number = record[0]
                yield read
                read = []
            lines.judge_at_end()
    except (FeedError, OSError) as error:
        yield [*read, fault_of(error, path, number)]


def _plain_block(
    raw: bytes, file: DataFile, first_line: int, before: int, *, final: bool
) -> PlainBlock | None:
    """The whole records that `raw` begins with; None when one of them, or where it ends, is in doubt."""
    delimiter, quote = delimiter_of(file).encode(), file.quote.encode()
    if len(delimiter) != 1 or len(quote) > 1 or b"\0" in raw or BAD.encode() in raw:
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
    returns = np.flatnonzero(cells[:size] == _RETURN)
    if not size or len(quotes) % 2 or np.diff(ends, prepend=-1, append=size).max() > MAX_CELL_CHARS:
        return None
    if len(returns) and (returns[-1] + 1 == size or (cells[returns + 1] != _NEWLINE).any()):
        return None
    if len(quotes):
        around = np.frombuffer(b"\n" + raw[:size] + b"\n", np.uint8)
        outside = np.zeros(256, bool)
        outside[[delimiter[0], _NEWLINE, _RETURN]] = True
        opening, closing = quotes[::2], quotes[1::2]
        doubled = closing[:-1] + 1 == opening[1:]
        sound_opening = outside[around[opening]]
        sound_closing = outside[around[closing + 2]]
        sound_opening[1:] |= doubled
        sound_closing[:-1] |= doubled
        if not (sound_opening.all() and sound_closing.all()):
            return None
    starts = np.concatenate([[0], np.flatnonzero(ends_record) + 1])
    begins = np.concatenate([[0], ends + 1])
    filled = (begins < size) & (cells[begins.clip(max=size - 1)] != _NEWLINE)
    filled &= cells[begins.clip(max=size - 1)] != _RETURN
    return PlainBlock(raw[:size], first_line, first_line + starts[filled], before)


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
        lines = Lines(io.StringIO(block.text.decode("utf-8", "surrogatepass"), newline=""))
        lines.number = block.first_line - 1
        return list(until_fault(records(parse(lines, file), lines, file, width), path, block.before))
    columns = [column.combine_chunks() for column in table.columns]
    said = np.logical_or.reduce([column.is_valid().to_numpy(zero_copy_only=False) for column in columns])
    if said.all():
        return block.lines, columns
    # Spreadsheets leave rows of empty cells behind.
    return block.lines[said], [column.filter(pa.array(said)) for column in columns]
