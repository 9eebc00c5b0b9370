"""Which segments each product of a block is shown to: the best K that are different angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ray_tasks.personas.affinity import Matrix

NOBODY = -1


def diverse_top(
    score: Matrix, eligible: NDArray[np.bool_], alike: Matrix, k: int, *, least_score: float, diversity: float
) -> NDArray[np.int64]:
    """(products, k) columns of the chosen segments, best first, by maximal marginal relevance (Carbonell and Goldstein
    1998, eq. 1); NOBODY where fewer than k eligible segments reach `least_score`.

    score, eligible: (products, segments); alike: (segments, segments), 0 to 1. To be wholly like a segment that is
    chosen already costs `diversity` standard deviations of the product's scores. Equal values go to the first column.
    """
    count = np.maximum(eligible.sum(axis=1, keepdims=True), 1)
    mean = np.where(eligible, score, 0).sum(axis=1, keepdims=True) / count
    spread = np.sqrt((np.where(eligible, score - mean, 0) ** 2).sum(axis=1, keepdims=True) / count)
    # Rounded, so that the last bits of a matrix product do not decide between equals.
    usable = np.where(eligible & (score >= least_score), np.round(score, 6), -np.inf)
    penalty = np.zeros_like(usable)
    chosen = np.full((len(score), k), NOBODY, np.int64)
    lines = np.arange(len(score))
    for rank in range(min(k, score.shape[1])):
        marginal = usable - penalty
        best = marginal.argmax(axis=1)
        found = np.isfinite(marginal[lines, best])
        chosen[found, rank] = best[found]
        usable[lines, best] = -np.inf
        penalty = np.maximum(penalty, np.round(diversity * spread * alike[best], 6))
    return chosen
