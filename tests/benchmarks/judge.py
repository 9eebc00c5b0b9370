"""How often a judge's yes is right, on pictures whose defects are known: the record by which its answers count.

    python -m tests.benchmarks.judge --config infra/config/gpu.toml --out models/judge_record.json

Half of the pictures are good; of the others each has one defect of the defect factory, in four strengths. No picture
is unsafe, so that question has no record and its yes never counts. Name the file as `quality.judge.measured`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from infra.settings import load_config
from ray_tasks.model_measures import fitted
from ray_tasks.models.judge import (
    Measured,
    PictureJudge,
    measure_judge,
    write_measured,
)
from ray_tasks.models.vision_language import VisionLanguageModel
from schemas.revisions import judge_revision
from tests.benchmarks.defects import good_case
from tests.ray_tasks.pictures.cases import Case
from tests.ray_tasks.pictures.defects import DEFECTS, STRENGTHS
from tests.ray_tasks.pictures.product_shapes import bottle, shoe

UNREADABLE = ("faint text", "covered text", "text on text", "small headline")


def _copied(case: Case, turn: np.ndarray) -> Case:
    """The case with a moved or stretched copy of its product behind the product itself."""
    size = case.canvas.width_px, case.canvas.height_px
    copy = cv2.warpAffine(case.rgb, turn.astype(np.float32), size)
    share = cv2.warpAffine(case.alpha[..., 0], turn.astype(np.float32), size)[..., None] * (1 - case.alpha)
    return case.painted(case.rgb * (1 - share) + copy * share)


def second_product(case: Case, strength: int) -> Case:
    """The product once more beside itself, less and less of it hidden."""
    by = (0.45, 0.6, 0.8, 1.05)[strength - 1] * case.box.width
    aside = by if case.box.center_x < case.canvas.width_px / 2 else -by
    return _copied(case, np.array([[1, 0, aside], [0, 1, 0]]))


def extended_product(case: Case, strength: int) -> Case:
    """The product goes on above and beside its outline, as a model paints it."""
    x, y = case.box.center_x, case.box.bottom
    across, down = ((1.0, 1.12), (1.15, 1.0), (1.2, 1.2), (1.35, 1.3))[strength - 1]
    return _copied(case, np.array([[across, 0, x - across * x], [0, down, y - down * y]]))


SIZE_CM = 25
"""Longest side of the bottles and the shoe that are shown."""
SPOILT: dict[str, tuple[Callable[[Case, int], Case], ...]] = {
    "wrong_count": (second_product,),
    "floating": (DEFECTS["floating"][1],),
    "extended_product": (extended_product,),
    "unreadable": tuple(DEFECTS[name][1] for name in UNREADABLE),
}
"""Question -> what makes a picture that it has to be answered with yes for."""


def cases(
    cutouts: Sequence[np.ndarray], strengths: Sequence[int]
) -> Iterator[tuple[np.ndarray, frozenset[str]]]:
    """(picture, its defects): for every cut-out, defect and strength a spoilt picture and another good one."""
    number = 0
    for cutout in cutouts:
        for question, makers in SPOILT.items():
            for make in makers:
                for strength in strengths:
                    yield make(good_case(cutout, SIZE_CM, number), strength).rgb, frozenset({question})
                    yield good_case(cutout, SIZE_CM, number + 1).rgb, frozenset()
                    number += 2


def measure(
    judge: PictureJudge, cutouts: Sequence[np.ndarray], strengths: Sequence[int], picture_px: int
) -> tuple[int, dict[str, Measured]]:
    """The number of pictures, and question -> how right the judge was."""
    answers, truth = [], []
    waiting: list[np.ndarray] = []
    for picture, defects in cases(cutouts, strengths):
        waiting.append(fitted(picture, picture_px))
        truth.append(defects)
        if len(waiting) == 64:
            answers += judge.judge(waiting)
            waiting = []
    answers += judge.judge(waiting)
    return len(truth), measure_judge(answers, truth)


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the record and prints it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="the night whose quality.judge is measured"
    )
    parser.add_argument("--out", type=Path, required=True, help="the record")
    parser.add_argument("--products", type=int, default=24, help="56 pictures each")
    parser.add_argument("--strengths", type=int, nargs="+", choices=STRENGTHS, default=STRENGTHS)
    args = parser.parse_args(argv)
    config = load_config(args.config).quality.judge
    if config is None:
        sys.exit(f"{args.config} has no [quality.judge]")
    rng = np.random.default_rng(0)
    colours = [tuple(map(int, rng.integers(30, 226, 3))) for _ in range(args.products)]
    cutouts = [shoe(420) if number == 0 else bottle(420, rgb) for number, rgb in enumerate(colours)]
    judge = PictureJudge(VisionLanguageModel(config, "quality.judge"))
    pictures, measured = measure(judge, cutouts, args.strengths, config.picture_px)
    write_measured(args.out, judge_revision(config), pictures, measured)
    print(f"{judge_revision(config)}: {pictures} pictures\n")
    print("| question | said yes | right | there | precision | at least (95 %) | recall |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, one in measured.items():
        shares = f"{one.precision:.2f} | {one.least_precision:.2f} | {one.recall:.2f}"
        print(f"| {name} | {one.said} | {one.right} | {one.there} | {shares} |")


if __name__ == "__main__":
    main()
