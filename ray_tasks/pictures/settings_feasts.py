"""Feasts: Christmas, Lunar New Year, a birthday. Only things, no sacred signs or words."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, WALNUT, tinted
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, free_side, lay_surface

GOLD = oklch(0.78, 0.115, 85)
RED = oklch(0.50, 0.185, 27)


def gift(brush: Brush, x: float, base: float, size: float, paper: Rgb, ribbon: Rgb) -> None:
    """A wrapped box with a bow, `size` pixels wide."""
    half, tall = 0.5 * size, 0.8 * size
    stops = [(0.0, shift(paper, 0.05)), (0.6, paper), (1.0, shift(paper, -0.10))]
    brush.panel(x - half, base - tall, x + half, base, stops, across=True, radius=3)
    brush.panel(
        x - 1.05 * half,
        base - 1.08 * tall,
        x + 1.05 * half,
        base - 0.84 * tall,
        ramp(shift(paper, 0.07), shift(paper, -0.02)),
        radius=3,
    )
    brush.panel(
        x - 0.12 * size,
        base - 1.08 * tall,
        x + 0.12 * size,
        base,
        ramp(shift(ribbon, 0.06), shift(ribbon, -0.06)),
        across=True,
    )
    for k in (-1, 1):
        bow = skia.PathBuilder()
        bow.moveTo(x, base - 1.07 * tall)
        bow.cubicTo(
            x + k * 0.12 * size,
            base - 1.5 * tall,
            x + k * 0.5 * size,
            base - 1.4 * tall,
            x,
            base - 1.07 * tall,
        )
        brush.path(bow.detach(), shift(ribbon, 0.04 * k))


def _bauble(brush: Brush, x: float, y: float, r: float, rgb: Rgb, lit: float) -> None:
    brush.rect(x - 0.16 * r, y - 1.22 * r, x + 0.16 * r, y - 0.9 * r, GOLD)
    brush.sphere(x, y, r, rgb, lit)
    brush.oval(x + 0.35 * lit * r, y - 0.42 * r, 0.2 * r, 0.13 * r, WHITE, alpha=0.7, blur=1.5)


def _christmas_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    dark_product = to_lch(tones.product)[0] < 0.42
    wall = tones.tint(oklch(0.62 if dark_product else 0.34, 0.05, 40), 0.25)
    plaster(brush, stage, wall)
    side, lit = free_side(stage), stage.light.side
    x = min(0.92 * w, max(0.08 * w, stage.product.center_x + side * 0.36 * w))
    needles = oklch(0.36, 0.065, 155)
    base, tall = e + 0.03 * h, 0.90 * h
    spots: list[tuple[float, float]] = []
    with brush.depth(7):
        for part in range(9):
            y, half = base - tall * (0.05 + 0.105 * part), 0.235 * tall * (1 - 0.095 * part)
            for i in range(15):
                fx = x + (i / 7 - 1) * half
                droop = 0.055 * tall * (1 - 0.6 * abs(i / 7 - 1))
                tip = polygon(
                    [
                        (fx - 0.085 * half - 9, y - 0.10 * tall),
                        (fx + 0.085 * half + 9, y - 0.10 * tall),
                        (fx + (i / 7 - 1) * 14, y + droop),
                    ]
                )
                brush.path(tip, shift(needles, 0.018 * (i % 3) - 0.02 + 0.008 * part))
                if (i + part) % 3 == 0:
                    spots.append((fx, y + 0.2 * droop - 0.03 * tall * (i % 2)))
        hues = [RED, GOLD, mix(tones.accent, WHITE, 0.1), oklch(0.80, 0.02, 240)]
        for k, (bx, by) in enumerate(spots[::2]):
            _bauble(brush, bx, by, 0.020 * w, hues[k % 4], lit)
    for bx, by in spots[1::2]:
        brush.glow(bx, by, 0.035 * w, LAMP_LIGHT, 0.9)
        brush.oval(bx, by, 0.005 * w, 0.005 * w, oklch(0.98, 0.05, 90), blur=1)
    brush.bokeh(
        22,
        (0, 0.05 * h, w, e - 0.04 * h),
        [LAMP_LIGHT, oklch(0.75, 0.15, 45), oklch(0.85, 0.10, 85)],
        (11, 30),
        (0.10, 0.38),
    )
    with brush.depth(6.5):
        gx = x - side * 0.13 * w
        gift(
            brush,
            gx + side * 0.17 * w,
            e + 0.03 * h,
            0.15 * w,
            mix(tones.accent, RED, 0.45),
            oklch(0.94, 0.02, 85),
        )
        gift(brush, gx, e + 0.035 * h, 0.105 * w, oklch(0.90, 0.02, 85), RED)
        ox = min(0.93 * w, max(0.07 * w, stage.product.center_x - side * 0.37 * w))
        gift(brush, ox, e + 0.03 * h, 0.12 * w, oklch(0.42, 0.07, 160), GOLD)


def _christmas_ground(brush: Brush, stage: Stage) -> None:
    wood = (shift(WALNUT[0], 0.04), shift(WALNUT[1], 0.02), WALNUT[2])
    lay_surface(brush, stage, "wood", tinted(stage, wood), scale=0.9, rim=LAMP_LIGHT, soft_edge=5)


def _lampion(brush: Brush, x: float, y: float, r: float) -> None:
    """A red paper lantern with ribs, golden caps and a tassel, its middle at (x, y)."""
    brush.stroke(polygon([(x, -brush.height), (x, y)], closed=False), oklch(0.35, 0.06, 40), 2.5)
    stops = [(0.0, shift(RED, -0.10)), (0.5, shift(RED, 0.14)), (1.0, shift(RED, -0.12))]
    body = skia.Rect.MakeLTRB(x - 1.2 * r, y - 0.92 * r, x + 1.2 * r, y + 0.92 * r)
    brush.canvas.drawOval(body, brush.gradient((x - 1.2 * r, 0), (x + 1.2 * r, 0), stops))
    brush.glow(x, y + 0.1 * r, 1.0 * r, oklch(0.85, 0.13, 75), 0.55)
    for k in (0.35, 0.78):
        rib = skia.PathBuilder()
        rib.addOval(skia.Rect.MakeLTRB(x - 1.2 * k * r, y - 0.92 * r, x + 1.2 * k * r, y + 0.92 * r))
        brush.stroke(rib.detach(), shift(RED, -0.13), 1.8, alpha=0.6)
    for top in (y - 1.02 * r, y + 0.84 * r):
        brush.panel(
            x - 0.45 * r,
            top,
            x + 0.45 * r,
            top + 0.18 * r,
            ramp(shift(GOLD, 0.06), shift(GOLD, -0.12)),
            radius=3,
        )
    for dx in (-0.12, -0.04, 0.04, 0.12):
        brush.stroke(
            polygon([(x + dx * r, y + r), (x + 1.5 * dx * r, y + 1.75 * r)], closed=False),
            shift(GOLD, -0.03),
            2.5,
        )


def _lunar_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    lightness, chroma, hue = to_lch(tones.product)
    reddish = chroma > 0.08 and abs((hue - 27 + 180) % 360 - 180) < 35
    wall = oklch(0.83, 0.075, 80) if reddish or lightness < 0.3 else oklch(0.42, 0.145, 26)
    plaster(brush, stage, wall)
    side = free_side(stage)
    # A round moon gate in gold, plum blossom before it, lanterns from the ceiling.
    cx, cy, r = stage.product.center_x + side * 0.10 * w, e - 0.36 * h, 0.335 * w
    inner = mix(wall, oklch(0.80, 0.12, 70), 0.32) if not reddish else mix(wall, RED, 0.40)
    with brush.depth(4):
        brush.oval(cx, cy, 1.05 * r, 1.05 * r, shift(GOLD, -0.06))
        brush.oval(cx, cy, 1.02 * r, 1.02 * r, shift(GOLD, 0.05))
        brush.oval(cx, cy, r, r, inner)
    brush.glow(cx, cy, 1.1 * r, oklch(0.90, 0.09, 80), 0.22)
    with brush.depth(4.5):
        bark = oklch(0.28, 0.03, 40)
        root = 1.04 * w if side > 0 else -0.04 * w
        brush.stroke(polygon([(root, -h), (root + side * 0.02 * w, e)], closed=False), bark, 20)
        for k in range(3):
            x, y = root, e - (0.20 + 0.17 * k) * h
            angle = (math.pi if side > 0 else 0.0) + side * brush.rng.uniform(0.15, 0.55)
            for step in range(9):
                length = (0.055 - 0.003 * step) * w
                nx, ny = x + math.cos(angle) * length, y + math.sin(angle) * length
                brush.stroke(polygon([(x, y), (nx, ny)], closed=False), bark, 11 - step)
                for _ in range(2):
                    bx, by = nx + brush.rng.normal(0, 0.020) * w, ny + brush.rng.normal(0, 0.017) * h
                    tone = oklch(float(brush.rng.uniform(0.74, 0.90)), 0.085, 8)
                    size = brush.rng.uniform(0.009, 0.015) * w
                    for a in range(5):
                        t = a * 1.2566
                        brush.oval(
                            bx + math.cos(t) * size * 0.75,
                            by + math.sin(t) * size * 0.75,
                            0.62 * size,
                            0.62 * size,
                            tone,
                        )
                    brush.oval(bx, by, 0.28 * size, 0.28 * size, oklch(0.80, 0.13, 85))
                x, y = nx, ny
                angle += brush.rng.uniform(-0.35, 0.35)
    with brush.depth(5):
        for k, (dx, dy, size) in enumerate(((0.36, 0.70, 0.068), (0.20, 0.83, 0.052), (-0.36, 0.74, 0.060))):
            x = stage.product.center_x + side * dx * w
            if -0.05 * w < x < 1.05 * w:
                _lampion(brush, x, e - dy * h + 0.02 * h * k, size * w)
    with brush.depth(7):
        x = min(0.92 * w, max(0.08 * w, stage.product.center_x + side * 0.33 * w))
        for k, (dx, dy) in enumerate(((-0.035, 0.0), (0.035, 0.0), (0.0, -0.055))):
            brush.sphere(
                x + dx * w,
                e - 0.012 * h + dy * w,
                0.037 * w,
                shift(oklch(0.72, 0.165, 55), 0.02 * k),
                stage.light.side,
            )


def _lunar_ground(brush: Brush, stage: Stage) -> None:
    lacquer = (oklch(0.36, 0.10, 26), oklch(0.28, 0.085, 25), oklch(0.18, 0.05, 25))
    lay_surface(
        brush, stage, "laminate", tinted(stage, lacquer, 0.03), rim=GOLD, soft_edge=4, near_shade=0.25
    )


def _birthday_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = oklch(max(0.70, to_lch(tones.wall)[0]), max(0.055, to_lch(tones.wall)[1]), to_lch(tones.wall)[2])
    plaster(brush, stage, wall, strength=0.6)
    side, lit = free_side(stage), stage.light.side
    hues = [
        mix(tones.accent, WHITE, 0.10),
        oklch(0.82, 0.13, 88),
        mix(tones.accent_alt, oklch(0.70, 0.12, 230), 0.4),
        oklch(0.74, 0.13, 5),
    ]
    with brush.depth(3):
        line = [
            (w * i / 24, e - 0.86 * h + 0.075 * h * (1 - ((i / 12) % 2 - 1) ** 2)) for i in range(-25, 50)
        ]
        brush.stroke(polygon(line, closed=False), WHITE, 3)
        for i in range(0, len(line) - 1, 2):
            (x, y), (x2, y2) = line[i], line[i + 1]
            flag = polygon([(x, y), (x2 + 0.2 * (x2 - x), y2), ((x + x2) / 2, y + 0.085 * h)])
            brush.path(flag, hues[(i // 2) % 4])
    with brush.depth(6):
        cluster = (
            (0.30, 0.50, 0.082),
            (0.40, 0.62, 0.090),
            (0.25, 0.66, 0.070),
            (0.43, 0.42, 0.072),
            (-0.38, 0.52, 0.080),
            (-0.45, 0.66, 0.068),
        )
        for k, (dx, dy, size) in enumerate(cluster):
            x, y, r = stage.product.center_x + side * dx * w, e - dy * h, size * w
            if x < -r or x > w + r:
                continue
            string = skia.PathBuilder()
            string.moveTo(x, y + 1.15 * r)
            knot = stage.product.center_x + side * (0.36 if dx > 0 else -0.42) * w
            string.quadTo(x + 0.3 * r, (y + e) / 2, knot, e + 0.02 * h)
            brush.stroke(string.detach(), oklch(0.85, 0.01, 80), 2.2)
            rgb = hues[k % 4]
            brush.path(
                polygon([(x - 0.10 * r, y + 1.26 * r), (x + 0.10 * r, y + 1.26 * r), (x, y + 1.1 * r)]),
                shift(rgb, -0.1),
            )
            brush.canvas.save()
            brush.canvas.translate(x, y)
            brush.canvas.scale(1.0, 1.18)
            brush.sphere(0, 0, r, rgb, lit)
            brush.oval(0.36 * lit * r, -0.42 * r, 0.17 * r, 0.24 * r, WHITE, alpha=0.6, blur=4)
            brush.canvas.restore()
        x = min(0.90 * w, max(0.10 * w, stage.product.center_x + side * 0.36 * w))
        gift(brush, x, e + 0.03 * h, 0.15 * w, hues[2], hues[1])
        gift(brush, x - side * 0.12 * w, e + 0.035 * h, 0.10 * w, hues[3], WHITE)
    for _ in range(34):
        x, y = brush.rng.uniform(0, w), brush.rng.uniform(0, e)
        brush.canvas.save()
        brush.canvas.translate(x, y)
        brush.canvas.rotate(float(brush.rng.uniform(0, 180)))
        brush.rect(
            -7 * brush.unit,
            -4 * brush.unit,
            7 * brush.unit,
            4 * brush.unit,
            hues[int(brush.rng.integers(4))],
            alpha=0.9,
            blur=1.5,
        )
        brush.canvas.restore()


def _birthday_ground(brush: Brush, stage: Stage) -> None:
    cloth = mix(stage.tones.ground, WHITE, 0.5)
    colors = (shift(cloth, 0.02), shift(cloth, -0.05), WHITE)
    lay_surface(brush, stage, "linen", colors, scale=0.55, rim=WHITE, soft_edge=4, near_shade=0.12)


FEASTS: dict[str, Setting] = {
    "christmas_tree": Setting(
        _christmas_backdrop, _christmas_ground, (0.10, 0.14), 0.22, gloss=0.06, glow=0.60
    ),
    "lunar_new_year": Setting(_lunar_backdrop, _lunar_ground, (0.09, 0.12), 0.26, gloss=0.26, glow=0.80),
    "birthday_party": Setting(_birthday_backdrop, _birthday_ground, (0.09, 0.13), 0.26),
}
