"""Products a second of persona scoring by catalog size, 1,000 segments: `python -m tests.benchmarks.personas_scale`.

Two processes score made-up products in blocks, each on one thread: parts, score, diversity, evidence and rows of
`personas`, as a Ray actor does; embeddings are given (random unit vectors). Memory is the largest resident size of a
process. The embedding is measured apart, on real texts with MiniLM.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from infra.sample_shop.events import sellable
from infra.tables import rows_to_table
from ray_tasks.infer_personas import MOST_BATCH_ROWS, PersonaRanker
from ray_tasks.models.text_embedder import MiniLMEmbedder
from ray_tasks.personas.own_past import with_own_past
from ray_tasks.personas.texts import product_text
from tests.ray_tasks.records import affinity, product, segment

SEGMENTS, CATEGORIES, BRANDS, TAGS, BANDS = 1000, 400, 300, 1200, 10
SHARE_OF_VALUES = 0.15
OWN_SEGMENTS = 20
TOP_K = 5
PROCESSES = 2


class GivenVectors:
    """An embedder whose vectors cost nothing: rows of one random matrix."""

    name, revision = "given", "1"

    def __init__(self) -> None:
        rows = np.random.default_rng(1).normal(size=(4096, 384)).astype(np.float32)
        self._rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, 384)."""
        return self._rows[[len(text) * 31 % 4096 for text in texts]]


def ranker() -> PersonaRanker:
    """A ranker over made-up segments, each with rows for some of the values."""
    rng = np.random.default_rng(2)
    names = [("category", f"room {n % 20} > shelf {n}") for n in range(CATEGORIES)]
    names += [("category", f"room {n}") for n in range(20)]
    names += [("brand", f"brand {n}") for n in range(BRANDS)]
    names += [("tag", f"tag {n}") for n in range(TAGS)]
    names += [("price_band", f"p{n}") for n in range(BANDS)]
    segments = [
        segment(f"s{n:04d}", f"People number {n} who like things.", [f"place {n}", f"room {n % 50}"])
        for n in range(SEGMENTS)
    ]
    rows = [
        affinity(
            one["segment_id"], *names[at], float(np.exp(rng.normal(0, 0.5))), float(rng.integers(5, 500))
        )
        for one in segments
        for at in np.flatnonzero(rng.random(len(names)) < SHARE_OF_VALUES)
    ]
    tables = rows_to_table("segments", segments), rows_to_table("segment_affinity", rows)
    return PersonaRanker(*tables, {"roastery": TOP_K}, {"roastery": ("panel",)}, GivenVectors())


def block(start: int) -> pa.Table:
    """MOST_BATCH_ROWS products from number `start` on, each with a past in OWN_SEGMENTS segments."""
    rng = np.random.default_rng(start)
    numbers = range(start, start + MOST_BATCH_ROWS)
    past = [
        affinity(f"s{at:04d}", "product", f"roastery/P{n}", float(np.exp(rng.normal(0, 0.5))), 40.0)
        | {"users": 9}
        for n in numbers
        for at in rng.choice(SEGMENTS, OWN_SEGMENTS, replace=False)
    ]
    products = rows_to_table(
        "products",
        [
            product(
                f"P{n}",
                title=f"Thing {n}",
                category=f"Room {n % 20} > Shelf {n * 7 % (CATEGORIES * 5 // 4)}",
                brand=f"Brand {n % (BRANDS + 30)}",
                tags=[f"tag {n * k % (TAGS + 100)}" for k in (3, 5, 11, 17)],
                price_minor=100 + n * 37 % 90_000,
            )
            for n in numbers
        ],
    )
    return with_own_past(products, rows_to_table("segment_affinity", past))


def score(job: tuple[int, int, int]) -> tuple[int, float, float, int]:
    """Products scored, wall and processor seconds, peak memory (KiB) of process `own` of PROCESSES for a catalog."""
    own, size, _ = job
    with threadpool_limits(limits=1):
        made, blocks = ranker(), [block(n * MOST_BATCH_ROWS) for n in range(8)]
        made(blocks[0])
        count = -(-size // (MOST_BATCH_ROWS * PROCESSES))
        started, worked = time.perf_counter(), time.process_time()
        for n in range(count):
            made(blocks[(own + n) % len(blocks)])
        wall, worked = time.perf_counter() - started, time.process_time() - worked
    return count * MOST_BATCH_ROWS, wall, worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def embedding(count: int) -> tuple[float, float]:
    """Texts a second of MiniLM on one thread, and the mean length in words."""
    texts = [f"{product_text(row)} Article {n}." for n, row in enumerate(_rows(count))]
    embedder = MiniLMEmbedder()
    embedder.embed(texts[:32])
    started = time.perf_counter()
    embedder.embed(texts)
    return len(texts) / (time.perf_counter() - started), float(np.mean([len(text.split()) for text in texts]))


def _rows(count: int) -> list[dict[str, object]]:
    shop = [
        {"title": one.name, "category": one.category, "tags": list(one.tags), "description": one.text}
        for one in sellable()
    ]
    return (shop * (count // len(shop) + 1))[:count]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--texts", type=int, default=2000)
    args = parser.parse_args()
    heads = (
        "products",
        "seconds",
        "processor s of both",
        "products/s",
        "products/processor s",
        "peak MB of a process",
    )
    sys.stdout.write("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads) + "\n")
    measured = []
    for size in args.sizes:
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            found = pool.map(score, [(own, size, 0) for own in range(PROCESSES)], chunksize=1)
        done, seconds = sum(one[0] for one in found), max(one[1] for one in found)
        worked, peak = sum(one[2] for one in found), max(one[3] for one in found) / 1024
        measured.append((done, seconds, worked))
        cells = (
            f"{done:,}",
            f"{seconds:.1f}",
            f"{worked:.1f}",
            f"{done / seconds:,.0f}",
            f"{done / worked:,.0f}",
        )
        sys.stdout.write("| " + " | ".join(cells) + f" | {peak:,.0f} |\n")
        sys.stdout.flush()
    if len(measured) > 1:
        x, wall, processor = np.log(measured).T
        slopes = [float(np.polyfit(x, y, 1)[0]) for y in (wall, processor)]
        sys.stdout.write(
            f"\nslope over log products: of log seconds {slopes[0]:.3f}, of log processor {slopes[1]:.3f}\n"
        )
    rate, words = embedding(args.texts)
    sys.stdout.write(f"MiniLM on one thread: {rate:.0f} texts/s of {words:.0f} words\n")


if __name__ == "__main__":
    main()
