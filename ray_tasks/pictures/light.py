"""Light: what each word of LIGHTS means, the light map of a scene, and what a product does to it.

Shadows and reflections are made from the product's own alpha, so that they fit any shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import skia

from ray_tasks.pictures.brush import Brush, color4, packed, polygon
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.palette import Rgb, mix
from ray_tasks.pictures.view import View


@dataclass(frozen=True)
class Light:
    """One light set-up. Colours are factors on the scene's colours; `side` is -1 (from the left) .. 1 (right)."""

    side: float
    length: float
    """Length of the cast shadow as a share of the product's height."""
    ambient: Rgb
    key: Rgb
    softness: float
    """Blur of the cast shadow at its far end, in design units."""
    shadow: float
    gobo: str
    """What stands between the lamp and the scene: none, window, leaves or lamp."""
    vignette: float
    haze: Rgb
    night: bool = False


LIGHT_SETUPS: dict[str, Light] = {
    "studio_soft": Light(
        -0.45, 0.34, (0.93, 0.93, 0.94), (0.12, 0.12, 0.115), 34, 0.52, "none", 0.16, (0.97, 0.97, 0.98)
    ),
    "window_left": Light(
        -0.85, 0.55, (0.80, 0.81, 0.84), (0.30, 0.28, 0.24), 20, 0.64, "window", 0.20, (0.98, 0.97, 0.93)
    ),
    "window_right": Light(
        0.85, 0.55, (0.80, 0.81, 0.84), (0.30, 0.28, 0.24), 20, 0.64, "window", 0.20, (0.98, 0.97, 0.93)
    ),
    "golden_hour": Light(
        0.80, 0.85, (0.84, 0.77, 0.72), (0.40, 0.27, 0.10), 22, 0.62, "leaves", 0.26, (1.0, 0.82, 0.55)
    ),
    "cool_morning": Light(
        -0.60, 0.50, (0.87, 0.91, 0.96), (0.15, 0.15, 0.14), 30, 0.54, "leaves", 0.16, (0.86, 0.93, 0.98)
    ),
    "night_lamp": Light(
        -0.55, 0.50, (0.34, 0.36, 0.46), (0.74, 0.58, 0.36), 26, 0.70, "lamp", 0.42, (1.0, 0.72, 0.38), True
    ),
}

MAP_SCALE = 0.25
"""The light map is drawn at a quarter of the picture's size: light is soft."""


def light_map(
    light: Light,
    size: tuple[int, int],
    box: Box,
    rng: np.random.Generator,
    floor: float,
    view: View,
    sky_y: float | None = None,
) -> np.ndarray:
    """(h, w, 3) float32: half the factor by which light multiplies each place, at MAP_SCALE of `size` (width, height).

    `floor` keeps the ambient light at least that bright: a setting with lights of its own is not dimmed with the room.
    No shade falls on what lies above `sky_y`, in the frame's pixels.
    """
    width, height = size
    surface = skia.Surface.MakeRaster(
        skia.ImageInfo.Make(
            max(1, round(width * MAP_SCALE)),
            max(1, round(height * MAP_SCALE)),
            skia.kRGBA_8888_ColorType,
            skia.kPremul_AlphaType,
        )
    )
    canvas = surface.getCanvas()
    ambient = [max(part, floor) / 2 for part in light.ambient]
    half: Rgb = (ambient[0], ambient[1], ambient[2])
    canvas.clear(color4(half))
    canvas.scale(MAP_SCALE, MAP_SCALE)
    canvas.save()
    view.look(canvas)
    width, height = view.frame
    brush = Brush(canvas, width, height, rng)
    key: Rgb = (light.key[0] / 2, light.key[1] / 2, light.key[2] / 2)
    plus = skia.BlendMode.kPlus
    cx, cy = box.center_x, box.center_y
    if light.gobo == "none":
        brush.glow(cx + light.side * 0.25 * width, cy - 0.1 * height, 0.85 * width, key, 1.0, blend=plus)
        brush.glow(cx, cy, 0.55 * max(box.width, box.height) + 0.2 * width, key, 0.5, blend=plus)
    elif light.gobo == "window":
        brush.glow(cx + light.side * 0.35 * width, cy - 0.15 * height, 0.9 * width, key, 0.75, blend=plus)
        with brush.depth(7, plus):
            _window(brush, light, box, key)
    elif light.gobo == "leaves":
        brush.glow(cx + light.side * 0.5 * width, cy - 0.3 * height, 1.1 * width, key, 1.05, blend=plus)
        with brush.depth(12, skia.BlendMode.kMultiply):
            _leaf_shade(brush, light)
            if sky_y is not None:
                brush.rect(-width, -height, 2 * width, sky_y, (1, 1, 1))
    else:
        lx = cx + light.side * 0.16 * width
        brush.glow(lx, cy - 0.02 * height, 0.78 * width, key, 1.0, blend=plus)
        brush.glow(lx, box.bottom - 0.04 * height, 0.60 * width, key, 0.55, squash=0.5, blend=plus)
    # Studio-lit products carry light of their own: a pool of it on the ground ties them to the scene.
    pool = 0.46 * box.width + 0.20 * width
    strength = 0.55 if light.night else 0.9
    brush.glow(cx, box.bottom, pool, (0.13, 0.125, 0.12), strength, squash=0.32, blend=plus)
    edge: Rgb = (1 - light.vignette, 1 - light.vignette, 1 - light.vignette)
    shader = skia.GradientShader.MakeRadial(
        skia.Point(0, 0),
        0.775,
        [packed((1, 1, 1)), packed((1, 1, 1)), packed(mix((1, 1, 1), edge, 0.4)), packed(edge)],
        [0.0, 0.5, 0.75, 1.0],
    )
    canvas.restore()
    canvas.translate(size[0] / 2, size[1] / 2)
    canvas.scale(*size)
    canvas.drawRect(
        skia.Rect.MakeLTRB(-1, -1, 1, 1),
        skia.Paint(Shader=shader, BlendMode=skia.BlendMode.kMultiply, Dither=True),
    )
    rgba = surface.toarray(colorType=skia.kRGBA_8888_ColorType)
    return cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB).astype(np.float32) / 255.0


def _window(brush: Brush, light: Light, box: Box, key: Rgb) -> None:
    """Two by three panes of sunlight, skewed by the sun's direction, on wall and table behind the product."""
    w, h = brush.width, brush.height
    lean = -light.side * brush.rng.uniform(0.20, 0.34)
    left = box.center_x - 0.42 * w + light.side * 0.10 * w + brush.rng.uniform(-0.06, 0.06) * w
    top = box.center_y - 0.46 * h + brush.rng.uniform(-0.05, 0.05) * h
    pane_w, pane_h, bar = 0.33 * w, 0.27 * h, 0.022 * w
    for column in range(2):
        for row in range(3):
            x0 = left + column * (pane_w + bar)
            y0 = top + row * (pane_h + bar) + x0 * 0.06
            points = [
                (x0, y0),
                (x0 + pane_w, y0 + 0.02 * h),
                (x0 + pane_w, y0 + pane_h + 0.02 * h),
                (x0, y0 + pane_h),
            ]
            skewed = [(x + lean * (y - top), y) for x, y in points]
            brush.path(polygon(skewed), key, alpha=0.62)


def _leaf_shade(brush: Brush, light: Light) -> None:
    """The shade of a branch outside the frame: white where the light passes."""
    w, h = brush.width, brush.height
    brush.rect(-w, -h, 2 * w, 2 * h, (1, 1, 1))
    shade: Rgb = (0.87, 0.87, 0.89)
    for _ in range(3):
        x = w * (0.5 + 0.5 * light.side) + brush.rng.uniform(-0.35, 0.35) * w
        y = brush.rng.uniform(-0.05, 0.45) * h
        angle = brush.rng.uniform(0.5, 1.1) * (1 if light.side < 0 else -1) + (0 if light.side < 0 else np.pi)
        for step in range(11):
            t = step / 10
            px, py = x + np.cos(angle) * t * 0.5 * w, y + np.sin(angle) * t * 0.3 * h + t * t * 0.1 * h
            for side in (-1, 1):
                a = angle + side * (0.9 - 0.35 * t)
                length = (0.15 - 0.07 * t) * w
                ex, ey = px + np.cos(a) * length, py + np.sin(a) * length
                nx, ny = -np.sin(a) * length * 0.16, np.cos(a) * length * 0.16
                mx, my = (px + ex) / 2, (py + ey) / 2
                builder = skia.PathBuilder()
                builder.moveTo(px, py)
                builder.quadTo(mx + nx, my + ny, ex, ey)
                builder.quadTo(mx - nx, my - ny, px, py)
                brush.path(builder.detach(), shade)


@dataclass(frozen=True)
class Footprint:
    """Where the product touches the ground: per column of its box, the lowest opaque row and how near it is (0..1)."""

    left: int
    bottom: np.ndarray
    nearness: np.ndarray
    contact_y: float


def footprint(alpha: np.ndarray, box: Box) -> Footprint:
    """The footprint of an (H, W) uint8 alpha inside its box."""
    part = alpha[box.top : box.bottom, box.left : box.right] > 127
    height = part.shape[0]
    filled = part.any(axis=0)
    lowest = np.where(filled, height - 1 - part[::-1].argmax(axis=0), 0) + box.top
    contact = float(lowest.max()) + 1.0
    drop = (contact - lowest) / max(8.0, 0.075 * max(height, 0.5 * part.shape[1]))
    nearness = np.where(filled, np.exp(-(drop**2)), 0.0)
    return Footprint(box.left, lowest.astype(np.float32), nearness.astype(np.float32), contact)


def ground_shade(
    alpha: np.ndarray, foot: Footprint, light: Light, unit: float, squash: float, edge_y: float | None
) -> np.ndarray:
    """(H, W) float32 0..1 shade of a standing product on its ground: what it casts and where it touches.

    `squash` is the foreshortening of the ground (0..1); above `edge_y` the ground ends (None: it runs on).
    """
    height, width = alpha.shape
    small = (round(width / 2), round(height / 2))
    cast = cv2.resize(_cast_shade(alpha, foot, light, unit, squash), small, interpolation=cv2.INTER_LINEAR)
    if edge_y is not None:
        rows = 2 * np.arange(small[1], dtype=np.float32)[:, None]
        cast *= np.clip((rows - edge_y) / (10 * unit), 0, 1)
    shade = 1 - (1 - np.float32(light.shadow) * cast) * (1 - _contact_shade(foot, small, unit))
    return cv2.resize(shade, (width, height), interpolation=cv2.INTER_LINEAR)


def contact_shade(foot: Footprint, size: tuple[int, int], unit: float) -> np.ndarray:
    """(H, W) float32 0..1: how dark the ground is right under the product (ambient occlusion), size (width, height)."""
    small = (round(size[0] / 2), round(size[1] / 2))
    return cv2.resize(_contact_shade(foot, small, unit), size, interpolation=cv2.INTER_LINEAR)


def _contact_shade(foot: Footprint, size: tuple[int, int], unit: float) -> np.ndarray:
    """`contact_shade` at half the picture's size, which is `size`."""
    tight_rows = np.zeros((size[1], size[0]), np.float32)
    broad_rows = tight_rows.copy()
    xs = np.clip(np.arange(foot.left, foot.left + len(foot.bottom)) // 2, 0, size[0] - 1)
    for layer, offsets in ((tight_rows, range(-2, 5)), (broad_rows, range(-10, 9))):
        for offset in offsets:
            ys = np.clip(((foot.bottom + offset * 2 * unit) / 2).astype(int), 0, size[1] - 1)
            np.maximum.at(layer, (ys, xs), foot.nearness)
    rows = slice(max(0, int(foot.bottom.min() / 2 - 60 * unit)), int(foot.contact_y / 2 + 60 * unit))
    shade = np.zeros_like(tight_rows)
    tight = cv2.GaussianBlur(tight_rows[rows], (0, 0), sigmaX=2.6 * unit, sigmaY=1.8 * unit)
    broad = cv2.GaussianBlur(broad_rows[rows], (0, 0), sigmaX=17 * unit, sigmaY=7 * unit)
    shade[rows] = 1 - (1 - 0.80 * np.clip(tight * 1.15, 0, 1)) * (1 - 0.50 * np.clip(broad, 0, 1))
    return shade


def _cast_shade(alpha: np.ndarray, foot: Footprint, light: Light, unit: float, squash: float) -> np.ndarray:
    """The alpha laid down on the ground at a quarter of its size, sharper at its foot and softer far away."""
    height, width = alpha.shape
    scale = 0.25
    yc = foot.contact_y - 0.012 * height
    lie = squash * light.length
    shear = -light.side * light.length * 0.9
    affine = np.array([[1.0, -shear, shear * yc * scale], [0.0, lie, (yc - lie * yc) * scale]], np.float32)
    shape = (round(width * scale), round(height * scale))
    small = cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA)
    laid = cv2.warpAffine(small, affine, shape, flags=cv2.INTER_LINEAR).astype(np.float32) / 255.0
    near = cv2.GaussianBlur(laid, (0, 0), max(0.6, light.softness * 0.28 * unit * scale))
    far = cv2.GaussianBlur(laid, (0, 0), max(0.8, light.softness * unit * scale))
    rows = np.arange(shape[1], dtype=np.float32)[:, None] / scale
    product_height = max(
        1.0, float(foot.contact_y - foot.bottom.min()), float((small.max(axis=1) > 0).sum()) / scale
    )
    distance = np.clip((yc - rows) / (lie * product_height), 0, 1)
    blend = np.clip(distance * 1.6, 0, 1)
    return np.asarray((near * (1 - blend) + far * blend) * (1 - 0.55 * distance), np.float32)


def drop_shade(alpha: np.ndarray, light: Light, unit: float) -> np.ndarray:
    """(H, W) float32 0..1 shade under a product that lies flat, seen from above."""
    height, width = alpha.shape
    scale = 0.25
    small = cv2.resize(alpha, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    small_f = small.astype(np.float32) / 255.0

    def moved(distance: float, sigma: float) -> np.ndarray:
        matrix = np.array(
            [[1, 0, -light.side * distance * scale], [0, 1, distance * 0.8 * scale]], np.float32
        )
        shifted = cv2.warpAffine(small_f, matrix, (small.shape[1], small.shape[0]))
        return cv2.GaussianBlur(shifted, (0, 0), max(0.6, sigma * scale))

    tight, broad = moved(5 * unit, 5 * unit), moved(24 * unit, light.softness * 0.8 * unit)
    shade = 1 - (1 - 0.55 * tight) * (1 - 0.75 * broad)
    return cv2.resize(shade, (width, height), interpolation=cv2.INTER_LINEAR)


def add_reflection(rgb: np.ndarray, rgba: np.ndarray, foot: Footprint, gloss: float, unit: float) -> None:
    """Mirrors the product's foot in a glossy ground, in place; each column mirrors about its own lowest pixel."""
    height = rgba.shape[0]
    columns = np.arange(foot.left, foot.left + len(foot.bottom))
    top = int(max(0, foot.contact_y - 0.10 * height))
    bottom = int(min(height, foot.contact_y + 0.22 * height))
    rows = np.arange(top, bottom)[:, None]
    axis = cv2.GaussianBlur(foot.bottom[None, :], (0, 0), 2.0)[0][None, :]
    source = np.clip(np.rint(2 * axis - rows), 0, height - 1).astype(int)
    mirrored = rgba[source, columns[None, :]].astype(np.float32)
    below = np.clip((rows - axis) / (0.20 * height), 0, 1)
    strength = np.where(rows > axis, (1 - below) ** 2, 0) * foot.nearness[None, :] * gloss
    layer = np.dstack([mirrored[..., :3], mirrored[..., 3] / 255.0 * strength]).astype(np.float32)
    layer[..., :3] *= layer[..., 3:]
    soft = cv2.GaussianBlur(layer, (0, 0), sigmaX=2.2 * unit, sigmaY=5.0 * unit)
    window = rgb[top:bottom, foot.left : foot.left + len(foot.bottom)]
    window[:] = np.clip(window * (1 - soft[..., 3:]) + soft[..., :3], 0, 255).astype(np.uint8)
