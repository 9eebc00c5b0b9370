"""Small pictures for the page, made only where they are missing."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

THUMB_PX = 320
SOURCE_PX = 640
MAX_SOURCE_PIXELS = 60_000_000
MAX_SOURCE_BYTES = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Thumb:
    """A small picture to make: where, from which bytes, and how large its longer side may be."""

    path: Path
    read: Callable[[], bytes]
    size_px: int = THUMB_PX


def make_thumbs(thumbs: Iterable[Thumb], threads: int) -> int:
    """Makes those that are missing, at most `threads` at once; how many could not be made (each is logged)."""
    missing = [thumb for thumb in thumbs if not thumb.path.exists()]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return sum(not made for made in pool.map(_make, missing))


def read_source(path: Path, root: Path, sha256: str) -> bytes:
    """The bytes of a merchant's own picture, as ingested.

    Raises ValueError for a path that leaves `root`, a file that is too large, or one that changed since.
    """
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        raise ValueError(f"{path} lies outside the data root {root}")
    if resolved.stat().st_size > MAX_SOURCE_BYTES:
        raise ValueError(f"{path} has more than {MAX_SOURCE_BYTES} bytes")
    data = resolved.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path} is not the picture that was ingested")
    return data


def _make(thumb: Thumb) -> bool:
    try:
        data = _small(thumb.read(), thumb.size_px)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        log.warning("no small picture %s: %s", thumb.path.name, error)
        return False
    thumb.path.parent.mkdir(parents=True, exist_ok=True)
    side = thumb.path.with_name(f".{thumb.path.name}.{os.getpid()}")
    side.write_bytes(data)
    side.replace(thumb.path)
    return True


def _small(data: bytes, size_px: int) -> bytes:
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_SOURCE_PIXELS:
            raise ValueError(f"{picture.width} x {picture.height} pixels are too many")
        picture.draft("RGB", (size_px, size_px))
        rgba = (
            picture.convert("RGBA") if picture.mode in {"RGBA", "LA", "P", "PA"} else picture.convert("RGB")
        )
    rgba.thumbnail((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if rgba.mode == "RGBA":
        ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        ground.alpha_composite(rgba)
        rgba = ground.convert("RGB")
    out = BytesIO()
    rgba.save(out, "JPEG", quality=82)
    return out.getvalue()
