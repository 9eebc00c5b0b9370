"""What the copy may say of a product: short statements, each with the field of the record that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ray_tasks.copywriting.choice import shuffled
from ray_tasks.copywriting.descriptions import noun_phrases, says_the_names, whole_statements
from ray_tasks.copywriting.evidence import fact_value, larger_unit
from ray_tasks.copywriting.locales import Locale, load_locale
from ray_tasks.copywriting.titles import described_colour, stated_facts
from schemas.instruction import SELLING_POINT_MAX_CHARS, text_columns

MIN_RATINGS = 5
"""Fewer reviews say more about the reviewers than about the product."""
MIN_RATING_MEAN = 4.0

_ENOUGH = 3
"""Parts and properties are clearer than sentences: sentences speak only when there are fewer than this."""

_NUMBER = re.compile(r"^[0-9]+([.,][0-9]+)?$")
_YES = {"yes", "true", "included"}
_PLAIN = {"weight", "height", "length", "width", "depth", "thickness", "size", "socket", "pot"}
"""Measures that matter to few: they speak last."""
_CARRIED = {"bag", "shoes", "outdoor", "fitness", "tech"}
"""What weighs on somebody: of other things the weight is for the parcel."""
_LESS_IS_MORE = {"sugar": 3.0, "fat": 3.0, "salt": 0.3, "energy": 50.0, "calories": 50.0}
"""Amounts above which nobody is won over by them (EU 1924/2006, annex, calls these 'low' amounts or less)."""
CONSUMED = {"coffee", "drink", "food", "beauty"}
_NOT_SPECS = {"rating", "review_phrase"}


@dataclass(frozen=True)
class Statement:
    """One thing that the record says, in the words of a locale.

    `meaning` is the same in English, to be compared with a segment's needs; `weight` prefers telling ones; `value` is
    the bare value with its unit; `others` are other ways to say the same.
    """

    text: str
    source_field: str
    source_value: str
    meaning: str
    weight: float = 1.0
    value: str = ""
    others: tuple[str, ...] = ()
    spec: str = ""
    """The specification's name, in lower case."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it rests on: the same for all ways to say it."""
        return self.source_field, self.source_value, self.spec

    def said_before(self, times: int) -> Statement:
        """The statement in the words for those who say it after `times` others."""
        forms = (self.text, *self.others)
        text = forms[times % len(forms)]
        return replace(self, text=text, others=tuple(form for form in forms if form != text))


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value_in(locale: Locale, value: str, unit: str | None) -> str | None:
    """The value with its unit in the locale's words; None when a word has no translation."""
    value, unit = larger_unit(value, unit) or (value, unit)
    if _NUMBER.match(value) or not re.search(r"[a-z]", value):
        shown = locale.number(value)
    elif locale.reads_feed:
        shown = value
    elif (word := locale.words.get(value.lower())) is not None:
        shown = word
    elif re.fullmatch(r"[0-9x .,-]+[a-z]{0,3}[0-9]?", value):
        shown = _with_units(locale.number(value), locale)
    else:
        return None
    if not unit:
        return shown
    if unit.lower() in locale.words and not (locale.reads_feed and value == "1"):
        unit = locale.words[unit.lower()]
        unit = locale.counted(value, unit)
    elif not locale.reads_feed and re.fullmatch(r"[a-z]{4,}", unit):
        return None
    if unit.upper() == "SPF":
        return f"SPF {shown}"
    # No-break space between number and unit (ISO 80000-1, 7.1.4), so that a line never breaks there.
    return f"{shown}\u00a0{unit}"


def _with_units(value: str, locale: Locale) -> str:
    """Units inside a value ("45 x 45 cm") in the locale's words."""
    return re.sub(r"[a-z]{1,3}$", lambda match: locale.words.get(match.group(), match.group()), value)


def _is_too_much(name: str, value: str) -> bool:
    most = _LESS_IS_MORE.get(name)
    return most is not None and bool(_NUMBER.match(value)) and float(value.replace(",", ".")) > most


def _weight(name: str, value: str) -> float:
    if name in _PLAIN:
        return 0.6
    return 1.15 if value == "0" else 1.05


def _spec_forms(fact: Mapping[str, Any], locale: Locale, bank: str) -> tuple[tuple[str, ...], str]:
    """Ways to say a specification, and its bare value; none when the locale has no words for it."""
    name, value, unit = fact["name"].strip().lower(), fact["value"].strip(), fact["unit"]
    patterns = locale.specs.get(name, ())
    if name == "weight" and bank in CONSUMED:
        patterns = locale.specs["volume"]  # what is in the pack
    elif name == "weight" and "/" in f"{value}{unit}":
        patterns = ("{value}",)  # of cloth, not of the thing
    elif name == "material" and bank in CONSUMED:
        patterns = ("{value}",)  # what is in it
    elif name == "volume" and bank not in CONSUMED:
        patterns = locale.specs["capacity"]
    elif name == "size" and unit == "ft":
        patterns = locale.specs["length"]
    elif value == "0":
        patterns = locale.specs.get(f"zero {name}", patterns)
    if value.lower() in {"no", "false"}:
        return (), ""
    if value.lower() in _YES:
        tail = " included" if value.lower() == "included" else ""
        return patterns or ((f"{name}{tail}",) if locale.reads_feed else ()), ""
    shown = _value_in(locale, value, unit)
    if shown is None:
        return (), ""
    if not patterns and locale.reads_feed:
        patterns = (f"{name}: {{value}}",)
    made = locale.made.get(shown, shown)
    return tuple(pattern.format(value=shown, made=made) for pattern in patterns), shown


def spec_statements(
    facts: Sequence[Mapping[str, Any]], locale: Locale, bank: str, sku: str
) -> list[Statement]:
    """Statements from typed specifications; one that the locale has no words for is left out.

    `bank` is the product's phrase bank: the weight of what is eaten is what the pack holds. Which way of saying comes
    first follows from the SKU, so that a catalog does not say all things alike.
    """
    english = load_locale("en")
    statements = []
    names = {fact["name"].strip().lower() for fact in facts}
    for fact in facts:
        name, value = fact["name"].strip().lower(), fact["value"].strip()
        # "20 tea bags" says it already.
        if name == "pack size" and names & {"pieces", "bags"}:
            continue
        # An amount that wins nobody over is better left unsaid.
        if _is_too_much(name, value):
            continue
        if name == "weight" and bank not in _CARRIED | CONSUMED and len(names) >= _ENOUGH:
            continue
        # Where the volume says what the pack holds, the weight is the parcel's; reviews have words of their own.
        if (bank in CONSUMED and "volume" in names and name == "weight") or name in _NOT_SPECS:
            continue
        forms, shown = _spec_forms(fact, locale, bank)
        fitting = [_sentence_case(form) for form in forms if text_columns(form) <= SELLING_POINT_MAX_CHARS]
        if not fitting:
            continue
        first, *others = shuffled(fitting, sku, name)
        meaning = next(iter(_spec_forms(fact, english, bank)[0]), name)
        if value == "0":
            meaning = f"no {name}, {name} free, without {name}"
        statements.append(
            Statement(
                first,
                f"facts.{fact['name']}",
                fact_value(fact),
                meaning,
                _weight(name, value),
                shown,
                tuple(others),
                name,
            )
        )
    return statements


def feature_statements(product: Mapping[str, Any], locale: Locale) -> list[Statement]:
    """Features that the title or the description names, in the locale's own words."""
    found: dict[str, Statement] = {}
    for field, features in (("title", locale.features | locale.stated), ("description", locale.features)):
        text = product.get(field) or ""
        for feature, words in features.items():
            match = re.search(rf"(?<![\w-]){re.escape(feature)}(?![\w-])", text, re.IGNORECASE)
            if match and not re.search(r"\b(not|non|without|no)\W+$", text[: match.start()], re.IGNORECASE):
                value = text if field == "title" else match.group()
                found.setdefault(words, Statement(words, field, value, match.group(), spec=feature))
    return list(found.values())


def title_statements(product: Mapping[str, Any], locale: Locale, bank: str) -> list[Statement]:
    """The colour, material and size that title or description state and no typed fact does; of what is eaten, none."""
    title = product["title"]
    if bank in CONSUMED or not speaks_like(product, load_locale("en")):
        return []
    typed = {fact["name"].strip().lower() for fact in product.get("facts") or []}
    facts = [fact for fact in stated_facts(product) if fact["name"] not in typed]
    found = [
        replace(said, source_field="title", source_value=title)
        for said in spec_statements(facts, locale, bank, product["sku"])
    ]
    if "colour" not in typed | {said.spec for said in found} and (
        coloured := described_colour(product.get("description") or "")
    ):
        value, piece = coloured
        fact = {"name": "colour", "value": value, "unit": ""}
        found += [
            replace(said, source_field="description", source_value=piece)
            for said in spec_statements([fact], locale, bank, product["sku"])
        ]
    return found


def speaks_like(product: Mapping[str, Any], locale: Locale) -> bool:
    """Whether the feed's own words are in the language of the copy; a feed that does not say so is English."""
    return bool((product.get("language") or "en").split("-")[0] == locale.language)


def statements(product: Mapping[str, Any], locale: Locale, bank: str) -> list[Statement]:
    """Everything that the copy may say of this product, without repetitions, in the record's order."""
    found = spec_statements(list(product.get("facts") or []), locale, bank, product["sku"])
    description = product.get("description") or ""
    if speaks_like(product, locale) and locale.reads_feed:
        phrases = noun_phrases(description, [product.get("brand") or "", product["title"]])
        if len(found) + len(phrases) < _ENOUGH:
            phrases += [
                text
                for text in whole_statements(description)
                if text not in " ".join(phrases) and not says_the_names(text, [product["title"]])
            ]
        found += [Statement(_sentence_case(phrase), "description", phrase, phrase) for phrase in phrases]
    else:
        found += feature_statements(product, locale)
    said = " ".join(statement.meaning for statement in found).lower()
    found += [
        stated
        for stated in title_statements(product, locale, bank)
        if stated.meaning.split()[-1].lower() not in said
    ]
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
