"""Props: small ones strewn in focus around the product's foot, larger ones out of focus behind it."""

from __future__ import annotations

import math
from collections.abc import Callable

import skia

from ray_tasks.pictures.brush import Brush, packed, polygon, ramp
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.palette import mix, oklch, shift
from ray_tasks.pictures.props_small import STREWN
from ray_tasks.pictures.scene import SceneSpec
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, book_row, pot_plant
from ray_tasks.pictures.settings_workplaces import dumbbell_end, hang_tool
from ray_tasks.pictures.stage import Stage, beside_text

STEEL = oklch(0.55, 0.012, 250)


def draw_near_props(
    brush: Brush,
    stage: Stage,
    spec: SceneSpec,
    text_area: Box | None,
    hidden: Box | None,
    from_above: bool,
) -> None:
    """Strews the small props on the ground beside the product: never over it, never under the text.

    text_area: of the frame, on which depends where they lie; hidden: of the canvas, where none of them is drawn.
    """
    w, h = stage.width, stage.height
    for prop in spec.props:
        if prop not in STREWN:
            continue
        draw, sizes, count, lies = STREWN[prop]
        flat = 1.0 if from_above else min(0.7, stage.squash * 1.25)
        side = 1.0 if brush.rng.random() < 0.5 else -1.0
        spots = []
        for i in range(count * 4):
            way = side if i % 3 else -side
            spread = abs(float(brush.rng.normal(0, 0.55)))
            x = stage.product.center_x + way * (stage.product.width * 0.5 + (0.03 + 0.15 * spread) * w)
            if from_above:
                y = stage.product.center_y + float(brush.rng.uniform(-0.45, 0.5)) * stage.product.height
            else:
                near = float(brush.rng.uniform(-0.35, 1.0))
                y = stage.contact_y + near * min(0.11 * h, 0.8 * (h - stage.contact_y))
                y = max(y, stage.edge_y + 0.03 * h)
            spots.append((x, y))
        spots.sort(key=lambda spot: spot[1])
        placed: list[tuple[float, float, float]] = []
        for x, y in spots:
            size = float(brush.rng.uniform(*sizes)) * brush.unit * min(1.6, stage.closeness)
            if not from_above:
                size *= (y - stage.horizon_y) / max(1.0, stage.contact_y - stage.horizon_y)
            reach = Box(
                int(x - size * 1.3), int(y - size * 1.3), int(x + size * 1.3) + 1, int(y + size * 1.3) + 1
            )
            blocked = reach.overlaps(stage.product) or (text_area is not None and reach.overlaps(text_area))
            # Large pieces keep apart; small ones (beans, confetti) may lie in heaps.
            crowded = count <= 10 and any(
                math.hypot(x - px, 2 * (y - py)) < 1.1 * (size + ps) for px, py, ps in placed
            )
            blocked = blocked or crowded
            if blocked or len(placed) >= count or not (-size < x < w + size and y < h + size):
                continue
            placed.append((x, y, size))
            brush.canvas.save()
            if hidden is not None and reach.overlaps(hidden):
                brush.canvas.clipRect(skia.Rect.MakeEmpty())
            _set_down(brush, stage, draw, x, y, size, flat if lies else 1.0)
            brush.canvas.restore()


def _set_down(
    brush: Brush,
    stage: Stage,
    draw: Callable[[Brush, Stage, float], None],
    x: float,
    y: float,
    size: float,
    flat: float,
) -> None:
    """One piece with its shadow, at (x, y), turned at random."""
    canvas = brush.canvas
    # The shadow has the piece's own shape: thick pieces throw it farther than flat ones.
    lift = size * (0.10 if flat < 1.0 else 0.20)
    sigma = max(1.5, size * (0.07 if flat < 1.0 else 0.12))
    shadow = skia.ImageFilters.DropShadow(
        -stage.light.side * lift * 1.3, lift * 0.8, sigma, sigma * 0.7, packed((0.06, 0.05, 0.06), 0.55), None
    )
    reach = size * 1.8
    canvas.saveLayer(
        skia.Rect.MakeLTRB(x - reach, y - reach, x + reach, y + reach), skia.Paint(ImageFilter=shadow)
    )
    canvas.translate(x, y)
    canvas.scale(1.0, flat)
    canvas.rotate(float(brush.rng.uniform(0, 360)) if flat < 1.0 else float(brush.rng.uniform(-40, 40)))
    draw(brush, stage, size)
    canvas.restore()


def draw_far_props(brush: Brush, stage: Stage, spec: SceneSpec) -> None:
    """Places the large props behind the product, out of focus: where there is room, but not where text will stand."""
    w, h, e = stage.width, stage.height, stage.edge_y
    side = 1.0 if stage.product.center_x <= w / 2 else -1.0
    if abs(stage.product.center_x - w / 2) < 0.04 * w:
        side = 1.0 if brush.rng.random() < 0.5 else -1.0
    column = side if beside_text(stage) else 0.0
    if column:
        side = -side
    for prop in spec.props:
        # In the text's column it only looks out from behind the product.
        out = 0.42 * stage.product.width if side == column else 0.5 * stage.product.width + 0.13 * w
        x = stage.product.center_x + side * min(out, 0.40 * w)
        x = min(0.96 * w, max(0.04 * w, x))
        base = e + 0.02 * h
        drawer = FAR.get(prop)
        if drawer is None:
            continue
        with brush.depth(6.5):
            if stage.closeness < 1:
                brush.canvas.translate(x * (1 - stage.closeness), base * (1 - stage.closeness))
                brush.canvas.scale(stage.closeness, stage.closeness)
            drawer(brush, stage, x, base)
        side = -side


def _books(brush: Brush, stage: Stage, x: float, base: float) -> None:
    w, h = stage.width, stage.height
    colors = [
        stage.tones.muted(oklch(0.48, 0.05, 250), 0.3),
        stage.tones.muted(oklch(0.58, 0.06, 60), 0.6),
        stage.tones.tint(oklch(0.85, 0.03, 80)),
        stage.tones.muted(oklch(0.62, 0.05, 60), 0.4),
    ]
    for i in range(3):
        rgb, half, tall = shift(colors[i], -0.05), (0.115 - 0.012 * i) * w, 0.036 * h
        slip = float(brush.rng.uniform(-0.012, 0.012)) * w
        brush.panel(
            x - half + slip,
            base - tall,
            x + half + slip,
            base,
            ramp(shift(rgb, 0.06), shift(rgb, -0.1)),
            radius=4,
        )
        brush.rect(
            x - half * 0.86 + slip,
            base - tall * 0.78,
            x + half + slip,
            base - tall * 0.22,
            oklch(0.93, 0.02, 85),
        )
        base -= tall
    book_row(brush, x - 0.03 * w, x + 0.03 * w, base, 0.001 * h, colors)


def _laptop(brush: Brush, stage: Stage, x: float, base: float) -> None:
    w, h = stage.width, stage.height
    half, tall = 0.18 * w, 0.22 * h
    brush.panel(
        x - half,
        base - tall,
        x + half,
        base - 0.006 * h,
        ramp(oklch(0.42, 0.008, 255), oklch(0.30, 0.008, 255)),
        radius=9,
    )
    screen = mix(stage.tones.wall, oklch(0.82, 0.05, 240), 0.4)
    inset = 0.010 * w
    brush.panel(
        x - half + inset,
        base - tall + inset,
        x + half - inset,
        base - 0.02 * h,
        ramp(shift(screen, 0.08), shift(screen, -0.1)),
        across=True,
    )
    for i in range(4):
        y = base - tall + (0.035 + 0.04 * i) * h
        brush.rect(
            x - half * 0.8,
            y,
            x - half * 0.8 + (0.10 + 0.05 * (i % 3)) * w,
            y + 0.012 * h,
            (1, 1, 1),
            alpha=0.6,
            radius=3,
        )
    brush.panel(
        x - half * 1.08,
        base - 0.008 * h,
        x + half * 1.08,
        base + 0.014 * h,
        ramp(oklch(0.84, 0.006, 250), oklch(0.62, 0.006, 250)),
        radius=5,
    )


def _dumbbell(brush: Brush, stage: Stage, x: float, base: float) -> None:
    r = 0.058 * stage.height
    brush.panel(
        x - 1.6 * r,
        base - 1.16 * r,
        x + 1.6 * r,
        base - 0.84 * r,
        ramp(shift(STEEL, 0.2), shift(STEEL, -0.2)),
        radius=4,
    )
    for k in (-1.5, -1.05, 1.05, 1.5):
        tall = r * (1.0 if abs(k) < 1.2 else 0.82)
        body = oklch(0.27, 0.008, 255)
        brush.panel(
            x + k * r - 0.24 * r,
            base - r - tall,
            x + k * r + 0.24 * r,
            base - r + tall,
            [(0.0, shift(body, 0.05)), (0.25, shift(body, 0.16)), (1.0, shift(body, -0.08))],
            radius=8,
        )
    dumbbell_end(
        brush, x + 2.6 * r * (1 if x < stage.width / 2 else -1), base - 0.8 * r, 0.8 * r, stage.light.side
    )


def _towel(brush: Brush, stage: Stage, x: float, base: float) -> None:
    w, h = stage.width, stage.height
    rgb = mix(stage.tones.accent, oklch(0.92, 0.02, 90), 0.55)
    for i in range(3):
        half, tall = (0.115 - 0.006 * i) * w, 0.045 * h
        tone = shift(rgb, -0.03 * (i % 2))
        brush.panel(
            x - half,
            base - tall,
            x + half,
            base,
            [(0.0, shift(tone, 0.05)), (0.55, tone), (1.0, shift(tone, -0.16))],
            radius=20,
        )
        base -= tall * 0.94


def _lantern(brush: Brush, stage: Stage, x: float, base: float) -> None:
    w, h = stage.width, stage.height
    half, tall, metal = 0.055 * w, 0.20 * h, oklch(0.30, 0.02, 70)
    brush.rect(x - half, base - tall * 0.82, x + half, base - tall * 0.10, oklch(0.90, 0.09, 80), radius=8)
    brush.oval(x, base - tall * 0.38, half * 0.30, tall * 0.17, oklch(0.99, 0.03, 95))
    for dx in (-1.0, 0.0, 1.0):
        brush.rect(
            x + dx * half - 0.004 * w,
            base - tall * 0.84,
            x + dx * half + 0.004 * w,
            base - tall * 0.08,
            metal,
        )
    brush.panel(
        x - half * 1.25,
        base - tall * 0.11,
        x + half * 1.25,
        base,
        ramp(shift(metal, 0.12), shift(metal, -0.08)),
        radius=5,
    )
    brush.path(
        polygon(
            [
                (x - half * 1.2, base - tall * 0.80),
                (x + half * 1.2, base - tall * 0.80),
                (x + half * 0.4, base - tall),
                (x - half * 0.4, base - tall),
            ]
        ),
        metal,
    )
    ring = skia.PathBuilder()
    ring.addArc(
        skia.Rect.MakeLTRB(x - half * 0.7, base - tall * 1.22, x + half * 0.7, base - tall * 0.82), 180, 180
    )
    brush.stroke(ring.detach(), metal, 5)
    brush.glow(x, base - tall * 0.42, 0.26 * w, LAMP_LIGHT, 0.75)


def _plant(brush: Brush, stage: Stage, x: float, base: float) -> None:
    leaf = oklch(0.55, 0.10, 140)
    pot_plant(
        brush, x, base, 0.085 * stage.width, stage.tones.tint((0.88, 0.84, 0.79)), leaf, stage.light.side
    )


def _tools(brush: Brush, stage: Stage, x: float, base: float) -> None:
    w, h = stage.width, stage.height
    grip = mix(stage.tones.accent, oklch(0.58, 0.17, 35), 0.4)
    for i in range(3):
        brush.canvas.save()
        brush.canvas.translate(x + (i - 1) * 0.045 * w, base - 0.24 * h)
        brush.canvas.rotate(8.0 * (i - 1))
        hang_tool(brush, (2, 0, 1)[i], 0.20 * h, STEEL, grip)
        brush.canvas.restore()
    brush.cylinder(
        x - 0.085 * w,
        base - 0.12 * h,
        x + 0.085 * w,
        base,
        stage.tones.tint(oklch(0.5, 0.03, 250)),
        stage.light.side,
    )


FAR: dict[str, Callable[[Brush, Stage, float, float], None]] = {
    "books": _books,
    "laptop_edge": _laptop,
    "dumbbell": _dumbbell,
    "towel": _towel,
    "lantern": _lantern,
    "plant": _plant,
    "tools": _tools,
}
