"""Rooms: wooden table, kitchen, cafe; and what the desks share with them."""

from __future__ import annotations

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, lay_surface

OAK = (oklch(0.74, 0.075, 68), oklch(0.60, 0.078, 60), oklch(0.38, 0.05, 52))
WALNUT = (oklch(0.50, 0.062, 52), oklch(0.36, 0.052, 47), oklch(0.22, 0.03, 42))
LAMP_LIGHT = oklch(0.90, 0.09, 78)


def _sky(stage: Stage) -> Rgb:
    """What a window shows."""
    if stage.light.night:
        return oklch(0.30, 0.06, 262)
    return mix(stage.light.haze, oklch(0.96, 0.02, 230), 0.5)


def window(
    brush: Brush, stage: Stage, left: float, top: float, right: float, bottom: float, columns: int, rows: int
) -> None:
    """A bright window with bars, spilling light over its frame."""
    sky = _sky(stage)
    below = mix(sky, oklch(0.72, 0.06, 140), 0.35 if not stage.light.night else 0.05)
    brush.panel(left, top, right, bottom, ramp(shift(sky, 0.03), below))
    if stage.light.night:
        brush.bokeh(
            26,
            (left, (top + bottom) / 2, right, bottom),
            [LAMP_LIGHT, oklch(0.7, 0.1, 40)],
            (5, 14),
            (0.3, 0.8),
        )
    else:
        brush.foliage(
            40, (left, top + 0.62 * (bottom - top), right, bottom), [below, shift(below, -0.1)], (12, 34)
        )
    frame = stage.tones.tint((0.93, 0.92, 0.90)) if not stage.light.night else oklch(0.35, 0.02, 260)
    for i in range(columns + 1):
        x = left + (right - left) * i / columns
        brush.rect(x - 7 * brush.unit, top, x + 7 * brush.unit, bottom, frame)
    for i in range(rows + 1):
        y = top + (bottom - top) * i / rows
        brush.rect(left, y - 6 * brush.unit, right, y + 6 * brush.unit, frame)
    if not stage.light.night:
        brush.glow((left + right) / 2, (top + bottom) / 2, 0.9 * (right - left), sky, 0.5)


def pot_plant(brush: Brush, x: float, base: float, size: float, pot: Rgb, leaf: Rgb, lit: float) -> None:
    """A leafy plant in a pot; `size` is the pot's width in pixels."""
    for i in range(22):
        angle = brush.rng.uniform(-1.25, 1.25)
        length = size * brush.rng.uniform(1.1, 2.3)
        ex, ey = x + length * 0.75 * angle / 1.25, base - size - length * (1.05 - 0.45 * abs(angle))
        bow = skia.PathBuilder()
        spread = size * 0.16
        bow.moveTo(x, base - size * 0.8)
        bow.quadTo((x + ex) / 2 - spread, (base - size + ey) / 2 - spread, ex, ey)
        bow.quadTo((x + ex) / 2 + spread, (base - size + ey) / 2 + spread, x, base - size * 0.8)
        brush.path(bow.detach(), shift(leaf, 0.10 * (i / 22) - 0.05 + 0.05 * lit * angle))
    brush.cylinder(x - size * 0.46, base - size * 0.95, x + size * 0.46, base, pot, lit)


def _table_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, tones.tint(oklch(to_lch(tones.wall)[0] * 0.96, 0.035, 75)), 0.4)
    plaster(brush, stage, wall)
    side = -1.0 if stage.light.side < 0 else 1.0
    with brush.depth(24):
        x = w * (0.5 + side * 0.38)
        window(brush, stage, x - 0.20 * w, e - 0.72 * h, x + 0.20 * w, e - 0.20 * h, 2, 3)
        brush.rect(-w, e - 0.11 * h, 2 * w, e + 0.02 * h, shift(wall, -0.16), alpha=0.8)
        brush.rect(
            w * (0.5 - side * 0.42) - 0.17 * w,
            e - 0.30 * h,
            w * (0.5 - side * 0.42) + 0.17 * w,
            e,
            tones.muted(shift(wall, -0.14), 0.4),
            radius=40,
        )
        pot_plant(
            brush,
            w * (0.5 - side * brush.rng.uniform(0.20, 0.28)),
            e - 0.03 * h,
            0.09 * w,
            tones.tint((0.85, 0.80, 0.74)),
            tones.tint(oklch(0.55, 0.09, 140)),
            stage.light.side,
        )


def _table_ground(brush: Brush, stage: Stage) -> None:
    wood = WALNUT if stage.mood in ("premium", "cosy") else OAK
    lay_surface(brush, stage, "wood", tinted(stage, wood), rim=shift(wood[0], 0.18), soft_edge=5)


def tinted(stage: Stage, colors: tuple[Rgb, Rgb, Rgb], share: float = 0.10) -> tuple[Rgb, Rgb, Rgb]:
    """Three material colours drawn towards the scene's key hue."""
    a, b, c = (stage.tones.tint(rgb, share) for rgb in colors)
    return a, b, c


def _kitchen_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    tile = mix(tones.wall, oklch(0.93, 0.012, 90), 0.45)
    plaster(brush, stage, shift(tile, -0.02))
    tall, wide = 0.062 * h, 0.152 * w
    grout = shift(tile, -0.10)
    with brush.depth(4.5):
        shelf_y = e - 0.46 * h
        brush.rect(-w, shelf_y, 2 * w, e + 9, grout)
        with brush.repeated(9 * wide):
            for row in range(9):
                for column in range(-1, 8):
                    x = column * wide + (row % 2) * wide / 2 + stage.offset[0] % wide - wide
                    y = e - (row + 1) * tall
                    tone = shift(tile, float(brush.rng.normal(0, 0.012)))
                    brush.panel(
                        x + 2.5 * brush.unit,
                        y + 2.5 * brush.unit,
                        x + wide - 2.5 * brush.unit,
                        y + tall - 2.5 * brush.unit,
                        [(0.0, shift(tone, 0.035)), (0.16, tone), (1.0, shift(tone, -0.02))],
                        radius=4,
                    )
    with brush.depth(9):
        brush.rect(-w, shelf_y + 0.012 * h, 2 * w, shelf_y + 0.06 * h, shift(tile, -0.3), alpha=0.3, blur=16)
        brush.panel(
            -w,
            shelf_y - 0.012 * h,
            2 * w,
            shelf_y + 0.016 * h,
            ramp(shift(OAK[0], 0.04), shift(OAK[1], -0.06)),
        )
        x = 0.03 * w
        while x < w:
            jar_w, jar_h = brush.rng.uniform(0.06, 0.10) * w, brush.rng.uniform(0.08, 0.16) * h
            kinds = (
                tones.tint((0.90, 0.88, 0.84)),
                tones.muted(oklch(0.66, 0.04, 80), 0.6),
                oklch(0.62, 0.08, 60),
                oklch(0.6, 0.07, 140),
            )
            rgb = kinds[int(brush.rng.integers(4))]
            brush.cylinder(
                x, shelf_y - 0.012 * h - jar_h, x + jar_w, shelf_y - 0.012 * h, rgb, stage.light.side
            )
            brush.rect(
                x + 0.1 * jar_w,
                shelf_y - 0.03 * h - jar_h,
                x + 0.9 * jar_w,
                shelf_y - 0.01 * h - jar_h,
                OAK[0],
                radius=3,
            )
            x += jar_w + brush.rng.uniform(0.015, 0.08) * w
    side = -1.0 if stage.light.side < 0 else 1.0
    with brush.depth(13):
        pot_plant(
            brush,
            w * (0.5 + side * 0.40),
            e + 0.02 * h,
            0.11 * w,
            tones.tint((0.80, 0.55, 0.42)),
            oklch(0.58, 0.12, 138),
            stage.light.side,
        )
        bx = w * (0.5 - side * 0.40)
        brush.panel(
            bx - 0.10 * w,
            e - 0.26 * h,
            bx + 0.08 * w,
            e + 0.02 * h,
            ramp(OAK[0], OAK[1]),
            radius=22,
            across=True,
        )


def _kitchen_ground(brush: Brush, stage: Stage) -> None:
    if stage.mood in ("premium", "fresh"):
        stone = (oklch(0.90, 0.006, 90), oklch(0.83, 0.008, 80), oklch(0.65, 0.01, 80))
        lay_surface(brush, stage, "stone", tinted(stage, stone), rim=WHITE, soft_edge=4, scale=0.8)
        return
    lay_surface(brush, stage, "wood", tinted(stage, OAK), scale=0.62, rim=shift(OAK[0], 0.18), soft_edge=4)


def book_row(brush: Brush, left: float, right: float, base: float, height: float, colors: list[Rgb]) -> None:
    """Books side by side on a shelf."""
    spines = [
        ([(0.0, shift(c, -0.08)), (0.3, shift(c, 0.03)), (1.0, shift(c, -0.1))], shift(c, 0.18))
        for c in colors
    ]
    x = left
    while x < right:
        wide, tall = brush.rng.uniform(0.16, 0.34) * height, brush.rng.uniform(0.72, 1.0) * height
        stops, band = spines[int(brush.rng.integers(len(colors)))]
        brush.panel(x, base - tall, x + wide, base, stops, across=True)
        brush.rect(x, base - tall * 0.86, x + wide, base - tall * 0.80, band, alpha=0.6)
        x += wide * brush.rng.uniform(1.0, 1.12)


def _cafe_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = tones.tint(oklch(0.46 if not stage.light.night else 0.34, 0.045, 58), 0.22)
    plaster(brush, stage, wall)
    side = -1.0 if stage.light.side < 0 else 1.0
    with brush.depth(15):
        x = w * (0.5 + side * 0.34)
        window(brush, stage, x - 0.26 * w, e - 0.70 * h, x + 0.26 * w, e - 0.12 * h, 3, 2)
    with brush.depth(15):
        x = w * (0.5 - side * 0.28)
        for level in (0.20, 0.36):
            y = e - level * h
            for _ in range(9):
                bx = x + brush.rng.uniform(-0.24, 0.24) * w
                bw, bh = brush.rng.uniform(0.02, 0.045) * w, brush.rng.uniform(0.05, 0.10) * h
                kind = (oklch(0.6, 0.08, 55), oklch(0.75, 0.05, 80), tones.muted(oklch(0.58, 0.05, 60), 0.5))[
                    int(brush.rng.integers(3))
                ]
                brush.cylinder(bx, y - bh, bx + bw, y, kind, stage.light.side)
            brush.rect(x - 0.28 * w, y, x + 0.28 * w, y + 0.014 * h, WALNUT[0])
        brush.panel(-w, e - 0.10 * h, 2 * w, e + 0.02 * h, ramp(WALNUT[1], shift(WALNUT[2], -0.02)))
        for i in range(3):
            lx = w * (0.16 + 0.33 * i + brush.rng.uniform(-0.03, 0.03))
            ly = e - brush.rng.uniform(0.56, 0.63) * h
            brush.rect(lx - 2.5, -h, lx + 2.5, ly, oklch(0.2, 0.01, 60))
            bell = [(-0.016, -0.050), (0.016, -0.050), (0.066, 0.022), (-0.066, 0.022)]
            brush.oval(lx, ly + 0.022 * h, 0.040 * w, 0.026 * h, oklch(0.97, 0.06, 85))
            brush.path(polygon([(lx + x * w, ly + y * h) for x, y in bell]), oklch(0.24, 0.02, 60))
            brush.glow(lx, ly + 0.04 * h, 0.20 * w, LAMP_LIGHT, 0.75)
    brush.bokeh(
        16, (0, e - 0.62 * h, w, e - 0.12 * h), [LAMP_LIGHT, oklch(0.8, 0.11, 60)], (12, 34), (0.12, 0.36)
    )


def _cafe_ground(brush: Brush, stage: Stage) -> None:
    lay_surface(
        brush, stage, "wood", tinted(stage, WALNUT), scale=1.15, rim=oklch(0.8, 0.07, 70), soft_edge=6
    )


INDOOR: dict[str, Setting] = {
    "wood_table": Setting(_table_backdrop, _table_ground, (0.10, 0.16), 0.28, gloss=0.06),
    "kitchen_counter": Setting(_kitchen_backdrop, _kitchen_ground, (0.09, 0.14), 0.26, gloss=0.08),
    "cafe_table": Setting(_cafe_backdrop, _cafe_ground, (0.09, 0.13), 0.26, gloss=0.12, glow=0.55),
}
