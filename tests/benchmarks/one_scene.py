"""One scene whose windows are all placements, against a scene composed for each canvas.

    python -m tests.benchmarks.one_scene [--every 1] [--out sheet.png]

A bottle in every n-th setting, for square, story (portrait is its window), landscape, and the square without words.
Both sides take turns in one process, one thread, processor time. Shown is what a canvas has of the square's width and
height: above 100 % it reaches beyond. Detail is the mean step between neighbours at 128 px, without the product's
place. The sheet has a row for each setting: each canvas as composed for itself, then as a window.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.compose import paste_product, place_product
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.layout import plan_layout
from ray_tasks.pictures.scene import CORE_PX, Core, PlacedProduct, SceneSpec
from ray_tasks.pictures.view import View
from schemas.instruction import LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle

CANVASES = {
    "square": Canvas(CORE_PX, CORE_PX),
    "story, and portrait as its window": Canvas(1080, 1920),
    "landscape": Canvas(1200, 628),
    "square without words": Canvas(1080, 1080),
}
TEXT = TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en")
TILE_PX = 240


def main() -> None:
    """Prints the table, and writes the sheet where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    cutout, backend = bottle(900), ComponentScene()
    placed, areas = {}, {}
    for name, canvas in CANVASES.items():
        layout = plan_layout(canvas, "headline_left", 0.35, [] if name == "square without words" else TEXT)
        placed[name], areas[name] = place_product(cutout, canvas, layout.product_box), layout.text_area
    core = Core(placed["square"].box, areas["square"])
    spent: dict[tuple[str, bool], list[float]] = defaultdict(list)
    detail: dict[tuple[str, bool], list[float]] = defaultdict(list)
    rows = []
    for number, setting in list(enumerate(SETTINGS))[:: arguments.every]:
        light, mood = LIGHTS[number % len(LIGHTS)], MOODS[number % len(MOODS)]
        spec = SceneSpec(setting, light, "all", mood, ("#4f78a8", "#e08a4a"), ())
        tiles = []
        for name, product in placed.items():
            for windowed in (False, True):
                began = time.process_time()
                frame = core if windowed and name != "square" else None
                scene = backend.draw(spec, product, areas[name], number, frame)
                spent[name, windowed].append(time.process_time() - began)
                detail[name, windowed].append(_detail(scene, product))
                picture = paste_product(scene, product)
                size = (round(TILE_PX * scene.shape[1] / scene.shape[0]), TILE_PX)
                tiles.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        rows.append(np.hstack(tiles))
    print("| | composed for each canvas | windows of one |\n|---|---:|---:|")
    own, windows = (1000 * sum(np.mean(spent[name, side]) for name in CANVASES) for side in (False, True))
    print(f"| core-ms for all canvases | {own:.0f} | {windows:.0f} |")
    for name, canvas in CANVASES.items():
        scale = View.of(placed[name], core).scale
        shown = [side / (scale * CORE_PX) for side in (canvas.width_px, canvas.height_px)]
        milliseconds = [f"{1000 * np.mean(spent[name, side]):.0f}" for side in (False, True)]
        print(f"| {name}: core-ms | {' | '.join(milliseconds)} |")
        print(
            f"| {name}: shown of the square's width and height | own scene | {shown[0]:.0%}, {shown[1]:.0%} |"
        )
        steps = [f"{np.mean(detail[name, side]):.2f}" for side in (False, True)]
        print(f"| {name}: detail of the surroundings, levels | {' | '.join(steps)} |")
    if arguments.out:
        cv2.imwrite(str(arguments.out), np.vstack(rows)[..., ::-1])


def _detail(scene: np.ndarray, product: PlacedProduct) -> float:
    """Mean step between neighbours, in 8-bit levels, at a short side of 128 px, beside the product."""
    shrink = 128 / min(scene.shape[:2])
    small = cv2.resize(scene, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 0.8).astype(np.float32)
    steps = np.hypot(np.diff(gray, axis=0)[:, :-1], np.diff(gray, axis=1)[:-1])
    beside = cv2.resize(product.rgba[..., 3], (gray.shape[1], gray.shape[0]))[:-1, :-1] < 8
    return float(steps[beside].mean())


if __name__ == "__main__":
    main()
