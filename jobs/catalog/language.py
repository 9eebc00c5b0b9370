"""The language of a product's text, by its script and its commonest small words; no guess on little evidence."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


@cache
def _votes() -> tuple[list[str], pa.Array, np.ndarray]:
    """(languages, small words, how much each word says for each language: 2 where it is that language's alone)."""
    words = small_words()
    languages = sorted({language for named in words.values() for language in named})
    votes = np.zeros((len(words), len(languages)), np.int64)
    for row, named in enumerate(words.values()):
        votes[row, [languages.index(language) for language in named]] = 2 if len(named) == 1 else 1
    return languages, pa.array(list(words)), votes


def detect_languages(column: pa.Array) -> pa.Array:
    """ISO 639-1 codes of plain texts (their white space is single spaces); NULL where two languages are as likely.

    Languages of the Latin script are told apart by stop words (Grefenstette 1995, "Comparing two language
    identification schemes", the small-word technique): en, de, fr, es, it, nl, pt, pl, sv, da.
    """
    languages, small, votes = _votes()
    sample = pc.utf8_slice_codeunits(pc.fill_null(column, ""), 0, SAMPLE_CHARS)
    words = pc.split_pattern(pc.utf8_lower(sample), " ")
    found = pc.index_in(words.flatten(), value_set=small)
    rows = pc.list_parent_indices(words).filter(found.is_valid()).to_numpy()
    said = votes[found.drop_null().to_numpy()]
    totals = np.stack([np.bincount(rows, said[:, n], len(column)) for n in range(len(languages))], axis=1)
    ranked = np.sort(totals, axis=1)
    sure = (ranked[:, -1] >= MIN_VOTES) & (ranked[:, -1] > 1.3 * ranked[:, -2])
    codes = pa.array(languages).take(pa.array(totals.argmax(axis=1)))
    codes = pc.if_else(pa.array(sure), codes, pa.scalar(None, pa.string()))
    if pc.all(pc.string_is_ascii(sample)).as_py():
        return codes
    foreign = pc.match_substring_regex(sample, r"[^\x00-\x{24F}\p{P}\p{S}]")
    if pc.any(foreign).as_py():
        scripts = pa.array([_by_script(text) for text in sample.filter(foreign).to_pylist()], pa.string())
        codes = pc.replace_with_mask(codes, foreign, pc.coalesce(scripts, codes.filter(foreign)))
    return codes


def _by_script(text: str) -> str | None:
    for language, script in _SCRIPTS:
        if len(script.findall(text)) * 4 >= len(text.split()) + 4:
            return language
    return None


def declared_language(text: str | None) -> str | None:
    """The language of a BCP 47 tag or locale (`de-AT`, `en_US`) in two or three small letters; None for other text."""
    match = _TAG.fullmatch(text.strip()) if text else None
    return match[1].lower() if match else None
