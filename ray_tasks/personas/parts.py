"""The parts of a persona's score for blocks of products: each a (products, segments) matrix of estimated log-lifts.

Every part says by itself how much likelier than average a segment wants a product, as a natural logarithm; the
weights that add them up are fitted (`ray_tasks.personas.weights`). Users never appear: a block costs a few gathers from
value x segment matrices, one sparse product for tags, and dense products of embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from ray_tasks.personas import texts
from ray_tasks.personas.affinity import BANDS, AffinityIndex, Attribute, Matrix
from ray_tasks.personas.own_past import COLUMN, OwnPast
from schemas.vocabulary import price_band

NEIGHBOURS = 16
TEMPERATURE = 0.05
"""Cosine by which a neighbour's weight falls by e."""
RARITY_POWER = 0.25
"""A tag with a sixteenth of the engagement weighs twice as much."""
MOST_NAMES = 4096
"""Categories and tags, most engaged first, that products are compared with by their names."""
USUAL_SLOPE = 0.2
"""Log-lift of one standard deviation of likeness where a source's behaviour cannot tell."""
_SLOPE_PRIOR = 50.0
"""Cells of the affinity table that USUAL_SLOPE counts for."""


@dataclass(frozen=True)
class Parts:
    """The parts of a block of products. Matrices are (products, segments)."""

    category: Matrix
    tag: Matrix
    brand: Matrix
    price: Matrix
    season: Matrix
    said: Matrix
    """From how alike the product's text is to what the segment says of itself."""
    bought: Matrix
    """From the lifts of the categories and tags whose names are nearest to the product's text."""
    known: NDArray[np.bool_]
    """(products,): behaviour has seen the product's own category."""
    likeness: Matrix
    """Cosine of the product's text and the segment's own words."""
    nearest: NDArray[np.int64]
    """(products, neighbours): rows of AffinityIndex, nearest first."""
    nearness: Matrix
    """(products, neighbours): their cosines."""
    leaf: NDArray[np.int64]
    """(products,): row of the closest known category level; of a row of zeros without one."""
    own: OwnPast
    """What users did with these very products."""


class PartsModel:
    """Everything about tonight's segments that parts are computed from; built once, then only read."""

    def __init__(self, segments: pa.Table, segment_affinity: pa.Table, embedder: TextEmbedder) -> None:
        rows = segments.sort_by("segment_id").to_pylist()
        self.segment_ids: list[str] = [row["segment_id"] for row in rows]
        self.names: list[str] = [row["name"] for row in rows]
        self.sources = np.array([row["source"] for row in rows])
        self.index = AffinityIndex(segment_affinity, self.segment_ids)
        self._attributes = list(self.index.values)
        self._whole = embedder.embed([texts.segment_text(row) for row in rows])
        facets = [texts.segment_facets(row) for row in rows]
        self.facets = [facet for own in facets for facet in own]
        self.facet_vectors = embedder.embed(self.facets)
        self.facet_starts = np.cumsum([0, *(len(own) for own in facets)])
        named = [at for (dimension, _), at in self.index.values.items() if dimension in {"category", "tag"}]
        self._named = np.array(
            sorted(named, key=lambda at: (-self.index.value_support[at], at))[:MOST_NAMES], int
        )
        words = {at: texts.spoken(value) for (_, value), at in self.index.values.items()}
        self._name_vectors = embedder.embed([words[at] for at in self._named])
        names = self.likeness(self._name_vectors if len(named) else self._whole)
        self._usual_spread = {
            source: max(float(np.median(names[:, self.sources == source].std(axis=1))), 1e-6)
            for source in sorted(set(self.sources))
        }
        self.slope = self._slopes()
        self.alike = self._alikeness()

    def of(self, products: pa.Table, vectors: Vectors) -> Parts:
        """The parts of a block of `products`; `vectors` are the embeddings of their texts, row by row.

        products: of the contract, `with_own_past`.
        """
        category, leaf, known = self._category(products["category"].to_pylist())
        tag, has_tag = self._tags(products["tags"])
        # What is not known of a product is taken to be like what is: a missing tag says nothing against a segment.
        has_category = (leaf < len(self.index.values))[:, None]
        brand_at = self.index.find(
            "brand", [(brand or "").lower() for brand in products["brand"].to_pylist()]
        )
        has_brand = (brand_at < len(self.index.values))[:, None]
        brand = self.index.log_lift[brand_at]
        category = np.where(has_category, category, np.where(has_tag, tag, brand))
        bands = [int(price_band(minor)[1:]) - BANDS.start for minor in products["price_minor"].to_pylist()]
        season = self.index.log_lift[self.index.find("season", _seasons(products))]
        likeness = self.likeness(vectors)
        bought, nearest, nearness = self._bought(vectors)
        return Parts(
            category=category,
            tag=np.where(has_tag, tag, category),
            brand=np.where(has_brand, brand, category),
            price=self.index.of_band[np.clip(bands, 0, len(BANDS) - 1)],
            season=season,
            said=self.standardised(likeness) * self.slope,
            bought=bought,
            known=known,
            likeness=likeness,
            nearest=nearest,
            nearness=nearness,
            leaf=leaf,
            own=OwnPast(products[COLUMN], self.segment_ids),
        )

    def attribute(self, at: int) -> Attribute:
        """The dimension and value of a row of the index."""
        return self._attributes[at]

    def likeness(self, vectors: Vectors) -> Matrix:
        """(texts, segments): half the segment as a whole, half the facet of it that is nearest to the text.

        The whole alone drowns one telling facet ("workshop bench") in everything else that a segment says.
        """
        nearest = np.maximum.reduceat(vectors @ self.facet_vectors.T, self.facet_starts[:-1], axis=1)
        return np.asarray((vectors @ self._whole.T + nearest) / 2)

    def standardised(self, likeness: Matrix) -> Matrix:
        """z-scores within each text and segment source: cosine levels differ between long and short texts.

        A text that is hardly more like one segment than another stays near 0: the divisor is at least the usual spread.
        """
        out = np.zeros_like(likeness)
        for source, usual in self._usual_spread.items():
            own = self.sources == source
            centred = likeness[:, own] - likeness[:, own].mean(axis=1, keepdims=True)
            out[:, own] = centred / np.maximum(centred.std(axis=1, keepdims=True), usual)
        return out

    def mean_log_lift(self, products: pa.Table, *, own: OwnPast | None = None) -> Matrix:
        """(products, segments): plain mean of the log-lifts of a product's known attributes, and of its own if given.

        A baseline.
        """
        known: list[list[int]] = []
        for product in products.select(["title", "category", "brand", "price_minor", "tags"]).to_pylist():
            known.append(
                [at for one in texts.attributes(product) if (at := self.index.values.get(one)) is not None]
            )
        count = np.array([len(one) for one in known])
        columns = np.array([at for one in known for at in one], np.int64)
        block = csr_matrix(
            (np.ones(len(columns)), columns, np.concatenate([[0], np.cumsum(count)])),
            shape=(len(known), self.index.log_lift.shape[0]),
        )
        total = np.asarray(block @ self.index.log_lift)
        if own is not None:
            total += own.log_lift()
            count = count + (own.expected > 0).any(axis=1)
        return np.asarray(total / np.maximum(count, 1)[:, None])

    def _category(self, paths: Sequence[str]) -> tuple[Matrix, NDArray[np.int64], NDArray[np.bool_]]:
        leaf, known = np.empty(len(paths), np.int64), np.zeros(len(paths), bool)
        for n, path in enumerate(paths):
            level = path.lower()
            at = self.index.values.get(("category", level))
            known[n] = at is not None
            while at is None and " > " in level:
                level = level.rpartition(" > ")[0]
                at = self.index.values.get(("category", level))
            leaf[n] = len(self.index.values) if at is None else at
        return self.index.log_lift[leaf], leaf, known

    def _tags(self, tags: pa.ChunkedArray) -> tuple[Matrix, NDArray[np.bool_]]:
        """Weighted mean of the known tags' log-lifts times the root of their (effective) number.

        The root lies between mean and sum: tags of one product overlap, so that n of them say more than one but less
        than n times as much. A rare tag weighs more than one that half the shop has (Sparck Jones 1972).
        """
        flat = tags.combine_chunks()
        owner = pc.list_parent_indices(flat).to_numpy(zero_copy_only=False)
        at = self.index.find("tag", [(tag or "").lower() for tag in pc.list_flatten(flat).to_pylist()])
        found = at < len(self.index.values)
        width = self.index.log_lift.shape[0]
        owner, at = np.divmod(np.unique(owner[found] * width + at[found]), width)
        rarity = np.maximum(self.index.value_support[at], 1.0) ** -RARITY_POWER
        # sum(w x) / sum(w) * sum(w) / sqrt(sum(w^2)): the effective number is sum(w)^2 / sum(w^2) (Kish 1965).
        weight = rarity / np.sqrt(np.bincount(owner, rarity**2, minlength=len(tags)))[owner]
        block = csr_matrix((weight, (owner, at)), shape=(len(tags), width), dtype=np.float32)
        return np.asarray(block @ self.index.log_lift), (np.bincount(owner, minlength=len(tags)) > 0)[:, None]

    def _bought(self, vectors: Vectors) -> tuple[Matrix, NDArray[np.int64], Matrix]:
        """Nadaraya-Watson regression of log-lift on the embedding, over the nearest names of categories and tags."""
        products, k = len(vectors), min(NEIGHBOURS, len(self._named))
        if k == 0:
            nothing = np.zeros((products, 0), np.float32)
            return np.zeros((products, len(self.segment_ids)), np.float32), nothing.astype(np.int64), nothing
        cosine = vectors @ self._name_vectors.T
        chosen = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(cosine, chosen, axis=1)
        order = np.lexsort((chosen, -near), axis=1)
        chosen, near = np.take_along_axis(chosen, order, axis=1), np.take_along_axis(near, order, axis=1)
        at = self._named[chosen]
        support = self.index.value_support[at]
        weight = np.exp((near - near[:, :1]) / TEMPERATURE) * support / (support + 20)
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
        block = csr_matrix(
            (weight.ravel(), at.ravel(), np.arange(0, products * k + 1, k)),
            shape=(products, self.index.log_lift.shape[0]),
        )
        return np.asarray(block @ self.index.log_lift), at, near

    def _slopes(self) -> NDArray[np.float32]:
        """(segments,): log-lift that one standard deviation of likeness is worth in the segment's source.

        Least squares, over the names of the categories and tags that behaviour knows, of a segment's log-lift on how
        alike the name is to the segment's words: a source whose segments do what they say gets a steep slope.
        """
        out = np.full(len(self.segment_ids), USUAL_SLOPE, np.float32)
        if not len(self._named):
            return out
        z = self.standardised(self.likeness(self._name_vectors)).astype(np.float64)
        for source in set(self.sources):
            own = self.sources == source
            lift = self.index.log_lift[self._named][:, own].astype(np.float64)
            lift -= lift.mean(axis=1, keepdims=True)
            support = self.index.value_support[self._named][:, None]
            weight = support / (support + 20)
            explained = (weight * lift * z[:, own]).sum() + _SLOPE_PRIOR * USUAL_SLOPE
            out[own] = max(0.0, explained / ((weight * z[:, own] ** 2).sum() + _SLOPE_PRIOR))
        return out

    def _alikeness(self) -> Matrix:
        """(segments, segments), 0 to 1: how much two segments are one angle, by what they say and by what they do.

        Mean of two cosines, each around the average segment: of their descriptions, and of their log-lifts.
        """
        profile = self.index.log_lift[self._named] * np.sqrt(self.index.value_support[self._named])[:, None]
        return np.asarray((_cosines(self._whole) + _cosines(profile.T)) / 2, np.float32)


def _cosines(rows: Matrix) -> Matrix:
    centred = rows - rows.mean(axis=0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6)
    return np.asarray(np.clip(unit @ unit.T, 0, 1))


def _seasons(products: pa.Table) -> list[str]:
    titles, tags = products["title"].to_pylist(), products["tags"].to_pylist()
    return [texts.season(" ".join([title, *(own or [])])) for title, own in zip(titles, tags, strict=True)]
