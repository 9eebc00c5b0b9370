"""Cut-out against GrabCut with the sample shop's exact masks, as photographed and pasted on real grounds.

    python -m tests.benchmarks.cutout --shop var/sample_shop [--data ../shared/data] [--every 1] [--processes 2]

The sample shop is made by `python -m infra.sample_shop --out var/sample_shop`. GrabCut (Rother et al. 2004) starts
from a rectangle 3 % inside the border, 5 rounds, at the 512 pixels at which ours classifies too. Measures: IoU at alpha
one half, mean absolute difference of alpha, and F of the boundary within 2 pixels. Refused pictures count for neither.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ray_tasks.pictures.cutout import WORK_PX, ClassicalCutOut
from ray_tasks.pictures.open_image import ImageRejected, open_image

GROUNDS = {
    "brick wall": ("retail_demo_store/images/accessories/9.jpg", (0, 0, 200, 300)),
    "marble": ("retail_demo_store/images/jewelry/3.jpg", (0, 0, 600, 110)),
    "wood": ("retail_demo_store/images/outdoors/12.jpg", (0, 0, 600, 110)),
    "studio grey": ("eshop_outdoor/Pics/12.webp", (0, 0, 170, 600)),
}
"""Parts of real pictures that show nothing but the ground: left, top, right, bottom."""
Row = tuple[str, bool, float, tuple[float, float, float], tuple[float, float, float]]


def boundary_f(found: np.ndarray, truth: np.ndarray, within_px: float = 2.0) -> float:
    """F of precision and recall of boundary pixels that have a counterpart nearby (Martin et al. 2004)."""
    edges = [mask - cv2.erode(mask, np.ones((3, 3), np.uint8)) for mask in (found, truth)]
    near = [cv2.distanceTransform(1 - edge, cv2.DIST_L2, 5) <= within_px for edge in edges]
    shares = [float(near[1 - i][edges[i] > 0].mean()) if edges[i].any() else 0.0 for i in (0, 1)]
    return 2 * shares[0] * shares[1] / max(1e-9, sum(shares))


def measures(alpha: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """(IoU, mean absolute difference, boundary F) of two (H, W) uint8 alphas."""
    found, exact = (alpha > 127).astype(np.uint8), (truth > 127).astype(np.uint8)
    iou = float((found & exact).sum() / max(1, (found | exact).sum()))
    return iou, float(cv2.absdiff(alpha, truth).mean()) / 255, boundary_f(found, exact)


def grabcut(rgb: np.ndarray) -> np.ndarray:
    """(H, W) uint8 alpha by GrabCut from a rectangle."""
    scale = WORK_PX / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    labels = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(1)
    inside = (int(0.03 * width), int(0.03 * height), int(0.94 * width), int(0.94 * height))
    cv2.grabCut(small, labels, inside, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    mask = np.where(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)), 255, 0).astype(np.uint8)
    return cv2.resize(mask, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)


def scenes(rgb: np.ndarray, truth: np.ndarray, data: Path | None) -> Iterator[tuple[str, np.ndarray]]:
    """(ground's name, picture): as photographed, then the product's pixels on each real ground."""
    yield "as photographed", rgb
    for name, (file, (left, top, right, bottom)) in GROUNDS.items() if data else ():
        assert data is not None
        part = open_image((data / file).read_bytes()).rgb[top:bottom, left:right]
        side = max(truth.shape)
        scale = side / min(part.shape[:2])
        ground = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        ground = ground[: truth.shape[0], : truth.shape[1]]
        share = truth[..., None].astype(np.float32) / 255
        yield name, np.rint(rgb * share + ground * (1 - share)).astype(np.uint8)


def _rows(task: tuple[Path, Path, Path | None]) -> list[Row]:
    picture, mask, data = task
    cv2.setNumThreads(1)
    try:
        rgb = open_image(picture.read_bytes()).rgb
    except ImageRejected:
        return []
    truth = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
    rows = []
    for name, scene in scenes(rgb, truth, data):
        started = time.process_time()
        cut = ClassicalCutOut().cut(scene)
        seconds = time.process_time() - started
        accepted = cut.verdict == "accepted"
        theirs = measures(grabcut(scene), truth)
        rows.append((name, accepted, seconds, measures(cut.alpha, truth), theirs))
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shop", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th product")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    tasks = []
    for mask in sorted((arguments.shop / "truth" / "masks").glob("*/*.png"))[:: arguments.every]:
        folder = arguments.shop / mask.parent.name / "images"
        tasks += [(path, mask, arguments.data) for path in folder.glob(f"{mask.stem.lower()}.*")]
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        rows = [row for part in pool.imap(_rows, tasks) for row in part]
    print(
        "| ground | pictures | accepted | IoU | MAE | boundary F | GrabCut IoU | MAE | boundary F | core-s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == name]
        kept = [row for row in mine if row[1]]
        values = ["refused"] * 6
        if kept:
            ours, theirs = (np.mean([row[i] for row in kept], axis=0) for i in (3, 4))
            values = [f"{value:.3f}" for value in (*ours, *theirs)]
        seconds = float(np.median([row[2] for row in mine]))
        print(f"| {name} | {len(mine)} | {len(kept)} | {' | '.join(values)} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
