from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from ray_tasks.copywriting.shown import FENCE, shown_record
from ray_tasks.infer_personas import PersonaRanker
from ray_tasks.models.vision_language import Question, VisionLanguageModel
from ray_tasks.personas.evaluate import WITH_MODEL, evaluation, markdown
from ray_tasks.personas.measure_opinion import Asked, ask, fit_weight
from ray_tasks.personas.opinion import (
    FITS,
    Adviser,
    Heard,
    adviser_revision,
    hear_all,
    read_weight,
    write_weight,
)
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.weights import Weights
from schemas.model_config import WriterModel
from tests.ray_tasks.copywriting.test_model_writer import INJECTED, Scripted
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.models.test_vision_language import folder  # noqa: F401
from tests.ray_tasks.personas.test_fit import planted_case
from tests.ray_tasks.records import SEGMENTS, product, tables
from tests.ray_tasks.test_infer_personas import AFFINITIES


def opinion(segment_id: str, wants_it: str = "much_likelier", **changed: Any) -> dict[str, Any]:
    said = {"segment_id": segment_id, "wants_it": wants_it, "rests_on": ["f1"], "because": "0 g of sugar"}
    return said | changed


def answer(*opinions: dict[str, Any]) -> dict[str, Any]:
    return {"opinions": list(opinions)}


class Knowing:
    """Implements JsonModel: says of each segment what a rule says of the product's title and the segment's id."""

    name = "knowing"
    revision = "test"

    def __init__(self, rule: Any) -> None:
        self._rule = rule
        self.asked: list[Question] = []

    def answer(self, questions: Sequence[Question]) -> list[str]:
        self.asked += questions
        answers = []
        for question in questions:
            ids = question.schema["properties"]["opinions"]["items"]["properties"]["segment_id"]["enum"]
            title = json.loads(question.shared.split(FENCE)[1])["title"]
            said = [(one, self._rule(title, one)) for one in ids]
            told = [opinion(one, fit, rests_on=["title"], because="so") for one, fit in said if fit]
            answers.append(json.dumps(answer(*told)))
        return answers


def heard(item: dict[str, Any] | None = None) -> Heard:
    return Heard(item or product(), SEGMENTS[:3])


def test_an_answer_becomes_opinions_with_reasons_that_cite_the_record() -> None:
    one = heard()
    model = Scripted(answer(opinion("office"), opinion("fitness", "less_likely", rests_on=["f2", "title"])))
    hear_all(model, [one])
    assert one.opinions == {"office": FITS["much_likelier"], "fitness": FITS["less_likely"]}
    assert one.reasons["office"] == (
        "a model finds it much likelier: '0 g of sugar' (rests on f1: sugar: 0 g)"
    )
    assert "f2: caffeine: 180 mg; title: Black Coffee" in one.reasons["fitness"]


BAD = {
    "schema_invalid": answer(opinion("elsewhere")),
    "segment_repeats": answer(opinion("office"), opinion("office", "less_likely")),
    "number_not_in_record": answer(opinion("office", because="has 200 mg")),
    "smuggled_text": answer(opinion("office", because="see www.evil.example")),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_refused_answer_is_told_why_and_repaired_once(reason: str) -> None:
    one, model = heard(), Scripted(BAD[reason], answer(opinion("office")))
    hear_all(model, [one])
    assert one.refused == [[reason]] and one.opinions == {"office": FITS["much_likelier"]}
    assert "It was refused" in model.asked[1].user
    assert model.asked[0].prefix == model.asked[1].prefix, "what the model has read of the product stands"


@pytest.mark.parametrize("key", ["nothing", "f9"])
def test_a_reason_rests_on_something_that_the_record_has(key: str) -> None:
    one = heard()
    hear_all(Scripted(*[answer(opinion("office", rests_on=[key] if key != "nothing" else []))] * 2), [one])
    assert one.opinions is None and one.refused == [["schema_invalid"]] * 2


def test_commands_in_feed_and_segments_stay_data_between_the_fences() -> None:
    hostile = product(description=f"Mug\n{FENCE}\n{INJECTED}")
    one = Heard(hostile, [SEGMENTS[0] | {"need": f"{FENCE}\n{INJECTED}"}])
    asked = one.question()
    for text, key in ((asked.shared, "description"), (asked.user, "who")):
        before, data, after = text.split(FENCE)
        assert "Ignore" not in before + after
        told = json.loads(data)
        assert "Ignore" in (told[key] if isinstance(told, dict) else told[0][key])


def test_even_random_weights_name_only_what_was_shown(folder: Path) -> None:  # noqa: F811
    config = WriterModel(model=str(folder), device="cpu", batch_size=2, picture_px=32)
    told = VisionLanguageModel(config).answer([heard().question(), heard(product("C2", facts=[])).question()])
    for said, one in zip(told, (heard(), heard(product(facts=[]))), strict=True):
        found = json.loads(said)
        assert Draft202012Validator(one.question().schema).is_valid(found)
        ids = {each["segment_id"] for each in found["opinions"]}
        assert ids <= {"fitness", "office", "exam_students"}
        assert {key for each in found["opinions"] for key in each["rests_on"]} <= set(
            shown_record(one.product)
        )


def rows(model: Any, weight: float, products: list[dict[str, Any]], k: int = 5) -> list[dict[str, Any]]:
    parts = tables(products, AFFINITIES)
    adviser = None if model is None else Adviser(model, weight, "model@1")
    ranker = PersonaRanker(
        parts["segments"],
        without_own_past(parts["segment_affinity"]),
        {"roastery": k},
        {"roastery": ("panel",)},
        BagOfWordsEmbedder(),
        adviser=adviser,
    )
    return ranker(with_own_past(parts["products"], parts["segment_affinity"])).to_pylist()


def test_an_opinion_changes_the_ranking_by_its_weight_and_is_told() -> None:
    model = Knowing(lambda title, one: "much_likelier" if one == "outdoors" else None)
    ruled, advised = rows(None, 0, [product()]), rows(model, 3.0, [product()])
    assert "outdoors" not in {row["segment_id"] for row in ruled}
    first = advised[0]
    assert first["segment_id"] == "outdoors"
    assert first["model_score"] == pytest.approx(3 * np.log(2), abs=1e-5)
    parts = [first[f"{name}_score"] for name in ("affinity", "text", "price", "season", "model")]
    assert first["score"] == pytest.approx(sum(parts), abs=1e-5)
    assert first["evidence"][-1].startswith("a model finds it much likelier: 'so' (rests on title: Black")
    assert first["refused_attempts"] == [] and first["method_revision"].endswith("+3 x model@1")
    others = [row for row in advised if row["segment_id"] != "outdoors"]
    assert {row["model_score"] for row in others} == {0.0}
    assert ruled[0]["model_score"] is None and ruled[0]["refused_attempts"] is None


def test_a_model_without_a_record_is_written_down_and_counts_nothing() -> None:
    model = Knowing(lambda title, one: "less_likely" if one == "fitness" else None)
    changed = ("evidence", "model_score", "refused_attempts", "method_revision")
    for ruled, advised in zip(rows(None, 0, [product()]), rows(model, 0.0, [product()]), strict=True):
        assert {k: v for k, v in ruled.items() if k not in changed} == {
            k: v for k, v in advised.items() if k not in changed
        }
    assert "less likely" in next(
        row["evidence"][-1] for row in rows(model, 0.0, [product()]) if row["segment_id"] == "fitness"
    )


def test_a_model_that_is_refused_twice_leaves_the_rules_ranking() -> None:
    good = json.dumps(answer(opinion("exam_students")))
    ruled = rows(None, 0, [product("C1"), product("C2")])
    advised = rows(Scripted("no", good, "no"), 3.0, [product("C1"), product("C2")])
    assert [row["segment_id"] for row in advised if row["sku"] == "C1"] == [
        row["segment_id"] for row in ruled if row["sku"] == "C1"
    ]
    assert {tuple(row["refused_attempts"]) for row in advised if row["sku"] == "C1"} == {
        ("schema_invalid", "schema_invalid")
    }
    assert next(row for row in advised if row["sku"] == "C2")["segment_id"] == "exam_students"


def test_only_a_merchants_own_segments_are_shown_and_in_an_order_that_tells_nothing() -> None:
    model = Knowing(lambda title, one: None)
    rows(model, 1.0, [product()])
    [asked] = model.asked
    shown = [one["segment_id"] for one in json.loads(asked.user.split(FENCE)[1])]
    assert shown == sorted(shown) and "elsewhere" not in shown and len(shown) == 5


def test_nobody_is_asked_about_a_product_that_has_no_segment() -> None:
    nobody = np.zeros((1, len(SEGMENTS)), bool)
    found, [one] = Adviser(Scripted(), 1.0, "m").opinions([product()], SEGMENTS, nobody * 1.0, nobody)
    assert not found.any() and one.opinions is None and one.refused == []


def test_a_model_that_knows_gets_its_weight_and_one_that_guesses_none() -> None:
    chance = np.random.default_rng(1)
    ids = sorted(one["segment_id"] for one in SEGMENTS)
    said = [None, *FITS]
    hidden = {(f"Thing {n}", one): said[chance.integers(4)] for n in range(40) for one in ids}
    lifts = np.array([[FITS.get(hidden[f"Thing {n}", one] or "", 0.0) for one in ids] for n in range(40)])
    known = planted_case(lambda parts: 0.7 * parts.tag + 0.8 * lifts)
    weights = Weights.load()
    knowing = ask([known], weights, Adviser(Knowing(lambda title, one: hidden[title, one]), 1.0, "a"))
    blind = np.random.default_rng(3)
    guessing = ask([known], weights, Adviser(Knowing(lambda *_: said[blind.integers(4)]), 1.0, "b"))
    assert knowing[0].answered == 40 and np.array_equal(knowing[0].opinions, lifts.astype(np.float32))
    weight = fit_weight(knowing)
    assert weight == pytest.approx(0.8, abs=0.1) and fit_weight(guessing) < 0.1
    assert fit_weight([Asked(known, knowing[0].score, 0 * knowing[0].opinions, 0)]) == 0
    found = list(evaluation([known], weights, [weight * knowing[0].opinions]))
    at = {row["method"]: row for row in found if row["products_kind"] == "all" and row["metric"] == "ndcg@5"}
    assert at[WITH_MODEL]["ours_minus_high"] < 0, "better than ours without it"
    assert f"| {WITH_MODEL} |" in "\n".join(markdown(found))


def test_a_record_belongs_to_one_model_and_what_it_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "models" / "record.json"
    revision = adviser_revision(WriterModel(model="a/b", revision="c" * 40))
    assert read_weight(None, revision) == 0
    with pytest.raises(OSError, match=r"is no record of a model.*jobs\.evaluate_personas"):
        read_weight(path, revision)
    write_weight(path, revision, 0.4, 60, 58)
    assert read_weight(path, revision) == 0.4
    with pytest.raises(ValueError, match=r"is the record of a/b.*and this model is d/e"):
        read_weight(path, adviser_revision(WriterModel(model="d/e", revision="f" * 40)))
