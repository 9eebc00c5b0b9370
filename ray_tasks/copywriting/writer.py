"""The rule writer: a typed instruction for one persona of a product in one locale, from facts and a phrase grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ray_tasks.copywriting import claims
from ray_tasks.copywriting.choice import draw, pick, shuffled
from ray_tasks.copywriting.claims import Statement
from ray_tasks.copywriting.kinds import Kind
from ray_tasks.copywriting.locales import Locale
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.validation import may_be_said
from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from schemas.instruction import (
    ALT_TEXT_MAX_CHARS,
    HEADLINE_MAX_CHARS,
    SELLING_POINT_MAX_CHARS,
    STICKER_MAX_CHARS,
)

ANGLES = {
    "function": "practical use, performance, dependable gear, work, training, learning, getting things done",
    "style": "looks, design, fashion, beauty, decoration, outfits, a beautiful home",
    "price": "saving money, comparing prices, discounts, good value, small budget",
    "occasion": "presents, celebrations, anniversaries, festive evenings, gifts for friends",
}
"""The argument that a segment is reached with is the one whose words are nearest to the segment's."""

_NAME_MAX_CHARS = 26
_TITLE_IN_ALT_MAX_CHARS = 110
_USED_COST = 0.16
"""What a statement loses for each persona of the product that has said it already, in cosine."""
_STICKER_MIN_WEIGHT = 0.7
"""A badge shouts: plain measures stay off it."""
_CALLS = {
    "coffee": "drink",
    "drink": "drink",
    "food": "food",
    "wear": "wear",
    "shoes": "wear",
    "make": "make",
}
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


@dataclass
class Said:
    """What the product's personas before this one have said, so that no two read alike."""

    headlines: set[str] = field(default_factory=set)
    statements: dict[str, int] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)


class AngleFinder:
    """The angle of a segment, by embeddings."""

    def __init__(self, embedder: TextEmbedder) -> None:
        self._vectors = embedder.embed(list(ANGLES.values()))

    def of(self, segment: Vectors) -> str:
        """One of function, style, price, occasion."""
        similarity = self._vectors @ segment
        return list(ANGLES)[int(similarity.argmax())]


def short_name(title: str) -> str | None:
    """The title up to its first comma, when it is short enough to stand in a headline and free of numbers."""
    name = title.split(",")[0].split(" (")[0].strip()
    return name if len(name) <= _NAME_MAX_CHARS and not any(char.isdigit() for char in name) else None


def ranked_statements(
    options: Sequence[Statement], persona: Persona, embedder: TextEmbedder, said: Said
) -> list[Statement]:
    """Statements by how near they are to what the persona looks for; what others have said comes later."""
    if not options:
        return []
    similarity = embedder.embed([option.meaning for option in options]) @ persona.vector
    worth = [
        option.weight * (0.25 + float(near)) - _USED_COST * said.statements.get(option.text, 0)
        for option, near in zip(options, similarity, strict=True)
    ]
    return [
        options[i] for i in sorted(range(len(options)), key=lambda i: (-round(worth[i], 6), options[i].text))
    ]


def headline(
    product: Mapping[str, Any],
    persona: Persona,
    setting: str,
    kind: Kind,
    locale: Locale,
    leading: Sequence[Statement],
    said: Said,
    seed: Sequence[str],
) -> tuple[str, dict[str, str] | None, Statement | None]:
    """The headline, its claim when it says something of the product, and the statement that it used up."""
    for best in leading if kind.name == "coffee" else ():
        new = best.text not in said.statements
        if new and best.source_field.startswith("facts.") and best.source_value.startswith("0 "):
            name = best.source_field.removeprefix("facts.").lower()
            for form in shuffled(locale.fact_headlines.get(name, ()), *seed, "fact headline"):
                text = form.format(fact=best.text)
                if len(text) <= HEADLINE_MAX_CHARS and text not in said.headlines:
                    return text, _claim("headline", text, best.source_field, best.source_value), best
    bank = locale.headlines[kind.bank]
    pool = list(bank.get(setting, ()))
    if not pool:
        general = persona.angle in locale.angles and draw(*seed, "general") % 2 == 0
        pool = list(locale.angles[persona.angle] if general else bank["neutral"])
    ordered = [*shuffled(pool, *seed, "headline"), *shuffled(bank["neutral"], *seed, "spare headline")]
    name_in_title = short_name(product["title"])
    for form in ordered:
        if "{name}" in form:
            if name_in_title is None or not may_be_said(name_in_title, locale.language):
                continue
            text = form.format(name=name_in_title)
        else:
            text = form
        if len(text) <= HEADLINE_MAX_CHARS and text not in said.headlines:
            claim = _claim("headline", text, "title", product["title"]) if text != form else None
            return text, claim, None
    # More personas than phrases: the product's name carries the headline.
    text = (name_in_title or product["title"])[:HEADLINE_MAX_CHARS].strip()
    return text, _claim("headline", text, "title", product["title"]), None


def selling_points(
    product: Mapping[str, Any],
    ranked: Sequence[Statement],
    setting: str,
    locale: Locale,
    said: Said,
    seed: Sequence[str],
) -> list[Statement | str]:
    """One to three points: statements of the record first, at most one line of situation to fill up."""
    sayable = [option for option in ranked if may_be_said(option.text, locale.language)]
    wanted = 2 + (draw(*seed, "points") % 3 == 0)
    chosen: list[Statement | str] = list(sayable[:wanted])
    if len(chosen) < 2 and product.get("brand") and draw(*seed, "brand") % 2 == 0:
        text = pick(locale.facts["brand"], *seed, "brand form").format(value=product["brand"])
        if len(text) <= SELLING_POINT_MAX_CHARS and may_be_said(text, locale.language):
            chosen.append(Statement(text, "brand", product["brand"], text))
    if len(chosen) < 2:
        lines = [line for line in shuffled(locale.support[setting], *seed, "line") if line not in said.lines]
        if lines:
            said.lines.add(lines[0])
            chosen.insert(draw(*seed, "place") % (len(chosen) + 1), lines[0])
    return chosen


def rating_statement(product: Mapping[str, Any], locale: Locale, seed: Sequence[str]) -> Statement | None:
    """What reviewers say, when there are enough of them."""
    rated = claims.rating(product)
    if rated is None:
        return None
    form = pick(locale.facts["rating"], *seed, "rating form")
    text = form.format(mean=locale.number(rated[0]), count=rated[1])
    return Statement(
        text, "rating", f"{product['rating_mean']} ({product['rating_count']})", "well reviewed, trusted"
    )


def sticker(
    product: Mapping[str, Any], spare: Sequence[Statement], locale: Locale, seed: Sequence[str]
) -> tuple[str | None, dict[str, str] | None]:
    """A badge with a short fact or the rating, on about two of three pictures."""
    if draw(*seed, "sticker") % 3 == 0:
        return None, None
    if claims.rating(product) is not None and draw(*seed, "rating sticker") % 2 == 0:
        mean, _ = claims.rating(product) or ("", 0)
        text = locale.facts["rating_sticker"][0].format(mean=locale.number(mean))
        value = f"{product['rating_mean']} ({product['rating_count']})"
        return text, _claim("sticker", text, "rating", value)
    for option in spare:
        # A badge is a fact on its own, not the end of a list.
        if (
            len(option.text) <= STICKER_MAX_CHARS
            and option.source_field.startswith("facts." if product.get("facts") else "description")
            and option.weight > _STICKER_MIN_WEIGHT
            and may_be_said(option.text, locale.language)
        ):
            return option.text, _claim("sticker", option.text, option.source_field, option.source_value)
    return None, None


def alt_text(
    product: Mapping[str, Any], scene: Mapping[str, Any], locale: Locale, seed: Sequence[str]
) -> str:
    """What the picture shows, in one sentence (WCAG 2.2, success criterion 1.1.1)."""
    title = product["title"]
    if len(title) > _TITLE_IN_ALT_MAX_CHARS:
        title = title[:_TITLE_IN_ALT_MAX_CHARS].rsplit(" ", 1)[0]
    parts = {"title": title, "place": locale.places[scene["setting"]], "light": locale.lights[scene["light"]]}
    shown = [prop for prop in scene["props"] if prop in locale.props]
    if shown:
        parts["prop"] = locale.props[shown[0]]
    form = pick(locale.alt_forms["with_prop" if shown else "form"], *seed, "alt")
    text = form.format(**parts)
    return text if len(text) <= ALT_TEXT_MAX_CHARS else f"{title} {parts['place']}."


def write_instruction(
    product: Mapping[str, Any],
    persona: Persona,
    scene: Mapping[str, Any],
    layout: str,
    kind: Kind,
    locale: Locale,
    options: Sequence[Statement],
    embedder: TextEmbedder,
    said: Said,
) -> dict[str, Any]:
    """One instruction record (INSTRUCTION_JSON_SCHEMA). `said` is shared by the product's personas in this locale."""
    seed = (product["merchant_id"], product["sku"], persona.segment_id)
    rated = rating_statement(product, locale, seed)
    ranked = ranked_statements([*options, *([rated] if rated else [])], persona, embedder, said)
    head, head_claim, used = headline(
        product, persona, scene["setting"], kind, locale, ranked[:2], said, seed
    )
    ranked = [option for option in ranked if option is not used]
    points = selling_points(product, ranked, scene["setting"], locale, said, seed)
    spare = [option for option in ranked if option not in points]
    badge, badge_claim = sticker(product, spare, locale, seed)
    if badge_claim is not None and badge_claim["source_field"] == "rating":
        points = [p for p in points if isinstance(p, str) or p.source_field != "rating"] or points
    alt = alt_text(product, scene, locale, seed)
    found = [head_claim] if head_claim else []
    for point in points:
        if isinstance(point, Statement):
            found.append(_claim("selling_point", point.text, point.source_field, point.source_value))
            said.statements[point.text] = said.statements.get(point.text, 0) + 1
    if used is not None:
        said.statements[used.text] = said.statements.get(used.text, 0) + 1
    if badge_claim is not None:
        found.append(badge_claim)
    found.append(_claim("alt_text", alt, "title", product["title"]))
    said.headlines.add(head)
    call_bank = _CALLS.get(kind.bank, "any")
    return {
        "locale": locale.tag,
        "angle": persona.angle,
        "need": persona.need,
        "scene": dict(scene),
        "layout": layout,
        "headline": head,
        "selling_points": [point if isinstance(point, str) else point.text for point in points],
        "sticker": badge,
        "call_to_action": pick(locale.calls[call_bank], *seed, "call"),
        "alt_text": alt,
        "avoid": [*_AVOID, *_AVOID_BY_BANK.get(kind.bank, ()), *_avoid_in(scene)],
        "claims": found,
    }


def _avoid_in(scene: Mapping[str, Any]) -> list[str]:
    return [] if GUIDES[scene["setting"]].neutral else ["a setting so busy that the product is hard to find"]


def _claim(element: str, text: str, source_field: str, source_value: str) -> dict[str, str]:
    return {"element": element, "text": text, "source_field": source_field, "source_value": source_value}
