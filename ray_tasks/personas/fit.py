"""Fits the weights of a persona's score on past behaviour and writes ray_tasks/personas/weights.toml.

`python -m jobs.evaluate_personas --fit` makes the cases and runs this. The same cases give the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ray_tasks.models.text_embedder import MiniLMEmbedder
from ray_tasks.models.vector_cache import CachedEmbedder
from ray_tasks.personas.cases import Case, read_cases
from ray_tasks.personas.weights import FEATURES, PATH, Weights, features

RIDGE = 1e-4
MOST_WEIGHT = 200.0
"""Engagement from which on a product counts no more: a few best sellers would decide everything."""
_LARGEST_SCORE = 5.0


def main(argv: Sequence[str] | None = None) -> None:
    """Fits on the cases and writes the file; the least score and the diversity, which are chosen, stay as they are."""
    parser = argparse.ArgumentParser(prog="python -m ray_tasks.personas.fit", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    args = parser.parse_args(argv)
    cases = read_cases(
        args.cases, "fit", CachedEmbedder(MiniLMEmbedder(), args.cases / "text_vectors.sqlite")
    )
    before = Weights.load()
    PATH.write_text(written(fit(cases), before, cases), encoding="utf-8")


def fit(cases: Sequence[Case]) -> dict[str, float]:
    """Non-negative weights of FEATURES by Poisson regression with the expected engagement as offset.

    observed ~ Poisson(expected x exp(score)): the score is a log-lift, and calibrated as one. Every shop weighs the
    same, whatever its size; within a shop a product weighs by its engagement, up to MOST_WEIGHT.
    """
    total = {shop: 0.0 for shop in {case.shop for case in cases}}
    blocks: list[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
    for case in cases:
        values = features(case.parts)
        x = np.stack([values[name].ravel() for name in FEATURES], axis=1).astype(np.float64)
        engagement = case.observed.sum(axis=1, keepdims=True)
        scale = np.minimum(1, MOST_WEIGHT / engagement)
        observed, expected = (case.observed * scale).ravel(), (case.expected * scale).ravel()
        total[case.shop] += observed.sum()
        blocks.append((case.shop, x, observed, expected))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for shop, x, observed, expected in blocks:
            score = np.clip(x @ weights, -_LARGEST_SCORE, _LARGEST_SCORE)
            mean = expected * np.exp(score)
            value += float((mean - observed * score).sum()) / total[shop]
            slope = slope + x.T @ (mean - observed) / total[shop]
        return value, slope

    start = np.full(len(FEATURES), 0.1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    return {name: round(float(weight), 3) for name, weight in zip(FEATURES, found.x, strict=True)}


def written(weights: dict[str, float], chosen: Weights, cases: Sequence[Case]) -> str:
    """The file's text."""
    shops = sorted({case.shop for case in cases})
    counts = [
        f"{shop} {len({key for case in cases if case.shop == shop for key in case.keys})}" for shop in shops
    ]
    return f"""# How the parts of a persona's score add up: all parts and the score are natural logarithms of a lift.
# Written by `python -m jobs.evaluate_personas --fit`: Poisson regression with weights >= 0 and the expected engagement
# as offset; parts from the earlier past, engagement of the later past, nothing of the weeks and products held out for
# the evaluation. Products: {", ".join(counts)}.

# A segment below it gets no face: 0 is average. Chosen, not fitted; see EVALUATION.md.
least_score = {chosen.least_score}
# Standard deviations of a product's scores that it costs to be wholly like a segment that is chosen already. Chosen.
diversity = {chosen.diversity}

[weights]
""" + "".join(f"{name} = {weight}\n" for name, weight in weights.items())


if __name__ == "__main__":
    main()
