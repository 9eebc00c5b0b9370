from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from ray_tasks.models.extension import surroundings
from ray_tasks.models.scene_measures import MEASURED, measure_scenes, read
from ray_tasks.models.scene_scorer import ExtendedProductError, RejectedSceneError, SceneScorer
from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.compose import paste_product, place_product
from ray_tasks.pictures.decide import RULES, Thresholds, decide_early
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.measure import measure
from ray_tasks.pictures.scene import PlacedProduct, SceneOrder, SceneSpec
from tests.ray_tasks.models.painter_checks import unit_of
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

CANVAS = Canvas(384, 320)
BOX = Box(110, 70, 270, 300)


def spec(setting: str) -> SceneSpec:
    return SceneSpec(setting, "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ())


def grain(scene: np.ndarray) -> np.ndarray:
    return scene + np.random.default_rng(0).normal(0, 14, scene.shape)


SPOILT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda scene: scene,
    "noisy_background": grain,
    "overexposed": lambda scene: 1.9 * scene,
    "underexposed": lambda scene: scene / 12 - 4,
    "banding": lambda scene: scene // 40 * 40,
    "blank_background": lambda scene: 0 * scene + 180,
}
"""What the scorer will say of a scene -> how it is spoilt."""


def scene_of(setting: str, product: PlacedProduct, spoilt: str = "as it is") -> np.ndarray:
    scene = ComponentScene().draw(spec(setting), product, None, 3).astype(np.float64)
    return np.clip(SPOILT[spoilt](scene), 0, 255).astype(np.uint8)


def on_card(scenes: list[np.ndarray], products: list[PlacedProduct]) -> list[list[float]]:
    units = [unit_of(product=product, size=(CANVAS.width_px, CANVAS.height_px)) for product in products]
    tensor = torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2) / 255.0
    rows: list[list[float]] = measure_scenes(tensor, units).tolist()
    return rows


TOLERANCE = {
    "clutter_product": 0.04,
    "background_deviation": 0.03,
    "noise": 0.01,
    "banding": 0.01,
}
"""Largest difference: of rounding in 8 bits. All other numbers differ by less than a thousandth."""


def test_scenes_measure_on_the_card_what_their_pictures_measure_from_the_file() -> None:
    cutouts = (bottle(), shoe())
    settings = ("wood_table", "forest_trail", "marble_counter", "city_night", "cafe_table", "gym_floor")
    chosen = [(cutouts[number % 2], settings[number], spoilt) for number, spoilt in enumerate(SPOILT)]
    products = [place_product(cutout, CANVAS, BOX) for cutout, _, _ in chosen]
    scenes = [
        scene_of(setting, product, spoilt)
        for product, (_, setting, spoilt) in zip(products, chosen, strict=True)
    ]
    for scene, product, (cutout, _, spoilt), row in zip(
        scenes, products, chosen, on_card(scenes, products), strict=True
    ):
        png = cv2.imencode(".png", paste_product(scene, product)[..., ::-1])[1].tobytes()
        finished = measure(png, cutout, product.box, (), overflow=False, changed_core_px=0)
        numbers, _ = read(row)
        for name in MEASURED[1:]:
            assert numbers[name] == pytest.approx(finished[name], abs=TOLERANCE.get(name, 1e-3)), (
                spoilt,
                name,
            )
        early = decide_early(numbers, Thresholds())
        assert early == decide_early({name: finished[name] for name in MEASURED[1:]}, Thresholds())
        assert (spoilt in early) is (spoilt != "as it is")


def test_a_batch_measures_what_each_scene_measures_alone() -> None:
    products = [place_product(bottle(), CANVAS, BOX), place_product(shoe(), CANVAS, BOX)]
    scenes = [scene_of("beach_sand", products[0]), scene_of("wood_table", products[1])]
    together = on_card(scenes, products)
    for place in range(2):
        (alone,) = on_card([scenes[place]], [products[place]])
        assert together[place] == pytest.approx(alone, abs=1e-4)


def test_what_is_measured_on_the_card_is_judged_by_the_rules_of_the_finished_picture() -> None:
    ruled = {rule.measurement for rule in RULES}
    assert set(MEASURED) - ruled == {"extended_share"}, "which no finished picture shows"
    good = {"noise": 1.0, "banding": 0.1}
    assert decide_early(good, Thresholds()) == []
    assert decide_early(good | {"noise": 9.0}, Thresholds()) == ["noisy_background"]
    assert decide_early(good | {"noise": 9.0}, Thresholds(max_noise=10.0)) == []


def test_of_two_personas_scenes_alike_the_second_is_refused_and_an_own_one_is_not() -> None:
    product = place_product(bottle(), CANVAS, BOX)
    scorer = SceneScorer(Thresholds())
    (row,) = on_card([scene_of("wood_table", product)], [product])
    for place, whose in enumerate([("shop/A", "hikers"), ("shop/A", "cooks"), ("shop/A", "hikers")]):
        scorer.orders[place] = SceneOrder(spec("wood_table"), product, None, 3, whose=whose)
    scorer.orders[3] = SceneOrder(spec("wood_table"), product, None, 3, whose=("shop/B", "cooks"))
    assert scorer.fault(0, row) is None
    twin = scorer.fault(1, row)
    assert isinstance(twin, RejectedSceneError) and str(twin).startswith("near_duplicate")
    assert scorer.fault(2, row) is None and scorer.fault(3, row) is None


def test_the_last_try_is_kept_unless_it_extends_the_product() -> None:
    product = place_product(bottle(), CANVAS, BOX)
    scorer = SceneScorer(Thresholds())
    scorer.orders[0] = SceneOrder(spec("wood_table"), product, None, 3)
    (row,) = on_card([scene_of("wood_table", product, "noisy_background")], [product])
    assert isinstance(scorer.fault(0, row), RejectedSceneError)
    assert scorer.reasons() == "1 x noisy_background"
    assert SceneScorer(None).orders == {}
    scorer.is_last = True
    assert scorer.fault(0, row) is None
    row[0] = 0.2
    assert isinstance(scorer.fault(0, row), ExtendedProductError)


def test_a_product_without_an_opaque_pixel_extends_nothing() -> None:
    empty = PlacedProduct(np.zeros((320, 384, 4), np.uint8), BOX)
    assert not surroundings(empty).any()
    (row,) = on_card([np.full((320, 384, 3), 90, np.uint8)], [empty])
    assert row[0] == 0 and np.isfinite(row).all()
