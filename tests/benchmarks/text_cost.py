"""Core-seconds of setting a text on a finished scene, of one or more checkouts in one run, on the same instructions.

python -m tests.benchmarks.text_cost --state var --checkout . [--checkout ../older] [--pictures 60] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

_CODE = """
import inspect, json, sys, time
from types import SimpleNamespace
import cv2, numpy as np
from ray_tasks.pictures.geometry import Canvas
from ray_tasks.pictures.layout import TextSpec, plan_layout
from ray_tasks.pictures.palette import harmonise
from ray_tasks.pictures.typeset import typeset
cv2.setNumThreads(1)
rows, rounds = json.loads(sys.stdin.read())
files = sorted({row["file"] for row in rows})
scenes = {f: np.ascontiguousarray(cv2.imread(f)[..., ::-1]) for f in files}
takes_locale = "locale" in inspect.signature(typeset).parameters
tones = harmonise(("#3d7a5a", "#e6b85c"), "calm", (0.1, 0.1, 0.1))
out = []
for _ in range(rounds):
    started = time.process_time()
    for row in rows:
        words = row["headline"], tuple(row["selling_points"]), row["sticker"], row["call_to_action"]
        text = TextSpec(*words, row["locale"])
        layout = plan_layout(Canvas(1024, 1024), row["layout"], 0.7, text)
        if takes_locale:
            typeset(scenes[row["file"]], layout, text, row["locale"], tones)
        else:
            typeset(scenes[row["file"]], layout, text, tones)
    out.append((time.process_time() - started) / len(rows))
print(json.dumps(out))
"""


def main() -> None:
    """Prints the table; rounds of the checkouts alternate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="a state folder with a finished night")
    parser.add_argument("--checkout", type=Path, action="append", required=True)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    from infra.tables import read_table

    files = [str(path) for path in sorted((args.state / "store" / "pictures").rglob("*.jpg"))]
    files = [name for name in files[:16]]
    names = ("headline", "selling_points", "sticker", "call_to_action", "locale", "layout")
    table = read_table(args.state, "instructions").sort_by([("instruction_hash", "ascending")])
    rows = [
        {name: row[name] for name in names} | {"file": files[i % len(files)]}
        for i, row in enumerate(table.to_pylist()[: args.pictures])
    ]
    times: dict[Path, list[float]] = {checkout: [] for checkout in args.checkout}
    for _ in range(args.rounds):
        for checkout in args.checkout:
            # The first pass fills what a worker keeps: faces, words measured before.
            done = subprocess.run(
                [sys.executable, "-c", _CODE],
                input=json.dumps([rows, 2]),
                cwd=checkout,
                env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
                capture_output=True,
                text=True,
                check=True,
            )
            times[checkout] += [json.loads(done.stdout)]
    print("| checkout | ms a text: first pass | later passes |\n|---|---|---|")
    for checkout, passes in times.items():
        cells = [
            f"{1000 * statistics.median(values):.1f} ({1000 * min(values):.1f} to {1000 * max(values):.1f})"
            for values in zip(*passes, strict=True)
        ]
        print(f"| {checkout.name or '.'} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
