"""Normalised rows become rows of `products`, and what was wrong with them rows of `rejects`.

Most rows are what they are at once; a file is written anew only where all rows together showed something in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

PRODUCTS = file_schema(BY_NAME["products"])
_PICTURE = {"image_uri", "image_sha256"}
WITHOUT_PICTURES = pa.schema([*(f for f in PRODUCTS if f.name not in _PICTURE), ("image", pa.string())])
"""PRODUCTS as long as the pictures are not looked for."""
REJECTS = pa.schema(
    [
        *(
            (n, pa.string())
            for n in ("key", "reason", "severity", "merchant_id", "sku", "detail", "record", "file")
        ),
        ("row", pa.int64()),
    ]
)
"""What a row of `rejects` says, but for the night, the stage and the shard; and where the row stands."""
HASHED = ("title", "description", "category", "tags", "facts", "rating_mean")
"""What `product_hash` covers, with brand and picture: the fields that can influence a picture; no price."""

Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
Places = Mapping[str, np.ndarray]
"""File -> rows of it, ascending."""


@dataclass(frozen=True)
class Decided:
    """What all rows of a merchant whose feed is taken together decided of them."""

    dropped: Places
    only: Places | None
    """The rows that are products when a limit is asked for."""
    spellings: Mapping[str, str]
    """Spelling of a brand -> usual spelling, where they differ."""


def places(rows: pa.Table) -> dict[str, np.ndarray]:
    """The places in a table with file and row."""
    grouped = rows.group_by("file").aggregate([("row", "list")])
    return {
        file: np.sort(np.asarray(found)) for file, found in zip(*grouped.to_pydict().values(), strict=True)
    }


def are_products(files: pa.Array, rows: pa.Array, decided: Decided) -> pa.Array:
    """Which of a merchant's good rows are products, by their places."""
    kept = pc.invert(_among(files, rows, decided.dropped))
    return kept if decided.only is None else pc.and_(kept, _among(files, rows, decided.only))


def _among(files: pa.Array, rows: pa.Array, some: Places) -> pa.Array:
    found = np.zeros(len(rows), bool)
    for file, wanted in some.items():
        near = wanted[np.searchsorted(wanted, rows).clip(max=len(wanted) - 1)]
        found |= (near == rows) & pc.equal(files, file).to_numpy(zero_copy_only=False)
    return pa.array(found)


def first_rows(paths: Iterable[Path], decided: Decided, limit: int) -> pa.Table:
    """The first products of files of staged ones, in the order of their SKUs: sku, file, row and brand."""
    first: list[pa.RecordBatch] = []
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(
            BATCH_ROWS, columns=["sku", "brand", "feed_file", "feed_row"]
        ):
            rows = batch.filter(are_products(batch["feed_file"], batch["feed_row"], decided))
            best = pa.Table.from_batches([*first, rows]).sort_by("sku")[:limit]
            first = best.combine_chunks().to_batches()
    names = {"sku": "sku", "brand": "brand", "feed_file": "file", "feed_row": "row"}
    empty = [pa.RecordBatch.from_pylist([], PRODUCTS).select([*names])]
    return pa.Table.from_batches(first or empty).rename_columns(names)


def product_rows(good: pa.RecordBatch, night: dt.date) -> pa.RecordBatch:
    """PRODUCTS of normalised rows with their pictures, or WITHOUT_PICTURES."""
    schema = PRODUCTS if "image_uri" in good.schema.names else WITHOUT_PICTURES
    own = {
        "feed_date": pa.repeat(pa.scalar(night), len(good)),
        "feed_file": good["file"],
        "feed_row": good["row"],
        "product_hash": _product_hashes(good) if schema is PRODUCTS else pa.repeat(pa.scalar(""), len(good)),
    }
    return pa.RecordBatch.from_arrays([own[n] if n in own else good[n] for n in schema.names], schema=schema)


def finished_rows(rows: pa.RecordBatch, spellings: Mapping[str, str]) -> pa.RecordBatch:
    """PRODUCTS of staged products, each brand in its merchant's usual spelling."""
    if spellings:
        usual = pc.index_in(rows["brand"], value_set=pa.array(spellings, pa.string()))
        brands = pc.coalesce(pa.array(spellings.values(), pa.string()).take(usual), rows["brand"])
        rows = rows.set_column(rows.schema.get_field_index("brand"), "brand", brands)
    hashes = _product_hashes(rows)
    columns = [hashes if name == "product_hash" else rows[name] for name in PRODUCTS.names]
    return pa.RecordBatch.from_arrays(columns, schema=PRODUCTS)


def _product_hashes(rows: pa.RecordBatch) -> pa.Array:
    """SHA-256 (hex) over what can influence a picture: over the hash of HASHED, the brand and the picture's."""
    tags, facts = rows["tags"], rows["facts"]
    of_facts = [field.cast(pa.string()) for field in facts.flatten().flatten()]
    written = {
        "tags": pc.binary_join(tags, "\x1e"),
        "facts": pc.binary_join(pa.ListArray.from_arrays(_offsets(facts), _joined(of_facts, "\x1f")), "\x1e"),
    }
    # Texts hold no control character: those part them.
    contents = (
        _joined([written.get(name, rows[name]) for name in HASHED], "\x1d").cast(pa.binary()).to_pylist()
    )
    others = _joined([rows["brand"], rows["image_sha256"]], "\x1f").cast(pa.binary()).to_pylist()
    hashes = [
        hashlib.sha256(hashlib.sha256(content).hexdigest().encode() + b"\x1f" + other).hexdigest()
        for content, other in zip(contents, others, strict=True)
    ]
    return pa.array(hashes, pa.string())


def _offsets(column: pa.Array) -> pa.Array:
    offsets = column.offsets
    return pc.subtract(offsets, offsets[0])


def _joined(columns: Sequence[pa.Array], separator: str) -> pa.Array:
    texts = [column.cast(pa.string()) for column in columns]
    return pc.binary_join_element_wise(*texts, separator, null_handling="replace", null_replacement="")


def rejected_rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A row of REJECTS for every normalised row that has a reason."""
    lost = batch.filter(batch["reason"].is_valid())
    return reject_rows(lost, lost["reason"], lost["detail"], lost["record"])


def noted_rows(good: pa.RecordBatch) -> pa.RecordBatch:
    """A row of REJECTS for every note on a normalised row."""
    notes = good["notes"]
    flat = notes.flatten()
    rows = good.select(["merchant_id", "file", "row", "sku"]).take(pc.list_parent_indices(notes))
    return reject_rows(rows, flat.field("code"), flat.field("detail"), pa.nulls(len(rows), pa.string()))


def missing_pictures(located: pa.RecordBatch) -> pa.RecordBatch:
    """A row of REJECTS for every row whose picture was not found; of normalised rows, or of staged products."""
    rows = located.filter(located["image_reason"].is_valid())
    if "feed_file" in rows.schema.names:
        rows = rows.append_column("file", rows["feed_file"]).append_column("row", rows["feed_row"])
    return reject_rows(rows, rows["image_reason"], rows["image_detail"], pa.nulls(len(rows), pa.string()))


@cache
def _meanings() -> tuple[pa.Array, pa.Array, pa.Array]:
    known = {**REASONS, **ROW, **NOTES, **FEED}
    return (pa.array(known), pa.array(known.values()), pa.array([severity(code) for code in known]))


def reject_rows(
    rows: pa.RecordBatch, reasons: pa.Array, shown: pa.Array, records: pa.Array
) -> pa.RecordBatch:
    """REJECTS of rows (merchant_id, file, row, sku), with the value that each reason is shown by."""
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
        "file": rows["file"],
        "row": rows["row"],
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTS)


def fault_rows(faults: pa.Table) -> Iterator[pa.RecordBatch]:
    """REJECTS of what only several rows together show."""
    for rows in faults.to_batches():
        yield reject_rows(rows, rows["reason"], rows["detail"], pa.nulls(len(rows), pa.string()))


def _text(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def finisher(decided: Mapping[str, Decided], finders: Mapping[str, Batches], folder: Path) -> Batches:
    """A `mapInArrow` function from files of staged products (merchant_id, path) to the files (table, path) made anew.

    `finders` locate the pictures of merchants whose staged products have none yet.
    """

    def finish_file(merchant_id: str, path: Path) -> Iterator[tuple[str, Path]]:
        merchant, finder = decided[merchant_id], finders.get(merchant_id)
        with NewFile(folder, PRODUCTS) as products, NewFile(folder, REJECTS) as rejects:
            for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
                rows = batch.filter(are_products(batch["feed_file"], batch["feed_row"], merchant))
                if finder:
                    (rows,) = finder([rows.append_column("reason", pa.nulls(len(rows), pa.string()))])
                    rejects.write(missing_pictures(rows))
                products.write(finished_rows(rows, merchant.spellings))
        yield from (("products", made) for made in products.paths)
        yield from (("rejects", made) for made in rejects.paths)

    def finish(files: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in files:
            for file in batch.to_pylist():
                for table, made in finish_file(file["merchant_id"], Path(file["path"])):
                    yield pa.RecordBatch.from_pydict({"name": [table], "path": [str(made)]})

    return finish
