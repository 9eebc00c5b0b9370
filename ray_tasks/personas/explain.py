"""Prints why one product's personas are what they are: the parts of every segment's score, and the evidence."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from infra.settings import load_config, night_date
from infra.tables import query_tables, read_night, read_table
from ray_tasks.models.text_embedder import MiniLMEmbedder, TextEmbedder
from ray_tasks.personas import evidence, ranking, texts
from ray_tasks.personas.own_past import COLUMN, with_own_past, without_own_past
from ray_tasks.personas.parts import Parts, PartsModel
from ray_tasks.personas.weights import Weights, features
from schemas.config import Merchant

MOST_RUNNERS_UP = 5
MOST_BAR = 24
"""Characters of the longest bar."""


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
    yield f"brand {row['brand'] or '-'}; tags {', '.join(row['tags'] or []) or '-'}"
    yield (
        "Behaviour has seen this category."
        if parts.known[0]
        else "Behaviour has not seen this category: its text speaks for it."
    )
    yield from _known_and_new(model, row)
    yield ""
    yield "WHO WANTS IT, as the natural logarithm of how much likelier than average: 0 is average"
    yield ""
    yield f"{'':>3} {'segment':24} {'score':>6} {'likelier':>8}   " + " ".join(f"{name:>8}" for name in sums)
    shown = [*chosen, *rest[:MOST_RUNNERS_UP]]
    longest = max((abs(float(score[i])) for i in shown), default=1.0) or 1.0
    for place, i in enumerate(shown, start=1):
        mark = f"{place}." if place <= len(chosen) else "-"
        cells = " ".join(f"{part[i]:8.2f}" for part in sums.values())
        bar = ("█" if score[i] > 0 else "░") * round(MOST_BAR * abs(float(score[i])) / longest)
        yield f"{mark:>3} {model.segment_ids[i]:24} {score[i]:6.2f} {np.exp(score[i]):7.1f}x   {cells}  {bar}".rstrip()
    yield ""
    yield "WHY"
    told = evidence.sentences(model, row, parts, 0, chosen.tolist(), vectors[0])
    for place, (i, why) in enumerate(zip(chosen, told, strict=True), start=1):
        yield f"{place:>2}. {model.names[i]}"
        for said in why:
            yield textwrap.fill(said, 116, initial_indent="    - ", subsequent_indent="      ")
    if rest:
        yield ""
        yield "WHY NOT"
    for i in rest[:MOST_RUNNERS_UP]:
        yield f"  - {model.names[i]}: {_why_not(score, chosen, i, model, weights, merchant.top_k)}"
    yield ""
    yield from _sums(parts, chosen, score, model, weights)
    brand = ("brand", (row["brand"] or "").lower())
    if row["brand"] and brand not in model.index.values and np.any(parts.brand[0, chosen]):
        yield "The brand is new and counts as the category or the tags do: its column repeats theirs."


def _known_and_new(model: PartsModel, product: Mapping[str, Any]) -> Iterator[str]:
    """What behaviour knows of the product beside its category, and what is new to it."""
    words: dict[bool, list[str]] = {True: [], False: []}
    for dimension, value in texts.attributes(product):
        if dimension != "category":
            known = (dimension, value) in model.index.values
            said = (
                f"prices {evidence.band_words(value)}"
                if dimension == "price_band"
                else f"{dimension} '{value}'"
            )
            words[known].append(said)
    for heading, named in (("Known of it", words[True]), ("New", words[False])):
        if named:
            yield textwrap.fill(f"{heading}: {', '.join(named)}.", 116, subsequent_indent="  ")


def _sums(
    parts: Parts, chosen: np.ndarray, score: np.ndarray, model: PartsModel, weights: Weights
) -> Iterator[str]:
    """How the chosen segments' scores add up, so that they can be computed again by hand."""
    values = features(parts)
    used = [name for name, weight in weights.by_feature.items() if weight and np.any(values[name][0, chosen])]
    before = np.sum(list(weights.before_own_past(parts).values()), axis=0)[0]
    yield "HOW IT ADDS UP: log-lifts times weights make what products like it promise; then its own past"
    yield ""
    heads = [*used, "like it", "own", "expected", "score"]
    yield f"{'':28}" + " ".join(f"{name:>10}" for name in heads)
    yield f"    {'weight':24}" + " ".join(f"{weights.by_feature[name]:10.3f}" for name in used)
    for i in chosen:
        own = (
            f"{parts.own.users[0, i]:10.1f} {parts.own.expected[0, i]:10.1f}"
            if parts.own.expected[0, i] > 0
            else f"{'-':>10} {'-':>10}"
        )
        cells = " ".join(f"{values[name][0, i]:10.2f}" for name in used)
        yield f"    {model.segment_ids[i]:24}{cells} {before[i]:10.2f} {own} {score[i]:10.2f}"
    yield ""
    yield (
        f"score = ln((own + {weights.own_past_users:g}) / (expected + {weights.own_past_users:g} x "
        "exp(-like it))), or what is like it where the table has no row of its own."
    )
    yield "own: engagement with this very product in users who do as much as its average user; expected: of as many"
    yield "average people. Fewer than three users give no row."
    if idle := [name for name, weight in weights.by_feature.items() if not weight]:
        yield f"Fitted to weigh nothing: {', '.join(idle)}."
    if not parts.known[0] and "bought_new" in idle:
        yield "What its words are near to is told above for the reader: it is no part of the score."


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
