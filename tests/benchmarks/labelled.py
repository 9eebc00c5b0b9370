"""Something told of every labelled picture of the three real shops, in several processes."""

from __future__ import annotations

import argparse
import csv
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

DATA = Path(__file__).resolve().parents[1] / "data"

Told = TypeVar("Told")


def told_of_pictures(
    told: Callable[[Path], Told], labels: str, doc: str | None
) -> list[tuple[dict[str, str], Told]]:
    """Each row of `labels`, a CSV of tests/data with `shop` and `file`, and what is told of its picture.

    The command line's --data is the folder that the shops are in; `told` can be pickled.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with (DATA / labels).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = [arguments.data / row["shop"] / row["file"] for row in rows]
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        return list(zip(rows, pool.imap(told, paths, chunksize=4), strict=True))
