"""The case: who the sample shop's black coffee is for, from behaviour and facts alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from infra.sample_shop.catalog import segments as declared
from infra.sample_shop.events import event_table, members, sellable
from infra.tables import rows_to_table
from ray_tasks.infer_personas import PersonaRanker
from ray_tasks.personas.affinity import PRIOR_STRENGTH
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.texts import attributes
from schemas.vocabulary import product_value
from tests.ray_tasks.records import affinity, product, segment


def test_five_groups_come_out_for_black_coffee() -> None:
    rows = [
        product(one.sku, merchant_id=one.merchant_id, title=one.name, description=one.text, category=one.category,
                brand=one.brand, price_minor=round(one.price * 100), tags=list(one.tags))
        for one in sellable()
    ]  # fmt: skip
    large = {name: one for name, one in declared().items() if one["size"] >= 50}
    of_user = {user: name for user, _, _, name in members()}
    weight = {"view": 1.0, "cart": 3.0, "order": 6.0}
    names, skus = list(large), {row["sku"]: i for i, row in enumerate(rows)}
    engaged = np.zeros((len(rows), len(names) + 1))
    for event in event_table().to_pylist():
        name = of_user[event["user_id"]]
        engaged[skus[event["sku"]], names.index(name) if name in large else -1] += weight[event["event"]]
    values: dict[tuple[str, str], np.ndarray] = {}
    for row, own in zip(rows, engaged, strict=True):
        for value in [*attributes(row), ("product", product_value(row["merchant_id"], row["sku"]))]:
            values[value] = values.get(value, 0) + own
    lifts = [
        affinity(name, *value, (own[i] + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH), float(own[i]))
        for value, own in values.items()
        for i, name in enumerate(names)
        if (expected := engaged[:, i].sum() * own.sum() / engaged.sum()) >= 5 or own[i]
    ]
    people = [
        segment(name, one["description"], one["contexts"], name=one["name"], need=one["need"],
                interests=one["interests"])
        for name, one in large.items()
    ]  # fmt: skip
    affinities = rows_to_table("segment_affinity", lifts)
    ranker = PersonaRanker(
        rows_to_table("segments", people),
        without_own_past(affinities),
        {"roastery": 5},
        {"roastery": ("panel",)},
    )
    black_coffee = with_own_past(
        rows_to_table("products", [row for row in rows if row["sku"] == "RO-101"]), affinities
    )
    found = {row["segment_id"] for row in ranker(black_coffee).to_pylist()}
    assert found == {"low_sugar", "exam_students", "office", "outdoors", "fitness"}


def test_no_group_of_the_shop_is_named_in_what_finds_it() -> None:
    root = Path(__file__).resolve().parents[3]
    # Two are kinds of product as well.
    named = {f'"{name}"' for name in declared()} - {'"fitness"', '"beauty"'}
    for path in [*(root / "ray_tasks").rglob("*.py"), *(root / "jobs").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not [name for name in named if name in text], path
