"""Plain text from what shops write: a column of text in, the same column without markup and hidden characters out.

Whole columns go through Arrow's compiled functions; only values that need a step are given to it, because most names
and many descriptions are clean as they come.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

RAW_MAX_CHARS = 100_000
"""A longer raw text is cut before its markup is read; no shop means to say more about one product."""

_HIDDEN = (
    r"[\x00-\x08\x0E-\x1F\x7F-\x{84}\x{86}-\x{9F}"  # control characters that are not white space
    r"\x{AD}\x{180E}\x{200B}\x{2060}-\x{2064}\x{FEFF}"  # soft hyphen, zero-width
    r"\x{200E}\x{200F}\x{061C}\x{202A}-\x{202E}\x{2066}-\x{2069}"  # bidirectional marks and overrides
    r"\x{FFF9}-\x{FFFB}\x{FFFE}\x{FFFF}\x{E0000}-\x{E007F}]"  # annotations, non-characters, tag characters
)
# Zero-width joiners hold emoji and Indic letters together; elsewhere they are noise that hides one word in another.
_STRAY_JOINERS = r"([\x00-\x7F])[\x{200C}\x{200D}]+|[\x{200C}\x{200D}]+([\x00-\x7F]|$)"
_FRAMES = "script|style|template|noscript|iframe|svg"
_UNSEEN = rf"(?is)<!--.*?-->|<(?:{_FRAMES})\b.*?(?:</(?:{_FRAMES})\s*>|$)"
_INLINE = "a|abbr|b|bdi|bdo|cite|code|em|font|i|mark|q|s|small|span|strong|sub|sup|u|wbr"
_INLINE_TAGS = rf"(?i)</?(?:{_INLINE})(?:\s[^<>]*)?/?>"
_SPECIAL = rf"(?i)<(?:!--|(?:{_FRAMES})\b|/?(?:{_INLINE})[\s/>])"
"""Where none of these is, tags and the white space between them are all that there is of markup."""
# A tag begins with a letter, a slash, "!" or "?": "x < 3" and "<3" are text.
_TAGS = r"<[A-Za-z/!?][^<>]*>"
_TAG_RUNS = rf"(?:{_TAGS}\s*)+"
_UNENDED_TAG = r"<[A-Za-z/!?][^<>]*$"
_WIDE_SPACE = r"\x0B\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
_ROUGH_SPACE = rf"[^\S ]|\p{{Z}}{{2}}|^\p{{Z}}|\p{{Z}}$|[{_WIDE_SPACE}]"


def _where(column: pa.Array, needed: pa.Array, step: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`column` with `step` applied to the values for which `needed` is true."""
    if not pc.any(needed).as_py():
        return column
    if pc.all(needed, skip_nulls=False).as_py():
        return step(column)
    return pc.replace_with_mask(column, needed, step(column.filter(needed)))


def _matching(column: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(column, pattern), False)


def _cells(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(where each text begins and the last ends, the bytes of all): the offsets are into the bytes."""
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1, 4 * column.offset)
    start, size = int(offsets[0]), int(offsets[-1] - offsets[0])
    held = column.buffers()[2]
    return offsets - start, np.frombuffer(held, np.uint8, size, start) if size else np.zeros(0, np.uint8)


def _rows_of(offsets: np.ndarray, places: np.ndarray) -> pa.Array:
    """Which texts the bytes at these places belong to."""
    found = np.zeros(len(offsets) - 1, bool)
    found[np.searchsorted(offsets, places, side="right") - 1] = True
    return pa.array(found)


def rows_with(column: pa.Array, character: str) -> pa.Array:
    """Which texts hold an ASCII character; false for NULL."""
    offsets, cells = _cells(column)
    return _rows_of(offsets, np.flatnonzero(cells == ord(character)))


def odd_rows(column: pa.Array) -> pa.Array:
    """Which texts hold more than printable ASCII, tabs and line ends."""
    offsets, cells = _cells(column)
    places = np.flatnonzero(cells - 32 > 94)
    few = cells[places]
    return _rows_of(offsets, places[(few != 9) & (few != 10) & (few != 13)])


def _rough_rows(column: pa.Array, odd: pa.Array) -> pa.Array:
    """Which texts have other white space than single spaces between words; `odd` are those beyond ASCII."""
    offsets, cells = _cells(column)
    space = cells <= 32
    rough = space & (cells < 32)
    # Two texts side by side may look like one with two spaces: it costs a look, no more.
    rough[1:] |= space[1:] & space[:-1]
    edges = pc.or_(pc.starts_with(column, " "), pc.ends_with(column, " "))
    plain = pc.or_(_rows_of(offsets, np.flatnonzero(rough)), pc.fill_null(edges, False))
    return pc.or_(plain, matching(column, _ROUGH_SPACE, among=odd))


def matching(column: pa.Array, pattern: str, among: pa.Array) -> pa.Array:
    """Which of the texts for which `among` is true match a pattern; false for the others, which are not looked at."""
    return _where(among, among, lambda _: _matching(column.filter(among), pattern))


def _without_markup(column: pa.Array) -> pa.Array:
    column = _where(column, _matching(column, _SPECIAL), _without_special_markup)
    column = pc.replace_substring_regex(column, pattern=_TAG_RUNS, replacement=" ")
    column = _where(
        column,
        rows_with(column, "<"),
        partial(pc.replace_substring_regex, pattern=_UNENDED_TAG, replacement=" "),
    )
    return pc.ascii_trim(column, " ")


def _without_special_markup(column: pa.Array) -> pa.Array:
    for pattern, replacement in ((_UNSEEN, " "), (_INLINE_TAGS, "")):
        column = pc.replace_substring_regex(column, pattern=pattern, replacement=replacement)
    return column


def _without_entities(column: pa.Array) -> pa.Array:
    # The commonest by far, and what it leaves before a space begins no other.
    simple = pc.replace_substring(column, pattern="&amp; ", replacement="& ")
    others = pc.match_substring_regex(simple, r"&(?:[^ ]|$)")
    return pc.replace_with_mask(simple, others, _unescaped(column.filter(others)))


def _unescaped(column: pa.Array) -> pa.Array:
    # Twice: exports often escape what was escaped already ("&amp;eacute;").
    once = (html.unescape(text) for text in column.to_pylist())
    return pa.array([html.unescape(text) if "&" in text else text for text in once], pa.string())


def _visible(column: pa.Array) -> pa.Array:
    # Hidden characters go before normalisation, so that letters which they held apart compose.
    column = pc.replace_substring_regex(column, pattern=_HIDDEN, replacement="")
    column = pc.replace_substring_regex(column, pattern=_STRAY_JOINERS, replacement=r"\1\2")
    return pc.utf8_normalize(column, form="NFC")


def _collapsed(column: pa.Array) -> pa.Array:
    # A third of the time that a compiled regular expression takes.
    return pa.array([" ".join(text.split()) for text in column.to_pylist()], pa.string())


def plain_text(column: pa.Array, max_chars: int = RAW_MAX_CHARS) -> pa.Array:
    """The column as plain text in Unicode's NFC; NULL where nothing is left, cut at `max_chars`.

    HTML tags become white space (inline ones nothing), scripts, styles and comments go with their content, named and
    numeric entities become their characters, control, zero-width, bidirectional and tag characters go, white space is
    one space. What entities spell stays text: `&lt;b&gt;` is "<b>", never markup again.
    """
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    too_long = pc.fill_null(pc.greater(pc.binary_length(column), RAW_MAX_CHARS), False)
    column = _where(column, too_long, partial(pc.utf8_slice_codeunits, start=0, stop=RAW_MAX_CHARS))
    column = _where(column, rows_with(column, "<"), _without_markup)
    column = _where(column, rows_with(column, "&"), _without_entities)
    odd = odd_rows(column)
    column = _where(column, odd, _visible)
    column = _where(column, _rough_rows(column, odd), _collapsed)
    if pc.any(pc.greater(pc.binary_length(column), max_chars)).as_py():
        too_long = pc.fill_null(pc.greater(pc.utf8_length(column), max_chars), False)
        column = _where(column, too_long, partial(_cut, max_chars=max_chars))
    return pc.if_else(pc.equal(pc.binary_length(column), 0), None, column)


def _cut(column: pa.Array, max_chars: int) -> pa.Array:
    """Cut between words, with an ellipsis as the last of `max_chars` characters."""
    cut = pc.utf8_slice_codeunits(column, start=0, stop=max_chars - 1)
    words = pc.replace_substring_regex(cut, pattern=r"[\s,;:.\-]+\S{0,40}$", replacement="")
    return pc.binary_join_element_wise(words, "…", "")


def plain_items(column: pa.Array) -> pa.Array:
    """A list column of text with every item plain; empty items stay in their place as NULL."""
    column = column.cast(pa.list_(pa.string()))
    if column.offset:
        # Arrow takes no mask for a part of a column.
        column = column.take(pa.array(np.arange(len(column))))
    return pa.ListArray.from_arrays(
        column.offsets, plain_text(column.values), mask=column.is_null() if column.null_count else None
    )
