"""Surfaces as SkSL shaders in world coordinates: wood, marble, stone, linen, rubber, sand, grass, rock, ...

A surface lies in the ground plane of a pinhole camera. With the contact line of the product at screen row yc and
the plane's vanishing line at yh, a pixel (x, y) shows the world point u = (x - cx) k, v = f k with
k = (yc - yh) / (y - yh); units are pixels at the contact line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import skia

from ray_tasks.pictures.palette import Rgb

TILE_PX = 512

_HEAD = """
uniform shader tile;
uniform float4 cam;
uniform float4 place;
uniform float4 focus;
uniform float3 c0;
uniform float3 c1;
uniform float3 c2;
float4 n(float2 p) { return tile.eval(p); }
float hash(float p) { return fract(sin(p * 127.1 + 3.7) * 43758.5453); }
float2 world(float2 xy) {
  if (place.w > 0.5) { return (xy - cam.xz) / place.z + place.xy; }
  float k = (cam.z - cam.y) / max(xy.y - cam.y, 4.0);
  return float2((xy.x - cam.x) * k, cam.w * k) / place.z + place.xy;
}
float depth(float2 xy) { return place.w > 0.5 ? 1.0 : (cam.z - cam.y) / max(xy.y - cam.y, 4.0); }
"""

# Each body sees w (world point, design units) and far (1 at the product, more beyond) and sets col.
_BODIES = {
    "paper": """
  float g = n(w * 2.3).b - 0.5;
  float m = n(w * 0.21).r - 0.5;
  col = mix(c0, c1, clamp(0.25 + m * 0.5, 0.0, 1.0)) * (1.0 + g * 0.035 / far);
""",
    "wood": """
  float pw = 172.0;
  float row = floor(w.x / pw);
  float fx = fract(w.x / pw);
  float h = hash(row);
  float2 q = float2(w.x, w.y * 0.085 + h * 811.0);
  float warp = n(q * float2(0.33, 0.55) + h * 97.0).r;
  float rings = 0.5 + 0.5 * sin((w.x * 0.022 + warp * 7.5 + h * 6.0) * 6.2832);
  float fine = n(float2(w.x * 2.4, w.y * 0.11) + h * 37.0).g;
  float pore = n(float2(w.x * 5.1, w.y * 0.22) + h * 59.0).b;
  float t = clamp(0.15 + 0.34 * rings * warp + 0.85 * (warp - 0.5) + 0.75 * (fine - 0.5) + 0.35, 0.0, 1.0);
  col = mix(c0, c1, t);
  col = mix(col, c2, smoothstep(0.60, 0.85, pore) * 0.30 / far);
  col *= 0.92 + 0.16 * h;
  float e = 0.006 * far;
  float gap = smoothstep(0.0, e + 0.004, fx) * smoothstep(0.0, e + 0.004, 1.0 - fx);
  float bevel = smoothstep(0.0, 0.03, fx) * smoothstep(0.0, 0.03, 1.0 - fx);
  col *= mix(0.38, 1.0, gap) * mix(0.93, 1.0, bevel);
""",
    "marble": """
  float a = n(w * 0.31).r;
  float b = n(w * 0.83 + a * 140.0).r;
  float v1 = abs(n(w * 0.30 + float2(a, b) * 120.0 + 77.0).r - 0.5);
  float v2 = abs(n(w * 0.62 + float2(b, a) * 90.0 + 211.0).r - 0.5);
  float vein = (1.0 - smoothstep(0.0, 0.055, v1)) * 0.62 * smoothstep(0.35, 0.65, b)
    + (1.0 - smoothstep(0.0, 0.022, v2)) * 0.38 * smoothstep(0.4, 0.7, a);
  float cloud = smoothstep(0.25, 0.8, n(w * 0.42 + 33.0).r);
  col = mix(c0, c1, cloud * 0.55);
  col = mix(col, c2, clamp(vein, 0.0, 0.85));
  col *= 1.0 + (n(w * 3.0).b - 0.5) * 0.02;
""",
    "stone": """
  float m = n(w * 0.34).r;
  float f = n(w * 1.3 + 91.0).g;
  float p = n(w * 2.1 + 17.0).b;
  float pit = smoothstep(0.66, 0.80, p) * smoothstep(0.5, 0.62, n(w * 0.9).g);
  float lift = n(w * 1.3 + float2(2.0, 92.6)).g - f;
  col = mix(c0, c1, clamp(0.5 + (m - 0.5) * 1.2 + (f - 0.5) * 0.5, 0.0, 1.0));
  col = mix(col, c2, pit * 0.45 / far);
  col *= 1.0 + lift * 0.35 / far + (p - 0.5) * 0.05 / far;
""",
    "terrazzo": """
  float f = n(w * 1.7).b;
  col = c0 * (1.0 + (f - 0.5) * 0.05);
  for (int i = 0; i < 3; i++) {
    float s = 46.0 - float(i) * 11.0;
    float2 cell = floor(w / s);
    float h = hash(dot(cell, float2(12.9, 78.2)) + float(i) * 5.1);
    float2 d = fract(w / s) - 0.5 - (float2(hash(h * 91.0), hash(h * 47.0)) - 0.5) * 0.4;
    float warp = (n(w * 0.9 + h * 300.0).g - 0.5) * 0.5;
    float r = length(d * float2(1.0 + h, 1.6 - h * 0.5)) + warp;
    float chip = (1.0 - smoothstep(0.19, 0.23 + 0.02 * far, r)) * step(0.42, h);
    col = mix(col, mix(mix(c1, c2, step(0.7, h)), c0, hash(h * 13.0) * 0.5), chip * 0.85);
  }
""",
    "linen": """
  float2 q = w + (float2(n(w * 0.4).r, n(w * 0.4 + 140.0).r) - 0.5) * 22.0;
  float slubx = n(float2(q.x * 0.16, q.y * 2.2)).g;
  float sluby = n(float2(q.x * 2.2, q.y * 0.16) + 99.0).g;
  float weave = sin(q.x * 1.45) * sin(q.y * 1.45);
  float fold = n(float2(w.x * 0.30 + w.y * 0.12, w.y * 0.085) + 40.0).r;
  float fold2 = n(float2(w.x * 0.30 + w.y * 0.12 + 5.0, w.y * 0.085) + 40.0).r;
  float relief = (fold - fold2) * 1.6;
  col = mix(c0, c1, clamp(0.40 + (slubx - 0.5) * 0.9 + (sluby - 0.5) * 0.9, 0.0, 1.0));
  col *= 1.0 + weave * 0.035 / far + relief * 0.55 + (fold - 0.5) * 0.22;
""",
    "rubber": """
  float f = n(w * 2.6).b;
  float m = n(w * 0.3).r;
  float g = n(w * 1.35 + 61.0).b;
  float g2 = n(w * 1.52 + 260.0).b;
  col = mix(c0, c1, m) * (0.94 + 0.16 * (f - 0.5) / far);
  col = mix(col, c2, smoothstep(0.70, 0.76, g) * 0.75 / (far * far));
  col = mix(col, float3(0.62), smoothstep(0.72, 0.78, g2) * 0.55 / (far * far));
  float2 t = abs(fract(w / 520.0) - 0.5);
  float seam = smoothstep(0.4935, 0.4985, max(t.x, t.y));
  col *= 1.0 - 0.55 * seam;
""",
    "sand": """
  float m = n(w * 0.27).r;
  float duneA = n(float2(w.x * 0.20, w.y * 0.42)).r;
  float duneB = n(float2(w.x * 0.20, w.y * 0.42) + float2(0.0, 3.0)).r;
  float g = n(w * 2.7).b;
  float g2 = n(w * 1.9 + 31.0).g;
  col = mix(c0, c1, clamp(0.5 + (m - 0.5) * 1.1, 0.0, 1.0));
  col *= 1.0 + (duneA - duneB) * 1.9 + (g - 0.5) * 0.17 / far + (g2 - 0.5) * 0.14;
  col = mix(col, c2, smoothstep(0.74, 0.84, g) * 0.4 / far);
""",
    "rock": """
  float2 q = w * float2(0.62, 0.5);
  float m = n(q * 0.5).r;
  float a = n(q + m * 60.0).r;
  float b = n(q + m * 60.0 + float2(-2.6, -2.6)).r;
  float f = n(w * 1.25).g;
  float f2 = n(w * 1.25 + float2(-1.6, -1.6)).g;
  float crack = 1.0 - smoothstep(0.0, 0.026, abs(n(q * 0.62 + 190.0 + m * 40.0).r - 0.5));
  col = mix(c0, c1, clamp(0.5 + (a - 0.5) * 1.3 + (f - 0.5) * 0.7, 0.0, 1.0));
  col *= 1.0 + (a - b) * 2.2 + (f - f2) * 0.9 / far;
  col *= 1.0 - crack * 0.34;
  float moss = smoothstep(0.55, 0.72, n(w * 0.36 + 300.0).r + (f - 0.5) * 0.6);
  col = mix(col, c2 * (0.75 + 0.6 * f), moss * 0.42);
""",
    "grass": """
  float m = n(w * 0.23).r;
  float sway = (n(w * 0.5).g - 0.5) * 18.0;
  float blade = n(float2(w.x * 2.1 + sway, w.y * 0.32)).b;
  float blade2 = n(float2(w.x * 1.5 - sway + 77.0, w.y * 0.22)).g;
  col = mix(c0, c1, clamp(0.5 + (m - 0.5) * 0.9 + (blade - 0.5) * 0.9 + (blade2 - 0.5) * 0.9, 0.0, 1.0));
  col = mix(col, c2, smoothstep(0.62, 0.8, blade) * 0.5 / far);
""",
    "tiles": """
  float2 c = w / float2(300.0, 300.0);
  float2 t = abs(fract(c) - 0.5);
  float h = hash(dot(floor(c), float2(3.1, 7.7)));
  float joint = smoothstep(0.484, 0.494, max(t.x, t.y));
  col = mix(c0, c1, clamp(n(w * 0.4 + h * 400.0).r * 0.7 + h * 0.25, 0.0, 1.0));
  col *= 1.0 + (n(w * 1.9).b - 0.5) * 0.03;
  col = mix(col, c2, joint * 0.8);
""",
    "gingham": """
  float2 q = w + (float2(n(w * 0.35).r, n(w * 0.35 + 140.0).r) - 0.5) * 16.0;
  float2 saw = abs(fract(q / 190.0) - 0.5);
  float2 band = smoothstep(0.238, 0.262, saw);
  float thread = 0.5 + 0.5 * sin((q.x + q.y) * 1.1);
  float share = 0.5 * (band.x + band.y) + abs(band.x - band.y) * (thread - 0.5) * 0.10;
  float fold = n(float2(w.x * 0.16 + w.y * 0.07, w.y * 0.11) + 70.0).r;
  float fold2 = n(float2(w.x * 0.16 + w.y * 0.07 + 5.0, w.y * 0.11) + 70.0).r;
  col = mix(c0, c1, clamp(share, 0.0, 1.0));
  col *= 1.0 + sin(q.x * 1.6) * sin(q.y * 1.6) * 0.03 + (fold - fold2) * 1.1 + (fold - 0.5) * 0.16;
""",
    "silk": """
  float2 q = w / 430.0;
  float bend = sin(q.y * 2.3 + 1.7 * sin(q.x * 1.1)) + 0.45 * sin(q.x * 3.1 + q.y * 1.3 + 2.0);
  float t = q.x * 5.6 + q.y * 3.3 + bend * 1.7;
  float u = q.x * 2.6 - q.y * 3.9 + 1.2 * sin(q.x * 2.0 + 0.7 * bend);
  float slope = 0.62 * cos(t) + 0.30 * cos(1.9 * t + 1.3 * u) + 0.34 * cos(u + 0.6 * t);
  float shine = smoothstep(0.05, 1.05, slope);
  float shade = smoothstep(0.10, 1.10, -slope);
  col = mix(mix(c1, c0, shine), c2, shade * 0.75);
  col += pow(shine, 4.0) * 0.10;
  col *= 1.0 + (n(float2(w.x * 0.5, w.y * 2.4)).b - 0.5) * 0.025;
""",
    "rug": """
  float2 q = w + (float2(n(w * 0.6).g, n(w * 0.6 + 50.0).g) - 0.5) * 14.0;
  float tuft = n(q * 1.6).b;
  float tuft2 = n(q * 1.6 + float2(0.0, 2.2)).b;
  float m = n(w * 0.25).r;
  col = mix(c0, c1, clamp(0.45 + (m - 0.5) * 0.6 + (n(q * 0.8).g - 0.5) * 0.5, 0.0, 1.0));
  col = mix(col, c2, smoothstep(0.55, 0.8, tuft) * 0.6 / far);
  col *= 1.0 + (tuft - tuft2) * 0.30 / far;
""",
    "snow": """
  float m = n(w * 0.18).r;
  float a = n(float2(w.x * 0.20, w.y * 0.34)).r;
  float b = n(float2(w.x * 0.20, w.y * 0.34) + float2(-2.0, 3.0)).r;
  float g = n(w * 2.2).b;
  col = mix(c0, c1, clamp(0.35 + (m - 0.5) * 1.4, 0.0, 1.0));
  col *= 1.0 + (a - b) * 2.6 + (n(w * 0.9).g - n(w * 0.9 + float2(-1.5, 2.0)).g) * 0.35 / far;
  col = mix(col, c2, smoothstep(0.80, 0.86, g) * 0.9 / far);
""",
    "laminate": """
  float m = n(w * 0.2).r;
  float f = n(w * float2(2.8, 0.5)).g;
  col = mix(c0, c1, clamp(0.3 + (m - 0.5) * 0.8 + (f - 0.5) * 0.22, 0.0, 1.0));
  col *= 1.0 + (n(w * 2.9).b - 0.5) * 0.03 / far;
""",
}


@cache
def noise_field(seed: int, exponent: float) -> np.ndarray:
    """(TILE_PX, TILE_PX) float 0..1 tileable noise with amplitude 1/f**exponent, equalised to a wide range."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE_PX, TILE_PX)))
    fy = np.fft.fftfreq(TILE_PX)[:, None] * TILE_PX
    fx = np.fft.rfftfreq(TILE_PX)[None, :] * TILE_PX
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1.0
    spectrum *= 1.0 / np.maximum(frequency, 2.0) ** exponent
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(TILE_PX, TILE_PX))
    field /= field.std()
    return np.clip(0.5 + field * 0.19, 0.0, 1.0)


@cache
def noise_image() -> skia.Image:
    """A tileable image of three noises: red 1/f^1.6 (clouds), green 1/f^0.8 (mottle), blue 1/f^0.25 (grain)."""
    channels = [noise_field(11 + i, exponent) for i, exponent in enumerate((1.6, 0.8, 0.25))]
    tile = np.empty((TILE_PX, TILE_PX, 4), np.uint8)
    for i, channel in enumerate(channels):
        tile[..., i] = np.rint(channel * 255)
    tile[..., 3] = 255
    return skia.Image.fromarray(tile, colorType=skia.kRGBA_8888_ColorType)


def noise_shader(filter_mode: skia.FilterMode = skia.FilterMode.kLinear) -> skia.Shader:
    """`noise_image` repeated without end."""
    return noise_image().makeShader(
        skia.TileMode.kRepeat, skia.TileMode.kRepeat, skia.SamplingOptions(filter_mode)
    )


@cache
def _effect(material: str) -> skia.RuntimeEffect:
    if material not in _BODIES:
        raise ValueError(f"material {material!r} is not one of {', '.join(_BODIES)}")
    return skia.RuntimeEffect.MakeForShader(
        f"{_HEAD}half4 main(float2 xy) {{ float2 w = world(xy); float far = max(1.0, depth(xy)); float3 col;"
        f"{_BODIES[material]}"
        "float shown = smoothstep(focus.x, focus.y, xy.y) * (1.0 - smoothstep(focus.z, focus.w, xy.y));"
        "return half4(half3(clamp(col, 0.0, 1.0)), 1.0) * half(shown); }"
    )


@dataclass(frozen=True)
class Plane:
    """The camera's view of the ground: rows of the contact and vanishing lines, focal length, offset and scale."""

    center_x: float
    horizon_y: float
    contact_y: float
    focal_px: float
    offset: tuple[float, float]
    scale: float
    from_above: bool = False


EVERYWHERE = (-2e4, -1e4, 1e5, 2e5)


def material_shader(
    material: str,
    plane: Plane,
    colors: tuple[Rgb, Rgb, Rgb],
    focus: tuple[float, float, float, float] = EVERYWHERE,
) -> skia.Shader:
    """The shader of a material (a key of this module's list) lying in the plane, in three colours.

    `focus` are four rows: the material fades in between the first two and out between the last two.
    """
    builder = skia.RuntimeShaderBuilder(_effect(material))
    builder.setUniform("cam", [plane.center_x, plane.horizon_y, plane.contact_y, plane.focal_px])
    builder.setUniform("place", [*plane.offset, plane.scale, 1.0 if plane.from_above else 0.0])
    builder.setUniform("focus", list(focus))
    for name, rgb in zip(("c0", "c1", "c2"), colors, strict=True):
        builder.setUniform(name, list(rgb))
    builder.setChild("tile", noise_shader())
    return builder.makeShader()
