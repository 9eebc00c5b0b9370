"""How good a ranking of segments is: recall@k and nDCG@k per product, with intervals from a bootstrap over products."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ray_tasks.personas.affinity import PRIOR_STRENGTH
from ray_tasks.personas.ranking import NOBODY

Matrix = NDArray[np.float64]

DEPTHS = (1, 3, 5)
METRICS = ("recall@1", "recall@3", "recall@5", "ndcg@5")
LEAST_LIFT = 1.2
MOST_RELEVANT = 5
LEAST_OBSERVED = 30.0
"""Engagement with a product after the cut below which nobody can tell who wants it."""
_RESAMPLES = 1000


@dataclass(frozen=True)
class Truth:
    """Who wanted each product after the cut: (products, segments)."""

    log_lift: Matrix
    """Shrunk like the affinity table's: big segments do not win by size, nor small ones by chance."""
    relevant: NDArray[np.bool_]
    """The up to five segments of the highest lifts of at least 1.2."""

    @classmethod
    def of(cls, observed: Matrix, expected: Matrix) -> Truth:
        """From engagement observed and expected; see jobs.persona_cases.split."""
        log_lift = np.log((observed + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH))
        order = np.argsort(-log_lift, axis=1, kind="stable")
        relevant = np.zeros(log_lift.shape, bool)
        np.put_along_axis(relevant, order[:, :MOST_RELEVANT], True, axis=1)
        return cls(log_lift, relevant & (log_lift >= np.log(LEAST_LIFT)))


def judge(ranked: NDArray[np.int64], truth: Truth) -> Matrix:
    """(products, METRICS): recall@1, @3, @5 and nDCG@5 of `ranked` (products, 5), columns of segments or NOBODY.

    recall@k is the found share of min(k, relevant) segments, so that 1 can be reached. nDCG (Jarvelin and Kekalainen
    2002) gains the log-lift of a segment that wanted the product more than average, and nothing for another.
    """
    found = ranked != NOBODY
    safe = np.where(found, ranked, 0)
    hit = np.take_along_axis(truth.relevant, safe, axis=1) & found
    relevant = truth.relevant.sum(axis=1)
    recall = [hit[:, :k].sum(axis=1) / np.maximum(np.minimum(k, relevant), 1) for k in DEPTHS]
    gain = np.maximum(truth.log_lift, 0)
    discount = 1 / np.log2(np.arange(2, DEPTHS[-1] + 2))
    dcg = (np.where(found, np.take_along_axis(gain, safe, axis=1), 0) * discount).sum(axis=1)
    best = -np.sort(-gain, axis=1)[:, : DEPTHS[-1]]
    ideal = (best * discount[: best.shape[1]]).sum(axis=1)
    return np.stack([*recall, dcg / np.maximum(ideal, 1e-12)], axis=1)


def interval(values: Matrix, products: Sequence[str]) -> tuple[Matrix, Matrix, Matrix]:
    """Mean, lower and upper end of the 95 % interval of each column of `values` (rows, metrics).

    Percentile bootstrap (Efron 1979) that draws products, with all their rows (folds): rows of one product are not
    independent. Seeded by the products' names.
    """
    names, owner = np.unique(np.asarray(products), return_inverse=True)
    sums = np.stack([np.bincount(owner, column, minlength=len(names)) for column in values.T], axis=1)
    counts = np.bincount(owner, minlength=len(names)).astype(np.float64)
    seed = int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:8], "big")
    draws = np.random.default_rng(seed).integers(0, len(names), (_RESAMPLES, len(names)))
    means = np.stack([sums[draw].sum(axis=0) / counts[draw].sum() for draw in draws])
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return values.mean(axis=0), low, high
