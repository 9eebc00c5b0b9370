"""What the copy may say of a product: short statements, each with the field of the record that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray_tasks.copywriting.descriptions import noun_phrases, whole_statements
from ray_tasks.copywriting.locales import Locale, load_locale
from schemas.instruction import SELLING_POINT_MAX_CHARS

MIN_RATINGS = 5
"""Fewer reviews say more about the reviewers than about the product."""
MIN_RATING_MEAN = 4.0

_ENOUGH = 3
"""Parts and properties are clearer than sentences: sentences speak only when there are fewer than this."""

_NUMBER = re.compile(r"^[0-9]+([.,][0-9]+)?$")
_YES = {"yes", "true", "included"}
_PLAIN = {"weight", "height", "length", "width", "depth", "thickness", "size", "socket", "pot"}
"""Measures that matter to few: they speak last."""
_LESS_IS_MORE = {"sugar": 3.0, "fat": 3.0, "salt": 0.3, "energy": 50.0, "calories": 50.0}
"""Amounts above which nobody is won over by them (EU 1924/2006, annex, calls these 'low' amounts or less)."""
_CONSUMED = {"coffee", "drink", "food", "beauty"}


@dataclass(frozen=True)
class Statement:
    """One thing that the record says, in the words of a locale.

    `meaning` is the same in English, to be compared with a segment's needs; `weight` prefers telling ones.
    """

    text: str
    source_field: str
    source_value: str
    meaning: str
    weight: float = 1.0


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value_in(locale: Locale, value: str, unit: str | None) -> str | None:
    """The value with its unit in the locale's words; None when a word has no translation."""
    if _NUMBER.match(value) or not re.search(r"[a-z]", value):
        shown = locale.number(value)
    elif locale.reads_feed:
        shown = value
    elif (word := locale.words.get(value.lower())) is not None:
        shown = word
    elif re.fullmatch(r"[0-9x .,-]+[a-z]{0,3}[0-9]?", value):
        shown = locale.number(value)
    else:
        return None
    if not unit:
        return shown
    if not locale.reads_feed and re.fullmatch(r"[a-z]{4,}", unit):
        if unit not in locale.words:
            return None
        unit = locale.words[unit]
    # No-break space between number and unit (ISO 80000-1, 7.1.4), so that a line never breaks there.
    return f"{shown}\u00a0{unit}"


def _weight(name: str, value: str) -> float:
    if name in _PLAIN:
        return 0.6
    if (
        name in _LESS_IS_MORE
        and _NUMBER.match(value)
        and float(value.replace(",", ".")) > _LESS_IS_MORE[name]
    ):
        return 0.3
    return 1.15 if value == "0" else 1.05


def _spec_text(fact: Mapping[str, Any], locale: Locale, bank: str) -> str | None:
    """A specification in words; None when the locale has none for it."""
    name, value, unit = fact["name"].strip().lower(), fact["value"].strip(), fact["unit"]
    pattern = locale.specs.get(name)
    if name == "weight" and bank in _CONSUMED:
        pattern = "{value}"  # what is in the pack
    if value.lower() in {"no", "false"}:
        return None
    if value.lower() in _YES:
        tail = " included" if value.lower() == "included" else ""
        return pattern or (f"{name}{tail}" if locale.reads_feed else None)
    shown = _value_in(locale, value, unit)
    if shown is None:
        return None
    if pattern is None:
        return f"{name}: {shown}" if locale.reads_feed else None
    return pattern.format(value=shown)


def spec_statements(facts: list[Mapping[str, Any]], locale: Locale, bank: str) -> list[Statement]:
    """Statements from typed specifications; one that the locale has no words for is left out.

    `bank` is the product's phrase bank: the weight of what is eaten is what the pack holds.
    """
    english = load_locale("en")
    statements = []
    names = {fact["name"].strip().lower() for fact in facts}
    for fact in facts:
        text = _spec_text(fact, locale, bank)
        # Where the volume says what the pack holds, the weight is the parcel's.
        if bank in _CONSUMED and "volume" in names and fact["name"].strip().lower() == "weight":
            continue
        if not text or len(text) > SELLING_POINT_MAX_CHARS:
            continue
        name, value, unit = fact["name"].strip().lower(), fact["value"].strip(), fact["unit"]
        meaning = _spec_text(fact, english, bank) or name
        if value == "0":
            meaning = f"no {name}, {name} free, without {name}"
        said = f"{value} {unit}" if unit else value
        source = f"facts.{fact['name']}"
        statements.append(Statement(_sentence_case(text), source, said, meaning, _weight(name, value)))
    return statements


def feature_statements(product: Mapping[str, Any], locale: Locale) -> list[Statement]:
    """Features that the description names, in the locale's own words."""
    description = product.get("description") or ""
    found = []
    for feature, words in locale.features.items():
        match = re.search(rf"(?<![\w-]){re.escape(feature)}(?![\w-])", description, re.IGNORECASE)
        if match and not re.search(
            r"\b(not|non|without|no)\W+$", description[: match.start()], re.IGNORECASE
        ):
            found.append(Statement(words, "description", match.group(), match.group()))
    return found


def statements(product: Mapping[str, Any], locale: Locale, bank: str) -> list[Statement]:
    """Everything that the copy may say of this product, without repetitions, in the record's order."""
    found = spec_statements(list(product.get("facts") or []), locale, bank)
    description = product.get("description") or ""
    if locale.reads_feed:
        phrases = noun_phrases(description, [product.get("brand") or "", product["title"]])
        if len(found) + len(phrases) < _ENOUGH:
            phrases += [text for text in whole_statements(description) if text not in " ".join(phrases)]
        found += [Statement(_sentence_case(phrase), "description", phrase, phrase) for phrase in phrases]
    else:
        found += feature_statements(product, locale)
    unique: dict[str, Statement] = {}
    for statement in found:
        unique.setdefault(statement.text.lower(), statement)
    return list(unique.values())


def rating(product: Mapping[str, Any]) -> tuple[str, int] | None:
    """Mean (one decimal) and number of reviews, when there are enough and they speak for the product."""
    mean, count = product.get("rating_mean"), product.get("rating_count") or 0
    if mean is None or count < MIN_RATINGS or mean < MIN_RATING_MEAN:
        return None
    return f"{mean:.1f}", int(count)
