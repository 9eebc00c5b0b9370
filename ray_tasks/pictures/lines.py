"""Text broken into lines: where a line may end, and which breaks are the best ones. Pure; widths come from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import budoux

from ray_tasks.pictures.chinese_words import LONGEST, WORDS
from ray_tasks.pictures.hyphenation import hyphenated

NO_START = frozenset("，。、！？：；）》」』】〉”’…—·・ー々ゃゅょっァィゥェォャュョッ～％℃°%,.!?:;)]}»٪،؛؟")
"""What no line starts with (GB/T 15834, section 5.1; JLREQ, section 3.1.7)."""
NO_END = frozenset("（《「『【〈“‘([{«¥￥$＄€£#№")
"""What no line ends with."""
_HAN = (
    r"\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    r"\u2018\u2019\u201c\u201d\u2014\u2026"
)
"""Characters, kana and full-width marks; quotation marks and dashes too, which Chinese shares with Latin."""
_IS_HAN = re.compile(f"[{_HAN}]")
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d.,]*\Z")
_MEASURE = re.compile(rf"[^\W\d_]{{1,3}}[²³]?[.,!]?\Z|[%€$£°×]|[{_HAN}]")
_COUNTED = re.compile(rf"\d\u00a0?[{_HAN}]\Z")
_COUNTS = frozenset("一两三四五六七八九十几半每这那")
_MEASURE_WORDS = frozenset(
    "个只件张条把双副套杯瓶罐盒袋包本支块片台顶盏枚颗根款份组对束株盆壶面辆碗间趟次天年层段"
)
"""What is counted and the word that counts it stay together: one tent is 一顶 帐篷."""
_PARTICLES = frozenset("的了吗呢吧地得们里上下中")
"""What clings to the word before it, so that no line should start with it."""

# Costs of a break beside raggedness, which is the squared deviation of each line from the mean width.
_IN_PHRASE, _HYPHEN, _AFTER_SHORT = 0.6, 0.8, 0.1
_SHORT_COMPOUND = 12
"""Letters up to which a word with a hyphen stays whole: garde-robe, week-end, soi-même."""
_LONELY = 4
"""Letters of a first word that is too short for a line."""
_UNMARKED, _UNMARKED_HAN = 0.06, 0.25
"""After a word or phrase that no punctuation ends: a pause for the voice is the best place for the eye to turn."""
_STOPS = frozenset(".!?…؟")
_MARKS = frozenset(".,;:!?…–—，。；：！？、،؛؟")


@dataclass(frozen=True)
class Unit:
    """A piece of text that is never divided, and what happens where it meets the next one."""

    text: str
    gap: str = ""
    """Stands between it and the next unit on the same line."""
    hyphen: bool = False
    """Whether a hyphen is written when a line ends here."""
    cost: float = 0.0
    """How much a line should rather not end here."""


@dataclass(frozen=True)
class Broken:
    """Lines of a text, and how it was divided."""

    lines: tuple[str, ...]
    fits: bool
    """False if a unit is wider than a line."""
    awkward: int
    """Lines that end inside a word or phrase."""


@cache
def _phrases() -> budoux.Parser:
    return budoux.load_default_simplified_chinese_parser()


@lru_cache(maxsize=4096)
def units(text: str, locale: str) -> tuple[Unit, ...]:
    """The units of a text in order (Unicode Standard Annex 14 for the cases that copy has).

    Words part at spaces and after hyphens, but a number stays with its unit of measure; long German words part at the
    seams of compounds; Han text parts between any two characters that may end and start a line, at phrases first.
    """
    found: list[Unit] = []
    words = text.split(" ")
    for i, word in enumerate(words):
        parts = _parts(word, locale)
        last = i == len(words) - 1
        if not last:
            following = words[i + 1]
            glued = bool(_NUMBER.search(word) and _MEASURE.match(following)) or not word
            glued = glued or following[:1] in NO_START
            if glued:
                words[i + 1] = f"{word}\u00a0{following}"
                continue
            cost = 0.0 if word[-1:] in _MARKS else _AFTER_SHORT if len(word) <= 2 else _UNMARKED
            begins = found[-1].text[-1:] in _STOPS if found else len(word) <= _LONELY
            if cost and begins:
                cost = _IN_PHRASE  # a sentence's first word does not stay behind alone, nor a text's article
            parts[-1] = Unit(parts[-1].text, " ", cost=cost)
        found += parts
    return tuple(found)


def whole_words(text: str, locale: str) -> list[str]:
    """The pieces between breaks that are not awkward: words, and phrases of Han text."""
    words, current = [], ""
    for unit in units(text, locale):
        current += unit.text
        if unit.cost < _IN_PHRASE:
            words.append(current)
            current = ""
    return [*words, current] if current else words


def _parts(word: str, locale: str) -> list[Unit]:
    if _IS_HAN.search(word):
        return _han_parts(word)
    pieces = [piece for piece in re.split(r"(?<=[^\W\d_]-)(?=[^\W\d_])|(?<=/)(?=[^\W\d_])", word) if piece]
    joint = _IN_PHRASE if len(word) <= _SHORT_COMPOUND else 0.0
    parts = []
    for piece in pieces or [""]:
        stems = hyphenated(piece, locale)
        parts += [Unit(stem, hyphen=True, cost=_HYPHEN) for stem in stems[:-1]] + [
            Unit(stems[-1], cost=joint)
        ]
    return parts


def _han_parts(run: str) -> list[Unit]:
    """Single characters (Latin words and numbers whole), each joined to what may not be parted from it."""
    ends, at = set(), 0
    for phrase in _phrases().parse(run):
        at += len(phrase)
        ends.add(at)
    whole = _inside_words(run)
    parts: list[Unit] = []
    start = 0
    for at in range(1, len(run) + 1):
        if at < len(run):
            before, after = run[at - 1], run[at]
            inside_word = not _IS_HAN.match(before) and not _IS_HAN.match(after)
            # A dash or an ellipsis of two characters is one mark.
            one_mark = before == after and before in "—…"
            glued = "\u00a0" in (before, after) or before.isdigit()
            glued = glued or (at not in ends and bool(_COUNTED.search(run[start:at])))
            glued = glued or at in whole or (before in _COUNTS and after in _MEASURE_WORDS)
            if inside_word or one_mark or glued or after in NO_START or before in NO_END:
                continue
        apart = at in ends and (at == len(run) or run[at] not in _PARTICLES)
        cost = _IN_PHRASE if not apart else 0.0 if run[at - 1] in _MARKS else _UNMARKED_HAN
        parts.append(Unit(run[start:at], cost=cost))
        start = at
    return parts


def _inside_words(run: str) -> set[int]:
    """The places in a text that lie within a known word: the longest that begins where the last one ended."""
    inside: set[int] = set()
    at = 0
    while at < len(run):
        longest = next((n for n in range(LONGEST, 1, -1) if run[at : at + n] in WORDS), 1)
        inside.update(range(at + 1, at + longest))
        at += longest
    return inside


def break_lines(
    text: str, locale: str, width: float, measure: Callable[[str], float], *, most_lines: int = 12
) -> Broken:
    """The best lines no wider than `width`: as few as can be, then of even length with few bad breaks.

    measure: width of a text set on one line, in the measure of `width`. Knuth and Plass 1981, "Breaking paragraphs
    into lines", with the number of lines fixed first: copy is short, and its last line is no exception.
    """
    pieces = units(text, locale)
    count = len(pieces)
    widths = [measure(piece.text) for piece in pieces]
    space, dash = measure("\u00a0"), measure("-")
    edges = [0.0]
    for piece, own in zip(pieces, widths, strict=True):
        edges.append(edges[-1] + own + (space if piece.gap else 0.0))

    def span(first: int, last: int) -> float:
        """Width of a line of units first..last."""
        tail = pieces[last]
        gap = space if tail.gap else 0.0
        return edges[last + 1] - edges[first] - gap + (dash if tail.hyphen and last < count - 1 else 0.0)

    fits = all(own <= width for own in widths)
    fewest = _fewest(count, width, span)
    total = edges[-1]
    best = _best(pieces, fewest, width, max(total / fewest, 1e-6), span) if fits else None
    if best is None:
        return Broken((text,), False, 0)
    lines = tuple(_line(pieces, first, last) for first, last in best)
    awkward = sum(pieces[last].cost >= _IN_PHRASE for _, last in best[:-1])
    return Broken(lines, len(lines) <= most_lines, awkward)


def _fewest(count: int, width: float, span: Callable[[int, int], float]) -> int:
    lines, first = 1, 0
    for last in range(count):
        if span(first, last) > width and last > first:
            lines, first = lines + 1, last
    return lines


def _best(
    pieces: tuple[Unit, ...], lines: int, width: float, mean: float, span: Callable[[int, int], float]
) -> list[tuple[int, int]] | None:
    """First and last unit of each line, with the least sum of raggedness and costs."""
    count = len(pieces)
    reached: dict[int, tuple[float, list[tuple[int, int]]]] = {0: (0.0, [])}
    for line in range(lines):
        following: dict[int, tuple[float, list[tuple[int, int]]]] = {}
        for first, (cost, taken) in reached.items():
            for last in range(first, count):
                own = span(first, last)
                if own > width and last > first:
                    break
                if (last == count - 1) != (line == lines - 1):
                    continue
                end = 0.0 if last == count - 1 else pieces[last].cost
                value = cost + ((own - mean) / mean) ** 2 + end
                if last + 1 not in following or value < following[last + 1][0]:
                    following[last + 1] = value, [*taken, (first, last)]
        reached = following
    return reached[count][1] if count in reached else None


def _line(pieces: tuple[Unit, ...], first: int, last: int) -> str:
    inner = "".join(piece.text + piece.gap for piece in pieces[first:last])
    tail = pieces[last]
    return inner + tail.text + ("-" if tail.hyphen and last < len(pieces) - 1 else "")
