"""Records of JSON text, one object each, decoded strictly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, TextIO

from jobs.feeds.files import BAD
from jobs.feeds.limits import MAX_DEPTH, MAX_LOST_RECORDS, MAX_LOST_SHARE, MAX_RECORD_CHARS
from jobs.feeds.lines import Lines, Record, RecordTooLarge, cut, judge_encoding, naming_the_line
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

LOST_CHARS = 250_000
"""So far the end of a malformed record is looked for by its brackets."""

_WHITE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BARE = re.compile(r"[^,\]]*+")
_MARKS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
_NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,(?=[ \t\r\n]*\{)")


class _Refused(ValueError):
    """A value that JSON or we do not allow; the message is a reason code."""


class Decoder:
    """Decodes records strictly: `value` is the last one, `failed_at` where the last malformed text is no more JSON."""

    def __init__(self) -> None:
        self.value: Any = None
        self.failed_at: int | None = None
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite, parse_int=_integer
        )

    def code(self, text: str) -> str | None:
        """The reason why a text is no record, or None."""
        code, end = self.decode(text, _white(text, 0))
        if code == "record_too_large" or (code is None and _white(text, end) != len(text)):
            return "json_malformed"
        return code

    def decode(self, text: str, start: int) -> tuple[str | None, int]:
        """(reason code or None, index behind the value) of the value at `start`; the index is `start` if unknown.

        `record_too_large` stands for a value that is sound as far as the text goes.
        """
        self.failed_at = None
        try:
            self.value, end = self._decoder.raw_decode(text, start)
        except _Refused as refused:
            return str(refused), start
        except RecursionError:
            return "record_too_deep", start
        except json.JSONDecodeError as error:
            # The text may end within a literal or an escape.
            goes_on = error.pos > len(text) - 12 or error.msg.startswith("Unterminated string")
            self.failed_at = None if goes_on else error.pos
            return "record_too_large" if goes_on else "json_malformed", start
        except ValueError:
            # An integer of more digits than Python reads (4,300).
            return "json_not_finite", start
        if not isinstance(self.value, dict):
            return "json_malformed", end
        if end - start > MAX_RECORD_CHARS:
            return "record_too_large", end
        # Few brackets cannot nest deep; so almost no record is scanned.
        brackets = text.count("{", start, end) + text.count("[", start, end)
        if brackets > MAX_DEPTH:
            scan = _Scan()
            scan.to_end(text, start, end)
            if scan.deepest > MAX_DEPTH:
                return "record_too_deep", end
        bad = text.find(BAD, start, end) >= 0
        if not bad and _SURROGATE.search(text, start, end):
            # Pairs are characters; a half is none.
            bad = any("\ud800" <= c <= "\udfff" for c in json.dumps(self.value, ensure_ascii=False))
        return "encoding_broken" if bad else None, end


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("json_key_twice")
    return value


def _white(text: str, start: int) -> int:
    return _WHITE.match(text, start).end()  # type: ignore[union-attr]


def _constant(name: str) -> float:
    raise _Refused("json_not_finite")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("json_not_finite")
    return number


def _integer(digits: str) -> int | str:
    """An integer of 64 bits; a longer one, such as an identifier, is kept as text."""
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 63 else digits


class _Scan:
    """Finds where a value ends by its brackets and strings alone, over as many pieces of text as it takes."""

    def __init__(self) -> None:
        self.depth = self.deepest = 0
        self.in_string = False

    def to_end(self, text: str, start: int, stop: int) -> int | None:
        """Index behind the value's last bracket; None when it goes on beyond `stop`."""
        for found in _MARKS.finditer(text, start, stop):
            mark = found[0]
            if mark == '"':
                self.in_string = not self.in_string
            elif self.in_string or mark[0] == "\\":
                continue
            elif mark in "{[":
                self.depth += 1
                self.deepest = max(self.deepest, self.depth)
            else:
                self.depth -= 1
                if self.depth <= 0:
                    return found.end()
        return None


def read_json_lines(text: TextIO, file: DataFile) -> Iterator[Record]:
    """One object a line; numbered by lines, blank ones left out. Raises FeedError for faults of the whole file."""
    lines = Lines(text)
    with naming_the_line(lines):
        yield from _json_lines(lines, file)


def _json_lines(lines: Lines, file: DataFile) -> Iterator[Record]:
    decoder = Decoder()
    while True:
        lines.begin()
        number = lines.number + 1
        try:
            line = next(lines)
        except StopIteration:
            return
        except RecordTooLarge:
            yield number, None, "record_too_large", cut(lines.taken[0]), 0
            continue
        if line.isspace():
            continue
        code = lines.fault or decoder.code(line)
        if code == "json_malformed" and lines.cut_off and number > 1:
            raise FeedError(
                "feed_truncated",
                f"{file.path} ends within line {number}, with no line end; transfer it again",
            )
        yield (number, None, code, cut(line), 0) if code else (number, decoder.value, None, None, len(line))


class _Window:
    """The text from the reading position on, always longer than a record may be, until the text ends."""

    def __init__(self, text: TextIO) -> None:
        self._read = text.read
        self.buffer, self.at = "", 0
        self.more = True

    def fill(self) -> None:
        """Drops what was read and reads on, when less than a record's length is ahead."""
        while self.more and len(self.buffer) - self.at <= MAX_RECORD_CHARS:
            read = self._read(MAX_RECORD_CHARS // 2)
            self.more = bool(read)
            self.buffer, self.at = self.buffer[self.at :] + read, 0

    def skip_white(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self.fill()
            self.at = _white(self.buffer, self.at)
            if self.at < len(self.buffer) or not self.more:
                return self.buffer[self.at : self.at + 1]


def read_json(text: TextIO, file: DataFile) -> Iterator[Record]:
    """The objects of one JSON array, or objects one behind the other; numbered from 1, read as a stream.

    Behind a broken record reading goes on with the next one. Raises FeedError for faults of the whole file.
    """
    window, decoder = _Window(text), Decoder()
    in_array = window.skip_white() == "["
    window.at += in_array
    number = badly_encoded = lost = 0
    while (first := window.skip_white()) and not (in_array and first == "]"):
        number += 1
        start = window.at
        code, window.at = decoder.decode(window.buffer, start)
        if code is None:
            yield number, decoder.value, None, None, window.at - start
        else:
            raw = cut(window.buffer[start : start + MAX_RECORD_CHARS])
            if code == "encoding_broken":
                badly_encoded += 1
                judge_encoding(badly_encoded, number)
            if window.at == start:
                sure = _skip_record(window, decoder, code in {"record_too_large", "record_too_deep"})
                if sure is None:
                    raise _damaged(file, number - 1, "ends")
                lost += not sure
            if window.at == start or lost > max(MAX_LOST_RECORDS, MAX_LOST_SHARE * number):
                raise _damaged(file, number, "is damaged")
            yield number, None, code, raw, 0
        if in_array and (behind := window.skip_white()) != "]":
            if behind != ",":
                raise _damaged(file, number, f"goes on with {behind!r}" if behind else "ends")
            window.at += 1
    if badly_encoded:
        judge_encoding(badly_encoded, number, at_end=True)
    if in_array:
        if not first:
            raise _damaged(file, number, "ends")
        window.at += 1
        if window.skip_white():
            raise _damaged(file, number, "goes on behind its ]")


def _damaged(file: DataFile, number: int, how: str) -> FeedError:
    reason = "feed_truncated" if how == "ends" else "feed_json_malformed"
    return FeedError(
        reason, f"{file.path} {how} behind record {number}; validate the export, or transfer it again"
    )


def _skip_record(window: _Window, decoder: Decoder, sound: bool) -> bool | None:
    """Moves the window behind a broken record, or leaves it when there is no end; whether the end is beyond doubt.

    `sound`: nothing is known to be wrong with it but its size; None when the text ends within it.
    """
    start, scan, failed_at = window.at, _Scan(), decoder.failed_at
    if window.buffer[start] not in "{[":
        window.at = _BARE.match(window.buffer, start).end()  # type: ignore[union-attr]
        return True
    while sound:
        end = scan.to_end(window.buffer, window.at, len(window.buffer))
        window.at = end or len(window.buffer)
        if end:
            return True
        if not window.more:
            return None
        window.fill()
    by_brackets = scan.to_end(window.buffer, start, min(len(window.buffer), start + LOST_CHARS))
    by_text = _NEXT_OBJECT.search(window.buffer, failed_at) if failed_at else None
    if by_brackets and (not by_text or by_brackets <= by_text.start() + 1):
        window.at = by_brackets
        return True
    # A string that is not closed turns brackets and text behind it inside out; but a list of objects looks so, too.
    if by_text and (not by_brackets or not _inside_list(window.buffer, by_text.end(), decoder)):
        by_brackets = by_text.start() + 1
    window.at = by_brackets or start
    return False


def _inside_list(text: str, at: int, decoder: Decoder) -> bool:
    """Whether the objects from `at` on end with a bracket that does not end the text."""
    for _ in range(100):
        at = _white(text, at)
        code, end = decoder.decode(text, at)
        at = _white(text, end)
        if end == at == len(text) or (code and end == at) or text[at : at + 1] != ",":
            break
        at += 1
    return text[at : at + 1] == "]" and _white(text, at + 1) < len(text)
