"""Products drawn for the picture tests: cut-outs with soft edges, (h, w, 4) uint8."""

from __future__ import annotations

import cv2
import numpy as np


def bottle(height: int = 360, rgb: tuple[int, int, int] = (40, 90, 60)) -> np.ndarray:
    """A tall bottle with a label."""
    width = height * 2 // 5
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (2, height * 2 // 5), (width - 3, height - 3), 255, -1)
    cv2.rectangle(mask, (width * 3 // 8, 2), (width * 5 // 8, height * 2 // 5), 255, -1)
    out = np.zeros((height, width, 4), np.uint8)
    shade = 0.6 + 0.5 * np.sin(np.linspace(0.3, 2.6, width))[None, :, None]
    out[..., :3] = np.clip(np.array(rgb) * shade, 0, 255)
    out[height * 6 // 10 : height * 8 // 10, 6:-6, :3] = (235, 228, 210)
    out[..., 3] = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return out


def shoe(width: int = 420) -> np.ndarray:
    """A wide, low shape with an uneven underside."""
    height = width * 2 // 5
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height * 3 // 5), (width // 2 - 4, height // 3), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (width // 8, height // 8), (width // 2, height * 3 // 5), 255, -1)
    out = np.zeros((height, width, 4), np.uint8)
    out[..., :3] = (180, 60, 50)
    out[..., 3] = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return out
