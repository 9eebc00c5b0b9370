"""The headline of one persona's picture, from several families of phrases, so that a catalog does not sound stamped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ray_tasks.copywriting.choice import Seed, draw, in_turn, rotated, shuffled
from ray_tasks.copywriting.claims import CONSUMED, Statement, speaks_like
from ray_tasks.copywriting.echoes import echoes, says
from ray_tasks.copywriting.evidence import numbers_in
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
    """A headline, the fields of the record that it rests on (field, value), and the statements that it used up."""

    text: str
    sources: tuple[tuple[str, str], ...] = ()
    used: tuple[Statement, ...] = ()
    frame: str = ""
    """The phrase around the name or fact."""
    shape: str = ""
    """One of SHAPES; none where only the product's name was left."""
    name: str = ""
    """What it calls the thing, without an article."""


@dataclass
class Said:
    """What the product's personas before this one have said, so that no two read alike."""

    headlines: set[str] = field(default_factory=set)
    frames: set[str] = field(default_factory=set)
    shapes: list[str] = field(default_factory=list)
    statements: dict[tuple[str, str, str], int] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)

    def add(self, head: Headline, stated: Sequence[Statement]) -> None:
        """Remembers a headline and what was stated below it."""
        self.headlines.add(head.text)
        self.frames.add(head.frame)
        self.shapes.append(head.shape)
        self.names[head.name] += 1
        for statement in [*stated, *head.used]:
            self.statements[statement.key] = self.statements.get(statement.key, 0) + 1


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
    is_wider: bool = False
    """The noun of which the thing's own is a finer kind, for where that is too long."""

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
            named = _Name(locale.before_model(noun.article, bare), bare, (source, title))
            branded = shuffled([*branded, named], *seed, "model")
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
            bare = locale.elided(bare)
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
        plain.append(_Name(wider.with_article, wider.bare, (source,), is_wider=True))
    # Three in four say a fact; of what has a finer noun that is one.
    says_more = qualified and draw(*seed, "plain") % 4
    return (qualified, plain) if says_more else (plain[:1], [*qualified, *plain[1:]])


def _least_said(
    first: Sequence[_Name], others: Sequence[_Name], said: Said
) -> tuple[list[_Name], list[_Name]]:
    """First and other names again, first now only those that the fewest personas of the product have had.

    "A Kiln Street mug" on each picture of it is what makes them read alike.
    """
    names = [*first, *others]
    least = min((said.names[name.bare] for name in names if not name.is_wider), default=0)
    fresh = [name for name in first if said.names[name.bare] == least]
    fresh = fresh or [name for name in others if said.names[name.bare] == least and not name.is_wider]
    return fresh, [name for name in names if name not in fresh]


def _around_name(form: str, names: Sequence[_Name], locale: Locale, frame: str = "") -> Iterator[Headline]:
    """A phrase with each way to call the thing, the most telling way first."""
    for name in names:
        if name.is_proper and not re.search(r"^\{|: \{", form):
            continue
        # "The table for a table lamp": the thing must not stand in its own phrase.
        if not name.stands_in(form, locale):
            text = form.format(a=name.with_article, noun=name.bare)
            used = (name.used,) if name.used else ()
            yield Headline(
                _sentence_case(locale.spaced(text)),
                name.sources,
                used,
                frame or form,
                _shape(form),
                name.bare,
            )


def _around_mood(mood: str, form: str, names: Sequence[_Name], locale: Locale) -> Iterator[Headline]:
    """A mood and the thing: "Where the tarmac ends: hiking shoes"."""
    # What has a colon takes no second one; what asks or calls out ends itself.
    if any(mark in mood and mark in form for mark in ":：，"):
        return
    ended = re.sub(r"([.?!？！؟])\s*[:：,，.。]", r"\1", form.replace("{mood}", mood))
    yield from _around_name(ended, names, locale, mood)


def _around_fact(fact: Statement, form: str, names: Sequence[_Name], locale: Locale) -> Iterator[Headline]:
    """A phrase around a specification that matters to the persona."""
    source = (fact.source_field, fact.source_value)
    if "{a}" not in form and "{noun}" not in form:
        text = form.format(value=fact.value)
        yield Headline(_sentence_case(locale.spaced(text)), (source,), (fact,), shape=_shape(form))
    for name in names:
        # "A ridge tent for two for 2".
        if name.used is None and not (fact.value and says(name.bare, fact.value, locale)):
            text = form.format(value=fact.value, a=name.with_article, noun=name.bare)
            yield Headline(
                _sentence_case(locale.spaced(text)),
                (source, *name.sources),
                (fact,),
                shape=_shape(form),
                name=name.bare,
            )


def _told(
    shape: str, fact: Statement, form: str, names: Sequence[_Name], locale: Locale
) -> Iterator[Headline]:
    """The thing and one fact, in two sentences or as on a label: "A mug. Dishwasher safe.", "Stoneware mug, 350 ml"."""
    # "A board. Length: 38 cm." is a data sheet.
    on_label = locale.on_label.get(fact.spec, "{value}").format(
        value=fact.value, made=locale.made.get(fact.value, fact.value)
    )
    ways = (on_label,) if shape == "label" else (fact.text, *fact.others)
    said = next((way for way in ways if not re.search("[:：]", way)), None)
    if said is None:
        return
    for name in names:
        own = name.used
        is_measured = numbers_in(said) and numbers_in(said) <= numbers_in(name.bare)
        if (
            own is fact
            or is_measured
            or says(name.bare, fact.value or fact.text, locale)
            or echoes(name.bare, said, locale)
        ):
            continue
        text = form.format(a=name.with_article, noun=name.bare, fact=said)
        sources = tuple(dict.fromkeys([*name.sources, (fact.source_field, fact.source_value)]))
        used = (own, fact) if own else (fact,)
        yield Headline(_sentence_case(locale.spaced(text)), sources, used, shape=shape, name=name.bare)


def _is_worth_a_headline(fact: Statement) -> bool:
    """Sugar only where there is none, caffeine only where there is enough to be awake from."""
    name, amount = fact.spec, re.match(r"\d+", fact.source_value)
    if name == "sugar":
        return fact.source_value.startswith("0 ")
    return name != "caffeine" or (amount is not None and int(amount.group()) >= _AWAKE_MG)


_ON_A_LABEL = {
    *("material", "colour", "color", "capacity", "volume", "size", "length", "height", "diameter"),
    *("power", "voltage", "wood", "fabric", "content"),
}
"""Specifications whose bare value says what it is of."""
_ONLY_ON_A_LABEL = {
    *("material", "colour", "color", "wood", "fabric", "weight"),
    *("size", "length", "height", "width", "depth", "diameter", "thickness"),
}
"""What tells one thing from another and is no news of it: "A board. Acacia.", "45 x 45 cm: a cushion"."""


def _can_be_told(shape: str, fact: Statement, kind: Kind, locale: Locale) -> bool:
    """Whether a fact speaks for itself in this shape."""
    if fact.source_field == "rating" or not _is_worth_a_headline(fact):
        return False
    consumed = kind.bank in CONSUMED
    if shape == "label":
        is_weight_of_pack = consumed and fact.spec in ("weight", "net weight")
        return (fact.spec in _ON_A_LABEL or is_weight_of_pack) and re.search(
            r"[^\W\d]", fact.value
        ) is not None
    if fact.spec in _ONLY_ON_A_LABEL or (fact.source_field == "title" and fact.spec in locale.qualified):
        return False
    # "Court sneakers. Wears in, not out."
    if fact.source_field == "description" and re.match(r"\w+[a-rt-z]s\b", fact.text):
        return False
    # Behind a colon a purpose leads over to the thing ("For serving cheese: a board"); a part of it does not.
    return shape != "fact" or fact.source_field != "description" or fact.text.startswith("For ")


_ANNOUNCES = re.compile(r"(.+?)\s?[:：] ?\{(?:a|noun)\}")
SHAPES = ("phrase", "announced", "told", "label", "alone", "parted", "fact")
"""How a headline is built: one phrase around the thing; a mood, a colon and the thing; the thing and a fact, in two
sentences or as on a label; a mood that says the thing itself; the thing and a mood; a fact, a colon and the thing."""


_Ways = list[tuple[str, Iterator[Headline]]]
"""The ways to say one phrase or fact, each with its shape."""


def _shape(form: str) -> str:
    """The shape of a phrase around a name or fact."""
    if re.search("[:：]", form):
        return "announced"
    return "parted" if re.search(r"[.?!] \S|[，。？！].", form) else "phrase"


def headline(
    product: Mapping[str, Any],
    angle: str,
    setting: str,
    kind: Kind,
    item: Item | None,
    use: Use,
    locale: Locale,
    ranked: Sequence[Statement],
    said: Said,
    channels: Collection[str],
    seed: Seed,
) -> Headline:
    """The first phrase that fits, may be said, and that no other persona of the product has.

    It names the thing or one of its facts: a mood alone sells nothing. `ranked`: what may be claimed and heads no other
    picture of the product, by worth. On one article in four a fact speaks first, and a shape that another persona has
    comes last; then which phrase speaks first follows from the content. Coffee without sugar says so.
    """
    first_names, other_names = _least_said(*_names(product, item, kind, locale, ranked, seed), said)
    word = noun_of(Item(kind.bank, "category"), locale)
    # "The kettle is on: a mug" and "A mug. The kettle is on." are the same words in two shapes.
    announced = [(form, _ANNOUNCES.fullmatch(form)) for form in locale.uses[use.name]]
    moods = [match.group(1) for _, match in announced if match]
    bank = locale.headlines[kind.bank] if use.moods else {"neutral": ()}
    # What is eaten has an origin that is a fact, and no material to look at.
    is_foreign = angle == "origin" and kind.bank in CONSUMED
    angled = () if is_foreign else locale.angles.get(angle, ())
    own, of_use = [form for form, match in announced if match is None], [*moods, *bank["neutral"]]
    placed = setting in use.places or bool(GUIDES[setting].occasion)
    about = [*(locale.nouns[setting] if placed else ()), *angled]
    # One that would be the only thing to say below the headline stays there.
    facts = ranked[:4] if len(ranked) > 1 else ()

    def phrases(names: Sequence[_Name]) -> Iterator[Headline]:
        def framed(forms: Sequence[str], moods: Sequence[str]) -> Iterator[_Ways]:
            for form in dict.fromkeys(forms):
                yield [(_shape(form), _around_name(form, names, locale))]
            for mood in dict.fromkeys(moods):
                if word is not None and locale.shows(re.escape(word.bare)).search(mood):
                    source = ("category", product["category"])
                    yield [("alone", iter([Headline(mood, (source,), frame=mood, shape="alone")]))]
                    continue
                ways: _Ways = [("announced", _around_mood(mood, locale.joined[0], names, locale))]
                if not re.search(locale.leads_over, mood, re.IGNORECASE):
                    ways.append(("parted", _around_mood(mood, locale.joined[1], names, locale)))
                yield rotated(ways, seed, "way")

        around_facts: list[_Ways] = [
            [(_shape(form), _around_fact(fact, form, names, locale))]
            for fact in ranked[:2]
            for form in locale.fact_headlines.get(fact.spec, ())
            if fact.source_field.startswith("facts.") and _is_worth_a_headline(fact)
        ]
        told: list[_Ways] = [
            [(shape, _told(shape, fact, form, names, locale))]
            for shape, forms in locale.told.items()
            for fact in facts
            for form in forms
            if _can_be_told(shape, fact, kind, locale)
        ]
        # The persona's place speaks where it suits the thing, and alone where it has moods for that kind of thing.
        if placed and setting in bank:
            near, far = [*framed(about, bank[setting])], [*framed(own, of_use)]
        else:
            near, far = [*framed([*about, *own], of_use)], []
        if kind.name == "coffee" and ranked and ranked[0].source_value.startswith("0 "):
            for ways in in_turn(around_facts, seed, "frame"):
                yield from ways[0][1]
        factual = [*around_facts, *told]
        groups = rotated(([factual, near], *3 * ([near, factual],)), seed, "turn")[0]
        groups.append(far)
        # All ways of a phrase stand together: it is the phrase that must not come back in the next products.
        turns = [[way for ways in in_turn(group, seed, "frame") for way in ways] for group in groups]
        known = {name for group in turns for name, _ in group}
        # Two of three personas may share a shape, no more.
        most = min(map(said.shapes.count, known), default=0) + 1
        for is_rare in (True, False):
            for group in turns:
                for name, options in group:
                    if (said.shapes.count(name) <= most) == is_rare:
                        yield from options

    def fits(option: Headline) -> bool:
        # JSON Schema counts marks that take no column.
        short = max(len(option.text), text_columns(option.text)) <= HEADLINE_MAX_CHARS
        fresh = option.text not in said.headlines and not (option.frame and option.frame in said.frames)
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
