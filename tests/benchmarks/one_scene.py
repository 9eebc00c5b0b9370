"""One large scene for all canvases, of which each placement shows a window, against a scene composed for each canvas.

    python -m tests.benchmarks.one_scene [--every 1] [--out sheet.png]

A bottle in every n-th setting, for square, portrait, story and landscape. The large scene is as wide and high as all
windows around the product together, at the greatest scale that one of them asks for. A window shows the share of the
setting that is told in the table; detail is the mean step between neighbours at 128 px, without the product's place.
The sheet has the composed scenes in its upper rows and the windows below them.
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
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import plan_layout
from ray_tasks.pictures.scene import PlacedProduct, SceneSpec
from schemas.instruction import LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle

CANVASES = {
    "square": Canvas(1024, 1024),
    "story, and portrait as its window": Canvas(1080, 1920),
    "landscape": Canvas(1200, 628),
}
TEXT = TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en")


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
    placed = {}
    for name, canvas in CANVASES.items():
        layout = plan_layout(canvas, "headline_left", 0.35, TEXT)
        placed[name] = place_product(cutout, canvas, layout.product_box)
    # Around the product, in its own heights: how far the windows reach.
    reach = np.array([_reach(product) for product in placed.values()]).max(axis=0)
    tall = max(product.box.height for product in placed.values())
    left, above, right, below = np.ceil(reach * tall).astype(int).tolist()
    large = Canvas(left + right, above + below)
    half = min(left, right, tall)
    box = Box(left - half, above - tall, left + half, above)
    whole = place_product(cutout, large, box, most=9.0)
    spent: dict[str, list[float]] = defaultdict(list)
    detail: dict[str, list[tuple[float, float]]] = defaultdict(list)
    tiles = []
    for number, setting in enumerate(SETTINGS):
        if number % arguments.every:
            continue
        light, mood = LIGHTS[number % len(LIGHTS)], MOODS[number % len(MOODS)]
        spec = SceneSpec(setting, light, "all", mood, ("#4f78a8", "#e08a4a"), ())
        began = time.process_time()
        scene = backend.draw(spec, whole, None, number)
        spent["one for all"].append(time.process_time() - began)
        for name, product in placed.items():
            began = time.process_time()
            own = backend.draw(spec, product, None, number)
            spent[name].append(time.process_time() - began)
            began = time.process_time()
            window = _window(scene, whole, product)
            spent["windows"].append(time.process_time() - began)
            detail[name].append((_detail(own, product), _detail(window, product)))
            if arguments.out and name == "square":
                pair = [paste_product(picture, product) for picture in (own, window)]
                tiles.append(
                    np.vstack([cv2.resize(p, (240, 240), interpolation=cv2.INTER_AREA) for p in pair])
                )
    apart = sum(canvas.width_px * canvas.height_px for canvas in CANVASES.values())
    print("| | composed for each canvas | windows of one |\n|---|---:|---:|")
    print(f"| megapixels drawn | {apart / 1e6:.2f} | {large.width_px * large.height_px / 1e6:.2f} |")
    own_ms = 1000 * sum(np.mean(spent[name]) for name in CANVASES)
    one_ms = 1000 * (np.mean(spent["one for all"]) + len(CANVASES) * np.mean(spent["windows"]))
    print(f"| core-ms for all canvases | {own_ms:.0f} | {one_ms:.0f} |")
    for name, canvas in CANVASES.items():
        scale = placed[name].box.height / whole.box.height
        shown = canvas.width_px / (scale * large.width_px), canvas.height_px / (scale * large.height_px)
        print(
            f"| {name}: share of the setting's width and height shown | 100 %, 100 % | {shown[0]:.0%}, {shown[1]:.0%} |"
        )
        mine, theirs = np.mean(detail[name], axis=0)
        print(f"| {name}: detail of the surroundings, levels | {mine:.2f} | {theirs:.2f} |")
    if arguments.out:
        cv2.imwrite(str(arguments.out), np.hstack(tiles)[..., ::-1])


def _reach(product: PlacedProduct) -> tuple[float, float, float, float]:
    """How far the canvas reaches from the middle of the product's foot: left, up, right, down, in product heights."""
    height, width = product.rgba.shape[:2]
    box = product.box
    return (
        box.center_x / box.height,
        box.bottom / box.height,
        (width - box.center_x) / box.height,
        (height - box.bottom) / box.height,
    )


def _window(scene: np.ndarray, whole: PlacedProduct, product: PlacedProduct) -> np.ndarray:
    """What a canvas shows of the large scene, its product at the same place in both."""
    height, width = product.rgba.shape[:2]
    scale = whole.box.height / product.box.height
    left = max(0, round(whole.box.center_x - scale * product.box.center_x))
    top = max(0, round(whole.box.bottom - scale * product.box.bottom))
    part = scene[top : top + round(scale * height), left : left + round(scale * width)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)


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
