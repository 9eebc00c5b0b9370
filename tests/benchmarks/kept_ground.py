"""How much kept ground a cut-out's check tells, on exact masks with ground added, and whom it refuses without any.

    python -m tests.benchmarks.kept_ground --shop var/sample_shop --data ../shared/data

Limits of `kept_ground` were chosen on the real shops' packshots. Here are others: every product of the sample shop as
photographed and its exact mask on real grounds. Ground is added to the mask as a bad cut-out keeps it: gaps and notches
up to 9, 17, 33 and 65 pixels wide (of 512) are closed. A row is one ground; products go by two halves of a hash.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from ray_tasks.pictures.cutout import WORK_PX
from ray_tasks.pictures.ground import box, find_edges, fit_ground
from ray_tasks.pictures.holes import kept_ground
from ray_tasks.pictures.open_image import ImageRejected, open_image
from tests.benchmarks.cutout import scenes

CLOSED_PX = (9, 17, 33, 65)
SHARES = (0.02, 0.04, 0.08, 1.0)
"""Upper ends of the ranges of added ground, as shares of the exact mask; the first is below what may be refused."""


def added(exact: np.ndarray) -> list[np.ndarray]:
    """The (H, W) bool mask with more and more of its gaps filled."""
    air = max(CLOSED_PX)
    padded = cv2.copyMakeBorder(exact.astype(np.uint8), air, air, air, air, cv2.BORDER_CONSTANT)
    filled = [cv2.morphologyEx(padded, cv2.MORPH_CLOSE, box(size)) > 0 for size in CLOSED_PX]
    return [mask[air:-air, air:-air] for mask in filled]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    told: dict[tuple[str, int], dict[float, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((arguments.shop / "truth" / "masks").glob("*/*.png")):
        half = int(hashlib.sha256(path.stem.encode()).hexdigest(), 16) % 2
        for picture in (arguments.shop / path.parent.name / "images").glob(f"{path.stem.lower()}.*"):
            try:
                rgb = open_image(picture.read_bytes()).rgb
            except ImageRejected:
                continue
            truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if not (truth > 127).any():
                continue
            for name, scene in scenes(rgb, truth, arguments.data):
                scale = WORK_PX / max(scene.shape[:2])
                small = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
                exact = cv2.resize(truth, small.shape[1::-1], interpolation=cv2.INTER_AREA) > 127
                ground, edges = fit_ground(lab), find_edges(lab)
                row = told[name, half]
                row[0.0].append(kept_ground(exact, lab, ground, edges) > 0)
                for mask in added(exact):
                    share = float((mask & ~exact).sum() / exact.sum())
                    limit = next(limit for limit in SHARES if share <= limit)
                    row[limit].append(kept_ground(mask, lab, ground, edges) > 0)
    heads = ["none", *(f"up to {limit:.0%}" for limit in SHARES[:-1]), "more"]
    print(f"| ground | half | refused with added ground: {' | '.join(heads)} |")
    print(f"|---|---|{'---|' * len(heads)}")
    for (name, half), row in sorted(told.items()):
        counts = [f"{sum(row[at])} of {len(row[at])}" for at in (0.0, *SHARES)]
        print(f"| {name} | {half + 1} | {' | '.join(counts)} |")


if __name__ == "__main__":
    main()
