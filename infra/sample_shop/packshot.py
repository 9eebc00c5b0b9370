"""Packshots: one product's picture (BGR) and its exact alpha mask, composed from solids, a backdrop and a label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import font_roboto
import font_source_sans_pro
import numpy as np
import skia

from infra.sample_shop import shapes
from infra.sample_shop.shapes import Array, Frame, Rgb, Solid

LABEL_OVERSAMPLE = 2.0
JPEG_QUALITY = 92
_PATTERNS = {"planks": 1, "linen": 2, "plaster": 3, "marble": 4}
_FONTS = {
    "brand": Path(font_roboto.__file__).parent / "files" / "Roboto-Medium.ttf",
    "name": Path(font_roboto.__file__).parent / "files" / "Roboto-Black.ttf",
    "note": Path(font_source_sans_pro.__file__).parent / "files" / "SourceSansPro-Semibold.ttf",
}


@dataclass(frozen=True)
class Label:
    """Lines to typeset (brand, name, note) and their colours; an empty paper colour prints on the product itself."""

    lines: tuple[str, ...] = ()
    paper: str = ""
    ink: str = "#222222"
    accent: str = ""
    style: str = "stack"


@dataclass(frozen=True)
class Shot:
    """All that decides a packshot's pixels."""

    solids: tuple[Solid, ...]
    label: Label = Label()
    backdrop: str = "#ffffff"
    fill: float = 0.70
    banner: str = ""
    shadow: float = 1.0


@cache
def _typeface(role: str) -> skia.Typeface:
    return skia.Typeface.MakeFromFile(str(_FONTS[role]))


def _color(value: str) -> int:
    return 0xFF000000 | int(value.lstrip("#"), 16)


def _line(canvas: skia.Canvas, text: str, role: str, color: str, box: skia.Rect) -> None:
    """One centred line, as large as the box allows."""
    font = skia.Font(_typeface(role), 100.0)
    width = max(font.measureText(text), 1.0)
    font.setSize(min(100.0 * box.width() / width, box.height() * 1.30))
    font.setSubpixel(True)
    metrics = font.getMetrics()
    x = box.centerX() - font.measureText(text) / 2
    y = box.centerY() + metrics.fCapHeight / 2
    canvas.drawString(text, x, y, font, skia.Paint(Color=_color(color), AntiAlias=True))


def _split(name: str) -> list[str]:
    """A product name on one or two lines of similar length."""
    words = name.split()
    if len(words) < 2 or len(name) < 9:
        return [name]
    cut = min(range(1, len(words)), key=lambda i: abs(len(" ".join(words[:i])) - len(" ".join(words[i:]))))
    return [" ".join(words[:cut]), " ".join(words[cut:])]


def draw_label(label: Label, width: int, height: int) -> skia.Image:
    """The label as an image of width x height px; transparent where nothing is printed."""
    surface = skia.Surface(max(width, 2), max(height, 2))
    canvas = surface.getCanvas()
    canvas.clear(0)
    if not label.lines:
        return surface.makeImageSnapshot()
    w, h = float(width), float(height)
    accent = label.accent or label.ink
    if label.paper:
        canvas.drawRect(skia.Rect.MakeWH(w, h), skia.Paint(Color=_color(label.paper)))
    if label.style == "cells":
        for i, text in enumerate(label.lines):
            _line(
                canvas,
                text,
                "name",
                label.ink,
                skia.Rect.MakeXYWH(w * (i / 3 + 0.05), h * 0.1, w * 0.2333, h * 0.8),
            )
        return surface.makeImageSnapshot()
    if label.style == "word":
        _line(
            canvas,
            label.lines[0],
            "name",
            label.ink,
            skia.Rect.MakeXYWH(w * 0.06, h * 0.15, w * 0.88, h * 0.70),
        )
        return surface.makeImageSnapshot()
    left, room = w * 0.10, w * 0.80
    if label.style == "wrap":  # art for a whole cylinder: the middle 40 % faces the camera
        left, room = w * 0.345, w * 0.31
        canvas.drawRect(skia.Rect.MakeXYWH(0, h * 0.80, w, h * 0.20), skia.Paint(Color=_color(accent)))
    elif label.paper:
        canvas.drawRect(skia.Rect.MakeXYWH(0, 0, w, h * 0.055), skia.Paint(Color=_color(accent)))
        canvas.drawRect(skia.Rect.MakeXYWH(0, h * 0.945, w, h * 0.055), skia.Paint(Color=_color(accent)))
    brand, name, *notes = [*label.lines, ""] if len(label.lines) < 2 else label.lines
    _line(
        canvas,
        brand.upper(),
        "brand",
        label.ink,
        skia.Rect.MakeXYWH(left + room * 0.1, h * 0.12, room * 0.8, h * 0.11),
    )
    bar = skia.Rect.MakeXYWH(w / 2 - room * 0.12, h * 0.275, room * 0.24, max(h * 0.012, 1.0))
    canvas.drawRect(bar, skia.Paint(Color=_color(accent)))
    lines = _split(name)
    step = 0.36 / len(lines)
    for i, text in enumerate(lines):
        _line(
            canvas,
            text,
            "name",
            label.ink,
            skia.Rect.MakeXYWH(left, h * (0.325 + step * i), room, h * step * 0.86),
        )
    for note in notes[:1]:
        tone = label.paper if label.style == "wrap" and label.paper else label.ink
        y = 0.85 if label.style == "wrap" else 0.78
        _line(
            canvas, note, "note", tone, skia.Rect.MakeXYWH(left + room * 0.08, h * y, room * 0.84, h * 0.075)
        )
    return surface.makeImageSnapshot()


def _backdrop(spec: str, pitch_deg: float, frame: Frame, size_px: int) -> skia.Image:
    kind, _, tones = spec.rpartition(":")
    tone, _, second = tones.partition(",")
    low = shapes.srgb(second) if second else (0.0 if tone == "#ffffff" else 1.2, 1.0, 0.0)
    return shapes.backdrop(_PATTERNS.get(kind, 0), tone, low, pitch_deg, frame, size_px).makeImageSnapshot()


def _floor_tone(spec: str) -> Rgb:
    return shapes.linear(spec.rpartition(":")[2].partition(",")[0])


def _centers(count: int) -> list[tuple[float, float]]:
    return [(0.5, 0.51)] if count == 1 else [(0.28, 0.48), (0.72, 0.54)]


def compose(shot: Shot, size_px: int) -> tuple[Array, Array]:
    """The picture (size, size, 3) BGR and the product's alpha (size, size), uint8; the shadow is not in it."""
    mask = np.zeros((size_px, size_px), np.float32)
    if not shot.solids:
        return np.full((size_px, size_px, 3), 255, np.uint8), mask.astype(np.uint8)
    several = len(shot.solids) > 1
    picture: np.ndarray | None = None
    for solid, center in zip(shot.solids, _centers(len(shot.solids)), strict=True):
        frame = shapes.fit(
            solid, size_px, shot.fill * (0.8 if several else 1.0), 0.42 if several else 0.80, center
        )
        if picture is None:
            under = _backdrop(shot.backdrop, solid.pitch_deg, frame, size_px)
            picture = shapes.pixels_of(under)[..., :3].astype(np.float32)
        light, coarse = shapes.floor_light(solid, frame, size_px)
        grown = cv2.resize(
            light, None, fx=shapes.COARSE_PX, fy=shapes.COARSE_PX, interpolation=cv2.INTER_LINEAR
        )
        key, ambient = np.moveaxis(grown[:size_px, :size_px], -1, 0)
        shade = (0.62 + 0.38 * key) * (0.28 + 0.72 * ambient)
        picture *= np.sqrt(1.0 - shot.shadow * (1.0 - shade))[..., None]
        density = frame.scale / shapes.DISTANCE * shapes.SUPERSAMPLE
        wide, tall = (round(s * density) for s in solid.label_size)
        shadowed = skia.Image.fromarray(_opaque(picture), skia.kRGBA_8888_ColorType)
        label = draw_label(shot.label, wide, tall)
        solid_px, (x0, y0, x1, y1) = shapes.render(
            solid, frame, size_px, coarse, label, shadowed, _floor_tone(shot.backdrop)
        )
        alpha = solid_px[..., 3:].astype(np.float32) / 255
        part = picture[y0:y1, x0:x1]
        part *= 1.0 - alpha
        part += solid_px[..., :3]
        mask[y0:y1, x0:x1] = np.maximum(mask[y0:y1, x0:x1], alpha[..., 0])
    assert picture is not None
    out = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    alpha_px = (mask * 255 + 0.5).astype(np.uint8)
    if shot.banner:
        out, alpha_px = _with_banner(out, alpha_px, shot.banner)
    return np.ascontiguousarray(out[..., ::-1]), alpha_px


def _opaque(picture: np.ndarray) -> Array:
    return np.dstack([np.clip(picture, 0, 255).astype(np.uint8), np.full(picture.shape[:2], 255, np.uint8)])


def _with_banner(picture: Array, mask: Array, text: str) -> tuple[Array, Array]:
    size = picture.shape[0]
    surface = skia.Surface(size, size)
    canvas = surface.getCanvas()
    canvas.drawImage(skia.Image.fromarray(_opaque(picture), skia.kRGBA_8888_ColorType), 0, 0)
    strip = skia.Rect.MakeXYWH(0, size * 0.80, size, size * 0.15)
    canvas.drawRect(strip, skia.Paint(Color=0xFFD81F2A))
    _line(
        canvas,
        text,
        "name",
        "#ffffff",
        skia.Rect.MakeXYWH(size * 0.06, size * 0.825, size * 0.88, size * 0.10),
    )
    mask = mask.copy()
    mask[int(size * 0.80) : int(np.ceil(size * 0.95))] = 0
    return shapes.pixels_of(surface.makeImageSnapshot())[..., :3], mask


def encode(picture: Array, suffix: str) -> bytes:
    """The picture as ".jpg", ".png" or ".webp" bytes."""
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 2],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, 90],
    }[suffix]
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise RuntimeError(f"could not encode a {picture.shape} picture as {suffix}")
    return data.tobytes()
