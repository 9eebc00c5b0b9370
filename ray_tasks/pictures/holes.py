"""A mask opened where the ground is seen through the product: inside handles, straps, bracelets, between legs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ray_tasks.pictures.ground import Edges, Ground, box, ground_around, grown, length, looks_shadowed

_LEAST_PX = 40
"""Area from which a patch of the ground's colour can be told from a highlight, at the working size."""
_NEAR = 6.0
"""Lab units from the ground within which a patch is looked at."""
_FAIR_NOISE = 1.8
_DEEPEST = 30.0
"""Lightness by which the ground gets darker at most in shade that is seen through a hole."""
_DARKER, _DARKER_IN_SHADE, _BRIGHTER, _OTHER_HUE = 1.9, 2.6, 5.6, 2.9
"""Lab units that a hole's middle may be off the ground: a label is mostly a little darker than a white ground."""
_SMALL_PX = 250
_UNEVEN, _UNEVEN_IN_SHADE, _UNEVEN_SMALL = 1.75, 2.1, 0.9
"""Standard deviation (Lab) inside a hole of a smooth ground: shade is even, print and small highlights are not."""
_RIM, _WIDE_RIM = 17.0, 11.0
"""Lab units by which the product differs from what is seen through it, all around; the second from _WIDE_SHARE on,
where no shade is taken for ground."""
_WIDE_SHARE = 0.02
_WALL, _THICK_WALL = 3.2, 6.0
"""Times its own half width that a hole lies inside the product at most: letters lie deeper, and are thinner. The
second from _WIDE_SHARE on: a coiled hose."""
_MOST_LIKE_GROUND = 0.2
"""Share of the ring around a hole that may be of the ground's colour: between print there is more label."""

_PLAIN, _PLAIN_UNEVEN, _PLAIN_ROUGH, _PLAIN_RIM, _PLAIN_WALL = 0.6, 1.25, 0.15, 30.0, 5.0
"""Limits of a patch that is hardly off the ground: it may lie behind wide straps, if it ends with a crisp step."""
_SURE, _SURE_RIM, _SURE_CRISP = 1.0, 50.0, 0.55
"""How far off a patch of _SMALL_PX may be that ends more clearly than light on metal does."""
_CRISP, _BAY_CRISP = 0.47, 0.35
"""Share of the step to the product that is made within three pixels of eight: a highlight fades, a hole ends."""
_BAY_PX, _BAY_SHARE, _BAY_JUMP = 8, 0.3, 5.0
"""Of a bay's outline towards the ground: the least pixels without an edge, their share, and Lab units across it."""
_BAY_RIM, _BAY_UNEVEN, _BAY_LIKE_GROUND = 25.0, 1.4, 0.4
_CLEAR_BAY_PX, _CLEAR_BAY_SHARE, _CLEAR_BAY_RIM, _CLEAR_BAY_CRISP = 4, 0.15, 40.0, 0.5
"""The same of a bay that is the ground's very colour and ends at the product with a high, crisp step."""
_ROOM_PX, _DARKER_IN_ROOM = 12, 3.2
"""Half width from which a hole is a room with light of its own, and how much darker that may be: inside a bracelet."""

_BESIDE_LIT, _BESIDE_PX = 0.4, 60
"""Of a patch that is compared with the ground right beside the product: the share that is lit, and the least area."""
_BESIDE_CRISP, _BESIDE_RIM, _BESIDE_DEPTH, _OUTLINE_CRISP = 0.25, 25.0, 5.0, 0.32
"""What ends more softly or with less of a step is light on metal, or a white key; at the outline a step may be low."""
_PRINT_CRISP = 0.83
"""Letters end more crisply than anything that is seen through a product: 0.85 to 0.93, holes 0.45 to 0.80."""
_CLEAR_PX, _CLEAR_HALF_PX, _NARROW_PX = 150, 3.5, 5.0
_CLEAR_CRISP, _CLEAR_BESIDE_RIM, _NARROW_RIM, _CLEAR_ROUGH = 0.5, 42.0, 55.0, 0.1
"""Of a patch that is clearly ground however deep it lies; a narrow one ends with a higher step."""
_LETTER_WALL, _LETTER_OFF, _LETTER_RIM, _LETTER_CRISP, _MOST_LETTERS = 7.0, 1.5, 30.0, 0.35, 4
"""Of what lies as deep as letters do; letters are many, each found once or twice."""
_CLEAR_OFF, _CLEAR_LIKE_GROUND = 0.9, 0.13
_OPEN_OFF, _OPEN_SHARE, _OPEN_JUMP = 0.5, 0.09, 0.8
"""The same of one that the outline opens."""

_LEFT_UNEVEN, _LEFT_ROUGH, _LEFT_LIKE_GROUND, _LEFT_STEP = 2.3, 0.25, 0.35, 30.0
_LEFT_DEPTH, _LEFT_CRISP = 18.0, 0.6
"""Of a patch that may be ground that was left: looser than what may be opened."""
_GRAIN = 0.4
"""Difference from the neighbours' median (Lab) from which a ground has a grain of its own: wood, a wall."""

_KEPT_SHARE = 0.02
"""Of the mask: more that looks like ground at its outline was ground, or is clear glass."""
_KEPT_PX_SHARE = 0.004
_KEPT_DEPTH = 9.0
"""Pixels from the outline within which ground is kept by a wire, a glass, a chain: deeper lies what is white itself."""
_CLEAR_RIM = 5.0
"""Lab units up to which a patch hardly differs from what is around it, as in clear glass."""


@dataclass(frozen=True)
class _Patch:
    """Part of a mask that looks like the ground, in `window`; see the limits above for what is measured."""

    window: tuple[slice, slice]
    inside: np.ndarray
    colours: np.ndarray
    lit_share: float
    off: np.ndarray
    step: np.ndarray
    texture: float
    rim: float
    depth: float
    half_px: float
    like_ground: float
    inner_rim: float
    usual_step: float
    crisp: float
    open_px: int
    open_share: float
    jump: float

    @property
    def spread(self) -> float:
        return float(self.colours.std(axis=0).max())

    @property
    def printed(self) -> bool:
        return has_print(self.inside, self.off)


class _Ground:
    """What patches of a mask are compared with, once for all of them, and what they are found to be."""

    def __init__(self, mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> None:
        self.mask, self.lab = mask, lab
        self.difference = lab - ground.lab
        self.distance = length(self.difference)
        # A ground that no smooth surface follows is told from the product less closely.
        self.loose = max(1.0, ground.noise / _FAIR_NOISE)
        self.near = self.distance < _NEAR * self.loose
        light = np.ascontiguousarray(lab[..., 0])
        self.texture = np.abs(light - cv2.medianBlur(light, 3))
        self.usual_texture = float(self.texture[~grown(mask, 5)].mean())
        self.depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
        self.outline = grown(~mask, 7)
        self.held = grown(edges.sharp, 5)
        self.letters = 0
        """How many of the patches may be letters; one is also a deep hole."""

    def patches(self, *areas: np.ndarray) -> Iterator[_Patch]:
        """Every part of an area that is large enough, measured."""
        for window, inside in _patches(*areas):
            lit = inside & self.near[window]
            inner = cv2.erode(lit.astype(np.uint8), box(3), borderValue=1) > 0
            core = inner if inner.sum() >= 10 else lit
            if not core.any():
                continue
            off = length(self.lab[window] - np.median(self.lab[window][core], axis=0).astype(np.float32))
            step = cv2.dilate(off, box(9))
            edge = inside & ~(cv2.erode(inside.astype(np.uint8), box(3), borderValue=1) > 0)
            ring = grown(inside, 9) & ~grown(inside, 5) & self.mask[window]
            faces = edge & self.outline[window]
            unheld = faces & ~self.held[window]
            inner = edge & ~faces if (edge & ~faces).any() else edge
            crisp = cv2.dilate(off, box(7))[inner] / np.maximum(1, cv2.dilate(off, box(17))[inner])
            yield _Patch(
                window,
                inside,
                self.difference[window][core],
                lit_share=float(core.sum() / inside.sum()),
                off=off,
                step=step,
                texture=float(self.texture[window][core].mean()),
                rim=float(np.quantile(step[edge], 0.1)),
                depth=float(self.depth[window][inside].min()),
                half_px=float(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3).max()),
                like_ground=float((self.distance[window][ring] < 9).mean()) if ring.any() else 0.0,
                inner_rim=float(np.quantile(step[inner], 0.1)),
                usual_step=float(np.median(step[inner])),
                crisp=float(np.quantile(crisp, 0.1)),
                open_px=int(unheld.sum()),
                open_share=float(unheld.sum() / max(1, faces.sum())),
                jump=self._jump(window, inside, grown(unheld, 9)),
            )

    def is_hole(self, patch: _Patch) -> bool:
        """Whether the ground is seen through it, as far as it may be off the ground, in shade too."""
        wide = patch.inside.sum() > _WIDE_SHARE * self.mask.sum()
        has_shade = bool((patch.inside & ~self.near[patch.window]).any())
        rim = _WIDE_RIM if wide and not has_shade else _RIM
        darker = _DARKER_IN_ROOM if patch.half_px >= _ROOM_PX else _DARKER_IN_SHADE
        even = _UNEVEN_SMALL if patch.inside.sum() < _SMALL_PX else _UNEVEN_IN_SHADE if has_shade else _UNEVEN
        return (
            patch.lit_share >= 0.4
            and _off_ground(patch.colours, darker if has_shade else _DARKER) < self.loose
            and patch.spread < even + 2 * self.usual_texture
            and patch.texture < 0.09 + 0.75 * self.usual_texture
            and patch.rim > rim
            and patch.depth < (_THICK_WALL if wide else _WALL) * patch.half_px
            and not patch.printed
            and patch.like_ground < _MOST_LIKE_GROUND
        )

    def is_plain(self, patch: _Patch) -> bool:
        """Whether it is so close to the ground, and so far from the product, that it may lie behind a wide strap."""
        clear = patch.rim > _SURE_RIM and patch.crisp > _SURE_CRISP and patch.inside.sum() >= _SMALL_PX
        return (
            _off_ground(patch.colours, _DARKER) < (_SURE if clear else _PLAIN) * self.loose
            and patch.spread < _PLAIN_UNEVEN * self.loose
            and patch.texture < _PLAIN_ROUGH + self.usual_texture
            and patch.rim > _PLAIN_RIM
            and patch.crisp > _CRISP
            and patch.depth < _PLAIN_WALL * patch.half_px
            and not patch.printed
            and patch.like_ground < _MOST_LIKE_GROUND
        )

    def is_bay(self, patch: _Patch) -> bool:
        """Whether nothing parts it from the ground outside, while a step parts it from the product."""
        clear = (
            patch.inner_rim > _CLEAR_BAY_RIM
            and patch.crisp > _CLEAR_BAY_CRISP
            and _off_ground(patch.colours, _DARKER) < self.loose
            and patch.like_ground < _MOST_LIKE_GROUND
            and not patch.printed
        )
        return (
            patch.open_px >= (_CLEAR_BAY_PX if clear else _BAY_PX)
            and patch.open_share > (_CLEAR_BAY_SHARE if clear else _BAY_SHARE)
            and patch.jump < _BAY_JUMP
            and patch.inner_rim > _BAY_RIM
            and patch.crisp > _BAY_CRISP
            and patch.spread < _BAY_UNEVEN * self.loose
            and patch.texture < _PLAIN_ROUGH + self.usual_texture
            and patch.like_ground < _BAY_LIKE_GROUND
        )

    def is_ground(self, patch: _Patch) -> bool:
        """Whether it is a bay or a hole of any kind."""
        return self.is_bay(patch) or self.is_plain(patch) or self.is_hole(patch)

    def has_grain(self, patch: _Patch) -> bool:
        """Whether it has the grain of a ground that has one: no label has."""
        return self.usual_texture > _GRAIN and patch.texture > 0.4 * self.usual_texture

    def like_a_letter(self, patch: _Patch) -> bool:
        """Whether it lies deep for its width, as print does."""
        off = _off_ground(patch.colours, _DARKER) / self.loose
        return (
            patch.depth >= _LETTER_WALL * patch.half_px
            and off < _LETTER_OFF
            and patch.inner_rim > _LETTER_RIM
            and patch.crisp > _LETTER_CRISP
        )

    def goes_on(self, patch: _Patch) -> bool:
        """Whether it is a bay or a hole where the ground is known as it lies right beside the product.

        What is that ground's very colour and ends clearly may lie deeper, or be as small as letters; these are crisper.
        """
        wide = patch.inside.sum() > _WIDE_SHARE * self.mask.sum()
        if patch.lit_share < _BESIDE_LIT or patch.inside.sum() < _BESIDE_PX:
            return False
        if patch.crisp > _PRINT_CRISP and not patch.open_px:
            return False
        at_outline = patch.depth < _BESIDE_DEPTH and patch.crisp > _OUTLINE_CRISP
        held = at_outline or (patch.rim > _BESIDE_RIM and patch.crisp > _BESIDE_CRISP)
        if (wide or held) and self.is_ground(patch):
            return True
        thin = patch.half_px < _NARROW_PX
        off = _off_ground(patch.colours, _DARKER) / self.loose
        is_even = (
            patch.spread < _UNEVEN * self.loose and patch.texture < _CLEAR_ROUGH + 3 * self.usual_texture
        )
        if (
            not is_even
            or patch.printed
            or patch.inside.sum() < _CLEAR_PX
            or patch.half_px < _CLEAR_HALF_PX
            or (patch.depth >= _LETTER_WALL * patch.half_px and self.letters > _MOST_LETTERS)
            or patch.crisp < _CLEAR_CRISP
            or patch.inner_rim < (_NARROW_RIM if thin else _CLEAR_BESIDE_RIM)
        ):
            return False
        if patch.open_px:
            is_open = patch.open_share > _OPEN_SHARE and patch.jump < _OPEN_JUMP
            return is_open and off < _OPEN_OFF and patch.like_ground < _MOST_LIKE_GROUND
        return off < _CLEAR_OFF and patch.like_ground < _CLEAR_LIKE_GROUND and patch.lit_share > 0.5

    def _jump(self, window: tuple[slice, slice], inside: np.ndarray, near: np.ndarray) -> float:
        """Lab units between the two sides of an outline, (h, w) bool around it."""
        here, beyond = self.lab[window][near & inside], self.lab[window][near & ~self.mask[window]]
        if not len(here) or not len(beyond):
            return np.inf
        return float(np.linalg.norm(np.median(here, axis=0) - np.median(beyond, axis=0)))


def open_holes(mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> np.ndarray:
    """(H, W) bool: `mask` without patches that go on like the ground within an outline that stands before it.

    A see-through hole has the colour and texture of the ground beside the product, evenly, and ends at the product all
    around with a step; a white dial or label differs in one of them. lab: (H, W, 3) float32.
    """
    if grown(mask, 5).all():
        return mask
    opened = _opened(mask, lab, ground, edges, _Ground.is_ground)
    # The light falls off towards the middle of many grounds, where no surface fitted to the border follows it.
    opened = _opened(opened, lab, ground_around(opened, lab, ground), edges, _Ground.goes_on)
    thin = opened & (cv2.morphologyEx(opened.astype(np.uint8), cv2.MORPH_OPEN, box(3)) == 0)
    # A wire between two holes keeps its width: its soft edge is found at the picture's own size.
    return opened | (grown(thin & ~grown(~mask, 3), 3) & mask)


def _opened(
    mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges, told: Callable[[_Ground, _Patch], bool]
) -> np.ndarray:
    """(H, W) bool: the mask without patches of which `told` says that they are ground."""
    beside = _Ground(mask, lab, ground, edges)
    shaded = looks_shadowed(beside.difference, _NEAR - 2) & (beside.difference[..., 0] > -_DEEPEST)
    opened = mask.copy()
    patches = list(
        beside.patches(
            mask & beside.near & (edges.cost < 1.5), mask & (beside.near | shaded) & (edges.cost < 1)
        )
    )
    beside.letters = sum(beside.like_a_letter(patch) for patch in patches)
    for patch in patches:
        if told(beside, patch):
            # Up to the middle of the step to the product.
            opened[patch.window] &= ~(
                patch.inside | (grown(patch.inside, 9) & (patch.off < 0.5 * patch.step))
            )
    return opened


def kept_ground(mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> float:
    """Share of a mask that is even, smooth and of the ground's colour near its outline, 0 to 1; 0 where it is little.

    It was left since no step tells where it ends: the ground in a hook or a thin loop, a mere spot, or clear glass.
    """
    if grown(mask, 5).all():
        return 0.0
    beside = _Ground(mask, lab, ground, edges)
    kept = 0.0
    for patch in beside.patches(mask & beside.near & (edges.cost < 1.5)):
        share = float(patch.inside.sum() / mask.sum())
        if share < _KEPT_PX_SHARE or patch.depth > _KEPT_DEPTH or patch.like_ground > 0.3 or patch.printed:
            continue
        off, spread = _off_ground(patch.colours, _DARKER) / beside.loose, patch.spread / beside.loose
        rough = patch.texture - beside.usual_texture
        is_ground = off < 1.0 and spread < 1.5 and rough < 0.14
        is_clear = off < 1.4 and spread < 0.8 and rough < 0.12 and patch.rim < _CLEAR_RIM
        kept += share * (is_ground or is_clear)
    return kept if kept > _KEPT_SHARE else 0.0


def ground_left(mask: np.ndarray, lab: np.ndarray, ground: Ground, edges: Edges) -> float:
    """Share of a mask in patches of the colour of the ground around it that end with a step, 0 to 1.

    Whether or not they could be opened: ground in a hole, or a part as plain and light. What lies deep, or ends as
    crisply as print, is a label.
    """
    if grown(mask, 5).all():
        return 0.0
    beside = _Ground(mask, lab, ground_around(mask, lab, ground), edges)
    left = 0
    for patch in beside.patches(mask & beside.near & (edges.cost < 1.5)):
        even = patch.spread < _LEFT_UNEVEN * beside.loose
        smooth = patch.texture < _LEFT_ROUGH + beside.usual_texture
        if (
            patch.inside.sum() >= _BESIDE_PX
            and patch.half_px >= _CLEAR_HALF_PX
            and _off_ground(patch.colours, _DARKER) < beside.loose
            and even
            and smooth
            and patch.like_ground < _LEFT_LIKE_GROUND
            and patch.usual_step > _LEFT_STEP
            and (patch.depth < _LEFT_DEPTH or beside.has_grain(patch))
            and patch.crisp < _LEFT_CRISP
            and not patch.printed
        ):
            left += int(patch.inside.sum())
    return float(left / max(1, mask.sum()))


def _patches(*areas: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """(window, (h, w) bool part of an area in it) for every part that is large enough."""
    for area in areas:
        smooth = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, box(3))
        count, parts, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
        for index in range(1, count):
            left, top, width, height, size = stats[index]
            if size >= _LEAST_PX:
                window = np.s_[max(0, top - 12) : top + height + 12, max(0, left - 12) : left + width + 12]
                yield window, parts[window] == index


def has_print(patch: np.ndarray, off: np.ndarray) -> bool:
    """Whether something stands in it: letters on a label of the ground's colour leave islands, a hole has none."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~patch).astype(np.uint8), connectivity=4)
    rim = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    islands = [index for index in range(1, count) if index not in rim and stats[index, cv2.CC_STAT_AREA] > 12]
    return any(float(off[parts == index].max()) > 9 for index in islands)


def _off_ground(difference: np.ndarray, darker: float) -> float:
    """How far colours (N, 3) are off the ground in the median, as a share of what a hole may be."""
    light, first, second = np.median(difference, axis=0)
    return float(np.hypot(light / (darker if light < 0 else _BRIGHTER), np.hypot(first, second) / _OTHER_HUE))
