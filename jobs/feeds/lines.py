"""A text's lines, bounded in length, with the means to take up reading again behind a broken record."""

from __future__ import annotations

from typing import Any, TextIO

from jobs.feeds.files import BAD
from jobs.feeds.limits import BAD_ENCODING_SAMPLE, BAD_ENCODING_SHARE, MAX_RECORD_CHARS, RAW_CHARS
from jobs.feeds.reasons import FeedError

Record = tuple[int, Any, str | None, str | None, int]
"""(line or number, value, None, None, characters), or (line or number, None, reason code, raw text, 0) if broken."""


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


class Lines:
    r"""Lines with their ends (\n, \r\n or \r), counted from 1.

    `begin` starts a record; `taken` holds its lines, `chars` their length, `fault` a code when one of them has a NUL
    or badly encoded bytes.
    Raises RecordTooLarge when a record's lines are longer than MAX_RECORD_CHARS together.
    """

    def __init__(self, text: TextIO) -> None:
        self.number = 0
        self.taken: list[str] = []
        self.fault: str | None = None
        self._readline = text.readline
        self._given_back: list[str] = []
        self.chars = 0
        self._furthest = self._broken = 0

    def begin(self) -> None:
        """From here on lines belong to a new record."""
        self.taken.clear()
        self.chars = 0
        self.fault = None

    def give_back(self) -> None:
        """Leaves the record with its first line; the others will be read again."""
        self._given_back += reversed(self.taken[1:])
        self.number -= len(self.taken) - 1
        del self.taken[1:]

    @property
    def cut_off(self) -> bool:
        """Whether the record is the text's last line, and that line has no end."""
        return len(self.taken) == 1 and not self.taken[0].endswith(("\n", "\r"))

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.pop() if self._given_back else self._readline(MAX_RECORD_CHARS + 1)
        if not line:
            if self._broken:
                judge_encoding(self._broken, self.number, at_end=True)
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
