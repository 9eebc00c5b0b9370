"""Rooms of a home: living room, bathroom, window sill, children's room."""

from __future__ import annotations

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, OAK, WALNUT, pot_plant, tinted
from ray_tasks.pictures.settings_outdoor import LEAF, sky_tones
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, beside_text, free_side, lay_surface

BRASS = oklch(0.66, 0.075, 80)


def _living_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, tones.tint(oklch(to_lch(tones.wall)[0], 0.025, 80)), 0.3)
    plaster(brush, stage, wall)
    side = free_side(stage)
    sofa = mix(tones.accent, shift(wall, -0.25 if to_lch(wall)[0] > 0.55 else 0.16), 0.45)
    with brush.depth(7):
        brush.rect(-w, e - 0.035 * h, 2 * w, e + 9, shift(wall, 0.06 if to_lch(wall)[0] < 0.8 else -0.05))
        fx = stage.product.center_x - side * 0.18 * w
        for k, (dx, dy, fw, fh) in enumerate(((0.0, 0.62, 0.17, 0.23), (0.20, 0.57, 0.12, 0.16))):
            x, y = fx - side * dx * w, e - dy * h
            brush.rect(x - fw * w / 2, y - fh * h / 2, x + fw * w / 2, y + fh * h / 2, OAK[1])
            art = mix((tones.accent, tones.accent_alt)[k], WHITE, 0.25)
            brush.rect(
                x - fw * w / 2 + 9,
                y - fh * h / 2 + 9,
                x + fw * w / 2 - 9,
                y + fh * h / 2 - 9,
                oklch(0.93, 0.012, 85),
            )
            brush.oval(x, y + 0.01 * h, 0.28 * fw * w, 0.26 * fh * h, art)
            brush.rect(
                x - 0.3 * fw * w, y + 0.06 * fh * h, x + 0.3 * fw * w, y + 0.26 * fh * h, shift(art, -0.12)
            )
        _sofa(brush, stage, stage.product.center_x + side * 0.34 * w, side, sofa)
    lx = min(0.94 * w, max(0.06 * w, stage.product.center_x - side * 0.38 * w))
    with brush.depth(6):
        brush.rect(lx - 3, e - 0.62 * h, lx + 3, e + 0.02 * h, shift(BRASS, -0.1))
        brush.oval(lx, e + 0.02 * h, 0.055 * w, 0.010 * h, shift(BRASS, -0.18))
        shade = [(-0.055, -0.70), (0.055, -0.70), (0.088, -0.56), (-0.088, -0.56)]
        brush.path(polygon([(lx + x * w, e + y * h) for x, y in shade]), oklch(0.93, 0.045, 85))
    brush.glow(lx, e - 0.58 * h, 0.24 * w, LAMP_LIGHT, 0.5 if not stage.light.night else 0.8)


def _sofa(brush: Brush, stage: Stage, x: float, side: float, rgb: Rgb) -> None:
    w, h, e = stage.width, stage.height, stage.edge_y
    half, base = 0.34 * w, e + 0.02 * h
    near = x - side * 0.0
    left, right = near - half, near + half
    brush.rect(left, base - 0.02 * h, right, base + 0.005 * h, (0.1, 0.09, 0.09), alpha=0.5, blur=9)
    for dx in (0.10, 0.90):
        lx = left + dx * (right - left)
        brush.rect(lx - 0.008 * w, base - 0.045 * h, lx + 0.008 * w, base, WALNUT[1])
    brush.panel(
        left, base - 0.31 * h, right, base - 0.06 * h, ramp(shift(rgb, 0.05), shift(rgb, -0.05)), radius=34
    )
    for k in (0, 1):
        a = left + 0.06 * w + k * (half - 0.055 * w)
        seat = ramp(shift(rgb, 0.075), shift(rgb, -0.02))
        brush.panel(a, base - 0.175 * h, a + half - 0.065 * w, base - 0.10 * h, seat, radius=22)
    brush.panel(
        left, base - 0.11 * h, right, base - 0.04 * h, ramp(shift(rgb, 0.0), shift(rgb, -0.10)), radius=14
    )
    for a in (left - 0.012 * w, right - 0.075 * w):
        brush.panel(
            a,
            base - 0.235 * h,
            a + 0.087 * w,
            base - 0.04 * h,
            ramp(shift(rgb, 0.06), shift(rgb, -0.09)),
            radius=30,
        )
    cushion = mix(stage.tones.accent, WHITE, 0.15)
    cx, cy, r = near - side * 0.14 * w, base - 0.215 * h, 0.062 * w
    brush.canvas.save()
    brush.canvas.translate(cx, cy)
    brush.canvas.rotate(12 * side)
    brush.panel(-r, -r, r, r, ramp(shift(cushion, 0.06), shift(cushion, -0.08)), radius=22)
    brush.canvas.restore()


def _living_ground(brush: Brush, stage: Stage) -> None:
    wood = (
        WALNUT
        if stage.mood == "premium"
        else (oklch(0.76, 0.06, 72), oklch(0.64, 0.065, 64), oklch(0.42, 0.045, 55))
    )
    lay_surface(brush, stage, "wood", tinted(stage, wood), scale=0.55, soft_edge=5)
    w, h = stage.width, stage.height
    cx, rx = stage.product.center_x, min(0.95 * stage.product.width + 0.22 * w, 0.72 * w)
    ry = rx * min(0.34, 0.5 * stage.squash)
    rug = mix(stage.tones.tint(oklch(0.88, 0.02, 85)), stage.tones.accent_alt, 0.18)
    for k, tone in enumerate(
        (shift(rug, -0.34, 0.6), rug, mix(rug, stage.tones.accent, 0.55), shift(rug, 0.02))
    ):
        part = (1.0, 0.985, 0.86, 0.82)[k]
        brush.oval(cx, stage.contact_y - 0.12 * ry + 0.01 * h * (k == 0), rx * part, ry * part, tone, blur=2)


def _bath_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    tile = mix(tones.wall, oklch(to_lch(tones.wall)[0], 0.045, 200), 0.5)
    side = free_side(stage)
    with brush.depth(4):
        brush.rect(-w, -h, 2 * w, e + 9, shift(tile, 0.07 if to_lch(tile)[0] < 0.8 else -0.09))
        size = 0.105 * w
        columns = range(-1, int(w / size) + 2)
        with brush.repeated(len(columns) * size):
            for row in range(int(e / size) + 2):
                for column in columns:
                    x = column * size + stage.offset[0] % size - size
                    y = e - (row + 1) * size
                    tone = shift(tile, float(brush.rng.normal(0, 0.014)))
                    stops = [(0.0, shift(tone, 0.05)), (0.25, tone), (1.0, shift(tone, -0.025))]
                    u = 2.2 * brush.unit
                    brush.panel(x + u, y + u, x + size - u, y + size - u, stops, radius=5)
    cloth = mix(tones.accent, oklch(0.95, 0.01, 90), 0.55)
    aside = 0.62 if beside_text(stage) else 0.36
    tx = min(0.90 * w, max(0.10 * w, stage.product.center_x + side * aside * w))
    with brush.depth(6):
        y = e - 0.56 * h
        brush.rect(
            tx - 0.13 * w, y - 0.008 * h, tx + 0.13 * w, y + 0.008 * h, oklch(0.75, 0.01, 240), radius=6
        )
        for k in (-1, 1):
            brush.oval(tx + k * 0.13 * w, y, 0.016 * w, 0.016 * w, oklch(0.66, 0.012, 240))
        folds = [
            (0.0, shift(cloth, -0.05)),
            (0.2, shift(cloth, 0.03)),
            (0.42, shift(cloth, -0.04)),
            (0.62, shift(cloth, 0.035)),
            (0.82, shift(cloth, -0.03)),
            (1.0, shift(cloth, -0.09)),
        ]
        brush.panel(tx - 0.10 * w, y - 0.012 * h, tx + 0.10 * w, y + 0.34 * h, folds, across=True, radius=8)
        brush.rect(tx - 0.10 * w, y + 0.27 * h, tx + 0.10 * w, y + 0.29 * h, shift(cloth, -0.12), alpha=0.8)
    with brush.depth(9):
        bx = min(0.93 * w, max(0.07 * w, stage.product.center_x - side * 0.36 * w))
        pot_plant(
            brush,
            bx,
            e + 0.02 * h,
            0.09 * w,
            oklch(0.93, 0.012, 90),
            oklch(0.55, 0.11, 145),
            stage.light.side,
        )
        # Beside a wide picture's text there is no room for them.
        near = -side if w > 1.2 * h else side
        for k, (dx, share) in enumerate(((0.045, 0.19), (0.115, 0.13))):
            tall = share * min(w, h)
            x = stage.product.center_x + near * (0.5 * stage.product.width + dx * w)
            body = (mix(tones.accent_alt, WHITE, 0.35), oklch(0.72, 0.08, 65))[k]
            brush.cylinder(
                x - 0.03 * w, e + 0.02 * h - tall, x + 0.03 * w, e + 0.02 * h, body, stage.light.side
            )
            brush.rect(
                x - 0.010 * w,
                e - tall - 0.02 * h,
                x + 0.010 * w,
                e + 0.02 * h - tall,
                oklch(0.3, 0.01, 60),
            )
            brush.rect(
                x - 0.026 * w,
                e - tall - 0.03 * h,
                x + 0.012 * w,
                e - tall - 0.018 * h,
                oklch(0.3, 0.01, 60),
                radius=4,
            )


def _bath_ground(brush: Brush, stage: Stage) -> None:
    stone = (oklch(0.95, 0.006, 90), oklch(0.89, 0.008, 85), oklch(0.72, 0.012, 230))
    lay_surface(
        brush, stage, "marble", tinted(stage, stone), scale=0.8, rim=WHITE, soft_edge=4, near_shade=0.14
    )


def _sill_backdrop(brush: Brush, stage: Stage) -> None:
    """A large window behind the sill: sky and a garden far out of focus, a curtain, a plant that throws shade."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, WHITE, 0.3)
    plaster(brush, stage, wall)
    side = free_side(stage)
    middle = stage.product.center_x + side * 0.10 * w
    left, right, top = middle - 0.43 * w, middle + 0.43 * w, e - 0.84 * h
    sky, haze = sky_tones(stage)
    dark, light = LEAF[stage.season]
    with brush.depth(14):
        brush.panel(left, top, right, e, ramp(mix(sky, haze, 0.35), mix(haze, light, 0.35)))
        green = [mix(dark, haze, 0.30), mix(light, haze, 0.25), mix(light, haze, 0.55)]
        brush.foliage(70, (left, e - 0.46 * h, right, e - 0.10 * h), green, (24, 58))
        brush.foliage(
            50, (left, e - 0.16 * h, right, e), [mix(dark, haze, 0.15), mix(light, haze, 0.2)], (18, 40)
        )
    with brush.depth(8):
        bar = mix(wall, WHITE, 0.75)
        for x in (middle - 0.010 * w, middle + 0.010 * w):
            brush.rect(x - 0.009 * w, top, x + 0.009 * w, e, shift(bar, -0.02))
        brush.rect(left, e - 0.50 * h, right, e - 0.475 * h, bar)
        brush.rect(left, e - 0.025 * h, right, e, bar)
    with brush.depth(5):
        frame = mix(wall, WHITE, 0.6)
        for x in (left, right):
            brush.rect(x - 0.022 * w, top - 0.02 * h, x + 0.022 * w, e, shift(frame, -0.03))
        brush.rect(left - 0.04 * w, top - 0.045 * h, right + 0.04 * w, top, shift(frame, 0.0))
    linen = mix(tones.tint(oklch(0.94, 0.015, 85)), tones.accent, 0.10)
    with brush.depth(7):
        for k in (-1.0, 1.0):
            x = middle + k * 0.46 * w
            stops = [(i / 6, shift(linen, 0.03 if i % 2 else -0.07)) for i in range(7)]
            brush.panel(x - 0.10 * w, -h, x + 0.10 * w, e + 0.012 * h, stops, across=True, alpha=0.93)
    with brush.depth(6.5):
        x = min(0.90 * w, max(0.10 * w, stage.product.center_x + side * 0.30 * w))
        pot_plant(
            brush,
            x,
            e + 0.02 * h,
            0.115 * w,
            tones.muted(oklch(0.68, 0.07, 50), 0.4),
            oklch(0.50, 0.12, 140),
            stage.light.side,
        )


def _sill_ground(brush: Brush, stage: Stage) -> None:
    white = (oklch(0.95, 0.008, 85), oklch(0.91, 0.01, 85), oklch(0.80, 0.012, 80))
    lay_surface(brush, stage, "laminate", tinted(stage, white, 0.2), rim=WHITE, soft_edge=4, near_shade=0.2)
    w, h, c = stage.width, stage.height, stage.contact_y
    # The plant's shade falls over the sill, towards us and away from the window's brighter half.
    side = free_side(stage)
    dark = shift(stage.tones.wall_deep, -0.30, 0.6)
    with brush.depth(9, rows=(stage.edge_y - 9, h + 9)):
        for k in range(9):
            x = stage.product.center_x + side * (0.20 + 0.035 * k) * w
            y = stage.edge_y + (0.25 + 0.07 * (k % 4)) * (h - stage.edge_y)
            brush.canvas.save()
            brush.canvas.translate(x - side * 0.10 * w, min(y, c + 0.06 * h))
            brush.canvas.rotate(float(brush.rng.uniform(15, 50)) * -side)
            brush.oval(0, 0, 0.085 * w, 0.016 * h, dark, alpha=0.30)
            brush.canvas.restore()


def _kids_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    hue = to_lch(tones.wall)[2]
    pastel = oklch(0.82 if to_lch(tones.product)[0] < 0.62 else 0.70, 0.075, 235 if 40 < hue < 120 else hue)
    wall = mix(tones.wall, pastel, 0.85)
    plaster(brush, stage, wall, strength=0.6)
    side = free_side(stage)
    with brush.depth(3.5):
        hill = [mix(wall, tones.accent_alt, 0.45), mix(wall, tones.accent, 0.40)]
        for k, tone in enumerate(hill):
            x = stage.product.center_x + (0.34 if k else -0.30) * side * w
            brush.oval(x, e + 0.05 * h, (0.52 - 0.06 * k) * w, (0.30 - 0.09 * k) * h, tone)
        cloud = mix(wall, WHITE, 0.8)
        for k in range(4):
            x, y = (0.10 + 0.29 * k + brush.rng.uniform(-0.05, 0.05)) * w, e - (0.50 + 0.16 * (k % 2)) * h
            for dx, dy, r in ((-0.045, 0.0, 0.034), (0.0, -0.018, 0.046), (0.048, 0.002, 0.032)):
                brush.oval(x + dx * w, y + dy * h, r * w, 0.72 * r * w, cloud)
            brush.rect(x - 0.075 * w, y, x + 0.08 * w, y + 0.024 * w, cloud, radius=24)
    with brush.depth(7):
        x = min(0.88 * w, max(0.12 * w, stage.product.center_x + side * 0.33 * w))
        size, base = 0.085 * w, e + 0.025 * h
        tints = [tones.accent, oklch(0.80, 0.12, 88), mix(tones.accent_alt, oklch(0.68, 0.11, 240), 0.5)]
        for dx, level, tone in ((-0.55, 0, tints[0]), (0.55, 0, tints[1]), (0.05, 1, tints[2])):
            bx, by = x + dx * size, base - level * size
            tone = mix(tone, WHITE, 0.12)
            brush.panel(
                bx - size / 2,
                by - size,
                bx + size / 2,
                by,
                ramp(shift(tone, 0.05), shift(tone, -0.08)),
                radius=7,
            )
            brush.rect(
                bx - 0.3 * size,
                by - 0.8 * size,
                bx + 0.3 * size,
                by - 0.2 * size,
                shift(tone, 0.09),
                radius=6,
            )
        bx = min(0.93 * w, max(0.07 * w, stage.product.center_x - side * 0.36 * w))
        brush.sphere(bx, base - 0.075 * w, 0.075 * w, mix(tones.accent, WHITE, 0.2), stage.light.side)


def _kids_ground(brush: Brush, stage: Stage) -> None:
    carpet = stage.tones.muted(oklch(0.88, 0.03, 85), 0.35)
    colors = (shift(carpet, 0.02), shift(carpet, -0.06), shift(carpet, 0.06))
    lay_surface(brush, stage, "rug", colors, soft_edge=6, near_shade=0.16)


HOME: dict[str, Setting] = {
    "living_room": Setting(_living_backdrop, _living_ground, (0.13, 0.18), 0.16, usual_cm=40),
    "bathroom_shelf": Setting(_bath_backdrop, _bath_ground, (0.08, 0.12), 0.26, gloss=0.22),
    "window_sill": Setting(_sill_backdrop, _sill_ground, (0.08, 0.11), 0.28, gloss=0.08),
    "kids_room": Setting(_kids_backdrop, _kids_ground, (0.12, 0.17), 0.18, usual_cm=40),
}
