"""What first steps that a product's scenes share cost in quality, and save in time: by the stages that draw and score.

    python -m tests.benchmarks.shared_steps --config infra/config/gpu.toml --shared 0 1   # scenes by these models
    python -m tests.benchmarks.shared_steps --tiny FOLDER                                 # tiny ones on the CPU

Every arm draws the same scenes of the same products from the same seeds, each product for several groups, and scores
them as a night does. Pictures of a product for two groups grow alike: that is what sharing costs, and `near_duplicate`
counts. Scenes painted again for their faults are in the time, as they are in a night's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa

from infra.object_store import open_store
from infra.settings import load_config
from infra.tables import rows_to_table
from ray_tasks.due import SCENE_JOBS
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.score_candidates import ScoreCandidates, planned_candidates
from schemas.config import Config
from schemas.instruction import SETTINGS, content_hash
from schemas.revisions import scene_revision
from tests.ray_tasks.pictures.product_shapes import bottle, shoe
from tests.tiny_night import save_tiny_night

GROUPS = 4
MEASURES = ("twin_distance", "twin_similarity", "setting_similarity", "clutter_product")
NIGHT = dt.date(2026, 11, 22)


def jobs(products: int, side: int, revision: str) -> list[dict[str, Any]]:
    """Rows of SCENE_JOBS: every product in one layout for `GROUPS` groups, in settings of their own."""
    rows = []
    for number in range(products * GROUPS):
        product, group = divmod(number, GROUPS)
        setting = SETTINGS[(product * 5 + group * 9) % len(SETTINGS)]
        asset = content_hash({"product": product, "group": group})
        text = {"locale": "en", "headline": "Made for today", "selling_points": [], "sticker": None,
                "call_to_action": None, "alt_text": "A product", "product_alt_text": None,
                "instruction_hash": "3" * 64}  # fmt: skip
        rows.append({
            "merchant_id": "shop", "sku": f"P-{product}", "segment_id": f"group_{group}", "variant": 0,
            "run_date": NIGHT, "width_px": side, "scene_height_px": side, "scene_text": True,
            "image_sha256": f"{product:064x}", "cutout_sha256": f"{product:064x}",
            "cutout_uri": f"cutouts/{product}.png", "scene_backend": "diffusion", "scene_revision": revision,
            "layout": "headline_top", "texts": [text], "reference": None,
            "scene": {"setting": setting, "light": "window_left", "season": "all", "mood": "calm",
                      "palette": ["#8a5a36", "#d9a05b"], "props": ["none"]},
            "pictures": [{"locale": "en", "placement": "square", "height_px": side, "look": "text",
                          "asset_id": asset, "identity": "{}"}],
        })  # fmt: skip
    return rows


def with_shared(config: Config, shared: int) -> Config:
    """The configuration with so many shared steps. Raises ValueError where there are not so many."""
    assert config.scene.diffusion is not None
    settings = config.scene.diffusion.model_dump() | {"shared_steps": shared}
    diffusion = type(config.scene.diffusion).model_validate(settings)
    return config.model_copy(update={"scene": config.scene.model_copy(update={"diffusion": diffusion})})


def arm(config: Config, products: int, side: int, state: Path) -> tuple[list[dict[str, Any]], float, int]:
    """Scores of one arm's pictures, seconds a scene, and scenes that could not be painted."""
    store = open_store(config.store, state)
    for number in range(products):
        cutout = shoe(420) if number % 5 == 4 else bottle(420, (40 + 20 * (number % 8), 90, 60))
        png = cv2.imencode(".png", cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))[1].tobytes()
        store.put(f"cutouts/{number}.png", png)
    # As every arm's, so that they differ by what is shared alone.
    work = jobs(products, side, scene_revision(with_shared(config, 0).scene))
    draw = DrawPictures(config, state)
    # Loading, compiling and the sweep for a batch size are not what is compared.
    draw(pa.Table.from_pylist(work[: 2 * GROUPS], schema=SCENE_JOBS))
    started = time.perf_counter()
    made = draw(pa.Table.from_pylist(work, schema=SCENE_JOBS)).to_pylist()
    each_s = (time.perf_counter() - started) / len(work)
    drawn = [{k: v for k, v in row.items() if k != "failure"} for row in made if not row["failure"]]
    units = [
        {name: row[name] for name in ("asset_id", "merchant_id", "sku", "segment_id", "cutout_uri", "image_sha256")}
        | {"locale": "en", "placement": "square", "look": "text", "persona_rank": 1}
        for row in (job | job["pictures"][0] for job in work)
    ]  # fmt: skip
    planned = planned_candidates(units, rows_to_table("candidates", drawn))
    return ScoreCandidates(config, state, NIGHT)(planned).to_pylist(), each_s, len(made) - len(drawn)


def line(shared: int, scored: Sequence[dict[str, Any]], each_s: float, failed: int) -> str:
    """A row of the table."""
    found = [{one["name"]: one["value"] for one in row["measurements"]} for row in scored]
    medians = [[row[name] for row in found if row.get(name) is not None] for name in MEASURES]
    told = " | ".join(f"{statistics.median(values):.3g}" if values else "-" for values in medians)
    accepted = sum(row["verdict"] == "accepted" for row in scored) / max(1, len(scored))
    reasons = Counter(reason for row in scored for reason in row["reasons"] or ())
    named = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(4)) or "none"
    return f"| {shared} | {len(scored)} | {failed} | {accepted:.0%} | {told} | {each_s:.3g} | {named} |"


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path("infra/config/gpu.toml"))
    parser.add_argument("--tiny", type=Path, metavar="FOLDER", help="save tiny models there and use them")
    parser.add_argument("--products", type=int, default=24, help=f"of {GROUPS} groups each")
    parser.add_argument("--side", type=int, default=1024, help="of a picture, in pixels")
    parser.add_argument("--shared", type=int, nargs="+", default=[0, 1])
    args = parser.parse_args(argv)
    config = load_config(save_tiny_night(args.tiny) if args.tiny is not None else args.config)
    if config.scene.diffusion is None:
        sys.exit(f"{args.config} has no [scene.diffusion]")
    print(f"| shared steps of {config.scene.diffusion.steps} | pictures | not painted | accepted | "
          f"{' | '.join(MEASURES)} | s a scene | rejected for |")  # fmt: skip
    print("|" + "---|" * (6 + len(MEASURES)))
    for shared in args.shared:
        with tempfile.TemporaryDirectory() as scratch:
            scored, each_s, failed = arm(with_shared(config, shared), args.products, args.side, Path(scratch))
        print(line(shared, [row for row in scored if not row["failure"]], each_s, failed), flush=True)


if __name__ == "__main__":
    main()
