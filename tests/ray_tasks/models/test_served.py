from __future__ import annotations

from pathlib import Path

import pytest
import ray

from infra import ray_session
from infra.stage import StageError
from ray_tasks.models.served import ServedModel, serve_model
from ray_tasks.models.vision_language import Question
from schemas.config import Engines
from schemas.model_config import WriterModel
from tests.ray_tasks.models.test_vision_language import CHOICE


def test_all_questions_about_one_product_go_to_one_card() -> None:
    class Echo:
        """Answers with its own number. Defined here: Ray's processes cannot import tests."""

        def __init__(self, number: int) -> None:
            self.number = number

        def answer(self, questions: list[Question]) -> list[str]:
            return [f"{self.number} {question.user}" for question in questions]

    ray_session.start_ray(Engines(cores=1))
    actors = [ray.remote(num_cpus=0)(Echo).remote(number) for number in range(3)]
    asked = [Question("", f"{n}", None, CHOICE, f"product {n % 8}") for n in range(24)]
    answers = [answer.split() for answer in ServedModel("echo", "1", actors).answer(asked)]
    assert [said for _, said in answers] == [str(n) for n in range(24)]
    assert len({number for number, _ in answers}) > 1
    assert all(len({answers[n][0] for n in range(start, 24, 8)}) == 1 for start in range(8))


def test_a_model_that_cannot_be_loaded_stops_the_stage_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"no folder with a model \(config.json\) is there"):
        serve_model(WriterModel(model=str(tmp_path), device="cpu"), Engines(cores=1))
    with pytest.raises(StageError, match="Ray finds no GPU"):
        serve_model(WriterModel(model=str(tmp_path)), Engines(cores=1))
