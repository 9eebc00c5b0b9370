"""From a cut-out and an instruction to a finished picture: the scene once, then the text of each locale on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ray_tasks.pictures.bleed import PHOTO_ENLARGEMENT, draw_bleed, plain_sides
from ray_tasks.pictures.compose import (
    FidelityCertificate,
    alpha_bounds,
    certify,
    paste_product,
    place_product,
    size_share,
    standing_box,
)
from ray_tasks.pictures.framed import draw_ground, is_photograph, plan_framed
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import Layout, TextSpec, plan_layout
from ray_tasks.pictures.palette import Tones, harmonise, product_color
from ray_tasks.pictures.preview import calmest
from ray_tasks.pictures.scene import CORE_PX, Core, PlacedProduct, SceneBackend, SceneOrder, SceneSpec
from ray_tasks.pictures.script import script_of
from ray_tasks.pictures.typeset import TypesetResult, typeset
from schemas.instruction import SEEN_FROM_ABOVE


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
    px_per_cm: float | None = None
    """Of the scene where the product stands; None where nothing tells how large things are."""

    def window(self, height_px: int, *, has_text: bool) -> Base:
        """The part of the base that a lower placement shows: around the layout, or around the product alone."""
        height = self.layout.canvas.height_px
        if height_px == height:
            return self
        if has_text:
            top = self.layout.reading.top - (height_px - self.layout.reading.height) // 2
        else:
            # As much ground in front of it as a product of a whole picture has.
            top = self.placed.box.bottom + round(0.1 * height_px) - height_px
        top = min(max(0, top), height - height_px)
        box = self.placed.box
        if box.top < top or box.bottom > top + height_px:
            raise ValueError(
                f"a window {height_px} pixels high cuts the product, which is {box.height} pixels high"
            )
        return replace(
            self,
            scene_rgb=np.ascontiguousarray(self.scene_rgb[top : top + height_px]),
            placed=PlacedProduct(
                np.ascontiguousarray(self.placed.rgba[top : top + height_px]), box.moved(0, -top)
            ),
            layout=self.layout.window(top, height_px),
        )


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
    to_left = bool(texts) and all(script_of(text.locale).right_to_left for text in texts)
    base, order = plan_base(
        cutout_rgba, spec, texts, canvas, layout_name, seed, preview=backend, to_left=to_left
    )
    if order is None:
        return base
    return replace(base, scene_rgb=order.drawn_by(backend), px_per_cm=order.px_per_cm(backend))


def plan_base(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    canvas: Canvas,
    layout_name: str,
    seed: int,
    *,
    preview: SceneBackend | None = None,
    others: Sequence[str] = (),
    core: Layout | None = None,
    to_left: bool = False,
) -> tuple[Base, SceneOrder | None]:
    """The base for all `texts` (one per locale), the layout with room for the longest; and the scene to put into it.

    preview: draws scenes so fast that small ones may decide where the text stands (`ray_tasks.pictures.preview`), and
    whether one of the `others` is the better layout.

    core: the layout of the square that the scene is composed for (`core_layout`): this canvas is a window of it. None:
    the scene is composed for this canvas.

    to_left: for texts that are read from right to left. Layout and scene are the others' in a mirror, so that all
    locales share one composition; the product is not mirrored, and its shadow is its own. Where lines are centred there
    is nothing to mirror: the scene is the very same.

    A whole photograph is framed: its base is complete, and no scene is ordered. A cut-out stands in the ordered scene;
    until then its base has one plain tone.

    cutout_rgba: (h, w, 4) uint8 with straight alpha, any size. Raises ValueError for a cut-out without opaque pixels.
    """
    bounds = _opaque_bounds(cutout_rgba)
    if is_photograph(cutout_rgba):
        size, plain = (bounds.width, bounds.height), plain_sides(cutout_rgba)
        layout = plan_framed(canvas, layout_name, size, list(texts), plain.mirrored() if to_left else plain)
        layout = layout.mirrored() if to_left else layout
        placed = place_product(cutout_rgba, canvas, layout.product_box, most=PHOTO_ENLARGEMENT)
        box = placed.box
        tones = harmonise(spec.palette, spec.mood, product_color(placed.rgba))
        if layout.bleeds:
            photo = placed.rgba[box.top : box.bottom, box.left : box.right, :3]
            scene_rgb = draw_bleed(photo, plain, layout, box, tones, seed)
        else:
            scene_rgb = draw_ground(canvas, layout, box, tones, seed)
        order = None
    else:
        share = size_share(spec.size_cm)
        at = None
        if core is not None and core.canvas == canvas and bool(texts) == (core.text_area is not None):
            layout = core
        else:
            if core is not None:
                at = Core(standing_box(bounds, core.product_box, share=share), core.text_area)
            layout = _calm_layout(
                cutout_rgba, spec, texts, canvas, (layout_name, *others), seed, preview=preview, core=at
            )
        area = layout.text_area
        turned = to_left and area is not None and not layout.center
        placed = place_product(cutout_rgba, canvas, layout.product_box, share=share)
        if turned:
            layout, placed = layout.mirrored(), placed.on_the_other_side()
        tones = harmonise(spec.palette, spec.mood, product_color(placed.rgba))
        tone = np.rint(np.array(tones.wall, np.float32) * 255).astype(np.uint8)
        scene_rgb = np.broadcast_to(tone, (canvas.height_px, canvas.width_px, 3))
        if turned and preview is not None:
            order = SceneOrder(spec, placed.mirrored(), area, seed, core=at, mirrored=True)
        else:
            order = SceneOrder(spec, placed, layout.text_area, seed, core=at)
    base = Base(
        scene_rgb=scene_rgb,
        placed=placed,
        layout=layout,
        tones=tones,
        mood=spec.mood,
        scale=placed.box.height / bounds.height,
    )
    return base, order


def core_layout(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    layout_names: Sequence[str],
    seed: int,
    preview: SceneBackend,
) -> Layout:
    """The layout of the square that a product's scene for one persona is composed for, whatever the placements."""
    return _calm_layout(
        cutout_rgba, spec, texts, Canvas(CORE_PX, CORE_PX), layout_names, seed, preview=preview, core=None
    )


def _calm_layout(
    cutout_rgba: np.ndarray,
    spec: SceneSpec,
    texts: Sequence[TextSpec],
    canvas: Canvas,
    layout_names: Sequence[str],
    seed: int,
    *,
    preview: SceneBackend | None,
    core: Core | None,
) -> Layout:
    """The first of the layouts, or a calmer one as the previews show it. Raises ValueError for an empty cut-out."""
    bounds = _opaque_bounds(cutout_rgba)
    aspect = bounds.width / bounds.height
    share = size_share(spec.size_cm)
    layouts = [plan_layout(canvas, name, aspect, list(texts)) for name in layout_names]
    if spec.setting in SEEN_FROM_ABOVE:
        layouts = [_lying(layout, bounds, share) for layout in layouts]
    if preview is None or layouts[0].text_area is None:
        return layouts[0]
    return calmest(cutout_rgba, bounds, spec, texts, layouts, preview, seed, share, core)


def _lying(layout: Layout, bounds: Box, share: float) -> Layout:
    """The layout with the product in the middle of its room: nothing has to carry it."""
    box = layout.product_box
    room = layout.reading if layout.variant == "column" else box
    up = standing_box(bounds, box, share=share).center_y - room.center_y
    return replace(layout, product_box=box.moved(0, -round(max(0.0, min(up, box.top - 0.06 * room.height)))))


def _opaque_bounds(cutout_rgba: np.ndarray) -> Box:
    bounds = alpha_bounds(cutout_rgba[..., 3])
    if bounds is None:
        raise ValueError("cut-out has no opaque pixel")
    return bounds


def sticker_area(base: Base, texts: Sequence[TextSpec]) -> Box | None:
    """Where the sticker of the first text that has one will be; None without stickers."""
    for text in texts:
        if text.sticker:
            return set_text(base, text).text.boxes.get("sticker")
    return None


WHITE_SHARE = 0.9
"""Of the frame that the longer side of a product on white takes; channels ask for 85 % at least."""
WHITE_ENLARGEMENT = 2.4
"""More than elsewhere: filling the frame is asked for, and what gets soft by it is rejected for that."""


def white_base(cutout_rgba: np.ndarray, canvas: Canvas) -> Base:
    """The product alone on pure white, as the main image of a marketplace has to be.

    Raises ValueError for a cut-out without opaque pixels, and for a whole photograph, whose ground is not white.
    """
    bounds = _opaque_bounds(cutout_rgba)
    if is_photograph(cutout_rgba):
        raise ValueError("a whole photograph cannot stand on white: the picture was not cut out")
    width, height = canvas.width_px, canvas.height_px
    scale = min(WHITE_SHARE * min(width / bounds.width, height / bounds.height), WHITE_ENLARGEMENT)
    box_width, box_height = round(scale * bounds.width), round(scale * bounds.height)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    # One pixel of slack: the fit of a box is rounded down.
    box = Box(left, top, left + box_width + 1, top + box_height + 1)
    placed = place_product(cutout_rgba, canvas, box, most=WHITE_ENLARGEMENT)
    return Base(
        scene_rgb=np.full((height, width, 3), 255, np.uint8),
        placed=placed,
        layout=Layout("white", "bare", canvas, box, None, False, "top", 1),
        tones=harmonise(("#ffffff",), "calm", product_color(placed.rgba)),
        mood="calm",
        scale=placed.box.height / bounds.height,
    )


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
