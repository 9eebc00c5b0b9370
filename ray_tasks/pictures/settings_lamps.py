"""Feasts of light: Diwali and Ramadan. Only things, no sacred signs or words."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_feasts import GOLD, gift
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, tinted
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, free_side, lay_surface


def _diya(brush: Brush, x: float, y: float, size: float) -> None:
    """A clay oil lamp with its flame, `size` pixels wide."""
    clay = oklch(0.52, 0.10, 45)
    brush.oval(x, y + 0.22 * size, 0.55 * size, 0.10 * size, (0.05, 0.02, 0.02), alpha=0.5, blur=5)
    bowl = skia.PathBuilder()
    bowl.moveTo(x - 0.5 * size, y)
    bowl.cubicTo(x - 0.42 * size, y + 0.42 * size, x + 0.42 * size, y + 0.42 * size, x + 0.5 * size, y)
    bowl.close()
    path = bowl.detach()
    brush.canvas.drawPath(
        path, brush.gradient((0, y), (0, y + 0.3 * size), ramp(shift(clay, 0.10), shift(clay, -0.16)))
    )
    brush.oval(x, y, 0.5 * size, 0.13 * size, shift(clay, 0.06))
    brush.oval(x, y + 0.01 * size, 0.42 * size, 0.095 * size, oklch(0.62, 0.13, 70))
    flame = skia.PathBuilder()
    flame.moveTo(x, y - 0.62 * size)
    flame.cubicTo(x + 0.20 * size, y - 0.22 * size, x + 0.13 * size, y, x, y)
    flame.cubicTo(x - 0.13 * size, y, x - 0.20 * size, y - 0.22 * size, x, y - 0.62 * size)
    brush.path(flame.detach(), oklch(0.90, 0.14, 80), blur=1.2)
    brush.oval(x, y - 0.14 * size, 0.05 * size, 0.12 * size, oklch(0.99, 0.04, 95), blur=1)
    brush.glow(x, y - 0.2 * size, 1.35 * size, oklch(0.82, 0.14, 70), 0.75)


def _diwali_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    warm = to_lch(tones.product)[0] > 0.42
    wall = oklch(0.31, 0.095, 335) if warm else oklch(0.50, 0.12, 340)
    plaster(brush, stage, wall)
    side = free_side(stage)
    brush.glow(w / 2, e, 0.8 * w, oklch(0.70, 0.14, 60), 0.50, squash=0.6)
    sparks = [LAMP_LIGHT, oklch(0.80, 0.14, 70), oklch(0.72, 0.16, 45)]
    brush.bokeh(40, (0, e - 0.60 * h, w, e - 0.02 * h), sparks, (10, 32), (0.12, 0.50))
    with brush.depth(4):
        marigold = (oklch(0.74, 0.165, 62), oklch(0.82, 0.155, 88))
        for swag in range(-4, 8):
            x0, x1 = (swag - 0.25) * w / 3, (swag + 0.75) * w / 3
            top = e - 0.86 * h
            for i in range(17):
                t = i / 16
                x, y = x0 + (x1 - x0) * t, top + 0.105 * h * (1 - (2 * t - 1) ** 2)
                _marigold(brush, x, y, 0.0175 * w, marigold[(i // 2) % 2])
            for i in range(9 + 4 * (swag % 2)):
                _marigold(brush, x1, top + i * 0.030 * h, 0.0165 * w, marigold[(i // 3) % 2])
            brush.oval(
                x1,
                top + (9 + 4 * (swag % 2)) * 0.030 * h + 0.01 * h,
                0.008 * w,
                0.028 * h,
                oklch(0.45, 0.10, 140),
            )
    with brush.depth(6):
        for k in range(-16, 17):
            x = stage.product.center_x + k * 0.115 * w
            if (
                abs(x - stage.product.center_x) > 0.5 * stage.product.width - 0.02 * w
                and brush.seen.left() - 0.05 * w < x < brush.seen.right() + 0.05 * w
            ):
                _diya(brush, x, e - 0.006 * h, (0.066 + 0.012 * (k % 2)) * w)
        x = min(0.90 * w, max(0.10 * w, stage.product.center_x + side * 0.36 * w))
        gift(brush, x, e + 0.005 * h, 0.13 * w, mix(tones.accent, oklch(0.52, 0.14, 350), 0.4), GOLD)


def _marigold(brush: Brush, x: float, y: float, r: float, rgb: Rgb) -> None:
    brush.oval(x, y + 0.12 * r, r, r, shift(rgb, -0.13))
    for k in range(7):
        a = k * 0.9
        brush.oval(
            x + 0.55 * r * math.cos(a),
            y + 0.55 * r * math.sin(a),
            0.42 * r,
            0.42 * r,
            shift(rgb, 0.02 * (k % 3)),
        )
    brush.oval(x, y, 0.5 * r, 0.5 * r, shift(rgb, 0.05))


def _diwali_ground(brush: Brush, stage: Stage) -> None:
    cloth = (oklch(0.40, 0.13, 350), oklch(0.33, 0.115, 345), GOLD)
    lay_surface(
        brush, stage, "linen", tinted(stage, cloth, 0.03), scale=0.6, rim=GOLD, soft_edge=5, near_shade=0.25
    )
    w, h = stage.width, stage.height
    flat, side = min(0.55, 1.2 * stage.squash), free_side(stage)
    for _ in range(46):
        x = stage.product.center_x + side * (0.5 * stage.product.width + brush.rng.uniform(0.02, 0.40) * w)
        y = stage.contact_y + brush.rng.uniform(-0.05, 0.05) * h
        r = brush.rng.uniform(7, 13) * brush.unit
        tone = (oklch(0.74, 0.165, 62), oklch(0.82, 0.155, 88))[int(brush.rng.integers(2))]
        brush.canvas.save()
        brush.canvas.translate(x, max(y, stage.edge_y + 12))
        brush.canvas.rotate(float(brush.rng.uniform(-50, 50)))
        brush.oval(2, 4, r, r * flat * 0.8, (0.1, 0.02, 0.05), alpha=0.4, blur=2.5)
        brush.oval(0, 0, r, r * flat * 0.8, tone)
        brush.oval(-0.2 * r, -0.1 * r, 0.6 * r, 0.4 * r * flat, shift(tone, 0.06))
        brush.canvas.restore()


def _fanous(brush: Brush, x: float, base: float, size: float) -> None:
    """A pierced brass lantern that stands at (x, base), `size` pixels high."""
    half, brass = 0.23 * size, oklch(0.62, 0.095, 78)
    brush.glow(x, base - 0.42 * size, 1.0 * size, LAMP_LIGHT, 0.60)
    brush.path(
        polygon(
            [
                (x - 1.1 * half, base),
                (x + 1.1 * half, base),
                (x + 0.8 * half, base - 0.11 * size),
                (x - 0.8 * half, base - 0.11 * size),
            ]
        ),
        shift(brass, -0.1),
    )
    body = [
        (x - 0.75 * half, base - 0.11 * size),
        (x + 0.75 * half, base - 0.11 * size),
        (x + half, base - 0.58 * size),
        (x - half, base - 0.58 * size),
    ]
    glass = [(0.0, oklch(0.72, 0.13, 60)), (0.5, oklch(0.95, 0.08, 88)), (1.0, oklch(0.70, 0.13, 58))]
    brush.canvas.drawPath(polygon(body), brush.gradient((x - half, 0), (x + half, 0), glass))
    for k in (-0.92, -0.32, 0.32, 0.92):
        brush.stroke(
            polygon(
                [(x + 0.75 * k * half, base - 0.11 * size), (x + k * half, base - 0.58 * size)], closed=False
            ),
            shift(brass, -0.14),
            5,
        )
    for y in (0.24, 0.40):
        brush.stroke(
            polygon([(x - 0.85 * half, base - y * size), (x + 0.85 * half, base - y * size)], closed=False),
            shift(brass, -0.14),
            3.5,
        )
    dome = skia.PathBuilder()
    dome.moveTo(x - 1.15 * half, base - 0.58 * size)
    dome.cubicTo(
        x - 1.2 * half, base - 0.82 * size, x - 0.25 * half, base - 0.80 * size, x, base - 0.98 * size
    )
    dome.cubicTo(
        x + 0.25 * half,
        base - 0.80 * size,
        x + 1.2 * half,
        base - 0.82 * size,
        x + 1.15 * half,
        base - 0.58 * size,
    )
    dome.close()
    brush.canvas.drawPath(
        dome.detach(),
        brush.gradient(
            (x - half, 0),
            (x + half, 0),
            [(0.0, shift(brass, -0.12)), (0.4, shift(brass, 0.14)), (1.0, shift(brass, -0.18))],
        ),
    )
    ring = skia.PathBuilder()
    ring.addCircle(x, base - 1.04 * size, 0.055 * size)
    brush.stroke(ring.detach(), shift(brass, -0.05), 4)


def _ramadan_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    dark_product = to_lch(tones.product)[0] < 0.42
    night = oklch(0.26, 0.065, 262) if not dark_product else oklch(0.42, 0.085, 258)
    plaster(brush, stage, shift(night, -0.06))
    side = free_side(stage)
    # The sky through a pointed arch in a carved screen.
    cx, half, foot = stage.product.center_x + side * 0.08 * w, 0.40 * w, e + 0.03 * h
    spring, top = e - 0.46 * h, e - 0.92 * h
    arch = skia.PathBuilder()
    arch.moveTo(cx - half, foot)
    arch.lineTo(cx - half, spring)
    arch.cubicTo(cx - half, spring - 0.24 * h, cx - 0.25 * half, top + 0.08 * h, cx, top)
    arch.cubicTo(cx + 0.25 * half, top + 0.08 * h, cx + half, spring - 0.24 * h, cx + half, spring)
    arch.lineTo(cx + half, foot)
    arch.close()
    sky = arch.detach()
    with brush.depth(4):
        low = mix(oklch(0.62, 0.12, 45), night, 0.25)
        stops = [(0.0, night), (0.55, shift(night, 0.09, 1.1)), (1.0, low)]
        brush.canvas.drawPath(sky, brush.gradient((0, top), (0, e), stops))
        brush.canvas.save()
        brush.canvas.clipPath(sky, doAntiAlias=True)
        for _ in range(50):
            r = brush.rng.uniform(0.8, 2.4) * brush.unit
            brush.oval(
                brush.rng.uniform(cx - half, cx + half),
                brush.rng.uniform(top, spring),
                r,
                r,
                WHITE,
                alpha=brush.rng.uniform(0.4, 1.0),
            )
        town = mix(oklch(0.22, 0.05, 270), night, 0.3)
        x = cx - half
        while x < cx + half:
            wide, tall = brush.rng.uniform(0.05, 0.10) * w, brush.rng.uniform(0.06, 0.13) * h
            brush.rect(x, e - tall, x + wide, e + 9, town)
            if brush.rng.random() < 0.5:
                brush.oval(x + wide / 2, e - tall, 0.32 * wide, 0.36 * wide, town)
            x += wide
        brush.canvas.restore()
        brush.stroke(sky, shift(GOLD, -0.04), 9)
    mx, my, r = cx + side * 0.20 * w, e - 0.64 * h, 0.062 * w
    with brush.depth(2.5):
        moon, bite = skia.PathBuilder(), skia.PathBuilder()
        moon.addCircle(mx, my, r)
        bite.addCircle(mx + 0.38 * r, my - 0.16 * r, 0.84 * r)
        crescent = skia.Op(moon.detach(), bite.detach(), skia.PathOp.kDifference_PathOp)
        brush.path(crescent, oklch(0.93, 0.06, 90))
    brush.glow(mx, my, 3.0 * r, oklch(0.90, 0.06, 90), 0.28)
    with brush.depth(4.5):
        carve = shift(night, 0.03)
        pitch = 0.070 * w
        brush.canvas.save()
        brush.canvas.clipPath(sky, skia.ClipOp.kDifference, True)
        across = range(int(min(0.0, brush.seen.left()) / pitch), int(max(w, brush.seen.right()) / pitch) + 2)
        for i in across:
            for j in range(int((e - min(0.0, brush.seen.top())) / pitch) + 2):
                x, y = i * pitch, e - j * pitch
                for turn in (0.0, math.pi / 4):
                    r4 = 0.36 * pitch
                    star = [
                        (x + r4 * math.cos(turn + k * math.pi / 2), y + r4 * math.sin(turn + k * math.pi / 2))
                        for k in range(4)
                    ]
                    brush.stroke(polygon(star), carve, 3, alpha=0.9)
        brush.canvas.restore()
    with brush.depth(5.5):
        x = min(0.90 * w, max(0.10 * w, stage.product.center_x + side * 0.36 * w))
        _fanous(brush, x, e + 0.025 * h, 0.30 * h)
        _fanous(brush, x - side * 0.125 * w, e + 0.022 * h, 0.19 * h)
        ox = stage.product.center_x - side * 0.38 * w
        if 0.02 * w < ox < 0.98 * w:
            _fanous(brush, ox, e + 0.02 * h, 0.22 * h)


def _ramadan_ground(brush: Brush, stage: Stage) -> None:
    stone = (oklch(0.42, 0.045, 250), oklch(0.34, 0.045, 255), oklch(0.62, 0.07, 80))
    lay_surface(
        brush, stage, "tiles", tinted(stage, stone, 0.04), scale=0.75, rim=GOLD, soft_edge=5, near_shade=0.25
    )


LAMPS: dict[str, Setting] = {
    "diwali_lamps": Setting(_diwali_backdrop, _diwali_ground, (0.10, 0.14), 0.24, glow=0.78),
    "ramadan_lanterns": Setting(
        _ramadan_backdrop, _ramadan_ground, (0.10, 0.14), 0.24, gloss=0.14, glow=0.78
    ),
}
