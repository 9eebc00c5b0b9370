"""Scenes drawn by code, without assets or weights: setting, light, props, and the product's shadow in that light."""

from __future__ import annotations

import dataclasses
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import skia

from ray_tasks.pictures.brush import Brush
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.light import (
    LIGHT_SETUPS,
    MAP_SCALE,
    add_reflection,
    cast_shade,
    contact_shade,
    drop_shade,
    footprint,
    light_map,
)
from ray_tasks.pictures.materials import noise_shader
from ray_tasks.pictures.palette import harmonise, oklab_from_srgb, product_color
from ray_tasks.pictures.props import draw_far_props, draw_near_props
from ray_tasks.pictures.scene import PlacedProduct, SceneSpec
from ray_tasks.pictures.settings_desks import DESKS
from ray_tasks.pictures.settings_feasts import FEASTS
from ray_tasks.pictures.settings_hanging import HANGING
from ray_tasks.pictures.settings_home import HOME
from ray_tasks.pictures.settings_indoor import INDOOR
from ray_tasks.pictures.settings_lamps import LAMPS
from ray_tasks.pictures.settings_outdoor import OUTDOOR
from ray_tasks.pictures.settings_sets import SETS
from ray_tasks.pictures.settings_studio import STUDIO
from ray_tasks.pictures.settings_town import TOWN
from ray_tasks.pictures.settings_trades import TRADES
from ray_tasks.pictures.settings_workplaces import WORKPLACES
from ray_tasks.pictures.settings_yards import YARDS
from ray_tasks.pictures.stage import Setting, Stage
from ray_tasks.pictures.text_room import prepare_text_area

DRAWERS: dict[str, Setting] = {
    **STUDIO,
    **SETS,
    **INDOOR,
    **HOME,
    **HANGING,
    **DESKS,
    **WORKPLACES,
    **TRADES,
    **YARDS,
    **OUTDOOR,
    **TOWN,
    **FEASTS,
    **LAMPS,
}

# Saturation and contrast of the finished scene per mood.
_GRADE = {
    "calm": (0.92, 0.04),
    "fresh": (1.06, 0.08),
    "energetic": (1.14, 0.18),
    "cosy": (1.02, 0.08),
    "premium": (0.94, 0.16),
    "playful": (1.14, 0.08),
}

FOCUS = 0.62
"""Share of the blur that the drawers ask for: what is behind must still be told at thumbnail size."""

_BACKLIGHT = (1.15, 0.87, 1.3, 0.77, 1.5, 0.67, 1.75, 0.57, 2.1, 2.6)
"""Factors on the light behind a product that sinks into it, least change first."""

GRAIN = 0.028
"""Grain's range as a share of full scale; it also dithers the 8-bit light map."""

_GRADE_SKSL = """
uniform shader scene;
uniform shader light;
uniform shader tile;
uniform float4 look;
half4 main(float2 xy) {
  float3 c = scene.eval(xy).rgb * light.eval(xy * look.w).rgb * 2.0;
  float3 over = max(c - 0.80, 0.0);
  c = min(c, 0.80) + over / (1.0 + 5.0 * over);
  c = mix(float3(dot(c, float3(0.2126, 0.7152, 0.0722))), c, look.x);
  c = mix(c, c * c * (3.0 - 2.0 * c), look.y);
  c += (tile.eval(xy).b - 0.5) * look.z;
  return half4(half3(clamp(c, 0.0, 1.0)), 1.0);
}
"""


@cache
def _grade_effect() -> skia.RuntimeEffect:
    return skia.RuntimeEffect.MakeForShader(_GRADE_SKSL)


class ComponentScene:
    """A `SceneBackend` that draws every setting from shaders and soft shapes."""

    name = "component_scene"
    revision = "2"

    def draw(self, spec: SceneSpec, product: PlacedProduct, text_area: Box | None, seed: int) -> np.ndarray:
        """(H, W, 3) uint8 sRGB scene with the product's shadow and reflection; same arguments, same bytes."""
        rng = np.random.default_rng(seed)
        setting = DRAWERS[spec.setting]
        stage = plan_stage(spec, product, setting, rng)
        size = (stage.width, stage.height)
        surface = skia.Surface(*size)
        canvas = surface.getCanvas()
        brush = Brush(canvas, *size, rng)
        _draw_backdrop(canvas, setting, stage, spec, rng)
        setting.ground(brush, stage)
        rgb = np.ascontiguousarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])
        alpha = product.rgba[..., 3]
        foot = footprint(alpha, product.box)
        stands = not (setting.from_above or setting.hangs)
        if setting.gloss > 0 and stands:
            add_reflection(rgb, product.rgba, foot, setting.gloss, stage.unit)
        if not stands:
            shade = drop_shade(alpha, stage.light, stage.unit)
        else:
            cast = cast_shade(alpha, foot, stage.light, stage.unit, stage.squash)
            if not setting.seamless:
                cast *= _ground_mask(stage)
            contact = contact_shade(foot, size, stage.unit)
            shade = 1 - (1 - stage.light.shadow * cast) * (1 - contact)
        _darken(rgb, shade, stage)
        # The surface draws on this array's memory: it must outlive the surface.
        rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
        props_surface = skia.Surface(rgba, colorType=skia.kRGBA_8888_ColorType)
        if not setting.hangs:
            brush = Brush(props_surface.getCanvas(), *size, rng)
            draw_near_props(brush, stage, spec, text_area, setting.from_above)
        light = light_map(stage.light, size, product.box, rng, setting.glow)
        lit = _grade(props_surface.makeImageSnapshot(), stage, spec, light)
        if text_area is not None:
            prepare_text_area(lit, text_area)
        _separate(lit, product)
        return lit


def plan_stage(spec: SceneSpec, product: PlacedProduct, setting: Setting, rng: np.random.Generator) -> Stage:
    """The stage for one product: camera height varies with the seed, horizon and edges follow from it."""
    height, width = product.rgba.shape[:2]
    contact = footprint(product.rgba[..., 3], product.box).contact_y
    reach = rng.uniform(*setting.reach) * height
    edge = contact - reach
    light = LIGHT_SETUPS[spec.light]
    if light.night:
        # The lamp stands on the product's free side: shadows fall away from it, and from the text.
        side = 1.0 if product.box.center_x <= 0.52 * width else -1.0
        light = dataclasses.replace(light, side=side * abs(light.side))
    return Stage(
        width=width,
        height=height,
        product=product.box,
        contact_y=contact,
        edge_y=edge,
        horizon_y=edge - setting.rise * height * rng.uniform(0.85, 1.15),
        light=light,
        tones=harmonise(spec.palette, spec.mood, product_color(product.rgba)),
        season=spec.season,
        mood=spec.mood,
        offset=(float(rng.uniform(0, 4096)), float(rng.uniform(0, 4096))),
    )


def _draw_backdrop(
    canvas: skia.Canvas, setting: Setting, stage: Stage, spec: SceneSpec, rng: np.random.Generator
) -> None:
    # Small: everything here is out of focus, except cloth seen from above.
    scale = 1.0 if setting.from_above or setting.hangs else 0.4
    back = skia.Surface(round(stage.width * scale), round(stage.height * scale))
    back_canvas = back.getCanvas()
    back_canvas.scale(scale, scale)
    brush = Brush(back_canvas, stage.width, stage.height, rng, focus=FOCUS)
    setting.backdrop(brush, stage)
    if not (setting.from_above or setting.hangs):
        draw_far_props(brush, stage, spec)
    image = back.makeImageSnapshot()
    target = skia.Rect.MakeWH(stage.width, stage.height)
    canvas.drawImageRect(image, target, skia.SamplingOptions(skia.FilterMode.kLinear))


def _ground_mask(stage: Stage) -> np.ndarray:
    """(H, 1) float32: shadows fall on the ground, not on what is far behind its edge."""
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    return np.clip((rows - stage.edge_y) / (10 * stage.unit), 0, 1)


def _darken(rgb: np.ndarray, shade: np.ndarray, stage: Stage) -> None:
    """Multiplies the ground's colour down where it is shaded; shade is cooler than light (sky light fills it)."""
    rows = np.flatnonzero(shade.max(axis=1) > 0.004)
    if rows.size == 0:
        return
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    part = rgb[top:bottom].astype(np.float32)
    fill = (
        np.array([0.10, 0.11, 0.14], np.float32)
        if not stage.light.night
        else np.array([0.03, 0.03, 0.05], np.float32)
    )
    factor = 1 - shade[top:bottom, :, None] * (1 - fill)
    rgb[top:bottom] = np.clip(part * factor, 0, 255).astype(np.uint8)


def _grade(scene: skia.Image, stage: Stage, spec: SceneSpec, light: skia.Image) -> np.ndarray:
    saturation, contrast = _GRADE[spec.mood]
    linear = skia.SamplingOptions(skia.FilterMode.kLinear)
    builder = skia.RuntimeShaderBuilder(_grade_effect())
    builder.setUniform("look", [saturation, contrast, GRAIN, MAP_SCALE])
    builder.setChild("scene", scene.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp))
    builder.setChild("light", light.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, linear))
    builder.setChild("tile", noise_shader(skia.FilterMode.kNearest))
    surface = skia.Surface(stage.width, stage.height)
    surface.getCanvas().drawPaint(skia.Paint(Shader=builder.makeShader()))
    return np.ascontiguousarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])


def _separate(rgb: np.ndarray, product: PlacedProduct, least: float = 0.17) -> None:
    """Lifts or lowers the light behind the product, in place, where its outline would sink into the background.

    Compares OKLab lightness on both sides of the outline; `least` is the difference that is kept.
    """
    height, width = rgb.shape[:2]
    shrink = max(1, round(min(width, height) / 128))
    small = (width // shrink, height // shrink)
    alpha = cv2.resize(product.rgba[..., 3], small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    solid = (alpha > 0.9).astype(np.uint8)
    ring = (cv2.dilate(solid, np.ones((9, 9), np.uint8)) > 0) & (alpha < 0.05)
    rim = (solid > 0) & (cv2.erode(solid, np.ones((5, 5), np.uint8)) == 0)
    # Only the upper part of the outline: below, the contact shadow separates.
    limit = (product.box.top + 0.8 * product.box.height) / shrink
    ring[int(limit) :] = False
    rim[int(limit) :] = False
    if ring.sum() < 8 or rim.sum() < 8:
        return
    scene = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(product.rgba[..., :3], small, interpolation=cv2.INTER_AREA)
    # Band by band: of a product in several tones the mean is a colour that it has nowhere.
    rows = np.linspace(product.box.top / shrink, limit, 4).astype(int)
    pairs = []
    for first, last in pairwise(rows.tolist()):
        around, own = scene[first:last][ring[first:last]], inside[first:last][rim[first:last]]
        if len(around) and len(own):
            pairs.append([np.median(oklab_from_srgb(part / 255.0), axis=0) for part in (around, own)])
    if not pairs:
        return

    def apart(factor: float) -> float:
        # OKLab lightness goes with the cube root of linear light, hence the exponent.
        gaps = [
            max(abs(min(0.98, p[0] * factor**0.74) - q[0]), 1.5 * float(np.hypot(p[1] - q[1], p[2] - q[2])))
            for p, q in pairs
        ]
        return float(np.mean(np.minimum(gaps, 1.2 * least)))

    if apart(1.0) >= least:
        return
    factor = next((f for f in _BACKLIGHT if apart(f) >= least), max(_BACKLIGHT, key=apart))
    halo = cv2.GaussianBlur(
        cv2.dilate(solid, np.ones((7, 7), np.uint8)).astype(np.float32), (0, 0), small[0] * 0.075
    )
    halo = np.clip(halo * 1.5, 0, 1) * np.clip((limit + 12 - np.arange(small[1])[:, None]) / 12, 0, 1)
    gain = cv2.resize(
        (1 + halo * (factor - 1)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    rgb[:] = np.clip(rgb * gain[..., None], 0, 255).astype(np.uint8)
