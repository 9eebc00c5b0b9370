"""The colours of a product by measurement: a small palette with names."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_NAMES = {
    "black": "#141414", "white": "#f5f5f3", "grey": "#8a8a8a", "silver": "#c4c7ca", "red": "#c8232c",
    "dark red": "#7d1720", "orange": "#e8772e", "brown": "#7a4a2b", "beige": "#d9c6a5", "cream": "#f2e6cf",
    "yellow": "#f0c52e", "olive": "#76783a", "green": "#3f8f4f", "dark green": "#1f4a33", "mint": "#a5d8c1",
    "teal": "#1f7f86", "sky blue": "#7db9e3", "blue": "#2b62b8", "navy": "#1d2a52", "purple": "#6b3f8f",
    "lilac": "#b9a0d6", "pink": "#eb9bb4", "magenta": "#c42f7e",
}  # fmt: skip
SAMPLE_PX = 6000


@dataclass(frozen=True)
class Colour:
    """One dominant colour: `#rrggbb`, share of the product 0 to 1, and the nearest basic colour name."""

    hex: str
    share: float
    name: str


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.reshape(1, -1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


_NAME_LAB = _lab(np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in _NAMES.values()]))


def colour_name(rgb: tuple[int, int, int]) -> str:
    """The basic name nearest in CIELAB."""
    distance = np.linalg.norm(_NAME_LAB - _lab(np.array([rgb])), axis=1)
    return list(_NAMES)[int(distance.argmin())]


def product_palette(rgba: np.ndarray, colours: int = 5) -> list[Colour]:
    """Up to five dominant colours of an (h, w, 4) uint8 cut-out, strongest first; the same for the same pixels.

    k-means in CIELAB over a regular sample of opaque pixels. Empty for a cut-out without opaque pixels.
    """
    opaque = rgba[..., :3][rgba[..., 3] > 230]
    if not len(opaque):
        return []
    sample = opaque[:: max(1, len(opaque) // SAMPLE_PX)]
    points = _lab(sample)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    count = min(colours, len(np.unique(sample, axis=0)))
    _, labels, centres = cv2.kmeans(
        points, count, np.empty((len(points), 1), np.int32), criteria, 1, cv2.KMEANS_PP_CENTERS
    )
    shares = np.bincount(labels[:, 0], minlength=count) / len(points)
    values = cv2.cvtColor(centres.reshape(1, -1, 3).astype(np.float32), cv2.COLOR_LAB2RGB)[0]
    found = []
    for index in np.argsort(-shares, kind="stable"):
        if shares[index] >= 0.02:
            red, green, blue = (round(float(v) * 255) for v in np.clip(values[index], 0, 1))
            found.append(
                Colour(
                    f"#{red:02x}{green:02x}{blue:02x}", float(shares[index]), colour_name((red, green, blue))
                )
            )
    return found
