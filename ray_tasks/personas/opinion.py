"""What a vision-language model thinks of who wants a product: opinions of the likeliest segments, with reasons.

The segments are a closed choice in the grammar, the reason cites keys of the product's record, and a second attempt
follows a refusal; a model that is refused twice says nothing. What an opinion is worth is fitted on past behaviour by
`python -m jobs.evaluate_personas --config CONFIG --record FILE`; without such a record it is worth nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from ray_tasks.copywriting import evidence
from ray_tasks.copywriting.shown import SYSTEM, Picture, fenced, question_about, shown_record
from ray_tasks.copywriting.validation import REASONS, smuggles
from ray_tasks.models.vision_language import JsonModel, Question, parse
from ray_tasks.personas.affinity import Matrix
from schemas.instruction import closed_record, content_hash
from schemas.model_config import WriterModel
from schemas.revisions import writer_revision

FITS = {"much_likelier": log(2.0), "likelier": log(1.4), "less_likely": -log(1.4)}
"""What the model may say of a segment -> log-lift; a segment that it leaves out is average."""
MOST_SHOWN = 8
"""Segments of the highest scores that are shown: what is far below them no opinion brings up."""
BECAUSE_MAX_CHARS = 100
_AUDIENCE_MAX_CHARS = 240
REFUSALS = {
    "schema_invalid": "the answer breaks its JSON Schema",
    "segment_repeats": "a group is named twice",
    "number_not_in_record": REASONS["number_not_in_record"],
    "smuggled_text": REASONS["smuggled_text"],
}


def opinion_schema(segment_ids: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of an answer about a product whose record has these keys."""
    one: dict[str, Any] = {
        "segment_id": {"enum": list(segment_ids)},
        "wants_it": {"enum": list(FITS)},
        "rests_on": {"type": "array", "items": {"enum": list(keys)}, "minItems": 1, "maxItems": 3},
        "because": {"type": "string", "minLength": 1, "maxLength": BECAUSE_MAX_CHARS},
    }
    opinions = {"type": "array", "items": closed_record(one), "maxItems": len(segment_ids)}
    return closed_record({"opinions": opinions})


PROMPT_REVISION = content_hash([SYSTEM, opinion_schema(["segment"], ["key"]), FITS])[:8]


@dataclass
class Heard:
    """What the model said of one product: segment -> log-lift before its weight, and -> why, in words."""

    product: Mapping[str, Any]
    segments: Sequence[Mapping[str, Any]]
    """Those that it is asked about, in an order that tells nothing."""
    picture: Picture | None = None
    answer: str = ""
    refused: list[list[str]] = field(default_factory=list)
    opinions: dict[str, float] | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    def question(self) -> Question:
        """The task, after the product's data and picture."""
        groups = [{"segment_id": one["segment_id"], "who": _who(one)} for one in self.segments]
        lines = ["CHOOSE. DATA on the groups, likewise:", *fenced(groups)]
        wrong = "; ".join(REFUSALS[reason] for reason in self.refused[-1]) if self.refused else None
        refused = None if wrong is None else (self.answer, wrong)
        return question_about(self.product, self.picture, lines, self._schema(), refused)

    def _schema(self) -> dict[str, Any]:
        return opinion_schema([one["segment_id"] for one in self.segments], list(shown_record(self.product)))

    def hear(self, answer: str) -> None:
        """Fills in `opinions`, or adds to `refused`."""
        self.answer = answer
        said = parse(answer)
        if said is None or not Draft202012Validator(self._schema()).is_valid(said):
            self.refused.append(["schema_invalid"])
            return
        told = said["opinions"]
        if against := _reasons_against(told, self.product):
            self.refused.append(against)
            return
        shown = shown_record(self.product)
        self.opinions = {one["segment_id"]: FITS[one["wants_it"]] for one in told}
        for one in told:
            facts = "; ".join(f"{key}: {shown[key]}"[:60] for key in dict.fromkeys(one["rests_on"]))
            fit = one["wants_it"].replace("_", " ")
            self.reasons[one["segment_id"]] = f"a model finds it {fit}: '{one['because']}' (rests on {facts})"


def _who(segment: Mapping[str, Any]) -> str:
    told = f"{segment['name']}: {segment.get('need') or segment['description']}"
    return ", ".join([told, *(segment.get("interests") or [])])[:_AUDIENCE_MAX_CHARS]


def _reasons_against(told: Sequence[Mapping[str, Any]], product: Mapping[str, Any]) -> list[str]:
    """Codes of REFUSALS that speak against an answer of the schema's form, sorted."""
    found = set()
    if len({one["segment_id"] for one in told}) < len(told):
        found.add("segment_repeats")
    known = evidence.numbers_in(evidence.record_text(product))
    if any(evidence.numbers_in(one["because"]) - known for one in told):
        found.add("number_not_in_record")
    if any(smuggles(one["because"]) for one in told):
        found.add("smuggled_text")
    return sorted(found)


def hear_all(model: JsonModel, heard: Sequence[Heard]) -> None:
    """Asks about every product, and once more about those whose answer was refused."""
    waiting = list(heard)
    for _attempt in range(2):
        answers = model.answer([one.question() for one in waiting]) if waiting else []
        for one, answer in zip(waiting, answers, strict=True):
            one.hear(answer)
        waiting = [one for one in waiting if one.opinions is None]


def adviser_revision(model: WriterModel) -> str:
    """The pinned revision of a model that is asked about personas, and of what it is asked."""
    return f"{writer_revision(model)}+{PROMPT_REVISION}"


@dataclass
class Adviser:
    """A model that is asked about products, and what its word is worth."""

    model: JsonModel
    weight: float
    revision: str
    """Of the model and of what it is asked: what the weight belongs to."""
    picture: Callable[[str | None], Picture | None] = lambda _: None

    def opinions(
        self,
        products: Sequence[Mapping[str, Any]],
        segments: Sequence[Mapping[str, Any]],
        score: Matrix,
        eligible: np.ndarray,
    ) -> tuple[Matrix, list[Heard]]:
        """(products, segments) log-lifts before the weight, 0 where nothing was said; and what was said of each."""
        shown = np.where(eligible, np.round(score, 6), -np.inf)
        best = np.argsort(-shown, axis=1, kind="stable")[:, :MOST_SHOWN]
        # By their place in the table, not by score: the model is to judge for itself.
        asked = [sorted(i for i in row if np.isfinite(shown[n, i])) for n, row in enumerate(best.tolist())]
        heard = [
            Heard(product, [segments[i] for i in own], self.picture(product.get("cutout_uri")))
            for product, own in zip(products, asked, strict=True)
        ]
        hear_all(self.model, [one for one in heard if one.segments])
        out = np.zeros(score.shape, np.float32)
        for n, (one, own) in enumerate(zip(heard, asked, strict=True)):
            for i in own:
                out[n, i] = (one.opinions or {}).get(segments[i]["segment_id"], 0.0)
        return out, heard


def read_weight(path: Path | None, revision: str) -> float:
    """What a model's opinions are worth by its record; 0 without one. Raises OSError or ValueError with a remedy."""
    if path is None:
        return 0.0
    again = "measure it: python -m jobs.evaluate_personas --config CONFIG --record FILE"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        weight, of = float(record["weight"]), record["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OSError(f"personas.measured: {path} is no record of a model ({error}); {again}") from error
    if of != revision:
        raise ValueError(
            f"personas.measured: {path} is the record of {of}, and this model is {revision}; {again}"
        )
    return weight


def write_weight(path: Path, revision: str, weight: float, products: int, answered: int) -> None:
    """Keeps what a model's opinions were worth, on how many products, and of how many it gave an answer."""
    record = {"model": revision, "weight": weight, "products": products, "answered": answered}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
