from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from ray_tasks.models.extension import LIMIT, extended_shares, surroundings
from ray_tasks.pictures.compose import place_product
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.scene import PlacedProduct
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(256, 256)


def grown(product: PlacedProduct, across: float, down: float, aside: float = 0.0) -> np.ndarray:
    """The product's (H, W, 4) pixels, larger about its foot or moved aside: what a model adds to it."""
    x, y = product.box.center_x, product.box.bottom
    turn = np.array([[across, 0, x - across * x + aside * product.box.width], [0, down, y - down * y]])
    return cv2.warpAffine(product.rgba, turn.astype(np.float32), (256, 256))


def room(wall: tuple[int, int, int], seed: int) -> np.ndarray:
    """(256, 256, 3): a wall with soft lights over a grained table."""
    rng = np.random.default_rng(seed)
    scene = np.empty((256, 256, 3), np.float32)
    scene[:] = np.array(wall, np.float32) * np.linspace(0.8, 1.1, 256)[:, None, None]
    for _ in range(8):
        x, y, radius = (int(value) for value in rng.integers((0, 0, 8), (256, 150, 30)))
        cv2.circle(scene, (x, y), radius, rng.uniform(90, 250, 3).tolist(), -1)
    scene = cv2.GaussianBlur(scene, (0, 0), 6)
    scene[165:] = (
        np.array([150, 105, 70]) + cv2.GaussianBlur(rng.normal(0, 30, (91, 256, 1)), (0, 0), 2)[..., None]
    )
    return np.clip(scene, 0, 255).astype(np.uint8)


def extended_share(scene: np.ndarray, product: PlacedProduct) -> float:
    pixels = torch.from_numpy(scene).permute(2, 0, 1)[None].float()
    return float(extended_shares(pixels, torch.from_numpy(surroundings(product))[None]))


@pytest.mark.parametrize("cutout", [bottle(), shoe()], ids=["bottle", "shoe"])
@pytest.mark.parametrize("wall", [(225, 215, 200), (150, 170, 195), (120, 90, 110)])
def test_a_scene_that_goes_on_with_the_product_is_found_and_others_pass(
    cutout: np.ndarray, wall: tuple[int, int, int]
) -> None:
    product = place_product(cutout, CANVAS, Box(65, 75, 195, 240))
    scene = room(wall, seed=wall[0])
    assert extended_share(scene, product) <= LIMIT
    for copy in (grown(product, 1.25, 1.25), grown(product, 1.0, 1.3), grown(product, 1.0, 1.0, 0.25)):
        alpha = copy[..., 3:] / 255.0
        extended = (scene * (1 - alpha) + copy[..., :3] * alpha).astype(np.uint8)
        assert extended_share(extended, product) > LIMIT
