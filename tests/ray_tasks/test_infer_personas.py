from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from infra.tables import append_rows, ensure_tables, read_table, rows_to_table
from ray_tasks import infer_personas
from ray_tasks.infer_personas import PersonaRanker, with_usable_picture
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.texts import accepted_views, first_products, in_shard
from ray_tasks.personas.weights import Weights
from schemas.model_config import CutOut
from schemas.vocabulary import category_levels, price_band
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.records import CONFIG, NIGHT, SEGMENTS, affinity, product, tables, view

AFFINITIES = [
    affinity("fitness", "category", "coffee", 3.1, 412),
    affinity("fitness", "category", "coffee > ready to drink", 2.0),
    affinity("office", "category", "coffee", 1.2),
    affinity("office", "tag", "black coffee", 2.5),
    affinity("outdoors", "category", "coffee", 0.4),
    affinity("low_sugar", "price_band", "p1", 1.5),
    affinity("elsewhere", "category", "coffee", 50.0),
]


def ranker(parts: dict[str, pa.Table], k: int = 3) -> PersonaRanker:
    return PersonaRanker(
        parts["segments"],
        without_own_past(parts["segment_affinity"]),
        {"roastery": k},
        {"roastery": ("panel",)},
        BagOfWordsEmbedder(),
    )


def rows_of(products: list[dict], k: int = 3, affinities: list[dict] = AFFINITIES) -> list[dict]:
    parts = tables(products, affinities)
    return ranker(parts, k)(with_own_past(parts["products"], parts["segment_affinity"])).to_pylist()


def test_behaviour_leads_and_k_is_kept() -> None:
    rows = rows_of([product()], k=2)
    assert [row["rank"] for row in rows] == [1, 2]
    assert {row["segment_id"] for row in rows} == {"fitness", "office"}


def test_the_score_is_the_sum_of_its_parts() -> None:
    for row in rows_of([product(), product("C2", title="Winter tea")]):
        parts = (row["affinity_score"], row["text_score"], row["price_score"], row["season_score"])
        assert row["score"] == pytest.approx(sum(parts), abs=1e-5)


def test_segments_of_other_sources_are_never_used() -> None:
    assert "elsewhere" not in {row["segment_id"] for row in rows_of([product()], k=9)}


def test_nobody_gets_a_product_that_nothing_speaks_for() -> None:
    rows = rows_of([product()], k=5)
    assert 0 < len(rows) < 5
    assert all(row["score"] >= Weights.load().least_score for row in rows)
    assert "outdoors" not in {row["segment_id"] for row in rows}


def test_evidence_can_be_checked() -> None:
    fitness = next(row for row in rows_of([product()]) if row["segment_id"] == "fitness")
    assert (
        "engages with 'coffee > ready to drink' 2.0 times as often as average (400 weighted events, 90 days)"
        in fitness["evidence"]
    )
    assert fitness["evidence"][-1].startswith("text similarity ")
    assert " of 5; nearest to what they say: '" in fitness["evidence"][-1]


def test_a_products_own_past_counts_for_it_alone_and_is_told_first() -> None:
    own = affinity("outdoors", "product", "roastery/C1", 4.0, 300.0)
    rows = rows_of([product("C1"), product("C2")], k=5, affinities=[*AFFINITIES, own])
    wanted = {row["sku"]: row for row in rows if row["segment_id"] == "outdoors"}
    assert set(wanted) == {"C1"}
    assert wanted["C1"]["rank"] == 1
    assert wanted["C1"]["evidence"][0] == (
        "engages with this very product 4.0 times as often as average (300 weighted events, 90 days)"
    )


def test_an_unknown_category_leans_on_the_names_of_known_ones_and_says_so() -> None:
    stranger = product(category="Ready to drink coffee", tags=[], brand=None, price_minor=9_999_00)
    office = next(row for row in rows_of([stranger], k=5) if row["segment_id"] == "office")
    assert office["affinity_score"] == 0
    assert "'ready to drink coffee' is new to the behaviour data; by name it is near" in office["evidence"][0]


def test_a_product_that_behaviour_knows_nothing_of_falls_back_on_text() -> None:
    cold = product(category="Xylophones", tags=[], brand=None, price_minor=9_999_00)
    rows = rows_of([cold], k=5)
    assert rows and {row["affinity_score"] for row in rows} == {0.0}
    assert all("is new to the behaviour data" in row["evidence"][0] for row in rows)


def test_rows_do_not_depend_on_the_batch() -> None:
    products = [product(f"C{n}", title=f"Coffee number {n} for the gym") for n in range(5)]
    parts = tables(products, [*AFFINITIES, affinity("office", "product", "roastery/C3", 2.0)])
    batch = with_own_past(parts["products"], parts["segment_affinity"])
    whole = ranker(parts)(batch).to_pylist()
    apart = [row for n in range(5) for row in ranker(parts)(batch.slice(n, 1)).to_pylist()]
    for one, other in zip(whole, apart, strict=True):
        assert one == other | {
            name: pytest.approx(other[name], abs=1e-5) for name in ("score", "text_score", "affinity_score")
        }


def test_only_tonights_methods_view_of_a_picture_counts(tmp_path: Path) -> None:
    ensure_tables(tmp_path)
    rows = [
        view("1" * 64, verdict="refused"),
        view("1" * 64, hour=2, method_revision="a night between with another cut-out"),
        view("2" * 64),
        view("2" * 64, verdict="refused", hour=2, method_revision="a night between with another cut-out"),
    ]
    append_rows(tmp_path, "product_views", rows_to_table("product_views", rows))
    views = accepted_views(tmp_path, CutOut(), ["image_sha256"])
    assert views["image_sha256"].to_pylist() == ["2" * 64]
    products = [
        product("A", image_sha256="1" * 64),
        product("B", image_sha256="2" * 64),
        product("C", image_sha256=None),
    ]
    kept = with_usable_picture(rows_to_table("products", products), views)
    assert kept["sku"].to_pylist() == ["B"]


def test_limit_takes_the_first_products_of_each_merchant() -> None:
    products = [product(sku, merchant_id=m) for m in ("b", "a") for sku in ("3", "1", "2")]
    kept = first_products(rows_to_table("products", products), 2)
    assert list(zip(kept["merchant_id"].to_pylist(), kept["sku"].to_pylist(), strict=True)) == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
        ("b", "2"),
    ]


@pytest.mark.parametrize("minor", [1, 49, 50, 99, 100, 199, 200, 1300, 1599, 1600, 999_99])
def test_price_band_is_the_power_of_two_below(minor: int) -> None:
    assert price_band(minor) == f"p{int(np.floor(np.log2(minor / 100)))}"


def test_price_and_category_helpers() -> None:
    assert category_levels("Drinks > Tea") == ["drinks", "drinks > tea"]
    with pytest.raises(ValueError, match="price is positive"):
        price_band(0)


def test_the_stage_writes_the_night_and_the_same_rows_again(tmp_path: Path) -> None:
    config = tmp_path / "night.toml"
    config.write_text(CONFIG, encoding="utf-8")
    state = tmp_path / "var"
    ensure_tables(state)
    unwanted = [affinity(one["segment_id"], "product", "roastery/C4", 0.05, 10) for one in SEGMENTS]
    products = [product("C1"), product("C2", image_sha256=None), product("C3"), product("C4")]
    parts = tables(products, [*AFFINITIES, *unwanted])
    for name, table in parts.items():
        append_rows(
            state,
            name,
            table.filter(pa.compute.is_valid(table["image_sha256"])) if name == "product_views" else table,
        )
    args = [f"--run-date={NIGHT}", f"--config={config}", f"--state={state}"]
    assert infer_personas.main(args) == []
    first = read_table(state, "personas").sort_by([("sku", "ascending"), ("rank", "ascending")])
    assert first["sku"].to_pylist() == ["C1"] * 2 + ["C3"] * 2
    rejects = read_table(state, "rejects").to_pylist()
    assert [(row["key"], row["reason"]) for row in rejects] == [("roastery/C4", "no_segment_speaks_for_it")]
    assert "--sku roastery/C4 --explain" in rejects[0]["detail"]
    infer_personas.main([*args, "--shard=1/2"])
    infer_personas.main([*args, "--shard=0/2"])
    assert read_table(state, "personas").sort_by([("sku", "ascending"), ("rank", "ascending")]).equals(first)
    infer_personas.main([*args, "--limit=1"])
    assert set(read_table(state, "personas")["sku"].to_pylist()) == {"C1"}


def test_shards_hold_every_key_once() -> None:
    keys = [("a", "1"), ("a", "O'Neil"), ("b", "0"), ("b", "é"), ("c", "1")]
    table = rows_to_table("products", [product(sku, merchant_id=m) for m, sku in keys])
    others = [*keys, ("", ""), ("a", "11"), ("b", ""), ("z", "gone")]
    rows = pa.Table.from_pylist([{"merchant_id": m, "sku": sku} for m, sku in others])
    for products in (table, table.slice(0, 1), table.slice(0, 0)):
        for count in (1, 2, 4, 7):
            parts = [in_shard(products, (index, count)) for index in range(count)]
            assert pa.concat_tables([part for part, _ in parts]).equals(products)
            owned = [set(duckdb.from_arrow(rows).filter(mine).fetchall()) for _, mine in parts]
            assert sorted(key for own in owned for key in own) == sorted(others)
            for (part, _), own in zip(parts, owned, strict=True):
                assert {(row["merchant_id"], row["sku"]) for row in part.to_pylist()} <= own
