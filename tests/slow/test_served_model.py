"""Two stages of one process ask one served model: it is loaded once, reads each product once, and is asked once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import ray

from infra import ray_session
from infra.object_store import open_store
from infra.tables import append_rows, ensure_tables, read_night, read_table, rows_to_table
from ray_tasks import infer_personas, write_instructions
from ray_tasks.models.served import LoadedWhenAsked
from schemas.config import Store
from tests.ray_tasks.models.test_vision_language import folder  # noqa: F401
from tests.ray_tasks.records import CONFIG, NIGHT, product, tables
from tests.ray_tasks.test_infer_personas import AFFINITIES

pytestmark = pytest.mark.slow


def _of_the_model(folder: Path, look: Callable[[LoadedWhenAsked], Any]) -> Any:  # noqa: F811
    ((actor,),) = [handles for key, handles in ray_session._served.items() if str(folder) in str(key)]
    return ray.get(actor.__ray_call__.remote(look))


def test_personas_and_copy_share_what_the_model_has_read(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    config, state = tmp_path / "night.toml", tmp_path / "var"
    model = f'[writer]\nbackend = "model"\n[writer.model]\nmodel = "{folder}"\ndevice = "cpu"\nmax_new_tokens = 64\n'
    config.write_text(f'{CONFIG}\n{model}[personas]\nbackend = "model"\n', encoding="utf-8")
    ensure_tables(state)
    for name, table in tables(
        [product(f"C{n}", title=f"Coffee number {n}") for n in range(3)], AFFINITIES
    ).items():
        append_rows(state, name, table)
    cutout = np.full((40, 40, 4), 255, np.uint8)
    open_store(Store(), state).put("cutouts/x.png", cv2.imencode(".png", cutout)[1].tobytes())
    arguments = [f"--run-date={NIGHT}", f"--config={config}", f"--state={state}"]
    infer_personas.main(arguments)
    personas = read_table(state, "personas").to_pylist()
    assert len(personas) == 6 and {row["model_score"] for row in personas} == {0.0}
    assert all("writer@" in row["method_revision"] for row in personas)
    assert {tuple(row["refused_attempts"]) for row in personas} == {("schema_invalid",) * 2}, "cut off"
    write_instructions.main(arguments)
    written = read_table(state, "instructions").to_pylist()
    assert len(written) == 12 and all(len(row["refused_attempts"]) == 2 for row in written)
    assert _of_the_model(folder, lambda one: one.model.prefixes_read) == 3

    tomorrow = NIGHT + dt.timedelta(days=1)
    for name in ("products", "segments", "segment_affinity"):
        rows = [row | {"run_date": tomorrow} for row in read_table(state, name).to_pylist()]
        append_rows(state, name, rows_to_table(name, rows))
    ray_session._served.clear()
    again = [f"--run-date={tomorrow}", *arguments[1:]]
    infer_personas.main(again)
    write_instructions.main(again)
    assert not _of_the_model(folder, lambda one: "model" in vars(one)), (
        "nothing was asked, nor were weights loaded"
    )
    for name, number in (("personas", 6), ("instructions", 12)):
        same = [{**row, "run_date": NIGHT} for row in read_night(state, name, tomorrow).to_pylist()]
        assert same == read_night(state, name, NIGHT).to_pylist() and len(same) == number
