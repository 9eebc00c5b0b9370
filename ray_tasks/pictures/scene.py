"""The seam between a picture and whatever draws its scene: by components or by a diffusion model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ray_tasks.pictures.geometry import Box
from schemas.instruction import LIGHTS, MOODS, PROPS, SEASONS, SETTINGS

if TYPE_CHECKING:
    from ray_tasks.engine.budget import Budget


@dataclass(frozen=True)
class SceneSpec:
    """The scene record of an instruction; every word is of the closed lists in `schemas.instruction`."""

    setting: str
    light: str
    season: str
    mood: str
    palette: tuple[str, ...]
    props: tuple[str, ...]
    size_cm: int | None = None
    """The product's longest side, to whose scale the surroundings are drawn; None: as usual in the setting."""

    def __post_init__(self) -> None:
        for field, value, words in (
            ("setting", self.setting, SETTINGS),
            ("light", self.light, LIGHTS),
            ("season", self.season, SEASONS),
            ("mood", self.mood, MOODS),
            *(("props", prop, PROPS) for prop in self.props),
        ):
            if value not in words:
                raise ValueError(f"scene.{field}: {value!r} is not one of {', '.join(words)}")
        if not self.palette:
            raise ValueError("scene.palette: at least one colour is needed")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> SceneSpec:
        """The spec from the `scene` part of an instruction."""
        return cls(
            setting=record["setting"],
            light=record["light"],
            season=record["season"],
            mood=record["mood"],
            palette=tuple(record["palette"]),
            props=tuple(record["props"]),
            size_cm=record.get("size_cm"),
        )


CORE_PX = 1024
"""Side of the square that a scene is composed for; every placement is a window around the same product."""


@dataclass(frozen=True)
class Core:
    """Where product and text stand in the square of CORE_PX that a scene is composed for."""

    product: Box
    text_area: Box | None


@dataclass(frozen=True)
class PlacedProduct:
    """The product at its final place and scale.

    `rgba` is (H, W, 4) uint8 of canvas size with straight (not premultiplied) alpha; `box` bounds its alpha.
    """

    rgba: np.ndarray
    box: Box

    def on_the_other_side(self) -> PlacedProduct:
        """The same product where a mirror shows it."""
        by = self.rgba.shape[1] - self.box.right - self.box.left
        return PlacedProduct(np.roll(self.rgba, by, axis=1), self.box.moved(by, 0))

    def mirrored(self) -> PlacedProduct:
        """What a mirror shows."""
        width = self.rgba.shape[1]
        box = Box(width - self.box.right, self.box.top, width - self.box.left, self.box.bottom)
        return PlacedProduct(np.ascontiguousarray(self.rgba[:, ::-1]), box)


@dataclass(frozen=True)
class SceneOrder:
    """All that a scene depends on."""

    spec: SceneSpec
    product: PlacedProduct
    text_area: Box | None
    seed: int
    """0 to 2^63 - 1."""
    sticker_area: Box | None = None
    """Where the sticker will be, inside the text area."""
    reference: np.ndarray | None = None
    """(h, w, 3) uint8: a picture whose style is borrowed."""
    whose: tuple[str, str] | None = None
    """Product and persona: pictures of one product have to differ from persona to persona."""
    core: Core | None = None
    """The square that the scene is composed for; None: it is composed for this canvas."""
    mirrored: bool = False
    """Whether all of this is seen in a mirror, and the scene has to be turned back."""

    def px_per_cm(self, backend: SceneBackend) -> float | None:
        """The scale of the scene where the product stands; None where its backend cannot tell."""
        if not isinstance(backend, ScaledSceneBackend):
            return None
        return backend.px_per_cm(self.spec, self.product, self.seed, self.core)

    def drawn_by(self, backend: SceneBackend) -> np.ndarray:
        """The scene as it is to be seen."""
        scene = backend.draw(self.spec, self.product, self.text_area, self.seed, self.core)
        return np.ascontiguousarray(scene[:, ::-1]) if self.mirrored else scene


class SceneBackend(Protocol):
    """Draws what is around the product; name and revision enter the asset's identity."""

    name: str
    revision: str

    def draw(
        self,
        spec: SceneSpec,
        product: PlacedProduct,
        text_area: Box | None,
        seed: int,
        core: Core | None = None,
    ) -> np.ndarray:
        """(H, W, 3) uint8 sRGB scene with the product's shadow; the caller pastes the product on it.

        core: the square that a backend composes its scene for, whose windows are then all placements; None: the scene
        is composed for this canvas.
        """
        ...


@runtime_checkable
class ScaledSceneBackend(SceneBackend, Protocol):
    """A backend that knows how large it draws what stands around the product."""

    def px_per_cm(
        self, spec: SceneSpec, product: PlacedProduct, seed: int, core: Core | None = None
    ) -> float | None:
        """Canvas pixels to a centimetre where the product stands; None where nothing near has a known size."""
        ...


@runtime_checkable
class BatchSceneBackend(SceneBackend, Protocol):
    """A backend that is far faster on many scenes at once."""

    def paint_many(
        self, orders: Iterable[SceneOrder], budget: Budget | None = None
    ) -> Iterator[tuple[int, SceneOrder, np.ndarray | Exception]]:
        """(place of the order, the order with the seed of its last try, its raw scene or why there is none).

        As they are ready; none after the budget's end. Orders come sorted by size and are taken as they are needed.
        """
        ...

    def finish(self, order: SceneOrder, painted: np.ndarray) -> np.ndarray:
        """What `draw` returns, from a raw scene; safe in threads."""
        ...

    def left_out(self, order: SceneOrder) -> list[str]:
        """The phrases at the end of the order's prompt that the model had no room for; safe in threads."""
        ...
