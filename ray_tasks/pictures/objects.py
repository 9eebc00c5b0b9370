"""What is done with a cut-out of several loose objects: all are kept, the largest, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from ray_tasks.pictures.compose import alpha_bounds
from ray_tasks.pictures.cutout import CutOut, refused
from ray_tasks.pictures.mask import LEAST_PIECE_SHARE


def with_objects(cut: CutOut, objects: Literal["all", "largest", "one"]) -> CutOut:
    """The cut-out; with its largest object alone, or refused where it has several, if that is what is asked for."""
    if objects == "all" or cut.verdict == "refused":
        return cut
    count, largest = _objects(cut.alpha)
    if count == 1:
        return cut
    if objects == "one":
        detail = f"{count} objects lie apart, and one is asked for"
        return refused(cut.alpha, cut.background_kind, "several_objects", detail)
    rgba = np.where(_objects(cut.rgba[..., 3])[1][..., None], cut.rgba, 0)
    bounds = alpha_bounds(rgba[..., 3], least=1)
    assert bounds is not None
    alone = np.ascontiguousarray(rgba[bounds.top : bounds.bottom, bounds.left : bounds.right])
    return replace(cut, alpha=np.where(largest, cut.alpha, 0), rgba=alone)


def _objects(alpha: np.ndarray) -> tuple[int, np.ndarray]:
    """(how many objects, (H, W) bool of the largest with its soft edge); smaller pieces are parts or crumbs."""
    _, parts = cv2.connectedComponents((alpha > 0).view(np.uint8), connectivity=8)
    areas = np.bincount(parts[alpha > 127], minlength=2)
    count = int((areas[1:] >= LEAST_PIECE_SHARE * areas[1:].max()).sum())
    return count, parts == 1 + int(areas[1:].argmax())
