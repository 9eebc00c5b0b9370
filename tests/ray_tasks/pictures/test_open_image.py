from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ray_tasks.pictures.open_image import ImageRejected, open_image

RAMP = np.zeros((200, 240, 3), np.uint8)
RAMP[..., 0] = np.linspace(0, 255, 240).astype(np.uint8)
RAMP[100:, :, 2] = 200


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_format_opens_as_rgb(file_format: str) -> None:
    opened = open_image(encoded(Image.fromarray(RAMP), file_format))
    assert opened.format == file_format and opened.alpha is None
    assert opened.rgb.shape == (200, 240, 3) and opened.rgb.dtype == np.uint8
    assert np.abs(opened.rgb.astype(int) - RAMP).mean() < 12


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    grey = Image.fromarray(RAMP[..., 0])
    if mode == "I;16":
        image = Image.fromarray(RAMP[..., 0].astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode)
    opened = open_image(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    expected = 127.5 if mode == "1" else RAMP[..., 0].mean()
    assert abs(opened.rgb.mean() - expected) < 12, f"mode {mode}: mean {opened.rgb.mean():.0f}"


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = open_image(encoded(Image.fromarray(RAMP), "JPEG", exif=exif.tobytes()))
    assert opened.rgb.shape == (240, 200, 3)
    assert opened.rgb[5, :, 0].mean() < 20 < 235 < opened.rgb[-5, :, 0].mean()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_alpha_is_flattened_on_white_and_kept(file_format: str) -> None:
    rgba = np.dstack([np.zeros_like(RAMP), np.full(RAMP.shape[:2], 255, np.uint8)])
    rgba[:50, :, 3] = 0
    options = {"lossless": True} if file_format == "WEBP" else {}
    opened = open_image(encoded(Image.fromarray(rgba), file_format, **options))
    assert (opened.rgb[:50] == 255).all() and (opened.rgb[50:] == 0).all()
    assert opened.alpha is not None and (opened.alpha[:50] == 0).all() and (opened.alpha[50:] == 255).all()


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "image_empty"),
        (b"<html>not found</html>", "image_format"),
        (encoded(Image.fromarray(RAMP), "BMP"), "image_format"),
        (encoded(Image.fromarray(RAMP), "JPEG")[:-700], "image_truncated"),
        (encoded(Image.fromarray(RAMP), "PNG")[:-200], "image_truncated"),
        (encoded(Image.fromarray(RAMP), "WEBP")[:-200], "image_truncated"),
        (encoded(Image.fromarray(RAMP), "GIF")[:-900], "image_truncated"),
        (_png_header(60_000, 60_000), "image_too_large"),
        (_png_header(9_000, 9_000), "image_too_large"),
        (encoded(Image.fromarray(RAMP[:159]), "PNG"), "image_too_small"),
    ],
)
def test_what_cannot_be_used_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ImageRejected) as error:
        open_image(data)
    assert error.value.reason == reason, f"{error.value.reason}: {error.value}"
    assert str(error.value)


def test_damaged_bytes_never_raise_anything_else() -> None:
    random = np.random.default_rng(5)
    for file_format in ("JPEG", "PNG", "WEBP", "GIF"):
        good = np.frombuffer(encoded(Image.fromarray(RAMP), file_format), np.uint8)
        for _ in range(60):
            bad = good.copy()
            bad[random.integers(0, len(bad), 8)] = random.integers(0, 256, 8)
            try:
                assert open_image(bad.tobytes()).rgb.ndim == 3
            except ImageRejected as error:
                assert error.reason.startswith("image_")


def test_the_limit_is_an_argument() -> None:
    data = encoded(Image.fromarray(RAMP), "PNG")
    with pytest.raises(ImageRejected, match="at most 40000"):
        open_image(data, max_pixels=40_000)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(file_format: str) -> None:
    frames = [
        Image.fromarray(np.full((180, 200, 3), tone, np.uint8)) for tone in ((200, 30, 30), (30, 30, 200))
    ]
    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=80, loop=0)
    opened = open_image(data)
    assert opened.rgb[..., 0].mean() > 150 > 80 > opened.rgb[..., 2].mean()


def test_a_palette_with_a_transparent_colour_has_alpha() -> None:
    image = Image.new("P", (200, 180), 0)
    image.putpalette([10, 200, 10, 200, 30, 30] + [0] * 762)
    image.paste(1, (50, 50, 150, 150))
    opened = open_image(encoded(image, "PNG", transparency=0))
    assert opened.alpha is not None and opened.alpha[0, 0] == 0 and opened.alpha[100, 100] == 255
    assert (opened.rgb[0, 0] == 255).all() and tuple(opened.rgb[100, 100]) == (200, 30, 30)
