"""Simple pictures of goods for tests: shaded bottles and jars on a backdrop, drawn with Skia."""

from __future__ import annotations

from io import BytesIO

import skia
from PIL import Image


def draw_good(hue: str, seed: int, size_px: int, *, backdrop: str = "#ffffff", headline: str = "") -> bytes:
    """A JPEG: a shaded bottle, jar or box on a backdrop, with a headline when there is one."""
    surface = skia.Surface(size_px, size_px)
    canvas = surface.getCanvas()
    canvas.scale(size_px / 400, size_px / 400)
    base, ground = skia.Color(*_rgb(hue)), skia.Color(*_rgb(backdrop))
    paint = skia.Paint(AntiAlias=True)
    light = skia.Color(*[min(255, v + 70) for v in _rgb(backdrop)])
    paint.setShader(skia.GradientShader.MakeRadial((200, 150), 320, [light, ground]))
    canvas.drawPaint(paint)
    floor = skia.Paint(AntiAlias=True, Color=skia.ColorSetA(skia.ColorBLACK, 26))
    canvas.drawRect(skia.Rect.MakeLTRB(0, 330, 400, 400), floor)
    shadow = skia.Paint(AntiAlias=True, Color=skia.ColorSetA(skia.ColorBLACK, 110))
    shadow.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 9))
    canvas.drawOval(skia.Rect.MakeLTRB(135, 326, 285, 352), shadow)
    width, top = (70, 150) if seed % 3 == 0 else (92, 190) if seed % 3 == 1 else (60, 130)
    dark = skia.Color(*[v * 2 // 5 for v in _rgb(hue)])
    bright = skia.Color(*[min(255, v + 80) for v in _rgb(hue)])
    body = skia.Paint(AntiAlias=True)
    body.setShader(
        skia.GradientShader.MakeLinear(
            [(200 - width, 0), (200 + width, 0)], [dark, base, bright, base, dark], [0, 0.25, 0.38, 0.6, 1]
        )
    )
    canvas.drawRRect(
        skia.RRect.MakeRectXY(skia.Rect.MakeLTRB(200 - width, top, 200 + width, 342), 18, 18), body
    )
    if seed % 3 != 1:
        canvas.drawRect(skia.Rect.MakeLTRB(180, top - 34, 220, top + 2), body)
    label = skia.Paint(AntiAlias=True, Color=skia.Color(250, 247, 240))
    canvas.drawRect(skia.Rect.MakeLTRB(200 - width + 10, 240, 200 + width - 10, 300), label)
    printed = skia.Paint(AntiAlias=True, Color=dark)
    for y in (258, 276):  # a bare label of the ground's colour could be the ground, seen through
        canvas.drawRect(skia.Rect.MakeLTRB(225 - width, y, 175 + width, y + 6), printed)
    font = skia.Font(skia.Typeface("sans-serif", skia.FontStyle.Bold()), 21)
    canvas.drawString(headline[:30], 24, 52, font, skia.Paint(AntiAlias=True, Color=skia.ColorWHITE))
    out = BytesIO()
    Image.fromarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)).convert("RGB").save(
        out, "JPEG", quality=85
    )
    return out.getvalue()


def _rgb(hex_colour: str) -> tuple[int, int, int]:
    return int(hex_colour[1:3], 16), int(hex_colour[3:5], 16), int(hex_colour[5:7], 16)
