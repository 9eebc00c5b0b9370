"""Small props, in focus, each drawn around (0, 0): beans, leaves, citrus, pebbles, shells, pine cones, confetti."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp, smooth_path
from ray_tasks.pictures.palette import oklch, shift
from ray_tasks.pictures.stage import Stage


def _bean(brush: Brush, stage: Stage, size: float) -> None:
    rgb = shift(oklch(0.34, 0.055, 48), float(brush.rng.uniform(-0.04, 0.05)))
    r = size * 0.5
    stops = [(0.0, shift(rgb, 0.14)), (0.5, rgb), (1.0, shift(rgb, -0.12))]
    lit = stage.light.side
    brush.canvas.drawOval(
        skia.Rect.MakeLTRB(-r, -r * 0.68, r, r * 0.68), brush.gradient((lit * r, -r), (-lit * r, r), stops)
    )
    crease = skia.PathBuilder()
    crease.moveTo(-r * 0.9, r * 0.04)
    crease.cubicTo(-r * 0.3, -r * 0.24, r * 0.3, r * 0.26, r * 0.9, -r * 0.03)
    brush.stroke(crease.detach(), shift(rgb, -0.15), max(1.2, size / brush.unit * 0.07))
    brush.oval(
        lit * r * 0.25,
        -r * 0.38,
        r * 0.36,
        r * 0.10,
        shift(rgb, 0.3),
        alpha=0.5,
        blur=size / brush.unit * 0.04,
    )


def _leaf(brush: Brush, stage: Stage, size: float) -> None:
    hues = {"autumn": (45, 70, 30), "winter": (160, 170, 150)}.get(stage.season, (135, 128, 142))
    rgb = oklch(float(brush.rng.uniform(0.48, 0.62)), 0.11, float(brush.rng.choice(hues)))
    r = size
    blade = skia.PathBuilder()
    blade.moveTo(-r, 0)
    blade.cubicTo(-r * 0.4, -r * 0.55, r * 0.5, -r * 0.45, r, 0)
    blade.cubicTo(r * 0.5, r * 0.38, -r * 0.4, r * 0.42, -r, 0)
    path = blade.detach()
    brush.canvas.drawPath(
        path, brush.gradient((0, -r * 0.4), (0, r * 0.4), ramp(shift(rgb, 0.06), shift(rgb, -0.07)))
    )
    lower = skia.PathBuilder()
    lower.moveTo(-r, 0)
    lower.cubicTo(-r * 0.3, r * 0.06, r * 0.4, r * 0.04, r, 0)
    lower.cubicTo(r * 0.5, r * 0.38, -r * 0.4, r * 0.42, -r, 0)
    brush.path(lower.detach(), shift(rgb, -0.09), alpha=0.6)
    brush.stroke(polygon([(-r * 1.12, 0.0), (r * 0.9, 0.0)], closed=False), shift(rgb, 0.13), 1.5, alpha=0.8)
    for i in range(5):
        x = -r * 0.6 + i * r * 0.3
        for turn in (-1, 1):
            vein = polygon([(x, 0), (x + r * 0.24, turn * r * 0.25)], closed=False)
            brush.stroke(vein, shift(rgb, 0.10), 0.9, alpha=0.5)


def _citrus(brush: Brush, stage: Stage, size: float) -> None:
    hue = float(brush.rng.choice((62, 92, 105)))
    rind, flesh = oklch(0.78, 0.16, hue), oklch(0.84, 0.14, hue - 4)
    r = size
    brush.oval(0, r * 0.10, r * 1.0, r * 1.0, shift(rind, -0.16))
    brush.oval(0, 0, r, r, rind)
    brush.oval(0, 0, r * 0.92, r * 0.92, oklch(0.96, 0.04, hue))
    turn = float(brush.rng.uniform(0, 1))
    for i in range(9):
        a0, a1 = (2 * math.pi * (i + turn + s) / 9 for s in (0.05, 0.95))
        middle = (a0 + a1) / 2
        wedge = [(math.cos(middle) * r * 0.10, math.sin(middle) * r * 0.10)]
        wedge += [(math.cos(a) * r * 0.82, math.sin(a) * r * 0.82) for a in np.linspace(a0, a1, 5)]
        brush.path(polygon(wedge), shift(flesh, float(brush.rng.uniform(-0.03, 0.03))))
        brush.stroke(
            polygon([wedge[0], (math.cos(middle) * r * 0.66, math.sin(middle) * r * 0.66)], closed=False),
            shift(flesh, 0.08),
            1.6,
            alpha=0.6,
        )
    brush.oval(stage.light.side * r * 0.3, -r * 0.35, r * 0.4, r * 0.2, (1, 1, 1), alpha=0.25, blur=6)


def _pebble(brush: Brush, stage: Stage, size: float) -> None:
    rgb = stage.tones.tint(
        oklch(float(brush.rng.uniform(0.48, 0.78)), 0.012, float(brush.rng.uniform(40, 260)))
    )
    points = [
        (
            math.cos(a) * size * float(brush.rng.uniform(0.85, 1.1)),
            math.sin(a) * size * 0.62 * float(brush.rng.uniform(0.85, 1.1)),
        )
        for a in np.linspace(0, 2 * math.pi, 9)[:-1]
    ]
    lit = stage.light.side
    stops = [(0.0, shift(rgb, 0.13)), (0.45, rgb), (1.0, shift(rgb, -0.22))]
    path = smooth_path(points)
    brush.canvas.drawPath(
        path, brush.gradient((lit * size * 0.5, -size * 0.6), (-lit * size * 0.5, size * 0.7), stops)
    )
    brush.oval(lit * size * 0.3, -size * 0.26, size * 0.34, size * 0.13, (1, 1, 1), alpha=0.28, blur=4)


def _shell(brush: Brush, stage: Stage, size: float) -> None:
    rgb = stage.tones.tint(oklch(0.86, 0.045, float(brush.rng.choice((40, 60, 20)))), 0.1)
    fan = [(0.0, size * 0.62)]
    count = 9
    for i in range(count + 1):
        a = math.pi * (1.12 - 1.24 * i / count) - math.pi
        bump = 1.0 if i % 2 else 0.93
        fan.append((math.cos(a) * size * bump, math.sin(a) * size * bump * 0.8 + size * 0.2))
    path = smooth_path(fan)
    brush.canvas.drawPath(
        path,
        brush.gradient((0, -size * 0.7), (0, size * 0.6), ramp(shift(rgb, 0.05), shift(rgb, -0.16, 1.6))),
    )
    for i in range(count):
        a = math.pi * (1.06 - 1.12 * i / (count - 1)) - math.pi
        rib = polygon(
            [(0, size * 0.55), (math.cos(a) * size * 0.92, math.sin(a) * size * 0.74 + size * 0.2)],
            closed=False,
        )
        brush.stroke(rib, shift(rgb, -0.14, 1.4), 1.6, alpha=0.55, blur=0.6)
    brush.oval(0, -size * 0.25, size * 0.5, size * 0.14, (1, 1, 1), alpha=0.3, blur=6)


def _pine_cone(brush: Brush, stage: Stage, size: float) -> None:
    """Lies on its side, its tip to the right: rows of scales from there, each over the tips of the row before."""
    rgb, rows = oklch(0.45, 0.055, 55), 8
    brush.oval(-0.1 * size, 0, size * 0.8, size * 0.5, shift(rgb, -0.24))
    for row in range(rows + 1):
        t = 1 - row / rows
        reach = 0.56 * size * min(1.0, 1.5 * (1 - 0.86 * t) ** 0.8) * (1.0 if row < rows else 0.8)
        count = 3 + (row % 2) + (row > 3)
        for i in sorted(range(count), key=lambda k: -abs(2 * k + 1 - count)):
            v = (2 * i + 1 - count) / count
            turn = 0.75 * v
            long, wide = (0.30 + 0.22 * (1 - t)) * size, (0.13 + 0.09 * (1 - t)) * size
            cx, cy = size * (-0.95 + 1.55 * t), v * reach
            ax, ay, bx, by = math.cos(turn), math.sin(turn), -math.sin(turn), math.cos(turn)
            outline = [
                (-0.3, -0.6),
                (0.45, -1.0),
                (0.85, -0.55),
                (1.0, 0.0),
                (0.85, 0.55),
                (0.45, 1.0),
                (-0.3, 0.6),
            ]
            scale = [
                (cx + p * long * ax + q * wide * bx, cy + p * long * ay + q * wide * by) for p, q in outline
            ]
            tone = shift(rgb, -0.14 * (v + 1) / 2 + 0.05 + float(brush.rng.uniform(-0.02, 0.02)))
            brush.path(
                smooth_path([(x + 0.02 * size, y + 0.04 * size) for x, y in scale]),
                shift(rgb, -0.27),
                alpha=0.8,
            )
            ends = ((cx, cy), (cx + long * ax, cy + long * ay))
            brush.canvas.drawPath(
                smooth_path(scale),
                brush.gradient(*ends, [(0.0, shift(tone, -0.14)), (0.7, tone), (1.0, shift(tone, 0.16))]),
            )


def _paper_bit(brush: Brush, stage: Stage, size: float) -> None:
    choices = (
        stage.tones.accent,
        stage.tones.accent_alt,
        shift(stage.tones.wall, 0.08, 1.4),
        oklch(0.86, 0.13, 90),
    )
    rgb = choices[int(brush.rng.integers(4))]
    wide = size * float(brush.rng.uniform(0.5, 1.0))
    brush.canvas.drawRect(
        skia.Rect.MakeLTRB(-wide, -size * 0.35, wide, size * 0.35),
        brush.gradient((-wide, 0), (wide, 0), ramp(shift(rgb, 0.06), shift(rgb, -0.07))),
    )


SmallProp = tuple[Callable[[Brush, Stage, float], None], tuple[float, float], int, bool]
"""Drawer, size in design units, count, and whether the piece lies flat (foreshortened with the ground)."""

STREWN: dict[str, SmallProp] = {
    "coffee_beans": (_bean, (24, 31), 24, False),
    "leaves": (_leaf, (34, 54), 7, True),
    "citrus": (_citrus, (46, 60), 3, True),
    "pebbles": (_pebble, (14, 34), 9, False),
    "shells": (_shell, (28, 42), 4, False),
    "pine_cones": (_pine_cone, (36, 46), 2, False),
    "confetti": (_paper_bit, (9, 14), 34, True),
}
