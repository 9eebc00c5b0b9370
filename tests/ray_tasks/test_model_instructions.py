from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from infra.object_store import open_store
from infra.tables import rows_to_table
from ray_tasks.copywriting.shown import cutout_picture
from ray_tasks.model_instructions import ModelInstructionWriter
from ray_tasks.models.vision_language import Question, VisionLanguageModel
from ray_tasks.personas.opinion import Adviser
from ray_tasks.write_instructions import InstructionWriter
from schemas.config import Store
from schemas.instruction import instruction_hash
from schemas.model_config import WriterModel
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.models.test_vision_language import folder  # noqa: F401
from tests.ray_tasks.records import SEGMENTS, product
from tests.ray_tasks.test_write_instructions import batch

RULES = {
    "segments": rows_to_table("segments", SEGMENTS),
    "locales": {"roastery": ("en",)},
    "embedder": BagOfWordsEmbedder(),
}


class Poet:
    """Implements JsonModel: writes for the office, breaks a rule for everybody else."""

    name = "poet"
    revision = "test"

    def __init__(self) -> None:
        self.pictures: list[tuple[int, ...] | None] = []

    def answer(self, questions: Sequence[Question]) -> list[str]:
        self.pictures += [None if q.picture is None else q.picture.shape for q in questions]
        lines = ["A quiet cup" if '"Office"' in q.user else "The best coffee" for q in questions]
        return [
            json.dumps(
                {
                    "headline": {"text": line, "rests_on": []},
                    "selling_points": [{"text": "0 g sugar", "rests_on": ["f1"]}],
                    "sticker": None,
                    "call_to_action": "Try it",
                }
            )
            for line in lines
        ]


def test_the_model_writes_what_passes_and_the_rules_the_rest(tmp_path: Path) -> None:
    cutout = np.zeros((80, 40, 4), np.uint8)
    cutout[20:60, 10:30] = (10, 20, 30, 255)
    open_store(Store(), tmp_path).put("cutouts/x.png", cv2.imencode(".png", cutout)[1].tobytes())
    poet = Poet()
    model = WriterModel(model="someone/poet", revision="abcdef0", picture_px=40)
    writer = ModelInstructionWriter(RULES, model, Store(), tmp_path, poet)
    products = [product("C1"), product("C2", title="Mug <b>now</b>")]
    rows = writer(batch(products, ["office", "fitness"])).to_pylist()
    ruled = InstructionWriter(**RULES)(batch(products, ["office", "fitness"])).to_pylist()
    office, fitness, *hostile = rows
    assert office["writer"] == "poet" and office["headline"] == "A quiet cup"
    assert office["writer_revision"].startswith("someone/poet@abcdef0+") and office["refused_attempts"] == []
    assert office["instruction_hash"] == instruction_hash(office)
    assert fitness["refused_attempts"] == ["superlative", "superlative"]
    assert fitness | {"refused_attempts": []} == ruled[1], "the rules' record as it was"
    assert all(row["rejected_for"] and row["refused_attempts"] == [] for row in hostile)
    assert set(poet.pictures) == {(40, 20, 3)}


def test_random_weights_leave_every_record_to_the_rules(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    model = WriterModel(model=str(folder), device="cpu", picture_px=32)
    writer = ModelInstructionWriter(RULES, model, Store(), tmp_path, VisionLanguageModel(model))
    [row] = writer(batch([product()], ["office"])).to_pylist()
    assert row["writer"] == "rules" and len(row["refused_attempts"]) == 2
    assert "schema_invalid" not in ",".join(row["refused_attempts"]), "valid JSON even then"


def test_personas_and_copy_stand_on_one_reading_of_a_product(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    cutout = np.full((40, 40, 4), 255, np.uint8)
    open_store(Store(), tmp_path).put("cutouts/x.png", cv2.imencode(".png", cutout)[1].tobytes())
    config = WriterModel(model=str(folder), device="cpu", picture_px=32, max_new_tokens=64)
    model = VisionLanguageModel(config)
    products = [product(f"C{n}", title=f"Coffee number {n}") for n in range(3)]
    adviser = Adviser(model, 0.0, "test", partial(cutout_picture, Store(), tmp_path, 32))
    shown = [one | {"cutout_uri": "cutouts/x.png"} for one in products]
    adviser.opinions(shown, SEGMENTS, np.zeros((3, len(SEGMENTS))), np.ones((3, len(SEGMENTS)), bool))
    ModelInstructionWriter(RULES, config, Store(), tmp_path, model)(batch(products, ["office", "fitness"]))
    assert model.prefixes_read == 3
