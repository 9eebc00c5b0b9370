"""How well each defect of a picture is told from good ones, on product shapes that no threshold was chosen on.

    python -m tests.benchmarks.defects [--judge new|tuning|held_out] [--shop var/sample_shop] [--products 24]

`new`: packshots that no shop sells, drawn for this table alone: every shape of the sample shop's drawer whose name the
hash gives to it, in other proportions, views, colours and grounds. No threshold was ever chosen on them: when one of
them fails, the table says so, and the limits stay. `tuning` and `held_out`: the sample shop's families (the hundreds of
a SKU) divided in two, of which limits were chosen on the first, and looked at beside the second; it is made by
`python -m infra.sample_shop --out var/sample_shop`. A product counts where its cut-out agrees with its exact mask (IoU
of 0.97 at least). Its main image on white is made from its photograph, as of products that no night cuts out, or from
its cut-out where the photograph does not stand on white. AP is the average precision of the reason's own measurements
over good pictures and those with the defect, all strengths together; the shares are of pictures rejected for that
reason at the thresholds. Defects on white are held against good main images, the others against good scenes. What only
a model measures is no part of this: see `tests.benchmarks.judge`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from infra.sample_shop import catalog, shapes
from infra.sample_shop.packshot import Label, Shot, compose
from infra.sample_shop.shapes import Solid
from ray_tasks.pictures.admit import stands_on_white
from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.component_scene import DRAWERS
from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.decide import RULES, SCALE_RULES, Thresholds, decide
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.open_image import ImageRejected, open_image
from ray_tasks.pictures.palette import Rgb, oklch
from ray_tasks.pictures.scene import SceneSpec
from ray_tasks.pictures.white_ground import lift
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SETTINGS
from tests.benchmarks.cutout import measures
from tests.ray_tasks.pictures.cases import Case, draw_case, white_case
from tests.ray_tasks.pictures.defects import (
    DEFECTS,
    ON_WHITE,
    READ,
    SCALED,
    STRENGTHS,
)

TEXTS = (
    TextSpec("Dry feet on every trail", ("Only 420 g", "Two-year warranty"), "New in", "See it", "en"),
    TextSpec("Kaffee für lange Lernnächte", ("Ohne Zucker", "1 l Füllmenge"), None, "Ansehen", "de"),
    TextSpec("Prêt en 3 minutes", ("Léger", "Garantie 2 ans"), "Nouveau", "Découvrir", "fr"),
    TextSpec("每天早晨的一杯咖啡", ("净重250克",), None, "立即查看", "zh"),
    TextSpec("حقيبة ظهر عند النافذة", ("صناعة يدوية",), "جديد", "اكتشفه", "ar"),
)
SIZES_CM = {
    "bottle": 24, "thermos": 24, "mug": 10, "jar": 12, "can": 14, "pouch": 22, "box": 18, "tube": 14, "lamp": 45,
    "desklamp": 48, "shoe": 29, "towels": 50, "cushion": 50, "backpack": 50, "tote": 42, "dumbbell": 32,
    "kettlebell": 26, "headphones": 19, "notebook": 21, "plant": 28, "candle": 10, "soap": 9, "tent": 250,
    "teapot": 23, "bowls": 16, "pan": 45, "mat": 61, "ball": 24, "lantern": 25, "keyboard": 36, "mouse": 12,
    "gamepad": 16, "speaker": 20, "vase": 25, "beanie": 28, "board": 38, "helmet": 30, "bear": 32, "blocks": 12,
    "glass": 14, "flask": 12,
}  # fmt: skip
"""Longest side of the things that the sample shop's shapes picture."""
CANVASES = (Canvas(1024, 1024), Canvas(1080, 1350), Canvas(1200, 628))


class Product(NamedTuple):
    """A product whose cut-out is as good as its exact mask."""

    sku: str
    shape: str
    photo: np.ndarray
    """(H, W, 3) uint8."""
    cutout: np.ndarray
    """(h, w, 4) uint8."""


def products(shop: Path, judge: str) -> list[Product]:
    """Those of the product families of one half."""
    found = []
    drawn = {
        p.sku: p.draw.get("shape", "") for name in ("everyday", "roastery") for p in catalog.products(name)
    }
    for mask in sorted((shop / "truth" / "masks").glob("*/*.png")):
        family = int(re.sub(r"\D", "", mask.stem)) // 100
        if family == 90 or (family % 2 == 0) != (judge == "tuning"):
            continue  # family 90: products whose pictures are bad on purpose
        for path in (shop / mask.parent.name / "images").glob(f"{mask.stem.lower()}.*"):
            try:
                rgb = open_image(path.read_bytes()).rgb
            except ImageRejected:
                continue
            exact = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
            cut = ClassicalCutOut().cut(rgb)
            if cut.verdict == "accepted" and measures(cut.alpha, exact)[0] >= 0.97:
                found.append(Product(mask.stem, drawn[mask.stem], rgb, cut.rgba))
    return found


def new_products(count: int = 30) -> list[Product]:
    """Those of packshots drawn for this table."""
    usual = tomllib.loads((Path(shapes.__file__).parent / "shapes.toml").read_text(encoding="utf-8"))
    names = [name for name in sorted(usual) if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3]
    found = []
    for number in range(count):
        name = names[number % len(names)]
        rng = np.random.default_rng(int(hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:8], 16))
        draw = usual[name]
        parameters = [float(value * rng.uniform(0.8, 1.25)) for value in draw["a"]]
        hue = float(rng.uniform(0, 360))
        colors = [
            _hex(oklch(float(rng.uniform(0.3, 0.8)), 0.12, hue + turn)) for turn in (0.0, 40.0, 180.0, 200.0)
        ]
        box = draw.get("label", [1.0, 1.0, 0.5])
        solid = Solid(
            name,
            (parameters[0], parameters[1], parameters[2], parameters[3]),
            tuple(draw.get("b", [0, 0, 0, 0])),
            tuple(colors),
            yaw_deg=draw.get("yaw", 0) + float(rng.uniform(-14, 14)),
            pitch_deg=draw.get("pitch", 10) + float(rng.uniform(-3, 5)),
            label_size=(box[0], box[1]),
            label_y=box[2],
        )
        label = Label(("Orlo", name.upper(), "No 7"), "#f2efe6", "#26303a", colors[2])
        ground = ("#ffffff", "#eceff1", "#f3eee6")[number % 3]
        picture, exact = compose(Shot((solid,), label if "label" in draw else Label(), ground), 900)
        rgb = np.ascontiguousarray(picture[..., ::-1])
        cut = ClassicalCutOut().cut(rgb)
        if cut.verdict == "accepted" and measures(cut.alpha, exact)[0] >= 0.97:
            found.append(Product(f"{name} {number}", name, rgb, cut.rgba))
    return found


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)


def good_case(cutout: np.ndarray, size_cm: int, number: int) -> Case:
    """A picture as the night draws it; settings, lights, layouts, canvases and languages take turns."""
    # No night puts a tent on a table or into a gym.
    roomy = [name for name in SETTINGS if DRAWERS[name].unscaled or 5 * DRAWERS[name].usual_cm >= size_cm]
    spec = SceneSpec(
        roomy[number % len(roomy)],
        LIGHTS[number % len(LIGHTS)],
        "all",
        MOODS[number % len(MOODS)],
        ("#4f78a8", "#e08a4a"),
        ("leaves",),
        size_cm,
    )
    text, layout = TEXTS[number % len(TEXTS)], LAYOUTS[(number // 3) % len(LAYOUTS)]
    return draw_case(cutout, spec, text, layout, number, CANVASES[(number // 2) % len(CANVASES)])


def main_image(product: Product, case: Case) -> tuple[Case, bool]:
    """The product of a case on white, and whether it is its photograph with the ground lifted."""
    lifted = lift(product.photo)
    if lifted is None or not stands_on_white(lifted.measured):
        return white_case(product.cutout, case.order), False
    return white_case(lifted.rgba, case.order), True


def badness(measured: dict[str, float], reason: str, thresholds: Thresholds) -> float:
    """How far beyond its limits a picture is, for one reason; above 0 it is rejected."""
    worst = -np.inf
    for rule in (*RULES, *SCALE_RULES):
        if rule.reason == reason and rule.measurement in measured:
            limit = getattr(thresholds, rule.limit)
            beyond = (measured[rule.measurement] - limit) / max(abs(limit), 1e-3)
            worst = max(worst, -beyond if rule.limit.startswith("min_") else beyond)
    return worst


def average_precision(good: list[float], bad: list[float]) -> float:
    """Area under precision over recall; what ties counts against us."""
    ranked = sorted([(-value, 0) for value in good] + [(-value, 1) for value in bad])
    hits, total = 0, 0.0
    for rank, (_, is_bad) in enumerate(ranked, 1):
        if is_bad:
            hits += 1
            total += hits / rank
    return total / max(1, len(bad))


def main() -> None:
    """Prints the table, and what good pictures measure beside the limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shop", type=Path, help="for tuning and held_out")
    parser.add_argument("--judge", choices=("new", "tuning", "held_out"), default="new")
    parser.add_argument("--products", type=int, default=24, help="how many products get every defect")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.judge != "new" and not arguments.shop:
        parser.error(f"--judge {arguments.judge} needs --shop")
    found = new_products() if arguments.judge == "new" else products(arguments.shop, arguments.judge)
    chosen = {round(i * (len(found) - 1) / max(1, arguments.products - 1)) for i in range(arguments.products)}
    good: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    """Of scenes and of main images on white."""
    bad: dict[str, dict[int, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    false: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    rejected = {False: 0, True: 0}
    photographs = 0
    for number, product in enumerate(found):
        # A neighbour in the list stands in for the same product's picture for another persona.
        case = good_case(product.cutout, SIZES_CM[product.shape], number)
        other = good_case(product.cutout, SIZES_CM[product.shape], number + 7)
        white, is_photograph = main_image(product, case)
        photographs += is_photograph
        for shown in (replace(case, others=(other.look(),)), white):
            measured = shown.measured()
            good[shown.on_white].append(measured)
            if reasons := decide(measured, shown.limits()):
                rejected[shown.on_white] += 1
                false[shown.on_white].update(reasons)
                where = "on white" if shown.on_white else shown.order.spec.setting
                print(f"good but rejected: {product.sku}, {where}: {', '.join(reasons)}")
        for name, (_, make) in DEFECTS.items() if number in chosen else ():
            if name in SCALED and case.px_per_cm is None:
                continue  # nobody can tell how large it is there
            for strength in STRENGTHS:
                defect = make(white if name in ON_WHITE else case, strength)
                bad[name][strength].append((defect if name in READ else defect.unread()).measured())
    for on_white, told in ((False, "scenes"), (True, f"main images on white, {photographs} of photographs")):
        share = rejected[on_white] / len(found)
        print(
            f"\n{len(found)} good {told}; {rejected[on_white]} rejected ({share:.1%}): {dict(false[on_white])}"
        )
    print("\n| defect | reason | AP | rejected at strength 1 | 2 | 3 | 4 | good ones rejected for it |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    limits = {False: Thresholds(), True: Thresholds().of_look("white")}
    for name, (reason, _) in DEFECTS.items():
        on_white = name in ON_WHITE
        clean = [badness(row, reason, limits[on_white]) for row in good[on_white]]
        spoilt = {s: [badness(row, reason, limits[on_white]) for row in bad[name][s]] for s in STRENGTHS}
        precision = average_precision(clean, [value for values in spoilt.values() for value in values])
        shares = " | ".join(f"{np.mean([value > 0 for value in spoilt[s]]):.0%}" for s in STRENGTHS)
        print(f"| {name} | {reason} | {precision:.3f} | {shares} | {false[on_white][reason]} |")
    for on_white, told in ((False, "scenes"), (True, "on white")):
        print(f"\n| measurement, {told} | limit | good: worst 1 % | worst 5 % | median |")
        print("|---|---:|---:|---:|---:|")
        for rule in (*RULES, *SCALE_RULES):
            limit = getattr(limits[on_white], rule.limit)
            values = np.array([row[rule.measurement] for row in good[on_white] if rule.measurement in row])
            if not values.size:
                continue
            low = rule.limit.startswith("min_")
            at = [np.quantile(values, q) for q in ((0.01, 0.05, 0.5) if low else (0.99, 0.95, 0.5))]
            print(f"| {rule.measurement} | {limit:.4g} | {' | '.join(f'{value:.3g}' for value in at)} |")


if __name__ == "__main__":
    main()
