from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import ray

from infra import ray_session
from infra.stage import StageError
from ray_tasks.models.served import ServedModel, serve_model
from ray_tasks.models.vision_language import Question
from schemas.config import Engines
from schemas.model_config import WriterModel
from tests.ray_tasks.models.test_vision_language import CHOICE


def test_all_questions_about_one_product_go_to_one_card_and_none_is_asked_twice(tmp_path: Path) -> None:
    class Echo:
        """Answers with its own number. Defined here: Ray's processes cannot import tests."""

        def __init__(self, number: int) -> None:
            self.number = number
            self.asked = 0

        def answer(self, questions: list[Question]) -> list[str]:
            self.asked += len(questions)
            return [f"{self.number} {question.user}" for question in questions]

    ray_session.start_ray(Engines(cores=1))
    actors = [ray.remote(num_cpus=0)(Echo).remote(number) for number in range(3)]
    asked = [Question("", f"{n}", None, CHOICE, f"product {n % 8}") for n in range(24)]
    cache = tmp_path / "cache" / "answers.sqlite"
    told = ServedModel("echo", "1", actors, cache, "echo@1").answer([*asked, asked[0]])
    answers = [answer.split() for answer in told[:-1]]
    assert [said for _, said in answers] == [str(n) for n in range(24)]
    assert len({number for number, _ in answers}) > 1
    assert all(len({answers[n][0] for n in range(start, 24, 8)}) == 1 for start in range(8))

    def times_asked() -> int:
        return sum(ray.get([actor.__ray_call__.remote(lambda one: one.asked) for actor in actors]))

    assert (told[-1], times_asked()) == (told[0], 24)
    assert ServedModel("echo", "1", actors, cache, "echo@1").answer([*asked, asked[0]]) == told
    assert times_asked() == 24, "another night"
    others = [replace(asked[0], **{name: "other"}) for name in ("system", "user", "shared")]
    others += [
        replace(asked[0], picture=np.zeros((2, 2, 3), np.uint8)),
        replace(asked[0], schema={"type": "null"}),
    ]
    ServedModel("echo", "1", actors, cache, "echo@1").answer(others)
    assert times_asked() == 24 + len(others)
    ServedModel("echo", "1", actors, cache, "echo@2").answer(asked)
    assert times_asked() == 48 + len(others), "another model"


def test_a_model_that_cannot_be_loaded_stops_the_stage_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"no folder with a model \(config.json\) is there"):
        serve_model(WriterModel(model=str(tmp_path), device="cpu"), Engines(cores=1), tmp_path)
    with pytest.raises(StageError, match="Ray finds no GPU"):
        serve_model(WriterModel(model=str(tmp_path)), Engines(cores=1), tmp_path)
