"""What the text of a finished picture measures, on its pixels and by the record of its layout."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.palette import relative_luminance

NO_TEXT_CONTRAST = 21.0
"""Contrast of a picture without text: the greatest WCAG ratio there is."""
NO_TEXT_PX = 99.0
"""Height of a line in a picture without text."""
THUMBNAIL_PX = 200
"""Short side of the thumbnail in which the headline has to be legible."""

_SQUEEZE = 0.72
"""Width of a line as it is read first, over its own: read as surely, at that share of the cost."""
_PAD = 0.12
"""Air around a line, as a share of its height."""
_WAYS = ((_SQUEEZE, _PAD), (1.0, _PAD), (1.0, 0.0))
"""Squeeze and air of one reading after the other, until one is right: a lone Latin letter among Han is lost in air."""


@dataclass(frozen=True)
class TextBox:
    """Where one text element stands and the contrast recorded when it was set.

    text: what it should say ("" is not compared); letters: the box of its letters alone, `lines` lines of equal height.
    """

    element: str
    box: Box
    contrast: float
    text: str = ""
    letters: Box | None = None
    lines: int = 1


def measure_text(
    rgb: np.ndarray, gray: np.ndarray, alpha: np.ndarray, texts: Sequence[TextBox]
) -> dict[str, float]:
    """Contrast as recorded and as seen, overlaps, margin, what is misread, and legibility as a thumbnail.

    alpha: (H, W) uint8, the placed product. Raises ValueError for a text box outside the picture.
    """
    height, width = gray.shape
    seen = NO_TEXT_CONTRAST
    covered = 0
    margin = min(width, height)
    for text in texts:
        box = text.box
        part = gray[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
        if part.size == 0:
            raise ValueError(
                f"text box {text.element} {box} lies outside the picture of {width} x {height} pixels"
            )
        seen = min(seen, _contrast(part))
        covered += int((alpha[max(0, box.top) : box.bottom, max(0, box.left) : box.right] > 127).sum())
        margin = min(margin, box.left, box.top, width - box.right, height - box.bottom)
    boxes = [text.box for text in texts]
    crossing = sum(
        max(0, min(a.right, b.right) - max(a.left, b.left))
        * max(0, min(a.bottom, b.bottom) - max(a.top, b.top))
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
    )
    return {
        "text_contrast_min": min((text.contrast for text in texts), default=NO_TEXT_CONTRAST),
        "text_contrast_seen": seen,
        "text_product_overlap_px": float(covered),
        "text_text_overlap_px": float(crossing),
        "text_margin_px": float(margin),
        **_reading(rgb, gray, texts),
        **_thumbnail(gray, texts),
    }


@functools.cache
def _luminances() -> np.ndarray:
    """Relative luminance of each grey level."""
    return relative_luminance(np.repeat(np.arange(256)[:, None] / 255.0, 3, axis=1))


def _contrast(part: np.ndarray) -> float:
    """WCAG ratio of a grey part's extremes; ink is the smaller part of a box, so that its own percentile is far out."""
    share = np.cumsum(np.bincount(part.ravel(), minlength=256)) / part.size
    dark, light = (_luminances()[np.searchsorted(share, at)] for at in (0.025, 0.975))
    return float((light + 0.05) / (dark + 0.05))


def _thumbnail(gray: np.ndarray, texts: Sequence[TextBox]) -> dict[str, float]:
    """Height of a line (pixels) and contrast of the headline at THUMBNAIL_PX."""
    headline = next((text for text in texts if text.element == "headline"), None)
    if headline is None:
        return {"thumbnail_line_px": NO_TEXT_PX, "thumbnail_contrast": NO_TEXT_CONTRAST}
    scale = THUMBNAIL_PX / min(gray.shape)
    box = headline.letters or headline.box
    part = gray[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    return {
        "thumbnail_line_px": box.height / headline.lines * scale,
        "thumbnail_contrast": _contrast(cv2.resize(part, size, interpolation=cv2.INTER_AREA)),
    }


def _reading(rgb: np.ndarray, gray: np.ndarray, texts: Sequence[TextBox]) -> dict[str, float]:
    """What is read otherwise than it was to be set: the worst element's share of letters, and how many digits in all.

    Text in a script that the recogniser has not learned is shaped again and compared with the pixels. Elements of which
    nothing is recorded count for neither.
    """
    misread, digits = 0.0, 0
    for text in texts:
        wanted = plain(text.text)
        if not wanted or text.letters is None:
            continue
        if not is_readable(text.text):
            from ray_tasks.pictures.glyphs import drawn_otherwise

            kind = text.element.rstrip("_0123456789")
            misread = max(misread, drawn_otherwise(gray, kind, text.text, text.letters, text.lines))
            continue
        best = (len(wanted), len(wanted))
        for squeeze, air in _WAYS:
            read = plain(_read(rgb, text, squeeze, air))
            best = min(best, (distance(wanted, read), distance(_digits(wanted), _digits(read))))
            if best == (0, 0):
                break
        misread = max(misread, min(1.0, best[0] / len(wanted)))
        digits += best[1]
    return {"text_misread": misread, "digits_misread": float(digits)}


def _digits(text: str) -> str:
    """The digits of a plain text: 2 to 9, as 1 and 0 may be letters there."""
    return "".join(sign for sign in text if sign.isdecimal())


def _read(rgb: np.ndarray, text: TextBox, squeeze: float, air: float) -> str:
    """What is read in an element's lines, one after the other."""
    from ray_tasks.pictures.ocr import LINE_PX, read_lines

    assert text.letters is not None
    letters, height = text.letters, text.letters.height / text.lines
    side, over = round(air * height), air * height / 2
    lines = []
    for index in range(text.lines):
        top = letters.top + index * height
        part = rgb[
            max(0, round(top - over)) : round(top + height + over),
            max(0, letters.left - side) : letters.right + side,
        ]
        width = max(LINE_PX, round(part.shape[1] * LINE_PX / part.shape[0] * squeeze))
        lines.append(cv2.resize(part, (width, LINE_PX), interpolation=cv2.INTER_AREA))
    return "".join(read for read, _ in read_lines(lines))


_ALIKE = str.maketrans("l1|0凈", "iiio净")
"""Signs that look the same in most faces: l, 1 and a capital I; 0 and O; two ways to write one Chinese sign."""


def plain(text: str) -> str:
    """The letters and digits of a text and the signs of money and shares, by NFKC, without case and look-alikes."""
    signs = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    return "".join(sign for sign in signs if sign.isalnum() or sign in "%€$£¥")


def is_readable(text: str) -> bool:
    """Whether all its letters are of scripts that the recogniser has learned: Latin and Chinese."""
    return all(
        unicodedata.name(sign, "").startswith(("LATIN", "CJK", "FULLWIDTH")) or not sign.isalpha()
        for sign in unicodedata.normalize("NFKC", text)
    )


def distance(one: str, other: str) -> int:
    """Insertions, deletions and replacements that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, their in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (sign != their))
    return row[-1]
