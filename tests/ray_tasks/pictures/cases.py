"""Good pictures as the night draws them, each with all that scoring is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.component_scene import DRAWERS, ComponentScene
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.decide import Thresholds
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.measure import measure
from ray_tasks.pictures.measure_ground import Look, look_of
from ray_tasks.pictures.measure_text import TextBox
from ray_tasks.pictures.picture import draw_base, set_text, white_base
from ray_tasks.pictures.scene import SceneOrder, SceneSpec

WHITE_CANVAS = Canvas(1024, 1024)
"""A main image's."""


@dataclass(frozen=True)
class Case:
    """One picture with what its candidate row records."""

    rgb: np.ndarray
    bare: np.ndarray
    """(H, W, 3) uint8: the scene with its shadows, without product and text."""
    cutout: np.ndarray
    box: Box
    texts: tuple[TextBox, ...]
    alpha: np.ndarray
    """(H, W, 1) float32 0..1 of the placed product."""
    order: SceneOrder
    """What the scene was drawn by; its spec says how large the product is."""
    overflow: bool = False
    changed_core_px: int = 0
    others: tuple[Look, ...] = ()
    source_texts: tuple[str, ...] = ()
    stands: bool = True
    brand_colors: tuple[str, ...] = ()
    px_per_cm: float | None = None
    on_white: bool = False
    """Whether it is a main image: the product alone on pure white, under limits of its own."""

    @property
    def canvas(self) -> Canvas:
        return Canvas(self.rgb.shape[1], self.rgb.shape[0])

    def measured(self) -> dict[str, float]:
        return measure(
            encode_jpeg(self.rgb, alt_text="a product"),
            self.cutout,
            self.box,
            self.texts,
            overflow=self.overflow,
            changed_core_px=self.changed_core_px,
            others=self.others,
            source_texts=self.source_texts,
            stands=self.stands,
            brand_colors=self.brand_colors,
            size_cm=self.order.spec.size_cm,
            px_per_cm=self.px_per_cm,
        )

    def limits(self) -> Thresholds:
        return Thresholds().of_look("white" if self.on_white else None)

    def unread(self) -> Case:
        """The case without what its texts should say: nothing is read, and measuring takes half the time."""
        return replace(self, texts=tuple(replace(text, text="") for text in self.texts))

    def around(self, change: Callable[[np.ndarray], np.ndarray]) -> Case:
        """The case with everything but the product changed."""
        rgb = self.rgb.astype(np.float32)
        return self.painted(rgb * self.alpha + change(rgb) * (1 - self.alpha))

    def painted(self, rgb: np.ndarray) -> Case:
        return replace(self, rgb=np.clip(np.rint(rgb), 0, 255).astype(np.uint8))

    def standing(self, cutout: np.ndarray, box: Box, ground: np.ndarray | None = None) -> Case:
        """Another cut-out in another place on the bare scene, or on `ground`, without text."""
        placed = place_product(cutout, self.canvas, box)
        alpha = placed.rgba[..., 3:].astype(np.float32) / 255.0
        rgb = placed.rgba[..., :3] * alpha + (self.bare if ground is None else ground) * (1 - alpha)
        return replace(self, cutout=cutout, box=placed.box, alpha=alpha, texts=()).painted(rgb)

    def look(self) -> Look:
        size = self.canvas.width_px, self.canvas.height_px
        return look_of(np.ascontiguousarray(self.rgb[..., ::-1]), self.box, size)


def draw_case(
    cutout: np.ndarray, spec: SceneSpec, text: TextSpec, layout: str, seed: int, canvas: Canvas
) -> Case:
    """A good picture as the night draws it."""
    base = draw_base(cutout, spec, [text], canvas, layout, ComponentScene(), seed)
    picture = set_text(base, text)
    result = picture.text
    texts = tuple(
        TextBox(name, box, result.contrast[name], said.text, said.letters, said.lines)
        for (name, box), said in zip(result.boxes.items(), result.wording.values(), strict=True)
    )
    alpha = picture.placed.rgba[..., 3:].astype(np.float32) / 255.0
    setting = DRAWERS[spec.setting]
    stands = not (setting.from_above or setting.hangs)
    order = SceneOrder(spec, picture.placed, None, seed)
    return Case(
        picture.rgb,
        base.scene_rgb,
        cutout,
        picture.placed.box,
        texts,
        alpha,
        order,
        stands=stands,
        px_per_cm=base.px_per_cm,
    )


def white_case(cutout: np.ndarray, order: SceneOrder) -> Case:
    """A good main image as the night makes it, of a product that the order's spec tells of.

    cutout: (h, w, 4) uint8, cut out, or a photograph whose ground was lifted.
    """
    base = white_base(cutout, WHITE_CANVAS)
    rgb = set_text(base, TextSpec("", locale="en")).rgb
    alpha = base.placed.rgba[..., 3:].astype(np.float32) / 255.0
    return Case(rgb, base.scene_rgb, cutout, base.placed.box, (), alpha, order, on_white=True)
