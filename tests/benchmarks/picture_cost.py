"""Core-seconds of a picture with text, part by part, without the first scene of its product.

    python -m tests.benchmarks.picture_cost --shop var/sample_shop [--products 16]

One process, one thread. Every product stands in one scene of 1024 x 1024 with three languages' texts. The scene is
timed apart; text, encoding and scoring are those of every picture that shares it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ray_tasks.pictures.component_scene import ComponentScene
from ray_tasks.pictures.decide import Thresholds, decide
from ray_tasks.pictures.encode import encode_jpeg
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.measure import measure, placed_pixels
from ray_tasks.pictures.measure_text import TextBox
from ray_tasks.pictures.picture import Picture, draw_base, set_text
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SETTINGS
from tests.benchmarks.defects import TEXTS, products


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--products", type=int, default=16)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    spent: dict[str, list[float]] = defaultdict(list)

    def timed(part: str, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        done = work()
        spent[part].append(time.process_time() - started)
        return done

    backend, canvas, texts = ComponentScene(), Canvas(1024, 1024), list(TEXTS[:3])
    for number, product in enumerate(products(arguments.shop, "held_out")[: arguments.products]):
        cutout = product.cutout
        spec = SceneSpec(
            SETTINGS[number * 5 % len(SETTINGS)],
            LIGHTS[number % len(LIGHTS)],
            "all",
            MOODS[number % len(MOODS)],
            ("#4f78a8", "#e08a4a"),
            ("leaves",),
        )
        layout = LAYOUTS[number % len(LAYOUTS)]
        base = timed(
            "the scene, once",
            lambda: draw_base(cutout, spec, texts, canvas, layout, backend, number),  # noqa: B023
        )
        placed = None
        for text in texts:
            picture = timed("text and product", lambda: set_text(base, text))  # noqa: B023
            jpeg = timed("encoding", lambda: encode_jpeg(picture.rgb, alt_text="a product"))  # noqa: B023
            if placed is None:
                placed = placed_pixels(cutout, picture.placed.box)
            for part, read in (("scoring without reading", False), ("scoring", True)):
                timed(part, lambda: _score(jpeg, cutout, picture, placed, read=read))  # noqa: B023
    if len(spent["scoring"]) > 1:
        spent["scoring"] = spent["scoring"][1:]  # the first one loads the reader
    print("| part | median, core-ms | 90th percentile |\n|---|---:|---:|")
    for part, seconds in spent.items():
        print(f"| {part} | {1000 * np.median(seconds):.0f} | {1000 * np.quantile(seconds, 0.9):.0f} |")
    each = [spent[part] for part in ("text and product", "encoding", "scoring")]
    print(
        f"| a picture with text, its scene drawn | {1000 * sum(np.median(part) for part in each):.0f} | "
        f"{1000 * sum(np.quantile(part, 0.9) for part in each):.0f} |"
    )


def _score(jpeg: bytes, cutout: np.ndarray, picture: Picture, placed: np.ndarray, *, read: bool) -> list[str]:
    texts = [
        TextBox(name, box, picture.text.contrast[name], said.text if read else "", said.letters, said.lines)
        for (name, box), said in zip(picture.text.boxes.items(), picture.text.wording.values(), strict=True)
    ]
    box = picture.placed.box
    return decide(
        measure(jpeg, cutout, box, texts, overflow=False, changed_core_px=0, placed=placed), Thresholds()
    )


if __name__ == "__main__":
    main()
