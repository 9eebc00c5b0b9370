from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.personas.metrics import Truth, interval, judge

# Two products, three segments, 1000 expected each: the first product is wanted by segments 0 and 1, the second by 2.
TRUTH = Truth.of(np.array([[3000.0, 2000, 100], [500, 900, 2000]]), np.full((2, 3), 1000.0))


def test_relevant_is_who_wants_it_clearly_more_than_average() -> None:
    assert TRUTH.relevant.tolist() == [[True, True, False], [False, False, True]]


def test_a_lift_of_few_events_is_no_truth() -> None:
    assert not Truth.of(np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]])).relevant.any()


def test_the_best_ranking_reaches_one_and_the_worst_loses() -> None:
    best = judge(np.array([[0, 1, 2, -1, -1], [2, 1, 0, -1, -1]]), TRUTH)
    np.testing.assert_allclose(best, 1)
    worst = judge(np.array([[2, 1, 0, -1, -1], [0, 1, 2, -1, -1]]), TRUTH)
    np.testing.assert_allclose(worst[:, 0], 0)
    assert (worst[:, 3] < 1).all()
    nobody = judge(np.full((2, 5), -1), TRUTH)
    np.testing.assert_allclose(nobody, 0)


def test_the_interval_holds_the_mean_and_draws_whole_products() -> None:
    values = np.array([[0.0], [1.0], [0.0], [1.0]])
    mean, low, high = interval(values, ["a", "a", "b", "b"])
    # Every product has one of each: whichever products are drawn, the mean is the same.
    assert (mean[0], low[0], high[0]) == (0.5, 0.5, 0.5)
    mean, low, high = interval(values, ["a", "b", "a", "b"])
    assert low[0] == 0 and high[0] == 1 and mean[0] == pytest.approx(0.5)
    assert interval(values, ["a", "b", "a", "b"])[1][0] == low[0]
