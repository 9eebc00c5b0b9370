"""Colours in OKLab (Ottosson 2020, "A perceptual color space for image processing"): mixing, harmony, contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]
"""Gamma-encoded sRGB, each 0..1."""

TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB = np.linalg.inv(TO_LAB)
_FROM_LMS = np.linalg.inv(TO_LMS)
_TO_LMS_ROWS, _TO_LAB_ROWS = TO_LMS.tolist(), TO_LAB.tolist()
_FROM_LAB_ROWS, _FROM_LMS_ROWS = _FROM_LAB.tolist(), _FROM_LMS.tolist()

# Lightness and chroma of a backdrop per mood, and the hue (degrees) used when the palette is neutral.
_MOOD_WALL = {
    "calm": (0.89, 0.032, 230.0),
    "fresh": (0.93, 0.040, 165.0),
    "energetic": (0.74, 0.125, 45.0),
    "cosy": (0.82, 0.055, 65.0),
    "premium": (0.34, 0.028, 265.0),
    "playful": (0.85, 0.090, 15.0),
}


def linear_from_srgb(value: np.ndarray) -> np.ndarray:
    """Linear light 0..1 from gamma-encoded 0..1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(value: np.ndarray) -> np.ndarray:
    """Gamma-encoded 0..1 from linear light 0..1 (IEC 61966-2-1)."""
    clipped = np.clip(value, 0.0, None)
    return np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)


def oklab_from_srgb(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) L, a, b from (..., 3) sRGB 0..1."""
    lms = np.cbrt(linear_from_srgb(np.asarray(rgb, dtype=np.float64)) @ TO_LMS.T)
    return lms @ TO_LAB.T


def srgb_from_oklab(lab: np.ndarray) -> np.ndarray:
    """(..., 3) sRGB from (..., 3) L, a, b; may lie outside 0..1."""
    linear = ((np.asarray(lab, dtype=np.float64) @ _FROM_LAB.T) ** 3) @ _FROM_LMS.T
    return np.where(linear < 0, linear * 12.92, srgb_from_linear(linear))


def _lab(rgb: Rgb) -> tuple[float, float, float]:
    """`oklab_from_srgb` of one colour: a scene mixes hundreds, and arrays of three are slow."""
    lin = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    lms = [math.cbrt(m[0] * lin[0] + m[1] * lin[1] + m[2] * lin[2]) for m in _TO_LMS_ROWS]
    a, b, c = (m[0] * lms[0] + m[1] * lms[1] + m[2] * lms[2] for m in _TO_LAB_ROWS)
    return a, b, c


def _rgb(lab: tuple[float, float, float]) -> tuple[float, float, float]:
    """`srgb_from_oklab` of one colour."""
    lms = [(m[0] * lab[0] + m[1] * lab[1] + m[2] * lab[2]) ** 3 for m in _FROM_LAB_ROWS]
    lin = [m[0] * lms[0] + m[1] * lms[1] + m[2] * lms[2] for m in _FROM_LMS_ROWS]
    r, g, b = (v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in lin)
    return r, g, b


def _clipped(rgb: tuple[float, float, float]) -> Rgb:
    r, g, b = (min(1.0, max(0.0, v)) for v in rgb)
    return r, g, b


def oklch(lightness: float, chroma: float, hue_deg: float) -> Rgb:
    """The sRGB colour of an OKLCH triple; chroma is lowered until the colour is in gamut."""
    radians = math.radians(hue_deg)
    for step in range(24):
        c = chroma * (1 - step / 24)
        rgb = _rgb((lightness, c * math.cos(radians), c * math.sin(radians)))
        if min(rgb) >= -1e-4 and max(rgb) <= 1 + 1e-4:
            break
    return _clipped(rgb)


def to_lch(rgb: Rgb) -> tuple[float, float, float]:
    """Lightness 0..1, chroma, hue in degrees 0..360."""
    lightness, a, b = _lab(rgb)
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360.0


def parse_hex(text: str) -> Rgb:
    """The colour of "#rrggbb"."""
    digits = text.removeprefix("#")
    if len(digits) != 6:
        raise ValueError(f"colour {text!r} is not of the form #rrggbb")
    value = int(digits, 16)
    return (value >> 16) / 255.0, (value >> 8 & 255) / 255.0, (value & 255) / 255.0


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """The colour `share` (0..1) of the way from first to second, in OKLab."""
    one, two = _lab(first), _lab(second)
    lightness, a, b = (x * (1 - share) + y * share for x, y in zip(one, two, strict=True))
    return _clipped(_rgb((lightness, a, b)))


def shift(color: Rgb, lightness: float = 0.0, chroma: float = 1.0, hue_deg: float = 0.0) -> Rgb:
    """The colour with lightness added, chroma multiplied and hue turned."""
    base_l, base_c, base_h = to_lch(color)
    return oklch(min(0.985, max(0.04, base_l + lightness)), base_c * chroma, base_h + hue_deg)


def relative_luminance(rgb: np.ndarray) -> np.ndarray:
    """(...) WCAG 2.2 relative luminance of (..., 3) sRGB 0..1."""
    return linear_from_srgb(np.asarray(rgb, dtype=np.float64)) @ np.array([0.2126, 0.7152, 0.0722])


def contrast_ratio(first: np.ndarray | float, second: np.ndarray | float) -> np.ndarray:
    """WCAG 2.2 contrast ratio (1..21) of two relative luminances."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


@dataclass(frozen=True)
class Tones:
    """The roles that colours play in one scene."""

    wall: Rgb
    wall_deep: Rgb
    ground: Rgb
    accent: Rgb
    accent_alt: Rgb
    product: Rgb
    """Mean colour of the product, in OKLab over its opaque pixels."""

    def muted(self, natural: Rgb, share: float = 0.35) -> Rgb:
        """A neutral thing's colour with a trace of the accent: what a stylist would put beside the product."""
        lightness, chroma, _ = to_lch(natural)
        return mix(natural, oklch(lightness, max(0.05, chroma), to_lch(self.accent)[2]), share)

    def tint(self, natural: Rgb, share: float = 0.16) -> Rgb:
        """A natural material's colour drawn a little to the scene's key hue; its lightness stays."""
        lightness, chroma, _ = to_lch(natural)
        _, key_chroma, key_hue = to_lch(self.wall)
        target = oklch(lightness, max(chroma * 0.7, min(key_chroma, 0.08)), key_hue)
        return mix(natural, target, share)


def product_color(rgba: np.ndarray) -> Rgb:
    """Mean colour, in OKLab, of the opaque pixels of an (H, W, 4) uint8 picture; mid grey if there are none."""
    step = max(1, min(rgba.shape[:2]) // 96)
    small = rgba[::step, ::step]
    opaque = small[..., 3] > 200
    if not opaque.any():
        return 0.5, 0.5, 0.5
    mean = oklab_from_srgb(small[opaque][:, :3] / 255.0).mean(axis=0)
    r, g, b = (float(v) for v in np.clip(srgb_from_oklab(mean), 0, 1))
    return r, g, b


def separated_lightness(wanted: float, product: float, least: float = 0.20) -> float:
    """A lightness at least `least` away from the product's, on the side nearer to the wanted one if it fits."""
    if abs(wanted - product) >= least:
        return wanted
    up, down = product + least, product - least
    if wanted >= product:
        return up if up <= 0.955 else max(0.2, down)
    return down if down >= 0.2 else min(0.955, up)


_HARMONIES = (0.0, 30.0, -30.0, 180.0, 150.0, -150.0)
"""Hues that go with a hue, in degrees from it: itself, analogues, complement, split complements."""
_NEUTRAL = 0.035
"""OKLCH chroma below which a product has no hue that a scene could answer."""


def _turn(first: float, second: float) -> float:
    """Degrees between two hues, 0..180."""
    return abs((first - second + 180) % 360 - 180)


def harmonise(palette: tuple[str, ...], mood: str, product: Rgb) -> Tones:
    """The scene's tones from the instruction's palette: product colours first, the place's own colours last.

    Harmony is reckoned in OKLCH from the product's hue: the wall takes that analogue, complement or split complement
    which is nearest to the place's colour (olive ones left out: they look sick), so that two places of one product
    differ and both suit it. A product
    without a hue leaves the place's colour as it is. The wall's lightness comes from the mood and keeps away from the
    product's; where that makes it middling, its chroma is raised, for a greyed middle tone looks like mud. The accent
    is a colour of the palette far from the wall's hue, else the product's own hue, else brass.
    """
    lightness, chroma, mood_hue = _MOOD_WALL[mood]
    product_l, product_c, product_h = to_lch(product)
    triples = [to_lch(parse_hex(text)) for text in palette]
    coloured = [t for t in triples if t[1] >= _NEUTRAL]
    place_hue = coloured[-1][2] if coloured else mood_hue
    wall_hue = place_hue
    if product_c >= _NEUTRAL:
        answers = [(product_h + turn) % 360 for turn in _HARMONIES]
        pleasing = [hue for hue in answers if not 85 < hue < 120] or answers
        wall_hue = min(pleasing, key=lambda hue: _turn(hue, place_hue))
    elif not coloured:
        chroma *= 0.55
    distinct_hue = product_c > 0.07 and chroma > 0.06 and _turn(wall_hue, product_h) > 70
    wall_l = separated_lightness(lightness, product_l, 0.10 if distinct_hue else 0.20)
    if 0.42 < wall_l < 0.76 and coloured:
        chroma = max(chroma, 0.058 if 190 < wall_hue < 290 else 0.072)
    if wall_l <= 0.42 and 20 < wall_hue < 115:
        chroma *= 0.6
    far = [t for t in coloured if _turn(t[2], wall_hue) > 60]
    if far or coloured:
        best = max(far or coloured, key=lambda t: t[1])
        accent_hue, accent_chroma = best[2], min(0.15, max(0.10, 1.4 * best[1]))
    elif product_c >= _NEUTRAL:
        accent_hue, accent_chroma = product_h, 0.11
    else:
        accent_hue, accent_chroma = 68.0, 0.11
    others = [t for t in coloured if _turn(t[2], accent_hue) > 25]
    alt_hue = others[-1][2] if others else accent_hue + 40
    return Tones(
        wall=oklch(wall_l, chroma, wall_hue),
        wall_deep=oklch(max(0.1, wall_l - 0.16), chroma * 1.15, wall_hue - 6),
        ground=oklch(min(0.96, wall_l + 0.035), chroma * 0.85, wall_hue + 8),
        accent=oklch(0.63, accent_chroma, accent_hue),
        accent_alt=oklch(0.74, 0.75 * accent_chroma, alt_hue),
        product=product,
    )
