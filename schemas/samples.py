"""Rows that obey a table's contract, and rows that break exactly one of its rules; the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from schemas.contract import BOOL, DATE, DOUBLE, INT, LONG, STRING, TIMESTAMP, Column, Severity, Table

_BEYOND: dict[pa.DataType, pa.Array] = {
    INT: pa.array([2**31]),
    LONG: pa.array([2**63], pa.uint64()),
    DOUBLE: pa.array(["12,50"]),
    DATE: pa.array(["2026-02-30"]),
    TIMESTAMP: pa.array(["yesterday"]),
    BOOL: pa.array(["perhaps"]),
    STRING: pa.array([{"a record": "where text is due"}]),
}
"""A value that is just outside what each type can hold."""


@dataclass(frozen=True)
class BrokenRow:
    """One row that is valid but for one thing.

    `rule` is the name of a check, or of the column that is NULL or beyond its type.
    """

    kind: Literal["check", "null", "type"]
    rule: str
    severity: Severity
    row: pa.Table


def sample_rows(table: Table, count: int, seed: int = 0) -> pa.Table:
    """Random rows that obey the contract, with unique keys."""
    draw = random.Random(f"{table.name} {seed}")
    rows = [{c.name: _sample(c, draw) for c in table.columns} for _ in range(count)]
    return pa.Table.from_pylist(rows, schema=table.schema)


def broken_rows(table: Table, seed: int = 0) -> list[BrokenRow]:
    """A row for every check, every column that may not be NULL, and every column's type; keys differ."""
    loose = pa.schema([field.with_nullable(True) for field in table.schema])
    valid = iter(sample_rows(table, len(table.checks) + 2 * len(table.columns), seed).to_pylist())

    def changed(values: Mapping[str, Any]) -> pa.Table:
        return pa.Table.from_pylist([next(valid) | values], schema=loose)

    rows = []
    for check in table.checks:
        if not check.breaks:
            raise ValueError(f"table {table.name}: say what breaks check {check.name} (Check.breaks)")
        rows.append(BrokenRow("check", check.name, check.severity, changed(check.breaks)))
    for place, column in enumerate(table.columns):
        if not column.nullable:
            rows.append(BrokenRow("null", column.name, "stop", changed({column.name: None})))
        beyond = _BEYOND.get(column.type, pa.array([{"another": "record"}]))
        rows.append(
            BrokenRow("type", column.name, "stop", changed({}).set_column(place, column.name, beyond))
        )
    return rows


def _sample(column: Column, draw: random.Random) -> Any:
    if column.sample is not None:
        return column.sample(draw)
    if column.nullable and draw.random() < 0.3:
        return None
    return _value(column.type, draw)


def _value(kind: pa.DataType, draw: random.Random) -> Any:
    if pa.types.is_list(kind):
        return [_value(kind.value_type, draw) for _ in range(draw.randrange(4))]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _value(kind.field(i).type, draw) for i in range(kind.num_fields)}
    if kind == STRING:
        return (
            draw.choice(["plain", "zwölf", "咖啡", "'quoted'", "a > b", "= 1"]) + f" {draw.getrandbits(48):x}"
        )
    if kind == DATE:
        return dt.date(2026, 1, 1) + dt.timedelta(days=draw.randrange(300))
    if kind == TIMESTAMP:
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=draw.getrandbits(44))
    if kind == BOOL:
        return draw.random() < 0.5
    if kind == DOUBLE:
        return draw.uniform(0.001, 1.0)
    return draw.randrange(1, 100_000)
