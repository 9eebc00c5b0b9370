"""Each field of an instruction that a model is told reaches its picture, by the way that a night goes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
import torch

from infra.object_store import LocalStore
from infra.settings import load_config
from infra.tables import rows_to_table
from ray_tasks import make_candidates
from ray_tasks.due import SCENE_JOBS
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.scene_backends import References, open_references
from ray_tasks.write_instructions import InstructionWriter
from schemas.config import Config
from schemas.instruction import instruction_hash
from schemas.model_config import Control, Diffusion, Scene
from schemas.revisions import scene_revision
from tests.benchmarks import shared_steps
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.pictures.product_shapes import bottle, shoe
from tests.ray_tasks.records import SEGMENTS, product
from tests.ray_tasks.test_write_instructions import batch
from tests.tiny_night import save_tiny_night
from tests.tiny_transformers import save_tiny_edit_pipeline, save_tiny_z_image, save_tiny_z_image_control


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    torch.set_num_threads(1)
    return load_config(save_tiny_night(tmp_path_factory.mktemp("conditions")))


def with_family(config: Config, family: str, folder: Path) -> Config:
    """The configuration with scenes by a tiny model of another family."""
    scene, layout = config.scene.diffusion, None
    assert scene is not None
    if family == "unet":
        return config
    if family == "z_image":
        save_tiny_z_image(folder / family)
        save_tiny_z_image_control(folder / "control")
        layout = Control(model=str(folder / "control"), scale=1.0)
    else:
        save_tiny_edit_pipeline(folder / family)
    painted = Diffusion(
        model=str(folder / family), device="cpu", size_px=64, steps=2, guidance_scale=0.0, batch=4,
        layout=layout, references=scene.references,
    )  # fmt: skip
    return config.model_copy(update={"scene": Scene(backend="diffusion", diffusion=painted)})


@pytest.fixture(scope="module", params=["unet", "z_image", "edit"])
def made(
    config: Config, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What is changed -> (candidate, picture); the look is plain, so that no letter is in any of them."""
    state = tmp_path_factory.mktemp("state")
    config = with_family(config, request.param, state)
    store = LocalStore(state / "store")
    for name, cutout in (("bottle", bottle()), ("shoe", shoe())):
        png = cv2.imencode(".png", cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))[1].tobytes()
        store.put(f"cutouts/{name}.png", png)
    reference = open_references(config.scene).name("roastery", "outdoors")
    scene = {
        "setting": "forest_trail", "light": "cool_morning", "season": "autumn", "mood": "fresh",
        "palette": ["#4f78a8"], "props": ["leaves"],
    }  # fmt: skip
    text = {
        "locale": "en", "headline": "Dry feet", "selling_points": ["250 ml"], "sticker": "New in",
        "call_to_action": None, "alt_text": "A bottle", "product_alt_text": None, "instruction_hash": "3" * 64,
    }  # fmt: skip
    base = {
        "merchant_id": "roastery", "sku": "A-1", "segment_id": "outdoors", "variant": 0, "scene_text": True,
        "run_date": dt.date(2026, 11, 21), "width_px": 320, "scene_height_px": 320, "cutout_uri": "cutouts/bottle.png",
        "image_sha256": "1" * 64, "cutout_sha256": "2" * 64, "scene_backend": "diffusion", "layout": "headline_top",
        "scene_revision": scene_revision(config.scene), "scene": scene, "texts": [text], "reference": reference,
    }  # fmt: skip
    changes: dict[str, dict[str, Any]] = {
        "nothing": {},
        "text": {"scene": scene | {"setting": "beach_sand", "light": "golden_hour"}},
        "product": {"cutout_uri": "cutouts/shoe.png"},
        "layout": {"layout": "headline_left"},
        "sticker": {"texts": [text | {"sticker": "2 years' warranty"}]},
        "reference": {"reference": None},
        "a lost reference": {"reference": "8" * 64},
    }
    jobs = [
        base
        | change
        | {"pictures": [{"locale": "en", "placement": "square", "height_px": 320, "look": "plain",
                         "asset_id": f"{number}" * 64, "identity": "{}"}]}
        for number, change in enumerate(changes.values())
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        # Otherwise another scene or product would have another seed as well.
        patch.setattr(make_candidates, "scene_seed", lambda job: 7)
        drawn = DrawPictures(config, state)(pa.Table.from_pylist(jobs, schema=SCENE_JOBS)).to_pylist()
    rows = {row["asset_id"]: row for row in drawn}
    found = {}
    for number, name in enumerate(changes):
        row = rows[f"{number}" * 64]
        data = b"" if row["failure"] else store.get(row["uri"])
        found[name] = (row, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None)
    return found


@pytest.mark.parametrize("field", ["text", "product", "layout", "sticker", "reference"])
def test_a_changed_field_changes_the_scene_and_nothing_of_the_product(
    made: dict[str, Any], field: str
) -> None:
    (before, picture), (after, other) = made["nothing"], made[field]
    assert after["failure"] is None and after["changed_core_px"] == 0 and before["changed_core_px"] == 0
    box = before["product_box"]
    inside = np.zeros(picture.shape[:2], bool)
    inside[box["top"] : box["bottom"], box["left"] : box["right"]] = True
    difference = np.abs(picture.astype(int) - other.astype(int)).max(axis=2)
    assert difference[~inside].max() > 2, "the same bytes come of the same scene"
    if field in ("text", "sticker", "reference"):
        middle = np.s_[
            box["top"] + (box["bottom"] - box["top"]) // 3 : box["bottom"]
            - (box["bottom"] - box["top"]) // 3,
            box["left"] + (box["right"] - box["left"]) // 3 : box["right"]
            - (box["right"] - box["left"]) // 3,
        ]
        assert after["product_box"] == box and difference[middle].max() <= 12, "rounding of the JPEG"


@pytest.mark.parametrize("made", ["unet"], indirect=True)
def test_what_was_cut_from_a_prompt_stands_in_the_candidates_row(made: dict[str, Any]) -> None:
    # The tiny tokenizer takes a token a letter.
    assert made["nothing"][0]["prompt_left_out"][-1] == "shallow depth of field"
    assert made["text"][0]["prompt_left_out"] != made["nothing"][0]["prompt_left_out"]
    row = {name: value for name, value in made["nothing"][0].items() if name != "failure"}
    assert rows_to_table("candidates", [row]).num_rows == 1


def test_a_lost_reference_costs_its_picture_and_says_what_to_do(made: dict[str, Any]) -> None:
    row, _ = made["a lost reference"]
    assert "reference_lost" in row["failure"] and "write_instructions" in row["failure"]


def test_the_most_particular_picture_is_the_instructions_own() -> None:
    known = References({"north/hikers": "a", "north": "b", "default": "c"}, {})
    names = [known.name(*who) for who in (("north", "hikers"), ("north", "cooks"), ("south", "hikers"))]
    assert names == ["a", "b", "c"] and References({}, {}).name("north", "hikers") is None


def test_an_instruction_carries_its_reference_and_its_hash_says_so() -> None:
    segments = rows_to_table("segments", SEGMENTS)
    known = References({"roastery/office": "a" * 64, "roastery": "b" * 64}, {})
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for name, references in (("with", known), ("without", None)):
        writer = InstructionWriter(
            segments, {"roastery": ("en",)}, BagOfWordsEmbedder(), references=references
        )
        table = writer(batch([product()], ["office", "fitness"]))
        rows[name] = {row["segment_id"]: row for row in table.to_pylist()}
    assert [rows["with"][who]["reference"] for who in ("office", "fitness")] == ["a" * 64, "b" * 64]
    assert all(row["reference"] is None for row in rows["without"].values())
    assert all(row["rejected_for"] is None for row in [*rows["with"].values(), *rows["without"].values()])
    for who, row in rows["with"].items():
        assert row["instruction_hash"] == instruction_hash(row) != rows["without"][who]["instruction_hash"]
        assert instruction_hash(row | {"reference": None}) == rows["without"][who]["instruction_hash"]


def test_what_shared_steps_cost_is_measured_by_the_stages_that_draw_and_score(
    config: Config, tmp_path: Path
) -> None:
    distance = []
    for shared in (0, 1):
        scored, _, failed = shared_steps.arm(
            shared_steps.with_shared(config, shared), 1, 192, tmp_path / f"{shared}"
        )
        assert len(scored) == shared_steps.GROUPS and failed == 0
        rows = [{one["name"]: one["value"] for one in row["measurements"]} for row in scored]
        distance.append(min(row["twin_distance"] for row in rows))
        assert shared_steps.line(shared, scored, 0.1, 0).startswith(f"| {shared} | 4 | 0 |")
    assert distance[1] < distance[0] / 2, "scenes that begin alike are alike"


def test_a_reference_of_nobody_is_refused(config: Config) -> None:
    assert config.scene.diffusion is not None
    config.scene.diffusion.references["rostery/office"] = "style.jpg"
    with pytest.raises(ValueError, match=r"references\.rostery/office: merchant rostery is not declared"):
        config._names_resolve()
    del config.scene.diffusion.references["rostery/office"]
