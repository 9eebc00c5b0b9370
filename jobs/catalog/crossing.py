"""What only several rows of a merchant together show: repeated SKUs, parents, and the usual spelling of a brand.

A row is held as a few numbers, not as text: a hash of its SKU on disk, and three numbers of a row with a parent. Two
of ten million SKUs share a hash of 64 bits once in 400,000 nights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.commit_files import BATCH_ROWS
from jobs.catalog.values import brand_key

MAX_PARENT_STEPS = 10
SHARE_ROWS = 524_288
"""About so many hashes of SKUs, 4 MB, are compared at a time; every share looks through the hashes of all."""
FAULTS = pa.schema(
    [
        ("staged", pa.string()),
        ("merchant_id", pa.string()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("sku", pa.string()),
        ("brand", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""A row that only others show to be at fault; `staged` is the file with its product."""
_PLACE = ("merchant_id", "feed_file", "feed_row", "sku", "brand")
_NONE = np.zeros(0, np.int64)
_LONG = frozenset({"title", "description", "category", "tags", "facts", "feed_date", "feed_file", "feed_row"})
"""Where the row stands, and what `product_hash` covers: left out when two rows are compared."""


@dataclass(frozen=True)
class Held:
    """What all rows together must know of a file of staged products."""

    path: Path
    hashes: Path
    """Hash of each row's SKU, 8 bytes each, in a file beside it."""
    children: np.ndarray
    """Rows with a parent of another name, ascending."""
    skus: np.ndarray
    """Hash of the SKU of each of these."""
    parents: np.ndarray
    """Hash of the parent of each of these."""
    brands: Counter[str]
    """Spelling -> rows."""


def held(path: Path) -> Held:
    """Looks through a file of staged products."""
    hashes, seen = path.with_suffix(".skus"), 0
    children, skus, parents = [_NONE], [_NONE], [_NONE]
    brands: Counter[str] = Counter()
    with hashes.open("wb") as out, pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["sku", "parent_sku", "brand"], use_threads=False):
            own = _hashes(batch["sku"])
            out.write(own.tobytes())
            child = pc.fill_null(pc.not_equal(batch["parent_sku"], batch["sku"]), False)
            places = np.flatnonzero(child)
            children.append(places + seen)
            skus.append(own[places])
            parents.append(_hashes(batch["parent_sku"].filter(child)))
            for brand, n in zip(*pc.value_counts(batch["brand"]).flatten(), strict=True):
                if brand.is_valid:
                    brands[brand.as_py()] += n.as_py()
            seen += len(batch)
    return Held(path, hashes, np.concatenate(children), np.concatenate(skus), np.concatenate(parents), brands)


def _all_hashes(file: Held) -> np.ndarray:
    return np.fromfile(file.hashes, np.int64)


def _shares(files: Sequence[Held]) -> Iterator[tuple[int, int, np.ndarray]]:
    """(mask, bits, the SKUs' hashes with these bits under the mask), until all are told; each share fits in memory."""
    rows = sum(file.hashes.stat().st_size for file in files) // 8
    mask = (1 << (rows // SHARE_ROWS).bit_length()) - 1
    for bits in range(mask + 1):
        parts = (hashes[hashes & mask == bits] for hashes in map(_all_hashes, files))
        yield mask, bits, np.concatenate([*parts])


def _hashes(column: pa.Array) -> np.ndarray:
    # Keyed anew in each process, so that nobody can make texts of one hash.
    return np.fromiter(map(hash, column.to_pylist()), np.int64, len(column))


def crossed(files: Sequence[Held]) -> pa.Table:
    """FAULTS of one merchant: repeated SKUs and parents."""
    parts = [FAULTS.empty_table()]
    if files:
        parts.append(repeated_skus(files))
    if any(len(file.parents) for file in files):
        parts.append(parent_faults(files))
    return pa.concat_tables(parts)


def costly(faults: pa.Table) -> pa.Table:
    """Those of FAULTS that cost the row."""
    return faults.filter(pc.not_equal(faults["reason"], "parent_missing"))


def repeated_skus(files: Sequence[Held]) -> pa.Table:
    """Rows of one merchant after the first of their SKU: sku_repeated, or sku_conflicting when they say otherwise."""
    twice = np.concatenate([_twice(hashes) for _, _, hashes in _shares(files)])
    found = (
        [(file, np.flatnonzero(np.isin(_all_hashes(file), twice))) for file in files] if len(twice) else []
    )
    rows = _rows(found, content=True)
    if not rows.num_rows:
        return rows.select(FAULTS.names)
    rows = rows.append_column("key", pa.array(_hashes(rows["sku"])))
    rows = rows.sort_by([("key", "ascending"), ("file", "ascending"), ("row", "ascending")])
    key, content = rows["key"].to_numpy(), rows["content"].to_numpy()
    first = np.searchsorted(key, key)
    later = first != np.arange(len(key))
    reasons = np.where(content == content[first], "sku_repeated", "sku_conflicting")
    at = rows["row"].take(pa.array(first)).cast(pa.string())
    details = pc.binary_join_element_wise("first in row ", at, "")
    return _faults(rows, reasons, details).filter(pa.array(later))


def _twice(hashes: np.ndarray) -> np.ndarray:
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def parent_faults(files: Sequence[Held]) -> pa.Table:
    """Rows of one merchant whose parent is missing, or whose parents never end: parent_missing, parent_cyclic.

    A parent is either a row's SKU or a mere group id. Where at least one parent of a merchant is a row, all should be;
    where none is, they are group ids and nothing is missing. A row that is its own parent leads its group.
    """
    parents = np.concatenate([file.parents for file in files])
    children = np.concatenate([file.skus for file in files])
    known = np.zeros(len(parents), bool)
    for mask, bits, hashes in _shares(files):
        mine = parents & mask == bits
        known[mine] = np.isin(parents[mine], hashes)
    missing = ~known & known.any()
    # Who has a parent that has a parent, and so on: after ten rounds only circles and what hangs on them are left.
    chain = np.arange(len(parents))
    for _ in range(MAX_PARENT_STEPS):
        chain = chain[np.isin(parents[chain], children[chain])]
    cyclic = np.isin(children, children[chain])
    ends = np.cumsum([len(file.parents) for file in files])[:-1]
    parts = []
    for reason, faulty in (("parent_missing", missing), ("parent_cyclic", cyclic)):
        by_file = zip(files, np.split(faulty, ends), strict=True)
        rows = _rows([(file, file.children[some]) for file, some in by_file])
        parts.append(_faults(rows, np.repeat(reason, len(rows)), rows["parent_sku"]))
    return pa.concat_tables(parts)


def _faults(rows: pa.Table, reasons: np.ndarray, details: pa.Array) -> pa.Table:
    told = {"reason": pa.array(reasons, pa.string()), "detail": details}
    return pa.table([told.get(name, rows[name]) for name in FAULTS.names], schema=FAULTS)


def _rows(found: Sequence[tuple[Held, np.ndarray]], *, content: bool = False) -> pa.Table:
    """The wanted rows of files as FAULTS knows them, with parent_sku; with `content`, a hash of all that they say."""
    kinds = {**{field.name: field.type for field in FAULTS}, "parent_sku": pa.string(), "content": pa.int64()}
    parts = [pa.schema(kinds.items()).empty_table()]
    for file, wanted in found:
        source = pq.ParquetFile(file.path)
        said = (
            [name for name in source.schema_arrow.names if name not in _LONG] if content else ["parent_sku"]
        )
        seen = 0
        for batch in (
            source.iter_batches(BATCH_ROWS, columns=[*dict.fromkeys([*_PLACE, *said])]) if len(wanted) else ()
        ):
            first, end = np.searchsorted(wanted, [seen, seen + len(batch)])
            rows = batch.take(pa.array(wanted[first:end] - seen))
            seen += len(batch)
            texts = [rows[name].cast(pa.string()) for name in said]
            joined = pc.binary_join_element_wise(
                *texts, "\x1f", null_handling="replace", null_replacement="\x00"
            )
            own = {
                "staged": pa.repeat(pa.scalar(str(file.path)), len(rows)),
                "file": rows["feed_file"],
                "row": rows["feed_row"],
                "content": pa.array(_hashes(joined)) if content else pa.nulls(len(rows), pa.int64()),
                "reason": pa.nulls(len(rows), pa.string()),
                "detail": pa.nulls(len(rows), pa.string()),
            }
            parts.append(pa.table([own[n] if n in own else rows[n] for n in kinds], names=[*kinds]))
    return pa.concat_tables(parts)


def usual_spellings(brands: Counter[str]) -> dict[str, str]:
    """Spelling -> the commonest spelling of the same brand, for every spelling that is not it."""
    by_key: dict[str | None, list[tuple[int, str]]] = {}
    for brand, rows in brands.items():
        if rows > 0:
            by_key.setdefault(brand_key(brand), []).append((rows, brand))
    # Of equally common ones the last by code points: small letters before capitals.
    return {
        brand: usual
        for spelled in by_key.values()
        for usual in [max(spelled)[1]]
        for _, brand in spelled
        if brand != usual
    }
