"""Whether one text says again what another has said: copy is short, and nothing in it may be there twice."""

from __future__ import annotations

import re

from ray_tasks.copywriting.locales import Locale

_WORD = re.compile(r"[^\W_]+")
_PARTICLES = re.compile(r"^(?:[وف]?[بلك]?ال|[وف]?لل|و?[بلك](?=\w{3})|و(?=\w{3}))")
_STEM_CHARS = 5
_LEAST_CHARS = {"Latin": 4, "Arabic": 2}
_EMPTY = frozenset(
    re.findall(
        r"\S+",
        "with from that this your into over when than them then avec dans pour sans tous tout cette "
        "eine einen einer ohne über unter nach dass من مع في كل لا ثم عن ما هذا قبل بعد على إلى بلا",
    )
)
"""Longer words that carry no meaning."""


def _tokens(text: str, locale: Locale) -> set[str]:
    """Words in lower case, Arabic ones without their particles, number words as figures."""
    words = [_PARTICLES.sub("", word) for word in _WORD.findall(text.lower())]
    return {locale.numerals.get(word, word) for word in words}


def _stems(text: str, locale: Locale) -> set[str]:
    """What a text speaks of: beginnings of its longer words, and pairs of characters where words are not spaced."""
    if locale.script == "Han":
        runs = re.findall(r"[\u3400-\u9fff]{2,}", text)
        return {run[at : at + 2] for run in runs for at in range(len(run) - 1)}
    words = _tokens(text, locale)
    return {
        word[:_STEM_CHARS]
        for word in words
        if len(word) >= _LEAST_CHARS[locale.script] and word not in _EMPTY
    }


def echoes(text: str, other: str, locale: Locale) -> bool:
    """Whether two texts share a word that carries meaning ("for tomorrow" and "for tomorrow morning")."""
    return bool(_stems(text, locale) & _stems(other, locale))


def says(text: str, value: str, locale: Locale) -> bool:
    """Whether a text says a value already, in figures or in words: "a tent for two" says 2."""
    if locale.script == "Han":
        spoken = re.sub(r"\s", "", text.lower())
        for word, figure in locale.numerals.items():
            spoken = spoken.replace(word, figure)
        return re.sub(r"\s", "", value.lower()) in spoken
    tokens = _tokens(value, locale)
    return bool(tokens) and tokens <= _tokens(text, locale)
