"""OpenCV's filters for batches of pictures on the card: (n, c, h, w) float32 in 8-bit levels, with OpenCV's borders.

Results differ from OpenCV's by the rounding of its 8-bit arithmetic. No sizes depend on values, so nothing waits.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch.nn import functional

from ray_tasks.engine.to_card import to_card
from ray_tasks.pictures.palette import TO_LAB, TO_LMS

_LUMA = (0.299, 0.587, 0.114)
_XYZ = (
    (0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754),
)
"""Linear sRGB to XYZ over its white (D65), as OpenCV has it."""


def resized(pictures: torch.Tensor, size: tuple[int, int], method: int = cv2.INTER_AREA) -> torch.Tensor:
    """cv2.resize to (width, height), in whole levels. A separable method is a matrix from each side."""
    width, height = size
    across = _resizing(pictures.shape[3], width, method, pictures.device)
    down = _resizing(pictures.shape[2], height, method, pictures.device)
    return (down @ pictures @ across.T).round()


@lru_cache(maxsize=64)
def _resizing(length: int, wanted: int, method: int, device: torch.device) -> torch.Tensor:
    """(wanted, length): OpenCV's own weights, which it shows by resizing the unit matrix."""
    weights = cv2.resize(np.eye(length, dtype=np.float32), (length, wanted), interpolation=method)
    return to_card(torch.from_numpy(weights), device)


def blurred(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    """cv2.GaussianBlur of 8-bit pictures, in whole levels."""
    kernel = _gaussian(round(6 * sigma) + 1, sigma, pictures.device)
    return _along(_along(pictures, kernel, 3), kernel, 2).round()


def smoothed(rows: torch.Tensor, sigma: float) -> torch.Tensor:
    """cv2.GaussianBlur of (n, k) rows of floats, which it gives a longer kernel than 8-bit pictures."""
    return _along(rows[:, None, None], _gaussian(round(8 * sigma) + 1, sigma, rows.device), 3)[:, 0, 0]


@lru_cache(maxsize=16)
def _gaussian(taps: int, sigma: float, device: torch.device) -> torch.Tensor:
    """(taps,) weights; of an even number one more, as OpenCV has it."""
    weights = cv2.getGaussianKernel(taps | 1, sigma, cv2.CV_32F)[:, 0]
    return to_card(torch.from_numpy(weights), device)


def _along(pictures: torch.Tensor, kernel: torch.Tensor, axis: int) -> torch.Tensor:
    reach = len(kernel) // 2
    shape = [1, 1, 1, 1]
    shape[axis] = len(kernel)
    padding = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
    padded = functional.pad(pictures, padding, mode="reflect")
    channels = pictures.shape[1]
    return functional.conv2d(padded, kernel.view(shape).expand(channels, -1, -1, -1), groups=channels)


def box_sum(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """cv2.boxFilter without normalisation, of an odd side."""
    ones = torch.ones(side, device=pictures.device)
    return _along(_along(pictures, ones, 3), ones, 2)


def gradient(pictures: torch.Tensor) -> torch.Tensor:
    """Levels a pixel: the magnitude of central differences (cv2.Sobel, ksize=1, scale=0.5)."""
    padded = functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return torch.hypot(across, down)


def dilated(masks: torch.Tensor, side: int) -> torch.Tensor:
    """cv2.dilate of 0/1 masks by a square of an odd side."""
    reach = side // 2
    rows = functional.max_pool2d(masks, (1, side), 1, (0, reach))
    return functional.max_pool2d(rows, (side, 1), 1, (reach, 0))


def dilated_round(masks: torch.Tensor, side: int) -> torch.Tensor:
    """cv2.dilate of 0/1 masks by OpenCV's ellipse of an odd side."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.float32)
    weights = to_card(torch.from_numpy(kernel), masks.device)[None, None]
    return (functional.conv2d(masks, weights, padding=side // 2) > 0.5).to(masks.dtype)


def eroded(masks: torch.Tensor, side: int) -> torch.Tensor:
    """cv2.erode of 0/1 masks by a square of an odd side."""
    return 1 - dilated(1 - masks, side)


def median3(pictures: torch.Tensor) -> torch.Tensor:
    """cv2.medianBlur over 3 x 3, for one channel."""
    padded = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    height, width = pictures.shape[2:]
    shifted = [padded[..., y : y + height, x : x + width] for y in range(3) for x in range(3)]
    # The median of the largest of the smallest, the middle of the middle and the smallest of the largest.
    rows = [_ordered(*shifted[start : start + 3]) for start in (0, 3, 6)]
    low, middle, high = zip(*rows, strict=True)
    return _ordered(_ordered(*low)[2], _ordered(*middle)[1], _ordered(*high)[0])[1]


def _ordered(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Smallest, middle and largest, element by element."""
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    return torch.minimum(low, c), torch.maximum(low, torch.minimum(high, c)), torch.maximum(high, c)


def nearest(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """cv2.resize with INTER_NEAREST to (width, height)."""
    columns, rows = (
        to_card(torch.arange(wanted) * length // wanted, pictures.device)
        for wanted, length in zip(size, (pictures.shape[3], pictures.shape[2]), strict=True)
    )
    return pictures.index_select(2, rows).index_select(3, columns)


def gray(pictures: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) whole levels of RGB pictures."""
    red, green, blue = pictures.unbind(1)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).round()[:, None]


def lab8(pictures: torch.Tensor) -> torch.Tensor:
    """cv2's 8-bit CIELAB of RGB pictures, in whole levels."""
    xyz = torch.einsum("ij,njhw->nihw", _matrix(_XYZ, pictures.device), _linear(pictures / 255))
    f = torch.where(xyz > 0.008856, xyz.clamp_min(0) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128], dim=1).round()


def oklab(colours: torch.Tensor) -> torch.Tensor:
    """(n, 3, k) OKLab of (n, 3, k) sRGB levels; see `ray_tasks.pictures.palette`."""
    to_lms, to_lab = (_matrix(tuple(map(tuple, rows.tolist())), colours.device) for rows in (TO_LMS, TO_LAB))
    return to_lab @ (to_lms @ _linear(colours / 255)).clamp_min(0) ** (1 / 3)


def _linear(values: torch.Tensor) -> torch.Tensor:
    return torch.where(values <= 0.04045, values / 12.92, ((values.clamp_min(0) + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=16)
def _matrix(rows: tuple[tuple[float, ...], ...], device: torch.device) -> torch.Tensor:
    return to_card(torch.tensor(rows), device)
