"""Rows that several processes replace at one moment, each its own part of a night."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from infra import tables
from infra.table_contract import ensure_table
from infra.tables import (
    COMMIT_SHARE,
    ROW_GROUP_ROWS,
    Appended,
    read_table,
    replace_streamed,
    rows_to_table,
    table_path,
)
from schemas.tables import BY_NAME

NIGHT = dt.date(2026, 11, 21)


def _rows(sku: str, segment_id: str) -> pa.Table:
    row: dict[str, Any] = {
        "run_date": NIGHT,
        "merchant_id": "m",
        "sku": sku,
        "segment_id": segment_id,
        "rank": 1,
    }
    row |= {"score": 0.5, "affinity_score": 0.5, "text_score": 0.0, "evidence": [], "method_revision": "1"}
    return rows_to_table("personas", [row])


def test_shards_that_end_at_one_moment_all_land(tmp_path: Path) -> None:
    ensure_table(table_path(tmp_path, "personas"), BY_NAME["personas"])
    together = threading.Barrier(4)

    def batches(rows: pa.Table) -> Iterator[pa.RecordBatch]:
        yield from rows.to_batches()
        together.wait()

    def replace_all(segment_id: str) -> None:
        threads = [
            threading.Thread(
                target=replace_streamed,
                args=(
                    tmp_path,
                    "personas",
                    batches(_rows(sku, segment_id)),
                    f"run_date = '{NIGHT}' AND sku = '{sku}'",
                ),
            )
            for sku in "ABCD"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    replace_all("first")
    replace_all("second")
    found = read_table(tmp_path, "personas", columns=["sku", "segment_id"]).to_pylist()
    assert sorted((row["sku"], row["segment_id"]) for row in found) == [(sku, "second") for sku in "ABCD"]
    assert DeltaTable(table_path(tmp_path, "personas")).version() >= 8
    assert not list((tmp_path / "waiting").iterdir())


def test_a_range_of_rows_is_read_without_the_rest(tmp_path: Path) -> None:
    ensure_table(table_path(tmp_path, "personas"), BY_NAME["personas"])
    count = 3 * ROW_GROUP_ROWS
    rows = _rows("", "s").take(pa.array([0] * count)).combine_chunks()
    skus = pa.array([f"{n:06}" for n in range(count)])
    rows = rows.set_column(rows.column_names.index("sku"), rows.schema.field("sku"), skus)
    replace_streamed(tmp_path, "personas", iter(rows.to_batches()), f"run_date = '{NIGHT}'")
    (uri,) = DeltaTable(table_path(tmp_path, "personas")).file_uris()
    file = pq.ParquetFile(uri.removeprefix("file://"))
    sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert max(sizes) <= ROW_GROUP_ROWS and sum(sizes) == count
    for number in range(file.num_row_groups):
        group = [int(sku) for sku in file.read_row_group(number, ["sku"])["sku"].to_pylist()]
        assert max(group) - min(group) < 2 * ROW_GROUP_ROWS


@pytest.mark.parametrize(
    ("commit_s", "minutes", "least", "most"), [(0.02, 0.5, 25, 31), (0.5, 0.5, 2, 3), (0.02, 600, 200, 700)]
)
def test_made_rows_are_committed_as_often_as_is_cheap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit_s: float, minutes: float, least: int, most: int
) -> None:
    class Clock:
        now_s = worked_s = 0.0

        def monotonic(self) -> float:
            return self.now_s

        def process_time(self) -> float:
            return self.worked_s

    clock, committed = Clock(), []

    def commit(state: Path, name: str, rows: pa.Table) -> None:
        committed.append(rows.num_rows)
        clock.now_s += commit_s
        clock.worked_s += commit_s

    monkeypatch.setattr(tables, "time", clock)
    monkeypatch.setattr(tables, "append_rows", commit)
    monkeypatch.setattr(tables, "rows_to_table", lambda name, rows: pa.table({"a": list(rows)}))
    added = 0
    with Appended(tmp_path, "candidates") as table:
        while clock.now_s < 60 * minutes:
            clock.now_s += 0.1
            table.add([{}])
            added += 1
    assert sum(committed) == added
    assert least <= len(committed) <= most
    assert len(committed) * commit_s <= 1.1 * COMMIT_SHARE * clock.now_s + 2 * commit_s


def test_an_error_behind_a_commit_commits_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = []

    def commit(state: Path, name: str, rows: pa.Table) -> None:
        committed.append(rows.num_rows)
        raise RuntimeError("Ray's raylet died")

    monkeypatch.setattr(tables, "append_rows", commit)
    monkeypatch.setattr(tables, "rows_to_table", lambda name, rows: pa.Table.from_pylist(list(rows)))
    with pytest.raises(RuntimeError), Appended(tmp_path, "candidates") as table:
        table.add([{"asset_id": "a"}])
    assert committed == [1]
