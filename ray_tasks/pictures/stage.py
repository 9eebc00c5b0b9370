"""The stage of a component scene: camera, light and tones that every drawing of one picture shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skia

from ray_tasks.pictures.brush import Brush, polygon
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.light import Light
from ray_tasks.pictures.materials import Plane, material_shader
from ray_tasks.pictures.palette import Rgb, Tones, shift

USUAL_PX = 290
"""Design units that a product of a setting's usual size would be long in proportion to what stands around it.

The median over 36 drawn things of known size in 25 settings (tiles, books, pots, tools, a sofa, a ladder), each carried
to the line on which the product stands: tests/benchmarks/RESULTS.md. A hero is drawn about twice as large.
"""


@dataclass(frozen=True)
class Stage:
    """One picture's camera, light and tones; all lengths in pixels of the full picture."""

    width: int
    height: int
    product: Box
    contact_y: float
    """Row on which the product stands."""
    edge_y: float
    """Row of the far edge of what it stands on (a table's back edge, or the foot of the background)."""
    horizon_y: float
    """Vanishing line of the ground plane: at or above `edge_y`."""
    light: Light
    tones: Tones
    season: str
    mood: str
    offset: tuple[float, float]
    """Where the material's pattern begins; changes with the seed."""
    closeness: float = 1.0
    """How much larger than usual the surroundings look: above 1 beside a small product, below 1 beside a large one."""

    @property
    def unit(self) -> float:
        """One design unit in pixels."""
        return min(self.width, self.height) / 1024.0

    @property
    def squash(self) -> float:
        """Foreshortening of the ground at the product, 0..1."""
        return min(0.75, max(0.16, 1.15 * (self.contact_y - self.horizon_y) / self.height))

    def plane(self, scale: float, *, from_above: bool = False) -> Plane:
        """The ground plane with a material enlarged by `scale`."""
        return Plane(
            self.width / 2 if not from_above else 0.0,
            self.horizon_y,
            self.contact_y if not from_above else 0.0,
            1.5 * self.height,
            self.offset,
            scale * self.closeness * self.unit,
            from_above,
        )


@dataclass(frozen=True)
class Setting:
    """How one word of SETTINGS is drawn."""

    backdrop: Callable[[Brush, Stage], None]
    """Everything behind the ground; drawn at half size, for it is out of focus."""
    ground: Callable[[Brush, Stage], None]
    """What the product stands on; drawn at full size."""
    reach: tuple[float, float]
    """Least and most distance between contact line and far edge, as a share of the height (camera height)."""
    rise: float
    """Distance between far edge and vanishing line, as a share of the height; 0 when the ground meets the horizon."""
    gloss: float = 0.0
    from_above: bool = False
    hangs: bool = False
    """The product hangs before a wall: its shade falls on the wall, and nothing lies at its foot."""
    open_air: bool = False
    """There is no window for the light to fall through."""
    seamless: bool = False
    """The ground runs on into the background without an edge."""
    glow: float = 0.0
    """Least ambient light: above 0 where the setting has lamps of its own."""
    usual_cm: float = 22.0
    """Longest side of a product beside which the setting is drawn at its own scale."""
    unscaled: bool = False
    """Nothing near has a size of its own (paper, stone, far hills): nobody can tell how large a product is there."""


def edge_path(brush: Brush, stage: Stage, roughness: float) -> skia.Path:
    """The region of the ground: below the far edge, which is straight or as rough as asked (design units)."""
    w, h = stage.width, stage.height
    if roughness <= 0:
        return polygon([(-2 * w, stage.edge_y), (3 * w, stage.edge_y), (3 * w, 3 * h), (-2 * w, 3 * h)])
    count = 64
    steps = brush.rng.standard_normal(count + 1)
    kernel = np.exp(-((np.arange(-9, 10) / 3.6) ** 2))
    smooth = np.convolve(np.pad(steps, 9, mode="wrap"), kernel / np.sqrt((kernel**2).sum()), mode="valid")
    jag = 0.22 * brush.rng.standard_normal(count + 1)
    top = [
        (
            -90.0 + (w + 180.0) * i / count,
            stage.edge_y + float(smooth[i % count] * 0.8 + jag[i % count]) * roughness * stage.unit,
        )
        for i in range(-count, 2 * count + 1)
    ]
    return polygon([*top, (top[-1][0], 3 * h), (top[0][0], 3 * h)])


def lay_surface(
    brush: Brush,
    stage: Stage,
    material: str,
    colors: tuple[Rgb, Rgb, Rgb],
    *,
    scale: float = 1.0,
    roughness: float = 0.0,
    rim: Rgb | None = None,
    soft_edge: float = 2.0,
    near_shade: float = 0.22,
) -> None:
    """Covers the ground with a material: sharp at the product, out of focus towards the far edge and the lens.

    `rim` is the colour of light caught by the far edge; `soft_edge` blurs that edge, in design units.
    """
    h = stage.height
    shader = material_shader(material, stage.plane(scale), colors)
    path = edge_path(brush, stage, roughness)
    target = brush.canvas
    c, e = stage.contact_y / h, max(0.0, stage.edge_y / h)
    middle = (e + c) / 2
    # Out of focus first, at a quarter of the size; the sharp plane is then drawn only where it is seen.
    seen = shown(brush, stage)
    far = _blurred_layer(brush, seen, stage, path, shader, rim, (soft_edge + 2.0) * stage.unit)
    target.save()
    target.clipRect(
        skia.Rect.MakeLTRB(
            seen.left(),
            max(seen.top(), stage.edge_y - (40 + 6 * soft_edge) * stage.unit),
            seen.right(),
            seen.bottom(),
        )
    )
    target.drawImageRect(far, seen, skia.SamplingOptions(skia.FilterMode.kLinear))
    target.restore()
    fade_in = e + 0.3 * (middle - e)
    last = 2.0 if c >= 0.93 else c + 0.24
    focus = material_shader(
        material, stage.plane(scale), colors, (fade_in * h, (c - 0.02) * h, (c + 0.05) * h, last * h)
    )
    target.save()
    bottom = last * h if last < 1.0 else seen.bottom()
    target.clipRect(skia.Rect.MakeLTRB(seen.left(), fade_in * h, seen.right(), bottom))
    target.drawPath(path, skia.Paint(AntiAlias=True, Shader=focus))
    target.restore()
    dark = shift(colors[1], -0.25)
    brush.wash(stage.contact_y, h, [(0.0, dark), (1.0, dark)], [0.0, near_shade])


def _blurred_layer(
    brush: Brush,
    seen: skia.Rect,
    stage: Stage,
    path: skia.Path,
    shader: skia.Shader,
    rim: Rgb | None,
    sigma_px: float,
) -> skia.Image:
    """The ground out of focus, at a quarter of the picture's size."""
    w, h, scale = stage.width, stage.height, 0.25
    small = skia.Surface(round(seen.width() * scale), round(seen.height() * scale))
    canvas = small.getCanvas()
    blur = max(0.4, sigma_px)
    canvas.scale(scale, scale)
    canvas.translate(-seen.left(), -seen.top())
    canvas.saveLayer(None, skia.Paint(ImageFilter=skia.ImageFilters.Blur(blur, blur, skia.TileMode.kDecal)))
    # Past the frame too, or the blur would let the backdrop through at the borders.
    canvas.drawPath(path, skia.Paint(AntiAlias=True, Shader=shader))
    if rim is not None:
        y = stage.edge_y + 1.5 * stage.unit
        shine = Brush(canvas, w, h, brush.rng)
        shine.stroke(polygon([(-2 * w, y), (3 * w, y)], closed=False), rim, 4, alpha=0.7)
    canvas.restore()
    return small.makeImageSnapshot()


def shown(brush: Brush, stage: Stage) -> skia.Rect:
    """The stage, and what the canvas shows beyond it."""
    seen = brush.seen
    return skia.Rect.MakeLTRB(
        min(0.0, seen.left()),
        min(0.0, seen.top()),
        max(stage.width, seen.right()),
        max(stage.height, seen.bottom()),
    )


def free_side(stage: Stage) -> float:
    """1 if there is more room to the right of the product, else -1."""
    return 1.0 if stage.product.center_x <= 0.52 * stage.width else -1.0


def beside_text(stage: Stage) -> bool:
    """Whether the product leaves a column of the picture to the text: what stands in it is read through letters."""
    return abs(stage.product.center_x / stage.width - 0.5) > 0.12
