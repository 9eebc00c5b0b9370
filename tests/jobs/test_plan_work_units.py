"""The plan: ids that change with every influence, reasons, and nothing planned twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs.plan_work_units import build_wanted, explain
from schemas.contract import Table
from schemas.derive import sql_type
from schemas.tables import INSTRUCTIONS, PERSONAS, PRODUCT_VIEWS, PRODUCTS, WORK_UNITS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

KEY = {"merchant_id": "m", "sku": "a", "segment_id": "s"}


def _frame(spark: SparkSession, table: Table, *rows: dict[str, Any]) -> DataFrame:
    names = sorted({name for row in rows for name in row})
    types = {column.name: sql_type(column.type) for column in table.columns}
    schema = ", ".join(f"{name} {types[name].replace(': ', ':')}" for name in names)
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)


def _wanted(spark: SparkSession, changed: dict[str, Any] | None = None, **settings: Any) -> list[Row]:
    changed = changed or {}
    instruction = {**KEY, "locale": "en", "instruction_hash": "i1"} | changed.get("instruction", {})
    german = {**KEY, "locale": "de", "instruction_hash": "i2"}
    view = {"image_sha256": "p1", "cutout_sha256": "c1", "cutout_uri": "u", "verdict": "accepted"}
    rows = build_wanted(
        _frame(spark, INSTRUCTIONS, instruction, german),
        _frame(spark, PRODUCTS, {"merchant_id": "m", "sku": "a", "image_sha256": "p1"}),
        _frame(spark, PRODUCT_VIEWS, view | changed.get("view", {})),
        _frame(spark, PERSONAS, {**KEY, "rank": 2}),
        spark.createDataFrame(
            [("m", "square", settings.pop("width_px", 1024), 1024)],
            "merchant_id string, placement string, width_px int, height_px int",
        ),
        **({"scene_backend": "components", "scene_revision": "r1", "max_attempts": 3} | settings),
    )
    return rows.collect()


def _english(rows: list[Row], variant: int = 0) -> Row:
    (row,) = (row for row in rows if row["locale"] == "en" and row["variant"] == variant)
    return row


def test_every_influence_changes_the_id_and_nothing_else_does(spark: SparkSession) -> None:
    plain = _english(_wanted(spark))
    assert _english(_wanted(spark))["asset_id"] == plain["asset_id"]
    others = [
        _english(_wanted(spark), variant=1),
        _english(_wanted(spark, {"instruction": {"instruction_hash": "i9"}})),
        _english(_wanted(spark, {"view": {"cutout_sha256": "c9"}})),
        _english(_wanted(spark, width_px=512)),
        _english(_wanted(spark, scene_revision="r2")),
        _english(_wanted(spark, scene_backend="diffusion")),
    ]
    ids = {row["asset_id"] for row in others} | {plain["asset_id"]}
    assert len(ids) == len(others) + 1
    assert not {"run_date", "priority", "score"} & json.loads(plain["identity"]).keys()


def test_a_refused_picture_wants_nothing(spark: SparkSession) -> None:
    assert _wanted(spark, {"view": {"verdict": "refused"}}) == []


def _plan(
    spark: SparkSession, existing: list[str], before: list[dict[str, Any]]
) -> dict[tuple[str, int], Row]:
    wanted = spark.createDataFrame(_wanted(spark))
    known = spark.createDataFrame([(asset_id,) for asset_id in existing], "asset_id string")
    empty = {name: "" for name in ("scene_backend", "scene_revision", "renderer_revision")}
    slot = {
        **KEY,
        "locale": "en",
        "placement": "square",
        "cutout_sha256": "c1",
        "instruction_hash": "i1",
        **empty,
    }
    previous = _frame(spark, WORK_UNITS, *(slot | row for row in before)) if before else None
    frame = previous if previous is not None else _frame(spark, WORK_UNITS, slot).limit(0)
    rows = explain(wanted, known, frame, seconds=0.5).collect()
    return {(row["locale"], row["variant"]): row for row in rows}


def test_the_first_night_makes_all_and_retries_stand_by(spark: SparkSession) -> None:
    plan = _plan(spark, [], [])
    assert {(row["status"], row["reason"]) for (_, variant), row in plan.items() if variant == 0} == {
        ("to_do", "new_product")
    }
    assert {(row["status"], row["reason"]) for (_, variant), row in plan.items() if variant} == {
        ("standby", "retry")
    }
    assert plan["en", 0]["priority"] > plan["en", 1]["priority"]


def test_what_exists_is_not_made_again(spark: SparkSession) -> None:
    asset_id = _english(_wanted(spark))["asset_id"]
    assert (_plan(spark, [asset_id], [{}])["en", 0])["status"] == "exists"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ({"segment_id": "other"}, "new_persona"),
        ({"cutout_sha256": "old"}, "changed_picture"),
        ({"instruction_hash": "old"}, "changed_instruction"),
        ({"renderer_revision": "old"}, "new_method_revision"),
        (
            {"scene_backend": "components", "scene_revision": "r1", "renderer_revision": "CURRENT"},
            "previously_failed",
        ),
    ],
)
def test_the_reason_says_what_changed(spark: SparkSession, before: dict[str, Any], reason: str) -> None:
    from schemas.revisions import RENDERER

    before = {name: RENDERER if value == "CURRENT" else value for name, value in before.items()}
    assert _plan(spark, [], [before])["en", 0]["reason"] == reason
