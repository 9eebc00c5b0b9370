"""What reviewers and askers have in common: counts, a mean, and phrases that at least three of them use.

Nothing that one person wrote alone leaves this module: no name, no quote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from jobs.catalog.language import small_words

MIN_REVIEWERS = 3
MAX_PHRASES = 5
MAX_REVIEWS = 2000
"""Of one product; more say nothing new about what recurs."""
_REVIEW_MAX_CHARS = 2000
_CLAUSE = re.compile(r"[.!?;:,()\[\]\"“”\n]+")
_WORD = re.compile(r"[^\W\d_]{2,}")


def mean_rating(ratings: Iterable[float | None] | None) -> tuple[float | None, int]:
    """(mean to two decimals, count) of the ratings from 1 to 5; others are not on the scale and do not count."""
    given = [rating for rating in ratings or () if rating is not None and 1 <= rating <= 5]
    return (round(sum(given) / len(given), 2) if given else None), len(given)


def recurring_phrases(texts: Sequence[str | None] | None) -> list[tuple[str, int]]:
    """(phrase of two or three words, number of reviewers) for what at least three reviews say, commonest first.

    Phrases neither begin nor end with a small word, hold no digit, name or address, and a phrase inside a
    longer one with as many reviewers is left out.
    """
    given = [text[:_REVIEW_MAX_CHARS] for text in (texts or ())[:MAX_REVIEWS] if text]
    if len(given) < MIN_REVIEWERS:
        return []
    # A word that nobody writes small is a name (or a German noun, which is the price of never telling a name).
    common = {word for text in given for word in _WORD.findall(text) if word.islower()}
    counts: Counter[str] = Counter()
    for text in set(given):
        counts.update(_phrases(text, common))
    often = sorted(
        ((phrase, n) for phrase, n in counts.items() if n >= MIN_REVIEWERS),
        key=lambda item: (-item[1], -len(item[0].split()), item[0]),
    )
    kept: list[tuple[str, int]] = []
    for phrase, n in often:
        if not any(f" {phrase} " in f" {longer} " and n <= m for longer, m in kept):
            kept.append((phrase, n))
    return kept[:MAX_PHRASES]


def _phrases(text: str, common: set[str]) -> set[str]:
    small = small_words()
    found = set()
    for clause in _CLAUSE.split(text):
        if "@" in clause or "http" in clause or any(character.isdigit() for character in clause):
            continue
        words = [word.lower() for word in _WORD.findall(clause)]
        for size in (2, 3):
            for i in range(len(words) - size + 1):
                part = words[i : i + size]
                if part[0] not in small and part[-1] not in small and common.issuperset(part):
                    found.add(" ".join(part))
    return found
