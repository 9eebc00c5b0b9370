"""A text's lines, bounded in length, with the means to take up reading again behind a broken record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from jobs.feeds.files import BAD
from jobs.feeds.limits import BAD_ENCODING_SAMPLE, BAD_ENCODING_SHARE, MAX_RECORD_CHARS, RAW_CHARS
from jobs.feeds.reasons import FeedError

Record = tuple[int, Any, str | None, str | None, int]
"""(line or number, value, None, None, characters), or (line or number, None, reason code, raw text, 0) if broken."""


def fault_of(error: FeedError | OSError, path: Path, number: int) -> Record:
    """A fault of the whole file as the record of that line or number, from which on nothing could be read."""
    if isinstance(error, FeedError):
        return error.line or number, None, error.reason, error.detail, 0
    return number, None, "feed_unreadable", f"{path}: {error}", 0


def until_fault(found: Iterable[Record], path: Path) -> Iterator[Record]:
    """The records of a file; a fault of the whole file is the last of them."""
    number = 0
    try:
        for record in found:
            number = record[0]
            yield record
    except (FeedError, OSError) as error:
        yield fault_of(error, path, number + 1)


class HasLines(Protocol):
    """A text that can be read line by line."""

    def readline(self, limit: int, /) -> str:
        """The next line with its end, or its first `limit` characters; empty at the end."""


class RecordTooLarge(ValueError):
    """A record above MAX_RECORD_CHARS."""


def judge_encoding(broken: int, records: int, at_end: bool = False) -> None:
    """Raises FeedError when so many of the records do not fit the encoding that it must be another one.

    More than a tenth of the first 100 or more; in a shorter feed half of all.
    """
    if broken > BAD_ENCODING_SHARE * max(records, BAD_ENCODING_SAMPLE) or (at_end and 2 * broken >= records):
        raise FeedError(
            "feed_encoding",
            f"{broken} of the first {records} records do not fit the encoding; correct `encoding`, or export UTF-8",
        )


def cut(raw: str) -> str:
    """The kept part of a broken record."""
    return raw[:RAW_CHARS].rstrip("\r\n").replace(BAD, "\ufffd").replace("\0", "\u2400")


@contextmanager
def naming_the_line(lines: Lines) -> Iterator[None]:
    """Faults of the whole file name the line in which the record starts that could not be read."""
    try:
        yield
    except FeedError as error:
        error.line = lines.start
        raise


class Lines:
    r"""Lines with their ends (\n, \r\n or \r), counted from 1.

    `begin` starts a record in line `start`; `taken` holds its lines, `chars` their length, `fault` a code when one of
    them has a NUL or badly encoded bytes.
    Raises RecordTooLarge when a record's lines are longer than MAX_RECORD_CHARS together.
    """

    def __init__(self, text: HasLines) -> None:
        self.number = 0
        self.start = 1
        self.taken: list[str] = []
        self.fault: str | None = None
        self._readline = text.readline
        self._given_back: list[str] = []
        self.chars = 0
        self._furthest = self._broken = 0

    def begin(self) -> None:
        """From here on lines belong to a new record."""
        self.start = self.number + 1
        self.taken.clear()
        self.chars = 0
        self.fault = None

    def pass_by(self, lines: int) -> None:
        """Counts lines that somebody else has read."""
        self.number += lines
        self.begin()

    def give_back(self) -> None:
        """Leaves the record with its first line; the others will be read again."""
        self._given_back += reversed(self.taken[1:])
        self.number -= len(self.taken) - 1
        del self.taken[1:]

    @property
    def has_given_back(self) -> bool:
        """Whether the next line is one that was read before."""
        return bool(self._given_back)

    def judge_at_end(self) -> None:
        """Raises FeedError when too many of all lines do not fit the encoding."""
        if self._broken:
            judge_encoding(self._broken, self.number, at_end=True)

    @property
    def cut_off(self) -> bool:
        """Whether the record is the text's last line, and that line has no end."""
        return len(self.taken) == 1 and not self.taken[0].endswith(("\n", "\r"))

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.pop() if self._given_back else self._readline(MAX_RECORD_CHARS + 1)
        if not line:
            self.judge_at_end()
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self.chars += len(line)
        if BAD in line or "\0" in line:
            self._mark_fault(line)
        if self.chars > MAX_RECORD_CHARS:
            self._drop_rest(line)
            raise RecordTooLarge
        return line

    def _mark_fault(self, line: str) -> None:
        self.fault = "encoding_broken" if BAD in line else "nul_byte"
        if BAD in line and self.number > self._furthest:
            self._broken += 1
            judge_encoding(self._broken, self.number)
        self._furthest = max(self._furthest, self.number)

    def _drop_rest(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._readline(MAX_RECORD_CHARS)
            # Should the line be given back, it ends here.
            self.taken[-1] = self.taken[-1][:MAX_RECORD_CHARS] + "\n"
