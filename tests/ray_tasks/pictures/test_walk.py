"""The random walk: gaps in an outline are closed by the shortest way, and soft ramps are no outline."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.ground import find_edges, find_seeds, fit_ground, refine_ground
from ray_tasks.pictures.walk import product_likelihood

SIZE = 300


def _likelihood(tone: np.ndarray) -> np.ndarray:
    """Of a grey picture, (SIZE, SIZE) of 0 to 255."""
    photo = np.repeat(tone[..., None], 3, axis=2).astype(np.float32) / 255
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
    edges = find_edges(lab)
    ground, reached = refine_ground(lab, fit_ground(lab), edges, 0.7)
    return product_likelihood(lab, ground, edges, reached, find_seeds(lab, ground, edges, reached))


def _can(gap: int) -> np.ndarray:
    """A can whose label has the ground's tone; its outline is missing over `gap` pixels on the left."""
    tone = np.full((SIZE, SIZE), 235.0)
    cv2.rectangle(tone, (90, 60), (210, 240), 90.0, 3)
    for top in (80, 130, 180):
        cv2.rectangle(tone, (110, top), (190, top + 25), 60.0, -1)
    tone[150 - gap // 2 : 150 + gap // 2, 85:95] = 235.0
    return cv2.GaussianBlur(tone, (0, 0), 0.8)


def test_a_gap_in_the_outline_is_closed() -> None:
    likelihood = _likelihood(_can(14))
    assert likelihood[70:230, 100:200].min() > 0.5
    assert likelihood[:50].max() < 0.2 > likelihood[100:200, :70].max()


def test_a_soft_shadow_is_the_grounds() -> None:
    tone = np.full((SIZE, SIZE), 235.0)
    shadow = np.zeros((SIZE, SIZE))
    cv2.ellipse(shadow, (215, 225), (60, 14), 0, 0, 360, 60.0, -1)
    tone -= cv2.GaussianBlur(shadow, (0, 0), 9)
    cv2.rectangle(tone, (110, 80), (190, 230), 100.0, -1)
    likelihood = _likelihood(cv2.GaussianBlur(tone, (0, 0), 0.8))
    assert likelihood[90:220, 120:180].min() > 0.5
    assert likelihood[215:245, 225:280].max() < 0.5
