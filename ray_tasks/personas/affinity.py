"""How much more than average each segment engages with a product's attributes, for blocks of products.

A block is one sparse product x value matrix times one dense value x segment matrix; users never appear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from schemas.vocabulary import category_levels, price_band

Matrix = NDArray[np.float64]
Attribute = tuple[str, str]
"""(dimension, value)."""

DIMENSION_WEIGHTS = {"category": 0.55, "tag": 0.2, "brand": 0.15, "price_band": 0.1}
"""Share of each dimension in a product's mean log-lift; dimensions that behaviour says nothing of are left out."""

CARRY_MIN_SIMILARITY = 0.5
"""Below this cosine two category names have little in common: 'hand tools, pliers' and 'accessories' have 0.45
(all-MiniLM-L6-v2)."""
CARRY_NEIGHBOURS = 3


@dataclass(frozen=True)
class Carried:
    """What stands in for a category that the affinity table does not know: known categories and their weights."""

    category: str
    neighbours: tuple[tuple[str, float, float], ...]
    """(known category, weight, cosine similarity), strongest first; the weights add up to the best similarity."""


def product_attributes(product: Mapping[str, Any]) -> list[Attribute]:
    """The attributes whose affinity counts, as jobs.build_segments writes them (lower case)."""
    attributes = [("category", level) for level in category_levels(product["category"])]
    attributes += [("tag", tag.lower()) for tag in product["tags"] or []]
    if product["brand"]:
        attributes.append(("brand", product["brand"].lower()))
    attributes.append(("price_band", price_band(product["price_minor"])))
    return list(dict.fromkeys(attributes))


class AffinityIndex:
    """The affinity table as a value x segment matrix of log-lifts, with its support for the evidence."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], segment_ids: Sequence[str], embedder: TextEmbedder
    ) -> None:
        column = {segment_id: i for i, segment_id in enumerate(segment_ids)}
        known = [row for row in rows if row["segment_id"] in column]
        self.values: dict[Attribute, int] = {}
        for row in known:
            self.values.setdefault((row["dimension"], row["value"]), len(self.values))
        shape = (len(self.values), len(segment_ids))
        self.log_lift: Matrix = np.zeros(shape)
        self.support: Matrix = np.zeros(shape)
        self.window_days: NDArray[np.int64] = np.zeros(shape, np.int64)
        for row in known:
            at = self.values[row["dimension"], row["value"]], column[row["segment_id"]]
            self.log_lift[at] = np.log(row["lift"])
            self.support[at] = row["support"]
            self.window_days[at] = row["window_days"]
        # Within a dimension an attribute weighs the inverse of its support: 'black coffee' says more than 'coffee',
        # which most engaged products share; for the same reason inverse document frequency weighs rare words up
        # (Sparck Jones 1972). Rare values cannot run wild: their lifts are shrunk towards 1.
        self._specificity = 1 / np.maximum(self.support.sum(axis=1), 1.0)
        self._embedder = embedder
        self._categories = sorted(value for dimension, value in self.values if dimension == "category")
        self._category_vectors: Vectors | None = None

    def carry_over(self, categories: Sequence[str]) -> dict[str, Carried]:
        """For each unknown category (lower-case path) the nearest known ones; left out when none is near enough."""
        unknown = sorted({name for name in categories if ("category", name) not in self.values})
        if not unknown or not self._categories:
            return {}
        if self._category_vectors is None:
            self._category_vectors = self._embedder.embed([_spoken(name) for name in self._categories])
        similarity = self._embedder.embed([_spoken(name) for name in unknown]) @ self._category_vectors.T
        carried = {}
        for name, row in zip(unknown, similarity, strict=True):
            best = [
                i
                for i in np.argsort(-row, kind="stable")[:CARRY_NEIGHBOURS]
                if row[i] >= CARRY_MIN_SIMILARITY
            ]
            if best:
                # Weights fall with the square of similarity and add up to the best one: a far neighbour says less.
                share = row[best] ** 2 / (row[best] ** 2).sum() * row[best[0]]
                carried[name] = Carried(
                    name,
                    tuple(
                        (self._categories[i], float(w), float(row[i]))
                        for i, w in zip(best, share, strict=True)
                    ),
                )
        return carried

    def weights(self, products: Sequence[Mapping[str, Any]], carried: Mapping[str, Carried]) -> csr_matrix:
        """(products, values): DIMENSION_WEIGHTS, shared within a dimension by specificity; rows add up to <= 1."""
        rows, columns, data = [], [], []
        for number, product in enumerate(products):
            parts: dict[str, list[list[tuple[int, float]]]] = {}
            for dimension, value in product_attributes(product):
                if (at := self.values.get((dimension, value))) is not None:
                    parts.setdefault(dimension, []).append([(at, 1.0)])
                elif dimension == "category" and value in carried:
                    near = [(self.values["category", name], w) for name, w, _ in carried[value].neighbours]
                    parts.setdefault(dimension, []).append(near)
            total = sum(DIMENSION_WEIGHTS[dimension] for dimension in parts)
            for dimension, attributes in parts.items():
                specific = [self._specificity[attribute[0][0]] for attribute in attributes]
                for attribute, own in zip(attributes, specific, strict=True):
                    share = DIMENSION_WEIGHTS[dimension] / total * own / sum(specific)
                    for at, weight in attribute:
                        rows.append(number)
                        columns.append(at)
                        data.append(share * weight)
        return csr_matrix((data, (rows, columns)), shape=(len(products), len(self.values)))

    def coverage(self, products: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """(products,): 1 where events of the product's own category were counted, else 0."""
        found = []
        for product in products:
            at = self.values.get(("category", product["category"].lower()))
            found.append(float(at is not None and bool(self.window_days[at].any())))
        return np.array(found)

    def evidence(
        self, product: Mapping[str, Any], carried: Mapping[str, Carried], segment: int, at_most: int = 2
    ) -> list[str]:
        """The attributes that speak loudest for this segment, in words that an analyst can check."""
        found: dict[Attribute, tuple[float, str]] = {}
        for dimension, value in product_attributes(product):
            if (dimension, value) in self.values:
                at = self.values[dimension, value]
                found[dimension, value] = (
                    float(self.log_lift[at, segment]),
                    self._sentence(dimension, value, at, segment),
                )
            elif dimension == "category" and value in carried:
                name, _, cosine = carried[value].neighbours[0]
                at = self.values["category", name]
                source = f"'{value}' is new to the behaviour data; nearest known (similarity {cosine:.2f}): "
                strength = float(self.log_lift[at, segment]) * cosine
                # A parent that is known itself has been named already.
                found.setdefault(
                    ("category", name), (strength, source + self._sentence("category", name, at, segment))
                )
        if not found:
            return ["no behaviour data for this category, brand, price or tags: text only"]
        loudest = sorted(found.values(), key=lambda item: (-item[0], item[1]))
        return [sentence for _, sentence in loudest[:at_most]]

    def _sentence(self, dimension: str, value: str, at: int, segment: int) -> str:
        lift, support = np.exp(self.log_lift[at, segment]), self.support[at, segment]
        what = f"'{value}'" if dimension == "category" else f"{dimension.replace('_', ' ')} '{value}'"
        if support == 0:
            return f"no recorded engagement with {what}"
        times = f"{lift:.1f} times as often as average"
        if days := int(self.window_days[at, segment]):
            return f"engages with {what} {times} ({support:.0f} weighted events, {days} days)"
        return f"declares interest in {what} {times} (declared weight {support:.0f})"


def _spoken(category: str) -> str:
    return category.replace(" > ", ", ").replace("/", " ")
