"""A batch of mapped feed rows, its fields by our names, and what a merchant's rows are read by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.catalog.money import DecimalMark


@dataclass(frozen=True)
class Rules:
    """What a merchant's rows are read by. `columns` says which column of the batch holds a field."""

    merchant_id: str
    currency: str
    run_date: dt.date
    columns: Mapping[str, str]
    decimal_mark: DecimalMark | None = None
    category_separator: str | None = None
    made: frozenset[str] = frozenset()
    """Columns that the mapping made; they are no part of the raw record."""
    private: frozenset[str] = frozenset()
    """Columns with people's own words, such as reviews; no raw record shows them."""


def each_distinct(column: pa.Array, function: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """`function` of every value, called once a distinct value; NULL stays NULL."""
    encoded = column.dictionary_encode()
    results = [function(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(results, kind).take(encoded.indices)


class Given:
    """The fields of one batch; a field that is not mapped is a column of NULLs."""

    def __init__(self, batch: pa.RecordBatch, rules: Rules) -> None:
        self.rows = batch
        self.rules = rules
        self.nothing = pa.nulls(batch.num_rows, pa.string())

    def has(self, field: str) -> bool:
        """Whether the field is mapped."""
        return field in self.rules.columns

    def raw(self, field: str) -> pa.Array:
        """The field's column as the mapping gives it."""
        return self.rows.column(self.rules.columns[field])

    def text(self, field: str) -> pa.Array:
        """The field as text; lists of text (repeated XML elements) give their first item."""
        if not self.has(field):
            return self.nothing
        column = self.raw(field)
        if pa.types.is_list(column.type):
            column = pc.list_element(pc.if_else(pc.greater(pc.list_value_length(column), 0), column, None), 0)
        if pa.types.is_struct(column.type) or pa.types.is_null(column.type):
            return self.nothing
        return column.cast(pa.string())

    def items(self, field: str) -> pa.Array | None:
        """The field as a list column; a scalar gives None, and the mapping should have split it."""
        column = self.raw(field) if self.has(field) else None
        return column if column is not None and pa.types.is_list(column.type) else None
