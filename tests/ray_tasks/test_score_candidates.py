from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import pytest

from infra.object_store import LocalStore, object_key
from infra.settings import load_config
from infra.stage import read_record, record_path
from infra.tables import append_rows, ensure_tables, read_table, rows_to_table
from ray_tasks.due import SCENE_JOBS
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.pictures.decide import Thresholds
from ray_tasks.score_candidates import (
    STAGE,
    ScoreCandidates,
    main,
    planned_candidates,
    score_rejects,
)
from schemas.revisions import RENDERER, scorer_revision
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

NIGHT = dt.date(2026, 11, 21)

CONFIG = """
[paths]
data_root = "{state}"

[placements.square]
width_px = 512
height_px = 512

[[merchants]]
id = "north"
name = "North"
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
path = "products.csv"
format = "csv"
[merchants.feed.fields]
sku = "sku"
title = "title"
category = "category"
price = "price"

[[segment_sources]]
id = "panel"
kind = "table"
[segment_sources.segments]
path = "segments.csv"
format = "csv"
[segment_sources.segments.fields]
segment_id = "id"
[segment_sources.members]
path = "members.csv"
format = "csv"
[segment_sources.members.fields]
user_id = "id"
"""

TOO_LONG = "Incomprehensibly long words will never fit into one headline " * 6


def sha(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def job(sku: str, headline: str, cutout_uri: str) -> dict[str, Any]:
    return {
        "merchant_id": "north", "sku": sku, "segment_id": "hikers", "variant": 0,
        "run_date": NIGHT, "width_px": 512, "scene_height_px": 512, "scene_text": True, "offer": None,
        "image_sha256": sha("image" + sku), "cutout_sha256": sha("cutout" + sku), "cutout_uri": cutout_uri,
        "scene_backend": "components", "scene_revision": "components-1", "layout": "headline_left",
        "scene": {"setting": "wood_table", "light": "window_left", "season": "all", "mood": "cosy",
                  "palette": ["#8a5a36", "#d9a05b"], "props": ["none"]},
        "texts": [{"locale": "en", "headline": headline, "selling_points": [], "sticker": None,
                   "call_to_action": None, "alt_text": sku, "product_alt_text": sku,
                   "instruction_hash": sha(headline)}],
        "pictures": [{"locale": "en", "placement": "square", "height_px": 512, "look": "text",
                      "asset_id": sha("asset" + sku), "identity": "{}"}],
    }  # fmt: skip


def unit(made: dict[str, Any], cutout_uri: str) -> dict[str, Any]:
    return made | {
        "run_date": NIGHT, "cutout_uri": cutout_uri, "status": "to_do", "reason": "new_product", "priority": 1.0,
        "estimated_s": 0.3, "persona_rank": 1, "renderer_revision": RENDERER, "look": "text",
        "scene_height_px": 512, "scene_text": True, "offer": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[dict[str, Any]], pa.Table]:
    """A state with three real candidates: two good ones and one whose text did not fit."""
    root = tmp_path_factory.mktemp("scores")
    config_path, state = root / "night.toml", root / "var"
    config_path.write_text(CONFIG, encoding="utf-8")
    ensure_tables(state)
    store = LocalStore(state / "store")
    jobs, units = [], []
    for sku, cutout, headline in (
        ("A-1", bottle(420), "Dry feet"),
        ("A-2", shoe(420), "Warm hands"),
        ("A-3", bottle(400, (160, 60, 40)), TOO_LONG),
    ):
        png = cv2.imencode(".png", cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))[1].tobytes()
        uri = object_key("cutouts", sha(png), "png")
        store.put(uri, png)
        jobs.append(job(sku, headline, uri))
    draw = DrawPictures(load_config(config_path), state)
    made = draw(pa.Table.from_pylist(jobs, schema=SCENE_JOBS)).to_pylist()
    assert [row["failure"] for row in made] == [None] * 3
    candidates = rows_to_table(
        "candidates", [{k: v for k, v in row.items() if k != "failure"} for row in made]
    )
    append_rows(state, "candidates", candidates)
    units = [unit(row, work["cutout_uri"]) for row, work in zip(made, jobs, strict=True)]
    names = [field.name for field in read_table(state, "work_units").schema]
    append_rows(
        state, "work_units", rows_to_table("work_units", [{n: row.get(n) for n in names} for row in units])
    )
    return config_path, state, units, candidates


def scores_of(drawn: tuple[Path, Path, list[dict[str, Any]], pa.Table]) -> list[dict[str, Any]]:
    config_path, state, units, candidates = drawn
    task = ScoreCandidates(load_config(config_path), state, NIGHT)
    rows: list[dict[str, Any]] = task(planned_candidates(units, candidates)).to_pylist()
    return rows


def test_good_pictures_pass_and_the_overflowing_one_does_not(drawn: Any) -> None:
    scores = scores_of(drawn)
    assert [row["failure"] for row in scores] == [None] * 3
    assert [row["verdict"] for row in scores] == ["accepted", "accepted", "rejected"]
    assert scores[2]["reasons"][0] == "text_overflow"
    names = {item["name"] for item in scores[0]["measurements"]}
    assert {"fidelity_mean_abs", "text_contrast_min", "separation", "sharpness"} <= names
    fields = [name for name in scores[0] if name not in ("failure", "detail")]
    assert rows_to_table("scores", [{n: row[n] for n in fields} for row in scores]).num_rows == 3


def test_of_two_personas_pictures_that_look_alike_the_likelier_ones_stays(drawn: Any) -> None:
    config_path, state, units, candidates = drawn
    first = next(row for row in candidates.to_pylist() if row["asset_id"] == units[0]["asset_id"])
    twin = first | {"asset_id": sha("twin"), "segment_id": "runners"}
    both = [units[0], units[0] | {"asset_id": twin["asset_id"], "segment_id": "runners", "persona_rank": 2}]
    made = rows_to_table("candidates", [first, twin])
    rows = {row["segment_id"]: row for row in planned_candidates(both, made).to_pylist()}
    assert [len(rows[segment]["rivals"]) for segment in ("hikers", "runners")] == [0, 1]
    task = ScoreCandidates(load_config(config_path), state, NIGHT)
    assert task.score(rows["hikers"])["reasons"] == []
    assert task.score(rows["runners"])["reasons"] == ["near_duplicate"]
    # What was accepted before stays, whoever it is for; what was rejected takes nobody's place.
    accepted = planned_candidates(both, made, {twin["asset_id"]: "accepted"}).to_pylist()
    rejected = planned_candidates(both, made, {first["asset_id"]: "rejected"}).to_pylist()
    assert {row["segment_id"]: len(row["rivals"]) for row in accepted} == {"hikers": 1, "runners": 1}
    assert {row["segment_id"]: len(row["rivals"]) for row in rejected} == {"hikers": 0, "runners": 0}


def test_texts_of_the_source_picture_come_with_its_candidates(drawn: Any) -> None:
    _, _, units, candidates = drawn
    told = {units[1]["image_sha256"]: ["SALE -40 %"]}
    rows = planned_candidates(units, candidates, source_texts=told).to_pylist()
    assert {row["sku"]: row["source_texts"] for row in rows} == {
        "A-1": None,
        "A-2": ["SALE -40 %"],
        "A-3": None,
    }


def test_a_missing_or_changed_object_costs_one_row(drawn: Any, tmp_path: Path) -> None:
    config_path, state, units, candidates = drawn
    planned = planned_candidates(units, candidates).to_pylist()
    task = ScoreCandidates(load_config(config_path), state, NIGHT)
    gone = task.score(planned[0] | {"uri": "pictures/00/" + "0" * 64 + ".jpg"})
    changed = task.score(planned[0] | {"sha256": "0" * 64})
    foreign = task.score(planned[0] | {"product_box": {"left": 0, "top": 0, "right": 300, "bottom": 40}})
    failures = [row["failure"] for row in (gone, changed, foreign)]
    assert failures == ["object_missing", "object_changed", "scoring_failed"]
    assert "another cut-out" in foreign["detail"]
    rejects = list(score_rejects([planned[0] | gone], Thresholds()))
    assert [(row["key"], row["reason"], row["sku"]) for row in rejects] == [
        (planned[0]["asset_id"], "object_missing", "A-1")
    ]


def test_the_stage_scores_once_and_writes_all_of_tonights_rejects(drawn: Any) -> None:
    config_path, state, units, _ = drawn
    arguments = [f"--run-date={NIGHT}", f"--config={config_path}", f"--state={state}"]
    for _ in range(2):
        main(arguments)
        assert read_table(state, "scores").num_rows == 3
        rejects = read_table(state, "rejects", filters=[("stage", "=", STAGE)]).to_pylist()
        assert [(row["key"], row["reason"]) for row in rejects] == [(units[2]["asset_id"], "text_overflow")]
        assert "at most 0 is asked" in rejects[0]["detail"] and "segment hikers" in rejects[0]["detail"]
        record = read_record(record_path(state, NIGHT, STAGE))
        assert record is not None and (record["rows_in"], record["rows_out"]) == (3, 2)
        assert record["funnel"]["north"]["set_aside"] == {"text_overflow": 1}


def test_other_thresholds_make_other_rows(drawn: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config_path, state, units, candidates = drawn
    strict = config_path.with_name("strict.toml")
    strict.write_text(CONFIG + "[quality.thresholds]\nmin_product_share = 0.9\n", encoding="utf-8")
    config = load_config(strict)
    row = ScoreCandidates(config, state, NIGHT).score(planned_candidates(units, candidates).to_pylist()[0])
    assert row["reasons"] == ["product_too_small"]
    assert row["scorer_revision"] == scorer_revision(config.quality)
    assert row["scorer_revision"] != scorer_revision(load_config(config_path).quality)
    strict.write_text(CONFIG + "[quality.thresholds]\nmin_beauty = 1.0\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main([f"--run-date={NIGHT}", f"--config={strict}", f"--state={state}"])
    told = capsys.readouterr().err
    assert "min_beauty unknown" in told and "min_product_share" in told


def test_another_threshold_decides_anew_and_measures_nothing(
    drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_path, state, _, _ = drawn
    own = read_table(state, "scores").to_pylist()
    strict = config_path.with_name("strict.toml")
    strict.write_text(CONFIG + "\n[quality.thresholds]\nmin_sharpness = 1e6\n", encoding="utf-8")
    for path in (state / "store" / "pictures").rglob("*.jpg"):
        path.rename(path.with_suffix(".away"))  # whoever measures finds nothing
    main([f"--run-date={NIGHT}", f"--config={strict}", f"--state={state}"])
    for path in (state / "store" / "pictures").rglob("*.away"):
        path.rename(path.with_suffix(".jpg"))
    rows = read_table(state, "scores").to_pylist()
    anew = [row for row in rows if row["scorer_revision"] != own[0]["scorer_revision"]]
    assert len(rows) == 2 * len(own)
    assert {row["verdict"] for row in anew} == {"rejected"}
    assert all("blurry_product" in row["reasons"] for row in anew)
    before = {row["asset_id"]: row["measurements"] for row in own}
    assert all(row["measurements"] == before[row["asset_id"]] for row in anew)
