"""City at night and garden."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, ramp, smooth_path
from ray_tasks.pictures.materials import material_shader
from ray_tasks.pictures.palette import mix, oklch, shift
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, tinted
from ray_tasks.pictures.settings_outdoor import LEAF, sky_tones, sun_x
from ray_tasks.pictures.stage import Setting, Stage, lay_surface


def _city_backdrop(brush: Brush, stage: Stage) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    top, low = oklch(0.20, 0.045, 270), oklch(0.40, 0.09, 300)
    if not stage.light.night:
        top, low = oklch(0.30, 0.07, 268), oklch(0.60, 0.11, 40)
    brush.wash(0, h, [(0.0, stage.tones.tint(top, 0.1)), (e / h, low), (1.0, shift(low, -0.1))])
    lamps = [LAMP_LIGHT, oklch(0.80, 0.13, 60), oklch(0.85, 0.06, 230), stage.tones.accent]
    for layer, (tall, sigma) in enumerate(((0.62, 8), (0.44, 11))):
        tone = mix(low, oklch(0.17, 0.03, 275), 0.55 + 0.3 * layer)
        with brush.depth(sigma), brush.repeated(1.04 * w):
            x = -0.04 * w
            while x < w:
                wide = brush.rng.uniform(0.08, 0.17) * w
                roof = e - brush.rng.uniform(0.45, 1.0) * tall * h
                brush.panel(x, roof, x + wide, e + 9, ramp(shift(tone, -0.02), mix(tone, low, 0.35)))
                step = 0.021 * w
                for i in range(1, max(2, int(wide / step))):
                    for j in range(1, int((e - roof) / step)):
                        if brush.rng.random() < 0.30:
                            lamp = lamps[int(brush.rng.integers(3))]
                            wx, wy = x + i * step, roof + j * step
                            brush.rect(
                                wx,
                                wy,
                                wx + 0.5 * step,
                                wy + 0.6 * step,
                                lamp,
                                alpha=brush.rng.uniform(0.35, 0.9),
                            )
                x += wide + brush.rng.uniform(0.0, 0.04) * w
    street = [
        LAMP_LIGHT,
        oklch(0.72, 0.17, 40),
        oklch(0.66, 0.19, 25),
        shift(stage.tones.accent, 0.08),
        oklch(0.84, 0.08, 220),
    ]
    with brush.repeated(w):
        brush.bokeh(34, (0, e - 0.26 * h, w, e), street, (12, 38), (0.20, 0.62))
        brush.bokeh(16, (0, e - 0.60 * h, w, e - 0.2 * h), street, (16, 44), (0.08, 0.28))
    brush.glow(stage.product.center_x, e - 0.08 * h, 0.62 * w, oklch(0.75, 0.12, 50), 0.40, squash=0.6)


def _city_ground(brush: Brush, stage: Stage) -> None:
    slab = (oklch(0.34, 0.015, 275), oklch(0.27, 0.015, 270), oklch(0.16, 0.01, 270))
    lay_surface(brush, stage, "stone", tinted(stage, slab), rim=oklch(0.72, 0.09, 60), soft_edge=5, scale=1.2)
    with brush.depth(22, skia.BlendMode.kScreen):
        w, h = stage.width, stage.height
        for _ in range(12):
            x = brush.rng.uniform(0, w)
            rgb = (LAMP_LIGHT, oklch(0.6, 0.16, 35), stage.tones.accent)[int(brush.rng.integers(3))]
            half = brush.rng.uniform(0.008, 0.03) * w
            stops = [(0.0, rgb), (1.0, rgb)]
            brush.panel(
                x - half,
                stage.edge_y,
                x + half,
                min(h, stage.edge_y + 0.24 * h),
                stops,
                alpha=brush.rng.uniform(0.1, 0.3),
            )


def _garden_backdrop(brush: Brush, stage: Stage) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    dark, light = (stage.tones.tint(rgb, 0.08) for rgb in LEAF[stage.season])
    brush.wash(0, h, [(0.0, mix(sky, haze, 0.4)), (0.45, mix(haze, light, 0.3)), (1.0, light)])
    brush.glow(sun_x(stage), e - 0.55 * h, 0.6 * w, stage.light.haze, 0.9)
    with brush.depth(21), brush.repeated(1.1 * w):
        brush.foliage(
            150,
            (-0.05 * w, e - 0.66 * h, 1.05 * w, e - 0.2 * h),
            [mix(dark, haze, 0.35), mix(light, haze, 0.35), mix(light, haze, 0.6)],
            (26, 60),
        )
    with brush.depth(14), brush.repeated(1.1 * w):
        brush.foliage(
            240,
            (-0.05 * w, e - 0.33 * h, 1.05 * w, e - 0.02 * h),
            [dark, mix(dark, light, 0.5), light],
            (14, 36),
        )
        blossoms = [
            shift(stage.tones.accent, 0.12),
            shift(stage.tones.accent_alt, 0.1),
            oklch(0.95, 0.03, 100),
        ]
        if stage.season != "winter":
            for _ in range(46):
                x, y = brush.rng.uniform(0, w), e - brush.rng.uniform(0.015, 0.2) * h
                r = brush.rng.uniform(6, 15) * brush.unit
                brush.oval(x, y, r, r * 0.85, blossoms[int(brush.rng.integers(3))], alpha=0.95)
    with brush.repeated(w):
        brush.bokeh(
            30,
            (0, 0, w, e - 0.1 * h),
            [mix(light, stage.light.haze, 0.55), stage.light.haze],
            (10, 36),
            (0.10, 0.36),
        )
    with brush.depth(7):
        lawn = mix(dark, light, 0.45)
        brush.wash(e - 0.04 * h, e + 0.03 * h, [(0.0, shift(lawn, -0.08)), (1.0, lawn)])


def _garden_ground(brush: Brush, stage: Stage) -> None:
    dark, light = (stage.tones.tint(rgb, 0.05) for rgb in LEAF[stage.season])
    blades = (shift(dark, -0.05), shift(light, -0.01), shift(light, 0.12))
    lay_surface(brush, stage, "grass", blades, roughness=3.0, soft_edge=9, near_shade=0.2)
    # A flagstone under the product: grass would have to grow over its foot.
    w = stage.width
    cx, rx = stage.product.center_x, min(0.58 * stage.product.width + 0.05 * w, 0.45 * w)
    ry = rx * min(0.36, stage.squash * 0.52)
    cy = stage.contact_y - 0.40 * ry
    rng = brush.rng
    slab, thick = [], 0.016 * stage.height
    corners = 16
    for i in range(corners):
        a = 2 * math.pi * (i + rng.uniform(-0.2, 0.2)) / corners
        r = rng.uniform(0.95, 1.05)
        slab.append((cx + math.cos(a) * rx * r, cy + math.sin(a) * ry * r))
    low = smooth_path([(x, y + thick) for x, y in slab])
    top = smooth_path(slab)
    brush.path(low, shift(dark, -0.32), alpha=0.85, blur=7)
    stone = stage.tones.tint(oklch(0.74, 0.014, 80), 0.1)
    brush.path(low, shift(stone, -0.26))
    colors = (shift(stone, 0.05), shift(stone, -0.05), shift(stone, -0.2))
    brush.canvas.drawPath(
        top, skia.Paint(AntiAlias=True, Shader=material_shader("stone", stage.plane(1.1), colors))
    )
    brush.stroke(top, shift(stone, 0.10), 1.5, alpha=0.5, blur=0.8)


TOWN: dict[str, Setting] = {
    "city_night": Setting(
        _city_backdrop, _city_ground, (0.10, 0.14), 0.18, gloss=0.34, glow=0.82, usual_cm=40, unscaled=True
    ),
    "garden_lawn": Setting(_garden_backdrop, _garden_ground, (0.12, 0.17), 0.13, usual_cm=40, open_air=True),
}
