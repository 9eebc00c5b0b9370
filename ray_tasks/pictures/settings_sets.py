"""Sets built for a shoot: painted steps, and flat lays seen from above (paper, planks, gingham, silk)."""

from __future__ import annotations

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.materials import material_shader
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import OAK, WALNUT, tinted
from ray_tasks.pictures.settings_studio import WHITE, no_ground, plaster, podium
from ray_tasks.pictures.stage import Setting, Stage, lay_surface


def _steps_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    plaster(brush, stage, tones.wall, strength=0.5)
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    paint = mix(shift(tones.accent, 0.10, 0.75), tones.wall, 0.35)
    lit = stage.light.side
    x, wide, tall = stage.product.center_x + side * 0.13 * w, 0.115 * w, 0.062 * h
    # The flight climbs out of the frame; treads catch the light, the sides away from it are dark.
    for step in range(7, 0, -1):
        left = x + side * (step - 1) * wide
        near, far = left, left + side * (wide + 0.6 * w)
        top = e + 0.015 * h - step * tall
        tone = shift(paint, 0.012 * step)
        brush.panel(min(near, far), top, max(near, far), e + 0.04 * h, ramp(tone, shift(tone, -0.075)))
        tread = shift(tone, 0.065)
        brush.panel(min(near, far), top, max(near, far), top + 0.018 * h, ramp(tread, shift(tread, -0.015)))
        if lit * side > 0:
            brush.rect(
                near - 0.028 * w, top + 0.02 * h, near + 0.028 * w, e, shift(paint, -0.3), alpha=0.22, blur=12
            )
    ball, r = mix(tones.accent_alt, tones.wall, 0.15), 0.052 * w
    bx, by = x + side * 2.55 * wide, e + 0.015 * h - 3 * tall - r
    brush.oval(bx - lit * 0.4 * r, by + 0.98 * r, r, 0.16 * r, shift(paint, -0.3), alpha=0.5, blur=7)
    brush.sphere(bx, by, r, ball, lit)


def _steps_ground(brush: Brush, stage: Stage) -> None:
    tones = stage.tones
    floor = mix(shift(tones.wall_deep, 0.02, 1.1), tones.accent, 0.10)
    lay_surface(
        brush, stage, "paper", (shift(floor, 0.03), shift(floor, -0.02), WHITE), soft_edge=1, near_shade=0.12
    )
    podium(brush, stage, mix(tones.wall, tones.ground, 0.5), height=0.07)


def _paper_backdrop(brush: Brush, stage: Stage) -> None:
    """Two sheets of coloured paper, one laid over the other; the edge casts a line of shade."""
    tones, w, h = stage.tones, stage.width, stage.height
    plane = stage.plane(1.6, from_above=True)
    second = mix(shift(tones.accent, 0.10, 0.85), tones.wall, 0.25)
    first = (shift(tones.wall, 0.02), shift(tones.wall, -0.03), WHITE)
    brush.canvas.drawPaint(skia.Paint(Shader=material_shader("paper", plane, first)))
    lean, side = brush.rng.uniform(0.10, 0.30) * h, 1.0 if brush.rng.random() < 0.5 else -1.0
    y = stage.product.center_y + brush.rng.uniform(-0.05, 0.20) * h
    rise = 5 * side * lean
    sheet = [(-2 * w, y + rise), (3 * w, y - rise), (3 * w, 3 * h), (-2 * w, 3 * h)]
    dark = shift(tones.wall_deep, -0.25)
    brush.path(polygon([(px, py - 5 * brush.unit) for px, py in sheet]), dark, alpha=0.45, blur=7)
    colors = (shift(second, 0.02), shift(second, -0.03), WHITE)
    brush.canvas.drawPath(
        polygon(sheet), skia.Paint(AntiAlias=True, Shader=material_shader("paper", plane, colors))
    )


def _planks_backdrop(brush: Brush, stage: Stage) -> None:
    pale = (shift(OAK[0], 0.10), shift(OAK[1], 0.15), OAK[2])
    wood = WALNUT if to_lch(stage.tones.product)[0] > 0.62 else pale
    _cover(brush, stage, "wood", tinted(stage, wood), 0.95)


def _gingham_backdrop(brush: Brush, stage: Stage) -> None:
    """A picnic cloth on grass: checks of white and one colour, a corner of lawn."""
    tones, w, h = stage.tones, stage.width, stage.height
    cloth, chroma, hue = to_lch(tones.accent)
    check = oklch(min(0.74, max(0.66, cloth)), max(0.09, min(0.13, chroma)), hue)
    grass = (oklch(0.44, 0.10, 138), oklch(0.60, 0.12, 128), oklch(0.70, 0.12, 120))
    _cover(brush, stage, "grass", tinted(stage, grass, 0.06), 1.0)
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    edge = 0.86 * w if side > 0 else 0.14 * w
    tilt = side * brush.rng.uniform(0.05, 0.09) * w
    outer = -2 * w if side > 0 else 3 * w
    cloth_path = polygon([(outer, -h), (edge + 3 * tilt, -h), (edge - 3 * tilt, 2 * h), (outer, 2 * h)])
    brush.path(cloth_path, (0.06, 0.09, 0.04), alpha=0.55, blur=12)
    colors = (oklch(0.955, 0.012, 90), check, WHITE)
    shader = material_shader("gingham", stage.plane(1.0, from_above=True), colors)
    brush.canvas.drawPath(cloth_path, skia.Paint(AntiAlias=True, Shader=shader))


def _silk_backdrop(brush: Brush, stage: Stage) -> None:
    lightness, chroma, hue = to_lch(stage.tones.wall)
    cloth = oklch(lightness, max(0.035, chroma), hue)
    _cover(
        brush, stage, "silk", (shift(cloth, 0.10, 0.7), shift(cloth, -0.03), shift(cloth, -0.26, 1.2)), 1.0
    )


def _cover(brush: Brush, stage: Stage, material: str, colors: tuple[Rgb, Rgb, Rgb], scale: float) -> None:
    shader = material_shader(material, stage.plane(scale, from_above=True), colors)
    brush.canvas.drawPaint(skia.Paint(Shader=shader))


SETS: dict[str, Setting] = {
    "paint_steps": Setting(_steps_backdrop, _steps_ground, (0.08, 0.12), 0.24, unscaled=True),
    "paper_flatlay": Setting(_paper_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, unscaled=True),
    "wood_flatlay": Setting(_planks_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True),
    "picnic_blanket": Setting(
        _gingham_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, open_air=True
    ),
    "silk_drape": Setting(_silk_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, unscaled=True),
}
