"""The angle that each persona of a product is argued with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ray_tasks.copywriting import claims
from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from schemas.instruction import ANGLES

MEANINGS = {
    "function": "practical use, performance, dependable gear, work, training, learning, getting things done",
    "style": "looks, design, fashion, beauty, decoration, outfits, a beautiful home",
    "price": "saving money, comparing prices, discounts, good value, small budget",
    "occasion": "presents, celebrations, anniversaries, festive evenings, gifts for friends",
    "proof": "reading reviews, asking others, recommendations, trusted by many buyers",
    "origin": "where things come from, natural and recycled materials, ingredients, craft and growers",
}
"""An angle is as near to a segment as its words are to the segment's."""
_LEAST = {"price": 0.4, "occasion": 0.45, "proof": 0.28, "origin": 0.28}
"""A special argument needs a segment that asks for it: cosines below these are other words' nearness."""
_WORKS = "how it works, what it can do, practical, easy to use, power, capacity, strong, waterproof, lasting"
_LOOKS = "how it looks: colour, pattern, shape, finish, material, elegant, printed, handmade decoration"
_TAKEN_COST = 0.08
"""What an angle loses, in cosine, for each persona of the product that has it already."""
_ORIGINS = {"facts.origin", "facts.material", "facts.wood", "facts.fabric"}


def leads(angle: str, source_field: str) -> bool:
    """Whether a statement from this field is what the angle argues with."""
    return (angle == "proof" and source_field == "rating") or (angle == "origin" and source_field in _ORIGINS)


def angles_in_record(product: Mapping[str, Any]) -> set[str]:
    """The angles that the record can carry: proof needs reviews, origin a place or material."""
    fields = {f"facts.{fact['name'].strip().lower()}" for fact in product.get("facts") or []}
    found = set(ANGLES) - {"proof", "origin"}
    if claims.rating(product) is not None:
        found.add("proof")
    if fields & _ORIGINS:
        found.add("origin")
    return found


def pull(angle: str, meanings: Vectors, measured: Sequence[bool], embedder: TextEmbedder) -> Vectors:
    """(statements,): how much each is what the angle argues with, in cosine; 0 for angles that fields decide.

    meanings: the statements' vectors. `function` argues with what a thing does and `style` with how it looks: the
    nearness to the one less that to the other. A measure is no look, however near "28 cm high" is to one.
    """
    if angle not in {"function", "style"}:
        return np.zeros(len(meanings), np.float32)
    works, looks = embedder.embed([_WORKS, _LOOKS])
    look = np.asarray(meanings @ (looks - works))
    look = np.where(measured, np.minimum(look, 0.0), look)
    return look if angle == "style" else -look


class AngleFinder:
    """How near each angle is to a segment, by embeddings; order is ANGLES."""

    def __init__(self, embedder: TextEmbedder) -> None:
        self._vectors = embedder.embed([MEANINGS[name] for name in ANGLES])

    def of(self, segment: Vectors) -> Vectors:
        """(angles,): cosine similarities."""
        return np.asarray(self._vectors @ segment)


def assign_angles(nearness: Sequence[Vectors], product: Mapping[str, Any]) -> list[str]:
    """One angle for each persona in rank order: the nearest that the record carries, a taken one at a cost."""
    possible = angles_in_record(product)
    taken = dict.fromkeys(ANGLES, 0)
    chosen = []
    for near in nearness:
        worth = {
            name: float(near[i]) - _TAKEN_COST * taken[name]
            for i, name in enumerate(ANGLES)
            if name in possible and near[i] >= _LEAST.get(name, -1.0)
        }
        best = max(worth, key=lambda name: worth[name])
        taken[best] += 1
        chosen.append(best)
    return chosen
