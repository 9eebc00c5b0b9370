"""One row of `instructions` for every persona of a product in every locale of its merchant.

Scene, layout, copy and claims come from rules, facts and a phrase grammar per locale; a validator reads every record,
and one that fails is a row in `rejects` with its reasons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import read_night, replace_streamed, rows_to_table
from ray_tasks.copywriting import claims, scenes
from ray_tasks.copywriting.angles import AngleFinder, assign_angles
from ray_tasks.copywriting.headlines import Said
from ray_tasks.copywriting.items import item_of
from ray_tasks.copywriting.kinds import kind_of
from ray_tasks.copywriting.locales import bank_revision, load_locale
from ray_tasks.copywriting.uses import use_of
from ray_tasks.copywriting.validation import REASONS, reasons_against
from ray_tasks.copywriting.writer import Persona, Thing, write_instruction
from ray_tasks.models.text_embedder import MiniLMEmbedder, RememberingEmbedder, TextEmbedder, Vectors
from ray_tasks.models.vector_cache import CachedEmbedder
from ray_tasks.personas.texts import accepted_views, first_products, in_shard, of_merchants
from ray_tasks.scene_backends import References, open_references
from schemas.config import Config
from schemas.instruction import content_hash, instruction_hash
from schemas.tables import BY_NAME

STAGE = "ray_tasks.write_instructions"
INPUTS = ("products", "product_views", "segments", "personas")
OUTPUTS = ("instructions",)

BATCH_SIZE = 32
WRITER = "rules"
WRITER_REVISION = "rules-15"

_PRODUCT_COLUMNS = (
    "run_date",
    "merchant_id",
    "sku",
    "title",
    "description",
    "category",
    "taxonomy",
    "language",
    "brand",
    "tags",
    "facts",
    "rating_mean",
    "rating_count",
    "image_sha256",
)
_VIEW_COLUMNS = (
    "image_sha256",
    "cutout_width_px",
    "cutout_height_px",
    "cutout_uri",
    "palette",
    "treatment",
)
_NEED_MAX_CHARS = 160
REJECT_COLUMN = pa.field("rejected_for", pa.list_(pa.string()))
"""Added to the instructions' columns between the workers and the writer; NULL when the record is good."""


def with_rejections(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of `instructions` with REJECT_COLUMN."""
    table = rows_to_table("instructions", [dict(row) for row in rows])
    return table.append_column(
        REJECT_COLUMN, pa.array([row["rejected_for"] for row in rows], REJECT_COLUMN.type)
    )


class _Need(NamedTuple):
    """What a segment looks for: in words, as a vector, and how near each angle is to it."""

    words: str
    vector: Vectors
    angles: Vectors


class InstructionWriter:
    """Writes the instructions of batches of products; holds the segments and the embedding model.

    A row of a batch is a product with `segment_ids` (its personas in rank order), `palette` (hex colours of the
    cut-out), `aspect` (its width over its height) and `framed` (whether the whole photograph is shown). Per merchant:
    `locales`, and `placements` with their channels; `brands` are those of the night, of which a product's copy may
    name its own only. `cache` is a file of vectors of earlier nights.
    """

    def __init__(
        self,
        segments: pa.Table,
        locales: Mapping[str, Sequence[str]],
        embedder: TextEmbedder | None = None,
        *,
        placements: Mapping[str, Mapping[str, str]] | None = None,
        brands: Collection[str] = (),
        references: References | None = None,
        cache: Path | None = None,
    ) -> None:
        embedder = embedder or MiniLMEmbedder()
        self.embedder = RememberingEmbedder(CachedEmbedder(embedder, cache) if cache else embedder)
        self._segments = {row["segment_id"]: row for row in segments.to_pylist()}
        self._locales = {merchant: [load_locale(tag) for tag in tags] for merchant, tags in locales.items()}
        self._placements = placements or {}
        self._brands = frozenset(brands)
        self._references = references or References({}, {})
        self._matcher = scenes.SettingMatcher(self.embedder)
        angles = AngleFinder(self.embedder)
        self._needs: dict[str, _Need] = {}
        for segment_id, row in self._segments.items():
            need = row["need"] or row["description"]
            vector = self.embedder.embed([f"{row['name']}. {need}. {', '.join(row['interests'] or [])}"])[0]
            self._needs[segment_id] = _Need(need[:_NEED_MAX_CHARS], vector, angles.of(vector))
        self._revision = f"{WRITER_REVISION}+{bank_revision()}+{self.embedder.name}"

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `instructions`, each with `rejected_for`."""
        return with_rejections(self.rows(batch.to_pylist()))

    def rows(self, products: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The same as dictionaries."""
        # All texts of the batch at once: many short calls would cost three times as much as one long one.
        self.embedder.embed([text for product in products for text in self._texts_of(product)])
        return [row for product in products for row in self.instructions_of(product)]

    def _texts_of(self, product: Mapping[str, Any]) -> list[str]:
        bank = kind_of(product).bank
        options = [
            option.meaning
            for locale in self._locales[product["merchant_id"]]
            for option in claims.statements(product, locale, bank)
        ]
        return [_place_text(product), *options]

    def _thing(self, product: Mapping[str, Any]) -> Thing:
        placements = self._placements.get(product["merchant_id"], {"square": "shop"})
        channels = tuple(sorted(set(placements.values())))
        kind, item = kind_of(product), item_of(product)
        return Thing(product, kind, item, use_of(item, kind), tuple(placements), channels)

    def instructions_of(self, product: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The records of all personas of one product in all locales of its merchant."""
        thing = self._thing(product)
        segment_ids = product["segment_ids"]
        if not segment_ids:
            return []
        needs = [self._needs[segment_id] for segment_id in segment_ids]
        angles = assign_angles([need.angles for need in needs], product)
        personas = [
            Persona(
                segment_id,
                need.words,
                need.vector,
                angle,
                self._references.name(product["merchant_id"], segment_id),
            )
            for segment_id, need, angle in zip(segment_ids, needs, angles, strict=True)
        ]
        dressed = self._dressed(thing, personas)
        rows = []
        for locale in self._locales[product["merchant_id"]]:
            options, said = claims.statements(product, locale, thing.kind.bank), Said()
            for persona, (scene, layout) in zip(personas, dressed, strict=True):
                record = write_instruction(
                    thing, persona, scene, layout, locale, options, self.embedder, said
                )
                rows.append(
                    {
                        **record,
                        "run_date": product["run_date"],
                        "merchant_id": product["merchant_id"],
                        "sku": product["sku"],
                        "instruction_hash": instruction_hash(record),
                        "writer": WRITER,
                        "writer_revision": self._revision,
                        "refused_attempts": [],
                        "rejected_for": reasons_against(record, product, thing.channels, self._brands)
                        or None,
                    }
                )
        return rows

    def reasons_against(self, record: Mapping[str, Any], product: Mapping[str, Any]) -> list[str]:
        """Why a record of this product must not be used; empty when it may."""
        return reasons_against(record, product, self._thing(product).channels, self._brands)

    def _dressed(self, thing: Thing, personas: Sequence[Persona]) -> list[tuple[dict[str, Any], str]]:
        """Scene and layout of each persona: places differ while there are enough, and so do lights and layouts."""
        product = thing.product
        fit = scenes.PRODUCT_WEIGHT * self._matcher.for_product(_place_text(product)) + np.stack(
            [self._matcher.for_segment(self._segments[persona.segment_id]) for persona in personas]
        )
        season = scenes.season_of(product)
        settings = scenes.assign_settings(
            fit, scenes.allowed_settings(thing.kind, season, product["run_date"])
        )
        size = scenes.size_cm(product, thing.kind)
        taken_lights: set[str] = set()
        taken_layouts: set[str] = set()
        dressed = []
        for persona, setting in zip(personas, settings, strict=True):
            seed = (product["merchant_id"], product["sku"], persona.segment_id)
            dressed.append(
                (
                    scenes.dress(
                        setting, thing.kind, product["palette"] or [], seed, taken_lights, season, size
                    ),
                    scenes.layout(product["aspect"], seed, taken_layouts, framed=bool(product.get("framed"))),
                )
            )
        return dressed


def _place_text(product: Mapping[str, Any]) -> str:
    """What a product is, in the few words that tell where it belongs."""
    return f"{product['title']}. {product['category'].replace(' > ', ', ')}"


def products_with_personas(products: pa.Table, views: pa.Table, personas: pa.Table) -> pa.Table:
    """Products as InstructionWriter takes them; only those with personas and one of the (accepted) views."""
    segments: dict[tuple[str, str], list[str]] = {}
    for row in personas.sort_by([("rank", "ascending"), ("segment_id", "ascending")]).to_pylist():
        segments.setdefault((row["merchant_id"], row["sku"]), []).append(row["segment_id"])
    seen = {row["image_sha256"]: row for row in views.to_pylist()}
    keys = zip(products["merchant_id"].to_pylist(), products["sku"].to_pylist(), strict=True)
    own = [segments.get(key, []) for key in keys]
    view = [seen.get(image) for image in products["image_sha256"].to_pylist()]
    table = products.select(_PRODUCT_COLUMNS)
    table = table.append_column("segment_ids", pa.array(own, pa.list_(pa.string())))
    hexes = [[colour["hex"] for colour in v["palette"] or []] if v else [] for v in view]
    table = table.append_column("palette", pa.array(hexes, pa.list_(pa.string())))
    aspects = [
        v["cutout_width_px"] / v["cutout_height_px"] if v and v["cutout_height_px"] else None for v in view
    ]
    table = table.append_column("aspect", pa.array(aspects, pa.float64()))
    cutouts = [v["cutout_uri"] if v else None for v in view]
    table = table.append_column("cutout_uri", pa.array(cutouts, pa.string()))
    framed = [v is not None and v.get("treatment") == "framed" for v in view]
    table = table.append_column("framed", pa.array(framed, pa.bool_()))
    usable = [bool(ids) and v is not None for ids, v in zip(own, view, strict=True)]
    return table.filter(pa.array(usable, pa.bool_()))


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        for merchant in stage.merchants:
            for tag in merchant.locales:
                try:
                    load_locale(tag)
                except LookupError as error:
                    raise StageError(f"merchant {merchant.id}: {error}; change merchants.locales") from None
        merchants = [merchant.id for merchant in stage.merchants]
        night = read_night(stage.state, "products", stage.run_date, merchants=merchants)
        views = accepted_views(stage.state, stage.config.cutout, _VIEW_COLUMNS)
        personas = of_merchants(read_night(stage.state, "personas", stage.run_date), merchants)
        night, range_of_shard = in_shard(first_products(night, stage.limit), stage.shard)
        products = products_with_personas(night, views, personas)
        segments = read_night(stage.state, "segments", stage.run_date)
        for merchant in stage.merchants:
            own = of_merchants(products, [merchant.id])
            units = sum(len(ids) for ids in own["segment_ids"].to_pylist()) * len(merchant.locales)
            stage.count(merchant.id, rows_in=units)
        rejects: list[dict[str, Any]] = []
        written = _written(stage, products, segments, rejects)
        replace_streamed(stage.state, "instructions", written, f"{stage.tonight} AND {range_of_shard}")
        stage.write_rejects(rejects)
    return []


def input_files(config: Config, data_root: Path) -> list[Path]:
    """The pictures whose style is borrowed: another one under the same name is another instruction."""
    diffusion = config.scene.diffusion
    return (
        [path for name in diffusion.references.values() if (path := Path(name)).is_file()]
        if diffusion
        else []
    )


def _written(
    stage: Stage, products: pa.Table, segments: pa.Table, rejects: list[dict[str, Any]]
) -> Iterator[pa.RecordBatch]:
    """Batches of good instructions as Ray delivers them, counted; the others are added to `rejects`."""
    schema = BY_NAME["instructions"].schema
    arguments: dict[str, Any] = {
        "segments": segments,
        "locales": {merchant.id: merchant.locales for merchant in stage.merchants},
        "placements": {
            merchant.id: {name: stage.config.placements[name].channel for name in merchant.placements}
            for merchant in stage.merchants
        },
        "brands": {brand for brand in products["brand"].unique().to_pylist() if brand},
        "references": open_references(stage.config.scene),
        "cache": stage.state / "cache" / "text_vectors.sqlite",
    }
    worker: type[Any] = InstructionWriter
    if (model := stage.config.writer.model) and stage.config.writer.backend == "model" and products.num_rows:
        from ray_tasks.model_instructions import ModelInstructionWriter
        from ray_tasks.models.served import serve_model

        worker = ModelInstructionWriter
        arguments = {
            "rules": arguments,
            "config": model,
            "store": stage.config.store,
            "state": stage.state,
            "model": serve_model(model, stage.config.engines, stage.state),
        }
    for table in map_rows(products, worker, arguments, stage.config.engines, batch_rows=BATCH_SIZE):
        good = table.filter(pc.is_null(table[REJECT_COLUMN.name]))
        for row in table.filter(pc.is_valid(table[REJECT_COLUMN.name])).to_pylist():
            rejects.append(_reject(row))
            stage.count(row["merchant_id"], **{rejects[-1]["reason"]: 1})
        for merchant_id in good["merchant_id"].to_pylist():
            stage.count(merchant_id, rows_out=1)
        yield from good.drop_columns([REJECT_COLUMN.name]).cast(schema).to_batches()


def _reject(row: Mapping[str, Any]) -> dict[str, Any]:
    reasons = row["rejected_for"]
    copy = {
        name: row[name] for name in ("headline", "selling_points", "sticker", "call_to_action", "alt_text")
    }
    return {
        "key": f"{row['merchant_id']}/{row['sku']}/{row['segment_id']}/{row['locale']}",
        "reason": reasons[0],
        "merchant_id": row["merchant_id"],
        "sku": row["sku"],
        "detail": "; ".join(f"{reason}: {REASONS[reason]}" for reason in reasons)
        + f"; correct the product's texts or the phrase bank (record {content_hash(copy)[:12]})",
        "record": str(copy),
    }


if __name__ == "__main__":
    main()
