from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.models.extension import LIMIT, extended_share
from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import PlacedProduct, SceneSpec
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(256, 256)


def grown(product: PlacedProduct, across: float, down: float, aside: float = 0.0) -> np.ndarray:
    """The product's (H, W, 4) pixels, larger about its foot or moved aside: what a model adds to it."""
    x, y = product.box.center_x, product.box.bottom
    turn = np.array([[across, 0, x - across * x + aside * product.box.width], [0, down, y - down * y]])
    return cv2.warpAffine(product.rgba, turn.astype(np.float32), (256, 256))


@pytest.mark.parametrize("cutout", [bottle(), shoe()], ids=["bottle", "shoe"])
@pytest.mark.parametrize("setting", ["studio_sweep", "kitchen_counter", "office_desk"])
def test_a_scene_that_goes_on_with_the_product_is_found_and_others_pass(
    cutout: np.ndarray, setting: str
) -> None:
    product = place_product(cutout, CANVAS, Box(65, 75, 195, 240))
    spec = SceneSpec(setting, "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ())
    scene = ComponentScene().draw(spec, product, None, 5)
    assert extended_share(scene, product) <= LIMIT
    for copy in (grown(product, 1.25, 1.25), grown(product, 1.0, 1.3), grown(product, 1.0, 1.0, 0.25)):
        alpha = copy[..., 3:] / 255.0
        extended = (scene * (1 - alpha) + copy[..., :3] * alpha).astype(np.uint8)
        assert extended_share(extended, product) > LIMIT
