"""How well each defect of a picture is told from good ones, on product shapes that no threshold was chosen on.

    python -m tests.benchmarks.defects [--judge new|tuning|held_out] [--shop var/sample_shop] [--products 24]

`new`: packshots that no shop sells, drawn for this table alone: every shape of the sample shop's drawer whose name the
hash gives to it, in other proportions, views, colours and grounds. No threshold was ever chosen on them: when one of
them fails, the table says so, and the limits stay. `tuning` and `held_out`: the sample shop's families (the hundreds of
a SKU) divided in two, of which limits were chosen on the first, and looked at beside the second; it is made by
`python -m infra.sample_shop --out var/sample_shop`. A product counts where its cut-out agrees with its exact mask (IoU
of 0.97 at least). AP is the average precision of the reason's own measurements over good pictures and those with the
defect, all strengths together; the shares are of pictures rejected for that reason at the thresholds.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np

from infra.sample_shop import catalog, shapes
from infra.sample_shop.packshot import Label, Shot, compose
from infra.sample_shop.shapes import Solid
from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.component_scene import DRAWERS
from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.decide import RULES, SCALE_RULES, Thresholds, decide
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.open_image import ImageRejected, open_image
from ray_tasks.pictures.palette import Rgb, oklch
from ray_tasks.pictures.scene import SceneSpec
from schemas.instruction import LAYOUTS, LIGHTS, MOODS, SETTINGS
from tests.benchmarks.cutout import measures
from tests.ray_tasks.pictures.defects import DEFECTS, READ, SCALED, STRENGTHS, Case, draw_case

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


def products(shop: Path, judge: str) -> list[tuple[str, str, np.ndarray]]:
    """(SKU, shape, cut-out) of the product families of one half, where the cut-out is as good as the exact mask."""
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
                found.append((mask.stem, drawn[mask.stem], cut.rgba))
    return found


def new_products(count: int = 30) -> list[tuple[str, str, np.ndarray]]:
    """(name, shape, cut-out) of packshots drawn for this table, where the cut-out is as good as the exact mask."""
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
        cut = ClassicalCutOut().cut(np.ascontiguousarray(picture[..., ::-1]))
        if cut.verdict == "accepted" and measures(cut.alpha, exact)[0] >= 0.97:
            found.append((f"{name} {number}", name, cut.rgba))
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
    thresholds = Thresholds()
    if arguments.judge != "new" and not arguments.shop:
        parser.error(f"--judge {arguments.judge} needs --shop")
    cutouts = new_products() if arguments.judge == "new" else products(arguments.shop, arguments.judge)
    chosen = {
        round(i * (len(cutouts) - 1) / max(1, arguments.products - 1)) for i in range(arguments.products)
    }
    good: list[dict[str, float]] = []
    bad: dict[str, dict[int, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    false: Counter[str] = Counter()
    rejected = 0
    for number, (sku, shape, cutout) in enumerate(cutouts):
        # A neighbour in the list stands in for the same product's picture for another persona.
        case = good_case(cutout, SIZES_CM[shape], number)
        other = good_case(cutout, SIZES_CM[shape], number + 7)
        measured = Case.measured(_with_other(case, other))
        good.append(measured)
        if reasons := decide(measured, thresholds):
            rejected += 1
            false.update(reasons)
            print(f"good but rejected: {sku}, {case.order.spec.setting}: {', '.join(reasons)}")
        for name, (_, make) in DEFECTS.items() if number in chosen else ():
            if name in SCALED and case.px_per_cm is None:
                continue  # nobody can tell how large it is there
            for strength in STRENGTHS:
                defect = make(case, strength)
                bad[name][strength].append((defect if name in READ else defect.unread()).measured())
    print(f"\n{len(good)} good pictures, {rejected} rejected ({rejected / len(good):.1%}): {dict(false)}\n")
    print("| defect | reason | AP | rejected at strength 1 | 2 | 3 | 4 | good ones rejected for it |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, (reason, _) in DEFECTS.items():
        clean = [badness(row, reason, thresholds) for row in good]
        spoilt = {s: [badness(row, reason, thresholds) for row in bad[name][s]] for s in STRENGTHS}
        precision = average_precision(clean, [value for values in spoilt.values() for value in values])
        shares = " | ".join(f"{np.mean([value > 0 for value in spoilt[s]]):.0%}" for s in STRENGTHS)
        print(f"| {name} | {reason} | {precision:.3f} | {shares} | {false[reason]} |")
    print("\n| measurement | limit | good: worst 1 % | worst 5 % | median |")
    print("|---|---:|---:|---:|---:|")
    for rule in (*RULES, *SCALE_RULES):
        values = np.array([row[rule.measurement] for row in good if rule.measurement in row])
        low = rule.limit.startswith("min_")
        at = [np.quantile(values, q) for q in ((0.01, 0.05, 0.5) if low else (0.99, 0.95, 0.5))]
        limit = getattr(thresholds, rule.limit)
        print(f"| {rule.measurement} | {limit:.4g} | {' | '.join(f'{value:.3g}' for value in at)} |")


def _with_other(case: Case, other: Case) -> Case:
    return Case(**{**vars(case), "others": (other.look(),)})


if __name__ == "__main__":
    main()
