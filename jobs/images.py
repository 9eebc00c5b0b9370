"""Finds the source pictures of products below a merchant's image root and hashes their bytes."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa

MAX_IMAGE_BYTES = 50_000_000
MAX_PATH_CHARS = 1000
COLUMNS = pa.schema(
    [
        ("image_uri", pa.string()),
        ("image_sha256", pa.string()),
        ("image_reason", pa.string()),
        ("image_detail", pa.string()),
    ]
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_REMEMBERED = 50_000


class Located(NamedTuple):
    """A picture's path and SHA-256 (hex), or why there is none: a code of jobs.catalog.reasons and the name given."""

    image_uri: str | None
    image_sha256: str | None
    image_reason: str | None
    image_detail: str | None


def local_name(image: str, prefixes: Sequence[tuple[str, str]]) -> str:
    """The path below the image root that the feed's `image_paths` give for an address; others stay as they are."""
    for prefix, path in prefixes:
        if image.startswith(prefix):
            rest = unquote(re.split(r"[?#]", image[len(prefix) :], maxsplit=1)[0])
            # What follows the prefix is the stranger's: it may not make the path absolute.
            return path + rest.lstrip("/") if path.endswith("/") or not path else f"{path}{rest}"
    return image


def locate_image(root: Path, image: str | None) -> Located:
    """One picture below `root`; nothing outside it is opened, whatever the path or a link on it says."""
    if not image:
        return _not("image_not_named", "")
    shown = image[:200]
    if any(ord(character) < 32 for character in image) or len(image) > MAX_PATH_CHARS:
        return _not("image_path_invalid", repr(shown))
    if _SCHEME.match(image) or image.startswith("//"):
        return _not("image_remote", shown)
    try:
        path = (root / image.replace("\\", "/")).resolve()
        if not path.is_relative_to(root.resolve()):
            return _not("image_path_leaves_root", shown)
        found = path.stat()
    except (OSError, RuntimeError, ValueError):
        return _not("image_missing", shown)
    if not stat.S_ISREG(found.st_mode):
        return _not("image_not_a_file", shown)
    if found.st_size == 0:
        return _not("image_empty", shown)
    if found.st_size > MAX_IMAGE_BYTES:
        return _not("image_too_large", f"{shown}: {found.st_size:,} bytes")
    try:
        with path.open("rb") as file:
            return Located(str(path), hashlib.file_digest(file, "sha256").hexdigest(), None, None)
    except OSError as error:
        return _not("image_missing", f"{shown}: {error.strerror}")


def _not(reason: str, detail: str) -> Located:
    return Located(None, None, reason, detail)


def with_images(
    root: Path, prefixes: Sequence[tuple[str, str]], *, mapped: bool = True
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A `mapInArrow` function that puts COLUMNS in the place of the column `image`; rows with a `reason` get NULLs.

    So do all rows when the feed has no pictures by its mapping (`mapped` is false): that is no news of any product.
    """

    def locate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Variants share pictures. Remembered for one run only: the worker process lives on, and files change.
        known: dict[str | None, Located] = {}
        for batch in batches:
            rows = []
            for image, reason in zip(
                batch.column("image").to_pylist(), batch.column("reason").to_pylist(), strict=True
            ):
                if reason is not None or not mapped:
                    rows.append(Located(None, None, None, None))
                    continue
                if image not in known:
                    if len(known) >= _REMEMBERED:
                        known.clear()
                    known[image] = locate_image(root, local_name(image, prefixes) if image else None)
                rows.append(known[image])
            columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
            kept = [name for name in batch.schema.names if name != "image"]
            yield pa.RecordBatch.from_arrays(
                [*(batch.column(name) for name in kept), *(pa.array(c, pa.string()) for c in columns)],
                names=[*kept, *COLUMNS.names],
            )

    return locate
