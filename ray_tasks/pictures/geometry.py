"""Sizes and boxes in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Canvas:
    """Size of a picture in pixels."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if min(self.width_px, self.height_px) < 64 or max(self.width_px, self.height_px) > 8192:
            raise ValueError(
                f"canvas {self.width_px}x{self.height_px}: each side must be between 64 and 8192 pixels"
            )

    @property
    def unit(self) -> float:
        """One design unit in pixels: sizes are given for a square of 1024 px and grow with the room."""
        # Of a story only a part is laid out (READING_SHARE).
        laid_out = self.width_px * min(self.height_px, 1.25 * self.width_px)
        return min(math.sqrt(laid_out), 1.4 * min(self.width_px, self.height_px)) / 1024.0


@dataclass(frozen=True)
class Box:
    """Half-open pixel rectangle: left <= x < right, top <= y < bottom."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right < self.left or self.bottom < self.top:
            raise ValueError(f"box has a negative side: {self}")

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def center_x(self) -> float:
        """Middle column."""
        return (self.left + self.right) / 2.0

    @property
    def center_y(self) -> float:
        """Middle row."""
        return (self.top + self.bottom) / 2.0

    def overlaps(self, other: Box) -> bool:
        """True if the two share at least one pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def moved(self, dx: int, dy: int) -> Box:
        """The box moved right and down."""
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def grown(self, by_px: int, canvas: Canvas) -> Box:
        """The box with `by_px` more on each side, cut at the canvas."""
        return Box(
            max(0, self.left - by_px),
            max(0, self.top - by_px),
            min(canvas.width_px, self.right + by_px),
            min(canvas.height_px, self.bottom + by_px),
        )
