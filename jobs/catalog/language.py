"""The language of a product's text, by its script and its commonest small words; no guess on little evidence."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

SAMPLE_CHARS = 300
MIN_VOTES = 3
"""A small word of one language has two votes, one of several has one each: a single word decides nothing."""
_SCRIPTS = (
    ("ja", re.compile(r"[\u3041-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_][a-zA-Z0-9]{2,8})*")


@cache
def small_words() -> dict[str, tuple[str, ...]]:
    """Word -> the languages that it is a small word of."""
    with (Path(__file__).parent / "small_words.toml").open("rb") as file:
        words: dict[str, str] = tomllib.load(file)
    index: dict[str, list[str]] = {}
    for language, listed in words.items():
        for word in set(listed.split()):
            index.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in index.items()}


def detect_language(text: str | None) -> str | None:
    """ISO 639-1 code of a text, or None where it is too short or two languages are as likely.

    Languages of the Latin script are told apart by stop words (Grefenstette 1995, "Comparing two language
    identification schemes", the small-word technique): en, de, fr, es, it, nl, pt, pl, sv, da.
    """
    if not text:
        return None
    sample = text[:SAMPLE_CHARS]
    if not sample.isascii():
        for language, script in _SCRIPTS:
            if len(script.findall(sample)) * 4 >= len(sample.split()) + 4:
                return language
    votes: dict[str, int] = {}
    for languages in filter(None, map(small_words().get, sample.lower().split())):
        weight = 2 if len(languages) == 1 else 1
        for language in languages:
            votes[language] = votes.get(language, 0) + weight
    if not votes:
        return None
    first = max(votes, key=votes.__getitem__)
    best = votes.pop(first)
    return first if best >= MIN_VOTES and best > 1.3 * max(votes.values(), default=0) else None


def declared_language(text: str | None) -> str | None:
    """The language of a BCP 47 tag or locale (`de-AT`, `en_US`) in two or three small letters; None for other text."""
    match = _TAG.fullmatch(text.strip()) if text else None
    return match[1].lower() if match else None
