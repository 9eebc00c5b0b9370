"""Scenes by a diffusion model that paints around the product.

The mask leaves the product (a pixel inside its edge) to the picture and gives everything else to the model; whatever
the model does to the product is undone when its own pixels are pasted over the scene.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ray_tasks.engine.batch_sizes import BatchSizes
from ray_tasks.engine.budget import Budget
from ray_tasks.engine.generate import Engine, ahead
from ray_tasks.engine.unit import Failed, Unit
from ray_tasks.models.extension import surroundings
from ray_tasks.models.painters import open_painter
from ray_tasks.models.scene_conditions import depth_map, outlines, product_on_neutral
from ray_tasks.models.scene_prompts import scene_prompt
from ray_tasks.models.scene_scorer import RejectedSceneError, SceneScorer
from ray_tasks.pictures.decide import Thresholds
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.scene import Core, PlacedProduct, SceneOrder, SceneSpec
from schemas.model_config import Diffusion, Scene
from schemas.revisions import scene_revision

_LOG = logging.getLogger(__name__)

_CONTACT_SHADE = 0.65
"""Weight of the drawn contact shadow: models tend to leave a pasted product floating."""
_CALM = 0.5
"""How much of the text's ground is blurred away: a model does not know that words will stand there."""
_ATTEMPTS = 3
"""Times a scene that would be rejected is painted, each time with other noise."""
_PREPARED = 48
"""Orders prepared ahead of the card."""


class DiffusionScene:
    """A `BatchSceneBackend` around the engine.

    folder: where batch sizes and compiled kernels are remembered; None remembers nothing.
    """

    name = "diffusion"

    def __init__(
        self,
        config: Diffusion,
        folder: Path | None = None,
        threads: int = 2,
        limits: Thresholds | None = None,
    ) -> None:
        self.revision = scene_revision(Scene(backend="diffusion", diffusion=config))
        self._config = config
        self._threads = threads
        self._limits = limits
        self.painter = open_painter(config, self.revision, folder)
        step_px = self.painter.step_px
        for shape in config.shapes:
            if any(side % step_px for side in shape):
                raise ValueError(
                    f"scene.diffusion.shapes: {shape[0]} x {shape[1]}: this model paints multiples of {step_px}"
                )
        file = folder / "batch_sizes.json" if folder else None
        sizes = BatchSizes(card_name(config.device), config.most_at_once, file, fixed=config.batch)
        self.engine = Engine(self.painter, sizes)

    def draw(
        self,
        spec: SceneSpec,
        product: PlacedProduct,
        text_area: Box | None,
        seed: int,
        core: Core | None = None,
    ) -> np.ndarray:
        """(H, W, 3) uint8 sRGB scene with a contact shadow; the same arguments give the same bytes on one machine.

        Every canvas is painted for itself: `core` is of no account.

        Raises what kept the picture from being made.
        """
        for _, order, painted in self.paint_many([SceneOrder(spec, product, text_area, seed)]):
            if isinstance(painted, Exception):
                raise painted
            return self.finish(order, painted)
        raise AssertionError("an order without a budget has an outcome")

    def paint_many(
        self, orders: Iterable[SceneOrder], budget: Budget | None = None
    ) -> Iterator[tuple[int, SceneOrder, np.ndarray | Exception]]:
        """See BatchSceneBackend; (h, w, 3) uint8 in the model's size.

        Scenes that would be rejected are painted again, last. One that is rejected every time goes on to be a picture,
        so that its slot is planned anew for the reasons that the score names; not one that extends the product.
        """
        scorer = SceneScorer(self._limits)
        waiting: Iterable[tuple[int, SceneOrder]] = enumerate(orders)
        for attempt in range(_ATTEMPTS):
            scorer.is_last = attempt == _ATTEMPTS - 1
            rejected: list[tuple[int, SceneOrder]] = []
            for index, order, painted in self._paint(waiting, budget, scorer):
                if isinstance(painted, RejectedSceneError) and not scorer.is_last:
                    rejected.append((index, replace(order, seed=next_seed(order.seed))))
                else:
                    yield index, order, painted
            if not rejected:
                return
            if not scorer.is_last:
                _LOG.info("%d scenes are painted again: %s", len(rejected), scorer.reasons())
            waiting = rejected

    def _paint(
        self, orders: Iterable[tuple[int, SceneOrder]], budget: Budget | None, scorer: SceneScorer
    ) -> Iterator[tuple[int, SceneOrder, np.ndarray | Exception]]:
        indices: dict[int, int] = {}

        def remembered() -> Iterator[SceneOrder]:
            for place, (index, order) in enumerate(orders):
                indices[place], scorer.orders[place] = index, order
                yield order

        with ThreadPoolExecutor(self._threads) as pool:
            units = ahead(self.unit, remembered(), pool, _PREPARED)
            for outcome in self.engine.generate(units, budget, scorer):
                order = scorer.orders.pop(outcome.index)
                told = outcome.error if isinstance(outcome, Failed) else outcome.picture
                yield indices.pop(outcome.index), order, told

    def unit(self, order: SceneOrder) -> Unit:
        """What the engine gets for an order."""
        height, width = order.product.rgba.shape[:2]
        size = self._config.shape_of(width, height, self.painter.step_px)
        image, mask, alpha = product_on_neutral(order.product, size)
        return Unit(
            prompt=_prompt(order),
            image=image,
            mask=mask,
            edges=outlines(image, mask),
            layout=depth_map(order, mask),
            seed=order.seed,
            alpha=alpha,
            around=surroundings(order.product),
            reference=order.reference,
        )

    def finish(self, order: SceneOrder, painted: np.ndarray) -> np.ndarray:
        """See BatchSceneBackend."""
        height, width = order.product.rgba.shape[:2]
        scene = painted
        if scene.shape[:2] != (height, width):
            method = cv2.INTER_AREA if scene.shape[1] > width else cv2.INTER_CUBIC
            scene = cv2.resize(scene, (width, height), interpolation=method)
        scene = _with_contact_shadow(scene, order.product)
        return _calmed(scene, order.text_area) if order.text_area is not None else scene

    def left_out(self, order: SceneOrder) -> list[str]:
        """See BatchSceneBackend."""
        return self.painter.prompts.left_out(_prompt(order))


def _prompt(order: SceneOrder) -> str:
    return scene_prompt(order.spec, has_text=order.text_area is not None)


def next_seed(seed: int) -> int:
    """The seed of the next attempt, 0 to 2^63 - 1."""
    return (seed * 2862933555777941757 + 3037000493) % 2**63


def card_name(device: str) -> str:
    """The card's own name, or cpu."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def _with_contact_shadow(scene: np.ndarray, product: PlacedProduct) -> np.ndarray:
    # Beside them lights are drawn, for which skia is needed; painting scenes alone needs none.
    from ray_tasks.pictures.light import contact_shade, footprint

    height, width = scene.shape[:2]
    foot = footprint(product.rgba[..., 3], product.box)
    shade = contact_shade(foot, (width, height), min(width, height) / 1024.0)
    return np.asarray(np.rint(scene * (1 - _CONTACT_SHADE * shade[..., None])), dtype=np.uint8)


def _calmed(scene: np.ndarray, area: Box) -> np.ndarray:
    """The scene with less detail behind the text, fading in from the area's surroundings."""
    height, width = scene.shape[:2]
    unit = min(width, height) / 1024.0
    soft = cv2.GaussianBlur(scene, (0, 0), max(1.0, 22 * unit))
    area_mask = np.zeros((height, width), np.float32)
    area_mask[area.top : area.bottom, area.left : area.right] = _CALM
    weight = cv2.GaussianBlur(area_mask, (0, 0), max(1.0, 30 * unit), borderType=cv2.BORDER_REPLICATE)
    return cv2.blendLinear(soft, scene, weight, 1 - weight)
