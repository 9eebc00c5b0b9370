"""A whole night with the GPU profile, its models tiny and random, on the CPU."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.releases import read_release
from infra.tables import read_night, read_table
from schemas.revisions import VIEWS
from tests.tiny_night import save_tiny_night

ROOT = Path(__file__).resolve().parents[2]
NIGHT = dt.date(2026, 11, 21)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_a_night_with_models_ends_in_a_release(tmp_path: Path) -> None:
    config = save_tiny_night(tmp_path)
    state = tmp_path / "state"
    command = [sys.executable, "-m", "infra.night", f"--config={config}", f"--state={state}"]
    command += [f"--run-date={NIGHT}", "--limit=1"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    candidates = read_table(state, "candidates").to_pylist()
    assert candidates and {row["scene_backend"] for row in candidates} == {"diffusion"}
    assert all(row["changed_core_px"] == 0 for row in candidates)
    assert all("sdxl@" in row["scene_revision"] for row in candidates)
    # Random weights write no copy: each instruction tells what the model was refused for.
    assert all(row["refused_attempts"] for row in read_night(state, "instructions", NIGHT).to_pylist())
    personas = read_night(state, "personas", NIGHT).to_pylist()
    assert personas and all(row["refused_attempts"] for row in personas)
    assert {row["model_score"] for row in personas} == {0.0}
    # The tiny tokenizer takes a token a letter; no model draws what is white.
    assert all((row["placement"] == "white") == (row["prompt_left_out"] is None) for row in candidates)
    assert {row["reference"] is None for row in read_night(state, "instructions", NIGHT).to_pylist()} == {
        True,
        False,
    }
    views = read_table(state, "product_views").to_pylist()
    assert {row["method_revision"].partition("@")[0] for row in views} == {f"{VIEWS}+segmenter"}
    assert all("+matting@" in row["method_revision"] for row in views)
    assert any(row["verdict"] == "accepted" for row in views)
    told = [{item["name"] for item in row["measurements"]} for row in read_table(state, "scores").to_pylist()]
    assert told and all("judge_answered" in names for names in told)
    for name in ("setting_similarity", "twin_similarity", "judge_floating", "judged_floating"):
        assert any(name in names for names in told), name
    assert read_release(state).table("assets").num_rows > 0
