"""Reads and writes the Delta tables from Python (delta-rs); Spark's side is `infra.spark`."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from infra.table_contract import ensure_table
from schemas.contract import Table
from schemas.tables import BY_NAME, TABLES

_RACES = 20
"""How often a commit is tried that others came before."""
COMMIT_SHARE, COMMIT_ROWS = 0.02, 5000
"""From one commit of made rows to the next: what a crash may cost, and what waits in memory."""
ROW_GROUP_ROWS = 20_000
"""Whoever reads a range of products holds whole row groups of the files in memory."""
WRITER_PROPERTIES = WriterProperties(max_row_group_size=ROW_GROUP_ROWS)


def table_path(state: Path, name: str) -> Path:
    """Where a table lies: STATE/warehouse/<name>."""
    return state / "warehouse" / name


def ensure_tables(state: Path) -> None:
    """Creates every table of the contract that is missing and brings the others up to it, before any writer.

    Raises ContractError when a contract changed in a way that its rows do not allow.
    """
    for table in TABLES:
        ensure_table(table_path(state, table.name), table)


def check_state(state: Path) -> None:
    """Brings the tables of nights up to the contract; for commands on what nights have made.

    Raises FileNotFoundError where no night made any: a mistyped path is not filled with empty tables.
    """
    if not table_path(state, "releases").parent.is_dir():
        raise FileNotFoundError(
            f"no tables under {state}: name the nights' state by --state, or run a night first"
        )
    ensure_tables(state)


def open_table(state: Path, name: str, version: int | None = None) -> DeltaTable:
    """The Delta table as of now or of a version.

    Raises FileNotFoundError when no night has made it yet.
    """
    try:
        return DeltaTable(str(table_path(state, name)), version=version)
    except TableNotFoundError:
        raise FileNotFoundError(f"no table {name} under {state}: run a night first (make night)") from None


def table_version(state: Path, name: str) -> int:
    """The Delta version of a table; -1 when it does not exist."""
    try:
        return open_table(state, name).version()
    except FileNotFoundError:
        return -1


def night_before(state: Path, name: str, run_date: dt.date) -> dt.date | None:
    """The newest night before `run_date` that a state table holds; None when there is none. Reads no row."""
    nights = {partition["run_date"] for partition in open_table(state, name).partitions()}
    return max((night for text in nights if (night := dt.date.fromisoformat(text)) < run_date), default=None)


def read_table(
    state: Path,
    name: str,
    *,
    columns: Sequence[str] | None = None,
    filters: Sequence[tuple[str, str, Any]] = (),
    version: int | None = None,
) -> pa.Table:
    """Rows of a table in the contract's Arrow types; `filters` are ANDed (column, operator, value), as in pyarrow."""
    # Not to_pyarrow_table(): its reader threads often abort the process when Python exits (arrow issue 34314).
    predicate = " AND ".join(
        f"{column} {operator} {sql_literal(value)}" for column, operator, value in filters
    )
    reader = open_table(state, name, version).scan(list(columns) if columns else None, predicate or None)
    rows = pa.table(reader)
    schema = BY_NAME[name].schema
    return rows.cast(pa.schema([schema.field(column) for column in rows.column_names]))


def query_table(state: Path, sql: str, *names: str) -> pa.Table:
    """The rows of a SQL query over the named tables, by DataFusion inside delta-rs: without starting Spark.

    Of a join the left side is held in memory, the right one streams past.
    """
    # Its guesses of sizes, by which it would swap them, take a range of products for more than a whole table.
    builder = QueryBuilder({"datafusion.optimizer.join_reordering": "false"})
    for name in names:
        builder = builder.register(name, open_table(state, name))
    return pa.table(builder.execute(sql))


def query_tables(state: Path, sql: str, *names: str) -> list[dict[str, Any]]:
    """As query_table, for small results, as dictionaries."""
    return list(query_table(state, sql, *names).to_pylist())


def sql_literal(value: Any) -> str:
    """A value as a literal of SQL, strings quoted."""
    if isinstance(value, list | tuple | set | frozenset):
        return "(" + ", ".join(sql_literal(item) for item in value) + ")"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def read_night(
    state: Path,
    name: str,
    run_date: dt.date,
    *,
    merchants: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """One night's rows of a state table, of the named merchants (none named: of all)."""
    filters: list[tuple[str, str, Any]] = [("run_date", "=", run_date)]
    if merchants:
        filters.append(("merchant_id", "in", list(merchants)))
    return read_table(state, name, columns=columns, filters=filters)


def night_predicate(run_date: dt.date, merchants: Sequence[str] = (), **equal: str) -> str:
    """The SQL predicate of the rows that a stage owns tonight: what it replaces when it runs again."""
    parts = [f"run_date = '{run_date.isoformat()}'"]
    parts += [f"{column} = '{value}'" for column, value in equal.items()]
    if merchants:
        parts.append("merchant_id IN (" + ", ".join(f"'{name}'" for name in merchants) + ")")
    return " AND ".join(parts)


def replace_rows(state: Path, name: str, rows: pa.Table | Path, predicate: str) -> None:
    """Replaces, in one commit, the rows that match `predicate`; all new rows must match it too.

    `rows` may be a Parquet file or a folder of such, for what is too much for memory. Whoever replaces other rows of
    the table meanwhile (another shard) makes the commit fail all the same; then it is tried again.
    """
    for attempt in range(_RACES):
        new: pa.Table | pa.RecordBatchReader = rows
        if isinstance(rows, Path):
            new = pa.RecordBatchReader.from_batches(BY_NAME[name].schema, _waiting_batches(name, rows))
        try:
            write_deltalake(
                str(table_path(state, name)),
                new,
                mode="overwrite",
                predicate=predicate,
                writer_properties=WRITER_PROPERTIES,
            )
        except CommitFailedError:
            if attempt == _RACES - 1:
                raise
            time.sleep(0.2 * attempt)
            continue
        return


def _waiting_batches(name: str, path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file or of a folder of them, in the contract's types and order of columns."""
    contract = BY_NAME[name]
    for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
        for batch in pq.ParquetFile(file).iter_batches(COMMIT_ROWS, columns=contract.column_names):
            yield batch.select(contract.column_names).cast(contract.schema)


def replace_streamed(state: Path, name: str, batches: Iterable[pa.RecordBatch], predicate: str) -> None:
    """As replace_rows, with rows that come batch by batch: they wait in a file below `state` until all are there."""
    # One path per predicate: what a killed run has left behind, the next one writes over.
    path = state / "waiting" / f"{name}-{hashlib.sha256(predicate.encode()).hexdigest()[:12]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, BY_NAME[name].schema) as file:
        for batch in batches:
            file.write_batch(batch)
    replace_rows(state, name, path, predicate)
    path.unlink()


def append_rows(state: Path, name: str, rows: pa.Table) -> None:
    """Appends rows of a made table; nothing is committed when there are none."""
    if rows.num_rows:
        write_deltalake(str(table_path(state, name)), rows, mode="append")


class Appended:
    """Appends rows of a made table as they come; what comes after the last commit is all that a crash loses.

    Commits take COMMIT_SHARE of the time: one of 20 ms comes each second. It is processor time that counts, for while a
    commit waits (on a busy machine, for a disk or store) the workers work. Between two of them lies no less than
    COMMIT_SHARE of the time since the first row was waited for, so that a long stage makes some hundred files and not
    thousands. On leaving, whatever happened, comes the last.
    """

    def __init__(self, state: Path, name: str) -> None:
        self._state, self._name = state, name
        self._waiting: list[pa.Table] = []
        self._began = self._due = time.monotonic()

    def __enter__(self) -> Appended:
        return self

    def __exit__(self, *_: object) -> None:
        self._commit()

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Takes rows of the contract, and commits when it is time."""
        # As Arrow at once: a tenth of the dictionaries.
        self._waiting.append(rows_to_table(self._name, rows))
        if time.monotonic() >= self._due or sum(map(len, self._waiting)) >= COMMIT_ROWS:
            self._commit()

    def _commit(self) -> None:
        began_s = time.process_time()
        # They wait no more from here: an error behind the commit, as a signal's may be, commits nothing twice.
        rows, self._waiting = self._waiting, []
        if rows:
            append_rows(self._state, self._name, pa.concat_tables(rows))
        now = time.monotonic()
        took_s = time.process_time() - began_s
        self._due = now + max(took_s / COMMIT_SHARE, (now - self._began) * COMMIT_SHARE)


def rows_to_table(name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Dictionaries as an Arrow table of the contract.

    Raises pyarrow.ArrowInvalid for a value that does not fit and ValueError for a NULL in a required column.
    """
    contract: Table = BY_NAME[name]
    table = pa.Table.from_pylist(list(rows), schema=contract.schema)
    for column in contract.columns:
        if not column.nullable and table[column.name].null_count:
            raise ValueError(
                f"table {name}: column {column.name} holds {table[column.name].null_count} NULLs"
            )
    return table


def row_batches(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    """As rows_to_table, COMMIT_ROWS of the rows at a time."""
    left = iter(rows)
    while some := list(islice(left, COMMIT_ROWS)):
        yield from rows_to_table(name, some).to_batches()


def missing_keys(wanted: pa.Table, existing: pa.Table, key: str) -> pa.Table:
    """The rows of `wanted` whose `key` is not in `existing`: a hash anti-join, no Delta MERGE."""
    if not existing.num_rows:
        return wanted
    seen = pc.is_in(wanted[key], value_set=existing[key].combine_chunks())
    return wanted.filter(pc.invert(seen))
