"""How often a picture's tags are right, by cue: of the three real shops and the sample shop.

    python -m tests.benchmarks.tags --data ../shared/data --state var [--processes 2]

A cue is right where the catalog says the same of the product: its title, category, facts or description. People are
judged by tests/data/picture_labels.csv. --state is a state with a night of the sample shop, whose pictures it reads.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import re
from collections import defaultdict
from pathlib import Path

import cv2

from infra.tables import read_table
from ray_tasks.build_product_views import LEAST_READING, plain_line
from ray_tasks.pictures.colours import product_palette
from ray_tasks.pictures.cues import MATERIALS, VESSEL, form_cues, lettering_cues
from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.ocr import read_text
from ray_tasks.pictures.open_image import ImageRejected, open_image
from ray_tasks.pictures.people import skin_share
from tests.benchmarks.labelled import DATA

_VESSEL_WORDS = re.compile(
    r"\b(bottle|can|jar|mug|flask|thermos|tumbler|carafe|cup|tube|tin|paint|primer|stain|shampoo|cream|balm|mask|lotion|"
    r"cold brew|oil|soda|vase|kombucha|candle|water|shake|powder|espresso|latte|coffee)\b"
)
_COLOURS = re.compile(r"\b(black|white|grey|gray|red|orange|brown|yellow|green|blue|navy|purple|pink|teal)\b")
_FAMILY = {
    "gray": "grey",
    "dark red": "red",
    "dark green": "green",
    "navy": "blue",
    "sky blue": "blue",
    "silver": "grey",
}


def catalog(data: Path, state: Path) -> dict[str, str]:
    """Path of a picture -> what its shop says of the product, in lower case."""
    said = {}
    demo, outdoor, diy = data / "retail_demo_store", data / "eshop_outdoor", data / "zava_diy"
    for line in (demo / "catalog.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said[str(demo / "images" / row["category"] / row["image"])] = (
            f"{row['name']}. {row['category']}. {row['description']}"
        )
    for row in json.loads((outdoor / "catalog.json").read_text(encoding="utf-8")):
        said[str(outdoor / "Pics" / f"{row['Id']}.webp")] = (
            f"{row['Name']}. {row['Type']}. {row['Description']}"
        )
    with (diy / "products.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            said[str(diy / "images" / row["image_path"])] = (
                f"{row['name']}. {row['subcategory']}. {row['description']}"
            )
    for row in read_table(state, "products").to_pylist():
        facts = " ".join(fact["value"] for fact in row["facts"])
        said[row["image_uri"] or ""] = f"{row['title']}. {row['category']}. {row['description']} {facts}"
    return {path: text.lower() for path, text in said.items() if Path(path).is_file()}


def seen(path: str) -> tuple[list[str], list[str], list[str], bool] | None:
    """(form cues, lettering cues, names of colours, a person); None where the file is no picture."""
    cv2.setNumThreads(1)
    try:
        image = open_image(Path(path).read_bytes())
    except ImageRejected:
        return None
    cut = ClassicalCutOut().cut(image.rgb, image.alpha)
    lines = [plain_line(text) for text, _, score in read_text(image.rgb) if score >= LEAST_READING]
    form = form_cues(cut.rgba[..., 3]) if cut.reason is None else []
    colours = [colour.name for colour in product_palette(cut.rgba)] if cut.reason is None else []
    return form, lettering_cues(lines), colours, skin_share(image.rgb) > 0


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    said = catalog(arguments.data, arguments.state)
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        found = dict(zip(said, pool.imap(seen, said, chunksize=4), strict=True))
    with (DATA / "picture_labels.csv").open(encoding="utf-8", newline="") as file:
        label = {
            str(arguments.data / row["shop"] / row["file"]): row["label"] for row in csv.DictReader(file)
        }
    right: dict[str, list[bool]] = defaultdict(list)
    shares: dict[str, list[bool]] = defaultdict(list)
    for path, cues in found.items():
        if cues is None:
            continue
        form, lettering, colours, person = cues
        text = said[path]
        for _ in form:
            right[VESSEL].append(bool(_VESSEL_WORDS.search(text)))
        for words in lettering:
            kind = "material by its lettering" if words in MATERIALS else "kind by its lettering"
            right[kind].append(all(word.rstrip("s") in text for word in words.split()))
        if person and path in label:
            right["people"].append(label[path] == "person")
        named = {_FAMILY.get(name, name) for name in _COLOURS.findall(text.split(".")[0])}
        if colours and len(named) == 1:
            shares["a title's colour among the tags"].append(
                bool(named & {_FAMILY.get(c, c) for c in colours})
            )
            shares["a title's colour is the first of them"].append(
                _FAMILY.get(colours[0], colours[0]) in named
            )
    print(f"{len(found)} pictures\n\n| cue | said | right | precision |\n|---|---|---|---|")
    for name, values in [*sorted(right.items()), *sorted(shares.items())]:
        print(f"| {name} | {len(values)} | {sum(values)} | {sum(values) / len(values):.2f} |")


if __name__ == "__main__":
    main()
