"""How a table is declared: columns, key, partitioning and rules, all in one place.

Everything else about a table is derived from the declaration: Delta schema, DDL, docs and JSON Schema by
`schemas.derive`, expectations by `schemas.expectations`, rows that obey it and rows that break it by `schemas.samples`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

Severity = Literal["stop", "warn"]

STRING = pa.string()
INT = pa.int32()
LONG = pa.int64()
DOUBLE = pa.float64()
BOOL = pa.bool_()
DATE = pa.date32()
TIMESTAMP = pa.timestamp("us", tz="UTC")

KEY_PROPERTY = "hundredfaces.key"
"""Table property that holds the key's columns, which Delta itself does not know."""
STATS_PROPERTY = "delta.dataSkippingStatsColumns"
"""Table property: the columns whose least and greatest value each file tells. Readers look by key, and counting all
columns, long texts among them, took a quarter of writing `products`."""
RETENTION = {
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}
"""A release pins versions of tables; Delta alone would forget them after 30 and 7 days. `jobs.releases vacuum` does."""

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


Sampler = Callable[[random.Random], Any]
"""Draws one valid value."""


def one_of(*values: Any) -> Sampler:
    """Draws one of the values."""
    return lambda draw: draw.choice(values)


def between(low: float, high: float) -> Sampler:
    """Draws a number from low to high."""
    return lambda draw: draw.uniform(low, high)


def hex_digits(count: int) -> Sampler:
    """Draws that many hexadecimal digits; 64 are a SHA-256."""
    return lambda draw: f"{draw.getrandbits(4 * count):0{count}x}"


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, what a value means, and whether it may be NULL."""

    name: str
    type: pa.DataType
    doc: str
    nullable: bool = False
    sample: Sampler | None = None
    """Draws a value that the checks allow; None where any value of the type will do."""

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
    breaks: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Column values that make a valid row break this rule and no other: the rule's own test."""


@dataclass(frozen=True)
class RowsRule:
    """A rule over several rows or tables: a SQL query for what breaks it, in the words of the same three engines.

    In it `{rows}` stands for the table's rows of tonight, `{last_night}` for those of the newest night before, and
    `{products}` (any other table's name) for tonight's rows of that table.
    """

    name: str
    doc: str
    query: str
    severity: Severity = "stop"


def refers_to(table: str, *columns: str, where: str = "TRUE") -> RowsRule:
    """The values of `columns` stand in tonight's rows of another table too, for the rows where `where` holds."""
    same = " AND ".join(f"there.{column} = here.{column}" for column in columns)
    return RowsRule(
        f"is_in_{table}",
        f"{', '.join(columns)} is one of tonight's {table}",
        f"SELECT {', '.join(f'here.{column}' for column in columns)} FROM {{rows}} AS here "
        f"WHERE {where} AND NOT EXISTS (SELECT 1 FROM {{{table}}} AS there WHERE {same})",
    )


def numbered_without_gaps(column: str, *per: str) -> RowsRule:
    """Within each group of `per`, `column` runs 1, 2, 3, ... and no number stands twice."""
    group = ", ".join(per)
    return RowsRule(
        f"{column}_has_no_gap",
        f"{column} runs from 1 without gaps within {group}",
        f"SELECT {group} FROM {{rows}} GROUP BY {group} "
        f"HAVING min({column}) <> 1 OR max({column}) <> count(*) OR count(DISTINCT {column}) <> count(*)",
    )


def steady_count(share: float, per: str) -> RowsRule:
    """The number of rows per value of `per` changed by no more than `share` since the last night."""
    return RowsRule(
        "count_is_steady",
        f"the number of rows per {per} is within {share:.0%} of last night's",
        f"SELECT before.{per}, before.copies AS last_night, coalesce(now.copies, 0) AS tonight FROM "
        f"(SELECT {per}, count(*) AS copies FROM {{last_night}} GROUP BY {per}) AS before LEFT JOIN "
        f"(SELECT {per}, count(*) AS copies FROM {{rows}} GROUP BY {per}) AS now ON now.{per} = before.{per} "
        f"WHERE abs(coalesce(now.copies, 0) - before.copies) > {share} * before.copies",
        severity="warn",
    )


@dataclass(frozen=True)
class Table:
    """A Delta table of the pipeline."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    written_by: str
    partition_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    rules: tuple[RowsRule, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column name stands twice")
        for name in (*self.key, *self.partition_by):
            if name not in names:
                raise ValueError(f"table {self.name}: key or partition column {name} is not declared")
        ruled = [check.name for check in self.checks] + [rule.name for rule in self.rules]
        if len(set(ruled)) != len(ruled):
            raise ValueError(f"table {self.name}: two rules have one name")

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, each column's meaning in its `comment` metadata (as Delta and Spark keep it)."""
        return pa.schema(
            [pa.field(c.name, c.type, nullable=c.nullable, metadata={"comment": c.doc}) for c in self.columns]
        )

    @property
    def settings(self) -> dict[str, str]:
        """Delta's table properties but for the constraints: key, columns with statistics, retention."""
        in_files = [name for name in self.key if name not in self.partition_by]
        return {KEY_PROPERTY: ",".join(self.key), STATS_PROPERTY: ",".join(in_files), **RETENTION}

    @property
    def properties(self) -> dict[str, str]:
        """Delta's table properties: `settings` and the CHECK constraints."""
        stops = {
            f"delta.constraints.{check.name}": check.predicate
            for check in self.checks
            if check.severity == "stop"
        }
        return {**self.settings, **stops}

    @property
    def is_nightly(self) -> bool:
        """Whether it is state of the night, replaced by run date; otherwise rows are made once and stay."""
        return self.key[0] == "run_date"

    @property
    def column_names(self) -> list[str]:
        """The column names in declared order."""
        return [column.name for column in self.columns]
