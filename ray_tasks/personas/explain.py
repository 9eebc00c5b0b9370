"""Prints why one product's personas are what they are: the parts of every segment's score, and the evidence."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from infra.settings import load_config, night_date
from infra.tables import query_tables, read_night, read_table
from ray_tasks.models.text_embedder import MiniLMEmbedder, TextEmbedder
from ray_tasks.personas import evidence, ranking, texts
from ray_tasks.personas.own_past import COLUMN, with_own_past, without_own_past
from ray_tasks.personas.parts import PartsModel
from ray_tasks.personas.weights import Weights, features
from schemas.config import Merchant

MOST_RUNNERS_UP = 5


def main(argv: Sequence[str] | None = None) -> None:
    """`--sku MERCHANT/SKU --explain`; reads the last night, or --run-date, and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m ray_tasks.infer_personas", description=__doc__)
    parser.add_argument(
        "--sku", required=True, metavar="MERCHANT/SKU", help="the product; it needs no picture"
    )
    parser.add_argument("--explain", action="store_true", required=True)
    parser.add_argument("--run-date", type=night_date, help="the night; the last one by default")
    parser.add_argument("--config", type=Path, default=Path("infra/config/local.toml"))
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STATE") or "var"))
    args = parser.parse_args(argv)
    merchant_id, _, sku = args.sku.partition("/")
    config = load_config(args.config)
    merchants = {merchant.id: merchant for merchant in config.merchants}
    if merchant_id not in merchants or not sku:
        parser.error(f"--sku {args.sku}: give MERCHANT/SKU; merchants are {', '.join(merchants)}")
    try:
        night = (
            args.run_date
            or query_tables(args.state, "SELECT max(run_date) AS d FROM segments", "segments")[0]["d"]
        )
        if night is None:
            parser.error(f"no night under {args.state} has segments: run one first (make night)")
        filters = [("run_date", "=", night), ("merchant_id", "=", merchant_id), ("sku", "=", sku)]
        product = read_table(args.state, "products", filters=filters)
    except FileNotFoundError as error:
        parser.error(str(error))
    if not product.num_rows:
        parser.error(f"no product {args.sku} in the night of {night}; see `rejects` of jobs.ingest_catalog")
    embedder = MiniLMEmbedder()
    affinity = read_night(args.state, "segment_affinity", night)
    product = with_own_past(product, affinity)
    model = PartsModel(read_night(args.state, "segments", night), without_own_past(affinity), embedder)
    for line in explanation(model, product, merchants[merchant_id], embedder, Weights.load()):
        sys.stdout.write(line + "\n")
    if config.personas.backend == "model":
        sys.stdout.write(
            "A model is not asked here: what its opinion added that night is personas.model_score.\n"
        )


def explanation(
    model: PartsModel, product: pa.Table, merchant: Merchant, embedder: TextEmbedder, weights: Weights
) -> Iterator[str]:
    """The lines for a table of one product: scores by part, the chosen with their evidence, and why not the next."""
    row = product.drop_columns([COLUMN]).to_pylist()[0]
    vectors = embedder.embed([texts.product_text(row)])
    parts = model.of(product, vectors)
    sums = {name: part[0] for name, part in weights.sums(parts).items()}
    score = np.sum(list(sums.values()), axis=0)
    eligible = np.isin(model.sources, list(merchant.segment_sources))
    chosen = ranking.diverse_top(
        score[None],
        eligible[None],
        model.alike,
        merchant.top_k,
        least_score=weights.least_score,
        diversity=weights.diversity,
    )[0]
    chosen = chosen[chosen != ranking.NOBODY]
    rest = [int(i) for i in np.argsort(-score, kind="stable") if eligible[i] and i not in chosen]
    yield f"{row['merchant_id']}/{row['sku']}  {row['title']}  [{row['category']}]"
    yield f"brand {row['brand'] or '-'}, tags: {', '.join(row['tags'] or []) or '-'}"
    seen = "has seen this category" if parts.known[0] else "has not seen this category: text weighs more"
    yield f"behaviour {seen}. A score of 0 is average; likelier = exp(score)."
    yield ""
    yield f"{'':>3} {'segment':24} {'score':>6} {'likelier':>8}   " + " ".join(f"{name:>8}" for name in sums)
    for place, i in enumerate([*chosen, *rest[:MOST_RUNNERS_UP]], start=1):
        mark = f"{place}." if place <= len(chosen) else "-"
        cells = " ".join(f"{part[i]:8.2f}" for part in sums.values())
        yield f"{mark:>3} {model.segment_ids[i]:24} {score[i]:6.2f} {np.exp(score[i]):7.1f}x   {cells}"
    yield ""
    told = evidence.sentences(model, row, parts, 0, chosen.tolist(), vectors[0])
    for place, (i, why) in enumerate(zip(chosen, told, strict=True), start=1):
        yield f"{place}. {model.names[i]}"
        for said in why:
            yield textwrap.fill(said, 108, initial_indent="   - ", subsequent_indent="     ")
    yield ""
    yield "Not chosen:"
    for i in rest[:MOST_RUNNERS_UP]:
        yield f"   {model.names[i]}: {_why_not(score, chosen, i, model, weights, merchant.top_k)}"
    yield ""
    yield "Weights: " + ", ".join(f"{name} {weight:g}" for name, weight in weights.by_feature.items())
    values = features(parts)
    yield "Parts before weights (log-lift):"
    for i in chosen:
        yield f"   {model.names[i]}: " + ", ".join(f"{name} {values[name][0, i]:.2f}" for name in values)
    yield f"Own past (counts as much as all of these from {weights.own_past_users:g} expected users on):"
    for i in chosen:
        users, expected = parts.own.users[0, i], parts.own.expected[0, i]
        known = f"{users:.0f} users, {expected:.1f} expected" if expected > 0 else "fewer than 3 users"
        yield f"   {model.names[i]}: {known}"


def _why_not(
    score: np.ndarray, chosen: np.ndarray, i: int, model: PartsModel, weights: Weights, top_k: int
) -> str:
    if score[i] < weights.least_score:
        return f"score {score[i]:.2f} is below {weights.least_score:g}: less likely than average"
    last = chosen[-1]
    twin = chosen[np.argmax(model.alike[i, chosen])]
    if score[i] > score[last]:
        return (
            f"score {score[i]:.2f} is above {model.names[last]}'s {score[last]:.2f}, but it is the angle of "
            f"{model.names[twin]} again (likeness {model.alike[i, twin]:.2f})"
        )
    return f"score {score[i]:.2f} is below all {top_k} that were asked for"
