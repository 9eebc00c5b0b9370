"""Judges scenes while they are on the card, by numbers and rules by which the finished picture will be judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import torch

from ray_tasks.engine.generate import BadPictureError
from ray_tasks.engine.unit import Unit
from ray_tasks.models.extension import LIMIT
from ray_tasks.models.scene_measures import measure_scenes, read
from ray_tasks.pictures.decide import Thresholds, decide_early
from ray_tasks.pictures.measure_ground import Look, colour_clash, look_of, twin_distance
from ray_tasks.pictures.scene import SceneOrder


class RejectedSceneError(BadPictureError):
    """The scene's finished picture would be rejected."""


class ExtendedProductError(RejectedSceneError):
    """The scene shows more of the product than there is."""


class SceneScorer:
    """A `Scorer` of scenes. limits: what pictures are judged by; None looks for extended products alone.

    It knows the scenes of one call; all of a product's finished pictures, whenever they were made, the score compares.
    """

    def __init__(self, limits: Thresholds | None) -> None:
        self._limits = limits
        self._kept: dict[tuple[str, tuple[int, ...]], dict[str, Look]] = defaultdict(dict)
        self._reasons: Counter[str] = Counter()
        self.orders: dict[int, SceneOrder] = {}
        """Place among the units -> what was ordered; kept by who paints."""
        self.is_last = False
        """Whether a scene that breaks a limit is kept all the same."""

    def measure(self, pictures: torch.Tensor, units: Sequence[Unit]) -> torch.Tensor:
        """See Scorer."""
        return measure_scenes(pictures, units)

    def fault(self, index: int, measured: Sequence[float]) -> Exception | None:
        """See Scorer."""
        order = self.orders[index]
        numbers, glance = read(measured)
        share = numbers.pop("extended_share")
        if share > LIMIT:
            self._reasons["extended_product"] += 1
            return ExtendedProductError(
                f"extended_product: the scene goes on with the product over {share:.0%} of its area"
            )
        height, width = order.product.rgba.shape[:2]
        look = look_of(glance[..., ::-1], order.product.box, (width, height))
        product, persona = order.whose or ("", "")
        beside = self._kept[product, order.product.rgba.shape]
        if self._limits is not None and not self.is_last:
            thin = order.product.rgba[::4, ::4]
            numbers["colour_clash"] = colour_clash(look, thin[thin[..., 3] == 255][:, :3])
            if product:
                others = [other for whose, other in beside.items() if whose != persona]
                numbers["twin_distance"] = twin_distance(look, others)
            if reasons := decide_early(numbers, self._limits):
                self._reasons.update(reasons[:1])
                return RejectedSceneError(f"{', '.join(reasons)}: by what the scene measures on the card")
        beside[persona] = look
        return None

    def reasons(self) -> str:
        """How often which reason came first so far."""
        return ", ".join(f"{count} x {reason}" for reason, count in self._reasons.most_common())
