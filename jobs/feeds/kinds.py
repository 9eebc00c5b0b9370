"""The types of JSON and XML records: found by looking at all of them, then given to Arrow.

A kind is None (only nulls so far), "boolean", "integer", "number", "text", [kind of the items] or {name: kind}; it is
JSON itself. Values of several kinds under one name become text, but integers and numbers are numbers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from jobs.feeds.limits import MAX_COLUMNS
from jobs.feeds.reasons import FeedError

Kind = None | str | list[Any] | dict[str, Any]

_SIMPLE: dict[type, Kind] = {
    type(None): None,
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
}
_ARROW = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}
_MAX_SHAPES = 10_000


def kinds_of(records: Iterable[dict[str, Any]]) -> tuple[dict[str, Kind], dict[str, int]]:
    """Name -> kind over all records, and name -> about how many records have it.

    Raises FeedError for more names, nested ones included, than a feed has.
    """
    kinds: dict[str, Kind] = {}
    seen: set[tuple] = set()
    having: Counter[tuple[str, ...]] = Counter()
    for record in records:
        types = tuple(map(type, record.values()))
        names = tuple(record)
        if names in having or len(having) < _MAX_SHAPES:
            having[names] += 1
        if dict in types or list in types:
            kinds = _widened(kinds, record)
            continue
        # Most records have the same keys and types as another one before.
        shape = (names, types)
        if shape not in seen:
            if len(seen) < _MAX_SHAPES:
                seen.add(shape)
            kinds = _widened(kinds, record)
    counts = Counter[str]()
    for names, n in having.items():
        counts.update(dict.fromkeys(names, n))
    return kinds, counts


def merge_all(some: Iterable[dict[str, Kind]]) -> dict[str, Kind]:
    """The kinds of several files' records together."""
    kinds: Kind = {}
    for more in some:
        kinds = merged(kinds, more)
    assert isinstance(kinds, dict)
    return kinds


def _widened(kinds: dict[str, Kind], record: dict[str, Any]) -> dict[str, Kind]:
    wider = merged(kinds, _kind(record))
    assert isinstance(wider, dict)
    if wider != kinds and _size(wider) > MAX_COLUMNS:
        raise FeedError(
            "feed_header", f"the records have more than {MAX_COLUMNS} different keys; turn keys into values"
        )
    return wider


def _size(kind: Kind) -> int:
    inner = kind.values() if isinstance(kind, dict) else kind if isinstance(kind, list) else ()
    return 1 + sum(map(_size, inner))


def _kind(value: Any) -> Kind:
    if isinstance(value, dict):
        return {name: _kind(item) for name, item in value.items()}
    if isinstance(value, list):
        kind: Kind = None
        for item in value:
            kind = merged(kind, _kind(item))
        return [kind]
    return _SIMPLE[type(value)]


def merged(a: Kind, b: Kind) -> Kind:
    """The kind that holds values of both."""
    if b is None or a == b:
        return a
    if a is None:
        return b
    if isinstance(a, dict) and isinstance(b, dict):
        return {name: merged(a.get(name), b.get(name)) for name in {**a, **b}}
    if isinstance(a, list) and isinstance(b, list):
        return [merged(a[0], b[0])]
    if isinstance(a, str) and isinstance(b, str) and {a, b} == {"integer", "number"}:
        return "number"
    return "text"


def arrow_type(kind: Kind) -> pa.DataType:
    """Arrow's type of a kind; fields are in alphabetical order, so that the order of the records does not show."""
    if isinstance(kind, list):
        return pa.list_(arrow_type(kind[0]))
    if isinstance(kind, dict) and kind:
        return pa.struct([(name, arrow_type(kind[name])) for name in sorted(kind)])
    return _ARROW.get(kind, pa.string()) if isinstance(kind, str) else pa.string()


def to_arrow(values: list[Any], kind: Kind) -> pa.Array:
    """Values of one name as an Arrow array of the kind's type. Raises ValueError for values that it cannot hold."""
    try:
        return pa.array(values, arrow_type(kind))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # Something is to be text that is none, or an integer beyond the precision of doubles.
        return pa.array([_fitted(value, kind) for value in values], arrow_type(kind))


def _fitted(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if isinstance(kind, list) and isinstance(value, list):
        return [_fitted(item, kind[0]) for item in value]
    if isinstance(kind, dict) and kind and isinstance(value, dict):
        return {name: _fitted(value.get(name), item) for name, item in kind.items()}
    if kind == "number" and isinstance(value, int | float):
        return float(value)
    if kind in ("boolean", "integer") and _SIMPLE.get(type(value)) == kind:
        return value
    if kind is None or kind in ("text", {}):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    raise ValueError(f"{str(value)[:40]!r} is not {kind}")
