"""Nature: forest trail, mountain camp, beach."""

from __future__ import annotations

import math

import numpy as np
import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, tinted
from ray_tasks.pictures.stage import Setting, Stage, lay_surface

LEAF: dict[str, tuple[Rgb, Rgb]] = {
    "all": (oklch(0.52, 0.10, 138), oklch(0.64, 0.12, 128)),
    "spring": (oklch(0.62, 0.13, 130), oklch(0.76, 0.13, 122)),
    "summer": (oklch(0.50, 0.11, 138), oklch(0.62, 0.13, 130)),
    "autumn": (oklch(0.58, 0.13, 58), oklch(0.68, 0.14, 75)),
    "winter": (oklch(0.58, 0.03, 190), oklch(0.86, 0.012, 230)),
}


def sky_tones(stage: Stage) -> tuple[Rgb, Rgb]:
    """Colour overhead and at the horizon."""
    if stage.light.night:
        return oklch(0.24, 0.06, 265), oklch(0.46, 0.09, 285)
    top = mix(oklch(0.74, 0.08, 240), stage.light.haze, 0.25)
    return stage.tones.tint(top, 0.10), mix(oklch(0.93, 0.025, 220), stage.light.haze, 0.75)


def sun_x(stage: Stage) -> float:
    """Column of the sun."""
    return stage.width * (0.5 + 0.34 * stage.light.side)


def ridge(brush: Brush, stage: Stage, base: float, height: float, detail: float) -> skia.Path:
    """A mountain ridge: midpoint-displaced line from left to right, filled down to the bottom."""
    rng = brush.rng
    line = np.array([rng.uniform(0.2, 0.7), rng.uniform(0.4, 1.0), rng.uniform(0.2, 0.7)])
    spread = 0.42
    while len(line) < 130:
        middle = (line[:-1] + line[1:]) / 2 + rng.normal(0, spread * 0.5, len(line) - 1)
        grown = np.empty(len(line) * 2 - 1)
        grown[0::2], grown[1::2] = line, middle
        line, spread = grown, spread * detail
    line = (line - line.min()) / max(1e-6, float(np.ptp(line)))
    xs = np.linspace(-0.05, 1.05, len(line)) * stage.width
    reach = 1.1 * stage.width
    # Beyond the frame, hills and valleys come again the other way round.
    line, xs = np.r_[line[:0:-1], line, line[-2::-1]], np.r_[xs[:-1] - reach, xs, xs[1:] + reach]
    points = [(float(x), base - height * float(y)) for x, y in zip(xs, line, strict=True)]
    return polygon([*points, (float(xs[-1]), base + stage.height), (float(xs[0]), base + stage.height)])


def pine(brush: Brush, x: float, base: float, tall: float, rgb: Rgb, snow: Rgb | None = None) -> None:
    """A fir of six tiers, `tall` pixels high; `snow` lies on the middle of its tiers, their dark fringes hang out."""
    brush.rect(x - 0.025 * tall, base - 0.15 * tall, x + 0.025 * tall, base, oklch(0.30, 0.03, 55))
    for part in range(6):
        y, half = base - tall * (0.08 + 0.135 * part), tall * 0.235 * (1 - 0.14 * part)
        tier = polygon([(x - half, y), (x, y + 0.03 * tall), (x + half, y), (x, y - tall * 0.26)])
        brush.path(tier, shift(rgb, -0.05 + 0.015 * part))
        if snow is not None:
            cap = [
                (x + side * half, y - drop * tall)
                for side, drop in zip(
                    (-0.62, -0.38, -0.16, 0.04, 0.27, 0.48), brush.rng.uniform(0.045, 0.105, 6), strict=True
                )
            ]
            brush.path(polygon([*cap, (x, y - tall * 0.26)]), mix(snow, rgb, 0.12), alpha=0.8)


def _forest_backdrop(brush: Brush, stage: Stage) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    dark, light = (stage.tones.tint(rgb, 0.12) for rgb in LEAF[stage.season])
    haze = mix(haze, light, 0.34)
    brush.wash(0, h, [(0.0, mix(sky, light, 0.35)), (0.55, haze), (1.0, mix(haze, dark, 0.3))])
    sun = sun_x(stage)
    brush.glow(sun, e - 0.42 * h, 0.55 * w, stage.light.haze, 0.85)
    layers = 4
    for layer in range(layers):
        near = layer / (layers - 1)
        bark = mix(mix(haze, dark, 0.35), oklch(0.27, 0.03, 65), 0.15 + 0.80 * near)
        leaf = mix(haze, mix(dark, light, 0.30), 0.45 + 0.55 * near)
        with brush.depth((9, 9, 8, 12)[layer]), brush.repeated(1.1 * w):
            floor_y = e - (0.115 - 0.10 * near) * h
            count = 11 - 2 * layer
            for i in range(count):
                x = (i + brush.rng.uniform(0.0, 1.0)) / count * 1.1 * w - 0.05 * w
                if near > 0.6 and abs(x - stage.product.center_x) < 0.20 * w:
                    x += 0.24 * w * (1 if x > stage.product.center_x else -1)
                half = (0.006 + 0.020 * near**1.4) * w * brush.rng.uniform(0.7, 1.3)
                lean = brush.rng.uniform(-0.02, 0.02) * w
                trunk = polygon(
                    [
                        (x - half * 0.7 + lean, -h),
                        (x + half * 0.7 + lean, -h),
                        (x + half * 1.25, floor_y + 9),
                        (x - half * 1.25, floor_y + 9),
                    ]
                )
                lit = 1 if x < sun else -1
                stops = [(0.0, shift(bark, 0.07 * -lit)), (1.0, shift(bark, 0.07 * lit))]
                brush.canvas.drawPath(trunk, brush.gradient((x - half, 0), (x + half, 0), stops))
                if near > 0.3:
                    for _ in range(2):
                        y = brush.rng.uniform(0.15, 0.7) * floor_y
                        tip = (
                            x + brush.rng.choice((-1, 1)) * brush.rng.uniform(0.05, 0.12) * w,
                            y - 0.06 * h,
                        )
                        brush.stroke(polygon([(x, y), tip], closed=False), bark, 3 + 5 * near)
            brush.foliage(
                70 + 30 * layer,
                (-0.05 * w, -0.05 * h, 1.05 * w, (0.20 + 0.06 * (1 - near)) * e * 1.2),
                [leaf, shift(leaf, 0.06), shift(leaf, -0.05)],
                (14 + 10 * near, 30 + 26 * near),
            )
            if layer < layers - 1:
                ground = mix(haze, mix(dark, oklch(0.40, 0.05, 80), 0.4), 0.30 + 0.5 * near)
                brush.wash(floor_y, e + 9, [(0.0, ground), (1.0, shift(ground, -0.06))], [0.85, 1.0])
                brush.foliage(
                    60,
                    (-0.05 * w, floor_y - 0.035 * h, 1.05 * w, floor_y + 0.03 * h),
                    [leaf, shift(leaf, -0.06)],
                    (10 + 8 * near, 24 + 16 * near),
                )
        brush.wash(0, e, [(0.0, haze), (1.0, haze)], [0.0, 0.20 * (1 - near)])
    path_tone = mix(oklch(0.66, 0.04, 75), haze, 0.35)
    with brush.depth(12):
        px = stage.product.center_x + (0.14 * w if stage.product.center_x < w / 2 else -0.14 * w)
        trail = skia.PathBuilder()
        trail.moveTo(px, e - 0.10 * h)
        trail.quadTo(px + 0.06 * w, e - 0.05 * h, px - 0.14 * w, e + 0.01 * h)
        trail.lineTo(px + 0.20 * w, e + 0.01 * h)
        trail.quadTo(px + 0.14 * w, e - 0.05 * h, px + 0.025 * w, e - 0.10 * h)
        trail.close()
        brush.path(trail.detach(), path_tone)
    beams = stage.light.haze
    with brush.depth(16, skia.BlendMode.kScreen):
        for i in range(4):
            x = sun + (i - 1.5) * 0.09 * w
            lean = -0.28 * w * stage.light.side
            brush.path(
                polygon([(x, -9), (x + 0.04 * w, -9), (x + lean + 0.14 * w, e), (x + lean, e)]),
                beams,
                alpha=0.10,
            )
    brush.bokeh(26, (0, 0.02 * h, w, 0.55 * e), [mix(light, stage.light.haze, 0.6)], (7, 24), (0.10, 0.34))


def _rock_ground(brush: Brush, stage: Stage) -> None:
    moss = (
        oklch(0.90, 0.01, 230)
        if stage.season == "winter"
        else mix(LEAF["summer"][0], LEAF[stage.season][0], 0.3)
    )
    rock = (oklch(0.76, 0.014, 80), oklch(0.62, 0.016, 75), moss)
    lay_surface(
        brush,
        stage,
        "rock",
        tinted(stage, rock),
        roughness=7.0,
        rim=oklch(0.85, 0.02, 90),
        soft_edge=4,
        scale=1.25,
        near_shade=0.32,
    )


def _forest_floor(brush: Brush, stage: Stage) -> None:
    """Soil with moss, and last year's leaves on it."""
    dark, light = LEAF[stage.season]
    moss = shift(mix(dark, LEAF["summer"][0], 0.4), 0.01)
    soil = (oklch(0.58, 0.055, 66), oklch(0.43, 0.050, 58), moss)
    if stage.season == "winter":
        soil = (oklch(0.80, 0.012, 235), oklch(0.52, 0.025, 60), oklch(0.93, 0.008, 235))
    lay_surface(brush, stage, "rock", tinted(stage, soil, 0.05), roughness=6.0, soft_edge=6, near_shade=0.14)
    w, h, rng = stage.width, stage.height, brush.rng
    fallen = (oklch(0.50, 0.075, 60), oklch(0.58, 0.085, 72), oklch(0.42, 0.06, 48), mix(light, dark, 0.5))
    for _ in range(190):
        y = stage.edge_y + (h - stage.edge_y) * rng.uniform(0.03, 1.0)
        x, turn = rng.uniform(0, w), rng.uniform(0, 2 * math.pi)
        near = (y - stage.horizon_y) / max(1.0, stage.contact_y - stage.horizon_y)
        long, wide = (size * near * stage.unit for size in (rng.uniform(7, 15), rng.uniform(2.5, 5.0)))
        dx, dy = math.cos(turn), 0.45 * math.sin(turn)
        leaf = [
            (-dx * long, -dy * long),
            (-dy * wide, dx * wide),
            (dx * long, dy * long),
            (dy * wide, -dx * wide),
        ]
        # Out of focus before and behind the product: fainter there.
        seen = max(0.25, 1 - 3.2 * abs(y - stage.contact_y) / h)
        below = 1.6 * near * stage.unit
        brush.path(polygon([(x + p, y + q + below) for p, q in leaf]), (0.08, 0.06, 0.05), alpha=0.4 * seen)
        tone = shift(fallen[int(rng.integers(4))], rng.uniform(-0.06, 0.04))
        brush.path(polygon([(x + p, y + q) for p, q in leaf]), tone, alpha=0.85 * seen)


def _mountain_backdrop(brush: Brush, stage: Stage) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    brush.wash(0, h, [(0.0, sky), (0.5 * e / h, mix(sky, haze, 0.75)), (e / h, haze), (1.0, haze)])
    sun = sun_x(stage)
    brush.glow(sun, e - 0.34 * h, 0.60 * w, stage.light.haze, 0.9 if not stage.light.night else 0.25)
    if stage.light.night:
        with brush.repeated(w):
            for _ in range(90):
                x, y = brush.rng.uniform(0, w), brush.rng.uniform(0, 0.6 * e)
                r = brush.rng.uniform(0.6, 1.9) * brush.unit
                brush.oval(x, y, r, r, (1, 1, 1), alpha=brush.rng.uniform(0.3, 0.9))
    stone = stage.tones.tint(oklch(0.46, 0.045, 255), 0.12)
    for layer, (lift, height, sigma) in enumerate(((0.17, 0.30, 6), (0.12, 0.21, 6), (0.06, 0.13, 7))):
        tone = mix(haze, stone if not stage.light.night else oklch(0.24, 0.04, 268), 0.26 + 0.24 * layer)
        path = ridge(brush, stage, e - lift * h, height * h, 0.52)
        with brush.depth(sigma):
            brush.canvas.drawPath(
                path,
                brush.gradient(
                    (0, e - (lift + height) * h), (0, e), ramp(shift(tone, -0.035), mix(tone, haze, 0.55))
                ),
            )
            if layer == 0:
                brush.canvas.save()
                brush.canvas.clipPath(path, doAntiAlias=True)
                snow = ridge(brush, stage, e - (lift + 0.02) * h, 0.16 * h, 0.62)
                brush.rect(
                    -2 * w,
                    -h,
                    3 * w,
                    e,
                    (1, 1, 1),
                    alpha=0.10 if stage.light.night else 0.55 if stage.season != "summer" else 0.3,
                )
                brush.path(snow, mix(tone, haze, 0.2))
                brush.canvas.restore()
    pine = stage.tones.tint(oklch(0.36, 0.045, 160), 0.1)
    pine = mix(pine, haze, 0.12)
    with brush.depth(9), brush.repeated(w):
        for i in range(26):
            x = (i + brush.rng.uniform(0, 1)) / 26 * w
            if abs(x - stage.product.center_x) < 0.13 * w:
                continue
            tall = brush.rng.uniform(0.10, 0.22) * h
            for part in range(4):
                y = e - tall * (0.15 + 0.22 * part)
                half = tall * 0.17 * (1 - 0.2 * part)
                brush.path(
                    polygon([(x - half, y), (x + half, y), (x, y - tall * 0.34)]), shift(pine, 0.02 * part)
                )
        meadow = mix(mix(LEAF[stage.season][0], LEAF["summer"][0], 0.6), haze, 0.2)
        brush.wash(e - 0.045 * h, e + 0.05 * h, [(0.0, meadow), (1.0, shift(meadow, -0.12))])
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    tx, base, half = (
        stage.product.center_x + side * brush.rng.uniform(0.33, 0.38) * w,
        e + 0.012 * h,
        0.19 * w,
    )
    cloth = mix(stage.tones.accent, oklch(0.68, 0.13, 58), 0.7)
    lit = stage.light.night or stage.mood == "cosy" or stage.light.gobo == "leaves"
    _tall_pines(brush, stage, pine)
    with brush.depth(7.5):
        peak = (tx - side * 0.03 * w, base - 0.21 * h)
        front = polygon([(tx - half, base), (tx + half * 0.45, base), peak])
        flank = polygon(
            [
                (tx + half * 0.45, base),
                (tx + half * 1.1, base - 0.01 * h),
                (peak[0] + half * 0.7, peak[1] + 0.02 * h),
                peak,
            ]
        )
        glow_tone = oklch(0.90, 0.12, 78) if lit else shift(cloth, 0.08)
        brush.canvas.drawPath(
            flank, brush.gradient((0, peak[1]), (0, base), ramp(shift(cloth, -0.03), shift(cloth, -0.16)))
        )
        brush.canvas.drawPath(
            front, brush.gradient((0, peak[1]), (0, base), ramp(shift(cloth, 0.03), glow_tone))
        )
        door = polygon(
            [(tx - half * 0.50, base), (tx - half * 0.02, base), (peak[0] - 0.004 * w, base - 0.145 * h)]
        )
        brush.path(door, oklch(0.97, 0.06, 88) if lit else shift(cloth, -0.3))
    if lit:
        brush.glow(tx, base - 0.06 * h, 0.30 * w, LAMP_LIGHT, 0.55)


def _tall_pines(brush: Brush, stage: Stage, rgb: Rgb) -> None:
    """Large pines at the frame's borders: they frame the view and say forest at thumbnail size."""
    w, h, e = stage.width, stage.height, stage.edge_y
    with brush.depth(6):
        for x, tall in ((0.035, 0.54), (0.965, 0.60)):
            cx, high = (x + brush.rng.uniform(-0.015, 0.015)) * w, tall * h * brush.rng.uniform(0.9, 1.1)
            brush.rect(cx - 0.007 * w, e - 0.15 * high, cx + 0.007 * w, e + 9, oklch(0.30, 0.03, 55))
            for part in range(7):
                y = e - high * (0.07 + 0.125 * part)
                half = high * 0.15 * (1 - 0.125 * part)
                brush.path(
                    polygon([(cx - half, y), (cx, y + 0.018 * high), (cx + half, y), (cx, y - high * 0.20)]),
                    shift(rgb, -0.05 + 0.012 * part),
                )


def _beach_backdrop(brush: Brush, stage: Stage) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    sea_y = e - 0.17 * h
    brush.wash(0, sea_y + 9, [(0.0, sky), (0.7, mix(sky, haze, 0.7)), (1.0, haze)])
    sun = sun_x(stage)
    with brush.depth(24):
        for _ in range(7):
            x, y = brush.rng.uniform(0, w), sea_y - brush.rng.uniform(0.10, 0.5) * h
            for _ in range(6):
                brush.oval(
                    x + brush.rng.normal(0, 0.07) * w,
                    y + brush.rng.normal(0, 0.008) * h,
                    0.10 * w,
                    0.018 * h,
                    mix(haze, (1, 1, 1), 0.6),
                    alpha=0.5,
                )
    brush.glow(sun, sea_y - 0.08 * h, 0.6 * w, stage.light.haze, 0.9)
    deep = (
        stage.tones.tint(oklch(0.58, 0.085, 225), 0.10) if not stage.light.night else oklch(0.28, 0.06, 255)
    )
    shallow = mix(oklch(0.80, 0.075, 195), deep, 0.1 if not stage.light.night else 0.8)
    with brush.depth(6):
        brush.wash(
            sea_y,
            e + 0.03 * h,
            [(0.0, mix(deep, haze, 0.25)), (0.35, deep), (0.8, shallow), (1.0, mix(shallow, (1, 1, 1), 0.4))],
        )
        with brush.repeated(1.1 * w):
            for i in range(110):
                t = brush.rng.random() ** 1.5
                y = sea_y + t * (e - sea_y)
                x, half = brush.rng.uniform(-0.05, 1.05) * w, (0.012 + 0.08 * t) * w
                tone = mix(stage.light.haze, (1, 1, 1), 0.5) if i % 3 else shift(deep, -0.07)
                near_sun = max(0.15, 1 - abs(x - sun) / (0.5 * w))
                brush.oval(x, y, half, (0.8 + 3 * t) * brush.unit, tone, alpha=0.5 * near_sun)
        for k, lift in enumerate((0.028, 0.004)):
            foam = skia.PathBuilder()
            phase = brush.rng.uniform(0, 6.28)
            foam.moveTo(-2 * w, e - lift * h)
            for i in range(-80, 121):
                x = w * i / 40
                foam.lineTo(x, e - lift * h + math.sin(i * 0.42 + phase) * (4 + 3 * k) * brush.unit)
            brush.stroke(foam.detach(), (1, 1, 1), 9 + 9 * k, alpha=0.85, blur=2)
    with brush.depth(9):
        side = -stage.light.side or 1.0
        palm = stage.tones.tint(oklch(0.42, 0.08, 140), 0.1)
        ox, oy = (1.02 * w if side > 0 else -0.02 * w), 0.02 * h
        bend = ((0.0, oy), (0.09, 0.22 * h), (0.21, 0.5 * h), (0.36, e + 0.04 * h))
        trunk = polygon([(ox + side * x * w, y) for x, y in bend], closed=False)
        brush.stroke(trunk, mix(palm, oklch(0.45, 0.04, 60), 0.7), 26)
        for k in range(5):
            angle = math.pi * (0.62 + 0.15 * k) if side > 0 else math.pi * (0.38 - 0.15 * k)
            for step in range(17):
                t = step / 16
                px = ox + math.cos(angle) * t * 0.40 * w
                py = oy + abs(math.sin(angle)) * t * 0.22 * h + t * t * 0.10 * h
                for turn in (-1, 1):
                    a = angle + turn * 0.7 + 0.5
                    length = (0.10 - 0.06 * t) * w
                    leaf = polygon(
                        [
                            (px, py),
                            (px + math.cos(a) * length, py + abs(math.sin(a)) * length + 0.02 * h),
                            (px + 0.012 * w, py + 0.004 * h),
                        ]
                    )
                    brush.path(leaf, shift(palm, 0.06 * turn))


def _beach_ground(brush: Brush, stage: Stage) -> None:
    sand = (oklch(0.90, 0.045, 82), oklch(0.82, 0.055, 76), oklch(0.60, 0.055, 65))
    lay_surface(brush, stage, "sand", tinted(stage, sand, 0.06), roughness=2.5, soft_edge=9, near_shade=0.15)


OUTDOOR: dict[str, Setting] = {
    "forest_trail": Setting(
        _forest_backdrop, _forest_floor, (0.08, 0.12), 0.18, usual_cm=40, open_air=True, unscaled=True
    ),
    "mountain_camp": Setting(
        _mountain_backdrop,
        _rock_ground,
        (0.09, 0.13),
        0.17,
        glow=0.62,
        usual_cm=40,
        open_air=True,
        unscaled=True,
    ),
    "beach_sand": Setting(
        _beach_backdrop, _beach_ground, (0.13, 0.18), 0.14, usual_cm=40, open_air=True, unscaled=True
    ),
}
