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
from ray_tasks.copywriting.items import Item, noun_of
from ray_tasks.copywriting.kinds import Kind
from ray_tasks.copywriting.locales import Locale
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.titles import described, model_name, short_name
from ray_tasks.copywriting.uses import Use
from ray_tasks.copywriting.validation import may_be_said
from schemas.instruction import HEADLINE_MAX_CHARS, text_columns

_AWAKE_MG = 60
"""Caffeine of a small cup of coffee."""


@dataclass(frozen=True)
class Headline:
    """A headline, the fields of the record that it rests on (field, value), and the statement that it used up."""

    text: str
    sources: tuple[tuple[str, str], ...] = ()
    used: Statement | None = None
    frame: str = ""
    """The phrase around the name or fact."""


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
) -> tuple[list[_Name], list[_Name]]:
    """Ways to call the thing ("a mug", "a stoneware mug", its title in the copy's language): first and other ones."""
    noun, plain, qualified, branded = noun_of(item, locale), [], [], []
    title = ("title", product["title"])
    if noun is not None and item is not None:
        source = (item.source_field, product[item.source_field])
        plain.append(_Name(noun.with_article, noun.bare, (source,)))
        if speaks_like(product, locale) and (words := described(product, item, noun)):
            qualified.append(_Name(locale.with_article(noun.article, words), words, (title,)))
        brand = product.get("brand")
        if brand and kind.bank not in CONSUMED and brand.lower() not in noun.bare.lower():
            bare = locale.elided(locale.qualified["brand"][0].format(value=brand, noun=noun.bare))
            branded.append(_Name(locale.with_article(noun.article, bare), bare, (source, ("brand", brand))))
        if "model" in locale.qualified and (model := model_name(product, item)) is not None:
            bare = locale.qualified["model"][0].format(value=model, noun=noun.bare)
            branded = shuffled(
                [*branded, _Name(locale.with_article(noun.article, bare), bare, (source, title))],
                *seed,
                "model",
            )
        for fact in telling if kind.bank not in CONSUMED else ():
            form = locale.qualified.get(
                fact.spec, locale.qualified.get(f"{fact.spec} {noun.article.strip()}")
            )
            # "A storage glass of glass" says it twice.
            words_of_it = () if re.search(r"\d", fact.value) else fact.value.lower().split()
            known = any(word in noun.bare.lower() for word in words_of_it)
            if form is None or known:
                continue
            # "A merino and acrylic beanie" is a list, not a name; a description's features are those of a part.
            if " and " in fact.source_value or (fact.source_field == "description" and not fact.value):
                continue
            made, joined = locale.made.get(fact.value, fact.value), fact.value.replace("\u00a0", "-")
            agreed = locale.feminine.get(fact.value, fact.value)
            bare = form[0].format(value=fact.value, made=made, agreed=agreed, joined=joined, noun=noun.bare)
            called = locale.with_article(noun.article, bare)
            facts = (source, (fact.source_field, fact.source_value))
            qualified.append(_Name(called, bare, facts, fact))
    name = short_name(product["title"])
    if name and speaks_like(product, locale) and (noun is None or (product.get("brand") and name.istitle())):
        plain.append(_Name(name, name, (title,), is_proper=True))
    plain = shuffled(plain, *seed, "name")
    qualified = [*branded, *qualified] if draw(*seed, "brand name") % 2 else [*qualified, *branded]
    # "Semi-transparent deck stain" is too long for many phrases.
    wider = noun_of(Item(item.base, item.source_field), locale) if item is not None else None
    if item is not None and wider is not None and wider != noun:
        source = (item.source_field, product[item.source_field])
        plain.append(_Name(wider.with_article, wider.bare, (source,)))
    # Three in four say a fact; of what has a finer noun that is one.
    says_more = qualified and draw(*seed, "plain") % 4
    return (qualified, plain) if says_more else (plain[:1], [*qualified, *plain[1:]])


def _around_name(form: str, names: Sequence[_Name], locale: Locale, frame: str = "") -> Iterator[Headline]:
    """A phrase with each way to call the thing, the most telling way first."""
    for name in names:
        if name.is_proper and not re.search(r"^\{|: \{", form):
            continue
        # "The table for a table lamp": the thing must not stand in its own phrase.
        if not name.stands_in(form, locale):
            text = form.format(a=name.with_article, noun=name.bare)
            yield Headline(_sentence_case(locale.spaced(text)), name.sources, name.used, frame or form)


def _around_mood(
    mood: str, form: str, field: _Name | None, names: Sequence[_Name], locale: Locale
) -> Iterator[Headline]:
    """A mood and the thing ("Where the tarmac ends: hiking shoes"), or the mood alone where it says `field` itself."""
    if field is not None and locale.shows(re.escape(field.bare)).search(mood):
        yield Headline(mood, field.sources, frame=mood)
        return
    # What has a colon takes no second one; what asks or calls out ends itself.
    if any(mark in mood and mark in form for mark in ":：，"):
        return
    ended = re.sub(r"([.?!？！؟])\s*[:：,，.。]", r"\1", form.replace("{mood}", mood))
    yield from _around_name(ended, names, locale, mood)


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
    name, amount = fact.spec, re.match(r"\d+", fact.source_value)
    if name == "sugar":
        return fact.source_value.startswith("0 ")
    return name != "caffeine" or (amount is not None and int(amount.group()) >= _AWAKE_MG)


_ANNOUNCES = re.compile(r"(.+?)\s?[:：] ?\{(?:a|noun)\}")
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
    use: Use,
    locale: Locale,
    ranked: Sequence[Statement],
    said: Collection[str],
    frames_said: Collection[str],
    channels: Collection[str],
    seed: Seed,
) -> Headline:
    """The first phrase that fits, may be said, and that no other persona of the product has.

    It names the thing or one of its facts: a mood alone sells nothing. `ranked`: what may be claimed and heads no other
    picture of the product, by worth. A shape of headline that two more of its personas have than another shape comes
    last. Which phrase speaks first follows from the content; coffee without sugar says so.
    """
    first_names, other_names = _names(product, item, kind, locale, ranked, seed)
    word = noun_of(Item(kind.bank, "category"), locale)
    field = _Name(word.bare, word.bare, (("category", product["category"]),)) if word is not None else None
    # "The kettle is on: a mug" and "A mug. The kettle is on." are the same words in two shapes.
    announced = [(form, _ANNOUNCES.fullmatch(form)) for form in locale.uses[use.name]]
    moods = [match.group(1) for _, match in announced if match]
    bank = locale.headlines[kind.bank] if use.moods else {"neutral": ()}
    # What is eaten has an origin that is a fact, and no material to look at.
    angled = () if angle == "origin" and kind.bank in CONSUMED else locale.angles.get(angle, ())
    own, of_use = [form for form, match in announced if match is None], [*moods, *bank["neutral"]]
    placed = setting in use.places or bool(GUIDES[setting].occasion)
    about = [*(locale.nouns[setting] if placed else ()), *angled]
    used = [_shape(text) for text in said]
    fewest = min(used.count(shape) for shape in _SHAPES)

    def in_order(some: Sequence[tuple[str, Iterator[Headline]]]) -> list[Iterator[Headline]]:
        rare = [options for shape, options in some if used.count(shape) <= fewest + 1]
        rest = [options for shape, options in some if used.count(shape) > fewest + 1]
        return in_turn(rare, seed, "frame") + in_turn(rest, seed, "frame")

    def phrases(names: Sequence[_Name]) -> Iterator[Headline]:
        def framed(forms: Sequence[str], moods: Sequence[str]) -> list[tuple[str, Iterator[Headline]]]:
            return [(_shape(form), _around_name(form, names, locale)) for form in dict.fromkeys(forms)] + [
                (_shape(form), _around_mood(mood, form, field, names, locale))
                for mood in moods
                for form in locale.joined
            ]

        facts = [
            (_shape(form), _around_fact(fact, form, names, locale))
            for fact in ranked[:2]
            for form in locale.fact_headlines.get(fact.spec, ())
            if fact.source_field.startswith("facts.") and _is_worth_a_headline(fact)
        ]
        # The persona's place speaks where it suits the thing, and alone where it has moods for that kind of thing.
        if placed and setting in bank:
            near, far = framed(about, bank[setting]), framed(own, of_use)
        else:
            near, far = framed([*about, *own], of_use), []
        if kind.name == "coffee" and ranked and ranked[0].source_value.startswith("0 "):
            ordered = in_order(facts) + in_order(near) + in_order(far)
        else:
            ordered = in_order(facts + near) + in_order(far)
        return chain(*ordered)

    def fits(option: Headline) -> bool:
        # JSON Schema counts marks that take no column.
        short = max(len(option.text), text_columns(option.text)) <= HEADLINE_MAX_CHARS
        fresh = option.text not in said and not (option.frame and option.frame in frames_said)
        return short and fresh and may_be_said(option.text, locale, channels)

    # A phrase that has room for the telling name comes before one that has not.
    for names in (first_names, [*first_names, *other_names]):
        if (first := next(filter(fits, phrases(names)), None)) is not None:
            return first
    # What has no name in this language is shown with the words that would announce it.
    for mood in in_turn(moods, seed, "mood"):
        if fits(Headline(mood, frame=mood)):
            return Headline(mood, frame=mood)
    # More personas than phrases: the product's name carries the headline.
    text = (short_name(product["title"]) or product["title"])[:HEADLINE_MAX_CHARS].strip()
    return Headline(text, (("title", product["title"]),))
