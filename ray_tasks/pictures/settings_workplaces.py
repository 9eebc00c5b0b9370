"""Working places: workshop bench and gym floor."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.materials import Plane, material_shader
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, OAK, tinted
from ray_tasks.pictures.settings_studio import plaster
from ray_tasks.pictures.stage import Setting, Stage, lay_surface


def _workshop_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    board = tones.tint(oklch(0.58, 0.05, 70), 0.2)
    plaster(brush, stage, board)
    steel, grip = oklch(0.55, 0.012, 250), mix(tones.accent, oklch(0.55, 0.16, 35), 0.4)
    with brush.depth(5.5):
        step = 0.042 * w
        for i in range(
            math.floor(min(0.0, brush.seen.left()) / step), math.ceil(max(w, brush.seen.right()) / step)
        ):
            for j in range(math.ceil((e - min(0.0, brush.seen.top())) / step)):
                x, y = i * step, e - (j + 0.6) * step
                if y > min(0.0, brush.seen.top()):
                    brush.oval(x, y, 3.6 * brush.unit, 3.6 * brush.unit, shift(board, -0.22))
    with brush.depth(8.5):
        x = brush.rng.uniform(0.02, 0.08) * w
        kind = int(brush.rng.integers(4))
        while x < w:
            top = e - brush.rng.uniform(0.48, 0.56) * h
            brush.canvas.save()
            brush.canvas.translate(x, top)
            hang_tool(brush, kind % 4, 0.26 * h, steel, grip)
            brush.canvas.restore()
            kind += 1
            x += brush.rng.uniform(0.11, 0.15) * w
        brush.panel(-w, e - 0.11 * h, 2 * w, e + 0.02 * h, ramp(shift(board, -0.12), shift(board, -0.22)))
    with brush.depth(12):
        side = 1.0 if stage.product.center_x <= w / 2 else -1.0
        x = stage.product.center_x + side * 0.36 * w
        brush.panel(
            x - 0.13 * w,
            e - 0.15 * h,
            x + 0.13 * w,
            e + 0.02 * h,
            ramp(shift(grip, 0.02), shift(grip, -0.16)),
            radius=9,
        )
        brush.rect(x - 0.13 * w, e - 0.155 * h, x + 0.13 * w, e - 0.12 * h, shift(grip, -0.24), radius=9)
        brush.rect(x - 0.04 * w, e - 0.18 * h, x + 0.04 * w, e - 0.155 * h, steel, radius=6)
    brush.glow(stage.product.center_x, e - 0.5 * h, 0.6 * w, LAMP_LIGHT, 0.38)


def hang_tool(brush: Brush, kind: int, size: float, steel: Rgb, grip: Rgb) -> None:
    """A tool that hangs from (0, 0): wrench, hammer, screwdriver or saw, `size` pixels long."""
    s = size
    brush.canvas.save()
    brush.canvas.translate(0.03 * s, 0.03 * s)
    brush.rect(-0.04 * s, 0.0, 0.05 * s, s, (0, 0, 0), alpha=0.25, blur=9)
    brush.canvas.restore()
    if kind == 0:
        brush.panel(
            -0.045 * s,
            0.1 * s,
            0.045 * s,
            0.95 * s,
            ramp(shift(steel, 0.15), shift(steel, -0.12)),
            across=True,
            radius=9,
        )
        brush.oval(0, 0.08 * s, 0.11 * s, 0.11 * s, steel)
        brush.oval(0, 0.94 * s, 0.09 * s, 0.09 * s, steel)
        brush.oval(0, 0.04 * s, 0.05 * s, 0.07 * s, shift(grip, -0.3))
    elif kind == 1:
        brush.panel(-0.03 * s, 0.1 * s, 0.03 * s, s, ramp(shift(OAK[0], 0.05), OAK[1]), across=True, radius=6)
        brush.panel(
            -0.19 * s, 0.0, 0.16 * s, 0.14 * s, ramp(shift(steel, 0.1), shift(steel, -0.18)), radius=7
        )
    elif kind == 2:
        brush.panel(
            -0.07 * s,
            0.0,
            0.07 * s,
            0.42 * s,
            ramp(shift(grip, 0.1), shift(grip, -0.12)),
            across=True,
            radius=16,
        )
        brush.rect(-0.022 * s, 0.42 * s, 0.022 * s, 0.98 * s, shift(steel, 0.1))
    else:
        blade = polygon(
            [(-0.05 * s, 0.3 * s), (0.16 * s, 0.3 * s), (0.05 * s, 1.0 * s), (-0.03 * s, 1.0 * s)]
        )
        brush.canvas.drawPath(
            blade, brush.gradient((0, 0), (0, s), ramp(shift(steel, 0.2), shift(steel, 0.02)))
        )
        brush.panel(-0.09 * s, 0.0, 0.19 * s, 0.32 * s, ramp(shift(OAK[0], 0.02), OAK[1]), radius=20)


def _workshop_ground(brush: Brush, stage: Stage) -> None:
    worn = (oklch(0.66, 0.06, 66), oklch(0.50, 0.06, 58), oklch(0.28, 0.03, 50))
    lay_surface(brush, stage, "wood", tinted(stage, worn), scale=1.0, rim=shift(worn[0], 0.15), soft_edge=4)


def _gym_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = oklch(0.44, 0.014, 255)
    brush.wash(0, e + 9, [(0.0, shift(wall, -0.05)), (1.0, shift(wall, 0.05))])
    plane = Plane(0.0, 0.0, 0.0, 1.0, stage.offset, 1.5 * stage.unit, from_above=True)
    concrete = material_shader("stone", plane, (shift(wall, 0.06), wall, shift(wall, -0.1)))
    brush.canvas.drawRect(skia.Rect.MakeLTRB(-2 * w, -h, 3 * w, e), skia.Paint(Shader=concrete, Alphaf=0.6))
    led = mix(oklch(0.93, 0.015, 230), shift(tones.accent, 0.2), 0.28)
    with brush.depth(9):
        for k in range(-4, 5):
            x, low = (0.34 + 0.52 * k) * w + stage.offset[0] % (0.3 * w), e - 0.36 * h
            # From far above the frame, in the direction in which it passes (x, 0).
            out = 0.23 * w * h / low
            bar = polygon([(x - out, -h), (x + 0.02 * w - out, -h), (x + 0.25 * w, low), (x + 0.23 * w, low)])
            brush.path(bar, led)
        brush.rect(-w, e - 0.37 * h, 2 * w, e - 0.36 * h, shift(led, -0.1), alpha=0.5)
    brush.glow(w * 0.5, e - 0.5 * h, 0.75 * w, led, 0.24)
    brush.glow(stage.product.center_x, e - 0.16 * h, 0.7 * w, oklch(0.80, 0.02, 240), 0.34, squash=0.55)
    with brush.depth(7.5):
        steel = oklch(0.52, 0.012, 255)
        for level in (0.05, 0.17):
            y = e - level * h
            x = -0.02 * w + stage.offset[1] % (0.05 * w)
            while x < w:
                dumbbell_end(brush, x, y - 0.042 * h, 0.046 * h, stage.light.side)
                dumbbell_end(brush, x + 0.062 * w, y - 0.040 * h, 0.040 * h, stage.light.side)
                x += 0.145 * w
            brush.panel(-w, y, 2 * w, y + 0.024 * h, ramp(shift(steel, 0.16), shift(steel, -0.06)))
        for x in (0.03 * w, 0.50 * w, 0.97 * w):
            brush.panel(
                x - 0.012 * w,
                e - 0.24 * h,
                x + 0.012 * w,
                e + 0.01 * h,
                ramp(shift(steel, 0.14), shift(steel, -0.05)),
                across=True,
            )
    _plates(brush, stage)


def _plates(brush: Brush, stage: Stage) -> None:
    """A barbell with bumper plates in front of the rack."""
    w, h, e = stage.width, stage.height, stage.edge_y
    side = 1.0 if stage.product.center_x <= 0.52 * w else -1.0
    x = 0.80 * w if side > 0 else 0.20 * w
    r = 0.105 * h
    y = e - 0.80 * r
    steel = oklch(0.66, 0.01, 250)
    rings = (stage.tones.muted(oklch(0.46, 0.06, 30), 0.7), oklch(0.27, 0.008, 255))
    with brush.depth(5):
        bar_end = -0.06 * w if side < 0 else 1.06 * w
        brush.rect(min(x, bar_end), y - 0.011 * h, max(x, bar_end), y + 0.011 * h, steel)
        for i, (rgb, size) in enumerate(((rings[1], 1.0), (rings[0], 1.0), (rings[1], 0.80))):
            px = x - side * 0.032 * w * i
            brush.oval(px, y, 0.42 * r * size, r * size, shift(rgb, -0.10))
            px -= side * 0.010 * w
            brush.oval(px, y, 0.42 * r * size, r * size, shift(rgb, 0.04))
            brush.oval(px, y, 0.30 * r * size, 0.72 * r * size, shift(rgb, -0.04))
        brush.oval(px, y, 0.10 * r, 0.24 * r, shift(steel, 0.1))
        tip = px - side * 0.075 * w
        brush.rect(min(px, tip), y - 0.014 * h, max(px, tip), y + 0.014 * h, shift(steel, 0.08), radius=5)


def dumbbell_end(brush: Brush, x: float, y: float, r: float, lit: float) -> None:
    """A round dumbbell seen from its end."""
    body = oklch(0.25, 0.008, 255)
    brush.oval(x, y, r, r, body)
    brush.oval(x + lit * 0.10 * r, y - 0.16 * r, r * 0.84, r * 0.80, shift(body, 0.17), blur=4)
    brush.oval(x, y, r * 0.62, r * 0.62, shift(body, 0.02), blur=2)
    brush.oval(x, y, r * 0.40, r * 0.40, oklch(0.82, 0.01, 250))
    brush.oval(x, y, r * 0.26, r * 0.26, shift(body, -0.05))


def _gym_ground(brush: Brush, stage: Stage) -> None:
    fleck = stage.tones.muted(oklch(0.60, 0.03, 250))
    lay_surface(
        brush,
        stage,
        "rubber",
        (oklch(0.38, 0.008, 255), oklch(0.31, 0.008, 255), fleck),
        soft_edge=7,
        near_shade=0.3,
    )


WORKPLACES: dict[str, Setting] = {
    "workshop_bench": Setting(_workshop_backdrop, _workshop_ground, (0.09, 0.14), 0.26),
    "gym_floor": Setting(_gym_backdrop, _gym_ground, (0.14, 0.19), 0.16, gloss=0.05, glow=0.72, usual_cm=40),
}
