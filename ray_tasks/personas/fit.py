"""Fits the weights of a persona's score on past behaviour and writes ray_tasks/personas/weights.toml.

`python -m jobs.evaluate_personas --fit` makes the cases and runs this. The same cases give the same file.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ray_tasks.models.text_embedder import MiniLMEmbedder
from ray_tasks.models.vector_cache import CachedEmbedder
from ray_tasks.personas.cases import Case, read_cases
from ray_tasks.personas.metrics import DEPTHS, METRICS, judge
from ray_tasks.personas.ranking import diverse_top
from ray_tasks.personas.weights import FEATURES, PATH, Weights, features

Column = NDArray[np.float64]

RIDGE = 1e-4
SCALE_RIDGE = 0.01
"""Of the logarithm of a shop's scale: weak, so that shops may differ, but their mean stays about 1."""
MOST_WEIGHT = 200.0
"""Engagement from which on a product counts no more: a few best sellers would decide everything."""
_LARGEST_SCORE = 5.0


def main(argv: Sequence[str] | None = None) -> None:
    """Fits on the cases and writes the file; the least score and the diversity, which are chosen, stay as they are."""
    parser = argparse.ArgumentParser(prog="python -m ray_tasks.personas.fit", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    args = parser.parse_args(argv)
    embedder = CachedEmbedder(MiniLMEmbedder(), args.cases / "text_vectors.sqlite")
    earlier, cases = (read_cases(args.cases, kind, embedder) for kind in ("choice", "fit"))
    # Not Weights.load, which refuses the weights of other features than today's.
    before = tomllib.loads(PATH.read_text(encoding="utf-8"))
    reached = {own_scale: reached_later(earlier, cases, own_scale=own_scale) for own_scale in (False, True)}
    fitted = fit(cases, own_scale=reached[True] > reached[False])
    found = Weights(*fitted, before["least_score"], before["diversity"])
    PATH.write_text(written(found, cases, reached), encoding="utf-8")


def reached_later(earlier: Sequence[Case], later: Sequence[Case], *, own_scale: bool) -> float:
    """Mean over shops of nDCG@5 on the weeks of `later`, of weights fitted on `earlier` alone."""
    weights, users = fit(earlier, own_scale=own_scale)
    found = Weights(weights, users, least_score=-np.inf, diversity=0.0)
    by_shop: dict[str, list[Column]] = {}
    for case in later:
        score = np.sum(list(found.sums(case.parts).values()), axis=0)
        everyone = np.ones(score.shape, bool)
        ranked = diverse_top(
            score, everyone, case.model.alike, DEPTHS[-1], least_score=-np.inf, diversity=0.0
        )
        judged = judge(ranked, case.truth)[:, METRICS.index("ndcg@5")]
        by_shop.setdefault(case.shop, []).append(judged[case.truth.relevant.any(axis=1)])
    return float(np.mean([np.concatenate(values).mean() for values in by_shop.values()]))


@dataclass(frozen=True)
class _Block:
    """One case, flat: a row a product and segment."""

    shop: int
    features: Column
    observed: Column
    expected: Column
    own_users: Column
    own_expected: Column


def fit(cases: Sequence[Case], *, own_scale: bool) -> tuple[dict[str, float], float]:
    """Non-negative weights of FEATURES, and the users that they count for beside a product's own past.

    Poisson regression with the expected engagement as offset: observed ~ Poisson(expected x exp(scale x score)), score
    as in `weights.with_own_past`. Every shop weighs the same, whatever its size; within a shop a product weighs by its
    engagement, up to MOST_WEIGHT. Shops differ in how much of a lift is left later: most of all clusters, which were
    found in the very past that is counted. With `own_scale` each has a scale of its own, which is thrown away: it ranks
    nothing.
    """
    shops = sorted({case.shop for case in cases})
    blocks = [_block(case, shops.index(case.shop)) for case in cases]
    total = np.bincount(
        [block.shop for block in blocks], [block.observed.sum() for block in blocks], len(shops)
    )
    weights, users, scales = np.split(
        np.arange(len(FEATURES) + 1 + len(shops)), [-1 - len(shops), -len(shops)]
    )

    def loss(x: Column) -> tuple[float, Column]:
        slope = np.zeros_like(x)
        slope[weights], slope[scales] = 2 * RIDGE * x[weights], 2 * SCALE_RIDGE * x[scales]
        value = RIDGE * float(x[weights] @ x[weights]) + SCALE_RIDGE * float(x[scales] @ x[scales])
        prior = np.exp(x[users])
        for block in blocks:
            scale = np.exp(x[scales[block.shop]])
            unlike = np.exp(-np.clip(block.features @ x[weights], -_LARGEST_SCORE, _LARGEST_SCORE))
            expected = block.own_expected + prior * unlike
            score = np.log((block.own_users + prior) / expected)
            mean = block.expected * np.exp(scale * score)
            value += float((mean - block.observed * scale * score).sum()) / total[block.shop]
            missed = scale * (mean - block.observed) / total[block.shop]
            slope[weights] += block.features.T @ (missed * prior * unlike / expected)
            slope[users] += (missed * prior * (1 / (block.own_users + prior) - unlike / expected)).sum()
            slope[scales[block.shop]] += (missed * score).sum()
        return value, slope

    start = np.concatenate([np.full(len(FEATURES), 0.1), [np.log(20)], np.zeros(len(shops))])
    bounds = (
        [(0, None)] * len(FEATURES) + [(0, np.log(1e4))] + [(-3, 3) if own_scale else (0, 0)] * len(shops)
    )
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    named = zip(FEATURES, found[weights], strict=True)
    return {name: round(float(weight), 3) for name, weight in named}, round(float(np.exp(found[users][0])), 1)


def _block(case: Case, shop: int) -> _Block:
    values = features(case.parts)
    scale = np.minimum(1, MOST_WEIGHT / case.observed.sum(axis=1, keepdims=True))
    past = case.parts.own
    own = (case.observed * scale, case.expected * scale, past.users, past.expected)
    x = np.stack([values[name].ravel() for name in FEATURES], axis=1).astype(np.float64)
    return _Block(shop, x, *(matrix.ravel().astype(np.float64) for matrix in own))


def written(found: Weights, cases: Sequence[Case], reached: dict[bool, float]) -> str:
    """The file's text."""
    shops = sorted({case.shop for case in cases})
    counts = [
        f"{shop} {len({key for case in cases if case.shop == shop for key in case.keys})}" for shop in shops
    ]
    own_scale = (
        "A scale of its own for each shop" if reached[True] > reached[False] else "One scale for all shops"
    )
    return f"""# How the parts of a persona's score add up: all parts and the score are natural logarithms of a lift.
# Written by `python -m jobs.evaluate_personas --fit`: Poisson regression with weights >= 0, the expected engagement as
# offset; parts from the earlier past, engagement of the later past, nothing of the weeks and products held out for
# the evaluation. Products: {", ".join(counts)}.
# {own_scale}: weights of a still earlier split reached an nDCG@5 of {reached[True]:.4f} with a scale a shop
# and of {reached[False]:.4f} with one for all, as the mean over shops on the later past.

# Users expected of a product from which on its own past counts more than all that is known of products like it.
own_past_users = {found.own_past_users}

# A segment below it gets no face: 0 is average. Chosen, not fitted; see EVALUATION.md.
least_score = {found.least_score}
# Standard deviations of a product's scores that it costs to be wholly like a segment that is chosen already. Chosen.
diversity = {found.diversity}

[weights]
""" + "".join(f"{name} = {weight}\n" for name, weight in found.by_feature.items())


if __name__ == "__main__":
    main()
