"""Reasons why an instruction must not be used, beyond its JSON Schema: numbers, claims, words, smuggled text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from schemas.instruction import (
    CALL_TO_ACTION_MAX_CHARS,
    HEADLINE_MAX_CHARS,
    INSTRUCTION_JSON_SCHEMA,
    SELLING_POINT_MAX_CHARS,
    STICKER_MAX_CHARS,
)

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

SUPERLATIVES = {
    "en": r"best|greatest|ultimate|perfect|unbeatable|unrivall?ed|cheapest|finest|world'?s|number one|no\. ?1|"
    r"guaranteed?|miracle|revolutionary|once in a lifetime|the only|most \w+",
    "de": r"beste[rsnm]?|am besten|ultimativ\w*|perfekt\w*|unschlagbar\w*|einzigartig\w*|günstigste\w*|billigste\w*|"
    r"garantiert\w*|revolutionär\w*|weltweit|nummer eins|nr\. ?1|größte[rsnm]?|höchste[rsnm]?|modernste\w*",
}
HEALTH_CLAIMS = {
    "en": r"health(?:y|ier|iest)?|heals?|cures?|detox\w*|immun\w+|slimming|weight loss|lose weight|fat[- ]burning|"
    r"burns fat|anti-?ageing|anti-?aging|clinically|medical\w*|therap\w+|remed\w+|prevents?|"
    r"lowers? (?:blood|cholesterol)|superfood|vitamins? to",
    "de": r"gesund\w*|heilt|heilend\w*|heilung|entgift\w*|detox\w*|immun\w*|abnehmen|schlank\w*|fettverbrenn\w*|"
    r"anti-?aging|klinisch\w*|medizinisch\w*|therap\w+|beugt|vorbeug\w*|blutdruck|cholesterin\w*|superfood",
}
PERSONAL_TRAITS = {
    "en": r"(?:for|as an?|because you(?:'re| are)|since you(?:'re| are)) (?:an? )?(?:diabetics?|seniors?|elderly|old|"
    r"overweight|obese|fat|poor|pregnant|disabled|single|lonely|over \w+|students?|mothers?|women|men|girls?|boys?)|"
    r"diabetic\w*|at your age|your (?:age|weight|income|illness|disease|religion|ethnicity)",
    "de": r"(?:für|als|weil du|da du) (?:diabetiker\w*|senior\w*|alte\w*|übergewichtig\w*|dicke\w*|arme\w*|"
    r"schwanger\w*|behindert\w*|single\w*|einsame\w*|über \w+|student\w*|studierende\w*|mütter|"
    r"frauen|männer|mädchen|jungen)|diabetiker\w*|in deinem alter|dein (?:alter|gewicht|einkommen)|"
    r"deine (?:krankheit|religion|herkunft)",
}
_SMUGGLED = re.compile(
    r"https?:|www\.|\w\.(?:com|net|org|io)\b|<[a-z/!]|[{}`\\]|\]\(|"
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous)|"
    r"\bsystem prompt\b|\byou are (?:now )?an?\b|\bas an ai\b|\bassistant:|\bjailbreak\b|"
    r"\b(?:ignoriere|vergiss)\b.{0,40}\b(?:anweisung|regel|bisher|vorherig)",
    re.IGNORECASE,
)

LIMITS = {
    "headline": HEADLINE_MAX_CHARS,
    "selling_point": SELLING_POINT_MAX_CHARS,
    "sticker": STICKER_MAX_CHARS,
    "call_to_action": CALL_TO_ACTION_MAX_CHARS,
}

REASONS = {
    "schema_invalid": "the record breaks the instruction's JSON Schema",
    "text_too_long": "a text does not fit its place on the picture",
    "number_not_in_record": "the copy holds a number that the product's record does not",
    "claim_not_in_record": "a claim rests on a value that the product's record does not hold",
    "claim_missing": "a text that names the product has no claim",
    "superlative": "the copy praises in a way that nobody can check",
    "health_claim": "the copy promises an effect on health",
    "personal_trait": "the copy says a personal trait to the reader's face",
    "smuggled_text": "the copy holds a link, markup or a command out of the feed",
    "copy_repeats": "two texts of one picture say the same",
}


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(INSTRUCTION_JSON_SCHEMA)


@lru_cache(maxsize=256)
def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)


def numbers_in(text: str) -> set[str]:
    """The numbers of a text in one spelling: 1,5 and 1.5 are the same, and so are 07 and 7."""
    found = set()
    for number in _NUMBER.findall(text):
        plain = number.replace(",", ".")
        found.add(plain.lstrip("0") or "0")
    return found


def _record_text(product: Mapping[str, Any]) -> str:
    facts = " ".join(
        f"{fact['name']} {fact['value']} {fact['unit'] or ''}" for fact in product.get("facts") or []
    )
    parts = [product["title"], product.get("description") or "", product.get("brand") or "", facts]
    return " ".join([*parts, " ".join(product.get("tags") or [])])


def _rating_numbers(product: Mapping[str, Any]) -> set[str]:
    if product.get("rating_mean") is None:
        return set()
    return {f"{product['rating_mean']:.1f}", str(product["rating_count"]), "5"}


def _claim_holds(claim: Mapping[str, Any], product: Mapping[str, Any]) -> bool:
    field, value = claim["source_field"], claim["source_value"]
    if field.startswith("facts."):
        return any(
            fact["name"] == field.removeprefix("facts.")
            and value == " ".join(part for part in (fact["value"].strip(), fact["unit"]) if part)
            for fact in product.get("facts") or []
        )
    if field == "rating":
        return value == f"{product['rating_mean']} ({product['rating_count']})"
    if field in {"title", "brand"}:
        return bool(value == product.get(field))
    return field == "description" and value in (product.get("description") or "")


def reasons_against(instruction: Mapping[str, Any], product: Mapping[str, Any]) -> list[str]:
    """Codes of REASONS that speak against an instruction for this product, sorted; empty when it may be used."""
    if not _schema().is_valid(instruction):
        long = [name for name, limit in LIMITS.items() if _longest(instruction, name) > limit]
        return ["text_too_long"] if long else ["schema_invalid"]
    language = instruction["locale"].split("-")[0]
    said = [
        text
        for text in (
            instruction["headline"],
            *instruction["selling_points"],
            instruction["sticker"],
            instruction["call_to_action"],
        )
        if text
    ]
    copy = "\n".join(said)
    found = set()
    known = numbers_in(_record_text(product))
    with_rating = {c["text"] for c in instruction["claims"] if c["source_field"] == "rating"}
    for text in [*said, instruction["alt_text"]]:
        allowed = known | _rating_numbers(product) if text in with_rating else known
        if numbers_in(text) - allowed:
            found.add("number_not_in_record")
    if not all(_claim_holds(claim, product) for claim in instruction["claims"]):
        found.add("claim_not_in_record")
    claimed = {claim["text"] for claim in instruction["claims"]}
    names = "|".join(re.escape(name) for name in (product["title"], product.get("brand")) if name)
    for text in said:
        speaks_of_it = _words(names).search(text) is not None
        if (speaks_of_it or numbers_in(text)) and text not in claimed:
            found.add("claim_missing")
    for reason, patterns in (
        ("superlative", SUPERLATIVES),
        ("health_claim", HEALTH_CLAIMS),
        ("personal_trait", PERSONAL_TRAITS),
    ):
        if _words(patterns.get(language, patterns["en"])).search(copy):
            found.add(reason)
    if _SMUGGLED.search(f"{copy}\n{instruction['alt_text']}"):
        found.add("smuggled_text")
    if len({text.lower() for text in said}) < len(said):
        found.add("copy_repeats")
    return sorted(found)


def _longest(instruction: Mapping[str, Any], element: str) -> int:
    value = instruction.get("selling_points" if element == "selling_point" else element) or ""
    texts = value if isinstance(value, list) else [value]
    return max((len(text) for text in texts if isinstance(text, str)), default=0)


def may_be_said(text: str, language: str) -> bool:
    """Whether no forbidden word and nothing smuggled stands in a text."""
    lists = (SUPERLATIVES, HEALTH_CLAIMS, PERSONAL_TRAITS)
    forbidden = any(_words(words.get(language, words["en"])).search(text) for words in lists)
    return not forbidden and not _SMUGGLED.search(text)
