"""What is due, how scenes are grouped, and the drawing class without Ray."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from infra.object_store import open_store
from infra.settings import load_config
from ray_tasks.due import (
    CALM_SETTINGS,
    OF_THE_SETTING,
    OF_THE_SOURCE,
    due_units,
    retried,
    scene_jobs,
)
from ray_tasks.make_candidates import DrawPictures, scene_seed
from ray_tasks.pictures.component_scene import DRAWERS
from ray_tasks.pictures.decide import MODEL_RULES, RULES, SCALE_RULES
from schemas.attempts import changes
from schemas.instruction import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "infra/config/local.toml"
SCENE = {
    "setting": "wood_table",
    "light": "window_left",
    "season": "all",
    "mood": "calm",
    "palette": ["#7a4a2b", "#f2e6cf"],
    "props": ["none"],
}


def _unit(locale: str = "en", variant: int = 0, **more: Any) -> dict[str, Any]:
    unit = {"merchant_id": "m", "sku": "a", "segment_id": "s", "locale": locale, "placement": "square"}
    unit |= {"priority": 1.0, "status": "to_do"}
    unit |= {"variant": variant, "asset_id": f"{locale}-{variant}", "identity": "{}", "run_date": None}
    unit |= {
        "width_px": 512,
        "height_px": 512,
        "look": "text",
        "scene_height_px": 512,
        "scene_text": True,
        "offer": None,
        "image_sha256": "i",
        "cutout_sha256": "c",
        "cutout_uri": "cutouts/c.png",
    }
    return unit | {"scene_backend": "components", "scene_revision": "r"} | more


def _instruction(locale: str = "en", headline: str = "Slow mornings") -> dict[str, Any]:
    return {
        "merchant_id": "m", "sku": "a", "segment_id": "s", "locale": locale, "scene": SCENE,
        "layout": "headline_top", "headline": headline, "selling_points": ["250 ml"], "sticker": None,
        "call_to_action": None, "alt_text": "A red block on a wooden table", "product_alt_text": "A red block.",
        "instruction_hash": f"h-{locale}",
        "reference": None,
    }  # fmt: skip


def _ids(units: list[dict[str, Any]]) -> list[str]:
    return [unit["asset_id"] for unit in units]


def test_first_attempts_are_due_and_retries_wait() -> None:
    assert _ids(due_units([_unit(variant=v) for v in (1, 0, 2)], set(), {})) == ["en-0"]


@pytest.mark.parametrize(
    ("rejected", "due"),
    [
        ([["text_overflow"]], ["en-1"]),
        ([["cluttered", "low_contrast"]], ["en-2"]),
        ([["low_contrast", "cluttered"]], ["en-1"]),
        ([["product_cut"]], []),
        ([["cluttered", "baked_text"]], []),
        ([["a_reason_of_tomorrow"]], ["en-1"]),
        ([["text_overflow"], ["near_duplicate"]], ["en-2"]),
        ([["text_overflow"], ["text_overflow"]], ["en-2"]),
        ([["text_overflow"], ["text_overflow"], ["cluttered"]], []),
    ],
)
def test_a_rejection_makes_the_variant_due_that_changes_what_its_reason_names(
    rejected: list[list[str]], due: list[str]
) -> None:
    units = [_unit(variant=v) for v in range(3)]
    reasons = {f"en-{v}": of_variant for v, of_variant in enumerate(rejected)}
    assert _ids(due_units(units, set(reasons), reasons)) == due
    assert due_units(units, {*reasons, "en-2"} if len(rejected) < 3 else {"en-0"}, {}) == []


def test_a_variant_made_before_its_turn_does_not_stop_the_others() -> None:
    units = [_unit(variant=v) for v in range(3)]
    reasons = {"en-0": ["cluttered"], "en-2": ["text_overflow"]}
    assert _ids(due_units(units, {"en-0", "en-2"}, reasons)) == ["en-1"]


def test_each_variant_changes_what_it_says_and_nothing_else() -> None:
    first = ("wood_table", "headline_top")
    seen = {}
    for variant in range(6):
        scene, layout = retried(
            variant, {"setting": first[0], "light": "golden_hour", "props": ["leaves"]}, first[1]
        )
        assert (scene["setting"] != first[0], layout != first[1]) == (
            "setting" in changes(variant),
            "layout" in changes(variant),
        )
        assert scene["light"] == "golden_hour"
        seen[variant] = (scene["setting"], layout)
    assert len(set(seen.values())) == 6
    assert changes(0) == () and changes(1) == ("layout",) and changes(2) == ("setting",)


def test_every_reason_of_the_rules_is_known_to_the_retry() -> None:
    assert {rule.reason for rule in (*RULES, *SCALE_RULES, *MODEL_RULES)} >= OF_THE_SETTING | OF_THE_SOURCE
    assert set(CALM_SETTINGS) <= set(SETTINGS)


def test_a_retry_for_a_wrong_scale_stands_where_nothing_tells_how_large_things_are() -> None:
    assert "wrong_scale" in OF_THE_SETTING and all(DRAWERS[name].unscaled for name in CALM_SETTINGS)


def test_locales_share_a_scene_and_all_texts_shape_its_layout() -> None:
    (job,) = scene_jobs([_unit("de")], [_instruction("en"), _instruction("de")]).to_pylist()
    assert [text["locale"] for text in job["texts"]] == ["de", "en"]
    assert [(due["locale"], due["asset_id"]) for due in job["pictures"]] == [("de", "de-0")]
    (both,) = scene_jobs([_unit("de"), _unit("en")], [_instruction("en"), _instruction("de")]).to_pylist()
    assert scene_seed(both) == scene_seed(job)


def test_locales_of_both_directions_share_seed_and_texts_of_the_composition() -> None:
    instructions = [_instruction("en"), _instruction("ar", "صباح هادئ"), _instruction("de")]
    jobs = scene_jobs([_unit("en"), _unit("ar"), _unit("de")], instructions).to_pylist()
    assert [[text["locale"] for text in job["texts"]] for job in jobs] == [["ar", "de", "en"]] * 2
    assert {job["layout"] for job in jobs} == {"headline_top"}
    assert scene_seed(jobs[0]) == scene_seed(jobs[1])


def test_a_retry_changes_layout_or_setting_and_says_so() -> None:
    jobs = scene_jobs([_unit(variant=v) for v in range(3)], [_instruction()]).to_pylist()
    assert [job["changes"] for job in jobs] == [[], ["layout"], ["setting"]]
    assert jobs[0]["layout"] != jobs[1]["layout"] and jobs[0]["layout"] == jobs[2]["layout"]
    assert jobs[0]["scene"]["setting"] != jobs[2]["scene"]["setting"]
    assert len({scene_seed(job) for job in jobs}) == 3


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rgba = np.zeros((300, 160, 4), np.uint8)
    rgba[20:290, 20:140] = (40, 60, 200, 255)
    open_store(load_config(CONFIG).store, tmp_path).put(
        "cutouts/c.png", cv2.imencode(".png", rgba)[1].tobytes()
    )
    return tmp_path


def test_a_picture_is_stored_with_its_certificate_and_made_alike_again(store: Path) -> None:
    jobs = scene_jobs([_unit("en"), _unit("de")], [_instruction("en"), _instruction("de", "Langsame Morgen")])
    rows = DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()
    again = DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()
    assert {row["locale"] for row in rows} == {"en", "de"}
    for row, twin in zip(rows, again, strict=True):
        assert row["failure"] is None
        data = (store / "store" / row["uri"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"] == twin["sha256"]
        assert b"compositeSynthetic" in data
        assert (row["changed_core_px"], row["overflow"]) == (0, False)
        assert row["size_cm"] is None and row["px_per_cm"] > 5
        assert {box["element"] for box in row["text_boxes"]} >= {"headline", "selling_point_1"}
        assert b"A red block on a wooden table" in data
    assert rows[0]["sha256"] != rows[1]["sha256"]


def test_a_retry_in_another_setting_does_not_tell_of_the_first(store: Path) -> None:
    retry = next(number for number in range(1, 4) if "setting" in changes(number))
    (row,) = DrawPictures(load_config(CONFIG), store)(
        scene_jobs([_unit(variant=retry)], [_instruction()])
    ).to_pylist()
    assert (row["failure"], row["alt_text"]) == (None, "A red block.")


def test_placements_are_windows_of_one_scene(store: Path) -> None:
    story = {"width_px": 540, "scene_height_px": 960}
    units = [
        _unit(placement="story", height_px=960, asset_id="a", **story),
        _unit(placement="portrait", height_px=675, asset_id="b", **story),
        _unit(placement="plain", height_px=540, asset_id="c", look="plain", **story),
        _unit(placement="white", look="white", asset_id="d", scene_text=False, width_px=480, height_px=480)
        | {"scene_height_px": 480},
    ]
    jobs = scene_jobs(units, [_instruction()])
    assert [len(job["pictures"]) for job in jobs.to_pylist()] == [1, 3]
    rows = {row["placement"]: row for row in DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()}
    pictures = {}
    for name, row in rows.items():
        assert (row["failure"], row["changed_core_px"]) == (None, 0)
        data = (store / "store" / row["uri"]).read_bytes()
        pictures[name] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert pictures[name].shape[:2] == (row["height_px"], row["width_px"])
    assert rows["plain"]["text_boxes"] == rows["white"]["text_boxes"] == []
    assert (rows["plain"]["alt_text"], rows["plain"]["setting"]) == (
        "A red block on a wooden table",
        "wood_table",
    )
    assert (rows["white"]["alt_text"], rows["white"]["setting"]) == ("A red block.", None)
    # The same scene and text, moved: what story and portrait share is equal but for the encoder.
    shift = rows["story"]["product_box"]["top"] - rows["portrait"]["product_box"]["top"]
    shared = pictures["story"][shift : shift + 675].astype(int)
    assert np.abs(shared - pictures["portrait"]).mean() < 2
    # On stories nothing stands under the app's name and buttons.
    boxes = [*rows["story"]["text_boxes"], rows["story"]["product_box"]]
    assert min(box["top"] for box in boxes) >= 0.14 * 960
    assert max(box["bottom"] for box in boxes) <= 0.80 * 960
    white = pictures["white"]
    box = rows["white"]["product_box"]
    assert max(box["bottom"] - box["top"], box["right"] - box["left"]) >= 0.85 * 480
    assert (white[:16] == 255).all() and (white[:, :16] == 255).all() and (white[-16:] == 255).all()


def test_a_price_is_set_as_the_locale_writes_it(store: Path) -> None:
    offer = '{"currency": "EUR", "legal": {"de": "inkl. MwSt."}, "price_minor": 129000, "was_price_minor": 149000}'
    units = [_unit("en", offer=offer), _unit("de", offer=offer)]
    jobs = scene_jobs(units, [_instruction("en"), _instruction("de", "Langsame Morgen")])
    rows = {row["locale"]: row for row in DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()}
    said = {
        locale: {box["element"]: box["text"] for box in row["text_boxes"]} for locale, row in rows.items()
    }
    assert (said["en"]["price"], said["en"]["was_price"]) == ("€1,290.00", "€1,490.00")
    assert (said["de"]["price"], said["de"]["legal"]) == ("1.290,00\u00a0€", "inkl. MwSt.")
    assert "legal" not in said["en"]
    assert min(box["contrast"] for row in rows.values() for box in row["text_boxes"]) >= 4.5


def test_a_failure_costs_one_picture(store: Path) -> None:
    jobs = scene_jobs([_unit(), _unit(sku="b", asset_id="b-0", cutout_uri="cutouts/none.png")], [
        _instruction(), _instruction() | {"sku": "b"},
    ])  # fmt: skip
    rows = {row["sku"]: row for row in DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()}
    assert rows["a"]["failure"] is None
    assert rows["b"]["failure"].startswith("FileNotFoundError")


def test_a_glyph_that_no_font_has_is_no_picture(store: Path) -> None:
    jobs = scene_jobs([_unit()], [_instruction(headline="\U0001fae0 ꦗꦮ")])
    (row,) = DrawPictures(load_config(CONFIG), store)(jobs).to_pylist()
    assert "missing_glyph" in row["failure"]


def test_what_is_read_from_right_to_left_shares_a_scene_or_its_mirror_image(store: Path) -> None:
    instructions = [_instruction("en"), _instruction("ar", "صباح هادئ")]
    for layout in ("headline_top", "headline_left"):
        told = [row | {"layout": layout} for row in instructions]
        pictures = DrawPictures(load_config(CONFIG), store)
        (ours, order), (theirs, turned) = map(
            pictures.plan, scene_jobs([_unit("en"), _unit("ar")], told).to_pylist()
        )
        assert ours.layout.center == (layout == "headline_top") and turned.mirrored != ours.layout.center
        scene, mirrored = pictures._scene("c", order), pictures._scene("c", turned)
        if ours.layout.center:
            assert scene is mirrored
        else:
            # The block is symmetrical: so is its shadow, and the pictures differ by rounding at most.
            assert theirs.layout == ours.layout.mirrored()
            assert np.abs(scene[:, ::-1].astype(int) - mirrored).mean() < 0.5
