"""Makes Parquet files that are written already the rows of a night, in one commit, their checks enforced.

For what many processes write at once: no row goes through one writer's memory a second time.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from infra.parquet_file import NewFile
from infra.table_contract import ContractError, broken_by_rows, ensure_table
from infra.tables import open_table, table_path
from schemas.contract import Table
from schemas.tables import BY_NAME

BATCH_ROWS = 16_384
"""Rows that are read or written at a time."""


def file_schema(table: Table) -> pa.Schema:
    """The columns of a table's files: all but those that it is partitioned by."""
    return pa.schema([field for field in table.schema if field.name not in table.partition_by])


def commit_files(
    state: Path, name: str, files: Sequence[Path], run_date: dt.date, merchants: Sequence[str], scratch: Path
) -> None:
    """Replaces a night's rows of these merchants (none named: of all) by those of `files`, of file_schema.

    The table is partitioned by run_date alone. Files are moved, not copied, from the same file system. Raises
    ContractError when a row breaks a check of the contract; then nothing is committed.
    """
    table = BY_NAME[name]
    delta = open_table(state, name)
    removed, kept = _replaced(delta, run_date, merchants)
    with NewFile(scratch, file_schema(table)) as others:
        for batch in kept:
            others.write(batch)
    # The checks are asked of a table of their own, in the place of a writer that would ask them row by row.
    waiting = scratch / f"waiting-{uuid.uuid4().hex}"
    ensure_table(waiting, table)
    partition = f"run_date={run_date}"
    (waiting / partition).mkdir()
    files = [Path(shutil.move(path, waiting / partition)) for path in (*files, *others.paths)]
    adds = [_add(path, partition, run_date, table) for path in files]
    for add in adds:
        # One file at a time: memory does not grow with the night.
        _commit(DeltaTable(str(waiting)), [add], table, mode="overwrite")
        if broken := broken_by_rows(DeltaTable(str(waiting)), table):
            raise ContractError(f"table {name}: {'; '.join(broken)}; nothing was written")
    (table_path(state, name) / partition).mkdir(exist_ok=True)
    for path in files:
        shutil.move(path, table_path(state, name) / partition)
    now_ms = int(time.time() * 1000)
    _commit(delta, [*adds, *(RemoveAction(path, True, now_ms) for path in removed)], table)


def _commit(
    delta: DeltaTable,
    actions: Sequence[AddAction | RemoveAction],
    table: Table,
    mode: Literal["append", "overwrite"] = "append",
) -> None:
    if actions:
        delta.create_write_transaction(list(actions), mode, delta.schema(), list(table.partition_by))


def _add(path: Path, partition: str, run_date: dt.date, table: Table) -> AddAction:
    """A file as Delta's log names it, with the least and greatest value of each key column."""
    file = pq.ParquetFile(path)
    keys = [name for name in table.key if name not in table.partition_by]
    least: dict[str, str] = {}
    greatest: dict[str, str] = {}
    for batch in file.iter_batches(BATCH_ROWS, columns=keys, use_threads=False):
        for name in keys:
            ends = pc.min_max(batch.column(name)).as_py()
            least[name] = min(least.get(name, ends["min"]), ends["min"])
            greatest[name] = max(greatest.get(name, ends["max"]), ends["max"])
    stats = {
        "numRecords": file.metadata.num_rows,
        "minValues": least,
        "maxValues": greatest,
        "nullCount": dict.fromkeys(keys, 0),
    }
    found = path.stat()
    return AddAction(
        f"{partition}/{path.name}",
        found.st_size,
        {"run_date": str(run_date)},
        int(found.st_mtime * 1000),
        True,
        json.dumps(stats, ensure_ascii=False),
    )


def _replaced(
    delta: DeltaTable, run_date: dt.date, merchants: Sequence[str]
) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """(the night's files that hold rows of these merchants, the rows of others in them)."""
    actions = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    night = [action for action in actions if str(action["partition.run_date"]) == str(run_date)]
    if merchants:
        # A file without statistics may hold anything.
        night = [
            action
            for action in night
            if any(
                (action.get("min.merchant_id") or "") <= name <= (action.get("max.merchant_id") or name)
                for name in merchants
            )
        ]
    paths = [action["path"] for action in night]

    def others() -> Iterator[pa.RecordBatch]:
        for path in paths if merchants else ():
            for batch in pq.ParquetFile(Path(delta.table_uri) / path).iter_batches(BATCH_ROWS):
                yield batch.filter(pc.invert(pc.is_in(batch["merchant_id"], pa.array(merchants))))

    return paths, others()
