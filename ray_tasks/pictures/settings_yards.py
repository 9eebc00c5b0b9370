"""Yards and open air: potting bench, market stall, terrace, snow."""

from __future__ import annotations

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, OAK, pot_plant, tinted
from ray_tasks.pictures.settings_outdoor import LEAF, pine, ridge, sky_tones, sun_x
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, free_side, lay_surface


def _potting_backdrop(brush: Brush, stage: Stage) -> None:
    """A greenhouse: panes with green behind them, shelves of clay pots and seedlings."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    _, haze = sky_tones(stage)
    dark, light = (tones.tint(rgb, 0.08) for rgb in LEAF[stage.season])
    brush.wash(0, e + 9, [(0.0, mix(haze, WHITE, 0.4)), (1.0, mix(haze, light, 0.5))])
    with brush.depth(20), brush.repeated(1.1 * w):
        brush.foliage(
            90,
            (-0.05 * w, e - 0.60 * h, 1.05 * w, e),
            [mix(dark, haze, 0.45), mix(light, haze, 0.45)],
            (24, 62),
        )
    brush.wash(0, e, [(0.0, haze), (1.0, haze)], [0.35, 0.15])
    bar = tones.tint(oklch(0.93, 0.012, 110))
    with brush.depth(6):
        for i in range(-6, 12):
            x = (i / 5) * 1.04 * w - 0.02 * w
            brush.rect(x - 0.009 * w, -h, x + 0.009 * w, e, bar)
            brush.rect(x + 0.009 * w, -h, x + 0.013 * w, e, shift(bar, -0.3), alpha=0.5)
        for y in (e - 0.47 * h, e - 0.83 * h):
            brush.rect(-w, y - 0.006 * h, 2 * w, y + 0.006 * h, bar)
        roof = e - 0.66 * h
        for k in (-1.0, 1.0):
            brush.stroke(
                polygon([(w / 2, roof - 0.30 * h), (w / 2 + k * 0.75 * w, roof + 0.06 * h)], closed=False),
                bar,
                16,
            )
    clay = oklch(0.60, 0.095, 45)
    with brush.depth(7):
        shelf = e - 0.235 * h
        brush.panel(-w, shelf, 2 * w, shelf + 0.024 * h, ramp(OAK[0], OAK[1]))
        for row, size in ((shelf, 0.058), (e + 0.018 * h, 0.080)):
            x = brush.rng.uniform(0.0, 0.05) * w
            while x < w:
                if abs(x - stage.product.center_x) > 0.5 * stage.product.width or row < e:
                    kind = int(brush.rng.integers(3))
                    tone = shift(clay, float(brush.rng.uniform(-0.06, 0.05)))
                    if kind:
                        leaf = mix(dark, light, float(brush.rng.uniform(0.1, 0.9)))
                        pot_plant(brush, x, row, size * w, tone, shift(leaf, -0.04), stage.light.side)
                    else:
                        for k in range(2):
                            top = row - (0.95 + 0.28 * k) * size * w
                            brush.cylinder(
                                x - 0.46 * size * w,
                                top,
                                x + 0.46 * size * w,
                                row - 0.28 * k * size * w,
                                tone,
                                stage.light.side,
                            )
                            brush.rect(
                                x - 0.52 * size * w,
                                top,
                                x + 0.52 * size * w,
                                top + 0.2 * size * w,
                                shift(tone, 0.04),
                                radius=4,
                            )
                x += brush.rng.uniform(1.5, 2.5) * size * w
    brush.glow(sun_x(stage), e - 0.6 * h, 0.6 * w, stage.light.haze, 0.55)


def _potting_ground(brush: Brush, stage: Stage) -> None:
    worn = (oklch(0.68, 0.05, 72), oklch(0.54, 0.05, 62), oklch(0.34, 0.03, 55))
    lay_surface(brush, stage, "wood", tinted(stage, worn), scale=0.9, rim=shift(worn[0], 0.12), soft_edge=4)
    w, h = stage.width, stage.height
    soil = oklch(0.30, 0.03, 55)
    side = free_side(stage)
    for _ in range(70):
        x = stage.product.center_x + side * (
            0.5 * stage.product.width + abs(brush.rng.normal(0.10, 0.07)) * w
        )
        y = stage.contact_y + brush.rng.normal(0.0, 0.028) * h
        r = brush.rng.uniform(2.0, 7.0) * brush.unit
        brush.oval(
            x,
            max(stage.edge_y + 9, y),
            r * 1.3,
            r * 0.8,
            shift(soil, float(brush.rng.uniform(-0.06, 0.08))),
            alpha=0.95,
        )


def _market_backdrop(brush: Brush, stage: Stage) -> None:
    """A stall: striped awning, crates of fruit and vegetables, a chalk board."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    _, haze = sky_tones(stage)
    back = mix(tones.tint(oklch(0.62, 0.04, 75)), haze, 0.2)
    plaster(brush, stage, back)
    _, chroma, hue = to_lch(tones.accent)
    stripe = oklch(0.56, max(0.10, chroma), hue)
    with brush.depth(6):
        low, wide = e - 0.60 * h, 0.098 * w
        for i in range(-12, 23):
            x = i * wide
            tone = stripe if i % 2 else oklch(0.95, 0.012, 90)
            stops = [(0.0, shift(tone, -0.10)), (0.8, tone), (1.0, shift(tone, 0.03))]
            brush.rect(x, -h, x + wide + 1, -8, stops[0][1])
            brush.panel(x, -9, x + wide + 1, low, stops)
            brush.oval(x + wide / 2, low, wide / 2, 0.028 * h, shift(tone, 0.01))
        brush.rect(-w, low + 0.03 * h, 2 * w, low + 0.10 * h, shift(back, -0.3), alpha=0.35, blur=20)
    side = free_side(stage)
    heaps = [
        oklch(0.60, 0.19, 30),
        oklch(0.72, 0.16, 58),
        oklch(0.82, 0.15, 95),
        oklch(0.62, 0.15, 135),
        oklch(0.42, 0.10, 345),
        oklch(0.70, 0.15, 125),
    ]
    start = int(brush.rng.integers(6))
    for row, (base, tall, sigma) in enumerate(((e - 0.165 * h, 0.075, 8), (e + 0.012 * h, 0.105, 7))):
        with brush.depth(sigma):
            wide = (0.205, 0.27)[row] * w
            x = -wide * brush.rng.uniform(0.2, 0.7)
            k = start + 2 * row
            while x < w:
                fruit = heaps[k % 6]
                r = (0.027 + 0.006 * row) * w
                for level in range(3):
                    for i in range(7 - level):
                        fx = x + (0.07 + 0.143 * (i + 0.5 * level)) * wide + brush.rng.uniform(-0.1, 0.1) * r
                        fy = base - tall * h - 0.15 * r - level * 1.05 * r
                        brush.sphere(
                            fx, fy, r, shift(fruit, float(brush.rng.uniform(-0.05, 0.05))), stage.light.side
                        )
                for i in range(3):
                    y = base - tall * h * (1 - i / 3)
                    board = shift(OAK[0], float(brush.rng.uniform(-0.03, 0.03)))
                    brush.panel(
                        x,
                        y,
                        x + 0.96 * wide,
                        y + 0.285 * tall * h,
                        ramp(shift(board, 0.04), shift(board, -0.06)),
                    )
                for dx in (0.0, 0.91):
                    brush.rect(x + dx * wide, base - tall * h, x + (dx + 0.05) * wide, base, OAK[1])
                x += wide
                k += 1
    with brush.depth(5):
        x, y = min(0.86 * w, max(0.14 * w, stage.product.center_x + side * 0.34 * w)), e - 0.45 * h
        brush.panel(x - 0.10 * w, y - 0.07 * h, x + 0.10 * w, y + 0.07 * h, ramp(OAK[0], OAK[1]), radius=4)
        brush.rect(x - 0.088 * w, y - 0.058 * h, x + 0.088 * w, y + 0.058 * h, oklch(0.29, 0.015, 160))
        for k in range(3):
            brush.rect(
                x - 0.06 * w,
                y + (-0.033 + 0.03 * k) * h,
                x + (0.06 - 0.03 * (k % 2)) * w,
                y + (-0.025 + 0.03 * k) * h,
                WHITE,
                alpha=0.65,
                radius=3,
            )


def _market_ground(brush: Brush, stage: Stage) -> None:
    wood = (oklch(0.72, 0.06, 72), oklch(0.58, 0.06, 64), oklch(0.36, 0.04, 55))
    lay_surface(brush, stage, "wood", tinted(stage, wood), scale=0.75, rim=shift(wood[0], 0.12), soft_edge=4)


def _terrace_backdrop(brush: Brush, stage: Stage) -> None:
    """A wooden terrace at dusk: hedge, railing, a string of bulbs, planters."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    dark, light = (tones.tint(rgb, 0.08) for rgb in LEAF[stage.season])
    dusk = 0.0 if stage.light.night else 0.25
    brush.wash(
        0, e, [(0.0, mix(sky, oklch(0.55, 0.08, 280), dusk)), (1.0, mix(haze, oklch(0.86, 0.09, 60), 0.45))]
    )
    with brush.depth(16), brush.repeated(1.1 * w):
        hedge = [mix(dark, haze, 0.15), mix(dark, light, 0.4), shift(dark, -0.08)]
        brush.foliage(150, (-0.05 * w, e - 0.42 * h, 1.05 * w, e), hedge, (18, 46))
    rail = tones.tint(oklch(0.50 if not stage.light.night else 0.34, 0.04, 60))
    with brush.depth(7):
        for i in range(-40, 71):
            left = 0.034 * i * w
            brush.rect(left, e - 0.20 * h, left + 0.010 * w, e, shift(rail, -0.04))
        for y, tall in ((e - 0.225 * h, 0.030), (e - 0.035 * h, 0.018)):
            brush.panel(-w, y, 2 * w, y + tall * h, ramp(shift(rail, 0.10), shift(rail, -0.04)))
    side = free_side(stage)
    with brush.depth(7):
        for k in (1.0, -1.0):
            x = min(0.95 * w, max(0.05 * w, stage.product.center_x + side * k * 0.38 * w))
            pot = tones.muted(oklch(0.42 if k > 0 else 0.75, 0.03, 60), 0.4)
            pot_plant(
                brush,
                x,
                e + 0.03 * h,
                (0.115 if k > 0 else 0.085) * w,
                pot,
                mix(dark, light, 0.5),
                stage.light.side,
            )
    bulbs: list[tuple[float, float]] = []
    with brush.depth(4.5):
        for top, sag in ((0.70, 0.13), (0.84, 0.09)):
            wire = [
                (w * (i / 24), e - top * h + sag * h * (1 - (2 * ((i / 12) % 1.0) - 1) ** 2))
                for i in range(-26, 51)
            ]
            brush.stroke(polygon(wire, closed=False), oklch(0.25, 0.02, 60), 3)
            bulbs += wire[::2]
            for x, y in wire[::2]:
                brush.oval(x, y + 0.014 * h, 0.0095 * w, 0.013 * h, oklch(0.97, 0.06, 88))
    for x, y in bulbs:
        brush.glow(x, y + 0.014 * h, 0.055 * w, LAMP_LIGHT, 0.8)


def _terrace_ground(brush: Brush, stage: Stage) -> None:
    deck = (oklch(0.60, 0.05, 60), oklch(0.47, 0.05, 55), oklch(0.28, 0.03, 50))
    lay_surface(
        brush,
        stage,
        "wood",
        tinted(stage, deck),
        scale=0.62,
        rim=oklch(0.80, 0.06, 70),
        soft_edge=5,
        near_shade=0.28,
    )


def _snow_backdrop(brush: Brush, stage: Stage) -> None:
    """Firs under snow in clear cold light, flakes in the air near and far."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    cold = oklch(0.92, 0.02, 235) if not stage.light.night else oklch(0.40, 0.06, 265)
    low = mix(cold, haze, 0.35)
    brush.wash(
        0, e + 9, [(0.0, mix(sky, oklch(0.70, 0.07, 245), 0.4) if not stage.light.night else sky), (1.0, low)]
    )
    brush.glow(sun_x(stage), e - 0.30 * h, 0.6 * w, stage.light.haze, 0.7)
    for lift, height, part in ((0.06, 0.20, 0.30), (0.0, 0.11, 0.12)):
        tone = mix(oklch(0.97, 0.008, 240), mix(low, oklch(0.62, 0.05, 250), 0.5), part + 0.15)
        with brush.depth(9):
            path = ridge(brush, stage, e - lift * h, height * h, 0.40)
            brush.canvas.drawPath(
                path, brush.gradient((0, e - (lift + height) * h), (0, e), ramp(tone, mix(tone, low, 0.5)))
            )
    green = tones.tint(oklch(0.40, 0.045, 175), 0.1)
    snow = oklch(0.96, 0.012, 240) if not stage.light.night else oklch(0.66, 0.05, 262)
    for near, count, sigma in ((0.0, 15, 9), (1.0, 5, 7)):
        with brush.depth(sigma), brush.repeated(1.1 * w):
            for i in range(count):
                x = (i + brush.rng.uniform(0.1, 0.9)) / count * 1.1 * w - 0.05 * w
                if near and abs(x - stage.product.center_x) < 0.24 * w:
                    continue
                tall = brush.rng.uniform(0.85, 1.15) * (0.17 + 0.34 * near) * h
                pine(brush, x, e + 0.015 * h * near, tall, mix(green, low, 0.45 * (1 - near)), snow)
    with brush.depth(8):
        brush.wash(e - 0.03 * h, e + 0.05 * h, [(0.0, mix(snow, low, 0.35)), (1.0, snow)], [0.0, 1.0])
    with brush.repeated(w):
        for r, count, alpha in (((2, 5), 60, (0.4, 0.9)), ((7, 17), 16, (0.15, 0.45))):
            for _ in range(count):
                x, y = brush.rng.uniform(0, w), brush.rng.uniform(0, e)
                size = brush.rng.uniform(*r)
                radius = size * brush.unit
                brush.oval(
                    x, y, radius, radius, WHITE, alpha=brush.rng.uniform(*alpha), blur=float(size * 0.3)
                )


def _snow_ground(brush: Brush, stage: Stage) -> None:
    colors = (oklch(0.97, 0.008, 240), oklch(0.87, 0.022, 245), WHITE)
    lay_surface(
        brush, stage, "snow", tinted(stage, colors, 0.05), roughness=5.0, soft_edge=7, near_shade=0.12
    )


YARDS: dict[str, Setting] = {
    "potting_bench": Setting(_potting_backdrop, _potting_ground, (0.09, 0.13), 0.24),
    "market_stall": Setting(_market_backdrop, _market_ground, (0.08, 0.12), 0.26, open_air=True),
    "deck_terrace": Setting(
        _terrace_backdrop, _terrace_ground, (0.13, 0.18), 0.15, glow=0.72, usual_cm=40, open_air=True
    ),
    "winter_snow": Setting(
        _snow_backdrop, _snow_ground, (0.12, 0.17), 0.13, usual_cm=40, open_air=True, unscaled=True
    ),
}
