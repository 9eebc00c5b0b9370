"""Whether a picture shows a person: bare skin that the picture's border cuts, as it cuts an arm, a hand or a neck.

It finds no clothed body and no shop-window figure: that would need a trained detector. What it says is seldom wrong.
"""

from __future__ import annotations

import cv2
import numpy as np

LEAST_AREA = 0.006
"""Share of the picture that a patch of skin takes."""
LIGHTNESS = 52.0
"""Mean CIELAB L above which a patch is skin; below it leather and wood are more common."""
LEAST_ROUNDING = 5.0
"""Standard deviation of L over a patch: a limb is lit from a side, a painted ground is not."""


def skin_share(rgb: np.ndarray) -> float:
    """Share of an (H, W, 3) uint8 picture that is skin cut by its border, 0 to 1; 0 for none.

    Pixels in the band of CIELAB's a and b that skin of all tones takes, where lightness has no grain: wood, cloth and
    cardboard of that hue have. Measured at 384 pixels; the limits were chosen on tests/data/picture_labels.csv.
    """
    scale = min(1.0, 384 / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light, red, yellow = lab[..., 0], lab[..., 1], lab[..., 2]
    grain = cv2.blur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (7, 7))
    like = (red > 6) & (red < 28) & (yellow > 5) & (yellow < 30) & (light > 35) & (light < 92)
    like &= (yellow < 1.6 * red + 3) & (yellow > 0.5 * red) & (grain < 4.5)
    patches = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(patches)
    rim = np.concatenate(
        [labels[:3].ravel(), labels[-3:].ravel(), labels[:, :3].ravel(), labels[:, -3:].ravel()]
    )
    cut = np.bincount(rim, minlength=count) > 10
    found = 0.0
    for label in range(1, count):
        area = float(stats[label, cv2.CC_STAT_AREA] / labels.size)
        if area >= LEAST_AREA and cut[label]:
            lit = light[labels == label]
            found += area if lit.mean() > LIGHTNESS and lit.std() > LEAST_ROUNDING else 0.0
    return found
