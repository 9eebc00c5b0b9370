"""The plan: ids that change with every influence, reasons, and nothing planned twice."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from jobs.planning.units import SLOT, build_wanted, cap, compare, former_prices
from schemas.attempts import layout_of
from schemas.config import Budget
from schemas.contract import Table
from schemas.derive import sql_type
from schemas.revisions import LAYOUT_REVISIONS, RENDERER
from schemas.tables import INSTRUCTIONS, PERSONAS, PRODUCT_VIEWS, PRODUCTS, WORK_UNITS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

NIGHT = dt.date(2026, 11, 21)
KEY = {"merchant_id": "m", "sku": "a", "segment_id": "s"}


def _frame(spark: SparkSession, table: Table, *rows: dict[str, Any]) -> DataFrame:
    names = sorted({name for row in rows for name in row})
    types = {column.name: sql_type(column.type) for column in table.columns}
    schema = ", ".join(f"{name} {types[name].replace(': ', ':')}" for name in names)
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)


def _wanted_frame(spark: SparkSession, changed: dict[str, Any] | None = None, **settings: Any) -> DataFrame:
    changed = changed or {}
    instruction = {**KEY, "locale": "en", "instruction_hash": "i1", "layout": "headline_top"}
    instruction |= changed.get("instruction", {})
    german = {**KEY, "locale": "de", "instruction_hash": "i2", "layout": "headline_left"}
    view = {"image_sha256": "p1", "cutout_sha256": "c1", "cutout_uri": "u", "verdict": "accepted"}
    view |= {"treatment": "cutout", "white_uri": None, "white_sha256": None}
    return build_wanted(
        _frame(spark, INSTRUCTIONS, instruction, german),
        _frame(
            spark,
            PRODUCTS,
            {
                "merchant_id": "m",
                "sku": "a",
                "image_sha256": "p1",
                "product_hash": "h1",
                "currency": "EUR",
                "price_minor": changed.get("price", 1290),
                "sale_price_minor": None,
            },
        ).withColumn("was_price_minor", F.lit(None).cast("bigint")),
        _frame(spark, PRODUCT_VIEWS, view | changed.get("view", {})),
        _frame(spark, PERSONAS, {**KEY, "rank": settings.pop("rank", 2)}),
        spark.createDataFrame(
            [
                (
                    "m",
                    "square",
                    settings.pop("width_px", 1024),
                    1024,
                    "text",
                    settings.pop("scene", 1024),
                    True,
                    settings.pop("legal", None),
                    1,
                    0.5,
                    0.0,
                ),
                ("m", "white", 1000, 1000, "white", 1000, False, None, 1, 0.5, 0.0),
            ],
            "merchant_id string, placement string, width_px int, height_px int, look string, scene_height_px int, "
            "scene_text boolean, legal map<string,string>, tier int, estimated_s double, estimated_gpu_s double",
        ),
        **({"scene_backend": "components", "scene_revision": "r1", "max_attempts": 3} | settings),
    )


def _wanted(spark: SparkSession, changed: dict[str, Any] | None = None, **settings: Any) -> list[Row]:
    return _wanted_frame(spark, changed, **settings).collect()


def _schema(spark: SparkSession) -> Any:
    return _wanted_frame(spark).schema


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
        _english(_wanted(spark, scene=1920)),
        _english(_wanted(spark, legal={"en": "incl. VAT"})),
        _english(_wanted(spark, {"price": 990}, legal={"en": "incl. VAT"})),
        _english(_wanted(spark, scene_revision="r2")),
        _english(_wanted(spark, scene_backend="diffusion")),
    ]
    ids = {row["asset_id"] for row in others} | {plain["asset_id"]}
    assert len(ids) == len(others) + 1
    assert not {"run_date", "priority", "score"} & json.loads(plain["identity"]).keys()


def test_a_price_that_is_not_shown_draws_nothing_again(spark: SparkSession) -> None:
    assert _english(_wanted(spark))["asset_id"] == _english(_wanted(spark, {"price": 990}))["asset_id"]
    shown = _english(_wanted(spark, legal={"en": "incl. VAT"}))["offer"]
    assert json.loads(shown) == {"currency": "EUR", "legal": {"en": "incl. VAT"}, "price_minor": 1290}


def test_a_former_price_is_the_lowest_of_the_thirty_nights_before_the_reduction(spark: SparkSession) -> None:
    def night(sku: str, days_ago: int, now: int) -> dict[str, Any]:
        date = NIGHT - dt.timedelta(days=days_ago)
        return {"merchant_id": "m", "sku": sku, "currency": "EUR", "price_minor": now, "run_date": date}

    rows = [night("steady", days, 1000) for days in range(5)]
    rows += [night("reduced", days, 800) for days in range(3)]
    rows += [night("reduced", 3, 1200), night("reduced", 20, 1000), night("reduced", 40, 500)]
    rows += [night("raised before", 0, 800), night("raised before", 1, 1000), night("raised before", 9, 790)]
    rows += [night("new", 0, 800)]
    found = former_prices(
        _frame(spark, PRODUCTS, *[row | {"sale_price_minor": None} for row in rows]), NIGHT
    ).collect()
    assert [(row["sku"], row["was_price_minor"]) for row in found] == [("reduced", 1000)]


def test_a_white_picture_is_made_once_a_product_and_of_what_was_cut_out_or_stands_on_white(
    spark: SparkSession,
) -> None:
    lifted = {"white_uri": "w", "white_sha256": "w9"}

    def whites(rank: int, view: dict[str, Any]) -> set[tuple[str, int, str, str]]:
        rows = _wanted(spark, {"view": view}, rank=rank)
        placed = ("locale", "variant", "cutout_uri", "cutout_sha256")
        assert {row["cutout_uri"] for row in rows if row["placement"] != "white"} == {"u"}
        return {tuple(row[name] for name in placed) for row in rows if row["placement"] == "white"}

    assert whites(1, {"treatment": "cutout"}) == {("en", 0, "u", "c1"), ("de", 0, "u", "c1")}
    assert whites(1, {"treatment": "framed"} | lifted) == {("en", 0, "w", "w9"), ("de", 0, "w", "w9")}
    assert whites(2, {"treatment": "cutout"}) == whites(1, {"treatment": "framed"}) == set()
    assert whites(2, {"treatment": "framed"} | lifted) == set()


def test_a_photograph_found_to_stand_on_white_changes_no_other_unit(spark: SparkSession) -> None:
    framed = {"treatment": "framed"}
    lifted = framed | {"white_uri": "w", "white_sha256": "w9"}

    def ids(view: dict[str, Any]) -> set[str]:
        rows = _wanted(spark, {"view": view}, rank=1)
        return {row["asset_id"] for row in rows if row["placement"] != "white"}

    assert ids(framed) == ids(lifted)


def test_a_refused_picture_wants_nothing(spark: SparkSession) -> None:
    assert _wanted(spark, {"view": {"verdict": "refused"}}) == []


OLD = {
    **KEY, "locale": "en", "placement": "square", "variant": 0, "status": "exists", "reason": "unchanged",
    "asset_id": "old", "image_sha256": "p1", "product_hash": "h1", "cutout_sha256": "c1", "scene_backend": "components",
    "scene_revision": "r1", "renderer_revision": RENDERER,
}  # fmt: skip
"""The English slot as last night planned it."""


def _explained(
    spark: SparkSession,
    before: list[dict[str, Any]],
    made: dict[str, bool | None] | None = None,
    given_up: list[str] | None = None,
    recalled: str = "FALSE",
) -> dict[tuple[str, int], Row]:
    wanted = _wanted_frame(spark)
    judged = spark.createDataFrame(list((made or {}).items()), "asset_id string, judged boolean").withColumn(
        "accepted", F.col("judged")
    )
    rows = compare(
        wanted,
        wanted.select(*SLOT, "asset_id").join(judged, on="asset_id", how="inner"),
        _units(spark, *before) if before else _units(spark, OLD).limit(0),
        spark.createDataFrame([(key,) for key in given_up or []], "asset_id string"),
        wanted.select("merchant_id", "sku").distinct(),
        recalled=recalled,
    ).collect()
    return {(row["locale"], row["variant"]): row for row in rows}


def _why(row: Row) -> tuple[str, str]:
    return row["status"], row["reason"]


def test_the_first_night_makes_all_and_retries_stand_by(spark: SparkSession) -> None:
    plan = _explained(spark, [])
    assert {_why(row) for (_, variant), row in plan.items() if variant == 0} == {("to_do", "new_product")}
    assert {_why(row) for (_, variant), row in plan.items() if variant} == {("standby", "retry")}
    assert plan["en", 0]["priority"] > plan["en", 1]["priority"]


def test_what_exists_is_not_made_again_and_other_thresholds_judge_it_anew(spark: SparkSession) -> None:
    ids = {locale: _english(_wanted(spark))["asset_id"] for locale in ("en",)}
    german = next(row["asset_id"] for row in _wanted(spark) if row["locale"] == "de" and row["variant"] == 0)
    plan = _explained(spark, [OLD], {ids["en"]: True, german: False})
    assert _why(plan["en", 0]) == ("exists", "unchanged")
    assert _why(plan["de", 0]) == ("exists", "threshold_changed")
    assert {locale: plan[locale, 0]["settled"] for locale in ("en", "de")} == {"en": True, "de": False}


def test_a_changed_layout_draws_again_only_what_asks_for_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts = {"en": "headline_top", "de": "headline_left"}
    names = ("locale", "placement", "variant")
    before = {tuple(row[name] for name in names): row["asset_id"] for row in _wanted(spark, rank=1)}
    monkeypatch.setitem(LAYOUT_REVISIONS, "headline_left", "2")
    after = {tuple(row[name] for name in names): row["asset_id"] for row in _wanted(spark, rank=1)}
    drawn = {key for key in before if before[key] != after[key]}
    asking = {
        (locale, place, variant)
        for locale, place, variant in before
        if place != "white" and layout_of(layouts[locale], variant) == "headline_left"
    }
    assert drawn == asking
    assert ("de", "square", 0) in asking and ("en", "square", 0) not in asking
    plan = _explained(spark, [OLD, OLD | {"locale": "de"}], dict.fromkeys(before.values(), True))
    assert _why(plan["en", 0]) == ("exists", "unchanged")
    assert _why(plan["de", 0]) == ("to_do", "new_method_revision")


def test_what_failed_too_often_or_is_recalled_is_not_made(spark: SparkSession) -> None:
    asset_id = _english(_wanted(spark))["asset_id"]
    plan = _explained(spark, [OLD], {}, [asset_id], recalled="locale = 'de'")
    assert _why(plan["en", 0]) == ("failed", "previously_failed")
    assert _why(plan["de", 0]) == _why(plan["de", 1]) == ("retired", "recalled")


CHANGES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"sku": "other"}, "new_product"),
    ({"segment_id": "other"}, "new_persona"),
    ({"locale": "fr"}, "changed_instruction"),
    ({"image_sha256": "old", "cutout_sha256": "old", "product_hash": "old"}, "changed_picture"),
    ({"product_hash": "old"}, "changed_facts"),
    ({"product_hash": None}, "changed_instruction"),
    ({"cutout_sha256": "old"}, "new_method_revision"),
    ({"renderer_revision": "old"}, "new_method_revision"),
    ({}, "changed_instruction"),
    ({"asset_id": "SAME"}, "previously_failed"),
    ({"asset_id": "SAME", "status": "deferred", "reason": "new_product"}, "new_product"),
)
"""What of a product's plan of last night was different, and the reason for its picture of tonight."""


def test_the_reason_says_what_changed(spark: SparkSession) -> None:
    wanted = _english(_wanted(spark))
    rows = [wanted.asDict() | {"sku": f"p{i}", "asset_id": f"id{i}"} for i in range(len(CHANGES))]
    before = [
        OLD
        | {"sku": f"p{i}"}
        | {name: f"id{i}" if value == "SAME" else value for name, value in change.items()}
        for i, (change, _) in enumerate(CHANGES)
    ]
    wanted_rows = [tuple(row[name] for name in wanted.asDict()) for row in rows]
    found = compare(
        spark.createDataFrame(wanted_rows, _schema(spark)),
        _made(spark),
        _units(spark, *before),
        spark.createDataFrame([], "asset_id string"),
        spark.createDataFrame([("m", row["sku"]) for row in rows], "merchant_id string, sku string"),
        recalled="FALSE",
    )
    why = {row["sku"]: _why(row) for row in found.collect()}
    assert why == {f"p{i}": ("to_do", reason) for i, (_, reason) in enumerate(CHANGES)}


UNIT = OLD | {"status": "to_do", "priority": 1.0, "estimated_s": 2.0, "estimated_gpu_s": 1.0}
REST = {name: None for name in WORK_UNITS.column_names if name != "run_date"}


def _made(spark: SparkSession, *units: dict[str, Any]) -> DataFrame:
    rows = [tuple(unit[name] for name in (*SLOT, "asset_id")) for unit in units]
    return spark.createDataFrame(
        rows, ", ".join(f"{name} string" for name in (*SLOT, "asset_id"))
    ).withColumns({"judged": F.lit(True), "accepted": F.lit(True)})


def _units(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return _frame(spark, WORK_UNITS, *(REST | UNIT | row for row in rows))


@pytest.mark.parametrize(
    ("budget", "kept"),
    [
        (Budget(), {"a", "b", "c", "d"}),
        (Budget(max_units=1), {"b", "d"}),
        (Budget(max_units=2, max_seconds=5), {"b", "d"}),
        (Budget(max_money=8, core_second_price=1, gpu_second_price=1), {"b", "c", "d"}),
        (Budget(max_units=0), {"d"}),
    ],
)
def test_the_budget_cuts_by_priority(spark: SparkSession, budget: Budget, kept: set[str]) -> None:
    rows = [
        {"sku": "a", "asset_id": "a", "priority": -100.0},
        {"sku": "b", "asset_id": "b", "priority": -80.0},
        {"sku": "b", "asset_id": "b1", "priority": -85.0, "status": "standby", "variant": 1},
        {"sku": "c", "asset_id": "c", "priority": -90.0},
        {"sku": "d", "asset_id": "d", "priority": -99.0, "status": "exists"},
    ]
    found = {row["asset_id"]: row["status"] for row in cap(_units(spark, *rows), budget).collect()}
    assert {key for key, status in found.items() if status != "deferred" and key != "b1"} == kept
    assert (found["b1"] == "standby") == ("b" in kept)


def test_what_tonight_does_not_want_is_retired_with_the_reason(spark: SparkSession) -> None:
    wanted = _english(_wanted(spark))
    tonight = [wanted.asDict(), wanted.asDict() | {"sku": "z", "asset_id": "z"}]
    old = [
        UNIT | own
        for own in (
            {"product_hash": "old"},
            {"asset_id": "never_made", "locale": "de"},
            {"asset_id": "face", "segment_id": "gone"},
            {"asset_id": "sold_out", "sku": "b"},
            {"asset_id": "z", "sku": "z"},
            {"asset_id": "feed_failed", "merchant_id": "n"},
        )
    ]
    found = compare(
        spark.createDataFrame([tuple(row.values()) for row in tonight], _schema(spark)),
        _made(spark, *(unit for unit in old if unit["asset_id"] != "never_made")),
        _units(spark, *old),
        spark.createDataFrame([], "asset_id string"),
        spark.createDataFrame([("m", "a"), ("m", "z")], "merchant_id string, sku string"),
        recalled="FALSE",
    )
    assert {row["asset_id"]: _why(row) for row in found.collect()} == {
        wanted["asset_id"]: ("to_do", "changed_facts"),
        "z": ("exists", "unchanged"),
        "old": ("retired", "changed_facts"),
        "face": ("retired", "persona_gone"),
        "sold_out": ("retired", "product_gone"),
    }
