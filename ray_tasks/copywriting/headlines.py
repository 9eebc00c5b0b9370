"""The headline of one persona's picture, from several families of phrases, so that a catalog does not sound stamped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ray_tasks.copywriting.choice import Seed, draw, in_turn, shuffled
from ray_tasks.copywriting.claims import CONSUMED, Statement, speaks_like
from ray_tasks.copywriting.echoes import echoes, says
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


_TITLE_ENDS = re.compile(r",| \(| - | (?:with|in|for|from) ")
_NO_NAME = re.compile(r"\d|\b[A-Z]{4,}\b|\w- | -\w")


def short_name(title: str) -> str | None:
    """The title up to its first comma or preposition, when it is short and reads as a name.

    Numbers, shouting ("GOOD MORNING") and stray hyphens ("T- Shirt") belong in a list, not in a sentence.
    """
    name = _TITLE_ENDS.split(title, maxsplit=1)[0].strip()
    return name if 0 < len(name) <= _NAME_MAX_CHARS and not _NO_NAME.search(name) else None


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

    def stands_in(self, phrase: str, locale: Locale) -> bool:
        """Whether a phrase has the thing's own word in it, or another of its words."""
        own = self.bare.lower().split()[-1].rstrip("s")
        return own in phrase.lower() or echoes(self.bare, phrase, locale)


def _names(
    product: Mapping[str, Any],
    item: Item | None,
    kind: Kind,
    locale: Locale,
    telling: Sequence[Statement],
    seed: Seed,
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
    if title is not None and (titled := _titled(title, noun, locale, product["title"])) is not None:
        plain.append(titled)
    plain = shuffled(plain, *seed, "name")
    # Two in three say a fact.
    return [*plain, *qualified] if draw(*seed, "plain") % 3 == 0 else [*qualified, *plain]


def _titled(title: str, noun: Noun | None, locale: Locale, source: str) -> _Name | None:
    """A title as a name ("Wanderer Hiking Boots"), or as the noun it describes ("a two-tone mug").

    None where a title in small letters ("Court sneaker") says no more than the noun, or not quite the noun.
    """
    first, *others = title.split()
    spoken = f"{first.lower()} {' '.join(others)}".strip()
    if noun is None or spoken != title.lower():
        return _Name(title, title, (("title", source),), is_proper=True)
    if not spoken.endswith(f" {noun.bare}"):
        return None
    return _Name(locale.with_article(noun.article, spoken), spoken, (("title", source),))


def _around_name(form: str, names: Sequence[_Name], locale: Locale) -> Iterator[Headline]:
    """A phrase with each way to call the thing, the most telling way first."""
    for name in names:
        if name.is_proper and not re.search(r"^\{|: \{", form):
            continue
        # "The table for a table lamp": the thing must not stand in its own phrase.
        if not name.stands_in(form, locale):
            text = form.format(a=name.with_article, noun=name.bare)
            yield Headline(_sentence_case(locale.spaced(text)), name.sources, name.used)


def _around_mood(
    mood: str, form: str, field: _Name | None, names: Sequence[_Name], locale: Locale
) -> Iterator[Headline]:
    """A mood and the thing ("Where the tarmac ends: hiking shoes"), or the mood alone where it says `field` itself."""
    if field is not None and locale.shows(re.escape(field.bare)).search(mood):
        yield Headline(mood, field.sources)
        return
    # What has a colon takes no second one; what asks or calls out ends itself.
    if any(mark in mood and mark in form for mark in ":：，"):
        return
    ended = re.sub(r"([.?!？！])\s*[:：,，.。]", r"\1", form.replace("{mood}", mood))
    yield from _around_name(ended, names, locale)


def _around_fact(fact: Statement, form: str, names: Sequence[_Name], locale: Locale) -> Iterator[Headline]:
    """A phrase around a specification that matters to the persona."""
    source = (fact.source_field, fact.source_value)
    if "{a}" not in form and "{noun}" not in form:
        yield Headline(_sentence_case(locale.spaced(form.format(value=fact.value))), (source,), fact)
    for name in names:
        # "A ridge tent for two for 2".
        if name.used is None and not (fact.value and says(name.bare, fact.value, locale)):
            text = form.format(value=fact.value, a=name.with_article, noun=name.bare)
            yield Headline(_sentence_case(locale.spaced(text)), (source, *name.sources), fact)


def _is_worth_a_headline(fact: Statement) -> bool:
    """Sugar only where there is none, caffeine only where there is enough to be awake from."""
    name, amount = fact.source_field.removeprefix("facts.").lower(), re.match(r"\d+", fact.source_value)
    if name == "sugar":
        return fact.source_value.startswith("0 ")
    return name != "caffeine" or (amount is not None and int(amount.group()) >= _AWAKE_MG)


_SHAPES = ("announced", "parted", "phrase")


def _shape(text: str) -> str:
    """How a headline is built: with a colon, of two sentences (in Chinese, of parts), or as one phrase."""
    if re.search("[:：]", text):
        return "announced"
    return "parted" if re.search(r"[.?!] \S|[，。？！].", text) else "phrase"


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
    seed: Seed,
) -> Headline:
    """The first phrase that fits, may be said, and that no other persona of the product has.

    It names the thing or one of its facts: a mood alone sells nothing. `ranked`: what may be claimed and heads no other
    picture of the product, by worth. A shape of headline that two more of its personas have than another shape comes
    last. Which phrase speaks first follows from the content; coffee without sugar says so.
    """
    names = _names(product, item, kind, locale, ranked, seed)
    own = locale.nouns_of.get(f"{kind.bank}.{setting}")
    if own is None and GUIDES[setting].neutral:
        own = locale.nouns_of.get(kind.bank)
    word = noun_of(Item(kind.bank, "category"), locale)
    field = _Name(word.bare, word.bare, (("category", product["category"]),)) if word is not None else None
    forms = list(own or locale.nouns[setting])
    # What is eaten has an origin that is a fact, and no material to look at.
    if not (angle == "origin" and kind.bank in CONSUMED):
        forms += locale.angles.get(angle, ())
    moods = locale.moods(kind.bank, setting)
    facts = [
        (_shape(form), _around_fact(fact, form, names, locale))
        for fact in ranked[:2]
        for form in locale.fact_headlines.get(fact.source_field.removeprefix("facts.").lower(), ())
        if fact.source_field.startswith("facts.") and _is_worth_a_headline(fact)
    ]
    frames = [(_shape(form), _around_name(form, names, locale)) for form in forms]
    frames += [
        (_shape(form), _around_mood(mood, form, field, names, locale))
        for mood in moods
        for form in locale.joined
    ]
    used = [_shape(text) for text in said]
    fewest = min(used.count(shape) for shape in _SHAPES)

    def in_order(some: Sequence[tuple[str, Iterator[Headline]]]) -> list[Iterator[Headline]]:
        rare = [options for shape, options in some if used.count(shape) <= fewest + 1]
        rest = [options for shape, options in some if used.count(shape) > fewest + 1]
        return in_turn(rare, seed, "frame") + in_turn(rest, seed, "frame")

    if kind.name == "coffee" and ranked and ranked[0].source_value.startswith("0 "):
        ordered = in_order(facts) + in_order(frames)
    else:
        ordered = in_order([*facts, *frames])

    def fits(option: Headline) -> bool:
        short = text_columns(option.text) <= HEADLINE_MAX_CHARS
        return short and option.text not in said and may_be_said(option.text, locale, channels)

    if (first := next(filter(fits, chain(*ordered)), None)) is not None:
        return first
    # What has no name in this language is shown with a mood alone.
    for mood in in_turn(moods, seed, "mood"):
        if fits(Headline(mood)):
            return Headline(mood)
    # More personas than phrases: the product's name carries the headline.
    text = (short_name(product["title"]) or product["title"])[:HEADLINE_MAX_CHARS].strip()
    return Headline(text, (("title", product["title"]),))
