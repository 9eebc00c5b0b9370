"""Records of XML text as dicts: RSS and Atom as Google Merchant feeds use them, or any root's children."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TextIO
from xml.parsers import expat

from jobs.feeds.files import BAD
from jobs.feeds.limits import (
    MAX_DEPTH,
    MAX_LOST_RECORDS,
    MAX_LOST_SHARE,
    MAX_PROLOGUE_BYTES,
    MAX_RECORD_CHARS,
    RAW_CHARS,
)
from jobs.feeds.lines import Record, cut, judge_encoding
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

GOOGLE = "http://base.google.com/ns/1.0"
ALWAYS_LISTS = frozenset(
    {
        "additional_image_link", "certification", "excluded_destination", "included_destination", "product_detail",
        "product_highlight", "promotion_id", "shipping", "shopping_ads_excluded_country", "tax", "video_link",
    }
)  # fmt: skip
"""Attributes that the product data specification lets repeat: an array even when there is one."""

_CHUNK_CHARS = 1 << 18
_RECORD_OF_ROOT = {"rss": "item", "RDF": "item", "feed": "entry"}


class _Refused(ValueError):
    """A record that is not allowed; the message is a reason code."""


class _Element:
    """What is known of an element while it is open."""

    __slots__ = ("google", "mixed", "plain", "text")

    def __init__(self) -> None:
        self.plain: dict[str, Any] = {}
        self.google: dict[str, Any] = {}
        self.text: list[str] = []
        self.mixed = False

    def add(self, name: str, value: Any, google: bool) -> None:
        """A child's or attribute's value: the first under its name, all of them as an array under `name_all`."""
        values = self.google if google else self.plain
        if name in ALWAYS_LISTS:
            values.setdefault(name, []).append(value)
        elif name not in values:
            values[name] = value
        else:
            values.setdefault(f"{name}_all", [values[name]]).append(value)

    def value(self) -> Any:
        """Children as a dict, or the text; text among children (markup) is text alone. None when there is nothing."""
        if self.mixed or not (self.plain or self.google):
            return "".join(self.text).strip() or None
        return self.children()

    def children(self) -> dict[str, Any]:
        """What is inside; Google's element says more exactly what the RSS or Atom element of the same name says."""
        return {**self.plain, **self.google}


class _Parser:
    """One run of expat. `start` is the byte of its stream where the open or last record begins."""

    def __init__(self) -> None:
        self.start: int | None = None
        self.first_start: int | None = None
        self.in_record = False
        self.tag: str | None = None
        self._record_name: str | None = None
        self._found: list[tuple[dict[str, Any], int]] = []
        self._open: list[_Element] = []
        self._depth = self._size = 0
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.namespace_prefixes = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.CharacterDataHandler = self._characters

    def feed(self, data: bytes, final: bool = False) -> None:
        """Parses on. Raises expat.ExpatError, _Refused or FeedError."""
        self._parser.Parse(data, final)

    def take(self) -> list[tuple[dict[str, Any], int]]:
        """The records, and their lengths, found since it was last asked."""
        found, self._found = self._found, []
        return found

    @property
    def at(self) -> int:
        """Byte that expat has come to."""
        return max(self._parser.CurrentByteIndex, self._parser.ErrorByteIndex)

    def _doctype(self, *_: object) -> None:
        raise FeedError(
            "feed_xml_doctype", "the XML has a DOCTYPE, which can hide entities; export it without"
        )

    def _start_element(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if not self.in_record:
            if self._depth > MAX_DEPTH:
                raise FeedError(
                    "feed_xml_malformed", f"more than {MAX_DEPTH} levels of elements above the records"
                )
            _, local, prefix = _parts(name)
            if self._depth == 1:
                self._record_name = _RECORD_OF_ROOT.get(local)
            elif local == self._record_name or (self._record_name is None and self._depth == 2):
                self.in_record, self._size = True, 0
                self.start = self._parser.CurrentByteIndex
                self.first_start = self.start if self.first_start is None else self.first_start
                self.tag = f"{prefix}:{local}" if prefix else local
                self._open = [_Element()]
                for attribute, value in attributes.items():
                    self._open[0].add(_key(attribute)[0], value, google=False)
            return
        if len(self._open) > MAX_DEPTH:
            raise _Refused("record_too_deep")
        self._grow(len(name))
        element = _Element()
        for attribute, value in attributes.items():
            self._grow(len(attribute) + len(value))
            if attribute == "href":
                # Atom's links have their address in an attribute.
                element.text.append(value)
            else:
                self._open[-1].add(f"{_key(name)[0]}_{_key(attribute)[0]}", value, google=False)
        self._open.append(element)

    def _end_element(self, name: str) -> None:
        self._depth -= 1
        if not self.in_record:
            return
        element = self._open.pop()
        if not self._open:
            self.in_record = False
            self._found.append((element.children(), self._size))
            return
        value = element.value()
        if len(self._open) > 1:
            # Text among markup is kept in order, should the parent turn out to be mixed; a record's own is not used.
            self._open[-1].text += element.text
        if value is not None:
            key, google = _key(name)
            self._open[-1].add(key, value, google)

    def _characters(self, text: str) -> None:
        if self.in_record:
            self._grow(len(text))
            self._open[-1].text.append(text)
            if not text.isspace():
                self._open[-1].mixed = True

    def _grow(self, chars: int) -> None:
        self._size += chars
        if self._size > MAX_RECORD_CHARS:
            raise _Refused("record_too_large")


@lru_cache(4096)
def _key(name: str) -> tuple[str, bool]:
    """(column, whether it is Google's) of an expanded name: `uri local prefix`, `uri local` or `local`."""
    uri, local, prefix = _parts(name)
    return (f"{prefix}_{local}" if prefix and uri != GOOGLE else local), uri == GOOGLE


def _parts(name: str) -> tuple[str, str, str]:
    parts = name.split(" ")
    return ("", name, "") if len(parts) == 1 else (parts[0], parts[1], parts[2] if len(parts) > 2 else "")


def read_xml(text: TextIO, file: DataFile) -> Iterator[Record]:
    """The items of RSS, the entries of Atom, or the children of another root, as dicts; numbered from 1.

    Elements and attributes are columns: `price`, an attribute's is `price_unit`, another namespace's `media_content`.
    Behind a broken record reading goes on with the next start tag. Raises FeedError for faults of the whole file.
    """
    parser = _Parser()
    # The bytes from the open record on, the place of the first of them in the parser's stream, and what comes next.
    buffer, base, pending = b"", 0, _read(text)
    prologue: bytes | None = None
    number = lost = badly_encoded = 0
    while True:
        final = not pending
        buffer += pending
        failure: Exception | None = None
        try:
            parser.feed(pending, final)
        except (expat.ExpatError, _Refused) as error:
            failure = error
        if prologue is None and parser.start is not None:
            prologue = buffer[: parser.first_start]
        for record, chars in parser.take():
            number += 1
            yield number, record, None, None, chars
        if failure is None and final:
            break
        overlong = len(buffer) > (MAX_PROLOGUE_BYTES if prologue is None else 4 * MAX_RECORD_CHARS)
        if failure or overlong:
            if prologue is None:
                raise _damaged(file, number, failure, final)
            number += 1
            lost += 1
            start = parser.start if parser.in_record and parser.start is not None else parser.at
            broken = buffer[max(0, start - base) :]
            code = str(failure) if isinstance(failure, _Refused) else "xml_malformed"
            if overlong:
                code = "record_too_large"
            elif BAD.encode() in broken[: parser.at - start + 8]:
                code = "encoding_broken"
                badly_encoded += 1
                judge_encoding(badly_encoded, number)
            found, rest = _next_record(broken, parser.tag or "", text)
            if (not found and (final or not parser.in_record)) or lost > max(
                MAX_LOST_RECORDS, MAX_LOST_SHARE * number
            ):
                raise _damaged(file, number, failure, final)
            yield number, None, code, cut(broken[: 4 * RAW_CHARS].decode("utf-8", "replace")), 0
            if not found:
                if not rest.rstrip().endswith(b">"):
                    raise _damaged(file, number, failure, final=True)
                break
            parser, buffer, base, pending = _Parser(), b"", len(prologue), rest
            parser.feed(prologue)
            continue
        keep = parser.start if parser.in_record and parser.start is not None else parser.at
        if prologue is not None:
            buffer, base = buffer[keep - base :], keep
        pending = _read(text)
    if badly_encoded:
        judge_encoding(badly_encoded, number, at_end=True)


def _read(text: TextIO) -> bytes:
    return text.read(_CHUNK_CHARS).encode("utf-8", "replace")


def _next_record(broken: bytes, tag: str, text: TextIO) -> tuple[bool, bytes]:
    """(whether there is another start tag behind the broken record's own, the text from there on or the last of it)."""
    start_tag = re.compile(rb"<" + re.escape(tag.encode()) + rb"[\s>/]")
    rest = broken[1:]
    while not (found := start_tag.search(rest)):
        more = _read(text)
        if not more:
            return False, rest[-200:]
        rest = rest[-200:] + more
    return True, rest[found.start() :]


def _damaged(file: DataFile, number: int, failure: Exception | None, final: bool) -> FeedError:
    what = failure or "a stretch of several megabytes without a record"
    return FeedError(
        "feed_truncated" if final else "feed_xml_malformed",
        f"{file.path} behind record {number}: {what}; validate the export, or transfer it again",
    )
