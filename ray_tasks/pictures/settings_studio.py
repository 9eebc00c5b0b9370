"""Studio settings: paper sweeps, paper sets, plinths, marble, linen, a vanity shelf."""

from __future__ import annotations

import math

import skia

from ray_tasks.pictures.brush import Brush, ramp, smooth_path
from ray_tasks.pictures.materials import Plane, material_shader
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.stage import Setting, Stage, lay_surface

WHITE: Rgb = (1.0, 1.0, 1.0)


def plaster(brush: Brush, stage: Stage, rgb: Rgb, *, strength: float = 1.0) -> None:
    """A wall from top to far edge, with the faint unevenness of plaster."""
    w, h = stage.width, stage.height
    deep = mix(rgb, shift(rgb, -0.07), strength)
    plane = Plane(0.0, 0.0, 0.0, 1.0, stage.offset, 1.6 * stage.unit, from_above=True)
    shader = material_shader("paper", plane, (shift(rgb, 0.015), deep, rgb))
    brush.canvas.drawPaint(skia.Paint(Shader=shader))
    x = stage.product.center_x + stage.light.side * 0.3 * w
    brush.glow(
        x, stage.product.center_y - 0.12 * h, 0.75 * w, shift(rgb, 0.05), 0.55, blend=skia.BlendMode.kSrcOver
    )


def _sweep_backdrop(brush: Brush, stage: Stage) -> None:
    tones, h, w = stage.tones, stage.height, stage.width
    plaster(brush, stage, tones.wall, strength=0.6)
    deep = shift(tones.wall, -0.055, 1.1)
    variant = int(brush.rng.integers(6))
    cx = stage.product.center_x
    base = stage.edge_y + 0.01 * h
    disc = shift(tones.wall, 0.045 if to_lch(tones.wall)[0] < 0.8 else -0.05, 1.35)
    size = 0.62 * max(stage.product.width, stage.product.height) + 0.07 * w
    if variant == 1:
        brush.oval(cx, stage.product.center_y - 0.02 * h, size, size, disc, blur=1.0)
    elif variant == 2:
        arch = skia.PathBuilder()
        half, top = 0.78 * size, stage.product.top - 0.06 * h + 0.0
        arch.moveTo(cx - half, base)
        arch.lineTo(cx - half, top + half)
        arch.arcTo(skia.Rect.MakeLTRB(cx - half, top, cx + half, top + 2 * half), 180, 180, False)
        arch.lineTo(cx + half, base)
        arch.close()
        path = arch.detach()
        brush.path(path, disc, blur=0.8)
        inner = brush.gradient((cx - half, 0), (cx + half, 0), [(0.0, deep), (1.0, disc)], [0.5, 0.0])
        brush.canvas.drawPath(path, inner)
    elif variant == 3:
        # A large disc behind, half out of the frame.
        x, y, r = cx + brush.rng.uniform(-0.42, 0.42) * w, base - brush.rng.uniform(0.25, 0.60) * h, 0.36 * w
        brush.oval(x - stage.light.side * 0.02 * w, y + 0.015 * h, r, r, deep, alpha=0.6, blur=16)
        brush.oval(x, y, r, r, disc, blur=1.0)
    elif variant == 4:
        # A painted band up to a third of the wall.
        top = base - brush.rng.uniform(0.22, 0.42) * h
        brush.panel(-w, top, 2 * w, base + 9, ramp(disc, shift(disc, -0.03)))
    elif variant == 5:
        # A folding screen: each leaf takes the light differently.
        leaf, x, turn = brush.rng.uniform(0.16, 0.24) * w, -brush.rng.uniform(0, 0.1) * w, 1.0
        top = base - brush.rng.uniform(0.52, 0.74) * h
        x -= 2 * leaf * math.ceil(max(0.0, x - brush.seen.left()) / (2 * leaf))
        while x < max(w, brush.seen.right()):
            tone = shift(disc, 0.025 * turn)
            stops = ramp(shift(tone, 0.02), shift(tone, -0.03))
            brush.panel(x, top, x + leaf, base + 9, stops, across=True)
            x, turn = x + leaf, -turn
    # The cove where paper turns from wall to floor.
    brush.wash(base - 0.10 * h, base + 0.05 * h, [(0.0, deep), (0.6, deep), (1.0, deep)], [0.0, 0.55, 0.0])
    floor = shift(tones.ground, 0.01)
    brush.wash(base - 0.03 * h, h, [(0.0, floor), (0.35, floor), (1.0, shift(floor, -0.04))], [0.0, 1.0, 1.0])


def no_ground(brush: Brush, stage: Stage) -> None:
    """The backdrop's paper is the ground too."""


def _block_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h = stage.tones, stage.width, stage.height
    plaster(brush, stage, tones.wall, strength=0.5)
    side = -1.0 if brush.rng.random() < 0.5 else 1.0
    e = stage.edge_y
    second = mix(shift(tones.accent, 0.06, 0.9), tones.wall, 0.25)
    third = mix(shift(tones.accent_alt, 0.0, 1.0), tones.wall, 0.25)
    cx = stage.product.center_x
    # A wall panel, an arch with a lit reveal, a drum and a ball: paper and board, all lit from one side.
    x = cx + side * 0.30 * w
    half, top = 0.17 * w, e - brush.rng.uniform(0.42, 0.56) * h
    arch = skia.PathBuilder()
    arch.moveTo(x - half, e + 0.02 * h)
    arch.lineTo(x - half, top + half)
    arch.arcTo(skia.Rect.MakeLTRB(x - half, top, x + half, top + 2 * half), 180, 180, False)
    arch.lineTo(x + half, e + 0.02 * h)
    arch.close()
    path = arch.detach()
    brush.canvas.save()
    brush.canvas.translate(-stage.light.side * 0.022 * w, 0.012 * h)
    brush.path(path, shift(tones.wall_deep, -0.1), alpha=0.45, blur=11)
    brush.canvas.restore()
    brush.canvas.drawPath(
        path, brush.gradient((x - half, top), (x + half, e), ramp(shift(second, 0.05), shift(second, -0.06)))
    )
    left, r = cx - side * 0.36 * w, 0.085 * w
    tall = brush.rng.uniform(0.10, 0.2) * h
    drop = 0.055 * h
    brush.oval(
        left - stage.light.side * 0.08 * w,
        e + drop + 0.01 * h,
        r * 1.3,
        0.02 * h,
        shift(tones.wall_deep, -0.2),
        alpha=0.4,
        blur=12,
    )
    brush.cylinder(left - r, e + drop - tall, left + r, e + drop, third, stage.light.side)
    brush.oval(left, e + drop, r, 0.022 * h, shift(third, -0.13))
    brush.oval(left, e + drop - tall, r, 0.022 * h, shift(third, 0.09))


def _block_ground(brush: Brush, stage: Stage) -> None:
    tones = stage.tones
    floor = mix(shift(tones.wall_deep, -0.01, 1.15), tones.accent_alt, 0.12)
    lay_surface(
        brush,
        stage,
        "paper",
        (shift(floor, 0.03), shift(floor, -0.02), WHITE),
        soft_edge=1.0,
        near_shade=0.12,
    )
    # Redrawn over the floor: the drum stands on it.
    podium(brush, stage, mix(tones.accent, tones.wall, 0.18), height=0.045)


def podium(brush: Brush, stage: Stage, rgb: Rgb, *, height: float, material: str | None = None) -> None:
    """A round step under the product; its top is an ellipse in the ground plane's perspective."""
    h, w = stage.height, stage.width
    cx = stage.product.center_x
    rx = min(0.64 * stage.product.width + 0.09 * w, 0.47 * w)
    ry = rx * min(0.34, stage.squash * 0.55)
    cy = stage.contact_y - ry * 0.22
    low = min(height * h, max(0.0, h * 1.2 - cy))
    lit = stage.light.side
    shade = shift(rgb, -0.35, 0.8)
    brush.oval(cx - lit * 0.05 * w, cy + low + 0.006 * h, rx * 1.10, ry * 1.08, shade, alpha=0.45, blur=16)
    brush.oval(cx, cy + low, rx * 1.015, ry, shade, alpha=0.6, blur=4)
    body = skia.PathBuilder()
    body.moveTo(cx - rx, cy)
    body.lineTo(cx - rx, cy + low)
    body.arcTo(skia.Rect.MakeLTRB(cx - rx, cy + low - ry, cx + rx, cy + low + ry), 180, -180, False)
    body.lineTo(cx + rx, cy)
    body.close()
    path = body.detach()
    top_rect = skia.Rect.MakeLTRB(cx - rx, cy - ry, cx + rx, cy + ry)
    sides = [
        (0.0, shift(rgb, -0.05 - 0.10 * (lit > 0))),
        (0.5 + 0.22 * lit, shift(rgb, -0.015)),
        (1.0, shift(rgb, -0.05 - 0.10 * (lit < 0))),
    ]
    if material is None:
        brush.canvas.drawPath(path, brush.gradient((cx - rx, 0), (cx + rx, 0), sides))
        top = brush.gradient(
            (cx - rx, cy - ry), (cx + rx, cy + ry), ramp(shift(rgb, 0.055), shift(rgb, 0.015))
        )
        brush.canvas.drawOval(top_rect, top)
    else:
        flat = Plane(0, 0, 0, 1, stage.offset, stage.unit * 0.9, from_above=True)
        colors = (shift(rgb, 0.02), shift(rgb, -0.05), shift(rgb, -0.22))
        side_paint = skia.Paint(AntiAlias=True, Shader=material_shader(material, flat, colors))
        brush.canvas.drawPath(path, side_paint)
        dark = shift(rgb, -0.4, 0.6)
        brush.canvas.drawPath(
            path,
            brush.gradient(
                (cx - rx, 0),
                (cx + rx, 0),
                [(0.0, dark), (0.5 + 0.22 * lit, dark), (1.0, dark)],
                [0.38 if lit > 0 else 0.22, 0.08, 0.22 if lit > 0 else 0.38],
            ),
        )
        brush.canvas.drawPath(
            path, brush.gradient((0, cy), (0, cy + low), [(0, dark), (1, dark)], [0.0, 0.28])
        )
        lifted = (shift(rgb, 0.075), shift(rgb, 0.015), shift(rgb, -0.16))
        brush.canvas.drawOval(
            top_rect, skia.Paint(AntiAlias=True, Shader=material_shader(material, stage.plane(0.9), lifted))
        )
    edge = skia.PathBuilder()
    edge.addArc(top_rect, 8, 164)
    brush.stroke(edge.detach(), shift(rgb, 0.13), 1.6, alpha=0.75, blur=0.7)


def _plinth_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h = stage.tones, stage.width, stage.height
    plaster(brush, stage, mix(tones.wall, tones.tint((0.86, 0.83, 0.79)), 0.35), strength=1.3)
    side = 1.0 if brush.rng.random() < 0.5 else -1.0
    block = mix(tones.wall_deep, tones.tint((0.72, 0.68, 0.63)), 0.4)
    with brush.depth(4):
        x = stage.product.center_x + side * 0.33 * w
        top = stage.edge_y - brush.rng.uniform(0.06, 0.2) * h
        brush.rect(
            x - 0.12 * w - stage.light.side * 0.03 * w,
            top + 0.01 * h,
            x + 0.12 * w,
            stage.edge_y + 0.05 * h,
            shift(block, -0.2),
            alpha=0.35,
            blur=14,
        )
        lit = ramp(shift(block, 0.03), shift(block, -0.06))
        brush.panel(
            x - 0.12 * w,
            top,
            x + 0.12 * w,
            stage.edge_y + 0.05 * h,
            lit if stage.light.side < 0 else lit[::-1] and ramp(shift(block, -0.06), shift(block, 0.03)),
            across=True,
        )


def _plinth_ground(brush: Brush, stage: Stage) -> None:
    floor = mix(stage.tones.wall_deep, stage.tones.tint((0.74, 0.70, 0.65)), 0.45)
    lay_surface(
        brush, stage, "stone", (shift(floor, 0.05), shift(floor, -0.0), shift(floor, -0.15)), soft_edge=6
    )
    rock = stage.tones.tint((0.80, 0.77, 0.72), 0.22)
    podium(brush, stage, rock, height=0.14, material="stone")


def _marble_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    # A painted wall deeper than the pale stone, so that the counter reads as a counter.
    deep = -0.12 if to_lch(tones.wall)[0] > 0.7 else 0.05
    plaster(brush, stage, shift(tones.wall, deep, 1.25))
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    with brush.depth(13):
        x = stage.product.center_x + side * brush.rng.uniform(0.30, 0.38) * w
        vase(brush, stage, x, e + 0.02 * h, 0.10 * w, 0.24 * h, tones.muted(shift(tones.wall, -0.12), 0.4))
        brush.rect(-w, e - 0.012 * h, 2 * w, e + 0.02 * h, shift(tones.wall_deep, -0.1), alpha=0.4, blur=8)


def vase(brush: Brush, stage: Stage, x: float, base: float, width: float, height: float, rgb: Rgb) -> None:
    """A round vase with a few leafy stems."""
    stem = mix(shift(rgb, -0.2, 0.5), (0.38, 0.45, 0.27), 0.7)
    for _ in range(7):
        lean = brush.rng.uniform(-0.9, 0.9)
        tip = (x + lean * width * 1.1, base - height * brush.rng.uniform(1.35, 2.0))
        path = skia.PathBuilder()
        path.moveTo(x, base - height * 0.85)
        path.quadTo(x + lean * width * 0.2, base - height * 1.3, *tip)
        brush.stroke(path.detach(), stem, 4)
        for i in range(7):
            t = 0.3 + 0.1 * i
            px = x + (tip[0] - x) * t**1.6
            py = base - height * 0.85 + (tip[1] - base + height * 0.85) * t
            for turn in (-1, 1):
                brush.oval(
                    px + turn * width * 0.13,
                    py,
                    width * 0.13,
                    width * 0.055,
                    shift(stem, 0.04 * (i % 3)),
                    alpha=0.95,
                )
    neck = width * 0.24
    shape = [
        (x - neck, base - height),
        (x + neck, base - height),
        (x + neck, base - height * 0.8),
        (x + width * 0.58, base - height * 0.55),
        (x + width * 0.55, base - height * 0.1),
        (x + width * 0.3, base),
        (x - width * 0.3, base),
        (x - width * 0.55, base - height * 0.1),
        (x - width * 0.58, base - height * 0.55),
        (x - neck, base - height * 0.8),
    ]
    lit = stage.light.side
    stops = [
        (0.0, shift(rgb, 0.05 if lit < 0 else -0.17)),
        (0.5 + 0.2 * lit, shift(rgb, 0.08)),
        (1.0, shift(rgb, -0.17 if lit < 0 else 0.05)),
    ]
    brush.canvas.drawPath(smooth_path(shape), brush.gradient((x - width / 2, 0), (x + width / 2, 0), stops))


def _marble_ground(brush: Brush, stage: Stage) -> None:
    light, deep, vein = oklch(0.955, 0.006, 80), oklch(0.90, 0.008, 260), oklch(0.60, 0.015, 260)
    if stage.mood == "premium":
        light, deep, vein = oklch(0.26, 0.012, 200), oklch(0.19, 0.01, 220), oklch(0.78, 0.02, 90)
    tint = stage.tones.tint
    lay_surface(brush, stage, "marble", (tint(light), tint(deep), tint(vein)), rim=WHITE, soft_edge=4)


def _linen_backdrop(brush: Brush, stage: Stage) -> None:
    cloth = mix(stage.tones.wall, oklch(max(0.45, to_lch(stage.tones.wall)[0] * 0.96), 0.02, 80), 0.35)
    colors = (shift(cloth, 0.03), shift(cloth, -0.055), WHITE)
    shader = material_shader("linen", stage.plane(1.25, from_above=True), colors)
    brush.canvas.drawPaint(skia.Paint(Shader=shader))


def _vanity_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, oklch(to_lch(tones.wall)[0] - 0.02, 0.06, 22), 0.75)
    plaster(brush, stage, wall)
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    with brush.depth(7):
        mx, my, r = stage.product.center_x + side * 0.15 * w, e - 0.34 * h, 0.27 * w
        brush.oval(
            mx + 0.012 * w, my + 0.016 * h, r * 1.05, r * 1.05, shift(wall, -0.25), alpha=0.35, blur=14
        )
        brush.oval(mx, my, r * 1.05, r * 1.05, mix(tones.tint((0.80, 0.65, 0.42)), wall, 0.2))
        brush.oval(mx, my, r * 1.01, r * 1.01, mix(tones.tint((0.70, 0.55, 0.34)), wall, 0.5))
        glass = skia.PathBuilder()
        glass.addCircle(mx, my, r)
        stops = [(0.0, shift(wall, 0.06)), (0.5, shift(wall, -0.05)), (1.0, shift(wall, -0.13))]
        brush.canvas.drawPath(glass.detach(), brush.gradient((mx - r, my - r), (mx + r, my + r), stops))
        brush.glow(mx - 0.4 * r, my - 0.4 * r, 0.7 * r, WHITE, 0.55)
    with brush.depth(11):
        x = stage.product.center_x + side * brush.rng.uniform(0.33, 0.39) * w
        vase(brush, stage, x, e + 0.03 * h, 0.08 * w, 0.15 * h, tones.tint((0.93, 0.89, 0.85)))
        x2 = stage.product.center_x - side * brush.rng.uniform(0.30, 0.36) * w
        for i, (dx, bw, bh) in enumerate(((-0.03, 0.045, 0.15), (0.035, 0.055, 0.10))):
            body = tones.muted(shift(tones.wall, -0.10 + 0.05 * i), 0.5)
            left = x2 + dx * w - bw * w / 2
            brush.cylinder(left, e + 0.02 * h - bh * h, left + bw * w, e + 0.02 * h, body, stage.light.side)
            brush.rect(
                left + 0.012 * w,
                e - bh * h - 0.03 * h,
                left + bw * w - 0.012 * w,
                e + 0.02 * h - bh * h,
                tones.tint((0.78, 0.63, 0.42)),
                radius=3,
            )


def _vanity_ground(brush: Brush, stage: Stage) -> None:
    tint = stage.tones.tint
    chips = (
        tint(oklch(0.93, 0.012, 40), 0.3),
        mix(stage.tones.accent, oklch(0.75, 0.05, 30), 0.6),
        oklch(0.72, 0.03, 60),
    )
    lay_surface(brush, stage, "terrazzo", chips, rim=WHITE, soft_edge=4, near_shade=0.15)


STUDIO: dict[str, Setting] = {
    "studio_sweep": Setting(
        _sweep_backdrop, no_ground, (0.05, 0.10), 0.30, gloss=0.10, seamless=True, unscaled=True
    ),
    "color_block": Setting(_block_backdrop, _block_ground, (0.10, 0.15), 0.26, unscaled=True),
    "stone_plinth": Setting(_plinth_backdrop, _plinth_ground, (0.05, 0.09), 0.20, unscaled=True),
    "marble_counter": Setting(
        _marble_backdrop, _marble_ground, (0.10, 0.15), 0.28, gloss=0.30, unscaled=True
    ),
    "linen_fabric": Setting(_linen_backdrop, no_ground, (0.10, 0.10), 0.30, from_above=True, unscaled=True),
    "vanity_shelf": Setting(_vanity_backdrop, _vanity_ground, (0.08, 0.12), 0.24, gloss=0.24),
}
