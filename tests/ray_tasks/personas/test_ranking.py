from __future__ import annotations

import numpy as np

from ray_tasks.personas.ranking import combined, diverse_top, standardised


def test_standardised_ignores_segments_that_are_not_eligible() -> None:
    similarity = np.array([[0.1, 0.3, 9.0]])
    z = standardised(similarity, np.array([[True, True, False]]))
    np.testing.assert_allclose(z, [[-1, 1, 0]])


def test_standardised_of_equal_similarities_is_zero() -> None:
    assert not standardised(np.full((2, 3), 0.4), np.ones((2, 3), bool)).any()


def test_text_weighs_less_where_behaviour_has_seen_the_category() -> None:
    known, unknown = combined(np.zeros((2, 1)), np.ones((2, 1)), np.array([1.0, 0.0]))[:, 0]
    assert 0 < known < unknown


def test_a_twin_of_the_first_choice_gives_way_to_another_angle() -> None:
    score = np.array([1.0, 0.95, 0.9, 0.0])
    alike = np.array([[1, 0.99, 0.1, 0], [0.99, 1, 0.1, 0], [0.1, 0.1, 1, 0], [0, 0, 0, 1.0]])
    assert diverse_top(score, alike, [0, 1, 2, 3], ["a", "b", "c", "d"], 2) == [0, 2]


def test_ties_go_to_the_smaller_segment_id() -> None:
    assert diverse_top(np.ones(3), np.eye(3), [0, 1, 2], ["c", "a", "b"], 3) == [1, 2, 0]
    assert diverse_top(np.ones(3), np.eye(3), [], ["c", "a", "b"], 3) == []
