"""A mask freed of the contact shadow that clings to the product's foot."""

from __future__ import annotations

import cv2
import numpy as np

from ray_tasks.pictures.ground import Ground, looks_shadowed

_DEPTH = 26
"""How far from the outline a product may begin, in pixels of the working size: 5 % of a picture."""
_STEP = 8.0
"""Lightness (Lab) by which product and shadow differ where they meet."""

_SOFT = 9.0
"""Lightness a pixel up to which an outline may be a shadow's: a product ends with more."""

_DARKEST = 60.0
"""Lightness by which the ground gets darker at most where a product stands on it."""


def without_contact_shade(mask: np.ndarray, lab: np.ndarray, background: Ground) -> np.ndarray:
    """(H, W) bool: the mask without what is ground in shade between its lower outline and the product's own edge.

    Seen from below, a contact shadow begins softly, grows darker upwards, and ends where the product begins with a
    sharp step. lab: (H, W, 3) float32.
    """
    difference = lab - background.lab
    darker = -difference[..., 0]
    shaded = looks_shadowed(difference, background.tolerance + 4) & (darker > 2) & (darker < _DARKEST)
    taken = _shade(mask, lab[..., 0], shaded).astype(np.uint8)
    kept = (mask & (taken == 0)).astype(np.uint8)
    tidied = cv2.morphologyEx(cv2.medianBlur(kept, 5), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    # Only beside what was taken: thin parts elsewhere are the product's.
    near = cv2.dilate(taken, np.ones((9, 9), np.uint8)) > 0
    return _without_specks(mask & (np.where(near, tidied & kept, kept) > 0), near)


def _without_specks(mask: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The mask without loose pieces beside what was taken that are small against the product."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    beside = np.unique(parts[near & mask])
    specks = [part for part in beside if areas[part - 1] < 0.02 * areas.max()]
    return mask & ~np.isin(parts, specks) if specks else mask


def _shade(mask: np.ndarray, light: np.ndarray, shaded: np.ndarray) -> np.ndarray:
    """(H, W) bool: what lies below the product in each column that ends in shade."""
    height, width = mask.shape
    last = np.where(mask.any(axis=0), height - 1 - np.argmax(mask[::-1], axis=0), -1)
    columns = np.flatnonzero((last > _DEPTH + 1) & (last < height - 1))
    found = np.zeros((height, width), bool)
    if not len(columns):
        return found
    depth = np.arange(-1, _DEPTH + 2)
    at = last[columns][None, :] - depth[:, None]
    values = light[at, columns[None, :]]
    inside = (shaded & mask)[at, columns[None, :]][1:]
    run = np.logical_and.accumulate(inside, axis=0)[:_DEPTH]
    steps = np.abs(np.diff(values, axis=0))
    outer, inner = steps[0], np.where(run, steps[1 : _DEPTH + 1], 0.0)
    # The first sharp step from outside is the product's edge; those further in are its own.
    cut = np.argmax(inner > _STEP, axis=0)
    step = np.take_along_axis(inner, cut[None, :], axis=0)[0]
    rises = values[1] - np.take_along_axis(values[1:], cut[None, :], axis=0)[0]
    is_shade = (step > _STEP) & (outer < 0.5 * step) & (outer < _SOFT) & ((rises > 1.5) | (cut == 0))
    taken = np.where(is_shade, cut + 1, 0).astype(np.float32)
    # Neighbours agree about a shadow; single columns do not.
    line = np.zeros(width, np.float32)
    line[columns] = taken
    smooth = cv2.medianBlur(line[None, :], 5)[0]
    for column in np.flatnonzero(smooth > 0):
        height_px = int(min(smooth[column], line[column] or smooth[column]))
        found[last[column] - height_px + 1 : last[column] + 1, column] = True
    return found & mask
