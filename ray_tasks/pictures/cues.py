"""Words for what a picture shows, where they were measured to be right (tests/benchmarks/tags.py).

Most kinds of things, and every material, could not be told from pixels: metal was right in 2 of 10 pictures, wood in 1
of 4, and trees over 28 measurements of form and surface, judged on shops that they had not seen, were right in half the
pictures at best. What is left is the form of a vessel, and what is printed on the thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import cv2
import numpy as np

from ray_tasks.copywriting.items import item_words

VESSEL = "bottle, can, jar or tube"
_WORDS = re.compile(r"[a-z][a-z\-]*")
_LEAST_LETTERS = 3
_MOST_WORDS = 4
MATERIALS = frozenset(
    [
        "cast iron",
        "cotton canvas",
        "enamelled steel",
        "merino wool",
        "natural rubber",
        "organic cotton",
        "recycled nylon",
        "recycled polyester",
        "soy wax",
        "stainless steel",
        "virgin wool",
    ]
)
"""Two words and more: "wood" on a tin of primer is what to paint, and "oak" is a brand."""


def form_cues(alpha: np.ndarray) -> list[str]:
    """VESSEL for an upright cut-out in one piece, mirrored in itself, nearly convex and nearly a rectangle.

    alpha: (h, w) uint8. A pouch is less of a rectangle, a book wider than three quarters of its height, a bag is holed.
    """
    solid = (alpha > 127).astype(np.uint8)
    contours, tree = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [line for line, at in zip(contours, tree[0], strict=True) if at[3] < 0] if contours else []
    if not outer:
        return []
    areas = [cv2.contourArea(line) for line in outer]
    area, line = max(areas), outer[int(np.argmax(areas))]
    height, width = solid.shape
    if area < 100 or sum(one > 0.1 * sum(areas) for one in areas) > 1:
        return []
    mirrored = solid[:, ::-1]
    symmetry = (solid & mirrored).sum() / (solid | mirrored).sum()
    convex = area / cv2.contourArea(cv2.convexHull(line))
    across, along = cv2.minAreaRect(line)[1]
    whole = solid.sum() / sum(areas)
    is_vessel = (
        symmetry > 0.95
        and convex > 0.95
        and area / (across * along) > 0.82
        and 0.2 < width / height < 0.75
        and whole > 0.995
    )
    return [VESSEL] if is_vessel else []


def lettering_cues(lines: Iterable[str]) -> list[str]:
    """Things of items.toml and MATERIALS that lines read in a picture name, the longest words that fit, sorted."""
    known, found = item_words().keys() | MATERIALS, set()
    for line in lines:
        words = _WORDS.findall(line.lower())
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + _MOST_WORDS), start, -1):
                named = " ".join(words[start:end])
                if named in known and len(named) >= _LEAST_LETTERS:
                    found.add(named)
                    start = end - 1
                    break
            start += 1
    return sorted(found)
