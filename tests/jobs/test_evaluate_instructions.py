from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.sample_shop.events import sellable
from infra.tables import append_rows, ensure_tables, rows_to_table
from jobs import evaluate_instructions as evaluation
from ray_tasks.copywriting.locales import supported_locales
from ray_tasks.write_instructions import InstructionWriter
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.records import NIGHT, SEGMENTS, product

PRODUCT = product()


def claim(element: str, text: str, field: str, value: str) -> dict[str, str]:
    return {"element": element, "text": text, "source_field": field, "source_value": value}


def row(segment_id: str = "office", **changed: Any) -> dict[str, Any]:
    alt = "Black Coffee Cold Brew, unsweetened on a desk."
    return {
        "run_date": NIGHT,
        "merchant_id": "roastery",
        "sku": "C1",
        "segment_id": segment_id,
        "locale": "en",
        "placements": ["square"],
        "angle": "function",
        "need": "a break",
        "scene": {
            "setting": "office_desk", "light": "studio_soft", "season": "all", "mood": "calm",
            "palette": ["#112233", "#445566"], "props": [], "size_cm": 20,
        },
        "surface": "desktop",
        "layout": "headline_left",
        "headline": f"Monday of {segment_id}",
        "selling_points": ["180 mg caffeine"],
        "sticker": None,
        "call_to_action": "Try it",
        "alt_text": alt,
        "product_alt_text": alt,
        "reference": None,
        "avoid": [],
        "claims": [
            claim("selling_point", "180 mg caffeine", "facts.caffeine", "180 mg"),
            claim("alt_text", alt, "title", "Black Coffee Cold Brew, unsweetened"),
        ],
        "instruction_hash": "a" * 64,
        "writer": "rules",
        "writer_revision": "test",
        "refused_attempts": [],
    } | changed  # fmt: skip


def measured(*rows: dict[str, Any], set_aside: int = 0) -> evaluation.Measures:
    return evaluation.measure(rows, {("roastery", "C1"): PRODUCT}, set_aside)


def test_good_records_measure_one() -> None:
    found = measured(row())
    assert (found.schema_valid, found.semantically_valid, found.cited, found.faithful) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("measure", "broken"),
    [
        ("schema_valid", row(layout="headline_middle")),
        ("cited", row(claims=[])),
        ("cited", row(headline="Kapok in the morning")),
        ("cited", row(claims=[claim("selling_point", "180 mg caffeine", "facts.caffeine", "90 mg")])),
        ("faithful", row(headline="250 ml of Monday", selling_points=[])),
        ("faithful", row(alt_text="Two of 7 cans.")),
    ],
)
def test_each_share_falls_with_what_it_watches(measure: str, broken: dict[str, Any]) -> None:
    assert getattr(measured(row(), broken), measure) < 1


def test_rejected_records_count_against_semantic_validity() -> None:
    assert measured(row(), set_aside=3).semantically_valid == 0.25


def test_a_rating_is_faithful_in_its_rounded_form() -> None:
    text = "4.6 of 5 from 23 reviews"
    told = row(selling_points=[text], claims=[claim("selling_point", text, "rating", "4.64 (23)")])
    assert measured(told).faithful == 1


def test_overlap_and_repetition_tell_alike_from_different() -> None:
    alike = measured(row("office", headline="A"), row("fitness", headline="A"))
    different = measured(
        row("office"), row("fitness", headline="Before the set", selling_points=["Resealable lid"], claims=[])
    )
    assert alike.overlap == 1 and alike.most_repeated == 2 and alike.distinct_headlines == 0.5
    assert different.overlap == 0 and different.distinct_headlines == 1
    assert evaluation.similarity(evaluation.ngrams("清晨的杯子"), evaluation.ngrams("深夜的杯子")) > 0.3


@pytest.mark.parametrize(
    ("headlines", "opening", "closing"),
    [
        (("For the trail: a cup", "For the trail: boots"), 1, 0),
        (("A cup for the trail", "Boots for the trail"), 0, 1),
        (("A cup for the trail", "Where the tarmac ends: boots"), 0, 0),
        (("晨光里的杯子", "晨光里的靴子"), 1, 0),
    ],
)
def test_headlines_that_begin_or_end_alike_are_counted(
    headlines: tuple[str, str], opening: float, closing: float
) -> None:
    products = {("roastery", sku): product(sku) for sku in ("C1", "C2")}
    rows = [row(sku=sku, headline=text) for sku, text in zip(("C1", "C2"), headlines, strict=True)]
    found = evaluation.measure(rows, products, 0)
    assert (found.same_opening, found.same_closing) == (opening, closing)


def sample_shop() -> list[dict[str, Any]]:
    """The products of the sample shop as the writer takes them, each with five personas."""
    return [
        product(
            one.sku, title=one.name, category=one.category, brand=one.brand, description=one.text,
            facts=[{"name": name, "value": value, "unit": unit, "number": None} for name, value, unit in one.specs],
            merchant_id=one.merchant_id, rating_mean=None, rating_count=0,
        )
        | {"segment_ids": [one["segment_id"] for one in SEGMENTS[:5]], "palette": [], "aspect": 1.0}
        for one in sellable()
    ]  # fmt: skip


MOST_ALIKE = {
    "en": (0.03, 0.05),
    "de": (0.04, 0.05),
    "fr": (0.06, 0.09),
    "zh": (0.06, 0.06),
    "ar": (0.04, 0.04),
}
"""Shares of headlines that open and close as an earlier one of ten, as measured, rounded up."""


@pytest.mark.parametrize("tag", supported_locales())
def test_ten_products_running_do_not_sound_stamped(tag: str) -> None:
    shop = sample_shop()
    merchants = {one["merchant_id"]: (tag,) for one in shop}
    rows = InstructionWriter(rows_to_table("segments", SEGMENTS), merchants, BagOfWordsEmbedder()).rows(shop)
    assert not [row["rejected_for"] for row in rows if row["rejected_for"]]
    found = evaluation.measure(rows, {(one["merchant_id"], one["sku"]): one for one in shop}, 0)
    assert found.cited == found.faithful == 1
    assert found.same_opening <= MOST_ALIKE[tag][0] and found.same_closing <= MOST_ALIKE[tag][1], found


def test_copy_stays_when_another_product_comes() -> None:
    shop = sample_shop()
    merchants = {one["merchant_id"]: ("en",) for one in shop}
    writer = InstructionWriter(rows_to_table("segments", SEGMENTS), merchants, BagOfWordsEmbedder())
    alone = writer.rows(shop[3:4])
    assert writer.rows(shop[:8])[len(alone) * 3 : len(alone) * 4] == alone


def test_the_command_prints_a_row_for_each_writer_and_locale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_tables(tmp_path)
    append_rows(tmp_path, "products", rows_to_table("products", [PRODUCT]))
    rows = [
        row(),
        row("fitness", writer="tiny", refused_attempts=["text_too_long,superlative"]),
        row("outdoors", refused_attempts=["schema_invalid", "schema_invalid"]),
    ]
    append_rows(tmp_path, "instructions", rows_to_table("instructions", rows))
    reject = {
        "run_date": NIGHT, "stage": evaluation.WRITING_STAGE, "shard": 0, "key": "roastery/C1/low_sugar/en",
        "reason": "superlative", "merchant_id": "roastery", "sku": "C1", "detail": "", "record": None,
    }  # fmt: skip
    append_rows(tmp_path, "rejects", rows_to_table("rejects", [reject]))
    assert evaluation.main([f"--run-date={NIGHT}", f"--state={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert "| rules | en | 2 | 100.0 % | 66.7 % |" in said and "| tiny | en | 1 |" in said
    assert "left to the rules 1" in said and "repaired 1" in said and "refused: schema_invalid 2" in said
    assert (tmp_path / "reports" / NIGHT.isoformat() / "instructions.md").read_text(encoding="utf-8") in said
    assert evaluation.main(["--run-date=2020-01-01", f"--state={tmp_path}"]) == 1
