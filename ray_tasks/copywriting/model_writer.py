"""Copy by a vision-language model: what it is asked, and how its drafts become records that the same rules judge.

The rule writer's records come first: scene, layout and alternative text stay theirs, and a record whose drafts fail
twice stays as it was. The shop's words reach the model as one JSON value between fences; nothing that the model says
becomes copy unless it has the schema's form and passes every rule of the validator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from ray_tasks.copywriting.evidence import fact_value
from ray_tasks.copywriting.locales import load_locale
from ray_tasks.copywriting.shown import SYSTEM, fenced, question_about, shown_record
from ray_tasks.copywriting.validation import REASONS
from ray_tasks.models.vision_language import JsonModel, Question, parse
from schemas.instruction import DRAFT_JSON_SCHEMA, content_hash

Record = dict[str, Any]
Judge = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]
"""(record, product) -> reasons against it."""

PROMPT_REVISION = content_hash([SYSTEM, DRAFT_JSON_SCHEMA, "one system"])[:8]
_INVALID = "schema_invalid"


@dataclass
class Order:
    """A record to be written, of which product, and what came of it."""

    record: Record
    product: Mapping[str, Any]
    segment: Mapping[str, Any]
    picture: NDArray[np.uint8] | None
    answer: str = ""
    refused: list[list[str]] = field(default_factory=list)
    written: Record | None = None


def question(order: Order) -> Question:
    """The task; the product's data and picture stand before it."""
    record = order.record
    locale, english = load_locale(record["locale"]), load_locale("en")
    lines = [
        "WRITE. DATA on the audience, likewise:",
        *fenced({"name": order.segment["name"], "need": record["need"]}),
        f"Language of the copy: {locale.tag} (BCP 47), in {locale.script} script.",
        f"Argue with: {record['angle']}. The picture shows it {english.places[record['scene']['setting']]}.",
    ]
    wrong = "; ".join(REASONS[reason] for reason in order.refused[-1]) if order.refused else None
    refused = None if wrong is None else (order.answer, wrong)
    return question_about(order.product, order.picture, lines, DRAFT_JSON_SCHEMA, refused)


def instruction_from(draft: Mapping[str, Any], record: Record, product: Mapping[str, Any]) -> Record:
    """The record with the draft's copy, and a claim for each text and each key that it rests on."""
    shown, facts = shown_record(product), product.get("facts") or []
    said = [("headline", draft["headline"])]
    said += [("selling_point", point) for point in draft["selling_points"]]
    said += [("sticker", draft["sticker"])] if draft["sticker"] else []
    claims = [claim for claim in record["claims"] if claim["element"] == "alt_text"]
    for element, cited in said:
        for key in dict.fromkeys(cited["rests_on"]):
            if key not in shown:
                # Kept, with a value that no record holds: the validator refuses what rests on nothing.
                source, value = key, "-"
            elif key.startswith("f") and key[1:].isdigit():
                fact = facts[int(key[1:]) - 1]
                source, value = f"facts.{fact['name']}", fact_value(fact)
            else:
                source, value = key, shown[key]
            claims.append(
                {"element": element, "text": cited["text"], "source_field": source, "source_value": value}
            )
    return {
        **record,
        "headline": draft["headline"]["text"],
        "selling_points": [point["text"] for point in draft["selling_points"]],
        "sticker": draft["sticker"]["text"] if draft["sticker"] else None,
        "call_to_action": draft["call_to_action"],
        "claims": claims,
    }


def write_with(model: JsonModel, orders: Sequence[Order], judge: Judge) -> None:
    """Fills in `written` where a draft passes, at the second attempt at the latest, and `refused` with the reasons."""
    schema = Draft202012Validator(DRAFT_JSON_SCHEMA)
    headlines: dict[tuple[str, str, str], set[str]] = {}
    waiting = list(orders)
    for _attempt in range(2):
        answers = model.answer([question(order) for order in waiting]) if waiting else []
        for order, answer in zip(waiting, answers, strict=True):
            order.answer = answer
            draft = parse(answer)
            if draft is None or not schema.is_valid(draft):
                order.refused.append([_INVALID])
                continue
            record = instruction_from(draft, order.record, order.product)
            key = (order.product["merchant_id"], order.product["sku"], record["locale"])
            taken = headlines.setdefault(key, set())
            reasons = judge(record, order.product)
            if record["headline"].lower() in taken and "copy_repeats" not in reasons:
                reasons = sorted([*reasons, "copy_repeats"])
            if reasons:
                order.refused.append(reasons)
                continue
            taken.add(record["headline"].lower())
            order.written = record
        waiting = [order for order in waiting if order.written is None]
