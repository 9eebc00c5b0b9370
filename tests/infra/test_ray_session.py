"""Rows through Ray's workers."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa

from infra.ray_session import map_rows
from schemas.config import Engines


def test_a_batch_is_given_before_the_next_one_is_made(tmp_path: Path) -> None:
    seen, given = tmp_path / "seen", []

    class WaitsForTheFirst:  # here, so that it goes to Ray by value: its workers do not import tests
        def __init__(self) -> None:
            self.batches = 0

        def __call__(self, batch: pa.Table) -> pa.Table:
            self.batches += 1
            until = time.monotonic() + 120
            # Whichever of them that is: an actor takes batches in any order.
            while self.batches == 2 and not seen.exists():
                assert time.monotonic() < until, "the first batch was not given while the second one was made"
                time.sleep(0.02)
            return batch

    rows = pa.table({"n": [0, 1]})
    for batch in map_rows(rows, WaitsForTheFirst, {}, Engines(cores=1), batch_rows=1):
        given += batch["n"].to_pylist()
        seen.touch()
    assert sorted(given) == [0, 1]
