"""Finds the source pictures of products and hashes their bytes, inside Spark's Python workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

_COLUMNS = ("merchant_id", "sku", "image_uri", "image_sha256", "image_reason", "image_detail")
IMAGE_SCHEMA = ", ".join(f"{name} string" for name in _COLUMNS)
MAX_IMAGE_BYTES = 50_000_000


def locate_image(root: Path, image: str | None) -> tuple[str | None, str | None, str | None, str | None]:
    """(path, SHA-256, reason, detail) of one picture below `root`: the first two, or the last two, are None."""
    if not image:
        return None, None, "image_not_named", "the feed names no picture"
    if "://" in image:
        return None, None, "image_remote", f"{image[:200]}: pictures are read below {root.name}, not fetched"
    path = (root / image.replace("\0", "")).resolve()
    if not path.is_relative_to(root.resolve()):
        return None, None, "image_path_leaves_root", f"{image[:200]} leaves the merchant's picture folder"
    try:
        size = path.stat().st_size
    except OSError:
        return None, None, "image_missing", f"{image[:200]} does not exist in the merchant's picture folder"
    if size == 0:
        return None, None, "image_empty", f"{image[:200]} has zero bytes"
    if size > MAX_IMAGE_BYTES:
        return None, None, "image_too_large", f"{image[:200]} has {size} bytes; at most {MAX_IMAGE_BYTES}"
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest(), None, None


def locate_images(roots: dict[str, str]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A `mapInArrow` function from (merchant_id, sku, image) to rows of IMAGE_SCHEMA."""

    def locate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
        for batch in batches:
            rows = [
                (row["merchant_id"], row["sku"], *locate_image(Path(roots[row["merchant_id"]]), row["image"]))
                for row in batch.to_pylist()
            ]
            yield pa.RecordBatch.from_pylist(
                [dict(zip(_COLUMNS, row, strict=True)) for row in rows], schema=schema
            )

    return locate
