"""The soft edge: alpha follows the mixture of both sides, and no colour of the ground is left in it."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.matte import matte


def _disc() -> np.ndarray:
    big = np.zeros((1200, 1200), np.uint8)
    cv2.circle(big, (600, 600), 330, 255, -1)
    return cv2.GaussianBlur(cv2.resize(big, (300, 300), interpolation=cv2.INTER_AREA), (0, 0), 0.8)


def test_alpha_and_colours_at_the_edge() -> None:
    truth = _disc()
    share = truth[..., None] / 255.0
    photo = np.rint(np.array([30, 40, 120]) * share + 240 * (1 - share)).astype(np.uint8)
    rgba, alpha = matte(photo, truth > 127)
    soft = (truth > 40) & (truth < 215)
    assert np.abs(alpha.astype(int) - truth)[soft].mean() < 12
    edge = (rgba[..., 3] > 40) & (rgba[..., 3] < 215)
    assert np.abs(rgba[..., :3][edge].astype(int) - (30, 40, 120)).mean() < 6


def test_a_mask_a_pixel_too_wide_leaves_no_rim_of_ground() -> None:
    truth = _disc()
    share = truth[..., None] / 255.0
    photo = np.rint(np.array([30, 40, 120]) * share + 240 * (1 - share)).astype(np.uint8)
    _, alpha = matte(photo, cv2.dilate(truth, np.ones((3, 3), np.uint8)) > 127)
    assert alpha[cv2.dilate(truth, np.ones((7, 7), np.uint8)) == 0].max() == 0
    assert abs(int((alpha > 127).sum()) - int((truth > 127).sum())) < 0.03 * (truth > 127).sum()
