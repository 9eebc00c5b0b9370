"""The share of pictures that can be used at first try and after each retry, by a finished night's plan.

    python -m tests.benchmarks.usable --state var --config infra/config/three_shops.toml [--products 12]

Draws and scores anew, with the present code and as the stages do, what the night planned for every n-th product of each
shop; pictures go to a scratch folder beside the state's cut-outs. A unit is one product, persona, language and place.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa

from infra.settings import load_config
from infra.tables import rows_to_table, table_path
from ray_tasks.due import due_units, scene_jobs
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.score_candidates import ScoreCandidates, planned_candidates

Row = dict[str, Any]


def read(state: Path, name: str) -> list[Row]:
    """All rows of a table, whatever version of the contract wrote it."""
    rows: list[Row] = pa.table(deltalake.DeltaTable(table_path(state, name)).scan().read_all()).to_pylist()
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--products", type=int, default=12, help="of each shop")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    units, instructions = read(arguments.state, "work_units"), read(arguments.state, "instructions")
    night = max(unit["run_date"] for unit in units)
    units = [unit for unit in units if unit["run_date"] == night]
    instructions = [row for row in instructions if row["run_date"] == night]
    print(
        "| shop | units | usable at first try | after one retry | after two | rejected for | retries changed |"
    )
    print("|---|---:|---:|---:|---:|---|---|")
    for shop in sorted({unit["merchant_id"] for unit in units}):
        skus = sorted({unit["sku"] for unit in units if unit["merchant_id"] == shop})
        kept = set(skus[:: max(1, len(skus) // arguments.products)])
        mine = [unit for unit in units if unit["merchant_id"] == shop and unit["sku"] in kept]
        told = [row for row in instructions if row["merchant_id"] == shop]
        with tempfile.TemporaryDirectory() as scratch:
            store = Path(scratch) / "store"
            store.mkdir()
            (store / "cutouts").symlink_to((arguments.state / "store" / "cutouts").resolve())
            shares, reasons, changed = follow(mine, told, config, Path(scratch), night)
        after = " | ".join(f"{share:.1%}" for share in shares)
        slots = len({tuple(unit[name] for name in SLOT) for unit in mine})
        print(f"| {shop} | {slots} | {after} | {told_of(reasons)} | {told_of(changed)} |")


SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")


def told_of(counts: Counter[str]) -> str:
    """`cluttered 3, banding 1`, commonest first."""
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


def follow(
    units: list[Row], instructions: list[Row], config: Any, scratch: Path, night: Any
) -> tuple[list[float], Counter[str], Counter[str]]:
    """Share of slots with an accepted picture after each of three rounds; first reasons; what retries changed."""
    draw, judge = DrawPictures(config, scratch), ScoreCandidates(config, scratch, night)
    made: dict[str, Row] = {}
    verdicts: dict[str, str] = {}
    rejected: dict[str, list[str]] = {}
    reasons: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    slot_of = {unit["asset_id"]: tuple(unit[name] for name in SLOT) for unit in units}
    usable: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
    for attempt in range(3):
        jobs = scene_jobs(due_units(units, set(made), rejected), instructions)
        drawn = [row for row in draw(jobs).to_pylist()]
        for row in drawn:
            if row["failure"]:
                raise SystemExit(f"{row['sku']}: {row['failure']}")
            changed.update(["+".join(row["changes"])] if row["changes"] else [])
        made |= {row["asset_id"]: row for row in drawn}
        planned = planned_candidates(units, rows_to_table("candidates", made.values()), verdicts).to_pylist()
        for row in planned:
            if row["asset_id"] in verdicts:
                continue
            score = judge.score(row)
            verdicts[row["asset_id"]] = score.get("verdict") or score["failure"]
            if verdicts[row["asset_id"]] != "accepted":
                rejected[row["asset_id"]] = score.get("reasons") or [score["failure"]]
                reasons[rejected[row["asset_id"]][0]] += 1
        usable[attempt] = {slot_of[a] for a, verdict in verdicts.items() if verdict == "accepted"}
    slots = len(set(slot_of.values()))
    return [len(usable[attempt]) / max(1, slots) for attempt in range(3)], reasons, changed


if __name__ == "__main__":
    main()
