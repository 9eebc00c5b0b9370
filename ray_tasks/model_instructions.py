"""Instructions whose copy a vision-language model writes, over the rule writer's records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ray_tasks.copywriting.model_writer import PROMPT_REVISION, Order, write_with
from ray_tasks.copywriting.shown import cutout_picture
from ray_tasks.models.vision_language import JsonModel
from ray_tasks.write_instructions import InstructionWriter, with_rejections
from schemas.config import Store
from schemas.instruction import INSTRUCTION_JSON_SCHEMA, instruction_hash
from schemas.model_config import WriterModel
from schemas.revisions import writer_revision


class ModelInstructionWriter:
    """Writes batches as InstructionWriter does; `rules` are its arguments, `config` is the model's."""

    def __init__(
        self,
        rules: Mapping[str, Any],
        config: WriterModel,
        store: Store,
        state: Path,
        model: JsonModel,
    ) -> None:
        self._rules = InstructionWriter(**rules)
        self._segments = {row["segment_id"]: row for row in rules["segments"].to_pylist()}
        self._model = model
        self._revision = f"{writer_revision(config)}+{PROMPT_REVISION}"
        self._picture = partial(cutout_picture, store, state, config.picture_px)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `instructions`, each with `rejected_for`."""
        products = batch.to_pylist()
        by_key = {(product["merchant_id"], product["sku"]): product for product in products}
        rows = self._rules.rows(products)
        # A record that the rules cannot write (a hostile title in its alternative text) no model can mend.
        asked = [row for row in rows if row["rejected_for"] is None]
        orders = [self._order(row, by_key[row["merchant_id"], row["sku"]]) for row in asked]
        write_with(self._model, orders, self._rules.reasons_against)
        for row, order in zip(asked, orders, strict=True):
            row["refused_attempts"] = [",".join(reasons) for reasons in order.refused]
            if order.written is not None:
                row |= order.written | {
                    "instruction_hash": instruction_hash(order.written),
                    "writer": self._model.name,
                    "writer_revision": self._revision,
                }
        return with_rejections(rows)

    def _order(self, row: Mapping[str, Any], product: Mapping[str, Any]) -> Order:
        record = {name: row[name] for name in INSTRUCTION_JSON_SCHEMA["properties"]}
        picture = self._picture(product["cutout_uri"])
        return Order(record, product, self._segments[row["segment_id"]], picture)
