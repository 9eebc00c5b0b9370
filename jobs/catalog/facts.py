"""The typed facts of a product: what its specifications, its size and its name state, one unit a quantity.

One fact is (name, value, unit, number, source_field): `value` is what may be printed, with `unit` after it; `number` is
the same as a double, NULL when the value is a word. The list is sorted, so the same facts are the same bytes whatever
order, encoding or format the feed has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.catalog.units import canonical_unit, decimal_text, may_state, quantities, read_number
from schemas.columns import FACT

MAX_FACTS = 60
"""Of one product; a longer list is an attack or a mistake."""
_NAME_MAX_CHARS = 80
_VALUE_MAX_CHARS = 300
_VALUE_AND_UNIT = re.compile(r"([-+\u2212]?\d[\d.,']*(?: \d{3})*)( ?[^\d\s][^\d]{0,11})")


class Fact(NamedTuple):
    """One row of the list `facts`; fields as in schemas.columns.FACT."""

    name: str
    value: str
    unit: str
    number: float | None
    source_field: str


@lru_cache(maxsize=4096)
def specification(name: str | None, value: str | None, unit: str | None, source_field: str) -> Fact | None:
    """The fact of one specification, `1,5` `l` as 1500 ml; None when it has no name or no value."""
    if not name or not value:
        return None
    # Whether a unit has its own column or not depends on the format alone, and must make no difference.
    name, whole = name[:_NAME_MAX_CHARS], f"{value} {unit or ''}".strip()[:_VALUE_MAX_CHARS]
    number, unit = read_number(whole), ""
    match = _VALUE_AND_UNIT.fullmatch(whole) if number is None else None
    # "12 h" is 12 of whatever it is; written together, "5XL" is a word unless the unit is known.
    if match and (match[2][0] == " " or canonical_unit(match[2])):
        number, unit = read_number(match[1]), match[2].strip()
    if number is None:
        return Fact(name, whole, "", None, source_field)
    if listed := canonical_unit(unit):
        _, unit, factor = listed
        number *= factor
    return Fact(name, decimal_text(number), unit, float(number), source_field)


@lru_cache(maxsize=4096)
def stated_facts(text: str | None, source_field: str) -> tuple[Fact, ...]:
    """Facts from the quantities in a name or a size."""
    return tuple(
        Fact(name, value, unit, float(Decimal(value)), source_field)
        for name, value, unit in quantities(text or "")
    )


def all_facts(
    specs: Sequence[Mapping[str, str | None]] | None, stated: Iterable[tuple[str, str | None]]
) -> list[Fact]:
    """Every fact of one product, sorted: specifications first claim a name, `stated` (field, text) fill what is left.

    The same quantity from two places is one fact, under its specification's name.
    """
    found: dict[tuple[str, str, str], Fact] = {}
    for spec in specs or ():
        fact = specification(spec["name"], spec["value"], spec["unit"], "specs")
        if fact is not None:
            found.setdefault((fact.name.casefold(), fact.value, fact.unit), fact)
    amounts = {(fact.value, fact.unit) for fact in found.values() if fact.number is not None and fact.unit}
    names = {fact.name.casefold() for fact in found.values()}
    for field, text in stated:
        for fact in stated_facts(text, field):
            if (fact.value, fact.unit) not in amounts and fact.name not in names:
                found.setdefault((fact.name, fact.value, fact.unit), fact)
    return sorted(found.values(), key=lambda fact: fact[:3] + fact[4:])[:MAX_FACTS]


def lists_of_facts(
    specs: Sequence[Sequence[Mapping[str, str | None]]] | None, stated: Mapping[str, pa.Array]
) -> tuple[list[list[Fact]], np.ndarray]:
    """(lists of facts, which of them each row has), from plain specifications and from texts that may state some.

    Without specifications rows that state the same share a list: most names state nothing.
    """
    texts = [pc.if_else(may_state(column), column, None) for column in stated.values()]
    if specs is not None:
        rows = zip(specs, *(column.to_pylist() for column in texts), strict=True)
        lists = [all_facts(spec, zip(stated, said, strict=True)) for spec, *said in rows]
        return lists, np.arange(len(lists))
    joined = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace", null_replacement="")
    coded = joined.dictionary_encode()
    said_once = (text.split("\x1f") for text in coded.dictionary.to_pylist())
    return [all_facts(None, zip(stated, said, strict=True)) for said in said_once], coded.indices.to_numpy()


def facts_column(rows: Sequence[Sequence[Fact]]) -> pa.Array:
    """The lists as a column of list<FACT>, built flat: a dictionary a fact would cost more than finding it."""
    offsets = [0]
    flat: list[Fact] = []
    for row in rows:
        flat.extend(row)
        offsets.append(len(flat))
    columns = list(zip(*flat, strict=True)) or [()] * len(Fact._fields)
    arrays = {
        name: pa.array(column, FACT.field(name).type)
        for name, column in zip(Fact._fields, columns, strict=True)
    }
    struct = pa.StructArray.from_arrays([arrays[field.name] for field in FACT], fields=list(FACT))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct)
