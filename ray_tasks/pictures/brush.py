"""Drawing helpers on a skia canvas, in full-size picture coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import skia

from ray_tasks.pictures.palette import Rgb, mix, shift

Stops = Sequence[tuple[float, Rgb]]
Point = tuple[float, float]


def color4(rgb: Rgb, alpha: float = 1.0) -> skia.Color4f:
    """Skia's colour of an sRGB triple."""
    return skia.Color4f(rgb[0], rgb[1], rgb[2], alpha)


def packed(rgb: Rgb, alpha: float = 1.0) -> int:
    """Skia's 32-bit colour of an sRGB triple."""
    return int(color4(rgb, alpha).toColor())


def polygon(points: Sequence[Point], *, closed: bool = True) -> skia.Path:
    """A path through the points."""
    builder = skia.PathBuilder()
    builder.moveTo(*points[0])
    for point in points[1:]:
        builder.lineTo(*point)
    if closed:
        builder.close()
    return builder.detach()


def smooth_path(points: Sequence[Point]) -> skia.Path:
    """A closed path whose corners at the points are rounded by quadratic curves."""
    builder = skia.PathBuilder()
    mids = [
        ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(points, [*points[1:], points[0]], strict=True)
    ]
    builder.moveTo(*mids[-1])
    for point, mid in zip(points, mids, strict=True):
        builder.quadTo(skia.Point(*point), skia.Point(*mid))
    builder.close()
    return builder.detach()


class Brush:
    """Paints soft shapes; `rng` is the only source of variation, `focus` scales the blur of `depth`."""

    def __init__(
        self,
        canvas: skia.Canvas,
        width: float,
        height: float,
        rng: np.random.Generator,
        *,
        focus: float = 1.0,
    ):
        self.canvas = canvas
        self.focus = focus
        self.width = width
        self.height = height
        self.unit = min(width, height) / 1024.0
        self.rng = rng

    def paint(self, rgb: Rgb, alpha: float = 1.0, blur: float = 0.0) -> skia.Paint:
        """An anti-aliased paint; `blur` is a Gaussian sigma in design units."""
        paint = skia.Paint(AntiAlias=True, Color4f=color4(rgb, alpha))
        if blur > 0:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur * self.unit))
        return paint

    def gradient(
        self, start: Point, end: Point, stops: Stops, alpha: float | Sequence[float] = 1.0
    ) -> skia.Paint:
        """A paint with a linear gradient between two points."""
        alphas = [alpha] * len(stops) if isinstance(alpha, int | float) else list(alpha)
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(*start), skia.Point(*end)],
            [packed(rgb, a) for (_, rgb), a in zip(stops, alphas, strict=True)],
            [at for at, _ in stops],
        )
        return skia.Paint(AntiAlias=True, Shader=shader, Dither=True)

    @contextmanager
    def depth(
        self,
        sigma: float,
        blend: skia.BlendMode = skia.BlendMode.kSrcOver,
        rows: tuple[float, float] | None = None,
    ) -> Iterator[None]:
        """What is drawn inside lies out of focus by `sigma` design units; `rows` bounds it (cheaper)."""
        paint = skia.Paint(BlendMode=blend)
        if sigma > 0:
            s = sigma * self.unit * self.focus
            paint.setImageFilter(skia.ImageFilters.Blur(s, s, skia.TileMode.kClamp))
        bounds = None if rows is None else skia.Rect.MakeLTRB(-self.width, rows[0], 2 * self.width, rows[1])
        self.canvas.saveLayer(bounds, paint)
        try:
            yield
        finally:
            self.canvas.restore()

    @property
    def seen(self) -> skia.Rect:
        """What the canvas shows, in the frame's pixels: more than the frame where a placement reaches beyond it."""
        # Skia's own answer has a pixel of the canvas more on each side.
        pixel = 1 / abs(self.canvas.getTotalMatrix().getScaleX())
        return self.canvas.getLocalClipBounds().makeInset(pixel, pixel)

    @contextmanager
    def repeated(self, period: float) -> Iterator[None]:
        """What is drawn inside goes on beyond the frame: again at each period, where the canvas shows it."""
        seen, target = self.seen, self.canvas
        left, right = min(0, math.floor(seen.left() / period)), max(0, math.ceil(seen.right() / period) - 1)
        if (left, right) == (0, 0):
            yield
            return
        recorder = skia.PictureRecorder()
        room = skia.Rect.MakeLTRB(-self.width, seen.top(), 2 * self.width, seen.bottom())
        self.canvas = recorder.beginRecording(room)
        try:
            yield
        finally:
            self.canvas = target
        picture = recorder.finishRecordingAsPicture()
        for turn in range(left, right + 1):
            target.save()
            if turn:
                # Inside the frame a scene is the same on every canvas.
                target.clipRect(
                    skia.Rect.MakeWH(self.width, self.height).makeOutset(0, self.height),
                    skia.ClipOp.kDifference,
                )
            target.translate(turn * period, 0)
            target.drawPicture(picture)
            target.restore()

    def wash(self, top: float, bottom: float, stops: Stops, alpha: float | Sequence[float] = 1.0) -> None:
        """A vertical gradient over the full width; what begins or ends at the frame's border goes on beyond it."""
        first = top if top > 0 else -self.height
        last = bottom if bottom < self.height else 2 * self.height
        rect = skia.Rect.MakeLTRB(-self.width, first, 2 * self.width, last)
        self.canvas.drawRect(rect, self.gradient((0, top), (0, bottom), stops, alpha))

    def rect(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        rgb: Rgb,
        *,
        alpha: float = 1.0,
        blur: float = 0.0,
        radius: float = 0.0,
    ) -> None:
        """A filled rectangle, soft and rounded as asked."""
        paint = self.paint(rgb, alpha, blur)
        r = radius * self.unit
        self.canvas.drawRoundRect(skia.Rect.MakeLTRB(left, top, right, bottom), r, r, paint)

    def panel(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        stops: Stops,
        *,
        across: bool = False,
        radius: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """A rectangle with a gradient, down or across."""
        end = (right, top) if across else (left, bottom)
        r = radius * self.unit
        rect = skia.Rect.MakeLTRB(left, top, right, bottom)
        self.canvas.drawRoundRect(rect, r, r, self.gradient((left, top), end, stops, alpha))

    def oval(
        self, cx: float, cy: float, rx: float, ry: float, rgb: Rgb, *, alpha: float = 1.0, blur: float = 0.0
    ) -> None:
        """A filled ellipse."""
        self.canvas.drawOval(
            skia.Rect.MakeLTRB(cx - rx, cy - ry, cx + rx, cy + ry), self.paint(rgb, alpha, blur)
        )

    def path(self, path: skia.Path, rgb: Rgb, *, alpha: float = 1.0, blur: float = 0.0) -> None:
        """A filled path."""
        self.canvas.drawPath(path, self.paint(rgb, alpha, blur))

    def stroke(
        self, path: skia.Path, rgb: Rgb, width: float, *, alpha: float = 1.0, blur: float = 0.0
    ) -> None:
        """A stroked path with round ends; `width` in design units."""
        paint = self.paint(rgb, alpha, blur)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width * self.unit)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self.canvas.drawPath(path, paint)

    def glow(
        self,
        cx: float,
        cy: float,
        radius: float,
        rgb: Rgb,
        alpha: float,
        *,
        squash: float = 1.0,
        blend: skia.BlendMode = skia.BlendMode.kScreen,
    ) -> None:
        """A light that falls off smoothly from its middle."""
        falloff = (1.0, 0.78, 0.45, 0.2, 0.06, 0.0)
        shader = skia.GradientShader.MakeRadial(
            skia.Point(0, 0),
            radius,
            [packed(rgb, alpha * a) for a in falloff],
            [i / (len(falloff) - 1) for i in range(len(falloff))],
        )
        paint = skia.Paint(AntiAlias=True, Shader=shader, BlendMode=blend, Dither=True)
        self.canvas.save()
        self.canvas.translate(cx, cy)
        self.canvas.scale(1.0, squash)
        self.canvas.drawCircle(0, 0, radius, paint)
        self.canvas.restore()

    def cylinder(self, left: float, top: float, right: float, bottom: float, rgb: Rgb, lit: float) -> None:
        """An upright round body; `lit` -1 (from the left) .. 1 (from the right)."""
        peak = 0.5 + 0.28 * lit
        stops = [
            (0.0, shift(rgb, -0.13)),
            (max(0.05, peak - 0.12), shift(rgb, 0.06)),
            (min(0.95, peak + 0.05), shift(rgb, 0.08)),
            (1.0, shift(rgb, -0.17)),
        ]
        self.panel(left, top, right, bottom, stops, across=True, radius=3)

    def sphere(self, cx: float, cy: float, radius: float, rgb: Rgb, lit: float) -> None:
        """A ball lit from the upper left (`lit` -1) to the upper right (1), with its own shade and highlight."""
        shader = skia.GradientShader.MakeRadial(
            skia.Point(cx + 0.38 * lit * radius, cy - 0.42 * radius),
            1.5 * radius,
            [packed(shift(rgb, 0.13)), packed(rgb), packed(shift(rgb, -0.17)), packed(shift(rgb, -0.24))],
            [0.0, 0.38, 0.82, 1.0],
        )
        self.canvas.drawCircle(cx, cy, radius, skia.Paint(AntiAlias=True, Shader=shader, Dither=True))

    def bokeh(
        self,
        count: int,
        area: tuple[float, float, float, float],
        colors: Sequence[Rgb],
        radius: tuple[float, float],
        alpha: tuple[float, float],
    ) -> None:
        """Discs of confusion of lights far away: brighter rims as of a real lens; radius in design units."""
        left, top, right, bottom = area
        for _ in range(count):
            x, y = self.rng.uniform(left, right), self.rng.uniform(min(top, bottom), bottom)
            r = self.rng.uniform(*radius) * self.unit
            rgb = colors[int(self.rng.integers(len(colors)))]
            a = self.rng.uniform(*alpha)
            shader = skia.GradientShader.MakeRadial(
                skia.Point(x, y),
                r,
                [packed(rgb, a * 0.62), packed(rgb, a * 0.72), packed(shift(rgb, 0.08), a), packed(rgb, 0.0)],
                [0.0, 0.72, 0.93, 1.0],
            )
            paint = skia.Paint(AntiAlias=True, Shader=shader, BlendMode=skia.BlendMode.kScreen)
            self.canvas.drawCircle(x, y, r, paint)

    def foliage(
        self,
        count: int,
        area: tuple[float, float, float, float],
        colors: Sequence[Rgb],
        size: tuple[float, float],
    ) -> None:
        """Leaf masses: many tilted ellipses, darker below and lighter above; size in design units."""
        left, top, right, bottom = area
        for i in range(count):
            x, y = self.rng.uniform(left, right), self.rng.uniform(min(top, bottom), bottom)
            rise = 1.0 - (y - top) / max(1.0, bottom - top)
            rgb = colors[int(self.rng.integers(len(colors)))]
            rgb = shift(rgb, (rise - 0.5) * 0.14 + (i / count - 0.5) * 0.12)
            r = self.rng.uniform(*size) * self.unit
            self.canvas.save()
            self.canvas.translate(x, y)
            self.canvas.rotate(float(self.rng.uniform(-60, 60)))
            self.oval(0, 0, r, r * self.rng.uniform(0.35, 0.7), rgb, alpha=0.92)
            self.canvas.restore()


def ramp(first: Rgb, second: Rgb, steps: int = 4) -> list[tuple[float, Rgb]]:
    """Gradient stops that go from first to second evenly in OKLab (no grey or muddy middle)."""
    return [(i / (steps - 1), mix(first, second, i / (steps - 1))) for i in range(steps)]
