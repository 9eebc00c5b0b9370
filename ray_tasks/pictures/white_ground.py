"""A photograph taken on white as a main image: its ground lifted to pure white, the product's pixels as they are.

What comes out is an alpha for the photograph. Over white it fades the ground away and leaves the soft shade beside the
product; over anything else it is of no use, for it keeps what of the ground stays with that shade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.compose import alpha_bounds
from ray_tasks.pictures.cutout import WORK_PX
from ray_tasks.pictures.flaws import crumb_share, cut_side, soft_outline
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.ground import (
    RING_SHARE,
    Edges,
    Ground,
    box,
    find_edges,
    fit_ground,
    grown,
    looks_shadowed,
    parts_holding,
    refine_ground,
)
from ray_tasks.pictures.holes import ground_left, open_holes

_LEAST, _MOST = 2.0, 8.0
"""Levels darker than the ground up to which a pixel is ground, for a ground without and with noise."""
_RAMP = 16.0
"""Levels over which shade fades into the lifted ground."""
_FEATHER = 0.012
"""Of the longer side: how far the lift fades out into what hangs with the product and is as light as the ground."""
_DEEPEST = 40.0
"""Lab units by which shade near the border is darker than the ground at most."""
_FADE = 0.1
"""Of the shorter side: how far from the photograph's border a shade begins to fade that the border cuts."""
_SOLID = 160
"""Alpha that a part of the photograph reaches somewhere; what is fainter all over is a stain on the ground."""
_LIGHTER = 8
"""Levels by which a pixel is lighter than the ground."""
_EDGE_PX, _GAP_PX, _SHADE_PX = 4, 9, 31
"""At the working size: how far from the product an edge is not its own; the widest gap in an outline that is followed,
and within a product whose shade is measured."""
_CUT_SHARE = 0.012
"""Of the shorter side: the band at the border in which a product counts as cut by it."""
_SEEN = 10.0
"""Levels of lift from which what it does wrong is seen in full."""


@dataclass(frozen=True)
class Lifted:
    """rgba (h, w, 4) uint8: the photograph, cropped, with alpha 0 where its ground was; what was measured by name.

    white_ground: the ground's darkest channel, 0 to 255. white_border: share of the border that is ground.
    white_cut: share of the outermost band that the product covers. white_noise: levels by which the border is uneven.
    white_lighter: what is lighter than the ground and goes with it, as a share of what stays.
    white_lost: edges that go with the ground, as a share of those that stay; white_left: share of what stays that is
    ground seen through it; both count as far as the lift is seen. white_shade: share of what stays that is shade.
    white_crumbs: share of what stays in loose crumbs. white_side: the longest share of a side of its bounds along which
    the border cuts it. white_captions: lines of text that stand on the ground.
    """

    rgba: np.ndarray
    measured: dict[str, float]


def lift(rgb: np.ndarray, texts: Sequence[Box] = ()) -> Lifted | None:
    """The photograph, (H, W, 3) uint8, with its ground lifted; None where nothing stands on it.

    texts: the boxes of lines that were read in it. Ground is what hangs together with the border and is as light as the
    surface fitted to it, or seen through a hole. Nothing else loses alpha, but for the feather beside it and for shade
    that the border cuts.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, WORK_PX / max(height, width))
    small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    edges = find_edges(lab)
    ground, _ = refine_ground(lab, fit_ground(lab), edges, 1.0)
    tone = _enlarged(np.clip(cv2.cvtColor(ground.lab, cv2.COLOR_LAB2RGB) * 255, 0, 255), rgb)
    ring = _band(rgb, max(4, round(RING_SHARE * min(height, width))))
    darker = (tone - rgb).max(axis=2)
    noise = float(np.quantile(np.abs(darker[ring]), 0.9))
    shade = _ramp((darker - min(_MOST, _LEAST + 1.5 * noise)) / _RAMP)
    around = _around(shade < 1)
    mask = ~(_shrunk(around, lab) > 0.5)
    opened = open_holes(mask, lab, ground, edges)
    holes = _enlarged((mask & ~opened).astype(np.float32), rgb) > 0.5
    lifted = around | (holes & (shade < 1))
    away_px = cv2.distanceTransform((~lifted).view(np.uint8), cv2.DIST_L2, 5)
    feather = np.clip(1 - away_px / (_FEATHER * max(height, width)), 0, 1)
    kept = 1 - (1 - shade) * feather * parts_holding(shade < 1, lifted)
    product = _product(lab, ground, edges)
    kept *= np.maximum(_inwards(height, width), _enlarged(_soft(product), rgb))
    alpha = np.rint(255 * kept).astype(np.uint8)
    alpha[~parts_holding(alpha > 0, alpha >= _SOLID)] = 0
    alpha = soft_outline(alpha)
    bounds = alpha_bounds(alpha)
    if bounds is None:
        return None
    level = float(np.median(tone[ring].min(axis=1)))
    seen = min(1.0, (255 - level) / _SEEN)
    lighter = around & ((rgb - tone).min(axis=2) > _LIGHTER)
    stays = _shrunk(alpha, lab)
    outermost = _band(lab, max(2, round(_CUT_SHARE * min(lab.shape[:2]))))
    measured = {
        "white_ground": level,
        "white_border": float((shade[ring] < 0.5).mean()),
        "white_cut": float(product[outermost].mean()),
        "white_noise": noise,
        "white_lighter": _share(
            cv2.morphologyEx(lighter.view(np.uint8), cv2.MORPH_OPEN, box(5)), alpha > 127
        ),
        "white_lost": seen * _lost(stays, edges),
        "white_left": seen * ground_left(opened, lab, ground, edges),
        "white_shade": _shade(stays, product),
        "white_crumbs": crumb_share(alpha),
        "white_side": cut_side(alpha[bounds.top : bounds.bottom, bounds.left : bounds.right]),
        "white_captions": float(sum(is_caption(alpha > 127, text) for text in texts)),
    }
    # With a clear rim: what has no transparent pixel is a photograph to be framed.
    bounds = bounds.grown(1, Canvas(width, height))
    part = np.s_[bounds.top : bounds.bottom, bounds.left : bounds.right]
    return Lifted(np.dstack([rgb[part], alpha[part]]), measured)


def _around(near: np.ndarray) -> np.ndarray:
    """(H, W) bool: what of `near` hangs together with the border by ways of three pixels and more."""
    wide = cv2.erode(near.view(np.uint8), box(3), borderValue=1) > 0
    return grown(parts_holding(wide, _band(near, 1) & wide), 3) & near


def _product(lab: np.ndarray, ground: Ground, edges: Edges) -> np.ndarray:
    """(h, w) bool: what is of another colour than ground in shade, or darker, or ends at an edge, as shade does not."""
    difference = lab - ground.lab
    other = ~looks_shadowed(difference, ground.tolerance + 3) | (difference[..., 0] < -_DEEPEST)
    ends = edges.sharp & (difference[..., 0] < -8)
    return cv2.morphologyEx((other | ends).astype(np.uint8), cv2.MORPH_OPEN, box(3)) > 0


def _soft(product: np.ndarray) -> np.ndarray:
    """(h, w) float32: 1 on the product, whose own pixels do not fade at the border, and falling beside it."""
    # Plain grey metal looks like shade: what tells it is the outline around it.
    closed = cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, box(_GAP_PX))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(closed), outlines, -1, 1, cv2.FILLED) > 0
    return np.minimum(1, 2 * cv2.GaussianBlur(grown(filled, 5).astype(np.float32), (0, 0), 2))


def _inwards(height: int, width: int) -> np.ndarray:
    """(H, W) float32: 0 at the border, 1 from `_FADE` of the shorter side on."""
    down = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    across = np.minimum(np.arange(width), np.arange(width)[::-1])[None]
    return _ramp((np.minimum(down, across) - 2) / (_FADE * min(height, width)))


def _lost(stays: np.ndarray, edges: Edges) -> float:
    away = ~grown(stays > 100, 2 * _EDGE_PX + 1)
    return _share(edges.sharp & away, edges.sharp & ~away)


def _shade(stays: np.ndarray, product: np.ndarray) -> float:
    filled = grown(cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, box(_SHADE_PX)) > 0, 5)
    return _share((stays > 20) & ~filled, stays > 20)


def is_caption(stays: np.ndarray, text: Box) -> bool:
    """Whether a line of text stands on the ground: all that stays, (H, W) bool, in its box ends close around it."""
    height, width = stays.shape
    air = max(3, round(0.6 * text.height))
    rows = slice(max(0, text.top - air), min(height, text.bottom + air))
    columns = slice(max(0, text.left - air), min(width, text.right + air))
    part = stays[rows, columns]
    return not bool(part[_band(part, 1)].any())


def _band(like: np.ndarray, depth: int) -> np.ndarray:
    """(H, W) bool: the pixels up to `depth` from the border of a picture."""
    band = np.ones(like.shape[:2], bool)
    band[depth:-depth, depth:-depth] = False
    return band


def _ramp(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and no kink between."""
    share = np.clip(values, 0, 1).astype(np.float32)
    return np.asarray(share * share * (3 - 2 * share))


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return int(np.count_nonzero(part)) / max(1, int(np.count_nonzero(whole)))


def _enlarged(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    return cv2.resize(values, (like.shape[1], like.shape[0]), interpolation=cv2.INTER_LINEAR)


def _shrunk(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    size = (like.shape[1], like.shape[0])
    return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
