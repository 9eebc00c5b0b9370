"""Files that become rows of a night in one commit: what they replace, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from infra.commit_files import commit_files, file_schema
from infra.parquet_file import NewFile
from infra.table_contract import ContractError, ensure_table
from infra.tables import open_table, read_night, replace_rows, table_path
from schemas.samples import sample_rows
from schemas.tables import BY_NAME

TABLE = BY_NAME["products"]
NIGHT, BEFORE = dt.date(2026, 11, 21), dt.date(2026, 11, 20)


def _rows(night: dt.date, **columns: list[str] | list[int]) -> pa.Table:
    rows = sample_rows(TABLE, len(next(iter(columns.values()))))
    columns |= {"feed_date": [night] * len(rows), "run_date": [night] * len(rows)}  # type: ignore[dict-item]
    for name, values in columns.items():
        field = TABLE.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))
    return rows


def _commit(state: Path, night: dt.date, merchants: list[str], **columns: list[str] | list[int]) -> None:
    with NewFile(state, file_schema(TABLE)) as file:
        for batch in _rows(night, **columns).to_batches():
            file.write(batch)
    commit_files(state, "products", file.paths, night, merchants, state)


def _skus(state: Path, night: dt.date = NIGHT) -> list[str]:
    return sorted(read_night(state, "products", night)["sku"].to_pylist())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    ensure_table(table_path(tmp_path, "products"), TABLE)
    return tmp_path


def test_a_night_is_replaced_in_one_commit_and_no_other(state: Path) -> None:
    _commit(state, BEFORE, [], merchant_id=["a"], sku=["old"])
    _commit(state, NIGHT, [], merchant_id=["a", "b"], sku=["a1", "b1"])
    version = open_table(state, "products").version()
    _commit(state, NIGHT, [], merchant_id=["a"], sku=["a2"])
    assert open_table(state, "products").version() == version + 1
    assert _skus(state) == ["a2"]
    assert _skus(state, BEFORE) == ["old"]


def test_long_files_are_several_and_the_checks_see_each(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.parquet_file.FILE_ROWS", 2)
    rows = _rows(NIGHT, merchant_id=["a"] * 5, sku=list("12345"))
    with NewFile(state, file_schema(TABLE)) as file:
        for n in range(5):
            file.write(rows.slice(n, 1).to_batches()[0])
    assert len(file.paths) == 3
    commit_files(state, "products", file.paths, NIGHT, [], state)
    assert _skus(state) == list("12345")
    with NewFile(state, file_schema(TABLE)) as file:
        for price in (1, 1, 0):
            file.write(_rows(NIGHT, sku=["6"], price_minor=[price], sale_price_minor=[None]).to_batches()[0])
    with pytest.raises(ContractError, match="1 rows break its check price_is_positive"):
        commit_files(state, "products", file.paths, NIGHT, [], state)
    assert _skus(state) == list("12345")


def test_rows_of_merchants_that_are_not_named_stay_even_in_a_shared_file(state: Path) -> None:
    shared = _rows(NIGHT, merchant_id=["a", "b"], sku=["a1", "b1"])
    replace_rows(state, "products", shared, f"run_date = '{NIGHT}'")
    _commit(state, NIGHT, ["a"], merchant_id=["a"], sku=["a2"])
    assert _skus(state) == ["a2", "b1"]
    _commit(state, NIGHT, ["b"], merchant_id=["b"], sku=["b2"])
    assert _skus(state) == ["a2", "b2"]


def test_no_files_leave_an_empty_night(state: Path) -> None:
    _commit(state, NIGHT, [], merchant_id=["a"], sku=["a1"])
    commit_files(state, "products", [], NIGHT, [], state)
    assert _skus(state) == []


def test_a_row_that_breaks_a_check_is_refused_whole(state: Path) -> None:
    with pytest.raises(ContractError, match="1 rows break its check price_is_positive"):
        _commit(state, NIGHT, [], merchant_id=["a", "a"], sku=["a1", "a2"], price_minor=[5, 0])
    assert _skus(state) == []


def test_null_in_a_required_column_is_refused(state: Path) -> None:
    with pytest.raises(pa.ArrowInvalid, match="non-nullable"):
        _commit(state, NIGHT, [], merchant_id=["a"], sku=["a1"], title=[None])  # type: ignore[list-item]


def test_readers_can_skip_files_by_key(state: Path) -> None:
    _commit(state, NIGHT, [], merchant_id=["a", "b"], sku=["1", "2"])
    (log,) = [path for path in (table_path(state, "products") / "_delta_log").glob("*1.json")]
    adds = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
    assert [json.loads(add["stats"])["maxValues"] for add in adds] == [{"merchant_id": "b", "sku": "2"}]
