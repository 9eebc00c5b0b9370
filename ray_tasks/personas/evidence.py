"""Why a segment was chosen for a product, in sentences that an analyst can check against the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ray_tasks.models.text_embedder import Vectors
from ray_tasks.personas import texts
from ray_tasks.personas.affinity import Attribute, Support
from ray_tasks.personas.parts import Parts, PartsModel

LEAST_LOG_LIFT = float(np.log(1.1))
"""A lift below 1.1 is not worth a sentence."""
LEAST_NEARNESS = 0.3
"""Below this cosine two names have nothing in common (all-MiniLM-L6-v2)."""
MOST_BEHAVIOUR = 2


def sentences(
    model: PartsModel,
    product: Mapping[str, Any],
    parts: Parts,
    n: int,
    segments: Sequence[int],
    vector: Vectors,
) -> list[list[str]]:
    """The evidence for row `n` of a block, a list for each of the segments: behaviour that speaks for it, then text."""
    known = _known(model, product)
    evidence = []
    for segment in segments:
        said = list(islice(_behaviour(model, product, known, parts, n, segment), MOST_BEHAVIOUR))
        if not parts.known[n]:
            said.append(_cold(model, product, parts, n, segment))
        said.append(_likeness(model, parts, n, segment, vector))
        evidence.append(said)
    return evidence


def _known(model: PartsModel, product: Mapping[str, Any]) -> list[tuple[Attribute, int]]:
    """The product's attributes that behaviour knows, with their rows; its closest category stands for the parents."""
    known = [
        (one, at) for one in texts.attributes(product) if (at := model.index.values.get(one)) is not None
    ]
    closest = next((one for one, _ in known if one[0] == "category"), None)
    return [(one, at) for one, at in known if one[0] != "category" or one == closest]


def _behaviour(
    model: PartsModel,
    product: Mapping[str, Any],
    known: Sequence[tuple[Attribute, int]],
    parts: Parts,
    n: int,
    segment: int,
) -> Iterator[str]:
    """Sentences on what speaks for the segment: the product's own past, then its attributes, loudest first, of equals
    what the title names.
    """
    own = parts.own.support(n, segment)
    if own is not None and np.log(own.lift) >= LEAST_LOG_LIFT:
        yield sentence("product", "", own)
    lift = model.index.log_lift[:, segment]
    title = product["title"].lower()

    def loudness(found: tuple[Attribute, int]) -> tuple[float, bool]:
        return -round(float(lift[found[1]]), 2), found[0][1] not in title

    for (dimension, value), at in sorted(known, key=loudness):
        if lift[at] < LEAST_LOG_LIFT:
            return
        support = model.index.support(at, segment)
        # A category that leans on its parent has no row of its own to show; a value that only this product has says
        # its own past again.
        if support is not None and support.lift > 1 and support != own:
            yield sentence(dimension, value, support)


def sentence(dimension: str, value: str, support: Support) -> str:
    """What one row of segment_affinity says."""
    if dimension == "price_band":
        what = f"prices {band_words(value)}"
    elif dimension == "product":
        what = "this very product"
    elif dimension == "season":
        what = f"things for {value}"
    else:
        what = f"'{value}'" if dimension == "category" else f"{dimension} '{value}'"
    times = f"{support.lift:.1f} times as often as average"
    counted = (
        f"{support.weight:.0f} weighted events" if support.events is None else f"{support.events} events"
    )
    if support.users is not None:
        counted += f" of {support.users} users"
    if support.window_days:
        return f"engages with {what} {times} ({counted}, {support.window_days} days)"
    return f"declares interest in {what} {times} ({counted.replace('events', 'declarations')})"


def band_words(band: str) -> str:
    """p3 -> 'from 8 to 16'."""
    power = int(band[1:])
    low, high = 2.0**power, 2.0 ** (power + 1)
    return f"from {low:g} to {high:g}"


def _cold(model: PartsModel, product: Mapping[str, Any], parts: Parts, n: int, segment: int) -> str:
    new = f"category '{product['category'].lower()}' is new to the behaviour data"
    for at, cosine in zip(parts.nearest[n], parts.nearness[n], strict=True):
        if cosine < LEAST_NEARNESS:
            break
        if model.index.log_lift[at, segment] < LEAST_LOG_LIFT:
            continue
        support = model.index.support(int(at), segment)
        if support is not None and support.lift > 1:
            dimension, value = model.attribute(int(at))
            return (
                f"{new}; by name it is near '{value}' ({cosine:.2f}): {sentence(dimension, value, support)}"
            )
    return f"{new}: judged by its text"


def _likeness(model: PartsModel, parts: Parts, n: int, segment: int, vector: Vectors) -> str:
    of_source = model.sources == model.sources[segment]
    place = 1 + int((parts.likeness[n, of_source] > parts.likeness[n, segment]).sum())
    own = slice(model.facet_starts[segment], model.facet_starts[segment + 1])
    facet = model.facets[own][int(np.argmax(model.facet_vectors[own] @ vector))]
    return (
        f"text similarity {parts.likeness[n, segment]:.2f}, {place} of {int(of_source.sum())}; "
        f"nearest to what they say: '{facet}'"
    )
