from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from infra.settings import load_config
from ray_tasks.models.judge import (
    QUESTIONS,
    Measured,
    PictureJudge,
    judge_measurements,
    measure_judge,
    read_measured,
    write_measured,
)
from ray_tasks.models.vision_language import Question, VisionLanguageModel
from ray_tasks.pictures.decide import JUDGED
from schemas.model_config import WriterModel
from schemas.revisions import judge_revision
from tests.benchmarks import judge as benchmark
from tests.ray_tasks.pictures.product_shapes import bottle
from tests.tiny_models import save_tiny_vision_language_model
from tests.tiny_night import save_tiny_night

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
    judge = PictureJudge(VisionLanguageModel(config))
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
    both = judge_measurements(NO | {"floating": True, "unsafe": True}, measured)
    assert both["judge_floating"] == both["judge_unsafe"] == both["judge_answered"] == 1.0
    assert both["judged_floating"] == measured["floating"].least_precision
    assert both["judged_unsafe"] == 0 == both["judged_wrong_count"], "wrong every time, and a no"
    assert judge_measurements(NO | {"floating": True}, {})["judged_floating"] == 0, "never measured"
    assert judge_measurements(None, measured) == {"judge_answered": 0.0}
    assert set(QUESTIONS) == set(JUDGED)


def test_a_record_is_of_one_judge(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_measured(path, "a/b@1+seeing", 100, {"floating": Measured(38, 36, 40)})
    assert read_measured(path, "a/b@1+seeing") == {"floating": Measured(38, 36, 40)}
    with pytest.raises(ValueError, match=r"record of a/b@1.*this judge is a/b@2.*tests\.benchmarks\.judge"):
        read_measured(path, "a/b@2+seeing")
    path.write_text("{}", encoding="utf-8")
    for bad in (path, tmp_path / "nothing.json"):
        with pytest.raises(OSError, match=r"no record of a judge.*tests\.benchmarks\.judge"):
            read_measured(bad, "a/b@1")


def test_few_pictures_prove_little() -> None:
    assert Measured(3, 3, 3).least_precision < 0.5 < Measured(30, 30, 30).least_precision


def test_the_benchmark_spoils_pictures_asks_and_keeps_the_record(tmp_path: Path) -> None:
    config = load_config(save_tiny_night(tmp_path)).quality.judge
    assert config is not None
    path = tmp_path / "record.json"
    arguments = [f"--config={tmp_path / 'gpu_tiny.toml'}", f"--out={path}", "--products=1", "--strengths=4"]
    benchmark.main(arguments)
    measured = read_measured(path, judge_revision(config))
    assert {name: one.there for name, one in measured.items()} == {
        "wrong_count": 1, "floating": 1, "extended_product": 1, "unreadable": 4, "unsafe": 0,
    }  # fmt: skip
    assert json.loads(path.read_text("utf-8"))["pictures"] == 14


def test_a_second_and_an_extended_product_are_in_the_picture() -> None:
    good = benchmark.good_case(bottle(420), benchmark.SIZE_CM, 0)
    for make in (benchmark.second_product, benchmark.extended_product):
        changed = [(make(good, strength).rgb != good.rgb).any(axis=2) for strength in (1, 4)]
        assert changed[1].sum() > changed[0].sum() > 500
        assert not (changed[1] & (good.alpha[..., 0] == 1)).any(), "the product itself stays"
