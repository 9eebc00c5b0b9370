"""What makes a mask doubtful though its outline lies on edges: ground inside, a torn outline, a merged shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.ground import Edges, Ground, box, grown, length, mean_beside
from ray_tasks.pictures.holes import ground_left


@dataclass(frozen=True)
class Doubts:
    """Measurements of a mask: each 0 for a mask without that fault, as a share of what it says."""

    ground_left: float
    """Share of the mask that has the ground's colour and ends with a step, as ground seen through a product does."""
    torn: float
    """Pixels by which the outline is off a smooth one where product and ground look alike, a pixel of outline."""
    disputed: float
    """Share of the mask that a model of the colours of both sides takes for ground."""
    merged: float
    """Length at which the product goes on without a step in a large cast shadow, over the square root of its area."""


@dataclass(frozen=True)
class Limits:
    """Of Doubts, from which a cut-out is refused: chosen on the tuning half of labelled pictures. Part of views."""

    ground_left: float = 0.0125
    torn: float = 0.05
    disputed: float = 0.06
    merged: float = 0.15


WORDS = {
    "ground_left": (
        "ground_in_cutout",
        "of what was cut out has the ground's colour and ends as a hole would",
    ),
    "torn": (
        "outline_torn",
        "pixels off a smooth line, a pixel of outline, where product and ground look alike",
    ),
    "disputed": ("cutout_disputed", "of what was cut out is ground by the colours of both sides"),
    "merged": (
        "shadow_merges",
        "of the product's size is outline that goes over into its shadow without a step",
    ),
}
"""Of each measurement: the reason of a refusal for it, and what its number says."""

_SMOOTH_PX = 4.0
"""Sigma of the line that an outline is compared with."""
_BESIDE_PX = 13
"""Width of the window in which colours on both sides of an outline are compared."""
_ALIKE = 12.0
"""Lab units up to which they look alike."""
_SECOND_PX = 256
"""Longer side at which the second opinion is asked for."""
_SECOND_BAND_PX = 5
"""On both sides of the outline, what the second opinion decides."""
_SECOND_ROUNDS = 2
_LARGE_SHADOW = 0.18
"""Of the mask: what was told from the product as cast shadow is large from there on."""
_DARK, _NO_STEP, _STEP_PX = 50.0, 6.0, 7
"""Lightness by which such a shadow is darker than the ground, Lab units between it and a product that may go on in it,
and the window that both are seen in."""


def measure_doubts(
    rgb: np.ndarray, mask: np.ndarray, with_shadow: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges
) -> Doubts:
    """The doubts about an (H, W) bool mask of an (H, W, 3) uint8 picture, of the same size as lab.

    with_shadow (H, W) bool: the mask before cast shadows were told from it.
    """
    return Doubts(
        ground_left(mask, lab, ground, edges),
        _torn(mask, lab),
        _disputed(rgb, mask),
        _merged(with_shadow & ~grown(mask, 3), mask, lab, ground),
    )


def doubt(doubts: Doubts, limits: Limits | None = None) -> tuple[str, str] | None:
    """Reason and detail of the first doubt that is too large, or None."""
    limits = limits or Limits()
    for name, (reason, words) in WORDS.items():
        value, most = getattr(doubts, name), getattr(limits, name)
        if value >= most:
            return reason, f"{value:.3f} {words}; less than {most} is asked for"
    return None


def _torn(mask: np.ndarray, lab: np.ndarray) -> float:
    solid = mask.astype(np.uint8)
    outline = (solid - cv2.erode(solid, box(3), borderValue=1)) > 0
    across = length(mean_beside(mask, lab, _BESIDE_PX) - mean_beside(~mask, lab, _BESIDE_PX))
    alike = outline & (across < _ALIKE)
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SMOOTH_PX) > 0.5
    # An outline that is off by one pixel is not torn.
    off = cv2.morphologyEx((smooth ^ mask).astype(np.uint8), cv2.MORPH_OPEN, box(2)) > 0
    return float((off & grown(alike, 9)).sum() / max(1, outline.sum()))


def _merged(shadow: np.ndarray, mask: np.ndarray, lab: np.ndarray, ground: Ground) -> float:
    shadow = cv2.morphologyEx(shadow.astype(np.uint8), cv2.MORPH_OPEN, box(5)) > 0
    if shadow.sum() < _LARGE_SHADOW * mask.sum():
        return 0.0
    seam = mask & grown(~mask, 3) & grown(shadow, _STEP_PX)
    beside = mean_beside(shadow, lab, _STEP_PX)
    alike = length(beside - mean_beside(mask, lab, _STEP_PX)) < _NO_STEP
    dark = (ground.lab - beside)[..., 0] > _DARK
    return float((seam & alike & dark).sum() / np.sqrt(max(1, mask.sum())))


def _disputed(rgb: np.ndarray, mask: np.ndarray) -> float:
    """By GrabCut (Rother et al. 2004) that starts from the mask and decides in a band along its outline."""
    scale = _SECOND_PX / max(mask.shape)
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    first = cv2.resize(mask.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    band = 2 * _SECOND_BAND_PX + 1
    labels = np.where(first > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[cv2.erode(first, box(band), borderValue=0) > 0] = cv2.GC_FGD
    labels[cv2.dilate(first, box(band)) == 0] = cv2.GC_BGD
    if not (labels == cv2.GC_BGD).any():
        return 0.0
    cv2.setRNGSeed(1)
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(colours, labels, (0, 0, 0, 0), *models, _SECOND_ROUNDS, cv2.GC_INIT_WITH_MASK)
    taken = (first > 0) & np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD))
    taken = cv2.morphologyEx(taken.astype(np.uint8), cv2.MORPH_OPEN, box(2)) > 0
    return float(taken.sum() / max(1, first.sum()))
