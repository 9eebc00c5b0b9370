"""Opens a stranger's picture file safely."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 50_000_000
LEAST_SIDE_PX = 160
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")


class ImageRejected(ValueError):
    """A picture that cannot be used; `reason` is its reason code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class OpenedImage:
    """A picture: rgb (H, W, 3) uint8, upright, flattened on white; alpha (H, W) uint8 where the file has one."""

    rgb: np.ndarray
    alpha: np.ndarray | None
    format: str


def open_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> OpenedImage:
    """The picture in `data`: JPEG, PNG, WebP or the first frame of a GIF.

    The declared size is checked before anything is decoded. Raises ImageRejected with image_empty, image_format,
    image_too_large, image_too_small, image_truncated or image_unreadable.
    """
    if not data:
        raise ImageRejected("image_empty", "the file has zero bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            width, height = image.size
            if width * height > max_pixels:
                raise ImageRejected(
                    "image_too_large", f"{width} x {height} pixels; at most {max_pixels} in all"
                )
            if min(width, height) < LEAST_SIDE_PX:
                raise ImageRejected(
                    "image_too_small", f"{width} x {height} pixels; at least {LEAST_SIDE_PX} a side"
                )
            file_format = image.format or ""
            image.load()
            upright = ImageOps.exif_transpose(image)
    except ImageRejected:
        raise
    except UnidentifiedImageError:
        if data.startswith(_MAGIC) and (data[:4] != b"RIFF" or data[8:12] == b"WEBP"):
            raise ImageRejected("image_truncated", "the file starts as a picture and breaks off") from None
        raise ImageRejected("image_format", "not a JPEG, PNG, WebP or GIF file") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageRejected("image_too_large", str(error)) from None
    except (OSError, SyntaxError, EOFError) as error:
        reason = (
            "image_truncated"
            # libwebp's words for a file that is shorter than its header says
            if "truncated" in str(error).lower() or "could not create decoder" in str(error)
            else "image_unreadable"
        )
        raise ImageRejected(reason, f"the file is damaged: {error}") from None
    except Exception as error:
        raise ImageRejected("image_unreadable", f"{type(error).__name__}: {error}"[:300]) from None
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        rgb = np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
        return OpenedImage(rgb, np.asarray(rgba)[..., 3].copy(), file_format)
    if upright.mode.startswith("I"):
        # Pillow clips 16-bit greys at 255 instead of scaling them.
        grey = (np.clip(np.asarray(upright, np.int64), 0, 65_535) >> 8).astype(np.uint8)
        return OpenedImage(np.repeat(grey[..., None], 3, axis=2), None, file_format)
    return OpenedImage(np.asarray(upright.convert("RGB")).copy(), None, file_format)
