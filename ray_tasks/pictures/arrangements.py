"""Other arrangements of settings in which most products of a persona stand: the same kind of place elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from ray_tasks.pictures.arrangements_indoors import (
    cafe_bar,
    cafe_front,
    gym_rig,
    night_window,
    office_shelves,
    reading_corner,
)
from ray_tasks.pictures.brush import Brush, ramp
from ray_tasks.pictures.palette import mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_feasts import GOLD, RED, gift
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, OAK, WALNUT
from ray_tasks.pictures.settings_outdoor import LEAF, pine, sky_tones, sun_x
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Stage, beside_text, free_side


def _pine_wood(brush: Brush, stage: Stage) -> None:
    """Firs in rows up a slope, misty behind."""
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    dark, light = (stage.tones.tint(rgb, 0.12) for rgb in LEAF[stage.season])
    brush.wash(0, h, [(0.0, sky), (0.5, haze), (1.0, mix(haze, dark, 0.35))])
    brush.glow(sun_x(stage), e - 0.55 * h, 0.5 * w, stage.light.haze, 0.8)
    needles = mix(oklch(0.34, 0.05, 155), dark, 0.25)
    snow = oklch(0.94, 0.008, 230) if stage.season == "winter" else None
    for layer in range(4):
        near = layer / 3
        with brush.depth((10, 9, 8, 9)[layer]), brush.repeated(1.1 * w):
            base, count = e - (0.10 - 0.10 * near) * h, 13 - 3 * layer
            tone = mix(haze, needles, 0.30 + 0.68 * near)
            for i in range(count):
                x = (i + brush.rng.uniform(0.1, 0.9)) / count * 1.1 * w - 0.05 * w
                if near > 0.6 and abs(x - stage.product.center_x) < 0.22 * w:
                    continue
                tall = (0.30 + 0.55 * near) * h * brush.rng.uniform(0.75, 1.15)
                pine(brush, x, base + 0.02 * h, tall, tone, snow if near > 0.3 else None)
            ground = mix(mix(haze, light, 0.3), mix(dark, oklch(0.40, 0.05, 80), 0.4), 0.25 + 0.6 * near)
            brush.wash(base, e + 9, [(0.0, ground), (1.0, shift(ground, -0.05))], [0.9, 1.0])
        brush.wash(0, e, [(0.0, haze), (1.0, haze)], [0.0, 0.16 * (1 - near)])


def _wood_edge(brush: Brush, stage: Stage) -> None:
    """A clearing: meadow, the wood behind it, a near trunk at one border of the picture."""
    w, h, e = stage.width, stage.height, stage.edge_y
    sky, haze = sky_tones(stage)
    dark, light = (stage.tones.tint(rgb, 0.12) for rgb in LEAF[stage.season])
    brush.wash(0, h, [(0.0, sky), (0.6, haze), (1.0, mix(haze, light, 0.5))])
    brush.glow(sun_x(stage), e - 0.6 * h, 0.6 * w, stage.light.haze, 0.9)
    far_edge = e - brush.rng.uniform(0.16, 0.24) * h
    with brush.depth(9), brush.repeated(1.1 * w):
        for row in range(3):
            tone = mix(haze, mix(dark, light, 0.25 * row), 0.60 + 0.18 * row)
            top = far_edge - (0.30 - 0.08 * row) * h
            brush.foliage(220, (-0.05 * w, top, 1.05 * w, far_edge), [tone, shift(tone, 0.05)], (12, 30))
        for _ in range(9):
            x = brush.rng.uniform(0, 1) * w
            trunk = mix(haze, oklch(0.32, 0.03, 65), 0.7)
            brush.rect(x, far_edge - 0.12 * h, x + 0.012 * w, far_edge + 0.01 * h, trunk)
        meadow = mix(light, oklch(0.78, 0.10, 110), 0.35)
        brush.wash(far_edge, e + 9, [(0.0, shift(meadow, 0.05)), (1.0, mix(meadow, dark, 0.35))])
        stems = [meadow, shift(meadow, 0.06), mix(meadow, dark, 0.3)]
        brush.foliage(120, (-0.05 * w, far_edge + 0.02 * h, 1.05 * w, e + 0.02 * h), stems, (8, 22))
    side = free_side(stage)
    x = 0.95 * w if side > 0 else 0.05 * w
    bark = oklch(0.30, 0.03, 60)
    with brush.depth(13):
        half = brush.rng.uniform(0.05, 0.08) * w
        stops = [(0.0, shift(bark, -0.05)), (0.5, shift(bark, 0.06)), (1.0, shift(bark, -0.07))]
        brush.panel(x - half, -h, x + half, e + 0.03 * h, stops, across=True)
        leaf = mix(dark, light, 0.4)
        brush.foliage(
            60, (x - 0.3 * w, -0.05 * h, x + 0.3 * w, 0.14 * h), [leaf, shift(leaf, 0.07)], (20, 44)
        )


def _hearth(brush: Brush, stage: Stage) -> None:
    """Christmas by the fire: a mantelpiece with a garland and stockings."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    dark_product = to_lch(tones.product)[0] < 0.42
    wall = tones.tint(oklch(0.70 if dark_product else 0.42, 0.045, 60), 0.3)
    plaster(brush, stage, wall)
    side = free_side(stage)
    # Text needs it dark where it stands, and a fire is bright.
    aside = brush.rng.uniform(0.0, 0.08) + (0.0 if beside_text(stage) else 0.26)
    x, half = stage.product.center_x + side * aside * w, 0.30 * w
    shelf = e - brush.rng.uniform(0.50, 0.58) * h
    stone = shift(wall, 0.14 if not dark_product else -0.16)
    with brush.depth(6):
        brush.panel(x - half, shelf, x + half, e + 9, ramp(shift(stone, 0.03), shift(stone, -0.06)))
        brush.rect(x - 0.68 * half, shelf + 0.13 * h, x + 0.68 * half, e + 9, oklch(0.16, 0.02, 40), radius=8)
        for _ in range(26):
            fx = x + brush.rng.uniform(-0.42, 0.42) * half
            tall = brush.rng.uniform(0.05, 0.17) * h * (1.1 - abs(fx - x) / half)
            flame = oklch(float(brush.rng.uniform(0.68, 0.90)), 0.15, float(brush.rng.uniform(45, 85)))
            brush.oval(fx, e - 0.4 * tall, 0.018 * w, 0.6 * tall, flame, alpha=0.7, blur=5)
        brush.panel(
            x - 1.12 * half, shelf - 0.035 * h, x + 1.12 * half, shelf + 0.015 * h, ramp(OAK[1], WALNUT[1])
        )
        needles = oklch(0.36, 0.065, 155)
        for k in range(46):
            t = k / 45
            gx = x + (2.2 * t - 1.1) * half
            gy = shelf - 0.03 * h + 0.05 * h * (4 * (t * 3 % 1) * (1 - t * 3 % 1))
            brush.oval(gx, gy, 0.022 * w, 0.020 * h, shift(needles, 0.03 * (k % 3) - 0.03))
            if k % 4 == 1:
                brush.glow(gx, gy, 0.03 * w, LAMP_LIGHT, 0.9)
        for k, rgb in enumerate((RED, oklch(0.90, 0.02, 85), mix(tones.accent, RED, 0.4))):
            sx, sy = x + (0.45 * k - 0.45) * half, shelf + 0.02 * h
            brush.rect(sx - 0.022 * w, sy, sx + 0.022 * w, sy + 0.10 * h, rgb, radius=6)
            brush.rect(sx - 0.022 * w, sy + 0.07 * h, sx + 0.05 * w, sy + 0.11 * h, rgb, radius=12)
            brush.rect(sx - 0.027 * w, sy - 0.005 * h, sx + 0.027 * w, sy + 0.02 * h, WHITE, radius=5)
    brush.glow(x, e - 0.06 * h, 0.36 * w, oklch(0.80, 0.14, 60), 0.7)
    with brush.depth(7):
        ox = min(0.93 * w, max(0.07 * w, stage.product.center_x - side * 0.36 * w))
        gift(brush, ox, e + 0.03 * h, 0.14 * w, mix(tones.accent, oklch(0.42, 0.07, 160), 0.5), GOLD)


def _snowy_window(brush: Brush, stage: Stage) -> None:
    """Christmas at the window: blue evening and snow outside, fairy lights and candles inside."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = tones.tint(oklch(0.60 if to_lch(tones.product)[0] < 0.42 else 0.36, 0.06, 28), 0.25)
    plaster(brush, stage, wall)
    side = free_side(stage)
    x, half = (
        stage.product.center_x + side * brush.rng.uniform(0.06, 0.24) * w,
        brush.rng.uniform(0.30, 0.38) * w,
    )
    top, foot = e - 0.84 * h, e - 0.14 * h
    with brush.depth(8):
        brush.panel(x - half, top, x + half, foot, ramp(oklch(0.36, 0.07, 262), oklch(0.62, 0.06, 255)))
        for _ in range(9):
            fx = x + brush.rng.uniform(-0.9, 0.9) * half
            pine(
                brush,
                fx,
                foot,
                brush.rng.uniform(0.16, 0.34) * h,
                oklch(0.33, 0.04, 210),
                oklch(0.86, 0.02, 240),
            )
        brush.oval(x, foot, 1.1 * half, 0.07 * h, oklch(0.90, 0.02, 245))
        for _ in range(90):
            r = brush.rng.uniform(1.5, 4.5) * brush.unit
            brush.oval(
                x + brush.rng.uniform(-1, 1) * half, brush.rng.uniform(top, foot), r, r, WHITE, alpha=0.7
            )
        bar = oklch(0.90, 0.012, 80)
        for k in (-1, 0, 1):
            brush.rect(x + k * half - 0.012 * w, top, x + k * half + 0.012 * w, foot, bar)
        for y in (top, (top + foot) / 2, foot):
            brush.rect(x - half, y - 0.010 * h, x + half, y + 0.010 * h, bar)
        brush.panel(-w, foot + 0.01 * h, 2 * w, foot + 0.05 * h, ramp(bar, shift(bar, -0.1)))
        for k in range(25):
            t = k / 24
            lx, ly = (
                x + (2.3 * t - 1.15) * half,
                top + 0.02 * h + 0.10 * h * (4 * (t * 2 % 1) * (1 - t * 2 % 1)),
            )
            brush.glow(lx, ly, 0.04 * w, LAMP_LIGHT, 0.95)
            brush.oval(lx, ly, 0.006 * w, 0.006 * w, oklch(0.98, 0.05, 90))
        cx = min(0.92 * w, max(0.08 * w, stage.product.center_x - side * 0.34 * w))
        for k, tall in enumerate((0.20, 0.13, 0.16)):
            bx = cx + (k - 1) * 0.055 * w
            brush.cylinder(
                bx - 0.02 * w,
                e + 0.02 * h - tall * h,
                bx + 0.02 * w,
                e + 0.02 * h,
                oklch(0.92, 0.03, 85),
                0.0,
            )
            brush.oval(bx, e - tall * h, 0.007 * w, 0.016 * h, oklch(0.95, 0.10, 80))
            brush.glow(bx, e - tall * h, 0.11 * w, LAMP_LIGHT, 0.8)


Arrangement = Callable[[Brush, Stage], None]

ARRANGEMENTS: dict[str, tuple[Arrangement, ...]] = {
    "forest_trail": (_pine_wood, _wood_edge),
    "cafe_table": (cafe_front, cafe_bar),
    "christmas_tree": (_hearth, _snowy_window),
    "study_night": (night_window,),
    "gym_floor": (gym_rig,),
    "office_desk": (office_shelves,),
    "living_room": (reading_corner,),
}
"""What may stand behind the product instead of the setting's own backdrop, for the same light, season and mood."""
