"""Core-seconds of a scene and of a finished picture at 1024 x 1024, against Pillow doing the same composition.

    python -m tests.benchmarks.scenes [--rounds 5] [--before <checkout of an older commit>]

One process, one thread, processor seconds; every arm takes its turn in every round, so that a busy machine is busy for
all. Scenes: every setting once a round, two products. Pillow: a wooden table before a wall with a window, out of focus,
the product's cast and contact shadow, light through panes, grading, a calm text area and grain: what `wood_table`
consists of, with NumPy for the wood alone. `--before` draws the older commit's settings in a process of its own,
between ours. A picture: its scene shared by two locales, text, JPEG, and `measure` of it, reading of letters included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.layout import TextSpec
from ray_tasks.pictures.measure import TextBox, measure
from ray_tasks.pictures.picture import Base, plan_base, set_text
from ray_tasks.pictures.scene import PlacedProduct, SceneSpec
from schemas.instruction import LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

SIZE = 1024
TEXTS = (
    TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en"),
    TextSpec("Trockene Füße auf jedem Weg", ("Nur 420 g", "Zwei Jahre Garantie"), "Neu", "Ansehen", "de"),
)
PRODUCTS = (bottle(900), shoe(900))


def plan(number: int, setting: str) -> tuple[Base, PlacedProduct, SceneSpec, Box | None]:
    """Everything of one picture that stands before its scene is drawn."""
    spec = SceneSpec(
        setting,
        LIGHTS[number % len(LIGHTS)],
        "all",
        MOODS[number % len(MOODS)],
        ("#4f78a8", "#e08a4a"),
        ("leaves", "plant"),
    )
    layout = ("headline_left", "headline_top")[number % 2]
    base, order = plan_base(PRODUCTS[number % 2], spec, TEXTS, Canvas(SIZE, SIZE), layout, number)
    assert order is not None
    return base, order.product, spec, order.text_area


def pillow_table(product: PlacedProduct, text_area: Box | None, seed: int) -> Image.Image:
    """The same composition as `wood_table`, by Pillow."""
    rng, s = np.random.default_rng(seed), SIZE
    edge, foot = int(0.72 * s), product.box.bottom
    scene = Image.linear_gradient("L").resize((s, s)).point(lambda v: 215 - v // 6)
    scene = Image.merge("RGB", (scene, scene.point(lambda v: v - 8), scene.point(lambda v: v - 22)))
    back = ImageDraw.Draw(scene)
    back.rectangle((0.64 * s, 0.05 * s, 0.98 * s, 0.52 * s), (236, 240, 246))
    for x in (0.64, 0.81, 0.98):
        back.rectangle((x * s - 7, 0.05 * s, x * s + 7, 0.52 * s), (225, 222, 216))
    for _ in range(22):
        x, y = rng.uniform(0.2, 0.34) * s, rng.uniform(0.45, 0.62) * s
        back.polygon([(0.27 * s, 0.66 * s), (x, y), (x + 26, y + 14)], (74, 118, 62))
    scene = scene.filter(ImageFilter.GaussianBlur(12))
    grain = rng.normal(0, 1, (s, 64)).cumsum(axis=0) / 9 + rng.normal(0, 0.6, (s, 64))
    board = np.repeat(
        np.clip(150 + 14 * np.sin(grain * 2.4) - 30 * (np.arange(64) % 16 == 0), 0, 255), 32, axis=1
    )
    wood = Image.fromarray(np.dstack([board, 0.72 * board, 0.48 * board]).astype(np.uint8))
    plane = wood.transform(
        (s, s - edge), Image.Transform.QUAD, (600, 0, 0, s, 2048, s, 1448, 0), Image.Resampling.BICUBIC
    )
    scene.paste(plane, (0, edge))
    far = scene.filter(ImageFilter.GaussianBlur(5))
    depth = Image.linear_gradient("L").resize((s, s - edge))
    scene.paste(Image.composite(scene.crop((0, edge, s, s)), far.crop((0, edge, s, s)), depth), (0, edge))
    alpha = Image.fromarray(product.rgba[..., 3])
    lean = (1, 0.9, -0.9 * foot, 0, 3.2, foot - 3.2 * foot)
    cast = alpha.transform((s, s), Image.Transform.AFFINE, lean, Image.Resampling.BILINEAR)
    cast = cast.filter(ImageFilter.GaussianBlur(14)).point(lambda v: v * 6 // 10)
    contact = Image.new("L", (s, s))
    ImageDraw.Draw(contact).ellipse((product.box.left, foot - 14, product.box.right, foot + 10), 190)
    shade = ImageChops.lighter(cast, contact.filter(ImageFilter.GaussianBlur(9)))
    scene = Image.composite(Image.new("RGB", (s, s), (22, 23, 28)), scene, shade)
    light = Image.new("RGB", (s // 4, s // 4), (200, 204, 214))
    panes = ImageDraw.Draw(light)
    for i in range(6):
        x, y = 40 + 90 * (i % 2) - 12 * (i // 2), 10 + 72 * (i // 2)
        panes.polygon([(x, y), (x + 82, y + 5), (x + 66, y + 70), (x - 16, y + 65)], (255, 252, 240))
    scene = ImageChops.multiply(
        scene, light.filter(ImageFilter.GaussianBlur(4)).resize((s, s), Image.Resampling.BILINEAR)
    )
    scene = ImageEnhance.Contrast(ImageEnhance.Color(scene).enhance(1.06)).enhance(1.1)
    if text_area is not None:
        mask = Image.new("L", (s, s))
        ImageDraw.Draw(mask).rectangle(
            (text_area.left, text_area.top, text_area.right, text_area.bottom), 150
        )
        mask = mask.filter(ImageFilter.GaussianBlur(40))
        scene = Image.composite(scene.filter(ImageFilter.GaussianBlur(18)), scene, mask)
    noise = Image.effect_noise((s, s), 4)
    return ImageChops.add(scene, Image.merge("RGB", (noise, noise, noise)), 1, -128)


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """Processor seconds of one call."""
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def score(base: Base, cutout: np.ndarray, text: TextSpec) -> tuple[float, float, float]:
    """Processor seconds of text, JPEG and `measure` of one locale."""
    started = time.process_time()
    picture = set_text(base, text)
    typeset = time.process_time()
    jpeg = encode_jpeg(picture.rgb, alt_text="A product", language=text.locale)
    encoded = time.process_time()
    said = picture.text.wording
    boxes = [
        TextBox(name, box, picture.text.contrast[name], said[name].text, said[name].letters, said[name].lines)
        for name, box in picture.text.boxes.items()
    ]
    measure(
        jpeg,
        cutout,
        picture.placed.box,
        boxes,
        overflow=picture.text.overflow,
        changed_core_px=picture.certificate.changed_core_px,
    )
    return typeset - started, encoded - typeset, time.process_time() - encoded


_BEFORE = """
import json, sys, time
import cv2
cv2.setNumThreads(1)
from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.layout import TextSpec, plan_layout
from ray_tasks.pictures.compose import alpha_bounds, place_product
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LIGHTS, MOODS, SETTINGS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe
text = [TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en")]
canvas, orders = Canvas(1024, 1024), []
for n, setting in enumerate(SETTINGS[:18]):
    cutout = (bottle(900), shoe(900))[n % 2]
    bounds = alpha_bounds(cutout[..., 3])
    layout = plan_layout(canvas, ("headline_left", "headline_top")[n % 2], bounds.width / bounds.height, text)
    placed = place_product(cutout, canvas, layout.product_box)
    spec = SceneSpec(setting, LIGHTS[n % 6], "all", MOODS[n % 6], ("#4f78a8", "#e08a4a"), ("leaves", "plant"))
    orders.append((spec, placed, layout.text_area, n))
scene = ComponentScene()
for order in orders:
    scene.draw(*order)
for _ in sys.stdin:
    started = time.process_time()
    for order in orders:
        scene.draw(*order)
    print((time.process_time() - started) / len(orders), flush=True)
"""


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", help="folder of a checkout of an older commit")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    backend = ComponentScene()
    plans = [plan(number, setting) for number, setting in enumerate(SETTINGS)]
    _, product, spec, area = plan(2, "wood_table")
    old = None
    if args.before:
        old = subprocess.Popen(
            [sys.executable, "-c", _BEFORE],
            cwd=args.before,
            env={**os.environ, "PYTHONPATH": args.before},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    arms: dict[str, list[float]] = {}

    def note(arm: str, value: float) -> None:
        arms.setdefault(arm, []).append(value)

    for number in range(args.rounds + 1):
        each = [seconds(backend.draw, p[2], p[1], p[3], n) for n, p in enumerate(plans)]
        note(f"scene, mean of {len(each)} settings", sum(each) / len(each))
        note("scene, dearest setting", max(each))
        note("scene, mean of the first 18 settings", sum(each[:18]) / 18)
        if old is not None and old.stdin is not None and old.stdout is not None:
            old.stdin.write("\n")
            old.stdin.flush()
            note("the same 18 before", float(old.stdout.readline()))
        note("wood_table", seconds(backend.draw, spec, product, area, number))
        note("the same composition in Pillow", seconds(pillow_table, product, area, number))
        parts = np.zeros(3)
        chosen = plans[number % 4 :: 8]
        for n, (blank, placed, spec_n, area_n) in enumerate(chosen):
            drawn = backend.draw(spec_n, placed, area_n, n)
            full = replace(blank, scene_rgb=drawn)
            cutout = PRODUCTS[(number % 4 + 8 * n) % 2]
            parts += np.mean([score(full, cutout, text) for text in TEXTS], axis=0)
        for name, value in zip(("text", "JPEG", "scoring"), parts / len(chosen), strict=True):
            note(name, float(value))
        note(
            "a picture: half a scene, text, JPEG, scoring",
            float(parts.sum() / len(chosen)) + sum(each) / len(each) / 2,
        )
        if number == 0:
            arms.clear()  # Compiles shaders, fills caches.
    if old is not None:
        old.terminate()
    print("| core-seconds | median | least to greatest |\n|---|---:|---|")
    for arm, values in arms.items():
        print(f"| {arm} | {np.median(values):.3f} | {min(values):.3f} to {max(values):.3f} |")


if __name__ == "__main__":
    main()
