"""Staged rows become rows of `products`, and what was wrong with them rows of `rejects`, once all rows are known."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.commit_files import BATCH_ROWS, file_schema
from infra.parquet_file import NewFile
from jobs.catalog.reasons import FEED, NOTES, ROW, severity
from jobs.feeds import REASONS
from schemas.tables import BY_NAME

PRODUCTS = BY_NAME["products"]
REJECT_SCHEMA = pa.schema(
    (name, pa.string()) for name in ("key", "reason", "severity", "merchant_id", "sku", "detail", "record")
)
"""What a row of `rejects` says, but for the night, the stage and the shard."""

Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
Places = Mapping[str, np.ndarray]
"""File -> rows of it, ascending."""


@dataclass(frozen=True)
class Decided:
    """What all rows together decided of one merchant's rows."""

    taken: bool
    """Whether the feed is taken; else only what was wrong with its rows is told."""
    dropped: Places
    only: Places | None
    """The rows that are products when a limit is asked for."""
    spellings: Mapping[str, str]
    """Brand key -> usual spelling, of the brands that the merchant spells variously."""


def places(table: pa.Table, merchant_id: str) -> dict[str, np.ndarray]:
    """The places of a merchant's rows in a table of merchant_id, file, row."""
    theirs = table.filter(pc.equal(table["merchant_id"], merchant_id))
    grouped = theirs.group_by("file").aggregate([("row", "list")])
    return {file: np.sort(np.asarray(rows)) for file, rows in zip(*grouped.to_pydict().values(), strict=True)}


def _among(batch: pa.RecordBatch, some: Places) -> pa.Array:
    """Which rows of a batch stand at one of the places."""
    found = np.zeros(batch.num_rows, bool)
    rows = batch["row"].to_numpy()
    for file, wanted in some.items():
        near = wanted[np.searchsorted(wanted, rows).clip(max=len(wanted) - 1)]
        found |= (near == rows) & pc.equal(batch["file"], file).to_numpy(zero_copy_only=False)
    return pa.array(found)


def good_rows(batch: pa.RecordBatch, decided: Decided) -> pa.RecordBatch:
    """The staged rows that are products."""
    mask = batch["reason"].is_null()
    if decided.dropped:
        mask = pc.and_(mask, pc.invert(_among(batch, decided.dropped)))
    if decided.only is not None:
        mask = pc.and_(mask, _among(batch, decided.only))
    return batch.filter(mask)


def product_rows(good: pa.RecordBatch, decided: Decided, night: dt.date) -> pa.RecordBatch:
    """The columns of `products`' files, each brand in its merchant's usual spelling."""
    brand = good["brand"]
    if decided.spellings:
        keys = good["brand_key"].dictionary_encode()
        usual = pa.array([decided.spellings.get(key) for key in keys.dictionary.to_pylist()], pa.string())
        brand = pc.coalesce(usual.take(keys.indices), brand)
    own = {
        "brand": brand,
        "feed_date": pa.repeat(pa.scalar(night), len(good)),
        "feed_file": good["file"],
        "feed_row": good["row"],
        "product_hash": _product_hashes(good["content_hash"], brand, good["image_sha256"]),
    }
    names = file_schema(PRODUCTS).names
    return pa.RecordBatch.from_arrays([own[n] if n in own else good[n] for n in names], names=names)


def _product_hashes(*parts: pa.Array) -> pa.Array:
    """SHA-256 (hex) over what can influence a picture; the price is not among it."""
    texts = pc.binary_join_element_wise(*parts, "\x1f", null_handling="replace", null_replacement="")
    hashes = (hashlib.sha256(text).hexdigest() for text in texts.cast(pa.binary()).to_pylist())
    return pa.array(hashes, pa.string())


def rejected_rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A row of REJECT_SCHEMA for every staged row that has a reason."""
    lost = batch.filter(batch["reason"].is_valid())
    return reject_rows(lost, lost["reason"], lost["detail"], lost["record"])


def noted_rows(good: pa.RecordBatch) -> pa.RecordBatch:
    """A row of REJECT_SCHEMA for every note on a product, and for every picture that was not found."""
    notes, images = good["notes"], good.filter(good["image_reason"].is_valid())
    flat = notes.flatten()
    place = ["merchant_id", "file", "row", "sku"]
    of_notes = good.select(place).take(pc.list_parent_indices(notes))
    rows = pa.concat_batches([of_notes, images.select(place)])
    reasons = pa.concat_arrays([flat.field("code"), images["image_reason"]])
    shown = pa.concat_arrays([flat.field("detail"), images["image_detail"]])
    return reject_rows(rows, reasons, shown, pa.nulls(len(rows), pa.string()))


@cache
def _meanings() -> tuple[pa.Array, pa.Array, pa.Array]:
    known = {**REASONS, **ROW, **NOTES, **FEED}
    return (pa.array(known), pa.array(known.values()), pa.array([severity(code) for code in known]))


def reject_rows(
    rows: pa.RecordBatch, reasons: pa.Array, shown: pa.Array, records: pa.Array
) -> pa.RecordBatch:
    """REJECT_SCHEMA of rows (merchant_id, file, row, sku), with the value that each reason is shown by."""
    codes, meanings, severities = _meanings()
    index = pc.index_in(reasons, value_set=codes)
    number = rows["row"].cast(pa.string())
    said = pc.coalesce(meanings.take(index), reasons)
    value = pc.if_else(pc.greater(pc.binary_length(shown), 0), _text(" (", shown, ")"), "")
    columns = {
        "key": _text(rows["merchant_id"], "/", rows["file"], ":", number),
        "reason": reasons,
        "severity": pc.fill_null(severities.take(index), "row"),
        "merchant_id": rows["merchant_id"],
        "sku": rows["sku"],
        "detail": _text(rows["file"], " row ", number, ": ", said, pc.fill_null(value, "")),
        "record": records,
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECT_SCHEMA)


def _text(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def finisher(
    decided: Mapping[str, Decided], finders: Mapping[str, Batches], night: dt.date, folder: Path
) -> Batches:
    """A `mapInArrow` function from staged files (merchant_id, path) to the files (table, path) made from them.

    `finders` locate the pictures of merchants whose staged rows have none yet.
    """

    def finish_file(merchant_id: str, path: Path) -> Iterator[tuple[str, Path]]:
        merchant, finder = decided[merchant_id], finders.get(merchant_id)
        with NewFile(folder, file_schema(PRODUCTS)) as products, NewFile(folder, REJECT_SCHEMA) as rejects:
            for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
                rejects.write(rejected_rows(batch))
                good = [good_rows(batch, merchant)] if merchant.taken else []
                for rows in finder(good) if finder else good:
                    rejects.write(noted_rows(rows))
                    products.write(product_rows(rows, merchant, night))
        yield from (("products", made) for made in products.paths)
        yield from (("rejects", made) for made in rejects.paths)

    def finish(files: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in files:
            for file in batch.to_pylist():
                for table, made in finish_file(file["merchant_id"], Path(file["path"])):
                    yield pa.RecordBatch.from_pydict({"name": [table], "path": [str(made)]})

    return finish
