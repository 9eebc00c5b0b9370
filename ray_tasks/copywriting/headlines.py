"""The headline of one persona's picture, from several families of phrases, so that a catalog does not sound stamped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray_tasks.copywriting.choice import draw, shuffled
from ray_tasks.copywriting.claims import CONSUMED, Statement, speaks_like
from ray_tasks.copywriting.items import Item, Noun, noun_of
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


@dataclass(frozen=True)
class _Name:
    """What a headline calls the thing: with its article or measure word, bare, and what that rests on."""

    with_article: str
    bare: str
    sources: tuple[tuple[str, str], ...]
    used: Statement | None = None
    is_proper: bool = False
    """A name without an article stands at the beginning or behind a colon, not within a phrase."""


def _names(
    product: Mapping[str, Any],
    item: Item | None,
    kind: Kind,
    locale: Locale,
    telling: Sequence[Statement],
    seed: Sequence[str],
) -> list[_Name]:
    """Ways to call the thing: "a mug", "a stoneware mug", and its title where that is in the copy's language."""
    noun, plain, qualified = noun_of(item, locale), [], []
    if noun is not None and item is not None:
        source = (item.source_field, product[item.source_field])
        plain.append(_Name(noun.with_article, noun.bare, (source,)))
        for fact in telling if kind.bank not in CONSUMED else ():
            form = locale.qualified.get(fact.source_field.removeprefix("facts.").lower())
            # "A storage glass of glass" says it twice.
            known = any(word in noun.bare.lower() for word in fact.value.lower().split())
            if form is None or known or not fact.source_field.startswith("facts."):
                continue
            # "A merino and acrylic beanie" is a list, not a name.
            if " and " in fact.source_value:
                continue
            made, joined = locale.made.get(fact.value, fact.value), fact.value.replace("\u00a0", "-")
            bare = form[0].format(value=fact.value, made=made, joined=joined, noun=noun.bare)
            called = locale.with_article(noun.article, bare)
            facts = (source, (fact.source_field, fact.source_value))
            qualified.append(_Name(called, bare, facts, fact))
    title = short_name(product["title"]) if speaks_like(product, locale) else None
    if title is not None:
        plain.append(_titled(title, noun, locale, product["title"]))
    plain = shuffled(plain, *seed, "name")
    # Two in three say a fact.
    return [*plain, *qualified] if draw(*seed, "plain") % 3 == 0 else [*qualified, *plain]


def _titled(title: str, noun: Noun | None, locale: Locale, source: str) -> _Name:
    """A title as a name ("Wanderer Hiking Boots"), or as the noun it describes ("a two-tone mug")."""
    first, *others = title.split()
    spoken = f"{first.lower()} {' '.join(others)}"
    described = noun is not None and spoken == title.lower() and f" {noun.bare}" in spoken
    if noun is None or not described:
        return _Name(title, title, (("title", source),), is_proper=True)
    return _Name(locale.with_article(noun.article, spoken), spoken, (("title", source),))


def _from_names(
    forms: Sequence[str], names: Sequence[_Name], locale: Locale, seed: Sequence[str]
) -> Iterator[Headline]:
    """Each way to call the thing in each of the phrases, the most telling way first."""
    for name in names:
        thing = name.bare.lower().split()[-1].rstrip("s")
        for form in shuffled(forms, *seed, "noun"):
            if name.is_proper and not re.search(r"^\{|: \{", form):
                continue
            # "The table for a table lamp": the thing must not stand in its own phrase.
            if thing not in form.lower():
                text = form.format(a=name.with_article, noun=name.bare)
                yield Headline(_sentence_case(locale.spaced(text)), name.sources, name.used)


def _from_place(
    product: Mapping[str, Any], setting: str, kind: Kind, locale: Locale, seed: Sequence[str]
) -> Iterator[Headline]:
    """Phrases of the kind of product in the setting, then those that need no place: for what has no name here."""
    bank = locale.headlines.get(kind.bank, {})
    spoken = [*bank.get(setting, ()), *locale.headlines.get("any", {}).get(setting, ())]
    name = short_name(product["title"]) if speaks_like(product, locale) else None
    for form in [*shuffled(spoken, *seed, "place"), *shuffled(bank.get("neutral", ()), *seed, "neutral")]:
        if "{name}" not in form:
            yield Headline(form)
        elif name is not None:
            yield Headline(form.format(name=name), (("title", product["title"]),))


def _from_fact(
    leading: Sequence[Statement], names: Sequence[_Name], locale: Locale, seed: Sequence[str]
) -> Iterator[Headline]:
    """Phrases around a specification that matters to the persona."""
    plain = [name for name in names if name.used is None]
    for best in leading:
        field = best.source_field.removeprefix("facts.").lower()
        if best.source_field == field or not _is_worth_a_headline(field, best.source_value):
            continue
        source = (best.source_field, best.source_value)
        for form in shuffled(locale.fact_headlines.get(field, ()), *seed, "fact headline"):
            if "{a}" not in form and "{noun}" not in form:
                yield Headline(_sentence_case(locale.spaced(form.format(value=best.value))), (source,), best)
            for name in plain:
                text = form.format(value=best.value, a=name.with_article, noun=name.bare)
                yield Headline(_sentence_case(locale.spaced(text)), (source, *name.sources), best)


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
    ranked: Sequence[Statement],
    said: Collection[str],
    channels: Collection[str],
    seed: Sequence[str],
) -> Headline:
    """The first phrase that fits, may be said, and that no other persona of the product has.

    It names the thing or one of its facts: a mood alone sells nothing. `ranked`: what may be claimed and heads no other
    picture of the product, by worth. Which family speaks first follows from the content; coffee without sugar says so.
    """
    names = _names(product, item, kind, locale, ranked, seed)
    own = locale.nouns_of.get(f"{kind.bank}.{setting}")
    if own is None and GUIDES[setting].neutral:
        own = locale.nouns_of.get(kind.bank)
    families = {
        "noun": _from_names(own or locale.nouns[setting], names, locale, seed),
        "fact": _from_fact(ranked[:2], names, locale, seed),
        "angle": _from_names(locale.angles.get(angle, ()), names, locale, seed),
        "place": _from_place(product, setting, kind, locale, seed),
    }
    # What is eaten has an origin that is a fact, and no material to look at.
    has_angle = angle in locale.angles and not (angle == "origin" and kind.bank in CONSUMED)
    order = ["noun"] * 5 + ["fact"] * 3 + ["angle"] * 3 * has_angle
    first = order[draw(*seed, "family") % len(order)]
    if kind.name == "coffee" and ranked and ranked[0].source_value.startswith("0 "):
        first = "fact"
    for family in dict.fromkeys([first, "noun", "place"]):
        for option in families[family]:
            fits = text_columns(option.text) <= HEADLINE_MAX_CHARS
            if fits and option.text not in said and may_be_said(option.text, locale, channels):
                return option
    # More personas than phrases: the product's name carries the headline.
    text = (short_name(product["title"]) or product["title"])[:HEADLINE_MAX_CHARS].strip()
    return Headline(text, (("title", product["title"]),))
