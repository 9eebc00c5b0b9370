"""One row of `personas` for every product x segment among the product's top K.

Score = behaviour (mean shrunk log-lift over the product's attributes) + text (standardised cosine similarity of
embeddings), then a diversity step. Products without a usable picture are counted and set aside: the picture stage
has said why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import read_night, read_table, replace_rows, rows_to_table
from ray_tasks.models.text_embedder import MiniLMEmbedder, RememberingEmbedder, TextEmbedder, Vectors
from ray_tasks.personas import affinity, ranking, texts
from schemas.tables import BY_NAME

STAGE = "ray_tasks.infer_personas"
INPUTS = ("products", "product_views", "segments", "segment_affinity")
OUTPUTS = ("personas",)

BATCH_SIZE = 64
_PRODUCT_COLUMNS = (
    "run_date",
    "merchant_id",
    "sku",
    "title",
    "description",
    "category",
    "brand",
    "price_minor",
    "tags",
)


def method_revision(embedder: TextEmbedder) -> str:
    """Revision of the scoring: a hash over its weights and the embedding model."""
    settings = (
        ranking.AFFINITY_WEIGHT,
        ranking.TEXT_WEIGHT,
        ranking.TEXT_WEIGHT_KNOWN,
        ranking.RELEVANCE_WEIGHT,
        sorted(affinity.DIMENSION_WEIGHTS.items()),
        "specificity",
        affinity.CARRY_MIN_SIMILARITY,
        affinity.CARRY_NEIGHBOURS,
        embedder.name,
        embedder.revision,
    )
    return "affinity-text-mmr-" + hashlib.sha256(repr(settings).encode()).hexdigest()[:8]


class PersonaRanker:
    """Ranks the segments for batches of products; holds segments, affinities and the embedding model.

    `top_k` and `sources` are per merchant: how many segments a product gets, and which segment sources it may draw on.
    """

    def __init__(
        self,
        segments: pa.Table,
        segment_affinity: pa.Table,
        top_k: Mapping[str, int],
        sources: Mapping[str, Sequence[str]],
        embedder: TextEmbedder | None = None,
    ) -> None:
        rows = segments.sort_by("segment_id").to_pylist()
        self.embedder = RememberingEmbedder(embedder or MiniLMEmbedder())
        self._ids = [row["segment_id"] for row in rows]
        self._vectors = self.embedder.embed([texts.segment_text(row) for row in rows])
        facets = [texts.segment_facets(row) for row in rows]
        self._facet_vectors = self.embedder.embed([facet for own in facets for facet in own])
        self._facet_starts = np.cumsum([0, *(len(own) for own in facets)])[:-1]
        self._alike = (self._vectors @ self._vectors.T).astype(np.float64)
        self._index = affinity.AffinityIndex(segment_affinity.to_pylist(), self._ids, self.embedder)
        self._top_k = top_k
        self._eligible = {
            merchant: np.array([row["source"] in names for row in rows], bool)
            for merchant, names in sources.items()
        }
        self._revision = method_revision(self.embedder)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `personas` for a batch of `products`."""
        products = batch.to_pylist()
        if not products:
            return rows_to_table("personas", [])
        carried = self._index.carry_over([product["category"].lower() for product in products])
        behaviour = self._index.weights(products, carried) @ self._index.log_lift
        eligible = np.stack([self._eligible[product["merchant_id"]] for product in products])
        vectors = self.embedder.embed([texts.product_text(product) for product in products])
        similarity = self._similarity(vectors)
        text = ranking.standardised(similarity, eligible)
        score = ranking.combined(behaviour, text, self._index.coverage(products))
        rows: list[dict[str, Any]] = []
        for n, product in enumerate(products):
            candidates = np.flatnonzero(eligible[n]).tolist()
            by_text = sorted(candidates, key=lambda i: (-similarity[n, i], self._ids[i]))
            chosen = ranking.diverse_top(
                score[n], self._alike, candidates, self._ids, self._top_k[product["merchant_id"]]
            )
            for rank, i in enumerate(chosen, start=1):
                said = f"text similarity {similarity[n, i]:.2f}, rank {by_text.index(i) + 1} of {len(candidates)}"
                rows.append(
                    {
                        "run_date": product["run_date"],
                        "merchant_id": product["merchant_id"],
                        "sku": product["sku"],
                        "segment_id": self._ids[i],
                        "rank": rank,
                        "score": round(float(score[n, i]), 6),
                        "affinity_score": round(float(behaviour[n, i]), 6),
                        "text_score": round(float(text[n, i]), 6),
                        "evidence": [*self._index.evidence(product, carried, i), said],
                        "method_revision": self._revision,
                    }
                )
        return rows_to_table("personas", rows)

    def _similarity(self, products: Vectors) -> ranking.Matrix:
        """(products, segments): half the segment as a whole, half the facet of it that is nearest to the product.

        The whole alone drowns one telling facet ("workshop bench") in everything else that a segment says.
        """
        nearest = np.maximum.reduceat(products @ self._facet_vectors.T, self._facet_starts, axis=1)
        return np.asarray((products @ self._vectors.T + nearest) / 2, dtype=np.float64)


def with_usable_picture(products: pa.Table, views: pa.Table) -> pa.Table:
    """The products whose picture has been accepted."""
    accepted = texts.accepted_views(views)["image_sha256"].combine_chunks()
    return products.filter(pc.is_in(products["image_sha256"], value_set=accepted))


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        merchants = [merchant.id for merchant in stage.merchants]
        night = read_night(stage.state, "products", stage.run_date, merchants=merchants)
        products = texts.first_products(night, stage.limit)
        views = read_table(
            stage.state, "product_views", columns=["image_sha256", "method_revision", "verdict", "made_at"]
        )
        usable = with_usable_picture(products, views).select(_PRODUCT_COLUMNS)
        segments = read_night(stage.state, "segments", stage.run_date)
        for merchant in stage.merchants:
            if not set(segments["source"].to_pylist()) & set(merchant.segment_sources):
                raise StageError(
                    f"merchant {merchant.id}: no segment of {', '.join(merchant.segment_sources)} tonight; "
                    "see jobs.build_segments and ingest.min_segment_size"
                )
        segment_affinity = read_night(stage.state, "segment_affinity", stage.run_date)
        ranked = _ranked(stage, usable, segments, segment_affinity)
        written = pa.RecordBatchReader.from_batches(BY_NAME["personas"].schema, ranked)
        replace_rows(stage.state, "personas", written, stage.tonight)
        for merchant_id in merchants:
            n_in = texts.of_merchants(products, [merchant_id]).num_rows
            n_usable = texts.of_merchants(usable, [merchant_id]).num_rows
            stage.count(merchant_id, rows_in=n_in)
            if n_in > n_usable:
                stage.count(merchant_id, no_usable_picture=n_in - n_usable)
        stage.write_rejects([])
    return []


def _ranked(
    stage: Stage, products: pa.Table, segments: pa.Table, segment_affinity: pa.Table
) -> Iterator[pa.RecordBatch]:
    """Batches of personas as Ray delivers them, counted; they are written while others are still ranked.

    It runs inside delta-rs' writer, where no other Delta table can be opened: all inputs are read before.
    """
    arguments = {
        "segments": segments,
        "segment_affinity": segment_affinity,
        "top_k": {merchant.id: merchant.top_k for merchant in stage.merchants},
        "sources": {merchant.id: merchant.segment_sources for merchant in stage.merchants},
    }
    for table in map_rows(products, PersonaRanker, arguments, stage.config.engines, batch_rows=BATCH_SIZE):
        for merchant_id, n in _products_per_merchant(table):
            stage.count(merchant_id, rows_out=n)
        yield from table.cast(BY_NAME["personas"].schema).to_batches()


def _products_per_merchant(personas: pa.Table) -> list[tuple[str, int]]:
    counted = personas.group_by("merchant_id").aggregate([("sku", "count_distinct")])
    return list(
        zip(counted["merchant_id"].to_pylist(), counted["sku_count_distinct"].to_pylist(), strict=True)
    )


if __name__ == "__main__":
    main()
