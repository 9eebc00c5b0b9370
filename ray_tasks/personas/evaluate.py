"""One row of `persona_evaluation` per shop, kind of product, method and measure; prints the table.

`python -m jobs.evaluate_personas` makes the cases and runs this.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.settings import load_config
from infra.tables import ensure_tables, replace_rows, rows_to_table
from ray_tasks.models.text_embedder import MiniLMEmbedder
from ray_tasks.models.vector_cache import CachedEmbedder
from ray_tasks.models.vision_language import VisionLanguageModel
from ray_tasks.personas.affinity import Matrix
from ray_tasks.personas.cases import Case, read_cases
from ray_tasks.personas.measure_opinion import ask, fit_weight
from ray_tasks.personas.metrics import DEPTHS, METRICS, interval, judge
from ray_tasks.personas.opinion import Adviser, adviser_revision, write_weight
from ray_tasks.personas.ranking import diverse_top
from ray_tasks.personas.weights import Weights

OURS = "ours"
BASELINES = ("popularity", "random", "text only", "affinity only", "affinity and own past")
"""Segments by past engagement; by chance; by the likeness of the product's text to what they say; by the plain mean of
the shrunk log-lifts of the product's known category, tags, brand and price band; by that mean with the product's own
shrunk log-lift in it."""
WITH_MODEL = "ours with a model's opinion"
VARIANTS = ("ours, no own past", "ours, behaviour only", "ours, no diversity")
KINDS = ("all", "warm", "cold", "new")


def main(argv: Sequence[str] | None = None) -> None:
    """Judges the cases and stores the result under --state."""
    parser = argparse.ArgumentParser(prog="python -m ray_tasks.personas.evaluate", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path, help="the writer.model of this configuration is asked too")
    parser.add_argument("--record", type=Path, help="where what its opinions are worth is kept")
    parser.add_argument("--products", type=int, help="of each case, evenly; all when left out")
    args = parser.parse_args(argv)
    weights = Weights.load()
    embedder = CachedEmbedder(MiniLMEmbedder(), args.cases / "text_vectors.sqlite")
    cases = read_cases(args.cases, "test", embedder, args.products)
    opinions: Sequence[Matrix | None] = [None] * len(cases)
    if args.config is not None:
        fitted_on = read_cases(args.cases, "fit", embedder, args.products)
        opinions, told = _with_model(args.config, args.record, cases, fitted_on, weights)
    rows = list(evaluation(cases, weights, opinions))
    ensure_tables(args.state)
    replace_rows(args.state, "persona_evaluation", rows_to_table("persona_evaluation", rows), "true")
    for line in markdown(rows):
        sys.stdout.write(line + "\n")
    if args.config is not None:
        sys.stdout.write(f"\n{told}\n")


def _with_model(
    path: Path, record: Path | None, cases: Sequence[Case], fitted_on: Sequence[Case], weights: Weights
) -> tuple[list[Matrix], str]:
    """The model's part of the score of each case, its weight fitted on other ones and kept; and a line about it."""
    model = load_config(path).writer.model
    if model is None:
        raise SystemExit(f"{path} has no [writer.model]: there is no model to ask")
    adviser = Adviser(VisionLanguageModel(model), 1.0, adviser_revision(model))
    asked = ask(fitted_on, weights, adviser)
    weight = fit_weight(asked)
    products, answered = sum(len(one.score) for one in asked), sum(one.answered for one in asked)
    if record is not None:
        write_weight(record, adviser.revision, weight, products, answered)
    told = f"Opinions of {adviser.revision}: weight {weight:g}, {answered} of {products} products answered."
    return [weight * one.opinions for one in ask(cases, weights, adviser)], told


def rankings(case: Case, weights: Weights, opinions: Matrix | None = None) -> dict[str, NDArray[np.int64]]:
    """Method -> (products, 5) columns of segments, best first; `opinions`: a model's part of the score."""
    sums = weights.sums(case.parts)
    ours = np.sum(list(sums.values()), axis=0)
    before = weights.before_own_past(case.parts)
    everyone = np.ones(ours.shape, bool)
    depth = DEPTHS[-1]

    def top(score: Matrix) -> NDArray[np.int64]:
        return np.argsort(-np.round(score, 6), axis=1, kind="stable")[:, :depth]

    def chosen(score: Matrix, diversity: float = weights.diversity) -> NDArray[np.int64]:
        # Without the least score: baselines have none, and five are asked for.
        return diverse_top(score, everyone, case.model.alike, depth, least_score=-np.inf, diversity=diversity)

    return {
        OURS: chosen(ours),
        "popularity": top(np.tile(case.popularity, (len(ours), 1))),
        "random": top(np.stack([_chance(key, ours.shape[1]) for key in case.keys])),
        "text only": top(case.parts.likeness),
        "affinity only": top(case.model.mean_log_lift(case.products)),
        "affinity and own past": top(case.model.mean_log_lift(case.products, own=case.parts.own)),
        "ours, no own past": chosen(np.sum(list(before.values()), axis=0)),
        "ours, behaviour only": top(sums["affinity"] + sums["price"] + sums["season"]),
        "ours, no diversity": chosen(ours, 0.0),
    } | ({} if opinions is None else {WITH_MODEL: chosen(ours + opinions)})


def _chance(key: str, segments: int) -> Matrix:
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).random(segments).astype(np.float32)


def evaluation(
    cases: Sequence[Case], weights: Weights, opinions: Sequence[Matrix | None] | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of `persona_evaluation`; `opinions`: of each case, a model's part of the score."""
    said = dict(zip(map(id, cases), opinions or (), strict=False))
    for shop in sorted({case.shop for case in cases}):
        own = [case for case in cases if case.shop == shop]
        keys = np.array([key for case in own for key in case.keys])
        group = np.concatenate([case.group for case in own])
        judged: dict[str, list[NDArray[np.float64]]] = {}
        for case in own:
            for method, ranked in rankings(case, weights, said.get(id(case))).items():
                judged.setdefault(method, []).append(judge(ranked, case.truth))
        values = {method: np.concatenate(parts) for method, parts in judged.items()}
        for kind in KINDS:
            keep = np.full(len(keys), True) if kind == "all" else group == kind
            if not keep.any():
                continue
            for method, measured in values.items():
                mean, low, high = interval(measured[keep], keys[keep])
                difference = interval(values[OURS][keep] - measured[keep], keys[keep])
                for n, metric in enumerate(METRICS):
                    yield {
                        "shop": shop, "products_kind": kind, "method": method, "metric": metric,
                        "value": float(mean[n]), "low": float(low[n]), "high": float(high[n]),
                        "ours_minus": float(difference[0][n]), "ours_minus_low": float(difference[1][n]),
                        "ours_minus_high": float(difference[2][n]), "products": len(set(keys[keep])),
                        "method_revision": weights.revision,
                    }  # fmt: skip


def markdown(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The table for people: per shop and method the measures with intervals, and against which ours is better."""
    at = {(row["shop"], row["products_kind"], row["method"], row["metric"]): row for row in rows}
    for shop in sorted({row["shop"] for row in rows}):
        count = at[shop, "all", OURS, METRICS[0]]["products"]
        yield f"\n### {shop}: {count} products\n"
        yield "| method | " + " | ".join(METRICS) + " | ours minus it, nDCG@5 | warm | cold | new |"
        yield "|---|" + "---|" * (len(METRICS) + 4)
        for method in (OURS, *BASELINES, *VARIANTS, WITH_MODEL):
            if (shop, "all", method, METRICS[0]) not in at:
                continue
            own = [at[shop, "all", method, metric] for metric in METRICS]
            cells = [f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})" for row in own]
            kinds = [at.get((shop, kind, method, "ndcg@5")) for kind in KINDS[1:]]
            cells += ["" if method == OURS else _difference(own[-1])]
            cells += [f"{row['value']:.3f}" if row else "" for row in kinds]
            yield f"| {method} | " + " | ".join(cells) + " |"
    yield "\nOurs against each baseline: + better, - worse, = within the 95 % interval of the difference:\n"
    yield "| shop | " + " | ".join(BASELINES) + " |"
    yield "|---|" + "---|" * len(BASELINES)
    for shop in sorted({row["shop"] for row in rows}):
        verdicts = [
            " ".join(f"{metric} {_verdict(at[shop, 'all', method, metric])}" for metric in METRICS)
            for method in BASELINES
        ]
        yield f"| {shop} | " + " | ".join(verdicts) + " |"


def _difference(row: dict[str, Any]) -> str:
    return f"{row['ours_minus']:+.3f} ({row['ours_minus_low']:+.3f} to {row['ours_minus_high']:+.3f})"


def _verdict(row: dict[str, Any]) -> str:
    return "+" if row["ours_minus_low"] > 0 else "-" if row["ours_minus_high"] < 0 else "="


if __name__ == "__main__":
    main()
