"""What a model's opinions are worth: one weight, fitted on past behaviour beside the score as it is without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ray_tasks.personas.affinity import Matrix
from ray_tasks.personas.cases import Case
from ray_tasks.personas.fit import MOST_WEIGHT, RIDGE
from ray_tasks.personas.opinion import Adviser
from ray_tasks.personas.weights import Weights

MOST_WORTH = 3.0
"""An opinion that is worth more says that its log-lifts are badly chosen."""


@dataclass(frozen=True)
class Asked:
    """A case, its score without the model, and the model's opinions before their weight."""

    case: Case
    score: Matrix
    opinions: Matrix
    answered: int
    """Products of which the model gave an answer that was not refused."""


def ask(cases: Sequence[Case], weights: Weights, adviser: Adviser) -> list[Asked]:
    """The model's opinions of the products of each case; cases have no pictures, so it judges by the record alone."""
    asked = []
    for case in cases:
        score = np.sum(list(weights.sums(case.parts).values()), axis=0)
        everyone = np.ones(score.shape, bool)
        opinions, heard = adviser.opinions(case.products.to_pylist(), case.segments, score, everyone)
        asked.append(Asked(case, score, opinions, sum(one.opinions is not None for one in heard)))
    return asked


def fit_weight(asked: Sequence[Asked]) -> float:
    """The non-negative weight of the opinions; 0 where they say nothing that the score does not know.

    As `ray_tasks.personas.fit`, but given each product's total (McFadden 1974): observed ~ Multinomial(expected x
    exp(scale x score + weight x opinion)), so that a model that praises everything gains nothing by it. Every shop
    weighs the same and has a scale of its own, which is thrown away.
    """
    shops = sorted({one.case.shop for one in asked})
    blocks = [(shops.index(one.case.shop), *_capped(one.case), one.score, one.opinions) for one in asked]
    total = np.bincount([block[0] for block in blocks], [block[1].sum() for block in blocks], len(shops))

    def loss(x: NDArray[np.float64]) -> float:
        value = RIDGE * float(x[0] ** 2)
        for shop, observed, expected, score, opinions in blocks:
            said = x[1 + shop] * score + x[0] * opinions
            level = np.log((expected * np.exp(said)).sum(axis=1))
            value += float((observed.sum(axis=1) * level - (observed * said).sum(axis=1)).sum()) / total[shop]
        return value

    start = np.concatenate([[0.0], np.ones(len(shops))])
    bounds = [(0, MOST_WORTH), *[(0.05, 20)] * len(shops)]
    return round(float(minimize(loss, start, method="L-BFGS-B", bounds=bounds).x[0]), 3)


def _capped(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Observed and expected engagement; a best seller counts as MOST_WEIGHT events."""
    scale = np.minimum(1, MOST_WEIGHT / case.observed.sum(axis=1, keepdims=True))
    return case.observed * scale, case.expected * scale
