from __future__ import annotations

import numpy as np

from ray_tasks.personas.ranking import NOBODY, diverse_top


def top(score: list[float], k: int, alike: np.ndarray | None = None, **changed: object) -> list[int]:
    eligible = np.array([changed.get("eligible", [True] * len(score))])
    chosen = diverse_top(
        np.array([score], np.float32),
        eligible,
        np.eye(len(score), dtype=np.float32) if alike is None else alike,
        k,
        least_score=float(str(changed.get("least", -9))),
        diversity=0.3,
    )
    return list(chosen[0])


def test_a_twin_of_the_first_choice_gives_way_to_another_angle() -> None:
    alike = np.array([[1, 0.99, 0.1, 0], [0.99, 1, 0.1, 0], [0.1, 0.1, 1, 0], [0, 0, 0, 1]], np.float32)
    assert top([1.0, 0.95, 0.9, 0.0], 2, alike) == [0, 2]
    assert top([1.0, 0.95, 0.3, 0.0], 2, alike) == [0, 1], "another angle is not worth any price"


def test_equals_go_to_the_first_column() -> None:
    assert top([1.0, 1.0, 1.0], 3) == [0, 1, 2]
    assert top([1.0, 1.0 + 1e-8, 1.0], 2) == [0, 1]


def test_what_nothing_speaks_for_is_not_chosen() -> None:
    assert top([0.4, -0.1, 0.2], 3, least=0.0) == [0, 2, NOBODY]
    assert top([0.4, 0.3, 0.2], 3, eligible=[False, True, False]) == [1, NOBODY, NOBODY]
    assert top([0.4], 3) == [0, NOBODY, NOBODY]
