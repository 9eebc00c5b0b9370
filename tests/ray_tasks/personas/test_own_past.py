"""A product's own past: whose rows it gets, and how far it moves what is known of products like it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from infra.tables import rows_to_table
from ray_tasks.personas.affinity import PRIOR_STRENGTH
from ray_tasks.personas.own_past import COLUMN, OwnPast, with_own_past, without_own_past
from ray_tasks.personas.weights import with_own_past as posterior
from tests.ray_tasks.records import affinity, product

ROWS = rows_to_table(
    "segment_affinity",
    [
        affinity("office", "product", "roastery/C2", 2.0, 60.0) | {"users": 20, "events": 40},
        affinity("fitness", "category", "coffee", 3.0),
        affinity("fitness", "product", "roastery/C2", PRIOR_STRENGTH / 50, 0.0) | {"users": 0, "events": 0},
        affinity("gone", "product", "roastery/C2", 9.0, 40.0) | {"users": 5, "events": 9},
        affinity("office", "product", "roastery/unknown", 5.0),
    ],
)


def test_each_product_gets_its_own_rows_and_no_other() -> None:
    products = with_own_past(rows_to_table("products", [product("C1"), product("C2"), product("C3")]), ROWS)
    told = [[row["segment_id"] for row in own] for own in products[COLUMN].to_pylist()]
    assert told == [[], ["office", "fitness", "gone"], []]
    assert without_own_past(ROWS)["dimension"].to_pylist() == ["category"]
    nothing = with_own_past(rows_to_table("products", [product("C1")]), without_own_past(ROWS))
    assert nothing[COLUMN].to_pylist() == [[]]


def test_users_and_what_was_expected_of_them() -> None:
    products = with_own_past(rows_to_table("products", [product("C1"), product("C2")]), ROWS)
    own = OwnPast(products[COLUMN], ["fitness", "office"])
    share = 25 / 100  # users per weighted event of the product
    assert own.users.tolist() == [[0, 0], [0, pytest.approx(60 * share)]]
    assert own.expected[1].tolist() == pytest.approx(
        [30 * share, ((60 + PRIOR_STRENGTH) / 2 - PRIOR_STRENGTH) * share]
    )
    assert own.log_lift()[0].tolist() == [0, 0]
    assert own.log_lift()[1, 1] == pytest.approx(np.log(2))
    support = own.support(1, 1)
    assert support is not None and (support.lift, support.events, support.users) == (2.0, 40, 20)
    assert own.support(0, 0) is None


def test_the_past_moves_a_score_as_far_as_it_is_known() -> None:
    score = np.array([[0.5, 0.5, 0.5, -1.0]], np.float32)
    users, expected = np.array([[0, 40, 4000, 0]]), np.array([[0, 10, 1000, 1000]])
    found = posterior(score, SimpleNamespace(own=SimpleNamespace(users=users, expected=expected)), 20.0)[0]  # type: ignore[arg-type]
    assert found[0] == np.float32(0.5)
    assert 0.5 < found[1] < np.log(4)
    assert found[2] == pytest.approx(np.log(4), abs=0.01)
    assert found[3] < -3
