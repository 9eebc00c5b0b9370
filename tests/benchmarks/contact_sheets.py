"""Contact sheets of a night's products: every placement in every language, drawn and judged by the present code.

    python -m tests.benchmarks.contact_sheets --state var --config infra/config/local.toml --out sheets [--products 4]

One sheet is a product for one of its personas: a row for each placement, a column for each language, the verdict under
each picture. The state needs tables up to `personas`; copy is written anew, pictures go to a scratch folder. They are
for looking at, by a critical eye: what was seen and mended stands in RESULTS.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import product as pairs
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from infra.settings import load_config
from infra.tables import rows_to_table
from ray_tasks.due import scene_jobs
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.personas.texts import accepted_views
from ray_tasks.score_candidates import ScoreCandidates, planned_candidates
from ray_tasks.write_instructions import InstructionWriter, products_with_personas
from schemas.config import Config, Placement
from schemas.instruction import content_hash
from schemas.revisions import COMPONENT_SCENE
from tests.benchmarks.usable import Row, read

LOCALES = ("en", "de", "fr", "zh", "ar")
PLACEMENTS = {
    "square": Placement(width_px=1024, height_px=1024),
    "portrait": Placement(width_px=1080, height_px=1350),
    "story": Placement(width_px=1080, height_px=1920),
    "landscape": Placement(width_px=1200, height_px=628),
    "plain": Placement(width_px=1080, height_px=1080, look="plain", channel="main_image"),
    "white": Placement(width_px=1024, height_px=1024, look="white", channel="main_image"),
}
CELL_PX, CAPTION_PX, GAP_PX = 300, 22, 8


def main() -> None:
    """Writes the sheets, <merchant>_<sku>_<segment>.jpg, and prints how many pictures were rejected."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--products", type=int, default=4, help="of each shop, evenly over its catalog")
    parser.add_argument("--personas", type=int, default=1, help="of each product")
    parser.add_argument("--skip", type=int, default=0, help="begin with another product: other ones are seen")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    config = load_config(arguments.config)
    merchants = tuple(
        merchant.model_copy(update={"locales": LOCALES, "placements": tuple(PLACEMENTS)})
        for merchant in config.merchants
    )
    config = config.model_copy(update={"merchants": merchants, "placements": PLACEMENTS})
    counted, refused = 0, 0
    for name, sheet, rejected, count in sheets(config, arguments):
        cv2.imwrite(str(arguments.out / f"{name}.jpg"), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        print(
            f"{name}: {count - len(rejected)} of {count} accepted {'; '.join(sorted(set(rejected)))}",
            flush=True,
        )
        counted, refused = counted + count, refused + len(rejected)
    print(f"{counted} pictures, {refused} rejected")


def sheets(config: Config, arguments: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, list[str], int]]:
    """(name, (H, W, 3) uint8 sheet, reasons of its rejected pictures, number of pictures)."""
    state = arguments.state
    products, personas, segments = (
        rows_to_table(name, read(state, name)) for name in ("products", "personas", "segments")
    )
    views = accepted_views(state, config.cutout)
    seen = {row["image_sha256"]: row for row in views.to_pylist()}
    writer = InstructionWriter(
        segments,
        {merchant.id: LOCALES for merchant in config.merchants},
        placements={
            m.id: {name: place.channel for name, place in PLACEMENTS.items()} for m in config.merchants
        },
    )
    usable = sorted(products_with_personas(products, views, personas).to_pylist(), key=lambda row: row["sku"])
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        store.mkdir()
        (store / "cutouts").symlink_to((state / "store" / "cutouts").resolve())
        draw = DrawPictures(config, Path(scratch))
        judge = ScoreCandidates(config, Path(scratch), usable[0]["run_date"])
        for merchant in config.merchants:
            own = [row for row in usable if row["merchant_id"] == merchant.id]
            step = max(1, len(own) // arguments.products)
            for product in own[arguments.skip % step :: step][: arguments.products]:
                told = writer.instructions_of(product)
                view = seen[product["image_sha256"]]
                for segment in product["segment_ids"][: arguments.personas]:
                    mine = [row for row in told if row["segment_id"] == segment and not row["rejected_for"]]
                    units = [*planned(config, merchant, product, view, mine)]
                    drawn = draw(scene_jobs(units, mine)).to_pylist()
                    made = [row for row in drawn if not row["failure"]]
                    table = planned_candidates(
                        units, rows_to_table("candidates", [_plain(row) for row in made])
                    )
                    scores = {row["asset_id"]: judge.score(row) for row in table.to_pylist()}
                    faults = {
                        row["asset_id"]: row["failure"]
                        or ", ".join(scores[row["asset_id"]].get("reasons") or [])
                        or scores[row["asset_id"]].get("detail")
                        or ""
                        for row in drawn
                    }
                    pictures = {row["asset_id"]: (store / row["uri"]).read_bytes() for row in made}
                    yield (
                        f"{merchant.id}_{product['sku']}_{segment}",
                        sheet(units, pictures, faults),
                        [fault for fault in faults.values() if fault],
                        len(units),
                    )


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "failure"}


def planned(config: Config, merchant: Any, product: Row, view: Row, told: list[Row]) -> Iterator[Row]:
    """What `work_units` would hold for one persona of a product, in all placements and languages."""
    for (name, place), row in pairs(PLACEMENTS.items(), told):
        if place.look != "text" and row["locale"] != LOCALES[0]:
            continue
        placed = "cutout"
        if place.look == "white" and product["framed"]:
            placed = "white"
            if view["white_uri"] is None:
                continue
        height, has_text = config.scene_of(merchant, name)
        slot = {key: row[key] for key in ("merchant_id", "sku", "segment_id", "locale")} | {"placement": name}
        yield slot | {
            "asset_id": content_hash(slot),
            "identity": "",
            "run_date": product["run_date"],
            "persona_rank": 1,
            "variant": 0,
            "priority": 1.0,
            "offer": None,
            "width_px": place.width_px,
            "height_px": place.height_px,
            "look": place.look,
            "scene_height_px": height,
            "scene_text": has_text,
            "image_sha256": product["image_sha256"],
            "cutout_sha256": view[f"{placed}_sha256"],
            "cutout_uri": view[f"{placed}_uri"],
            "scene_backend": "component_scene",
            "scene_revision": COMPONENT_SCENE,
        }


def sheet(units: list[Row], pictures: dict[str, bytes], faults: dict[str, str]) -> np.ndarray:
    """(H, W, 3) uint8: a row for each placement with text, a column for each language; the others side by side."""
    rows = []
    for name in PLACEMENTS:
        own = [unit for unit in units if unit["placement"] == name]
        cells = [_cell(unit, pictures.get(unit["asset_id"]), faults[unit["asset_id"]]) for unit in own]
        if name == "white" and rows and cells:
            rows[-1] += cells
        elif cells:
            rows.append(cells)
    width = max(sum(cell.shape[1] + GAP_PX for cell in row) for row in rows) + GAP_PX
    page = np.full((sum(row[0].shape[0] + GAP_PX for row in rows) + GAP_PX, width, 3), 245, np.uint8)
    y = GAP_PX
    for row in rows:
        x = GAP_PX
        for cell in row:
            page[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
            x += cell.shape[1] + GAP_PX
        y += row[0].shape[0] + GAP_PX
    return page


def _cell(unit: Row, jpeg: bytes | None, fault: str) -> np.ndarray:
    width, height = CELL_PX, round(CELL_PX * unit["height_px"] / unit["width_px"])
    cell = np.full((height + CAPTION_PX, width, 3), 245, np.uint8)
    if jpeg is not None:
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        cell[:height] = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)[..., ::-1]
    words = f"{unit['placement']} {unit['locale']} {fault}"[:52]
    color = (190, 20, 20) if fault else (70, 70, 70)
    cv2.putText(cell, words, (2, height + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.44, color, 1, cv2.LINE_AA)
    return cell


if __name__ == "__main__":
    main()
