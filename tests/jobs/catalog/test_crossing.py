"""What only several rows show, over several files of staged products."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from infra.commit_files import file_schema
from infra.parquet_file import NewFile
from jobs.catalog.crossing import Held, crossed, held, usual_spellings
from jobs.catalog.finishing import Decided, first_rows, places
from schemas.samples import sample_rows
from schemas.tables import BY_NAME

TABLE = BY_NAME["products"]


def _held(folder: Path, rows: list[tuple[int, str, str | None, int]]) -> Held:
    """A file of products of one merchant: (row of the feed, SKU, parent, price)."""
    made = sample_rows(TABLE, 1).select(file_schema(TABLE).names).to_pylist()[0]
    own = [
        made
        | {
            "merchant_id": "m",
            "feed_file": "f",
            "feed_row": n,
            "sku": sku,
            "parent_sku": parent,
            "price_minor": p,
        }
        for n, sku, parent, p in rows
    ]
    with NewFile(folder, file_schema(TABLE)) as file:
        file.write(pa.RecordBatch.from_pylist(own, file_schema(TABLE)))
    return held(*file.paths)


@pytest.mark.parametrize("share_rows", [1, 65_536])
def test_faults_are_found_across_files_and_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share_rows: int
) -> None:
    monkeypatch.setattr("jobs.catalog.crossing.SHARE_ROWS", share_rows)
    files = [
        _held(tmp_path, [(5, "a", None, 1), (6, "b", "a", 1), (7, "c", "d", 1), (8, "e", "gone", 1)]),
        _held(tmp_path, [(2, "a", None, 1), (3, "b", "a", 2), (4, "d", "c", 1), (9, "own", "own", 1)]),
    ]
    found = crossed(files)
    assert {tuple(row.values()) for row in found.select(["row", "sku", "reason", "detail"]).to_pylist()} == {
        (5, "a", "sku_repeated", "first in row 2"),
        (6, "b", "sku_conflicting", "first in row 3"),
        (8, "e", "parent_missing", "gone"),
        (7, "c", "parent_cyclic", "d"),
        (4, "d", "parent_cyclic", "c"),
    }
    assert {row["row"]: row["staged"] for row in found.to_pylist()}[7] == str(files[0].path)
    dropped = Decided(places(found), None, {})
    assert first_rows([file.path for file in files], dropped, 2)["row"].to_pylist() == [2, 3]


def test_nothing_is_found_in_sound_rows_and_in_none(tmp_path: Path) -> None:
    assert crossed([_held(tmp_path, [(1, "a", "group", 1), (2, "b", "group", 1)])]).num_rows == 0
    assert crossed([]).num_rows == 0


@pytest.mark.parametrize(
    ("brands", "usual"),
    [
        ({"Acme": 2, "ACME": 1, "Other": 5}, {"ACME": "Acme"}),
        ({"Acme": 1, "ACME": 1}, {"ACME": "Acme"}),
        ({"Acme": 0, "ACME": 1}, {}),
    ],
)
def test_the_commonest_spelling_is_the_usual_one(brands: dict[str, int], usual: dict[str, str]) -> None:
    assert usual_spellings(Counter(brands)) == usual
