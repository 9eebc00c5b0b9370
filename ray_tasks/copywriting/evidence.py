"""What a text says that a record has to hold: its numbers, its units, and its names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ray_tasks.copywriting.locales import Locale

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
UNITS = frozenset(
    re.findall(
        r"\S+",
        "mg g kg oz lb ml cl dl l mm cm m km ft w kw v mah wh kcal kj % h min s hour hours minutes year years "
        "liters litres month months day days week weeks gb mb hz lm mp dpi € $ £",
    )
)
_SAME_UNIT = {
    "hours": "h",
    "hour": "h",
    "minutes": "min",
    "year": "years",
    "month": "months",
    "day": "days",
    "week": "weeks",
    "liters": "l",
    "litres": "l",
}
_QUANTITY = re.compile(r"(\d+(?:[.,]\d+)*)[\s\u00a0-]?([^\W\d_]+|[%€$£])")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f'’&-]*")
_LIKE_A_NAME = re.compile(r"^(?:\w*[^\W\dA-Z_][A-Z]\w*|[A-Z]{2,}\w*)$")
"""iPhone, NordTrail, NASA: a name in every language."""
_NOUNS_ARE_CAPITAL = {"de"}
_OPENS = re.compile(r"(?:^|[.!?:…„“\"«»|·—–]\s*)$")
_SCRIPTS = {"CJK": "Han", "ARABIC": "Arabic", "LATIN": "Latin"}


def numbers_in(text: str) -> set[str]:
    """The numbers of a text in one spelling: 1,5 and 1.5 are the same, and so are 07 and 7."""
    return {number.replace(",", ".").lstrip("0") or "0" for number in _NUMBER.findall(text)}


def quantities_in(text: str, words: Mapping[str, str] | None = None) -> set[tuple[str, str]]:
    """Numbers with the unit behind them: "1,5 Stunden" -> ("1.5", "h").

    `words` maps a locale's units to the feed's.
    """
    found = set()
    for number, unit in _QUANTITY.findall(text):
        unit = unit.lower()
        if words:
            unit = words.get(_own_unit(unit, words), unit)
        if unit in UNITS:
            unit = _SAME_UNIT.get(unit, unit)
            found.add((number.replace(",", ".").lstrip("0") or "0", unit))
    return found


def _own_unit(text: str, words: Mapping[str, str]) -> str:
    """The unit that a run of letters begins with: Chinese puts no space behind it."""
    if "Han" not in scripts_in(text):
        return text
    return max((unit for unit in words if text.startswith(unit)), key=len, default=text)


def names_in(text: str, locale: Locale) -> set[str]:
    """Words that look like names, as the language writes them, in lower case; words of the phrase bank are none.

    In Chinese and Arabic a name that the bank does not know is any Latin word; where nouns are capital letters' own
    (German) only spellings such as iPhone or NASA give a name away.
    """
    found = set()
    for match in _LATIN_WORD.finditer(text):
        word = match.group().rstrip("'’-")
        if locale.script == "Latin":
            opens = _OPENS.search(text[: match.start()]) is not None
            capital = word[:1].isupper() and not opens and locale.language not in _NOUNS_ARE_CAPITAL
            if not (capital or _LIKE_A_NAME.match(word)):
                continue
        elif len(word) < 2:
            continue
        if word.lower() not in locale.vocabulary and word.lower() not in UNITS:
            found.add(word.lower())
    return found


@lru_cache(maxsize=4096)
def _script_of(char: str) -> str | None:
    """Latin, Han, Arabic or another script's name; None for what belongs to all."""
    if not unicodedata.category(char).startswith("L") or char in "ªº":
        return None
    first = unicodedata.name(char, "UNKNOWN").split()[0].removesuffix("-COMPATIBILITY")
    return _SCRIPTS.get(first, first)


def scripts_in(text: str) -> set[str]:
    """The scripts of a text's letters (Unicode Standard Annex 24, by character names)."""
    return {script for char in text if (script := _script_of(char))}


def fact_value(fact: Mapping[str, Any]) -> str:
    """A fact as claims cite it: value and unit."""
    return " ".join(part for part in (fact["value"].strip(), fact["unit"]) if part)


def larger_unit(value: str, unit: str | None) -> tuple[str, str] | None:
    """A whole litre and more in litres, a whole kilogram and more in kilograms: ("1450", "g") -> ("1.45", "kg")."""
    larger = {"ml": "l", "g": "kg"}.get(unit or "")
    if larger is None or not re.fullmatch(r"\d+", value) or int(value) < 1000:
        return None
    return f"{int(value) / 1000:.3f}".rstrip("0").rstrip("."), larger


def record_text(product: Mapping[str, Any]) -> str:
    """Everything that the product's record says in words."""
    given = product.get("facts") or []
    facts = [f"{fact['name']} {fact_value(fact)}" for fact in given]
    facts += [" ".join(larger) for fact in given if (larger := larger_unit(fact["value"], fact["unit"]))]
    parts = (product["title"], product["category"], product.get("description"), product.get("brand"))
    return " ".join([*(part for part in parts if part), *facts, *(product.get("tags") or [])])
