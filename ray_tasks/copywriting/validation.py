"""Reasons why an instruction must not be used, beyond its JSON Schema: facts, words, lengths, scripts, smuggling."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from ray_tasks.copywriting import evidence
from ray_tasks.copywriting.locales import Locale, load_locale
from schemas.instruction import (
    CALL_TO_ACTION_MAX_CHARS,
    HEADLINE_MAX_CHARS,
    INSTRUCTION_JSON_SCHEMA,
    SELLING_POINT_MAX_CHARS,
    STICKER_MAX_CHARS,
    text_columns,
)

_SMUGGLED = re.compile(
    r"https?:|www\.|\w\.(?:com|net|org|io)\b|<[a-z/!]|[{}`\\]|\]\(|"
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous)|"
    r"\bsystem prompt\b|\byou are (?:now )?an?\b|\bas an ai\b|\bassistant:|\bjailbreak\b|"
    r"\b(?:ignoriere|vergiss)\b.{0,40}\b(?:anweisung|regel|bisher|vorherig)|"
    r"\b(?:ignore[zr]?|oublie[zr]?)\b.{0,40}\b(?:instruction|consigne|règle|précédent)|"
    r"(?:忽略|无视|忘记).{0,12}(?:指令|提示|规则|以上|之前)|(?:تجاهل|انس).{0,30}(?:التعليمات|الأوامر|القواعد|السابق)",
    re.IGNORECASE,
)
_OFFICIAL = re.compile(r"[®™©]")

LIMITS = {
    "headline": HEADLINE_MAX_CHARS,
    "selling_point": SELLING_POINT_MAX_CHARS,
    "sticker": STICKER_MAX_CHARS,
    "call_to_action": CALL_TO_ACTION_MAX_CHARS,
}
"""In columns: a full-width character takes two."""

REASONS = {
    "schema_invalid": "the record breaks the instruction's JSON Schema",
    "text_too_long": "a text does not fit its place on the picture",
    "number_not_in_record": "the copy holds a number that the product's record does not",
    "unit_not_in_record": "the copy gives a number another unit than the product's record",
    "name_not_in_record": "the copy holds a name or brand that the product's record does not",
    "claim_not_in_record": "a claim rests on a value that the product's record does not hold",
    "claim_not_in_copy": "a claim is about a text that the copy does not say",
    "claim_missing": "a text that speaks of the product has no claim",
    "superlative": "the copy praises in a way that nobody can check",
    "health_claim": "the copy promises an effect on health",
    "personal_trait": "the copy says a personal trait to the reader's face",
    "forbidden_word": "the copy holds a word that the locale forbids",
    "forbidden_on_channel": "the copy holds a word that a channel of its placements forbids",
    "wrong_script": "a text is not in the script of its locale",
    "smuggled_text": "the copy holds a link, markup or a command out of the feed",
    "copy_repeats": "two texts of one picture say the same",
}


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(INSTRUCTION_JSON_SCHEMA)


def reasons_against(
    instruction: Mapping[str, Any],
    product: Mapping[str, Any],
    channels: Collection[str] = (),
    other_names: Collection[str] = (),
) -> list[str]:
    """Codes of REASONS that speak against an instruction for this product, sorted; empty when it may be used.

    `channels` are those of its placements; `other_names` are brands of the night: the copy may name its own only.
    """
    if any(text_columns(text) > LIMITS[element] for element, text in _said(instruction)):
        return ["text_too_long"]
    if not _schema().is_valid(instruction):
        return ["schema_invalid"]
    locale = load_locale(instruction["locale"])
    said = list(_said(instruction))
    texts = [text for _, text in said]
    found = _against_facts(instruction, said, product, locale) | _against_words(
        instruction, texts, channels, locale
    )
    if _names_another(texts, product, locale, other_names):
        found.add("name_not_in_record")
    if smuggles("\n".join([*texts, instruction["alt_text"]])):
        found.add("smuggled_text")
    if len({text.lower() for text in texts}) < len(texts):
        found.add("copy_repeats")
    return sorted(found)


def _said(instruction: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(element, text) of everything that stands on the picture, as far as the record has it."""
    points = instruction.get("selling_points")
    listed = [("selling_point", point) for point in (points if isinstance(points, list) else [])]
    single = [(name, instruction.get(name)) for name in ("headline", "sticker", "call_to_action")]
    return [(name, text) for name, text in [*single, *listed] if isinstance(text, str) and text]


def _against_facts(
    instruction: Mapping[str, Any],
    said: list[tuple[str, str]],
    product: Mapping[str, Any],
    locale: Locale,
) -> set[str]:
    """Numbers, units and claims that the record does not carry."""
    found = set()
    record = evidence.record_text(product)
    numbers, quantities = evidence.numbers_in(record), evidence.quantities_in(record)
    elements = [*said, ("alt_text", instruction["alt_text"])]
    rated = {claim["text"] for claim in instruction["claims"] if claim["source_field"] == "rating"}
    for _, text in elements:
        if evidence.numbers_in(text) - numbers - (_rating_numbers(product) if text in rated else set()):
            found.add("number_not_in_record")
        elif evidence.quantities_in(text, locale.units) - quantities:
            found.add("unit_not_in_record")
    if not all(_claim_holds(claim, product) for claim in instruction["claims"]):
        found.add("claim_not_in_record")
    if any((claim["element"], claim["text"]) not in elements for claim in instruction["claims"]):
        found.add("claim_not_in_copy")
    claimed = {claim["text"] for claim in instruction["claims"]}
    own = [name for name in (product["title"], product.get("brand")) if name]
    speaks_of_it = re.compile(
        rf"(?<![\w-])(?:{'|'.join(re.escape(name) for name in own)})(?![\w-])", re.IGNORECASE
    )
    if any(
        (speaks_of_it.search(text) or evidence.numbers_in(text)) and text not in claimed for _, text in said
    ):
        found.add("claim_missing")
    return found


def _against_words(
    instruction: Mapping[str, Any], texts: list[str], channels: Collection[str], locale: Locale
) -> set[str]:
    """Words that nobody may say here; a superlative or health claim may stand where a typed fact says it."""
    found = set()
    for reason, pattern in locale.forbidden.items():
        for text in texts:
            match = locale.shows(pattern).search(text)
            excused = reason in ("superlative", "health_claim") and any(
                match is not None
                and match.group().lower() in claim["source_value"].lower()
                and claim["source_field"].startswith("facts.")
                for claim in instruction["claims"]
                if claim["text"] == text
            )
            if match and not excused:
                found.add(reason)
    for channel in channels:
        banned = locale.forbidden_on_channel.get(channel)
        if banned and any(locale.shows(banned).search(text) for text in texts):
            found.add("forbidden_on_channel")
    foreign = set().union(*(evidence.scripts_in(text) for text in texts)) - {locale.script, "Latin"}
    if foreign or locale.script not in evidence.scripts_in(instruction["headline"]):
        found.add("wrong_script")
    return found


def _names_another(
    texts: list[str], product: Mapping[str, Any], locale: Locale, other_names: Collection[str]
) -> bool:
    record = evidence.record_text(product)
    words = set(re.findall(r"[^\W\d_]+", record.lower())) | set(record.lower().split())
    copy = "\n".join(texts)
    strange = {
        name
        for text in texts
        for name in evidence.names_in(text, locale)
        if not set(re.findall(r"[^\W\d_]+", name)) <= words
    }
    rival = any(
        name not in record and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", copy)
        for name in other_names
        if name in copy and name.lower() not in locale.vocabulary
    )
    return bool(strange or rival or _OFFICIAL.search(copy))


def _rating_numbers(product: Mapping[str, Any]) -> set[str]:
    if product.get("rating_mean") is None:
        return set()
    return evidence.numbers_in(f"{product['rating_mean']:.1f} {product['rating_count']} 5")


def _claim_holds(claim: Mapping[str, Any], product: Mapping[str, Any]) -> bool:
    field, value = claim["source_field"], claim["source_value"]
    if field.startswith("facts."):
        return any(
            fact["name"] == field.removeprefix("facts.") and value == evidence.fact_value(fact)
            for fact in product.get("facts") or []
        )
    if field == "rating":
        return bool(value == f"{product['rating_mean']} ({product['rating_count']})")
    if field in {"title", "brand", "category"}:
        return bool(value == product.get(field))
    return field == "description" and value in (product.get("description") or "")


def smuggles(text: str) -> bool:
    """Whether a link, markup or a command out of the feed stands in a text."""
    return bool(_SMUGGLED.search(text))


def may_be_said(text: str, locale: Locale, channels: Collection[str] = ()) -> bool:
    """Whether no forbidden word and nothing smuggled stands in a text."""
    patterns = [*locale.forbidden.values()]
    patterns += [
        locale.forbidden_on_channel[name] for name in channels if name in locale.forbidden_on_channel
    ]
    return not any(locale.shows(pattern).search(text) for pattern in patterns) and not smuggles(text)
