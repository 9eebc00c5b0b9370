"""From a cut-out and an instruction to a finished picture: the scene once, then the text of each locale on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ray_tasks.pictures.compose import (
    FidelityCertificate,
    alpha_bounds,
    certify,
    paste_product,
    place_product,
)
from ray_tasks.pictures.framed import draw_ground, is_photograph, plan_framed
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import Layout, TextSpec, plan_layout
from ray_tasks.pictures.palette import Tones, harmonise, product_color
from ray_tasks.pictures.scene import PlacedProduct, SceneBackend, SceneOrder, SceneSpec
from ray_tasks.pictures.typeset import TypesetResult, typeset


@dataclass(frozen=True)
class Base:
    """A scene with room for product and text; texts of several locales are set on the same base."""

    scene_rgb: np.ndarray
    """(H, W, 3) uint8: the scene with the product's shadow, without the product."""
    placed: PlacedProduct
    layout: Layout
    tones: Tones
    mood: str
    scale: float
    """Placed size of the product divided by the cut-out's size."""


@dataclass(frozen=True)
class Picture:
    """A finished picture before encoding, with what was measured on the way."""

    rgb: np.ndarray
    """(H, W, 3) uint8 sRGB."""
    placed: PlacedProduct
    layout: Layout
    text: TypesetResult
    certificate: FidelityCertificate


def draw_base(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    canvas: Canvas,
    layout_name: str,
    backend: SceneBackend,
    seed: int,
) -> Base:
    """The base for all `texts` (one per locale); see `plan_base`."""
    base, order = plan_base(cutout_rgba, spec, texts, canvas, layout_name, seed)
    if order is None:
        return base
    scene_rgb = backend.draw(order.spec, order.product, order.text_area, order.seed)
    return replace(base, scene_rgb=scene_rgb)


def plan_base(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    canvas: Canvas,
    layout_name: str,
    seed: int,
) -> tuple[Base, SceneOrder | None]:
    """The base for all `texts` (one per locale), the layout with room for the longest; and the scene to put into it.

    A whole photograph is framed: its base is complete, and no scene is ordered. A cut-out stands in the ordered scene;
    until then its base has one plain tone.

    cutout_rgba: (h, w, 4) uint8 with straight alpha, any size. Raises ValueError for a cut-out without opaque pixels.
    """
    bounds = alpha_bounds(cutout_rgba[..., 3])
    if bounds is None:
        raise ValueError("cut-out has no opaque pixel")
    aspect = bounds.width / bounds.height
    if is_photograph(cutout_rgba):
        layout = plan_framed(canvas, layout_name, aspect, list(texts))
        placed = place_product(cutout_rgba, canvas, layout.product_box)
        tones = harmonise(spec.palette, spec.mood, product_color(placed.rgba))
        scene_rgb = draw_ground(canvas, layout, placed.box, tones, seed)
        order = None
    else:
        layout = plan_layout(canvas, layout_name, aspect, list(texts))
        placed = place_product(cutout_rgba, canvas, layout.product_box)
        tones = harmonise(spec.palette, spec.mood, product_color(placed.rgba))
        plain = np.rint(np.array(tones.wall, np.float32) * 255).astype(np.uint8)
        scene_rgb = np.broadcast_to(plain, (canvas.height_px, canvas.width_px, 3))
        order = SceneOrder(spec, placed, layout.text_area, seed)
    base = Base(
        scene_rgb=scene_rgb,
        placed=placed,
        layout=layout,
        tones=tones,
        mood=spec.mood,
        scale=placed.box.height / bounds.height,
    )
    return base, order


def sticker_area(base: Base, texts: Sequence[TextSpec]) -> Box | None:
    """Where the sticker of the first text that has one will be; None without stickers."""
    for text in texts:
        if text.sticker:
            return set_text(base, text).text.boxes.get("sticker")
    return None


def set_text(base: Base, text: TextSpec) -> Picture:
    """The finished picture of one locale: text on the scene, then the product's own pixels over everything."""
    result = typeset(base.scene_rgb, base.layout, text, base.tones, base.mood)
    rgb = paste_product(result.rgb, base.placed)
    return Picture(
        rgb=rgb,
        placed=base.placed,
        layout=base.layout,
        text=result,
        certificate=certify(rgb, base.placed, scale=base.scale),
    )


def render_picture(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    text: TextSpec,
    canvas: Canvas,
    layout_name: str,
    backend: SceneBackend,
    seed: int,
) -> Picture:
    """One picture from start to end; same arguments, same bytes."""
    return set_text(draw_base(cutout_rgba, spec, [text], canvas, layout_name, backend, seed), text)
