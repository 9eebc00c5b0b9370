"""What painted scenes measure while they are still on the card, the product put over them: numbers by name.

The names, and the numbers but for rounding, are those of `ray_tasks.pictures.measure`, which measures the finished
picture; `decide_early` judges both by the same rules. What only a finished picture shows is left to it: words and what
is calm behind them, the contact shadow, the fringe of the product's edge in the picture's own size, the file. What the
product's own pixels measure no scene changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from ray_tasks.engine import filters
from ray_tasks.engine.to_card import to_card
from ray_tasks.engine.unit import Pixels, Unit
from ray_tasks.models.extension import extended_shares
from ray_tasks.models.scene_conditions import NEUTRAL
from ray_tasks.pictures.measure_ground import EDGE_STEP, GRID, LOOK_PX, RING_PX

MEASURED = (
    "extended_share",
    "clutter_product",
    "clipped_light_share",
    "clipped_dark_share",
    "background_deviation",
    "noise",
    "banding",
    "separation",
    "separation_p20",
)
_RIM_PX = 4096
"""Pixels of an outline that are looked at, at most; OpenCV's side of it takes every n-th."""


def measure_scenes(pictures: torch.Tensor, units: Sequence[Unit]) -> torch.Tensor:
    """(n, len(MEASURED) + 3 * GRID**2) float32 on the pictures' device: numbers, then the picture at a glance (RGB).

    pictures: (n, 3, h, w) float, nominally 0..1. Nothing in it waits for the card.
    """
    device = pictures.device
    levels = (pictures.float().nan_to_num() * 255).round().clamp(0, 255)
    alpha = to_card(np.stack([unit.alpha for unit in units]), device)[:, None].float()
    around = to_card(np.stack([unit.around for unit in units]), device)
    own = to_card(np.stack([unit.image for unit in units]), device).permute(0, 3, 1, 2).float()
    without = 1 - alpha / 255
    shown = (levels * without + own - NEUTRAL * without).round().clamp(0, 255)
    measured = {
        "extended_share": extended_shares(levels, around),
        **_ground(shown, alpha),
        **_edge(shown, (alpha > 127).float()),
    }
    glance = filters.resized(shown, (GRID, GRID)).permute(0, 2, 3, 1).flatten(1)
    return torch.cat([torch.stack([measured[name] for name in MEASURED], dim=1), glance], dim=1)


def read(measured: Sequence[float]) -> tuple[dict[str, float], Pixels]:
    """A row of `measure_scenes`: numbers by name, and (GRID, GRID, 3) of what the picture looks like from far."""
    numbers = dict(zip(MEASURED, measured, strict=False))
    glance = np.asarray(measured[len(MEASURED) :], np.float32)
    return numbers, glance.reshape(GRID, GRID, 3).astype(np.uint8)


def _ground(shown: torch.Tensor, alpha: torch.Tensor) -> dict[str, torch.Tensor]:
    """See `measure_ground`; a scene has no text yet."""
    height, width = shown.shape[2:]
    scale = LOOK_PX / min(height, width)
    size = (round(width * scale), round(height * scale))
    small = filters.resized(filters.gray(shown), size)
    gradient = filters.gradient(filters.blurred(small, 1.2))
    shape = (filters.resized(alpha, size, cv2.INTER_LINEAR) > 8).float()
    free = 1 - filters.dilated(shape, 5)
    ring = (filters.box_sum(shape, 2 * RING_PX + 1) > 0.5) * free
    nearest = filters.nearest(shown, size)
    least, most = nearest.amin(dim=1, keepdim=True), nearest.amax(dim=1, keepdim=True)
    mean = _mean(small, free)
    return {
        "clutter_product": _mean(gradient, ring),
        "clipped_light_share": _mean((least >= 253).float(), free),
        "clipped_dark_share": _mean((most <= 4).float(), free),
        "background_deviation": _mean((small - mean.view(-1, 1, 1, 1)) ** 2, free).sqrt(),
        "noise": _mean((small - filters.median3(small)).abs(), free),
        "banding": _banding(filters.gray(nearest), free),
    }


def _mean(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """(n,) means over masks; 0 where a mask is empty."""
    return (values * where).flatten(1).sum(dim=1) / where.flatten(1).sum(dim=1).clamp_min(1)


def _banding(gray: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
    """See `measure_ground`."""
    level, counted = gray.flatten(1).long(), free.flatten(1)
    counts = torch.zeros(len(gray), 256, device=gray.device).scatter_add_(1, level, counted)[:, 3:253]
    total = counts.sum(dim=1)
    smooth = filters.smoothed(counts, 3.0)
    return torch.where(
        total < 0.05 * level.shape[1],
        0.0,
        (counts - smooth).abs().sum(dim=1) / total.clamp_min(1),
    )


def _edge(shown: torch.Tensor, shape: torch.Tensor) -> dict[str, torch.Tensor]:
    """See `measure`: what is nearby inside and outside of each pixel of the rim."""
    inner, outer = 1 - filters.dilated_round(1 - shape, 7), 1 - filters.dilated_round(shape, 7)
    rim = filters.dilated(shape, 3) - filters.eroded(shape, 3)
    side = 2 * EDGE_STEP + 3
    place = _rim_places(rim)

    def at_rim(values: torch.Tensor) -> torch.Tensor:
        flat = values.flatten(2)
        return flat.gather(2, place[:, None].expand(-1, flat.shape[1], -1))

    inside_px, outside_px = (at_rim(filters.box_sum(mask, side)) for mask in (inner, outer))
    inside, outside = (
        at_rim(filters.box_sum(shown * mask, side)) / count.clamp_min(1)
        for mask, count in ((inner, inside_px), (outer, outside_px))
    )
    usable = ((at_rim(rim) > 0) & (inside_px >= 4) & (outside_px >= 4))[:, 0]
    distance = (filters.oklab(inside) - filters.oklab(outside)).norm(dim=1)
    enough = usable.sum(dim=1) >= 16
    return {
        name: torch.where(enough, _quantile(distance, usable, share), 0.0)
        for name, share in (("separation", 0.5), ("separation_p20", 0.2))
    }


def _rim_places(rim: torch.Tensor) -> torch.Tensor:
    """(n, k) places of pixels of the rim, evenly over it where it is longer than k; others where it is shorter."""
    flat = rim.flatten(1)
    # A fixed scramble: of a long rim, its largest values are a sample that no shape favours.
    scrambled = torch.arange(flat.shape[1], device=rim.device, dtype=torch.int64) * 2654435761 % (1 << 24)
    return (flat * (1 + scrambled)).topk(min(_RIM_PX, flat.shape[1]), dim=1).indices


def _quantile(values: torch.Tensor, where: torch.Tensor, share: float) -> torch.Tensor:
    """(n,) quantiles of the values in masks, between neighbours in proportion; inf where a mask is empty."""
    ordered = values.masked_fill(~where, torch.inf).sort(dim=1).values
    place = share * (where.sum(dim=1, keepdim=True) - 1).clamp_min(0)
    low = place.floor()
    first = ordered.gather(1, low.long())
    second = ordered.gather(1, place.ceil().long())
    return torch.lerp(first, second, place - low)[:, 0]
