"""Rail, pegs and pegboard: the product hangs before a wall."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_home import BRASS
from ray_tasks.pictures.settings_indoor import OAK, WALNUT
from ray_tasks.pictures.settings_studio import no_ground, plaster
from ray_tasks.pictures.settings_workplaces import hang_tool
from ray_tasks.pictures.stage import Setting, Stage, beside_text, free_side


def _rail_backdrop(brush: Brush, stage: Stage) -> None:
    """A clothes rail before a wall: the product hangs in front, other garments hang out of focus."""
    tones, w, h = stage.tones, stage.width, stage.height
    plaster(brush, stage, tones.wall)
    y, top = _rail_y(stage), stage.product.top
    side = free_side(stage)
    hues = (
        tones.accent,
        tones.muted(oklch(0.80, 0.02, 80), 0.3),
        tones.accent_alt,
        tones.muted(oklch(0.45, 0.03, 250), 0.4),
    )
    with brush.depth(8):
        for k in range(4):
            x = stage.product.center_x + side * (0.5 * stage.product.width + (0.10 + 0.085 * k) * w)
            tone = mix(hues[k], tones.wall, 0.25)
            long, half = (0.40 + 0.07 * (k % 3)) * h, 0.052 * w
            body = [
                (x - 0.3 * half, top),
                (x + 0.3 * half, top),
                (x + half, top + 0.06 * h),
                (x + 1.1 * half, top + long),
                (x - 1.1 * half, top + long),
                (x - half, top + 0.06 * h),
            ]
            brush.path(
                polygon([(px - stage.light.side * 14, py + 10) for px, py in body]),
                shift(tones.wall_deep, -0.2),
                alpha=0.4,
                blur=12,
            )
            stops = [
                (0.0, shift(tone, -0.06)),
                (0.35, shift(tone, 0.05)),
                (0.7, shift(tone, -0.03)),
                (1.0, shift(tone, -0.10)),
            ]
            brush.canvas.drawPath(polygon(body), brush.gradient((x - half, 0), (x + half, 0), stops))
            hook = polygon([(x, top + 0.01 * h), (x, y)], closed=False)
            brush.stroke(hook, oklch(0.5, 0.01, 80), 5)
    shoe_y = max(stage.product.bottom + 0.02 * h, 0.955 * h)
    with brush.depth(6):
        brush.wash(shoe_y, h + 9, [(0.0, shift(OAK[1], 0.02)), (1.0, OAK[1])])
        brush.wash(
            shoe_y - 0.014 * h, shoe_y, [(0.0, shift(tones.wall, 0.05)), (1.0, shift(tones.wall, -0.05))]
        )
    _hanger(brush, stage, y)


def _rail_y(stage: Stage) -> float:
    return max(0.018 * stage.height, stage.product.top - 0.075 * stage.height)


def _hanger(brush: Brush, stage: Stage, y: float) -> None:
    """The rail, and the hanger whose shoulders are seen at the product's neck."""
    w, h, cx, top = stage.width, stage.height, stage.product.center_x, stage.product.top
    metal = BRASS if stage.mood in ("premium", "cosy") else oklch(0.30, 0.01, 250)
    r = 0.010 * h
    brush.rect(
        -w, y + 0.02 * h, 2 * w, y + 0.02 * h + 2 * r, shift(stage.tones.wall_deep, -0.2), alpha=0.35, blur=9
    )
    brush.panel(
        -w,
        y - r,
        2 * w,
        y + r,
        [(0.0, shift(metal, 0.05)), (0.3, shift(metal, 0.22)), (1.0, shift(metal, -0.12))],
    )
    hook = skia.PathBuilder()
    loop = 0.020 * h
    hook.moveTo(cx, top + 0.035 * h)
    hook.lineTo(cx, y + 1.2 * loop)
    hook.arcTo(skia.Rect.MakeLTRB(cx - loop, y - 1.6 * r, cx + loop, y - 1.6 * r + 2 * loop), 90, -250, False)
    brush.stroke(hook.detach(), shift(metal, 0.10), 5)
    half = min(0.20 * stage.product.width, 0.10 * w)
    yoke = skia.PathBuilder()
    yoke.moveTo(cx - half, top + 0.055 * h)
    yoke.quadTo(cx - 0.4 * half, top + 0.012 * h, cx, top + 0.012 * h)
    yoke.quadTo(cx + 0.4 * half, top + 0.012 * h, cx + half, top + 0.055 * h)
    brush.stroke(yoke.detach(), shift(WALNUT[0], 0.1), 15)


def _pegs_backdrop(brush: Brush, stage: Stage) -> None:
    """A panelled hallway with a row of wooden pegs; the product hangs on one."""
    tones, w, h = stage.tones, stage.width, stage.height
    wall = tones.wall
    plaster(brush, stage, shift(wall, 0.02))
    panel = shift(wall, -0.035, 1.1)
    y = stage.product.top + 0.012 * h
    board = mix(tones.tint(OAK[0]), wall, 0.15)
    pitch = 0.118 * w
    start = stage.product.center_x % pitch
    with brush.depth(2.0):
        boards = range(-1, int(w / pitch) + 2)
        with brush.repeated(len(boards) * pitch):
            for i in boards:
                x = start + (i + 0.5) * pitch
                tone = shift(panel, float(brush.rng.normal(0, 0.010)))
                brush.rect(x - pitch, h + 8, x, 2 * h, shift(tone, -0.05))
                brush.panel(x - pitch, y - 0.05 * h, x, h + 9, ramp(shift(tone, 0.045), shift(tone, -0.05)))
                brush.rect(x - 1.5, y, x + 1.5, 2 * h, shift(panel, -0.11))
                brush.rect(x + 1.5, y, x + 4.5, 2 * h, shift(panel, 0.05))
    brush.rect(-w, y + 0.02 * h, 2 * w, y + 0.062 * h, shift(wall, -0.3), alpha=0.35, blur=11)
    brush.panel(-w, y - 0.045 * h, 2 * w, y + 0.035 * h, ramp(shift(board, 0.05), shift(board, -0.07)))
    brush.rect(-w, y - 0.05 * h, 2 * w, y - 0.043 * h, shift(board, 0.10))
    step = 2 * pitch
    for i in range(-8, 9):
        x = stage.product.center_x + i * step
        if brush.seen.left() - step < x < brush.seen.right() + step:
            r = 0.017 * h
            brush.oval(
                x - stage.light.side * 0.8 * r,
                y + 0.7 * r,
                1.2 * r,
                1.2 * r,
                shift(board, -0.35),
                alpha=0.5,
                blur=5,
            )
            brush.sphere(x, y - 0.2 * r, r, shift(OAK[1], 0.03), stage.light.side)
    side = free_side(stage)
    x = stage.product.center_x + side * step * max(
        1, math.ceil((0.5 * stage.product.width + 0.07 * w) / step)
    )
    if 0.05 * w < x < 0.97 * w and abs(x - stage.product.center_x) > 0.5 * stage.product.width + 0.05 * w:
        cap = mix(tones.accent, wall, 0.2)
        with brush.depth(4):
            brush.oval(
                x - stage.light.side * 12,
                y + 0.115 * h,
                0.085 * w,
                0.095 * h,
                shift(wall, -0.3),
                alpha=0.35,
                blur=12,
            )
            crown = skia.PathBuilder()
            crown.moveTo(x - 0.062 * w, y + 0.125 * h)
            crown.cubicTo(
                x - 0.066 * w, y - 0.03 * h, x + 0.066 * w, y - 0.03 * h, x + 0.062 * w, y + 0.125 * h
            )
            crown.close()
            stops = ramp(shift(cap, 0.07), shift(cap, -0.07))
            brush.canvas.drawPath(crown.detach(), brush.gradient((x - 0.06 * w, 0), (x + 0.06 * w, 0), stops))
            brush.rect(x - 0.063 * w, y + 0.098 * h, x + 0.063 * w, y + 0.125 * h, shift(cap, -0.20))
            brush.oval(x, y + 0.130 * h, 0.108 * w, 0.017 * h, shift(cap, -0.02))


def _pegboard_backdrop(brush: Brush, stage: Stage) -> None:
    """A perforated tool board: the product hangs on a hook, other tools beside it where no text stands."""
    tones, w, h, unit = stage.tones, stage.width, stage.height, brush.unit
    dark = to_lch(tones.product)[0] > 0.6
    board = tones.tint(oklch(0.44 if dark else 0.70, 0.05, 70), 0.2)
    plaster(brush, stage, board, strength=0.5)
    step, seen = 0.048 * w, brush.seen
    x, y = stage.product.center_x, stage.product.top + 0.004 * h
    with brush.depth(1.2):
        for i in range(math.floor((seen.left() - x) / step), math.ceil((seen.right() - x) / step) + 1):
            for j in range(math.floor((seen.top() - y) / step), math.ceil((seen.bottom() - y) / step) + 1):
                cx, cy = x + i * step, y + j * step
                brush.oval(cx + 0.8 * unit, cy + 1.4 * unit, 4.6 * unit, 4.6 * unit, shift(board, 0.09))
                brush.oval(cx, cy, 4.3 * unit, 4.3 * unit, shift(board, -0.24))
    steel, grip = oklch(0.60, 0.012, 250), mix(tones.accent, oklch(0.55, 0.16, 35), 0.4)
    sides = (-free_side(stage),) if beside_text(stage) else (-1.0, 1.0)
    kind = int(brush.rng.integers(4))
    with brush.depth(3.5):
        for side in sides:
            at = x + side * step * math.ceil((0.5 * stage.product.width + 0.09 * w) / step)
            brush.canvas.save()
            brush.canvas.translate(at, y)
            hang_tool(brush, kind % 4, 0.27 * h, steel, grip)
            brush.canvas.restore()
            kind += 1
    brush.oval(
        x - stage.light.side * 5 * unit,
        y + 9 * unit,
        9 * unit,
        9 * unit,
        shift(board, -0.3),
        alpha=0.5,
        blur=4,
    )
    brush.sphere(x, y, 8 * unit, steel, stage.light.side)


HANGING: dict[str, Setting] = {
    "wardrobe_rail": Setting(_rail_backdrop, no_ground, (0.10, 0.10), 0.30, hangs=True, usual_cm=70),
    "pegboard": Setting(_pegboard_backdrop, no_ground, (0.10, 0.10), 0.30, hangs=True, usual_cm=28),
    "hallway_pegs": Setting(_pegs_backdrop, no_ground, (0.10, 0.10), 0.30, hangs=True, usual_cm=45),
}
