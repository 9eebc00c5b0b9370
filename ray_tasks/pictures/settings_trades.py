"""A room under renovation and a desk lit by neon."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp, smooth_path
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import tinted
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, free_side, lay_surface


def _renovation_backdrop(brush: Brush, stage: Stage) -> None:
    """A wall half painted: the new colour ends in strokes of a roller; a ladder and a tin of paint."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    bare = oklch(0.86, 0.012, 85) if to_lch(tones.product)[0] < 0.72 else oklch(0.58, 0.015, 80)
    plaster(brush, stage, bare, strength=1.6)
    side = free_side(stage)
    _lightness, chroma, hue = to_lch(tones.accent)
    paint = oklch(0.66 if to_lch(bare)[0] > 0.7 else 0.46, max(0.085, 0.8 * chroma), hue)
    edge = stage.product.center_x + side * 0.02 * w
    far = 3 * w if side > 0 else -2 * w
    brush.rect(min(edge, far), -h, max(edge, far), -8, shift(paint, 0.03))
    brush.panel(
        min(edge, far), -9, max(edge, far), e - 0.035 * h, ramp(shift(paint, 0.03), shift(paint, -0.03))
    )
    _rolled_edge(brush, stage, edge, side, paint)
    with brush.depth(4):
        brush.panel(-w, e - 0.036 * h, 2 * w, e + 9, ramp(oklch(0.95, 0.006, 90), oklch(0.86, 0.008, 90)))
    metal = oklch(0.72, 0.012, 240)
    with brush.depth(7):
        lx = min(0.86 * w, max(0.14 * w, stage.product.center_x + side * 0.36 * w))
        base, top = e + 0.03 * h, e - 0.64 * h
        for k in range(7):
            y = base - (0.07 + 0.088 * k) * h
            half = (0.115 - 0.0095 * k) * w
            brush.panel(
                lx - half,
                y - 0.008 * h,
                lx + half,
                y + 0.008 * h,
                ramp(shift(metal, 0.1), shift(metal, -0.15)),
            )
        for dx in (-1.0, 1.0):
            foot, tip = lx + dx * 0.125 * w, lx + dx * 0.055 * w
            brush.stroke(
                polygon([(foot, base), (tip, top)], closed=False), shift(metal, -0.02 - 0.08 * (dx > 0)), 17
            )
        brush.panel(
            lx - 0.065 * w,
            top - 0.015 * h,
            lx + 0.065 * w,
            top + 0.012 * h,
            ramp(oklch(0.66, 0.17, 45), oklch(0.5, 0.15, 40)),
            radius=5,
        )
    with brush.depth(6):
        x = min(0.92 * w, max(0.08 * w, stage.product.center_x - side * 0.36 * w))
        half, tall = 0.07 * w, 0.12 * h
        brush.oval(x, e + 0.028 * h, 1.1 * half, 0.012 * h, (0.1, 0.1, 0.1), alpha=0.45, blur=6)
        brush.cylinder(x - half, e + 0.025 * h - tall, x + half, e + 0.025 * h, metal, stage.light.side)
        brush.rect(x - half, e + 0.025 * h - 0.72 * tall, x + half, e + 0.025 * h - 0.25 * tall, paint)
        brush.oval(x, e + 0.025 * h - tall, half, 0.011 * h, shift(paint, 0.08))
        drip = [(0.25, 0.30), (-0.35, 0.18), (0.55, 0.14)]
        for dx, part in drip:
            brush.rect(
                x + dx * half - 5,
                e + 0.025 * h - tall,
                x + dx * half + 5,
                e + 0.025 * h - (1 - part) * tall,
                paint,
                radius=5,
            )


def _rolled_edge(brush: Brush, stage: Stage, edge: float, side: float, paint: Rgb) -> None:
    """Where a roller has left off: strokes that overlap, end unevenly, and run dry."""
    w, band = stage.width, 0.105 * stage.height
    rng = brush.rng
    with brush.depth(3.5):
        count = int(stage.edge_y / band) + 1
        for k in range(-count, count):
            top, bottom = (k - 0.06) * band, (k + 1.06) * band
            near = edge - side * rng.uniform(0.02, 0.15) * w
            tone = shift(paint, 0.03 - 0.06 * max(0.0, (k + 0.5) / count) + rng.uniform(-0.004, 0.004))
            root = edge + side * 0.04 * w
            ends = [
                (near - side * rng.uniform(-0.006, 0.012) * w, top + part * (bottom - top))
                for part in (0.04, 0.15, 0.3, 0.45, 0.6, 0.75, 0.88, 0.97)
            ]
            brush.path(smooth_path([(root, top), (root, bottom), (near + side * 0.012 * w, bottom), *ends[::-1],
                                    (near + side * 0.012 * w, top)]), tone)  # fmt: skip
            for _ in range(26):
                y, thick = top + rng.uniform(0.06, 0.94) * (bottom - top), rng.uniform(1, 6) * brush.unit
                start, tip = near + side * 0.02 * w, near - side * rng.uniform(0.01, 0.065) * w
                rect = skia.Rect.MakeLTRB(min(start, tip), y, max(start, tip), y + thick)
                stops = [(0.0, tone), (0.4, tone), (1.0, tone)]
                dry = brush.gradient((start, y), (tip, y), stops, (0.9, rng.uniform(0.3, 0.7), 0.0))
                brush.canvas.drawRect(rect, dry)


def _renovation_ground(brush: Brush, stage: Stage) -> None:
    sheet = stage.tones.tint(oklch(0.84, 0.018, 80), 0.1)
    lay_surface(
        brush,
        stage,
        "linen",
        (shift(sheet, 0.05), shift(sheet, -0.05), WHITE),
        scale=0.8,
        soft_edge=6,
        near_shade=0.2,
    )
    w, h = stage.width, stage.height
    _, chroma, hue = to_lch(stage.tones.accent)
    paint = oklch(0.58, max(0.085, 0.8 * chroma), hue)
    flat = min(0.5, stage.squash)
    for _ in range(16):
        x, y = brush.rng.uniform(0, w), brush.rng.uniform(stage.edge_y + 0.02 * h, h)
        r = (
            brush.rng.uniform(2, 10)
            * brush.unit
            * (y - stage.horizon_y)
            / (stage.contact_y - stage.horizon_y)
        )
        brush.oval(x, y, r, r * flat, paint, alpha=0.85, blur=0.6)


def _neon_backdrop(brush: Brush, stage: Stage) -> None:
    """A dark room lit by tubes in two colours: hexagons on the wall, a wide screen, light along the desk's edge."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    hue = to_lch(tones.accent)[2]
    first, second = oklch(0.70, 0.20, 330 + 0.15 * ((hue - 330 + 180) % 360 - 180)), oklch(0.80, 0.13, 215)
    wall = oklch(0.22, 0.05, 285)
    plaster(brush, stage, wall)
    side = free_side(stage)
    brush.glow(0.02 * w, e - 0.35 * h, 0.75 * w, first, 0.75)
    brush.glow(0.98 * w, e - 0.35 * h, 0.75 * w, second, 0.60)
    r = 0.088 * w
    cx, cy = stage.product.center_x - side * 0.25 * w, e - 0.52 * h
    tubes = [(0.0, 0.0), (1.56, 0.90), (1.56, -0.90), (0.0, 1.80), (-1.56, 0.90)]
    for k, (dx, dy) in enumerate(tubes):
        x, y = cx + dx * r, cy + dy * r
        shape = polygon(
            [
                (x + r * 0.94 * math.cos(a), y + r * 0.94 * math.sin(a))
                for a in (i * math.pi / 3 for i in range(6))
            ]
        )
        tone = (first, second)[k % 2]
        with brush.depth(3):
            brush.path(shape, shift(tone, -0.2), alpha=0.30)
            brush.stroke(shape, shift(tone, 0.12), 7)
        brush.stroke(shape, tone, 26, alpha=0.5, blur=16)
    with brush.depth(6):
        near = (stage.product.right if side > 0 else stage.product.left) + side * 0.01 * w
        near = min(0.62 * w, near) if side > 0 else max(0.38 * w, near)
        a, b = sorted((near, 1.06 * w if side > 0 else -0.06 * w))
        top, low = e - 0.37 * h, e - 0.07 * h
        brush.rect((a + b) / 2 - 0.05 * w, low - 9, (a + b) / 2 + 0.05 * w, e, oklch(0.2, 0.01, 270))
        brush.rect(a, top, b, low, oklch(0.13, 0.01, 280), radius=10)
        picture = [
            (0.0, mix(first, wall, 0.45)),
            (0.5, mix(oklch(0.5, 0.14, 290), wall, 0.2)),
            (1.0, mix(second, wall, 0.35)),
        ]
        brush.panel(a + 9, top + 9, b - 9, low - 12, picture, across=True, radius=4)
        for k in range(3):
            y = low - (0.05 + 0.045 * k) * h
            hill = [
                (a + 9, low - 12),
                (a + 9, y),
                (a + (b - a) * (0.35 + 0.1 * k), y - 0.05 * h),
                (b - 9, y + 0.01 * h),
                (b - 9, low - 12),
            ]
            brush.path(polygon(hill), mix(oklch(0.25, 0.08, 290), first, 0.12 * k), alpha=0.75)
    with brush.depth(5):
        brush.panel(
            -w, e - 0.012 * h, 2 * w, e + 0.004 * h, ramp(shift(first, 0.1), shift(second, 0.1)), across=False
        )
    brush.glow(w / 2, e, 0.8 * w, mix(first, second, 0.4), 0.45, squash=0.3)


def _neon_ground(brush: Brush, stage: Stage) -> None:
    desk = (oklch(0.26, 0.02, 285), oklch(0.21, 0.02, 285), oklch(0.4, 0.03, 285))
    lay_surface(
        brush,
        stage,
        "laminate",
        tinted(stage, desk, 0.05),
        rim=oklch(0.75, 0.16, 320),
        soft_edge=4,
        near_shade=0.3,
    )
    w, h = stage.width, stage.height
    with brush.depth(20, skia.BlendMode.kScreen):
        for x, rgb in ((0.12, oklch(0.55, 0.2, 330)), (0.90, oklch(0.6, 0.12, 215))):
            brush.oval(x * w, stage.edge_y + 0.02 * h, 0.34 * w, 0.10 * h, rgb, alpha=0.40, blur=30)


TRADES: dict[str, Setting] = {
    "renovation_room": Setting(_renovation_backdrop, _renovation_ground, (0.12, 0.17), 0.18, usual_cm=40),
    "neon_setup": Setting(_neon_backdrop, _neon_ground, (0.09, 0.13), 0.26, gloss=0.22, glow=0.80),
}
