"""Sets built for a shoot: painted steps, and flat lays seen from above (paper, planks, gingham, silk, a workbench)."""

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


def _bench_backdrop(brush: Brush, stage: Stage) -> None:
    """A worn workbench: saw cuts, drill holes, shavings, and a steel rule at the product's side of the picture."""
    w, h, rng, unit = stage.width, stage.height, brush.rng, brush.unit
    pale = to_lch(stage.tones.product)[0] < 0.6
    worn = (oklch(0.75, 0.055, 70), oklch(0.64, 0.058, 62), oklch(0.36, 0.035, 52))
    dark = (oklch(0.42, 0.05, 58), oklch(0.31, 0.045, 52), oklch(0.20, 0.03, 48))
    wood = worn if pale else dark
    _cover(brush, stage, "wood", tinted(stage, wood), 1.25)
    for _ in range(9):
        x, y = rng.uniform(-0.2, 1.2) * w, rng.uniform(-0.2, 1.2) * h
        length, lean = rng.uniform(0.03, 0.14) * w, rng.uniform(-0.6, 0.6)
        cut = polygon([(x, y), (x + length, y + lean * length)], closed=False)
        brush.stroke(cut, shift(wood[2], -0.05), rng.uniform(1.0, 2.2), alpha=0.55)
        brush.oval(w - x, y, 4 * unit, 4 * unit, shift(wood[2], -0.1), alpha=0.7, blur=0.8)
    side = -1.0 if stage.product.center_x < 0.48 * w else 1.0
    border = 0.5 * w + side * 0.475 * w
    _shavings(brush, border - side * 0.05 * w, 0.06 * w, h, shift(OAK[0], 0.12))
    steel, wide = oklch(0.78, 0.008, 240), 0.05 * w
    brush.canvas.save()
    brush.canvas.translate(border, 0.5 * h)
    brush.canvas.rotate(float(side * rng.uniform(1.5, 4.0)))
    brush.rect(
        -wide / 2 + 4 * unit, -2 * h, wide / 2 + 6 * unit, 2 * h, (0.06, 0.05, 0.04), alpha=0.4, blur=5
    )
    brush.panel(
        -wide / 2, -2 * h, wide / 2, 2 * h, ramp(shift(steel, 0.07), shift(steel, -0.07)), across=True
    )
    step, inner = 9.0 * unit, -side * wide / 2
    for k in range(-round(2 * h / step), round(2 * h / step)):
        mark = wide * (0.42 if k % 10 == 0 else 0.3 if k % 5 == 0 else 0.18)
        a, b = sorted((inner, inner + side * mark))
        brush.rect(a, k * step, b, k * step + 1.4 * unit, oklch(0.25, 0.01, 250), alpha=0.8)
    brush.canvas.restore()


def _shavings(brush: Brush, x: float, spread: float, height: float, wood: Rgb) -> None:
    """Curls of planed wood down the picture, around a column `x`."""
    rng, unit = brush.rng, brush.unit
    for k in range(15):
        cx, cy = x + rng.normal(0, 0.5) * spread, (k + rng.uniform(0, 1)) / 15 * height
        radius, start, turn = rng.uniform(10, 30) * unit, rng.uniform(0, 360), rng.uniform(120, 330)
        oval = skia.Rect.MakeLTRB(cx - radius, cy - 0.7 * radius, cx + radius, cy + 0.7 * radius)
        curl = skia.PathBuilder()
        curl.addArc(oval, start, turn)
        path, tone = curl.detach(), shift(wood, rng.uniform(-0.06, 0.05))
        under = skia.Path(path)
        under.offset(3 * unit, 5 * unit)
        thick = rng.uniform(3, 8)
        brush.stroke(under, (0.08, 0.06, 0.04), thick, alpha=0.35, blur=3)
        brush.stroke(path, shift(tone, -0.08), thick)
        brush.stroke(path, tone, 0.5 * thick)


def _dust_sheet_backdrop(brush: Brush, stage: Stage) -> None:
    """A painter's sheet with folds, drops of the paint, and a strip of masking tape at the product's side."""
    w, h, rng, unit = stage.width, stage.height, brush.rng, brush.unit
    light = to_lch(stage.tones.product)[0] < 0.62
    sheet = stage.tones.tint(oklch(0.85 if light else 0.56, 0.016, 82), 0.1)
    _cover(brush, stage, "linen", (shift(sheet, 0.03), shift(sheet, -0.04), WHITE), 0.9)
    for _ in range(5):
        x, lean = rng.uniform(-0.1, 1.1) * w, rng.uniform(-0.35, 0.35) * w
        fold = polygon([(x, -h), (x + lean, 2 * h)], closed=False)
        brush.stroke(fold, shift(sheet, -0.16), 26, alpha=0.30, blur=15)
        fold.offset(16 * unit, 0)
        brush.stroke(fold, shift(sheet, 0.08), 12, alpha=0.35, blur=8)
    _, chroma, hue = to_lch(stage.tones.accent)
    paint = oklch(0.58, max(0.085, 0.8 * chroma), hue)
    side = -1.0 if stage.product.center_x < 0.48 * w else 1.0
    border = 0.5 * w + side * 0.47 * w
    for _ in range(42):
        x, y = border - side * abs(rng.normal(0, 0.16)) * w, rng.uniform(-0.3, 1.3) * h
        radius = rng.uniform(1.5, 4) * unit * rng.uniform(1, 3.2)
        brush.oval(
            x, y, radius, radius * rng.uniform(0.75, 1), shift(paint, rng.uniform(-0.04, 0.04)), alpha=0.92
        )
    brush.canvas.save()
    brush.canvas.translate(border, 0.5 * h)
    brush.canvas.rotate(float(-side * rng.uniform(3, 8)))
    tape, half = oklch(0.80, 0.085, 92), 0.028 * w
    brush.rect(-half + 3 * unit, -2 * h, half + 4 * unit, 2 * h, (0.1, 0.09, 0.07), alpha=0.28, blur=4)
    brush.panel(
        -half, -2 * h, half, 2 * h, ramp(shift(tape, 0.03), shift(tape, -0.03)), across=True, alpha=0.95
    )
    brush.canvas.restore()


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
    "bench_flatlay": Setting(_bench_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, usual_cm=28),
    "dust_sheet_flatlay": Setting(
        _dust_sheet_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, unscaled=True
    ),
    "silk_drape": Setting(_silk_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, unscaled=True),
}
