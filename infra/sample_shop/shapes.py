"""RGBA pictures of solids: signed distance fields marched in a SkSL runtime shader on the CPU.

Method: sphere tracing (Hart 1996, "Sphere tracing: a geometric method for the antialiased ray tracing of implicit
surfaces"), with a coarse cone-marching pass per block of pixels that gives the fine pass its start, and coverage from
the closest approach for edges. Each shape is a `map` (distance) and a `surf` (colour, roughness, metal, glass,
emission) in shapes.sksl; parameters are documented there, next to the code that reads them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import skia

HERE = Path(__file__).parent
SUPERSAMPLE = 1.25
COARSE_PX = 4
LIGHT_PX = 3
FIT_PX = 128
DISTANCE = 8.0
Rgb = tuple[float, float, float]
Box = tuple[int, int, int, int]
Array = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Solid:
    """One thing to draw: shape name, its parameters, four colours "#rrggbb", and the view in degrees."""

    shape: str
    a: tuple[float, float, float, float]
    b: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    colors: tuple[str, str, str, str] = ("#cccccc", "#888888", "#444444", "#eeeeee")
    yaw_deg: float = 0.0
    pitch_deg: float = 10.0
    label_size: tuple[float, float] = (1.0, 1.0)
    label_y: float = 0.5


@dataclass(frozen=True)
class Frame:
    """Where the optical axis meets the picture (px) and how many px one unit of tan(angle) covers."""

    x: float
    y: float
    scale: float

    def scaled(self, factor: float) -> Frame:
        """The same view in a picture `factor` times the size."""
        return Frame(self.x * factor, self.y * factor, self.scale * factor)


def srgb(color: str) -> Rgb:
    """Red, green and blue 0..1, gamma-encoded, of "#rrggbb"."""
    value = int(color.lstrip("#"), 16)
    return ((value >> 16) / 255, (value >> 8 & 255) / 255, (value & 255) / 255)


def linear(color: str) -> Rgb:
    """Linear light of "#rrggbb"; gamma 2.0, as in the shaders, which saves a pow per pixel."""
    r, g, b = srgb(color)
    return (r * r, g * g, b * b)


@cache
def _snippets() -> dict[str, str]:
    parts = (HERE / "shapes.sksl").read_text(encoding="utf-8").split("//# ")[1:]
    return {part.split(None, 1)[0]: "//" + part for part in parts}


@cache
def _effect(shape: str, program: str) -> skia.RuntimeEffect:
    body = _snippets()[shape] if shape else "float map(float3 p) { return p.y; }"
    names = ("studio.sksl", "", "march.sksl", program)
    source = "\n".join((HERE / n).read_text(encoding="utf-8") if n else body for n in names)
    try:
        return skia.RuntimeEffect.MakeForShader(source)
    except RuntimeError as error:
        raise ValueError(f"shape {shape!r} does not compile in {program}: {error}") from error


def _camera(pitch_deg: float) -> dict[str, tuple[float, ...]]:
    pitch = math.radians(pitch_deg)
    back = np.array([0.0, math.sin(pitch), math.cos(pitch)])
    eye = back * DISTANCE + np.array([0.0, 0.8, 0.0])
    up = np.array([0.0, math.cos(pitch), -math.sin(pitch)])
    return {"eye": tuple(eye), "fx": (1.0, 0.0, 0.0), "fy": tuple(up), "fz": tuple(-back)}


def _uniforms(
    solid: Solid, frame: Frame, block_px: float, floor: Rgb, tex_size: tuple[int, int]
) -> dict[str, tuple[float, ...]]:
    near, far = (0.0, 1.0) if not solid.shape else (DISTANCE - 3.2, DISTANCE + 3.4)
    colors = {f"c{i}": linear(color) for i, color in enumerate(solid.colors)}
    return {
        **_camera(solid.pitch_deg),
        **colors,
        "frame": (frame.x, frame.y, frame.scale),
        "pa": solid.a,
        "pb": solid.b,
        "lab": (*solid.label_size, solid.label_y, 0.0),
        "texSize": tex_size,
        "range": (near, far, block_px, math.radians(solid.yaw_deg)),
        "floorColor": floor,
    }


def shade(
    effect: skia.RuntimeEffect,
    uniforms: dict[str, tuple[float, ...]],
    children: dict[str, skia.Shader],
    size: tuple[int, int],
    kind: skia.ColorType = skia.kRGBA_8888_ColorType,
    origin: tuple[float, float] = (0.0, 0.0),
    only: skia.Region | None = None,
) -> skia.Surface:
    """A raster surface of (width, height) filled by one runtime shader, where `only` (device px) allows."""
    builder = skia.RuntimeShaderBuilder(effect)
    for name, value in uniforms.items():
        builder.setUniform(name, list(value) if len(value) > 1 else value[0])
    for name, child in children.items():
        builder.setChild(name, child)
    surface = skia.Surface.MakeRaster(skia.ImageInfo.Make(*size, kind, skia.kPremul_AlphaType))
    if only is not None:
        surface.getCanvas().clipRegion(only)
    surface.getCanvas().translate(*origin)
    surface.getCanvas().drawPaint(skia.Paint(Shader=builder.makeShader(), BlendMode=skia.BlendMode.kSrc))
    return surface


def _no_children() -> dict[str, skia.Shader]:
    return {name: skia.Shaders.Color(0) for name in ("tex", "bg", "coarse", "smoothLight")}


def _coarse(solid: Solid, frame: Frame, size: tuple[int, int], floor: Rgb) -> skia.Surface:
    children = _no_children()
    uniforms = _uniforms(solid, frame, 1.0, floor, (1, 1))
    return shade(_effect(solid.shape, "coarse.sksl"), uniforms, children, size, skia.kRGBA_F32_ColorType)


def fit(solid: Solid, size_px: int, height: float, width: float, center: tuple[float, float]) -> Frame:
    """The frame in which the solid covers `height` of the picture, or `width` where that binds first.

    `center` is where the middle of its bounding box goes, both 0..1 of the picture.
    """
    probe = Frame(FIT_PX / 2, FIT_PX / 2, FIT_PX * 2.1)
    hit = pixels(_coarse(solid, probe, (FIT_PX, FIT_PX), (1.0, 1.0, 1.0)))[..., 0] > 0
    if not hit.any():
        raise ValueError(f"shape {solid.shape!r} with a={solid.a}, b={solid.b} is outside the view")
    rows, cols = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    zoom = min(height * size_px / (bottom - top), width * size_px / (right - left))
    x = center[0] * size_px - ((left + right) / 2 - FIT_PX / 2) * zoom
    y = center[1] * size_px - ((top + bottom) / 2 - FIT_PX / 2) * zoom
    return Frame(float(x), float(y), float(FIT_PX * 2.1 * zoom))


def pixels(surface: skia.Surface) -> Any:
    """The surface's pixels, (height, width, 4); F32 surfaces give float32, others uint8."""
    dtype = np.float32 if surface.imageInfo().colorType() == skia.kRGBA_F32_ColorType else np.uint8
    out = np.empty((surface.height(), surface.width(), 4), dtype)
    if not surface.readPixels(surface.imageInfo(), out.data, out.strides[0], 0, 0):
        raise RuntimeError("skia could not read back its own surface")
    return out


def pixels_of(image: skia.Image) -> Array:
    """The image's pixels, (height, width, 4) uint8, red first."""
    return image.toarray(colorType=skia.kRGBA_8888_ColorType)


def texture(image: skia.Image, sampling: skia.SamplingOptions | None = None) -> skia.Shader:
    """A shader over the image's pixels, in pixel coordinates, linear by default."""
    chosen = sampling or skia.SamplingOptions(skia.FilterMode.kLinear)
    return image.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, chosen)


def backdrop(
    kind: int, tone: str, tone2: tuple[float, float, float], pitch_deg: float, frame: Frame, size_px: int
) -> skia.Surface:
    """What the product stands on, without shadow; kinds as in backdrop.sksl."""
    base = Solid("", (0.0, 0.0, 0.0, 0.0), pitch_deg=pitch_deg)
    uniforms = _uniforms(base, frame, 1.0, (1.0, 1.0, 1.0), (1, 1))
    uniforms |= {"kind": (float(kind),), "tone": srgb(tone), "tone2": tone2}
    children = _no_children()
    return shade(_effect("", "backdrop.sksl"), uniforms, children, (size_px, size_px))


def _region(hit: npt.NDArray[np.bool_], block_px: float) -> skia.Region:
    """The blocks that are hit: the CPU backend runs the whole shader on masked pixels too, so they are not drawn."""
    region = skia.Region()
    for y, row in enumerate(hit):
        edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
        top, bottom = math.floor(y * block_px), math.ceil((y + 1) * block_px)
        for start, end in edges.reshape(-1, 2):
            rect = skia.IRect.MakeLTRB(math.floor(start * block_px), top, math.ceil(end * block_px), bottom)
            region.op(rect, skia.Region.kUnion_Op)
    return region


def floor_light(solid: Solid, frame: Frame, size_px: int) -> tuple[npt.NDArray[np.float32], skia.Surface]:
    """Light on the floor, (h, w, 2) key and ambient 0..1 per COARSE_PX block, and the coarse pass itself."""
    size = math.ceil(size_px / COARSE_PX)
    surface = _coarse(solid, frame.scaled(1 / COARSE_PX), (size, size), (1.0, 1.0, 1.0))
    return pixels(surface)[..., 1:3].astype(np.float32), surface


def render(
    solid: Solid,
    frame: Frame,
    size_px: int,
    coarse: skia.Surface,
    label: skia.Image,
    under: skia.Image,
    floor: Rgb,
) -> tuple[Array, Box]:
    """The solid alone: premultiplied RGBA, (h, w, 4), cut to its box, and that box (x0, y0, x1, y1) in px."""
    hit = pixels(coarse)[..., 0] > 0
    rows, cols = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    x0, y0 = int(cols[0]) * COARSE_PX, int(rows[0]) * COARSE_PX
    x1, y1 = min(size_px, (int(cols[-1]) + 1) * COARSE_PX), min(size_px, (int(rows[-1]) + 1) * COARSE_PX)
    nearest = skia.SamplingOptions(skia.FilterMode.kNearest)
    light_size = math.ceil(size_px / LIGHT_PX)
    lights = shade(
        _effect(solid.shape, "light.sksl"),
        _uniforms(solid, frame.scaled(1 / LIGHT_PX), COARSE_PX / LIGHT_PX, floor, (1, 1)),
        {**_no_children(), "coarse": texture(coarse.makeImageSnapshot(), nearest)},
        (light_size, light_size),
        skia.kRGBA_F32_ColorType,
    ).makeImageSnapshot()
    width, height = round((x1 - x0) * SUPERSAMPLE), round((y1 - y0) * SUPERSAMPLE)
    large = shade(
        _effect(solid.shape, "fine.sksl"),
        _uniforms(
            solid, frame.scaled(SUPERSAMPLE), LIGHT_PX * SUPERSAMPLE, floor, (label.width(), label.height())
        ),
        {
            "tex": texture(label),
            "bg": texture(under),
            "coarse": texture(lights, nearest),
            "smoothLight": texture(lights),
        },
        (width, height),
        origin=(-x0 * SUPERSAMPLE, -y0 * SUPERSAMPLE),
        only=_region(hit[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], COARSE_PX * SUPERSAMPLE),
    )
    small = cv2.resize(pixels(large), (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), (x0, y0, x1, y1)
