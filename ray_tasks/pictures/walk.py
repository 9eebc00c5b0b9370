"""How surely each pixel is the product's: a random walker between ground and product seeds."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve

from ray_tasks.pictures.ground import Edges, Ground, box, grown, looks_shadowed, parts_holding

SCALE = 0.5
"""Of the classified picture: the walk finds the outline, and the flood that follows finds its pixels."""
SLOPE_UNIT = 0.25
"""Lab units a pixel that make a step 2.7 times less likely."""
SURE = 0.2
"""Distance from 0 or 1 at half the size below which a pixel is not looked at again."""
FREE, GROUND, PRODUCT, GIVEN = 0, 1, 2, 3
DARK_PULL, BUSY_PULL = 0.002, 0.003
"""Weight of what is too dark for a shadow, and of structure, as product by themselves."""


def product_likelihood(
    lab: np.ndarray, ground: Ground, edges: Edges, reached: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """(H, W) float32: the probability that a walker from here meets product before ground (Grady 2006 and 2005).

    A walker hardly crosses sharp edges, so a gap in an outline closes by the shortest way and a label of the ground's
    colour belongs to the product around it. `reached` (H, W) bool is ground, `labels` has 2 at product seeds.
    """
    height, width = lab.shape[:2]
    size = (max(2, round(width * SCALE)), max(2, round(height * SCALE)))

    def shrunk(mask: np.ndarray) -> np.ndarray:
        return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0

    cost = cv2.resize(cv2.dilate(edges.cost, box(2)), size, interpolation=cv2.INTER_NEAREST)
    border = np.ones((height, width), bool)
    border[3:-3, 3:-3] = False
    # Only what is reached through wide passages is sure: narrow ones are gaps in the product's outline.
    wide = cv2.erode(reached.astype(np.uint8), box(17), borderValue=1) > 0
    surely_ground = shrunk(parts_holding(wide, border & wide))
    product = cv2.resize((labels == 2).astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    product &= ~surely_ground
    rim = np.ones(surely_ground.shape, bool)
    rim[1:-1, 1:-1] = False
    difference = lab - ground.lab
    like_ground = looks_shadowed(difference, ground.tolerance + 2) & (difference[..., 0] > -25)
    surely_ground |= rim & ~product & shrunk(like_ground)
    dark = np.clip((-difference[..., 0] - 30) / 25, 0, 1)
    busy = np.clip((cv2.GaussianBlur(edges.sharp.astype(np.float32), (0, 0), 6) - 0.12) / 0.2, 0, 1)
    pull = cv2.resize(np.maximum(DARK_PULL * dark, BUSY_PULL * busy), size, interpolation=cv2.INTER_AREA)
    kinds = np.where(product, PRODUCT, np.where(surely_ground, GROUND, FREE)).astype(np.uint8)
    # At half the size the walk is solved everywhere; at the full one only where that left open which of the two it is.
    half = (max(2, size[0] // 2), max(2, size[1] // 2))
    first = _solve(
        cv2.resize(cv2.dilate(cost, box(2)), half, interpolation=cv2.INTER_NEAREST),
        cv2.resize(kinds, half, interpolation=cv2.INTER_NEAREST),
        4 * cv2.resize(pull, half, interpolation=cv2.INTER_AREA),
        np.zeros(half[::-1], np.float32),
    )
    first = cv2.resize(first, size, interpolation=cv2.INTER_LINEAR)
    kinds[(kinds == FREE) & ~grown(np.abs(first - 0.5) < 0.5 - SURE, 5)] = GIVEN
    likelihood = _solve(cost, kinds, pull, first)
    return cv2.resize(likelihood, (width, height), interpolation=cv2.INTER_LINEAR)


def _solve(cost: np.ndarray, kinds: np.ndarray, pull: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The harmonic function on the pixel grid where `kinds` is FREE, drawn to 1 with weight `pull`.

    Elsewhere it is 0 (GROUND), 1 (PRODUCT), or what `given` says (GIVEN).
    """
    potential = np.where(kinds == GIVEN, given, kinds == PRODUCT).astype(np.float32)
    free = kinds == FREE
    count = int(free.sum())
    if not count:
        return potential
    numbers = np.full(free.shape, -1, np.int32)
    numbers[free] = np.arange(count)
    conductance = np.exp(-cost / SLOPE_UNIT) + 1e-4
    right = pull[free].astype(np.float64)
    diagonal = right + 1e-9
    rows, columns, values = [], [], []
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        weight = np.minimum(conductance[one], conductance[other]).ravel()
        pair = numbers[one].ravel(), numbers[other].ravel()
        for here, beyond in ((pair[0], potential[other]), (pair[1], potential[one])):
            known = np.flatnonzero(here >= 0)
            # The potential of what is free itself is still 0 here.
            diagonal += np.bincount(here[known], weight[known], count)
            right += np.bincount(here[known], weight[known] * beyond.ravel()[known], count)
        both = np.flatnonzero((pair[0] >= 0) & (pair[1] >= 0))
        rows += [pair[0][both], pair[1][both]]
        columns += [pair[1][both], pair[0][both]]
        values += [-weight[both]] * 2
    matrix = coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    )
    laplacian = (matrix + diags(diagonal)).tocsc()
    potential[free] = spsolve(laplacian, right, permc_spec="MMD_AT_PLUS_A", use_umfpack=False)
    return potential
