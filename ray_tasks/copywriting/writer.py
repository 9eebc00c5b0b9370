"""The rule writer: a typed instruction for one persona of a product in one locale, from facts and a phrase grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray_tasks.copywriting import claims
from ray_tasks.copywriting.angles import leads, pull
from ray_tasks.copywriting.choice import Seed, draw, in_turn, pick, shuffled
from ray_tasks.copywriting.claims import Statement
from ray_tasks.copywriting.echoes import echoes, says
from ray_tasks.copywriting.evidence import numbers_in
from ray_tasks.copywriting.headlines import Said, headline
from ray_tasks.copywriting.items import Item, noun_of
from ray_tasks.copywriting.kinds import Kind
from ray_tasks.copywriting.locales import Locale
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.uses import Use
from ray_tasks.copywriting.validation import may_be_said
from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from schemas.instruction import (
    ALT_TEXT_MAX_CHARS,
    SELLING_POINT_MAX_CHARS,
    STICKER_MAX_CHARS,
    SURFACE_OF_SETTING,
    text_columns,
)

_TITLE_IN_ALT_MAX_CHARS = 110
_USED_COST = 0.3
"""What a statement loses for each persona of the product that has said it already, in cosine."""
_LEAD_BONUS = 0.3
"""What a statement gains where the persona's angle argues with its field."""
_STICKER_MIN_WEIGHT = 0.7
"""A badge shouts: plain measures stay off it."""
_CALLS = {
    "coffee": "drink",
    "drink": "drink",
    "food": "food",
    "wear": "wear",
    "shoes": "wear",
    "make": "make",
    "garden": "make",
    "home": "home",
    "cup": "home",
    "kitchen": "home",
    "bag": "go",
    "outdoor": "go",
    "fitness": "go",
    "tech": "tech",
}
_PLAIN_CALLS = {"coffee_gift", "handbag", "seeds", "soil", "planter"}
"""Uses whose button is not their bank's: a present is not drunk at once, and seeds have no data sheet."""
_AVOID = ("people and faces", "other brands and logos", "text other than the copy", "changes to the product")
_AVOID_BY_BANK = {
    "coffee": ("spills and stains", "health promises"),
    "drink": ("spills and stains", "health promises"),
    "food": ("bare floors under food", "health promises"),
    "beauty": ("before-and-after comparisons", "health promises"),
    "make": ("unsafe use of tools",),
    "baby": ("small parts that a child could swallow",),
    "wear": ("body shapes as a promise",),
}


@dataclass(frozen=True)
class Persona:
    """A segment that the product is shown to, with what the copy needs to know of it."""

    segment_id: str
    need: str
    vector: Vectors
    angle: str
    reference: str | None = None
    """SHA-256 of the picture whose style its scenes borrow."""


@dataclass(frozen=True)
class Thing:
    """A product as the writer takes it: its row, what it is, and where its pictures are shown."""

    product: Mapping[str, Any]
    kind: Kind
    item: Item | None
    use: Use
    placements: tuple[str, ...]
    channels: tuple[str, ...]


def ranked_statements(
    options: Sequence[Statement], persona: Persona, embedder: TextEmbedder, said: Said
) -> list[Statement]:
    """Statements by how near they are to the persona's need and angle; what others said comes later, in other words."""
    if not options:
        return []
    meanings = embedder.embed([option.meaning for option in options])
    measured = [
        option.source_field.startswith("facts.") and bool(numbers_in(option.value)) for option in options
    ]
    pulls = pull(persona.angle, meanings, measured, embedder)
    times = [said.statements.get(option.key, 0) for option in options]
    worth = [
        option.weight * (0.25 + float(near))
        - _USED_COST * count
        + _LEAD_BONUS * leads(persona.angle, option.source_field)
        + float(pulled)
        for option, near, count, pulled in zip(options, meanings @ persona.vector, times, pulls, strict=True)
    ]
    order = sorted(range(len(options)), key=lambda i: (-round(worth[i], 6), options[i].text))
    return [options[i].said_before(times[i]) for i in order]


def selling_points(
    thing: Thing,
    ranked: Sequence[Statement],
    head: str,
    locale: Locale,
    said: Said,
    seed: Seed,
) -> list[Statement]:
    """Up to three statements of the record, each with a tick in the picture; none where the record says nothing."""
    brand = thing.product.get("brand")
    wanted = 2 + (draw(*seed, "points") % 3 == 0)
    # Beside the first, what another persona has said stays with it, unless one point would be left and words are new.
    own = [s for s in ranked[1:] if s.key not in said.statements]
    if not own:
        own = [s for s in ranked[1:] if said.statements[s.key] <= len(s.others)][:1]
    chosen = [*ranked[:1], *own][:wanted]
    if len(chosen) < 2 and brand and brand.lower() not in head.lower() and draw(*seed, "brand") % 2 == 0:
        text = pick(locale.facts["brand"], *seed, "brand form").format(value=brand)
        if text_columns(text) <= SELLING_POINT_MAX_CHARS and may_be_said(text, locale, thing.channels):
            chosen.append(Statement(text, "brand", brand, text))
    return chosen


def rating_statement(product: Mapping[str, Any], locale: Locale, seed: Seed) -> Statement | None:
    """What reviewers say, when there are enough of them."""
    rated = claims.rating(product)
    if rated is None:
        return None
    forms = [
        form.format(mean=locale.number(rated[0]), count=rated[1])
        for form in shuffled(locale.facts["rating"], *seed, "rating form")
    ]
    value = f"{product['rating_mean']} ({product['rating_count']})"
    return Statement(forms[0], "rating", value, "well reviewed, trusted", others=tuple(forms[1:]))


def sticker(
    product: Mapping[str, Any], spare: Sequence[Statement], locale: Locale, seed: Seed
) -> Statement | None:
    """A badge with a short fact or the rating, on about two of three pictures."""
    if draw(*seed, "sticker") % 3 == 0:
        return None
    rated = claims.rating(product)
    if rated is not None and draw(*seed, "rating sticker") % 2 == 0:
        text = pick(locale.facts["rating_sticker"], *seed, "badge").format(mean=locale.number(rated[0]))
        return Statement(text, "rating", f"{product['rating_mean']} ({product['rating_count']})", text)
    for option in spare:
        # A badge is a fact on its own, not the end of a list.
        if (
            # JSON Schema counts marks that take no column.
            max(len(option.text), text_columns(option.text)) <= STICKER_MAX_CHARS
            and option.source_field.startswith("facts." if product.get("facts") else "description")
            and option.weight > _STICKER_MIN_WEIGHT
        ):
            return option
    return None


def product_alt_text(thing: Thing, locale: Locale) -> str:
    """What a picture of the product alone shows, as a sentence (WCAG 2.2, success criterion 1.1.1).

    A title in another language than the copy stands in quotation marks behind the thing's own noun.
    """
    title = thing.product["title"]
    if len(title) > _TITLE_IN_ALT_MAX_CHARS:
        title = title[:_TITLE_IN_ALT_MAX_CHARS].rsplit(" ", 1)[0]
    noun = noun_of(thing.item, locale)
    if claims.speaks_like(thing.product, locale):
        named = title
    elif noun is not None:
        named = locale.alt_forms["thing"][0].format(title=title, noun=noun.bare)
    else:
        named = locale.alt_forms["thing"][1].format(title=title)
    return f"{named[:1].upper()}{named[1:]}."


def alt_text(thing: Thing, scene: Mapping[str, Any], locale: Locale, seed: Seed) -> str:
    """What the picture shows, in one sentence: the product in its scene."""
    alone = product_alt_text(thing, locale)
    if thing.product.get("framed"):
        # The merchant's own photograph is shown as it is: what stands around the product there is not known.
        return alone
    parts = {
        "title": alone[:-1],
        "place": locale.places[scene["setting"]],
        "light": locale.lights[scene["light"]],
    }
    shown = [prop for prop in scene["props"] if prop in locale.props]
    if shown:
        parts["prop"] = locale.props[shown[0]]
    form = pick(locale.alt_forms["with_prop" if shown else "form"], *seed, "alt")
    text = form.format(**parts)
    return text if len(text) <= ALT_TEXT_MAX_CHARS else f"{alone[:-1]} {parts['place']}."


def write_instruction(
    thing: Thing,
    persona: Persona,
    scene: Mapping[str, Any],
    layout: str,
    locale: Locale,
    options: Sequence[Statement],
    embedder: TextEmbedder,
    said: Said,
) -> dict[str, Any]:
    """One instruction record (INSTRUCTION_JSON_SCHEMA). `said` is shared by the product's personas in this locale."""
    product, setting = thing.product, scene["setting"]
    seed = (product["merchant_id"], product["sku"], persona.segment_id)
    rated = rating_statement(product, locale, seed)
    ranked = [
        option
        for option in ranked_statements([*options, *([rated] if rated else [])], persona, embedder, said)
        if may_be_said(option.text, locale, thing.channels) and not _is_its_name(option, thing.item)
    ]
    # A fact that heads one picture of the product heads no second one.
    leading = [option for option in ranked if option.key not in said.statements]
    head = headline(
        product,
        persona.angle,
        setting,
        thing.kind,
        thing.item,
        thing.use,
        locale,
        leading,
        said,
        thing.channels,
        seed,
    )
    # "Cold brew for the nine-to-five" has said that it is one, and "a tent for two" how many sleep in it.
    ranked = [
        o
        for o in ranked
        if o not in head.used
        and not says(head.text, o.value or o.text, locale)
        and not (numbers_in(o.value) and numbers_in(o.value) <= numbers_in(head.text))
        and not (o.source_field == "title" and echoes(head.text, o.text, locale))
    ]
    points = selling_points(thing, ranked, head.text, locale, said, seed)
    badge = sticker(product, [option for option in ranked if option not in points], locale, seed)
    if badge is not None and badge.source_field == "rating":
        points = [point for point in points if point.source_field != "rating"] or points
    alt = alt_text(thing, scene, locale, seed)
    said.add(head, points)
    return {
        "locale": locale.tag,
        "segment_id": persona.segment_id,
        "placements": list(thing.placements),
        "angle": persona.angle,
        "need": persona.need,
        "scene": dict(scene),
        "surface": SURFACE_OF_SETTING[setting],
        "layout": layout,
        "headline": head.text,
        "selling_points": [point.text for point in points],
        "sticker": badge.text if badge else None,
        "call_to_action": _call(thing, locale, seed),
        "alt_text": alt,
        "product_alt_text": product_alt_text(thing, locale),
        "reference": persona.reference,
        "avoid": [*_AVOID, *_AVOID_BY_BANK.get(thing.kind.bank, ()), *_avoid_in(scene)],
        "claims": [
            *(_claim("headline", head.text, name, value) for name, value in head.sources),
            *(_claim("selling_point", s.text, s.source_field, s.source_value) for s in points),
            *([_claim("sticker", badge.text, badge.source_field, badge.source_value)] if badge else []),
            _claim("alt_text", alt, "title", product["title"]),
        ],
    }


def _is_its_name(option: Statement, item: Item | None) -> bool:
    """Whether a fact only says what the thing is called: "brewing: cold brew" of cold brew, in any language."""
    return item is not None and option.source_value.lower() == item.key.replace("_", " ")


def _call(thing: Thing, locale: Locale, seed: Seed) -> str | None:
    """The button's text; none where the channel forbids them all."""
    wanted = "any" if thing.use.name in _PLAIN_CALLS else _CALLS.get(thing.kind.bank, "any")
    calls = in_turn(locale.calls[wanted], seed, "call")
    return next((call for call in calls if may_be_said(call, locale, thing.channels)), None)


def _avoid_in(scene: Mapping[str, Any]) -> list[str]:
    return [] if GUIDES[scene["setting"]].neutral else ["a setting so busy that the product is hard to find"]


def _claim(element: str, text: str, source_field: str, source_value: str) -> dict[str, str]:
    return {"element": element, "text": text, "source_field": source_field, "source_value": source_value}
