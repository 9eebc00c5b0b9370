"""Desks: the office by day and the study at night."""

from __future__ import annotations

from ray_tasks.pictures.brush import Brush, polygon, ramp
from ray_tasks.pictures.palette import Rgb, mix, oklch, shift, to_lch
from ray_tasks.pictures.settings_indoor import LAMP_LIGHT, WALNUT, book_row, pot_plant, tinted, window
from ray_tasks.pictures.settings_studio import WHITE, plaster
from ray_tasks.pictures.stage import Setting, Stage, free_side, lay_surface


def _beside(stage: Stage, side: float, gap: float) -> float:
    """A column `gap` (share of the width) beside the product, inside the frame."""
    edge = stage.product.right if side > 0 else stage.product.left
    return min(0.93 * stage.width, max(0.07 * stage.width, edge + side * gap * stage.width))


def _office_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = mix(tones.wall, oklch(min(0.90, to_lch(tones.wall)[0] + 0.02), 0.012, 240), 0.55)
    plaster(brush, stage, wall)
    side = free_side(stage)
    with brush.depth(12):
        window(brush, stage, -0.06 * w, e - 0.86 * h, 1.06 * w, e - 0.17 * h, 3, 1)
    slat = mix(wall, WHITE, 0.25)
    pitch = 0.034 * h
    with brush.depth(3.5):
        for i in range(int(0.70 * h / pitch)):
            y = e - 0.86 * h + i * pitch
            brush.rect(-w, y, 2 * w, y + 0.60 * pitch, slat, alpha=0.42)
        for x in (0.17, 0.5, 0.83):
            brush.rect(x * w - 2, -h, x * w + 2, e - 0.16 * h, shift(slat, -0.16), alpha=0.6)
        brush.rect(-w, e - 0.17 * h, 2 * w, e - 0.145 * h, shift(wall, 0.05))
        brush.rect(-w, e - 0.145 * h, 2 * w, e, shift(wall, -0.10), alpha=0.75)
    _monitor(brush, stage, side)
    with brush.depth(8):
        x = _beside(stage, -side, 0.03)
        pot_plant(
            brush,
            x,
            e + 0.02 * h,
            0.085 * w,
            tones.tint((0.92, 0.91, 0.89)),
            oklch(0.52, 0.08, 145),
            stage.light.side,
        )


def _monitor(brush: Brush, stage: Stage, side: float) -> None:
    """A large screen on the free side; it runs out of the frame, and text may stand on its calm face."""
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    near = (stage.product.right if side > 0 else stage.product.left) + side * 0.03 * w
    near = min(0.66 * w, near) if side > 0 else max(0.34 * w, near)
    far = 1.06 * w if side > 0 else -0.06 * w
    left, right = min(near, far), max(near, far)
    # Above a product in the middle stands text: the screen stays below it.
    centred = abs(stage.product.center_x - w / 2) < 0.06 * w
    bottom, top = e - 0.075 * h, e - (0.40 if centred else 0.56) * h
    middle = (left + right) / 2
    dark = not to_lch(tones.wall)[0] > 0.5
    screen = tones.muted(oklch(0.34 if dark else 0.80, 0.02, 240), 0.35)
    with brush.depth(5.5):
        brush.rect(middle - 0.05 * w, bottom - 9, middle + 0.05 * w, e, oklch(0.62, 0.008, 250))
        brush.panel(
            middle - 0.13 * w,
            e - 0.016 * h,
            middle + 0.13 * w,
            e + 0.01 * h,
            ramp(oklch(0.70, 0.008, 250), oklch(0.48, 0.008, 250)),
            radius=6,
        )
        brush.rect(left, top, right, bottom, oklch(0.23, 0.008, 260), radius=14)
        inset = 0.013 * w
        brush.panel(
            left + inset,
            top + inset,
            right - inset,
            bottom - 1.6 * inset,
            ramp(shift(screen, 0.05), shift(screen, -0.05)),
            radius=4,
        )
        bar = shift(screen, -0.10)
        brush.rect(left + inset, top + inset, right - inset, top + inset + 0.034 * h, bar, radius=4)
        for i in range(3):
            x = left + 0.040 * w + 0.024 * w * i
            brush.oval(x, top + inset + 0.017 * h, 0.007 * w, 0.007 * w, shift(bar, 0.12))


def _office_ground(brush: Brush, stage: Stage) -> None:
    birch = (oklch(0.84, 0.04, 78), oklch(0.77, 0.045, 72), oklch(0.58, 0.045, 62))
    wood = WALNUT if stage.mood == "premium" else birch
    lay_surface(brush, stage, "wood", tinted(stage, wood), scale=1.7, rim=WHITE, soft_edge=4)
    w, h = stage.width, stage.height
    side = free_side(stage)
    near, far = _beside(stage, side, 0.06), (1.03 * w if side > 0 else -0.03 * w)
    back = stage.edge_y + 0.030 * h
    front = back + 0.062 * h
    slant = side * 0.02 * w
    keys = mix(stage.tones.tint((0.94, 0.94, 0.93)), wood[0], 0.05)
    with brush.depth(3, rows=(back - 0.02 * h, front + 0.03 * h)):
        body = [(near, front), (near + slant, back), (far, back), (far + slant, front)]
        brush.path(
            polygon([(x - 0.006 * w * stage.light.side, y + 0.010 * h) for x, y in body]),
            (0.1, 0.09, 0.08),
            alpha=0.4,
            blur=7,
        )
        brush.path(polygon(body), shift(keys, -0.16))
        step = side * 0.045 * w
        for row in range(4):
            y = back + (0.10 + 0.22 * row) * (front - back)
            tall = 0.16 * (front - back)
            x = near + slant * (1 - (row + 1) / 4) + 0.2 * step
            while (far - x) * side > 0:
                brush.rect(min(x, x + 0.84 * step), y, max(x, x + 0.84 * step), y + tall, keys, radius=3)
                x += step


def _study_backdrop(brush: Brush, stage: Stage) -> None:
    tones, w, h, e = stage.tones, stage.width, stage.height, stage.edge_y
    wall = oklch(0.33, 0.045, 262) if stage.light.night else oklch(0.50, 0.04, 250)
    plaster(brush, stage, tones.tint(wall, 0.25))
    covers: list[Rgb] = [
        oklch(0.44, 0.075, 28),
        oklch(0.55, 0.075, 65),
        oklch(0.42, 0.05, 155),
        oklch(0.40, 0.055, 250),
        tones.tint((0.80, 0.76, 0.68)),
        tones.muted(oklch(0.50, 0.06, 60), 0.6),
    ]
    with brush.depth(6.5):
        for level in (0.18, 0.41, 0.64):
            y = e - level * h
            book_row(brush, -0.02 * w, 1.02 * w, y, 0.185 * h, covers)
            brush.panel(-w, y, 2 * w, y + 0.022 * h, ramp(shift(WALNUT[0], 0.05), WALNUT[1]))
            brush.rect(-w, y + 0.022 * h, 2 * w, y + 0.06 * h, (0, 0, 0), alpha=0.42, blur=12)
        for x in (0.02, 0.98):
            brush.panel(x * w - 0.016 * w, -h, x * w + 0.016 * w, e, ramp(WALNUT[0], WALNUT[2]), across=True)
    _desk_lamp(brush, stage)


def _desk_lamp(brush: Brush, stage: Stage) -> None:
    """A lamp between product and text; its shade hangs above where text begins."""
    w, h, e = stage.width, stage.height, stage.edge_y
    side = free_side(stage)
    lx = _beside(stage, side, 0.055)
    top = max(0.085 * h, e - 0.66 * h)
    brush.glow(lx, top + 0.10 * h, 0.55 * w, LAMP_LIGHT, 0.62)
    brush.glow(lx, e, 0.50 * w, LAMP_LIGHT, 0.55, squash=0.4)
    brass = oklch(0.62, 0.075, 78)
    with brush.depth(5):
        brush.stroke(polygon([(lx, e), (lx, top)], closed=False), brass, 10)
        brush.oval(lx, e, 0.062 * w, 0.014 * h, shift(brass, -0.1))
        shade = polygon(
            [
                (lx - 0.050 * w, top - 0.045 * h),
                (lx + 0.050 * w, top - 0.045 * h),
                (lx + 0.110 * w, top + 0.075 * h),
                (lx - 0.110 * w, top + 0.075 * h),
            ]
        )
        cloth = ramp(oklch(0.74, 0.10, 68), oklch(0.95, 0.08, 86))
        brush.canvas.drawPath(shade, brush.gradient((0, top - 0.045 * h), (0, top + 0.075 * h), cloth))
    brush.glow(lx, top + 0.075 * h, 0.20 * w, LAMP_LIGHT, 0.55, squash=0.7)


def _study_ground(brush: Brush, stage: Stage) -> None:
    lay_surface(brush, stage, "wood", tinted(stage, WALNUT), scale=1.4, rim=LAMP_LIGHT, soft_edge=5)
    # An open notebook with a pencil.
    w, h = stage.width, stage.height
    side = free_side(stage)
    x0 = _beside(stage, side, 0.10)
    back, front = stage.edge_y + 0.035 * h, stage.edge_y + 0.115 * h
    page = stage.tones.tint(oklch(0.86, 0.03, 85), 0.08)
    with brush.depth(2.6, rows=(back - 0.02 * h, front + 0.03 * h)):
        for i in (0, 1):
            a, b = x0 + side * 0.165 * w * i, x0 + side * 0.165 * w * (i + 1)
            lean = side * 0.03 * w
            sheet = polygon([(a - lean, front), (a, back), (b, back), (b - lean, front)])
            brush.path(sheet, (0.05, 0.04, 0.04), alpha=0.55, blur=8)
            stops = ramp(shift(page, -0.10), page) if i else ramp(page, shift(page, -0.10))
            brush.canvas.drawPath(sheet, brush.gradient((a, 0), (b, 0), stops))
            for k in range(5):
                y = back + (0.18 + 0.15 * k) * (front - back)
                shear = lean * (y - back) / (front - back)
                ends = (a + side * 0.02 * w - shear, b - side * 0.025 * w - shear)
                brush.stroke(
                    polygon([(ends[0], y), (ends[1], y)], closed=False), shift(page, -0.28), 2, alpha=0.7
                )
        pen = [(x0 + side * 0.20 * w, back + 0.02 * h), (x0 + side * 0.27 * w, front - 0.008 * h)]
        brush.stroke(polygon(pen, closed=False), oklch(0.68, 0.12, 75), 8)


DESKS: dict[str, Setting] = {
    "office_desk": Setting(_office_backdrop, _office_ground, (0.11, 0.15), 0.26, gloss=0.08),
    "study_night": Setting(_study_backdrop, _study_ground, (0.11, 0.15), 0.26, gloss=0.10, glow=0.60),
}
