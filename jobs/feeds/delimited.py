"""Records of CSV and TSV text: one list of cells a row, in the header's order."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from jobs.feeds.limits import MAX_CELL_CHARS, MAX_COLUMNS
from jobs.feeds.lines import Lines, Record, RecordTooLarge, cut, naming_the_line
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

_UNIT = "\x1f"


def read_header(text: TextIO, file: DataFile) -> list[str]:
    """The columns' names as the text or the configuration gives them. Raises FeedError when the header is unusable."""
    return header_of(parse(Lines(text), file), file)


def header_of(parsed: Iterator[Record], file: DataFile) -> list[str]:
    """As read_header, of a text's parsed records, of which it takes the first."""
    if not file.header:
        return list(file.columns)
    for line, cells, code, *_ in parsed:
        if cells is None or len(cells) > MAX_COLUMNS:
            problem = code or f"more than {MAX_COLUMNS} columns"
            raise FeedError("feed_header", f"{file.path} line {line}: the header cannot be read ({problem})")
        return [cell.strip() for cell in cells]
    raise FeedError("feed_empty", f"{file.path} holds no line; check the export")


def read_delimited(text: TextIO, file: DataFile) -> Iterator[Record]:
    """The records behind the header (RFC 4180, any delimiter and quote, \\n or \\r\\n), blank lines left out.

    A quote that is not closed costs the row that opened it: reading goes on with the line behind it. Raises FeedError
    for faults of the whole file.
    """
    lines = Lines(text)
    parsed = parse(lines, file)
    with naming_the_line(lines):
        yield from records(parsed, lines, file, len(header_of(parsed, file)))


def records(parsed: Iterator[Record], lines: Lines, file: DataFile, width: int) -> Iterator[Record]:
    """The records that `parse` finds in `lines`, those of another width than the header marked."""
    for line, cells, code, raw, chars in parsed:
        if cells is not None and not any(cells):
            # Spreadsheets leave rows of empty cells behind.
            continue
        unfinished = code == "quote_unbalanced"
        if cells is not None and len(cells) != width:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > width and not any(cells[width:]):
                # Some exports end each line with a delimiter.
                cells = cells[:width]
            else:
                unfinished = len(cells) < width
                cells, code, raw = None, "row_ragged", cut("".join(lines.taken))
        if unfinished and lines.cut_off:
            raise FeedError(
                "feed_truncated", f"{file.path} ends within line {line}, with no line end; transfer it again"
            )
        yield line, cells, code, raw, chars


def delimiter_of(file: DataFile) -> str:
    """What stands between two cells."""
    return file.delimiter or ("\t" if file.format == "tsv" else ",")


def parse(lines: Lines, file: DataFile) -> Iterator[Record]:
    """Every record of the text, the header among them."""
    csv.field_size_limit(MAX_CELL_CHARS)
    delimiter = delimiter_of(file)
    several = len(delimiter) > 1
    reader = csv.reader(
        # The csv module takes one character.
        map(lambda line: line.replace(delimiter, _UNIT), lines) if several else lines,
        delimiter=_UNIT if several else delimiter,
        quotechar=file.quote or None,
        quoting=csv.QUOTE_MINIMAL if file.quote else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        lines.begin()
        start = lines.number + 1
        cells: list[str] = []
        code = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, RecordTooLarge) as error:
            code = _code(error, several_lines=len(lines.taken) > 1)
            lines.give_back()
        if several and cells:
            cells = [cell.replace(_UNIT, delimiter) for cell in cells]
        if code is None and cells and lines.fault is None:
            yield start, cells, None, None, lines.chars
        elif code or cells:
            yield start, None, code or lines.fault, cut("".join(lines.taken)), 0


def _code(error: Exception, several_lines: bool) -> str:
    if several_lines or "field limit" not in str(error):
        too_large = isinstance(error, RecordTooLarge) and not several_lines
        return "record_too_large" if too_large else "quote_unbalanced"
    return "cell_too_large"
