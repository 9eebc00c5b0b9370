"""Other corners of rooms in which most products of a persona stand: cafe, study, gym, office, living room."""

from __future__ import annotations

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_feasts import RED
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, OAK, WALNUT, book_row, pot_plant, window
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.settings_workplaces import dumbbell_end
from ray_tasks.pictures.stage import Stage, free_side


def cafe_front(brush: Brush, stage: Stage) -> None:
    """The seats at the front: panes over the whole width, the street behind them, bulbs at odd heights."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    night = stage.light.night
    frame = tones.tint(oklch(0.30, 0.03, 60), 0.2)
    brush.wash(0, e + 9, [(0.0, frame), (1.0, frame)])
    street = oklch(0.36, 0.05, 262) if night else mix(stage.light.haze, oklch(0.84, 0.03, 220), 0.5)
    top, foot = e - brush.rng.uniform(0.78, 0.88) * h, e - 0.10 * h
    with brush.depth(15):
        brush.panel(-2 * w, top, 3 * w, foot, ramp(shift(street, 0.05), shift(street, -0.07)))
        x = -0.05 * w
        with brush.repeated(1.05 * w):
            while x < w:
                wide, tall = brush.rng.uniform(0.14, 0.26) * w, brush.rng.uniform(0.25, 0.55) * h
                house = mix(street, tones.muted(oklch(0.62, 0.05, 50), 0.4), 0.45)
                house = shift(house, brush.rng.uniform(-0.05, 0.05))
                brush.rect(x, foot - tall, x + wide, foot, house)
                x += wide
        lamps = [LAMP_LIGHT, oklch(0.8, 0.11, 60), oklch(0.85, 0.05, 230)]
        brush.bokeh(34, (0, foot - 0.32 * h, w, foot), lamps, (9, 26), (0.15, 0.5) if night else (0.06, 0.25))
    pane, shift_px = brush.rng.uniform(0.26, 0.42) * w, brush.rng.uniform(0, 0.3) * w
    with brush.depth(8):
        x = shift_px - 9 * pane
        while x < 3 * w:
            brush.rect(x, top, x + 0.018 * w, foot, frame)
            x += pane
        brush.rect(-w, top + 0.16 * h, 2 * w, top + 0.175 * h, frame)
        brush.panel(-w, foot, 2 * w, e + 9, ramp(shift(WALNUT[1], 0.03), shift(WALNUT[2], -0.02)))
        for _ in range(5):
            lx, ly = brush.rng.uniform(0, 1) * w, top + brush.rng.uniform(0.02, 0.24) * h
            brush.rect(lx - 2, -h, lx + 2, ly, oklch(0.2, 0.01, 60))
            brush.oval(lx, ly, 0.020 * w, 0.026 * w, oklch(0.96, 0.07, 85))
            brush.glow(lx, ly, 0.14 * w, LAMP_LIGHT, 0.7)
    with brush.depth(10):
        x = stage.product.center_x - free_side(stage) * brush.rng.uniform(0.26, 0.36) * w
        pot_plant(brush, x, e + 0.01 * h, 0.08 * w, OAK[1], oklch(0.48, 0.09, 140), stage.light.side)


def cafe_bar(brush: Brush, stage: Stage) -> None:
    """Before the bar: tiles, a slate, the espresso machine with cups on it."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    night = stage.light.night
    tile = tones.tint(oklch(0.50 if night else 0.74, 0.03, 70), 0.4)
    plaster(brush, stage, tile)
    wide, tall = 0.11 * w, 0.05 * h
    with brush.depth(6), brush.repeated(12 * wide):
        for row in range(16):
            for column in range(-1, 11):
                x, y = column * wide + (row % 2) * wide / 2, e - 0.14 * h - row * tall
                tone = shift(tile, float(brush.rng.normal(0, 0.018)))
                brush.rect(x + 2, y - tall + 2, x + wide - 2, y - 2, tone, radius=3)
    side = free_side(stage)
    with brush.depth(11):
        x, y = stage.product.center_x - side * brush.rng.uniform(0.02, 0.12) * w, e - 0.62 * h
        brush.rect(x - 0.17 * w, y - 0.13 * h, x + 0.17 * w, y + 0.13 * h, OAK[1], radius=4)
        brush.rect(x - 0.155 * w, y - 0.115 * h, x + 0.155 * w, y + 0.115 * h, oklch(0.27, 0.012, 200))
        for line in range(5):
            ly = y - (0.08 - 0.04 * line) * h
            length = brush.rng.uniform(0.10, 0.22) * w
            brush.rect(
                x - 0.12 * w, ly, x - 0.12 * w + length, ly + 0.008 * h, oklch(0.8, 0.01, 90), alpha=0.6
            )
        brush.panel(-w, e - 0.13 * h, 2 * w, e + 9, ramp(shift(WALNUT[0], 0.02), shift(WALNUT[2], 0.02)))
        steel = oklch(0.74, 0.01, 240) if not night else oklch(0.56, 0.01, 240)
        mx = min(0.92 * w, max(0.08 * w, stage.product.center_x + side * brush.rng.uniform(0.32, 0.42) * w))
        brush.panel(
            mx - 0.17 * w,
            e - 0.33 * h,
            mx + 0.17 * w,
            e - 0.24 * h,
            ramp(shift(steel, 0.10), shift(steel, -0.12)),
            radius=10,
        )
        brush.panel(
            mx - 0.15 * w,
            e - 0.24 * h,
            mx + 0.15 * w,
            e - 0.12 * h,
            ramp(shift(steel, -0.30), shift(steel, -0.2)),
        )
        for dx in (-0.08, 0.0, 0.08):
            brush.rect(
                mx + dx * w - 0.014 * w,
                e - 0.25 * h,
                mx + dx * w + 0.014 * w,
                e - 0.20 * h,
                shift(steel, 0.04),
            )
            for level in range(int(brush.rng.integers(1, 4))):
                cy = e - (0.335 + 0.032 * level) * h
                brush.rect(
                    mx + dx * w - 0.026 * w, cy - 0.028 * h, mx + dx * w + 0.026 * w, cy, WHITE, radius=5
                )
        brush.rect(mx - 0.17 * w, e - 0.125 * h, mx + 0.17 * w, e - 0.105 * h, shift(steel, -0.08), radius=4)
    brush.bokeh(9, (0, 0.02 * h, w, e - 0.5 * h), [LAMP_LIGHT], (12, 30), (0.10, 0.3))


def night_window(brush: Brush, stage: Stage) -> None:
    """Studying at the window: the lights of the town outside, notes on the wall, a lamp."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = tones.tint(oklch(0.40, 0.035, 55), 0.3)
    plaster(brush, stage, wall)
    side = free_side(stage)
    x, half = (
        stage.product.center_x - side * brush.rng.uniform(0.0, 0.14) * w,
        brush.rng.uniform(0.26, 0.36) * w,
    )
    top, foot = e - 0.80 * h, e - 0.15 * h
    with brush.depth(9):
        brush.panel(x - half, top, x + half, foot, ramp(oklch(0.22, 0.06, 268), oklch(0.40, 0.08, 285)))
        tx = x - half
        while tx < x + half:
            wide = min(brush.rng.uniform(0.05, 0.11) * w, x + half - tx)
            tall = brush.rng.uniform(0.10, 0.34) * h
            brush.rect(tx, foot - tall, tx + wide, foot, oklch(0.19, 0.035, 270))
            for _ in range(7):
                lx, ly = tx + brush.rng.uniform(0.1, 0.9) * wide, foot - brush.rng.uniform(0.1, 0.9) * tall
                brush.rect(lx, ly, lx + 0.008 * w, ly + 0.010 * h, LAMP_LIGHT, alpha=0.8)
            tx += wide
        frame = shift(OAK[1], -0.08)
        for k in (-1, 0, 1):
            brush.rect(x + k * half - 0.011 * w, top, x + k * half + 0.011 * w, foot, frame)
        brush.rect(x - half, top - 0.012 * h, x + half, top + 0.012 * h, frame)
        brush.panel(
            x - 1.06 * half, foot, x + 1.06 * half, foot + 0.035 * h, ramp(OAK[1], shift(OAK[2], 0.05))
        )
        curtain = tones.muted(oklch(0.50, 0.05, 40), 0.5)
        for k in range(7):
            cx = x + side * (half + (0.012 * k) * w)
            brush.panel(
                cx - 0.012 * w,
                top - 0.03 * h,
                cx + 0.012 * w,
                e,
                ramp(shift(curtain, 0.04 * (k % 2)), shift(curtain, -0.08)),
            )
    with brush.depth(6):
        nx = stage.product.center_x + side * 0.36 * w
        for k in range(7):
            px, py = nx + brush.rng.uniform(-0.12, 0.12) * w, e - brush.rng.uniform(0.32, 0.72) * h
            note = (oklch(0.88, 0.08, 95), oklch(0.90, 0.02, 85), mix(tones.accent, WHITE, 0.5))[k % 3]
            brush.rect(px, py, px + 0.055 * w, py + 0.055 * h, note, alpha=0.9)
        books = [RED, oklch(0.45, 0.08, 250), oklch(0.62, 0.09, 70), tones.accent]
        book_row(brush, nx - 0.12 * w, nx + 0.14 * w, e + 0.01 * h, 0.15 * h, books)
    brush.glow(stage.product.center_x + side * 0.2 * w, e - 0.25 * h, 0.5 * w, LAMP_LIGHT, 0.55)


def gym_rig(brush: Brush, stage: Stage) -> None:
    """A bright hall: tall windows, a rig of uprights with rings, plates leaning at it."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = tones.tint(oklch(0.66, 0.012, 240), 0.15)
    brush.wash(0, e + 9, [(0.0, shift(wall, 0.06)), (1.0, shift(wall, -0.06))])
    with brush.depth(10):
        x = -brush.rng.uniform(0, 0.2) * w
        while x < w:
            window(brush, stage, x, e - 0.86 * h, x + 0.24 * w, e - 0.40 * h, 2, 2)
            x += 0.31 * w
        band = mix(tones.accent, wall, 0.35)
        brush.rect(-w, e - 0.36 * h, 2 * w, e - brush.rng.uniform(0.24, 0.30) * h, band)
    steel = oklch(0.27, 0.01, 260)
    side = free_side(stage)
    with brush.depth(7):
        middle = stage.product.center_x + side * brush.rng.uniform(0.16, 0.26) * w
        reach, beam = brush.rng.uniform(0.20, 0.28) * w, e - brush.rng.uniform(0.66, 0.76) * h
        for x in (middle - reach, middle + reach):
            brush.rect(x - 0.014 * w, beam - 0.04 * h, x + 0.014 * w, e + 0.01 * h, steel)
        brush.rect(middle - 1.5 * reach, beam, middle + 1.5 * reach, beam + 0.022 * h, steel)
        for dx in (-0.3, 0.3):
            rx = middle + dx * reach
            brush.rect(rx - 0.004 * w, beam, rx + 0.004 * w, beam + 0.22 * h, mix(tones.accent, steel, 0.4))
            brush.oval(rx, beam + 0.25 * h, 0.032 * w, 0.036 * h, OAK[0])
            brush.oval(rx, beam + 0.25 * h, 0.021 * w, 0.025 * h, wall)
        for k in range(4):
            px = middle - reach - (0.02 + 0.05 * k) * w
            brush.oval(px, e - 0.075 * h, 0.030 * w, 0.085 * h, shift(steel, 0.03 * k))
            brush.oval(px, e - 0.075 * h, 0.012 * w, 0.034 * h, mix(tones.accent, steel, 0.3))
        for k in range(3):
            bx = middle + reach + (0.05 + 0.08 * k) * w
            dumbbell_end(brush, bx, e - 0.05 * h, 0.05 * h, stage.light.side)


def office_shelves(brush: Brush, stage: Stage) -> None:
    """The other side of the office: a painted wall, shelves with folders, a lamp, a picture."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, oklch(to_lch(tones.wall)[0], 0.03, 230), 0.35)
    plaster(brush, stage, wall)
    side = free_side(stage)
    with brush.depth(7):
        x = stage.product.center_x - side * brush.rng.uniform(0.08, 0.16) * w
        folders = [
            mix(tones.accent, WHITE, 0.2),
            tones.muted(oklch(0.60, 0.03, 240), 0.5),
            oklch(0.88, 0.01, 90),
        ]
        for level in (brush.rng.uniform(0.30, 0.36), brush.rng.uniform(0.58, 0.66)):
            y = e - level * h
            left, right = x - 0.30 * w, x + 0.26 * w
            book_row(brush, left + 0.02 * w, left + brush.rng.uniform(0.24, 0.40) * w, y, 0.17 * h, folders)
            pot_plant(brush, right - 0.06 * w, y, 0.05 * w, WHITE, oklch(0.52, 0.09, 145), stage.light.side)
            brush.panel(left, y, right, y + 0.018 * h, ramp(shift(OAK[0], 0.05), OAK[1]))
        lx = min(0.92 * w, max(0.08 * w, stage.product.center_x + side * brush.rng.uniform(0.30, 0.40) * w))
        dark = oklch(0.30, 0.01, 260)
        brush.stroke(polygon([(lx, e), (lx - side * 0.06 * w, e - 0.24 * h)], closed=False), dark, 9)
        brush.stroke(
            polygon(
                [(lx - side * 0.06 * w, e - 0.24 * h), (lx - side * 0.16 * w, e - 0.36 * h)], closed=False
            ),
            dark,
            9,
        )
        hx, hy = lx - side * 0.17 * w, e - 0.35 * h
        brush.path(
            polygon(
                [
                    (hx - 0.03 * w, hy - 0.03 * h),
                    (hx + 0.03 * w, hy - 0.03 * h),
                    (hx + 0.06 * w, hy + 0.05 * h),
                    (hx - 0.06 * w, hy + 0.05 * h),
                ]
            ),
            mix(tones.accent, dark, 0.3),
        )
        brush.oval(lx, e + 0.005 * h, 0.06 * w, 0.012 * h, dark)
        brush.rect(-w, e - 0.03 * h, 2 * w, e + 9, shift(wall, -0.10), alpha=0.6)
    brush.glow(hx, hy + 0.1 * h, 0.25 * w, LAMP_LIGHT, 0.35)


def reading_corner(brush: Brush, stage: Stage) -> None:
    """Another corner of the living room: a window with curtains, a high plant, a side table."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, tones.tint(oklch(to_lch(tones.wall)[0], 0.03, 60)), 0.3)
    plaster(brush, stage, wall)
    side = free_side(stage)
    x, half = (
        stage.product.center_x + side * brush.rng.uniform(0.18, 0.30) * w,
        brush.rng.uniform(0.17, 0.24) * w,
    )
    with brush.depth(9):
        window(brush, stage, x - half, e - 0.84 * h, x + half, e - 0.22 * h, 2, 3)
        cloth = mix(tones.accent, WHITE, 0.55)
        for edge in (-1, 1):
            for k in range(6):
                cx = x + edge * (half + (0.016 * k - 0.03) * w)
                fold = shift(cloth, 0.05 * (k % 2) - 0.02)
                brush.panel(
                    cx - 0.012 * w, e - 0.90 * h, cx + 0.012 * w, e - 0.02 * h, ramp(fold, shift(fold, -0.08))
                )
        brush.rect(x - 1.7 * half, e - 0.915 * h, x + 1.7 * half, e - 0.90 * h, oklch(0.40, 0.03, 60))
        brush.rect(-w, e - 0.035 * h, 2 * w, e + 9, shift(wall, 0.06 if to_lch(wall)[0] < 0.8 else -0.05))
    with brush.depth(7):
        px = min(0.94 * w, max(0.06 * w, stage.product.center_x - side * brush.rng.uniform(0.30, 0.38) * w))
        leaf = tones.tint(oklch(0.48, 0.09, 145))
        pot_plant(
            brush, px, e + 0.03 * h, 0.16 * w, tones.muted(oklch(0.74, 0.05, 60), 0.5), leaf, stage.light.side
        )
        tx = x + side * 0.02 * w
        brush.rect(tx - 0.11 * w, e - 0.15 * h, tx + 0.11 * w, e - 0.13 * h, OAK[1], radius=6)
        brush.rect(tx - 0.008 * w, e - 0.13 * h, tx + 0.008 * w, e + 0.01 * h, OAK[2])
        book_row(
            brush,
            tx - 0.07 * w,
            tx + 0.04 * w,
            e - 0.15 * h,
            0.10 * h,
            [tones.accent, tones.accent_alt, OAK[0]],
        )
