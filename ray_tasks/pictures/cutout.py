"""Cuts a product out of its packshot by telling its ground from it, and says how well that went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np

from ray_tasks.pictures.compose import alpha_bounds
from ray_tasks.pictures.doubt import doubt, measure_doubts
from ray_tasks.pictures.flaws import (
    MAX_CRUMB_SHARE,
    MAX_CUT_SIDE,
    crumb_share,
    cut_side,
    soft_outline,
)
from ray_tasks.pictures.foot import without_cast_bars, without_contact_shade, without_pale_shade
from ray_tasks.pictures.ground import Edges, Ground, find_edges, fit_ground, length
from ray_tasks.pictures.holes import kept_ground, open_holes
from ray_tasks.pictures.mask import best_mask, rate_mask, without_bites, without_notches
from ray_tasks.pictures.matte import matte
from ray_tasks.pictures.penumbra import without_penumbras
from ray_tasks.pictures.people import skin_share
from schemas.revisions import VIEWS

WORK_PX = 512
"""Longer side at which pixels are classified; the edge is refined at full size."""
LEAST_QUALITY = 0.85
"""Below it, of the real shops' packshots more were cut badly than well, judged by eye."""

LEAST_UNIFORM = 0.72
"""Share of the border that is one background."""
MAX_GRAIN = 2.8
"""Slope of the ground's structure, Lab units a pixel, up to which outlines are told from it (wood is 2 to 6)."""
MAX_CONTACT = 0.1
"""Share of one side of the image that a product may lie on before it counts as cut by the border."""


@dataclass(frozen=True)
class CutOut:
    """A product without its background.

    alpha (H, W) uint8 at the image's size; rgba (h, w, 4) uint8 cropped to the product, straight alpha, colours at the
    edge freed of the background's; quality 0 to 1; verdict accepted or refused, with reason and detail.
    """

    alpha: np.ndarray
    rgba: np.ndarray
    quality: float
    background_kind: str
    verdict: str
    reason: str | None
    detail: str | None


class CutOutMethod(Protocol):
    """Anything that cuts a product out of an (H, W, 3) uint8 RGB image."""

    name: str
    revision: str

    def cut(self, rgb: np.ndarray, alpha: np.ndarray | None = None) -> CutOut:
        """The cut-out; a refusal is a result, not an error. `alpha` (H, W) uint8: what the file says itself."""
        ...


class ClassicalCutOut:
    """Ground flooded in from the border up to sharp edges, so that soft shadows go with it; alpha by projection."""

    name = "classical"
    revision = VIEWS

    def cut(self, rgb: np.ndarray, alpha: np.ndarray | None = None) -> CutOut:
        """See CutOutMethod."""
        if alpha is not None and (own := own_cutout(rgb, alpha)):
            return own
        height, width = rgb.shape[:2]
        scale = min(1.0, WORK_PX / max(height, width))
        small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        if skin := skin_share(rgb):
            told = f"{skin:.0%} of the picture is skin that its border cuts"
            return refused(rgb, "lifestyle", "person_or_hand", told)
        lab = _lab(small)
        background = fit_ground(lab)
        if background.uniform_share < LEAST_UNIFORM:
            share = f"{background.uniform_share:.0%} of the border is one background"
            told = f"{share}; at least {LEAST_UNIFORM:.0%} is needed"
            return refused(rgb, "lifestyle", "background_not_uniform", told)
        edges = find_edges(lab)
        if edges.grain > MAX_GRAIN:
            told = f"the ground's own structure is as steep as outlines: {edges.grain:.1f} of {MAX_GRAIN} at most"
            return refused(rgb, "textured", "background_textured", told)
        mask, quality, detail, with_shadow = _finished_mask(lab, background, edges)
        covered = float(mask.mean())
        different = float((length(lab - background.lab) > 14).mean())
        if covered < 0.3 * different and different > 0.02:
            detail = "the background runs into the product: they look alike along its outline"
            return refused(rgb, background.kind, "low_quality", detail)
        if fault := border_fault(mask):
            return refused(rgb, background.kind, *fault)
        if kept := kept_ground(mask, lab, background, edges):
            detail = f"{kept:.0%} of what was cut out cannot be told from the ground: seen through it, or clear glass"
            return refused(rgb, background.kind, "low_quality", detail)
        if quality < LEAST_QUALITY:
            return replace(refused(rgb, background.kind, "low_quality", detail), quality=quality)
        if doubtful := doubt(measure_doubts(small, mask, with_shadow, lab, background, edges)):
            return replace(refused(rgb, background.kind, *doubtful), quality=quality)
        rgba, alpha = matte(rgb, mask)
        return without_flaws(CutOut(alpha, rgba, quality, background.kind, "accepted", None, detail))


def _finished_mask(
    lab: np.ndarray, background: Ground, edges: Edges
) -> tuple[np.ndarray, float, str, np.ndarray]:
    """(mask, quality, detail, with_shadow): the best mask without shade and ground in holes, rated before and after."""
    best = best_mask(lab, background, edges)
    mask = without_contact_shade(best.mask, lab, background)
    mask = without_pale_shade(mask, lab, background)
    mask = without_penumbras(without_cast_bars(mask, lab, background), lab, background, edges)
    mask = open_holes(without_notches(mask), lab, background, edges)
    # What is opened parts a shadow from what hid its end.
    mask = without_bites(without_cast_bars(mask, lab, background))
    finished, told = rate_mask(mask, edges, lab, background, best.surely)
    quality, detail = (finished, told) if finished < best.quality else (best.quality, best.detail)
    return mask, quality, detail, best.with_shadow


def without_flaws(cut: CutOut) -> CutOut:
    """The cut-out; refused where loose crumbs are many, or where the picture's border cut the product."""
    bounds = alpha_bounds(cut.rgba[..., 3])
    if cut.verdict == "refused" or bounds is None:
        return cut
    alpha = cut.rgba[bounds.top : bounds.bottom, bounds.left : bounds.right, 3]
    crumbs, side = crumb_share(alpha), cut_side(alpha)
    if crumbs > MAX_CRUMB_SHARE:
        detail = f"{crumbs:.1%} of what was cut out lies in loose crumbs"
        return refused(cut.alpha, cut.background_kind, "low_quality", detail)
    if side > MAX_CUT_SIDE:
        detail = f"the image cuts the product along {side:.0%} of its own side"
        return refused(cut.alpha, cut.background_kind, "touches_border", detail)
    return cut


def border_fault(mask: np.ndarray) -> tuple[str, str] | None:
    """Reason and detail of why a product's (H, W) bool mask is of no use: too little of it, or cut by the border."""
    covered = float(mask.mean())
    if covered < 0.004:
        return "blank_image", "nothing stands out from the background"
    if covered < 0.012:
        return "too_small_in_frame", f"the product covers {covered:.1%} of the image"
    sides = _border_contact(mask)
    if max(sides) > MAX_CONTACT or sum(side > 0.015 for side in sides) > 1:
        return "touches_border", f"the image cuts the product along {max(sides):.0%} of one side"
    return None


def own_cutout(rgb: np.ndarray, alpha: np.ndarray) -> CutOut | None:
    """The shop's own cut-out, where its alpha channel is one; the white that it was flattened on is taken out again."""
    opaque, clear = float((alpha > 250).mean()), float((alpha < 5).mean())
    sides = _border_contact(alpha > 127)
    if min(opaque, clear) < 0.02 or opaque + clear < 0.85 or max(sides) > MAX_CONTACT:
        return None
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    window = np.s_[max(0, rows[0] - 2) : rows[-1] + 3, max(0, columns[0] - 2) : columns[-1] + 3]
    share = alpha[window][..., None].astype(np.float32) / 255
    colour = (rgb[window] - 255 * (1 - share)) / np.maximum(share, 1 / 255)
    alpha = soft_outline(alpha)
    rgba = np.dstack([np.clip(np.rint(colour), 0, 255).astype(np.uint8), alpha[window]])
    found = CutOut(alpha, rgba, 1.0, "transparent", "accepted", None, "the file's own alpha channel")
    return without_flaws(found)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def refused(image: np.ndarray, kind: str, reason: str, detail: str) -> CutOut:
    """No cut-out of this (H, W, ...) image."""
    alpha = np.zeros(image.shape[:2], np.uint8)
    return CutOut(alpha, np.zeros((1, 1, 4), np.uint8), 0.0, kind, "refused", reason, detail)


def _border_contact(mask: np.ndarray) -> list[float]:
    """Share of each side (top, bottom, left, right) that the product covers."""
    sides = mask[:3].any(axis=0), mask[-3:].any(axis=0), mask[:, :3].any(axis=1), mask[:, -3:].any(axis=1)
    return [float(side.mean()) for side in sides]
