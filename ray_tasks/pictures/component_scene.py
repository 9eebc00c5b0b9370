"""Scenes drawn by code, without assets or weights: setting, light, props, and the product's shadow in that light."""

from __future__ import annotations

import dataclasses
import math
from functools import cache, lru_cache
from itertools import pairwise

import cv2
import numpy as np
import skia

from ray_tasks.pictures.arrangements import ARRANGEMENTS
from ray_tasks.pictures.brush import Brush
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.light import (
    LIGHT_SETUPS,
    Light,
    add_reflection,
    drop_shade,
    footprint,
    ground_shade,
    light_map,
)
from ray_tasks.pictures.materials import noise_field
from ray_tasks.pictures.palette import Tones, harmonise, oklab_from_srgb, product_color, shift
from ray_tasks.pictures.props import draw_far_props, draw_near_props
from ray_tasks.pictures.props_small import STREWN
from ray_tasks.pictures.scene import CORE_PX, Core, PlacedProduct, SceneSpec
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
from ray_tasks.pictures.stage import USUAL_PX, Setting, Stage
from ray_tasks.pictures.text_room import prepare_text_area
from ray_tasks.pictures.view import View

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
    "calm": (0.98, 0.10),
    "fresh": (1.08, 0.14),
    "energetic": (1.16, 0.22),
    "cosy": (1.06, 0.15),
    "premium": (0.98, 0.20),
    "playful": (1.15, 0.14),
}

FOCUS = 0.62
"""Share of the blur that the drawers ask for: what is behind must still be told at thumbnail size."""

_BACKLIGHT = (1.0, 1.12, 0.88, 1.3, 0.78, 1.5, 0.67, 0.58, 0.5)
"""Factors that the light behind a product that sinks into it may take, least change first."""
_APART, _APART_ANYWHERE = 0.19, 0.13
"""OKLab difference of product and background that is kept: on the mean of three bands of the outline, and in each."""

GRAIN = 1.9
"""Standard deviation of the grain in 8-bit levels; it also hides what is rounded."""

_HEADROOM = 4 / 3
"""Light above white that still changes the picture, as a multiple of white."""

_SLIMMEST, _WIDEST = 0.75, 1.30
"""Width over height between which a scene is composed; a slimmer or wider canvas is a window into such a frame."""
_NEAREST = 1.28
"""Most by which the camera goes nearer: ten products of one persona see the same kind of place, not one picture."""
_CAMERA_HEIGHT = (0.75, 1.55)
"""Factors on the least and the most distance between a product and the far edge of its ground."""


class ComponentScene:
    """A `SceneBackend` that draws every setting from shaders and soft shapes.

    A scene is composed once, for a square: place, camera, light, props, all measured in that frame. Any canvas may be
    asked for, 9:16 stories and 1.91:1 banners too: it is a window around the product into the same scene, drawn at the
    window's own sharpness and only as far as it is seen. Beyond the frame the place goes on: walls, shelves, floors and
    skies end nowhere, and what stands in rows is repeated (`Brush.repeated`).
    """

    name = "component_scene"
    revision = "3"

    def draw(
        self,
        spec: SceneSpec,
        product: PlacedProduct,
        text_area: Box | None,
        seed: int,
        core: Core | None = None,
    ) -> np.ndarray:
        """(H, W, 3) uint8 sRGB scene with the product's shadow and reflection; same arguments, same bytes.

        Without `core` the canvas is its own frame.
        """
        rng = np.random.default_rng(seed)
        setting = DRAWERS[spec.setting]
        alpha = product.rgba[..., 3]
        height, width = alpha.shape
        foot = footprint(alpha, product.box)
        view, box = View.of(product, core), core.product if core else product.box
        stage, frame = plan_stage(spec, product, setting, foot.contact_y, rng, core)
        seen = view.within(frame)
        unit = stage.unit * view.scale
        rgba = np.zeros((height, width, 4), np.uint8)
        _draw_backdrop(rgba, setting, stage, seen, spec, rng)
        # The surface draws on this array's memory: the array must outlive it.
        canvas = skia.Surface(rgba, colorType=skia.kRGBA_8888_ColorType).getCanvas()
        seen.look(canvas)
        brush = Brush(canvas, stage.width, stage.height, rng)
        setting.ground(brush, stage)
        rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
        stands = not _is_faced(setting)
        if setting.gloss > 0 and stands:
            add_reflection(rgb, product.rgba, foot, setting.gloss, unit)
        if stands:
            edge = None if setting.seamless else (stage.edge_y - seen.top) * seen.scale
            shade = ground_shade(alpha, foot, stage.light, unit, stage.squash, edge)
        else:
            shade = drop_shade(alpha, stage.light, unit)
        _darken(rgb, shade, stage.light.night)
        if not setting.hangs and set(spec.props) & STREWN.keys():
            cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA, dst=rgba)
            hidden = text_area and seen.box(text_area)
            blocked = core.text_area and core.text_area.moved(frame.left, frame.top) if core else hidden
            draw_near_props(brush, stage, spec, blocked, hidden, setting.from_above)
            rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
        sky_y = stage.edge_y - frame.top if setting.open_air else None
        light = light_map(stage.light, (width, height), box, rng, setting.glow, view, sky_y)
        lit = _grade(rgb, light, spec.mood)
        if text_area is not None:
            prepare_text_area(lit, text_area)
        _separate(lit, product)
        brighter, darker = _grain(height, width)
        return cv2.subtract(cv2.add(lit, brighter), darker)

    def px_per_cm(
        self, spec: SceneSpec, product: PlacedProduct, seed: int, core: Core | None = None
    ) -> float | None:
        """Canvas pixels to a centimetre on the ground of the scene that `draw` draws of the same arguments."""
        setting = DRAWERS[spec.setting]
        if setting.unscaled:
            return None
        stage, _ = plan_stage(spec, product, setting, product.box.bottom, np.random.default_rng(seed), core)
        return stage.closeness * stage.unit * View.of(product, core).scale * USUAL_PX / setting.usual_cm


def plan_stage(
    spec: SceneSpec,
    product: PlacedProduct,
    setting: Setting,
    contact_y: float,
    rng: np.random.Generator,
    core: Core | None = None,
) -> tuple[Stage, Box]:
    """The stage for one product, and the frame as a window into it, both in the stage's pixels.

    Camera height, distance and direction vary with the seed; horizon and edges follow from them. A wide frame sees
    the lower part of its stage, a slim one the part around the product: drawers may measure in shares of the stage's
    width and height. contact_y: in the canvas's pixels.
    """
    view, box = View.of(product, core), core.product if core else product.box
    height, width = product.rgba.shape[:2] if core is None else (CORE_PX, CORE_PX)
    contact_y = view.top + contact_y / view.scale
    stage_w, stage_h = max(width, round(_SLIMMEST * height)), max(height, round(width / _WIDEST))
    nearer = rng.uniform(1.0, max(1.0, _NEAREST * width / stage_w)) if not _is_faced(setting) else 1.0
    stage_w, stage_h = round(stage_w * nearer), round(stage_h * nearer)
    aside = (box.center_x / width + rng.uniform(0, 1)) / 2
    left = round((stage_w - width) * aside)
    window = Box(left, stage_h - height, left + width, stage_h)
    contact = contact_y + window.top
    least, most = (share * factor for share, factor in zip(setting.reach, _CAMERA_HEIGHT, strict=True))
    edge = contact - rng.uniform(least, most) * stage_h / nearer
    light = _at_its_hour(LIGHT_SETUPS[spec.light], rng)
    if setting.open_air and light.gobo == "window":
        light = dataclasses.replace(light, gobo="leaves")
    if light.night:
        # The lamp stands on the product's free side: shadows fall away from it, and from the text.
        side = 1.0 if box.center_x <= 0.52 * width else -1.0
        light = dataclasses.replace(light, side=side * abs(light.side))
    stage = Stage(
        width=stage_w,
        height=stage_h,
        product=box.moved(window.left, window.top),
        contact_y=contact,
        edge_y=edge,
        horizon_y=edge - setting.rise * stage_h * rng.uniform(0.85, 1.15),
        light=light,
        tones=_repainted(harmonise(spec.palette, spec.mood, product_color(product.rgba)), rng),
        season=spec.season,
        mood=spec.mood,
        offset=(float(rng.uniform(0, 4096)), float(rng.uniform(0, 4096))),
        closeness=_closeness(spec.size_cm, setting.usual_cm),
    )
    return stage, window


def _is_faced(setting: Setting) -> bool:
    """Whether what is behind the product is seen face to face, in focus, at the product's own scale."""
    return setting.from_above or setting.hangs


def _at_its_hour(light: Light, rng: np.random.Generator) -> Light:
    """The same kind of light a little earlier or later, higher or lower, clearer or duller."""
    warm, strong = rng.uniform(-1, 1), rng.uniform(0.90, 1.08)
    tint = np.array([1 + 0.05 * warm, 1.0, 1 - 0.07 * warm])
    ambient, key, haze = (
        tuple((np.array(rgb) * tint).tolist()) for rgb in (light.ambient, light.key, light.haze)
    )
    return dataclasses.replace(
        light,
        side=light.side * rng.uniform(0.8, 1.15),
        length=light.length * rng.uniform(0.75, 1.35),
        ambient=tuple(part * strong for part in ambient),
        key=tuple(part * strong for part in key),
        haze=tuple(min(1.0, part) for part in haze),
    )


def _repainted(tones: Tones, rng: np.random.Generator) -> Tones:
    """The tones with a wall of a neighbouring hue and lightness."""
    lighter, turn = rng.uniform(-0.05, 0.03), rng.uniform(-16, 16)
    wall, deep, ground = (
        shift(rgb, lighter, 1.0, turn) for rgb in (tones.wall, tones.wall_deep, tones.ground)
    )
    return dataclasses.replace(tones, wall=wall, wall_deep=deep, ground=ground)


def _mirrored(stage: Stage) -> Stage:
    """The stage as a mirror shows it."""
    box = stage.product
    return dataclasses.replace(
        stage,
        product=Box(stage.width - box.right, box.top, stage.width - box.left, box.bottom),
        light=dataclasses.replace(stage.light, side=-stage.light.side),
    )


def _closeness(size_cm: int | None, usual_cm: float) -> float:
    """Less than in proportion: a ring on a table is a close-up, yet the table must still be told."""
    if size_cm is None:
        return 1.0
    return min(1.9, max(0.65, math.sqrt(usual_cm / size_cm)))


def _draw_backdrop(
    rgba: np.ndarray, setting: Setting, stage: Stage, seen: View, spec: SceneSpec, rng: np.random.Generator
) -> None:
    """Fills (H, W, 4) uint8 with what is behind the ground."""
    # Small: everything here is out of focus, except what is seen face to face.
    faced = _is_faced(setting)
    scale = 0.75 if faced else 0.36 / max(1.0, seen.scale)
    height, width = rgba.shape[:2]
    small = np.zeros((round(height * scale), round(width * scale), 4), np.uint8)
    canvas = skia.Surface(small, colorType=skia.kRGBA_8888_ColorType).getCanvas()
    canvas.scale(small.shape[1] / width, small.shape[0] / height)
    seen.look(canvas)
    if stage.closeness > 1 and not faced:
        # Nearer: around the point behind the product's foot, so that horizon and edge stay.
        zoom = min(1.3, stage.closeness)
        x, y = stage.product.center_x, stage.edge_y
        canvas.translate(x * (1 - zoom), y * (1 - zoom))
        canvas.scale(zoom, zoom)
    if rng.random() < 0.5:
        # Other things stand left and right; what follows light or product comes back to its side.
        stage = _mirrored(stage)
        canvas.translate(stage.width, 0)
        canvas.scale(-1, 1)
    brush = Brush(canvas, stage.width, stage.height, rng, focus=FOCUS)
    backdrops = (setting.backdrop, *ARRANGEMENTS.get(spec.setting, ()))
    backdrops[int(rng.integers(len(backdrops)))](brush, stage)
    if not faced:
        draw_far_props(brush, stage, spec)
    cv2.resize(small, (width, height), dst=rgba, interpolation=cv2.INTER_LINEAR)


def _darken(rgb: np.ndarray, shade: np.ndarray, night: bool) -> None:
    """Multiplies the ground's colour down where it is shaded; shade is cooler than light (sky light fills it)."""
    rows, columns = (np.flatnonzero(shade.max(axis=axis) > 0.004) for axis in (1, 0))
    if rows.size == 0:
        return
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    fill = (0.03, 0.03, 0.05) if night else (0.10, 0.11, 0.14)
    factors = cv2.merge([1 - shade[part] * np.float32(1 - share) for share in fill])
    rgb[part] = cv2.multiply(np.ascontiguousarray(rgb[part]), factors, dtype=cv2.CV_8U)


def _grade(rgb: np.ndarray, light: np.ndarray, mood: str) -> np.ndarray:
    """The scene under its light (half the factors, small), with the mood's saturation and contrast."""
    saturation, contrast = _GRADE[mood]
    luma = np.tile(np.array([0.2126, 0.7152, 0.0722]) * (1 - saturation), (3, 1))
    coloured = cv2.transform(rgb, luma + np.eye(3) * saturation)
    gain = cv2.resize(light, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    # Scaled so that highlights above white fit into 8 bits; the grain hides the rounding.
    lit = cv2.multiply(coloured, gain, scale=2 / _HEADROOM, dtype=cv2.CV_8U)
    return cv2.LUT(lit, _tone_curve(contrast))


@cache
def _tone_curve(contrast: float) -> np.ndarray:
    """(256,) uint8 for light of 0 to _HEADROOM: it rolls off above 0.8, then an S-curve of the given strength."""
    c = np.arange(256) * (_HEADROOM / 255)
    over = np.maximum(c - 0.80, 0)
    c = np.clip(np.minimum(c, 0.80) + over / (1 + 3.1 * over), 0, 1)
    c = c * (1 - contrast) + contrast * c * c * (3 - 2 * c)
    return np.rint(c * 255).astype(np.uint8)


@lru_cache(maxsize=4)
def _grain(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two (height, width, 3) uint8: what grain adds and what it takes away."""
    tile = noise_field(13, 0.25)
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
    levels = np.rint((np.tile(tile, repeats)[:height, :width] - 0.5) * (GRAIN / tile.std()))
    brighter, darker = (np.maximum(sign * levels, 0).astype(np.uint8) for sign in (1, -1))
    return cv2.merge([brighter] * 3), cv2.merge([darker] * 3)


def _separate(rgb: np.ndarray, product: PlacedProduct) -> None:
    """Lifts or lowers the light behind the product, in place, where its outline would sink into the background.

    Compares OKLab colours on both sides of the outline, above the contact shadow.
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

    def gaps(factor: float) -> list[float]:
        # OKLab lightness goes with the cube root of linear light, hence the exponent.
        return [
            max(abs(min(0.98, p[0] * factor**0.74) - q[0]), 1.5 * float(np.hypot(p[1] - q[1], p[2] - q[2])))
            for p, q in pairs
        ]

    def apart(factor: float) -> float:
        found = gaps(factor)
        return float(np.mean(np.minimum(found, 1.2 * _APART))) + min(0.0, min(found) - _APART_ANYWHERE)

    # A bright wall is not burned out: light that clips is a glow around the product.
    behind = float(np.mean([p[0] for p, _ in pairs]))
    factors = [f for f in _BACKLIGHT if f <= 1 or behind * f**0.74 <= 0.96]
    # As little as is enough; where nothing is, what separates best for the change it makes.
    factor = next(
        (f for f in factors if apart(f) >= _APART and min(gaps(f)) >= _APART_ANYWHERE),
        max(factors, key=lambda f: apart(f) - 0.03 * abs(math.log(f))),
    )
    if factor == 1.0:
        return
    spread = cv2.dilate(solid, np.ones((9, 9), np.uint8)).astype(np.float32)
    # Dark close around a product is smoke, dark far around it a fall-off of light.
    reach = 0.13 if factor > 1 else 0.22
    halo = np.clip(cv2.GaussianBlur(spread, (0, 0), min(small) * reach) * 2.0, 0, 1)
    halo *= np.clip((limit + 12 - np.arange(small[1], dtype=np.float32)[:, None]) / 12, 0, 1)
    gain = cv2.resize(1 + halo * np.float32(factor - 1), (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(rgb, cv2.merge([gain] * 3), dst=rgb, dtype=cv2.CV_8U)
