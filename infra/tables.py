"""Reads and writes the Delta tables from Python (delta-rs); Spark's side is `infra.spark`."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder, Schema, write_deltalake
from deltalake.exceptions import TableNotFoundError

from schemas.contract import Table
from schemas.tables import BY_NAME, TABLES


def table_path(state: Path, name: str) -> Path:
    """Where a table lies: STATE/warehouse/<name>."""
    return state / "warehouse" / name


def ensure_tables(state: Path) -> None:
    """Creates every table of the contract that is missing, with its CHECK constraints, before any writer."""
    for table in TABLES:
        path = table_path(state, table.name)
        if not DeltaTable.is_deltatable(str(path)):
            _create_table(path, table)


def _create_table(path: Path, table: Table) -> None:
    # The first commit is written by hand (Delta protocol, "Table features" and "Column invariants"): delta-rs 1.6
    # enforces CHECK constraints that call functions, such as length(), but cannot create them.
    checks = {
        f"delta.constraints.{check.name}": check.predicate
        for check in table.checks
        if check.severity == "stop"
    }
    actions: list[dict[str, Any]] = [
        {"commitInfo": {"timestamp": 0, "operation": "CREATE TABLE", "operationParameters": {}}},
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 3}},
        {
            "metaData": {
                "id": str(uuid.uuid4()),
                "name": table.name,
                "description": table.doc,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": Schema.from_arrow(table.schema).to_json(),
                "partitionColumns": list(table.partition_by),
                "configuration": checks,
                "createdTime": int(time.time() * 1000),
            }
        },
    ]
    log = path / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=log, prefix=".new-", suffix=".json", delete=False) as side:
        side.write("\n".join(json.dumps(action) for action in actions))
    try:
        # A hard link is the local file system's put-if-absent: of two creators one wins, whole.
        os.link(side.name, log / f"{0:020}.json")
    except FileExistsError:
        pass
    finally:
        Path(side.name).unlink()


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


def query_tables(state: Path, sql: str, *names: str) -> list[dict[str, Any]]:
    """The rows of a SQL query over tables, by DataFusion inside delta-rs: for small results, without starting Spark."""
    builder = QueryBuilder()
    for name in names:
        builder = builder.register(name, open_table(state, name))
    return pa.table(builder.execute(sql)).to_pylist()


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


def replace_rows(state: Path, name: str, rows: pa.Table | pa.RecordBatchReader, predicate: str) -> None:
    """Replaces, in one commit, the rows that match `predicate`; all new rows must match it too."""
    write_deltalake(str(table_path(state, name)), rows, mode="overwrite", predicate=predicate)


def append_rows(state: Path, name: str, rows: pa.Table) -> None:
    """Appends rows of a made table; nothing is committed when there are none."""
    if rows.num_rows:
        write_deltalake(str(table_path(state, name)), rows, mode="append")


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


def missing_keys(wanted: pa.Table, existing: pa.Table, key: str) -> pa.Table:
    """The rows of `wanted` whose `key` is not in `existing`: a hash anti-join, no Delta MERGE."""
    if not existing.num_rows:
        return wanted
    seen = pc.is_in(wanted[key], value_set=existing[key].combine_chunks())
    return wanted.filter(pc.invert(seen))
