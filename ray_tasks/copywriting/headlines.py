"""The headline of one persona's picture, from several families of phrases, so that a catalog does not sound stamped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray_tasks.copywriting.choice import draw, shuffled
from ray_tasks.copywriting.claims import Statement, speaks_like
from ray_tasks.copywriting.items import Item, noun_of
from ray_tasks.copywriting.kinds import Kind
from ray_tasks.copywriting.locales import Locale
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.validation import may_be_said
from schemas.instruction import HEADLINE_MAX_CHARS, text_columns

_NAME_MAX_CHARS = 26
_AWAKE_MG = 60
"""Caffeine of a small cup of coffee."""


@dataclass(frozen=True)
class Headline:
    """A headline, the fields of the record that it rests on (field, value), and the statement that it used up."""

    text: str
    sources: tuple[tuple[str, str], ...] = ()
    used: Statement | None = None


def short_name(title: str) -> str | None:
    """The title up to its first comma, when it is short enough to stand in a headline and free of numbers."""
    name = title.split(",")[0].split(" (")[0].strip()
    return name if len(name) <= _NAME_MAX_CHARS and not any(char.isdigit() for char in name) else None


def _sentence_case(text: str) -> str:
    return re.sub(r"(?:^|(?<=[.!?] ))\w", lambda match: match.group().upper(), text)


def _from_place(
    product: Mapping[str, Any], setting: str, kind: Kind, locale: Locale, seed: Sequence[str]
) -> Iterator[Headline]:
    """Phrases of the kind of product in the setting, then those that need no place."""
    bank = locale.headlines.get(kind.bank, {})
    spoken = [*bank.get(setting, ()), *locale.headlines.get("any", {}).get(setting, ())]
    places = shuffled(spoken, *seed, "place")
    neutral = shuffled(bank.get("neutral", ()), *seed, "neutral")
    # One in three begins with a phrase that needs no place: the pool of a place alone is small.
    ordered = [*neutral, *places] if draw(*seed, "no place") % 3 == 0 else [*places, *neutral]
    name = short_name(product["title"]) if speaks_like(product, locale) else None
    for form in ordered:
        if "{name}" not in form:
            yield Headline(form)
        elif name is not None:
            yield Headline(form.format(name=name), (("title", product["title"]),))


def _from_noun(
    product: Mapping[str, Any],
    item: Item | None,
    setting: str,
    kind: Kind,
    locale: Locale,
    seed: Sequence[str],
) -> Iterator[Headline]:
    """Phrases around what the thing is called."""
    noun = noun_of(item, locale)
    if noun is None or item is None:
        return
    source = ((item.source_field, product[item.source_field]),)
    own = locale.nouns_of.get(f"{kind.bank}.{setting}")
    if own is None and GUIDES[setting].neutral:
        own = locale.nouns_of.get(kind.bank)
    thing = noun.bare.lower().split()[-1].rstrip("s")
    for form in shuffled(own or locale.nouns[setting], *seed, "noun"):
        # "Towel, book, towels" and "sofa, lamp, table lamp": the thing must not stand in its own list.
        if thing not in form.lower():
            yield Headline(_sentence_case(form.format(a=noun.with_article, noun=noun.bare)), source)


def _from_fact(
    product: Mapping[str, Any],
    item: Item | None,
    leading: Sequence[Statement],
    locale: Locale,
    seed: Sequence[str],
) -> Iterator[Headline]:
    """Phrases around a specification that matters to the persona."""
    noun = noun_of(item, locale)
    for best in leading:
        name = best.source_field.removeprefix("facts.").lower()
        if best.source_field == name or not _is_worth_a_headline(name, best.source_value):
            continue
        for form in shuffled(locale.fact_headlines.get(name, ()), *seed, "fact headline"):
            sources: tuple[tuple[str, str], ...] = ((best.source_field, best.source_value),)
            if "{a}" in form:
                if noun is None or item is None:
                    continue
                sources += ((item.source_field, product[item.source_field]),)
            text = form.format(value=best.value, a=noun.with_article if noun else "")
            yield Headline(_sentence_case(text), sources, best)


def _is_worth_a_headline(name: str, value: str) -> bool:
    """Sugar only where there is none, caffeine only where there is enough to be awake from."""
    amount = re.match(r"\d+", value)
    if name == "sugar":
        return value.split(" ")[0] == "0"
    return name != "caffeine" or (amount is not None and int(amount.group()) >= _AWAKE_MG)


def headline(
    product: Mapping[str, Any],
    angle: str,
    setting: str,
    kind: Kind,
    item: Item | None,
    locale: Locale,
    leading: Sequence[Statement],
    said: Collection[str],
    channels: Collection[str],
    seed: Sequence[str],
) -> Headline:
    """The first phrase that fits, may be said, and that no other persona of the product has; `leading` by worth.

    Which family speaks first follows from the content: nouns and places most often, facts and angles where they have
    something to say. A coffee without sugar says so.
    """
    families = {
        "place": _from_place(product, setting, kind, locale, seed),
        "noun": _from_noun(product, item, setting, kind, locale, seed),
        "fact": _from_fact(product, item, leading, locale, seed),
        "angle": (Headline(text) for text in shuffled(locale.angles.get(angle, ()), *seed, "angle")),
    }
    order = ["noun"] * 4 + ["place"] * 2 + ["fact"] * 2 + ["angle"] * 3 * (angle in locale.angles)
    first = order[draw(*seed, "family") % len(order)]
    if kind.name == "coffee" and leading and leading[0].source_value.startswith("0 "):
        first = "fact"
    for family in dict.fromkeys([first, "noun", "place"]):
        for option in families[family]:
            fits = text_columns(option.text) <= HEADLINE_MAX_CHARS
            if fits and option.text not in said and may_be_said(option.text, locale, channels):
                return option
    # More personas than phrases: the product's name carries the headline.
    text = (short_name(product["title"]) or product["title"])[:HEADLINE_MAX_CHARS].strip()
    return Headline(text, (("title", product["title"]),))
