"""Whether pixels show a text as it is shaped: for scripts that no recogniser at hand reads, such as Arabic.

The text is set again by the same fonts and rules at the size that its box tells, and compared piece by piece by
normalised correlation: a wrong, missing or broken letter changes its piece, and all behind it that it shifts.
"""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import skia

from ray_tasks.pictures.arrange import LEADING, ROLES
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.script import script_of
from ray_tasks.pictures.text_block import Align, TextBlock

SAME = 0.80
"""Correlation from which on a piece shows what it should: right ones have 0.9 and more, other words 0.2 to 0.6."""
SPOT = 0.36
"""Difference in a spot, over the contrast, from which on a dot is missing, added or moved."""
DOTS_PX = 46
"""Height of a line from which on a single dot is looked for; in smaller ones half a pixel is as much."""
_STROKES = 0.4
"""What is thinner than this share of a line's height is ink: strokes of bold letters have 0.15."""
_SLACK = 3
"""Pixels by which boxes are rounded, and a piece may be found aside."""


def drawn_otherwise(gray: np.ndarray, kind: str, text: str, letters: Box, lines: int) -> float:
    """Share of a text's pieces, 0 to 1, that do not show it: 0 for what was set, 1 for nothing or something else.

    gray: (H, W) uint8 picture; kind: of element, without its number; letters: the box of its letters, in `lines` lines.
    """
    window = gray[
        max(0, letters.top - _SLACK) : letters.bottom + _SLACK,
        max(0, letters.left - _SLACK) : letters.right + _SLACK,
    ]
    if min(window.shape, default=0) <= 4 * _SLACK:
        return 1.0
    line_px = letters.height / lines
    inks = _inks(cv2.GaussianBlur(window, (0, 0), 0.7), line_px)
    return min(
        (
            _missing_share(inks, mask, line_px)
            for role in ROLES.get(kind, ROLES["legal"])
            for mask in _masks(kind, role, text, letters, lines)
        ),
        default=1.0,
    )


def _inks(window: np.ndarray, line_px: float) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) float32, twice: how much darker, and how much lighter, each pixel is than the ground around it.

    What is thinner than a few strokes stands out; an edge of light or colour in the ground behind letters is none.
    """
    side = max(3, round(_STROKES * line_px)) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    dark, light = (
        cv2.morphologyEx(window, way, disc).astype(np.float32)
        for way in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
    )
    return dark, light


def _locale(text: str) -> str:
    """A locale whose script the text is in: it decides direction, size and leading."""
    names = [unicodedata.name(sign, "") for sign in text]
    if any(name.startswith("ARABIC") for name in names):
        return "ar"
    return "zh" if any(name.startswith("CJK") for name in names) else "en"


def _masks(kind: str, role: str, text: str, letters: Box, lines: int) -> list[np.ndarray]:
    """(h, w) float32 masks of the text as it fits the box, for each way in which shorter lines may stand."""
    locale = _locale(text)
    script = script_of(locale)
    leading = LEADING.get(kind, LEADING["legal"])
    rough = letters.height / (lines * (leading + script.extra_leading) * script.size)

    room = 1.01 * letters.width if lines > 1 else 2.0 * letters.width

    def block(size: float) -> TextBlock:
        return TextBlock(text, role, size, room, locale=locale, leading=leading)

    found = next((block(share * rough) for share in (1.0, 0.97) if block(share * rough).lines == lines), None)
    if found is None:
        return []
    found = block(found.size_px / script.size * min(1.15, max(0.85, letters.width / found.width)))
    masks = []
    usual: Align = "right" if script.right_to_left else "left"
    for align in (usual, "center") if lines > 1 else (usual,):
        canvas = np.zeros((letters.height, letters.width, 4), np.uint8)
        surface = skia.Surface(canvas, colorType=skia.kRGBA_8888_ColorType)
        top = (letters.height - found.height) / 2
        found.paint(surface.getCanvas(), (letters.width - found.width) / 2, top, 0xFFFFFFFF, align)
        masks.append(cv2.GaussianBlur(canvas[..., 3], (0, 0), 0.7).astype(np.float32))
    return masks


def _missing_share(inks: tuple[np.ndarray, np.ndarray], mask: np.ndarray, line_px: float) -> float:
    """Share of the mask's pieces, as wide as a line is high, that the ink about their place does not resemble."""

    def resembles(ink: np.ndarray) -> float:
        whole = mask[: ink.shape[0], : ink.shape[1]]
        return float(cv2.matchTemplate(ink, whole, cv2.TM_CCOEFF_NORMED).max())

    # Letters are lighter than their ground or darker, all of them alike.
    seen = max(inks, key=resembles)
    wrong = pieces = 0
    side = max(8, round(line_px))
    for top in np.arange(0, mask.shape[0] - 0.5 * line_px, line_px).round().astype(int).tolist():
        for left in range(0, max(1, mask.shape[1] - side // 2), side // 2):
            piece = mask[top : top + side, left : left + side]
            if piece.size == 0 or piece.std() < 12:
                continue
            around = seen[top : top + piece.shape[0] + 2 * _SLACK, left : left + piece.shape[1] + 2 * _SLACK]
            if around.shape[0] < piece.shape[0] or around.shape[1] < piece.shape[1]:
                continue
            pieces += 1
            found = cv2.matchTemplate(around, piece, cv2.TM_CCOEFF_NORMED)
            y, x = np.unravel_index(int(np.argmax(found)), found.shape)
            shown = around[y : y + piece.shape[0], x : x + piece.shape[1]]
            other = bool(found.max() < SAME)
            wrong += other or (line_px >= DOTS_PX and _spot(shown, piece, 0.04 * line_px) > SPOT)
    return wrong / pieces if pieces else 1.0


def _spot(shown: np.ndarray, piece: np.ndarray, sigma_px: float) -> float:
    """The greatest difference in a spot as large as a dot of a letter, over the contrast of ink and ground."""
    centred = piece - piece.mean()
    slope = float((shown * centred).sum() / (centred * centred).sum())
    rest = cv2.GaussianBlur(shown - shown.mean() - slope * centred, (0, 0), max(1.0, sigma_px))
    return float(np.abs(rest).max() / max(1e-3, abs(slope) * 255))
