"""Whether a picture shows a person, by bare skin: limbs that the border cuts, necks above shoulders, arms in a scene.

It finds no clothed body without skin and no shop-window figure: that would need a trained detector. What it says is
seldom wrong.
"""

from __future__ import annotations

import cv2
import numpy as np

LEAST_AREA = 0.0025
"""Share of the picture that a patch of skin takes."""
LEAST_CUT_PX = 40
"""Pixels of a patch within three of the border, at 384 pixels a picture, from which the border cuts it."""
LIGHTNESS = 52.0
"""Mean CIELAB L above which a patch is skin; below it leather and wood are more common."""
LEAST_ROUNDING = 5.0
"""Standard deviation of L over a patch: a limb is lit from a side, a painted ground is not."""
PLAIN, SCENE = 4.0, 8.0
"""Median distance of the border's colours from their median, Lab units: below it one ground, above it a scene."""


def skin_share(rgb: np.ndarray) -> float:
    """Share of an (H, W, 3) uint8 picture that is skin of a person, 0 to 1; 0 for none.

    Skin is a pixel in the band of CIELAB's a and b that skin of all tones takes, where lightness has no grain: wood,
    cloth and cardboard of that hue have. Measured at 384 pixels; limits were chosen on tests/data/picture_labels.csv.
    """
    scale = min(1.0, 384 / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    grain = cv2.blur(np.abs(cv2.Laplacian(lab[..., 0], cv2.CV_32F)), (7, 7))
    border = np.concatenate([side.reshape(-1, 3) for side in (lab[:8], lab[-8:], lab[:, :8], lab[:, -8:])])
    ground = np.median(border, axis=0)
    spread = float(np.median(np.linalg.norm(border - ground, axis=1)))
    strict = _patches(lab, grain, (6, 28), (5, 30), (0.5, 0, 1.6, 3), 4.5)
    found = sum(
        area for area, inside in strict if _is_limb(inside, lab) or _is_arm(area, inside, lab, spread)
    )
    if not found and spread < PLAIN:
        wide = _patches(lab, grain, (5.5, 28), (3.5, 38), (0.45, 0, 1.75, 5), 6.0)
        found = sum(area for area, inside in wide if _is_neck(area, inside, lab, ground))
    return float(found)


def _patches(
    lab: np.ndarray,
    grain: np.ndarray,
    red: tuple[float, float],
    yellow: tuple[float, float],
    ratio: tuple[float, float, float, float],
    most_grain: float,
) -> list[tuple[float, np.ndarray]]:
    """(share, (H, W) bool) of each patch of skin; `ratio`: slope and offset of the least and the most b for an a."""
    light, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    like = (a > red[0]) & (a < red[1]) & (b > yellow[0]) & (b < yellow[1]) & (light > 30) & (light < 92)
    like &= (b > ratio[0] * a + ratio[1]) & (b < ratio[2] * a + ratio[3]) & (grain < most_grain)
    opened = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    areas = stats[:, cv2.CC_STAT_AREA] / labels.size
    return [(areas[n], labels == n) for n in range(1, count) if areas[n] >= LEAST_AREA]


def _is_limb(inside: np.ndarray, lab: np.ndarray) -> bool:
    """Lit from a side, and cut by the border, as an arm, a hand or a neck is."""
    cut = inside[:3].sum() + inside[-3:].sum() + inside[:, :3].sum() + inside[:, -3:].sum()
    light = lab[..., 0][inside]
    return bool(cut > LEAST_CUT_PX and light.mean() > LIGHTNESS and light.std() > LEAST_ROUNDING)


def _is_arm(area: float, inside: np.ndarray, lab: np.ndarray, spread: float) -> bool:
    """Large, smooth and rounded within a scene; on a plain ground a thing may be like that."""
    light, a, b = lab[inside].T
    toned = 10 < a.mean() < 20 and 10 < b.mean() < 20
    return bool(spread > SCENE and area > 0.02 and toned and light.mean() > 55 and light.std() > 8)


def _is_neck(area: float, inside: np.ndarray, lab: np.ndarray, ground: np.ndarray) -> bool:
    """Narrow, at the middle of the top border of a plain ground, with something much wider right below: shoulders."""
    height, width = inside.shape
    rows, columns = np.nonzero(inside)
    if area > 0.03 or inside[:3].any(axis=0).sum() < 6 or abs(columns.mean() / width - 0.5) > 0.2:
        return False
    below = lab[min(height - 1, int(rows.max()) + height // 10)]
    shoulders = (np.linalg.norm(below - ground, axis=1) > 14).sum()
    away = float(np.median(np.linalg.norm(lab[inside] - ground, axis=1)))
    return bool(rows.mean() < 0.16 * height and away > 25 and shoulders > 2 * np.ptp(columns))
