"""One row of `personas` for every product x segment among the product's top K.

The score estimates by how much likelier than average the segment wants the product, as a natural logarithm: behaviour,
text, price and season, added up with weights fitted on past behaviour; then a diversity step. Products without a usable
picture are counted and set aside: the picture stage has said why. So is a product that speaks to nobody.
`python -m ray_tasks.infer_personas --sku MERCHANT/SKU --explain` says why one product's personas are what they are.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import read_night, replace_streamed, rows_to_table
from ray_tasks.copywriting.shown import cutout_picture
from ray_tasks.models.text_embedder import MiniLMEmbedder, RememberingEmbedder, TextEmbedder
from ray_tasks.models.vector_cache import CachedEmbedder
from ray_tasks.personas import evidence, explain, ranking, texts
from ray_tasks.personas.opinion import Adviser, Heard, adviser_revision, read_weight
from ray_tasks.personas.own_past import COLUMN, with_own_past, without_own_past
from ray_tasks.personas.parts import PartsModel
from ray_tasks.personas.weights import Weights
from schemas.config import Config
from schemas.tables import BY_NAME

STAGE = "ray_tasks.infer_personas"
INPUTS = ("products", "product_views", "segments", "segment_affinity")
OUTPUTS = ("personas",)

MOST_BATCH_ROWS = 512
PRODUCT_COLUMNS = (
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
_SHOWN_COLUMNS = ("facts", "rating_mean", "rating_count")
"""Beside them, what a model is shown of a product."""


class PersonaRanker:
    """Ranks the segments for batches of products.

    `top_k` and `sources` are per merchant: how many segments a product gets, and which segment sources it may draw on.
    `cache` is a file of vectors of earlier nights: what a product says is embedded when it changes. An `adviser` adds
    what a model thinks of a product's likeliest segments, by the weight that was measured for it.
    """

    def __init__(
        self,
        segments: pa.Table,
        segment_affinity: pa.Table,
        top_k: Mapping[str, int],
        sources: Mapping[str, Sequence[str]],
        embedder: TextEmbedder | None = None,
        weights: Weights | None = None,
        cache: Path | None = None,
        adviser: Adviser | None = None,
    ) -> None:
        embedder = embedder or MiniLMEmbedder()
        self.embedder = CachedEmbedder(embedder, cache) if cache else RememberingEmbedder(embedder)
        self.model = model = PartsModel(segments, segment_affinity, self.embedder)
        self.weights = weights or Weights.load()
        self._top_k = top_k
        self._eligible = {
            merchant: np.isin(model.sources, list(names)) for merchant, names in sources.items()
        }
        self._revision = f"parts-2+{self.weights.revision}+{self.embedder.name}@{self.embedder.revision}"
        self._segments = segments.sort_by("segment_id").to_pylist()
        self._adviser = adviser
        if adviser is not None:
            self._revision += f"+{adviser.weight:g} x {adviser.revision}"

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `personas` for a batch of `products` `with_own_past`."""
        products = batch.drop_columns([COLUMN]).to_pylist()
        if not products:
            return rows_to_table("personas", [])
        vectors = self.embedder.embed([texts.product_text(product) for product in products])
        parts = self.model.of(batch, vectors)
        sums = self.weights.sums(parts)
        score = np.sum(list(sums.values()), axis=0)
        eligible = np.stack([self._eligible[product["merchant_id"]] for product in products])
        heard: list[Heard] = []
        if self._adviser is not None:
            opinions, heard = self._adviser.opinions(products, self._segments, score, eligible)
            sums = sums | {"model": self._adviser.weight * opinions}
            score = score + sums["model"]
        chosen = ranking.diverse_top(
            score,
            eligible,
            self.model.alike,
            max(self._top_k[product["merchant_id"]] for product in products),
            least_score=self.weights.least_score,
            diversity=self.weights.diversity,
        )
        rows: list[dict[str, Any]] = []
        for n, product in enumerate(products):
            own = chosen[n, : self._top_k[product["merchant_id"]]]
            found = own[own != ranking.NOBODY].tolist()
            told = evidence.sentences(self.model, product, parts, n, found, vectors[n])
            refused = [",".join(reasons) for reasons in heard[n].refused] if heard else None
            for rank, (i, why) in enumerate(zip(found, told, strict=True), start=1):
                said = heard[n].reasons.get(self.model.segment_ids[i]) if heard else None
                rows.append(
                    {
                        **{name: product[name] for name in ("run_date", "merchant_id", "sku")},
                        "segment_id": self.model.segment_ids[i],
                        "rank": rank,
                        "score": round(float(score[n, i]), 6),
                        **{f"{name}_score": round(float(part[n, i]), 6) for name, part in sums.items()},
                        "evidence": [*why, said] if said else why,
                        "refused_attempts": refused,
                        "method_revision": self._revision,
                    }
                )
        return rows_to_table("personas", rows)


def with_usable_picture(products: pa.Table, views: pa.Table) -> pa.Table:
    """The products whose picture has one of the (accepted) views."""
    accepted = views["image_sha256"].combine_chunks()
    return products.filter(pc.is_in(products["image_sha256"], value_set=accepted))


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage, or explains one product."""
    if "--explain" in (sys.argv[1:] if argv is None else argv):
        explain.main(argv)
        return []
    with stage_run(STAGE, __doc__, argv) as stage:
        merchants = [merchant.id for merchant in stage.merchants]
        night = read_night(stage.state, "products", stage.run_date, merchants=merchants)
        products, range_of_shard = texts.in_shard(texts.first_products(night, stage.limit), stage.shard)
        views = texts.accepted_views(stage.state, stage.config.cutout, ["image_sha256", "cutout_uri"])
        usable = with_usable_picture(products, views)
        if stage.config.personas.backend == "model":
            at = pc.index_in(usable["image_sha256"], value_set=views["image_sha256"].combine_chunks())
            usable = usable.select([*PRODUCT_COLUMNS, *_SHOWN_COLUMNS])
            usable = usable.append_column("cutout_uri", views["cutout_uri"].take(at))
        else:
            usable = usable.select(PRODUCT_COLUMNS)
        segments = read_night(stage.state, "segments", stage.run_date)
        for merchant in stage.merchants:
            if not set(segments["source"].to_pylist()) & set(merchant.segment_sources):
                raise StageError(
                    f"merchant {merchant.id}: no segment of {', '.join(merchant.segment_sources)} tonight; "
                    "see jobs.build_segments and ingest.min_segment_size"
                )
        segment_affinity = read_night(stage.state, "segment_affinity", stage.run_date)
        usable = with_own_past(usable, segment_affinity)
        segment_affinity = without_own_past(segment_affinity)
        faces: Counter[tuple[str, str]] = Counter()
        ranked = _ranked(stage, usable, segments, segment_affinity, faces)
        replace_streamed(stage.state, "personas", ranked, f"{stage.tonight} AND {range_of_shard}")
        for merchant_id in merchants:
            n_in = texts.of_merchants(products, [merchant_id]).num_rows
            n_usable = texts.of_merchants(usable, [merchant_id]).num_rows
            stage.count(merchant_id, rows_in=n_in)
            if n_in > n_usable:
                stage.count(merchant_id, no_usable_picture=n_in - n_usable)
        stage.write_rejects(_spoken_for_too_little(stage, usable, faces))
    return []


def _adviser(stage: Stage) -> Adviser:
    """The model that is asked whom products are for. Raises StageError for a record that is not its own."""
    from ray_tasks.models.served import serve_model

    model, measured = stage.config.asked_model, stage.config.personas.measured
    revision = adviser_revision(model)
    try:
        weight = read_weight(Path(measured) if measured else None, revision)
    except (OSError, ValueError) as error:
        raise StageError(str(error)) from error
    if not weight:
        stage.log.info("the model's opinions count nothing: personas.measured names no record that says more")
    picture = partial(cutout_picture, stage.config.store, stage.state, model.picture_px)
    return Adviser(serve_model(model, stage.config.engines, stage.state), weight, revision, picture)


def _spoken_for_too_little(
    stage: Stage, usable: pa.Table, faces: Counter[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """A reject for each product that nothing recommends to anybody; fewer than K faces are logged as a number."""
    top_k = {merchant.id: merchant.top_k for merchant in stage.merchants}
    fewer: Counter[str] = Counter()
    for merchant_id, sku in zip(usable["merchant_id"].to_pylist(), usable["sku"].to_pylist(), strict=True):
        n = faces[merchant_id, sku]
        fewer[merchant_id] += 0 < n < top_k[merchant_id]
        if n == 0:
            stage.count(merchant_id, no_segment_speaks_for_it=1)
            yield {
                "key": f"{merchant_id}/{sku}",
                "merchant_id": merchant_id,
                "sku": sku,
                "reason": "no_segment_speaks_for_it",
                "detail": f"no segment reaches the least score {Weights.load().least_score}; "
                f"see python -m {STAGE} --sku {merchant_id}/{sku} --explain",
            }
    for merchant_id, n in sorted(fewer.items()):
        if n:
            stage.log.info("%s: %d products have fewer faces than top_k: the next segment is below the least score",
                           merchant_id, n)  # fmt: skip


def input_files(config: Config, data_root: Path) -> list[Path]:
    """The record of the model that is asked: another one is another weight."""
    measured = config.personas.measured
    return [Path(measured)] if measured and Path(measured).is_file() else []


def _ranked(
    stage: Stage,
    products: pa.Table,
    segments: pa.Table,
    segment_affinity: pa.Table,
    faces: Counter[tuple[str, str]],
) -> Iterator[pa.RecordBatch]:
    """Batches of personas as Ray delivers them, counted; they are written while others are still ranked."""
    arguments: dict[str, Any] = {
        "cache": stage.state / "cache" / "text_vectors.sqlite",
        "segments": segments,
        "segment_affinity": segment_affinity,
        "top_k": {merchant.id: merchant.top_k for merchant in stage.merchants},
        "sources": {merchant.id: merchant.segment_sources for merchant in stage.merchants},
    }
    engines = stage.config.engines
    rows = max(1, min(MOST_BATCH_ROWS, -(-products.num_rows // (2 * engines.cores))))
    if stage.config.personas.backend == "model" and products.num_rows:
        arguments["adviser"] = _adviser(stage)
        rows = max(rows, stage.config.asked_model.batch_size)
    for table in map_rows(products, PersonaRanker, arguments, engines, batch_rows=rows):
        keys = list(zip(table["merchant_id"].to_pylist(), table["sku"].to_pylist(), strict=True))
        faces.update(keys)
        for merchant_id, n in Counter(merchant_id for merchant_id, _ in set(keys)).items():
            stage.count(merchant_id, rows_out=n)
        yield from table.cast(BY_NAME["personas"].schema).to_batches()


if __name__ == "__main__":
    main()
