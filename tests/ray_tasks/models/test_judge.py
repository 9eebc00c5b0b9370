from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ray_tasks.models.judge import (
    JUDGEMENT_JSON_SCHEMA,
    QUESTIONS,
    Measured,
    PictureJudge,
    judged_reasons,
    measure_judge,
)
from ray_tasks.models.vision_language import Question, VisionLanguageModel
from schemas.model_config import WriterModel
from tests.tiny_models import save_tiny_vision_language_model

NO = dict.fromkeys(QUESTIONS, False)


class Scripted:
    """A JsonModel that gives the answers that it was given."""

    name = "scripted"
    revision = "1"

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def answer(self, questions: Sequence[Question]) -> list[str]:
        return [self._answers.pop(0) for _ in questions]


def test_even_random_weights_answer_every_question(tmp_path: Path) -> None:
    save_tiny_vision_language_model(tmp_path)
    config = WriterModel(model=str(tmp_path), device="cpu", max_new_tokens=160)
    judge = PictureJudge(VisionLanguageModel(config, JUDGEMENT_JSON_SCHEMA))
    answers = judge.judge([np.full((32, 32, 3), shade, np.uint8) for shade in (20, 220)])
    assert all(answer is not None and set(answer) == set(QUESTIONS) for answer in answers)


def test_what_is_no_whole_answer_is_none() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    answers = PictureJudge(Scripted(json.dumps(NO), '{"floating": tr', '{"floating": true}')).judge(
        [picture] * 3
    )
    assert answers == [NO, None, None]


def test_a_question_counts_by_how_right_it_was() -> None:
    truth = [frozenset({"floating"})] * 40 + [frozenset[str]()] * 60
    # floating: 36 of 40 found, 2 false; unsafe: never there, said ten times.
    answers = [NO | {"floating": i < 36 or i in (50, 51), "unsafe": i >= 90} for i in range(99)] + [None]
    measured = measure_judge(answers, truth)
    assert measured["floating"].precision == pytest.approx(36 / 38) and measured["floating"].recall == 0.9
    assert 0.82 < measured["floating"].least_precision < 0.84
    assert measured["unsafe"].least_precision == 0 and measured["unreadable"] == Measured(0, 0, 0)
    both = NO | {"floating": True, "unsafe": True}
    assert judged_reasons(both, measured, 0.8) == ["floating"]
    assert judged_reasons(both, measured, 0.9) == [] and judged_reasons(None, measured, 0.0) == []
    assert judged_reasons(both, {}, 0.0) == [], "a question that was never measured never counts"


def test_few_pictures_prove_little() -> None:
    assert Measured(3, 3, 3).least_precision < 0.5 < Measured(30, 30, 30).least_precision
