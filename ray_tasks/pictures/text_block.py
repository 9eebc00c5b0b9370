"""One text in one face and size, broken into even lines, ready to be painted."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Literal

import skia

from ray_tasks.pictures.fonts import advance_em, families, shaped
from ray_tasks.pictures.lines import Broken, break_lines
from ray_tasks.pictures.script import script_of

Align = Literal["left", "center", "right"]


@lru_cache(maxsize=8192)
def _broken(text: str, names: tuple[str, ...], locale: str, width_em: float, tracking_em: float) -> Broken:
    return break_lines(text, locale, width_em, lambda part: advance_em(part, names, locale, tracking_em))


class TextBlock:
    """A text set in a role's face; sizes and leading are those for Latin, and are fitted to the locale's script."""

    def __init__(
        self,
        text: str,
        role: str,
        size_px: float,
        width_px: float,
        *,
        locale: str,
        leading: float = 1.12,
        tracking_em: float = 0.0,
    ):
        script = script_of(locale)
        self._locale = locale
        self._names = families(text, role, script.name)
        self._tracking_em = tracking_em if script.tracked else 0.0
        self.size_px = size_px * script.size
        self.leading = leading + script.extra_leading
        # Words are measured one by one: what shaping gives a whole line may differ by a hair.
        self._broken = _broken(text, self._names, locale, 0.997 * width_px / self.size_px, self._tracking_em)

    @property
    def fits(self) -> bool:
        """Whether no word is wider than the line."""
        return self._broken.fits

    @property
    def lines(self) -> int:
        """How many lines it takes."""
        return len(self._broken.lines)

    @property
    def words(self) -> str:
        """What it says, lines joined by spaces, hyphens at their ends included."""
        return " ".join(self._broken.lines)

    @property
    def awkward(self) -> int:
        """Lines that end inside a word or phrase."""
        return self._broken.awkward

    @property
    def height(self) -> float:
        """Of all lines, in pixels."""
        return self.lines * self.leading * self.size_px

    @cached_property
    def width(self) -> float:
        """Of the longest line, in pixels."""
        return self.size_px * max(self._advance(line) for line in self._broken.lines)

    def _advance(self, line: str) -> float:
        return advance_em(line, self._names, self._locale, self._tracking_em)

    def paint(self, canvas: skia.Canvas, x: float, y: float, color: int, align: Align = "left") -> None:
        """Draws it with its upper left corner at (x, y); lines shorter than the longest stand as `align` says."""
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        for i, text in enumerate(self._broken.lines):
            line = shaped(
                text,
                self._names,
                self.size_px,
                locale=self._locale,
                tracking_em=self._tracking_em,
                color=color,
            )
            left = x + share * (self.width - self.size_px * self._advance(text))
            # The line's own box, whatever faces it mixes, is centred in its share of the block.
            top = y + (i + 0.5) * self.leading * self.size_px - line.Height / 2
            line.paint(canvas, left, top + self._lift(line))

    def _lift(self, line: skia.textlayout.Paragraph) -> float:
        """Moves the baseline to where it is when the first family is alone."""
        alone = shaped("x", self._names[:1], self.size_px, locale="en")
        return float(
            (alone.AlphabeticBaseline - alone.Height / 2) - (line.AlphabeticBaseline - line.Height / 2)
        )
