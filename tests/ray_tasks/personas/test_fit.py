from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from infra.tables import rows_to_table
from ray_tasks.personas.cases import Case
from ray_tasks.personas.evaluate import BASELINES, OURS, evaluation, markdown
from ray_tasks.personas.fit import fit, written
from ray_tasks.personas.own_past import with_own_past
from ray_tasks.personas.parts import Parts, PartsModel
from ray_tasks.personas.texts import product_text
from ray_tasks.personas.weights import FEATURES, Weights
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.records import SEGMENTS, affinity, product

NAMES = [one["segment_id"] for one in SEGMENTS]


def _case(
    rows: list[dict[str, Any]],
    products: list[dict[str, Any]],
    wanted: Callable[[Parts], np.ndarray],
    rng: np.random.Generator,
) -> Case:
    """What was wanted of each product is Poisson around 100 x exp(`wanted`), after its parts."""
    affinities, embedder = rows_to_table("segment_affinity", rows), BagOfWordsEmbedder()
    table = with_own_past(rows_to_table("products", products), affinities)
    model = PartsModel(rows_to_table("segments", SEGMENTS), affinities, embedder)
    parts = model.of(table, embedder.embed([product_text(one) for one in products]))
    expected = np.full(parts.tag.shape, 100.0)
    return Case(
        "shop", table, np.array(["warm", "cold"] * 20), model, parts, np.ones(len(NAMES)),
        sorted(SEGMENTS, key=lambda one: one["segment_id"]),
        rng.poisson(expected * np.exp(wanted(parts))).astype(float), expected,
    )  # fmt: skip


def planted_case(wanted: Callable[[Parts], np.ndarray]) -> Case:
    """Forty products that their tags' lifts tell apart."""
    rng = np.random.default_rng(3)
    lifts = np.exp(rng.normal(0, 0.8, (20, len(NAMES))))
    rows = [
        affinity(name, "tag", f"t{n}", float(lifts[n, i])) for n in range(20) for i, name in enumerate(NAMES)
    ]
    products = [
        product(f"P{n}", title=f"Thing {n}", category="Things", tags=[f"t{n % 20}"], brand=None)
        for n in range(40)
    ]
    return _case(rows, products, wanted, rng)


@pytest.fixture(scope="module")
def case() -> Case:
    """What was wanted is exp(0.7 x the lift of the product's tag)."""
    return planted_case(lambda parts: 0.7 * parts.tag)


def test_a_season_that_decides_is_found_and_ranks_the_segments_that_buy_in_it() -> None:
    rng = np.random.default_rng(5)
    lifts = np.exp(rng.normal(0, 0.6, (4, len(NAMES))))
    seasons = ("winter", "spring", "summer", "autumn")
    words = ("Christmas star", "Easter basket", "Beach towel", "Halloween lamp")
    rows = [
        affinity(name, "season", season, float(lifts[n, i]))
        for n, season in enumerate(seasons)
        for i, name in enumerate(NAMES)
    ]
    products = [
        product(f"P{n}", title=f"{words[n % 4]} {n}", category="Things", tags=[], brand=None)
        for n in range(40)
    ]
    seasonal = _case(rows, products, lambda parts: 0.8 * parts.season, rng)
    weights, users = fit([seasonal], own_scale=False)
    assert weights["season"] == pytest.approx(0.8, abs=0.1)
    sums = Weights(weights, users, least_score=0.0, diversity=0.0).sums(seasonal.parts)
    first = sum(sums.values()).argmax(axis=1)
    ids = seasonal.model.segment_ids
    assert [ids[one] for one in first[:4]] == [NAMES[one] for one in lifts.argmax(axis=1)]


def test_the_fit_finds_what_made_the_data_and_is_deterministic(case: Case) -> None:
    weights, users = fit([case], own_scale=True)
    # Category and brand are unknown here and stand for the tag.
    assert weights["tag"] + weights["category"] + weights["brand"] == pytest.approx(0.7, abs=0.05)
    assert min(weights.values()) >= 0
    assert fit([case], own_scale=True) == (weights, users)


def test_the_file_can_be_read_again(case: Case) -> None:
    found = Weights(dict.fromkeys(FEATURES, 0.25), 12.5, least_score=-0.1, diversity=0.3)
    text = written(found, [case], {True: 0.8, False: 0.7})
    assert tomllib.loads(text)["weights"] == dict.fromkeys(FEATURES, 0.25)
    assert tomllib.loads(text)["own_past_users"] == 12.5
    assert "shop 40" in text
    assert "A scale of its own for each shop" in text
    assert max(map(len, text.splitlines())) <= 120


def test_weights_of_other_features_are_refused(tmp_path) -> None:
    path = tmp_path / "weights.toml"
    path.write_text(
        "least_score = 0.0\ndiversity = 0.3\nown_past_users = 9.0\n[weights]\ntag = 1.0\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match="fit them anew"):
        Weights.load(path)


def test_ours_beats_chance_and_the_table_says_so(case: Case) -> None:
    rows = list(evaluation([case], Weights.load()))
    at = {(row["products_kind"], row["method"], row["metric"]): row for row in rows}
    assert at["all", OURS, "ndcg@5"]["value"] > 0.9
    assert at["all", "random", "ndcg@5"]["ours_minus_low"] > 0
    assert {row["products_kind"] for row in rows} == {"all", "warm", "cold"}
    rows_to_table("persona_evaluation", rows)
    text = "\n".join(markdown(rows))
    assert all(f"| {name} |" in text for name in BASELINES)
