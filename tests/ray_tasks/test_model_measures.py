from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from infra.object_store import LocalStore
from ray_tasks.model_measures import ModelMeasures
from ray_tasks.models.judge import QUESTIONS, Measured, PictureJudge, write_measured
from ray_tasks.models.vision_language import Question
from schemas.config import Quality
from schemas.model_config import CutOut, Judge, OnDevice
from schemas.revisions import (
    SCORER,
    VIEWS,
    judge_revision,
    measures_revision,
    scorer_revision,
    views_revision,
)
from tests.tiny_models import save_tiny_clip, save_tiny_vision_language_model


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> Quality:
    folder = tmp_path_factory.mktemp("seeing")
    save_tiny_clip(folder / "clip")
    save_tiny_vision_language_model(folder / "judge")
    return Quality(
        image_text=OnDevice(model=str(folder / "clip"), device="cpu"),
        judge=Judge(model=str(folder / "judge"), device="cpu", picture_px=32, batch_size=4),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        picture = rng.integers(0, 255, (48, 64, 3), np.uint8)
        store.put(f"{name}.jpg", cv2.imencode(".jpg", picture)[1].tobytes())
    return store


def row(name: str, *rivals: str, **changed: Any) -> dict[str, Any]:
    others = [{"uri": f"{rival}.jpg"} for rival in rivals]
    told = {"uri": f"{name}.jpg", "setting": "wood_table", "look": "text", "rivals": others}
    return {"asset_id": name} | told | changed


def test_each_picture_is_compared_with_its_setting_and_its_rivals(
    quality: Quality, store: LocalStore
) -> None:
    models = ModelMeasures(quality.model_copy(update={"judge": None}), store)
    told = models.of([row("one"), row("two", "one")])
    one, two = told["one"], told["two"]
    assert isinstance(one, dict) and isinstance(two, dict)
    assert set(one) == {"setting_similarity"} and set(two) == {"setting_similarity", "twin_similarity"}
    assert all(-1 <= value <= 1 for value in [*one.values(), *two.values()])
    again = models.of([row("two", "two", setting="beach_sand")])["two"]
    assert isinstance(again, dict) and again["twin_similarity"] == pytest.approx(1.0, abs=1e-5)
    assert again["setting_similarity"] != two["setting_similarity"]


def test_a_picture_that_cannot_be_measured_fails_alone(quality: Quality, store: LocalStore) -> None:
    told = ModelMeasures(quality, store).of([row("one"), row("lost"), row("two")])
    assert isinstance(told["lost"], FileNotFoundError)
    assert all(
        isinstance(told[name], dict) and told[name]["judge_answered"] == 1.0 for name in ("one", "two")
    )  # type: ignore[index]


class Inspector:
    """Says yes to everything."""

    name = "inspector"
    revision = "1"

    def answer(self, questions: Sequence[Question]) -> list[str]:
        return [json.dumps(dict.fromkeys(QUESTIONS, True)) for _ in questions]


def test_a_yes_is_worth_what_the_judges_record_says(
    quality: Quality, store: LocalStore, tmp_path: Path
) -> None:
    assert quality.judge is not None
    path = tmp_path / "record.json"
    write_measured(path, judge_revision(quality.judge), 200, {"floating": Measured(80, 79, 80)})
    judge = quality.judge.model_copy(update={"measured": str(path)})
    models = ModelMeasures(quality.model_copy(update={"judge": judge, "image_text": None}), store)
    models._judge = PictureJudge(Inspector())
    told = models.of([row("one")])["one"]
    assert isinstance(told, dict) and told["judge_unsafe"] == told["judge_floating"] == 1.0
    assert (
        told["judged_unsafe"] == 0.0 and told["judged_floating"] == Measured(80, 79, 80).least_precision > 0.9
    )
    other = judge.model_copy(update={"picture_px": 48})
    with pytest.raises(ValueError, match="this judge is"):
        ModelMeasures(quality.model_copy(update={"judge": other}), store)


def test_another_instrument_is_another_revision_and_none_is_the_old_one(
    quality: Quality, tmp_path: Path
) -> None:
    assert measures_revision(Quality()) == SCORER and views_revision(CutOut()) == VIEWS
    assert quality.image_text is not None and quality.judge is not None
    (tmp_path / "record.json").write_text("{}", encoding="utf-8")
    record = quality.judge.model_copy(update={"measured": str(tmp_path / "record.json")})
    others = [quality, *(quality.model_copy(update=one) for one in ({"judge": None}, {"judge": record}))]
    revisions = {scorer_revision(one) for one in [*others, Quality()]}
    assert len(revisions) == 4
    assert not any(revision.startswith(f"{SCORER}+") for revision in {*map(scorer_revision, others)})
    assert views_revision(CutOut(matting=quality.image_text)) != VIEWS
