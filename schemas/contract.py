"""How a table is declared: columns, key, partitioning and checks, all in one place.

Everything else about a table (Delta schema, DDL, docs, expectations, samples) is derived from the declaration by
`schemas.derive` and `schemas.expectations`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

Severity = Literal["stop", "warn"]

STRING = pa.string()
INT = pa.int32()
LONG = pa.int64()
DOUBLE = pa.float64()
BOOL = pa.bool_()
DATE = pa.date32()
TIMESTAMP = pa.timestamp("us", tz="UTC")

_SCALARS = frozenset({STRING, INT, LONG, DOUBLE, BOOL, DATE, TIMESTAMP})


def list_of(item: pa.DataType) -> pa.DataType:
    """A variable-length list type; Delta forgets the length of fixed-size lists, so there are none."""
    return pa.list_(pa.field("element", item))


def struct_of(**fields: pa.DataType) -> pa.DataType:
    """A struct type with nullable fields (Delta's CHECK and NOT NULL do not reach into lists of structs)."""
    return pa.struct([pa.field(name, kind) for name, kind in fields.items()])


def survives_every_engine(kind: pa.DataType) -> bool:
    """Whether a type comes back unchanged after Arrow -> Delta (JVM and delta-rs) -> Spark -> Arrow.

    Unsigned and 8/16-bit integers, nanosecond timestamps, fixed-size lists, dictionaries and maps do not.
    """
    if pa.types.is_list(kind):
        return survives_every_engine(kind.value_type)
    if pa.types.is_struct(kind):
        return all(survives_every_engine(kind.field(i).type) for i in range(kind.num_fields))
    return kind in _SCALARS


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, what a value means, and whether it may be NULL."""

    name: str
    type: pa.DataType
    doc: str
    nullable: bool = False

    def __post_init__(self) -> None:
        if not survives_every_engine(self.type):
            raise TypeError(
                f"column {self.name}: type {self.type} is changed by one of the engines; choose another"
            )
        if not self.doc:
            raise ValueError(f"column {self.name}: say in one sentence what a value means")


@dataclass(frozen=True)
class Check:
    """A rule that every row obeys, as a SQL predicate that Spark, DataFusion (delta-rs) and DuckDB read alike.

    `stop` rules are also Delta CHECK constraints: a write that breaks one fails. `warn` rules are only reported.
    A NULL result counts as broken (as in Delta), so nullable columns need `x IS NULL OR ...`.
    """

    name: str
    predicate: str
    severity: Severity = "stop"


@dataclass(frozen=True)
class Table:
    """A Delta table of the pipeline."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    written_by: str
    partition_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column name stands twice")
        for name in (*self.key, *self.partition_by):
            if name not in names:
                raise ValueError(f"table {self.name}: key or partition column {name} is not declared")

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, each column's meaning in its `comment` metadata (as Delta and Spark keep it)."""
        return pa.schema(
            [pa.field(c.name, c.type, nullable=c.nullable, metadata={"comment": c.doc}) for c in self.columns]
        )

    @property
    def column_names(self) -> list[str]:
        """The column names in declared order."""
        return [column.name for column in self.columns]
