"""What goes into the engine, what comes out, and what a model has to do for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from ray_tasks.engine.content_cache import ContentCache
    from ray_tasks.models.scene_prompts import PromptFitter

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Unit:
    """One picture to paint. All its pictures have the same height and width, multiples of the model's step."""

    prompt: str
    image: Pixels
    """(h, w, 3): the product at its place on a neutral ground; what lies under the mask is of no importance."""
    mask: Pixels
    """(h, w): 255 where the model paints, 0 where the product is kept."""
    edges: Pixels
    """(h, w, 3): outlines of the product, white on black."""
    layout: Pixels
    """(h, w, 3): depth, near is bright; areas for text and sticker are flat and far."""
    seed: int
    """0 to 2^63 - 1: all of the unit's randomness."""
    alpha: Pixels
    """(h, w): the product's own, of which the mask has the core; the picture is measured by it."""
    around: Pixels
    """(h', w', 4) of `ray_tasks.models.extension.surroundings`; likewise."""
    reference: Pixels | None = None
    """(any, any, 3): a picture whose style is borrowed."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width: units of one shape share batches."""
        return (self.image.shape[0], self.image.shape[1])


@dataclass(frozen=True)
class Made:
    """A painted picture, (h, w, 3); `index` is the unit's place among those that were given."""

    index: int
    picture: Pixels


@dataclass(frozen=True)
class Failed:
    """Why a unit has no picture."""

    index: int
    error: Exception


class Scorer(Protocol):
    """What is asked of pictures before they leave the card: those that are not wanted are never copied."""

    def measure(self, pictures: torch.Tensor, units: Sequence[Unit]) -> torch.Tensor:
        """(n, m) float32 on the pictures' device; pictures: (n, 3, h, w), nominally 0..1."""
        ...

    def fault(self, index: int, measured: Sequence[float]) -> Exception | None:
        """Why the unit at this place has no picture, by what was measured of it; None keeps it."""
        ...


class Painter(Protocol):
    """A model in four pure steps; tensors stay on its device. Randomness comes from the seeds alone."""

    name: str
    """Model, revision and settings: what a remembered batch size belongs to."""
    device: torch.device
    step_px: int
    """Heights and widths are multiples of it."""
    prompts: PromptFitter
    """Cuts prompts to what its text encoder reads."""

    def condition(self, units: Sequence[Unit], cache: ContentCache) -> list[dict[str, Any]]:
        """What denoising needs of each unit beside its noise; what was encoded before comes from the cache."""
        ...

    def denoise(self, conditions: Sequence[dict[str, Any]], seeds: Sequence[int]) -> torch.Tensor:
        """Latents, one unit a row."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) float, nominally 0..1."""
        ...

    def refused(self, pictures: torch.Tensor) -> list[bool]:
        """Which pictures the model's own safety checker refuses."""
        ...
