"""Which segments a product is shown to: the combined score, and K that are different angles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

AFFINITY_WEIGHT = 1.0
TEXT_WEIGHT = 0.35
TEXT_WEIGHT_KNOWN = 0.1
"""One standard deviation of text similarity weighs as much as a lift of 1.42 (exp 0.35) for a product whose category
behaviour knows nothing of, and as a lift of 1.11 for one whose category it has seen: text decides where behaviour is
silent. Fixed by judgement; fitting the weights on past behaviour is evaluation work."""

RELEVANCE_WEIGHT = 0.85
"""Lambda of maximal marginal relevance: 1 would ignore how alike the chosen segments are."""


def standardised(similarity: Matrix, eligible: NDArray[np.bool_]) -> Matrix:
    """(products, segments): z-scores of each row over its eligible segments; 0 where all are alike.

    Standardised within the product, because cosine levels differ between long and short texts.
    """
    count = np.maximum(eligible.sum(axis=1, keepdims=True), 1)
    mean = np.where(eligible, similarity, 0).sum(axis=1, keepdims=True) / count
    centred = np.where(eligible, similarity - mean, 0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.asarray(np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-9))


def combined(affinity: Matrix, text: Matrix, coverage: NDArray[np.float64]) -> Matrix:
    """The score, (products, segments): AFFINITY_WEIGHT x mean log-lift + a text weight x standardised similarity.

    `coverage` (products,) runs from 0 (behaviour knows nothing of the product) to 1 (it has seen its very category)
    and takes the text weight from TEXT_WEIGHT to TEXT_WEIGHT_KNOWN.
    """
    text_weight = TEXT_WEIGHT + (TEXT_WEIGHT_KNOWN - TEXT_WEIGHT) * coverage[:, None]
    return np.asarray(AFFINITY_WEIGHT * affinity + text_weight * text)


def diverse_top(
    score: NDArray[np.float64], alike: Matrix, candidates: Sequence[int], segment_ids: Sequence[str], k: int
) -> list[int]:
    """At most k of the candidates, best first, by maximal marginal relevance (Carbonell and Goldstein 1998, eq. 1).

    `score` (segments,) is brought to 0..1 over the candidates; `alike` (segments, segments) is the segments' own
    cosine similarity. Equal values go to the smaller segment_id.
    """
    rest = sorted(candidates, key=lambda i: segment_ids[i])
    if not rest:
        return []
    low, high = score[rest].min(), score[rest].max()
    relevance = (score - low) / (high - low) if high > low else np.zeros_like(score)
    chosen: list[int] = []
    while rest and len(chosen) < k:

        def marginal(i: int) -> float:
            redundancy = max((float(alike[i, j]) for j in chosen), default=0.0)
            return round(RELEVANCE_WEIGHT * float(relevance[i]) - (1 - RELEVANCE_WEIGHT) * redundancy, 9)

        best = max(rest, key=marginal)
        rest.remove(best)
        chosen.append(best)
    return chosen
