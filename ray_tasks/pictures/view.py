"""Which part of a scene a canvas shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import skia

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.scene import CORE_PX, Core, PlacedProduct


@dataclass(frozen=True)
class View:
    """A canvas as a window of a frame that a scene is composed for: both show the product at the same place."""

    frame: tuple[int, int]
    """Width and height of the frame."""
    scale: float
    """Canvas pixels to a pixel of the frame."""
    left: float
    top: float
    """Where the canvas begins, in the frame's pixels: below 0 outside of it."""

    @classmethod
    def of(cls, product: PlacedProduct, core: Core | None) -> View:
        """The view of a canvas with its product in it; without `core` the canvas is its own frame."""
        height, width = product.rgba.shape[:2]
        if core is None:
            return cls((width, height), 1.0, 0.0, 0.0)
        box, same = product.box, core.product
        scale = box.height / same.height
        left, top = same.center_x - box.center_x / scale, same.bottom - box.bottom / scale
        return cls((CORE_PX, CORE_PX), scale, left, top)

    def within(self, frame: Box) -> View:
        """The same view of what the frame is itself a part of."""
        return replace(self, left=self.left + frame.left, top=self.top + frame.top)

    def look(self, canvas: skia.Canvas) -> None:
        """Makes a canvas in its own pixels one in the frame's."""
        canvas.scale(self.scale, self.scale)
        canvas.translate(-self.left, -self.top)

    def box(self, own: Box) -> Box:
        """A box of the canvas in the frame's pixels."""
        return Box(
            math.floor(self.left + own.left / self.scale),
            math.floor(self.top + own.top / self.scale),
            math.ceil(self.left + own.right / self.scale),
            math.ceil(self.top + own.bottom / self.scale),
        )
