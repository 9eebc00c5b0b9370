"""Types of JSON and XML records: what fits all of them, whatever their order."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest

from jobs.feeds.kinds import arrow_type, kinds_of, merge_all, to_arrow
from jobs.feeds.reasons import FeedError


@pytest.mark.parametrize(
    ("values", "type", "expected"),
    [
        ([1, None], pa.int64(), [1, None]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([2**62 + 1, 2.5], pa.float64(), [float(2**62), 2.5]),
        ([1, "A1"], pa.string(), ["1", "A1"]),
        ([True, "x"], pa.string(), ["true", "x"]),
        ([None], pa.string(), [None]),
        ([{}], pa.string(), ["{}"]),
        ([{"b": 1}, {"a": "x", "b": None}], pa.struct([("a", pa.string()), ("b", pa.int64())]), None),
        ([["a"], [], None], pa.list_(pa.string()), [["a"], [], None]),
        ([["a", 1], [None]], pa.list_(pa.string()), [["a", "1"], [None]]),
        ([[{"n": 1}], [{"n": "x"}]], pa.list_(pa.struct([("n", pa.string())])), [[{"n": "1"}], [{"n": "x"}]]),
        ([["é"], "é"], pa.string(), ['["é"]', "é"]),
        ([{"a": 1}, [1], 2], pa.string(), ['{"a": 1}', "[1]", "2"]),
    ],
)
def test_a_type_holds_all_values(values: list[Any], type: pa.DataType, expected: list[Any] | None) -> None:
    for order in itertools.permutations(range(len(values))):
        records = [{"v": values[n]} for n in order]
        kind = kinds_of(records)[0]["v"]
        assert arrow_type(kind) == type
        assert merge_all(kinds_of([record])[0] for record in records)["v"] == kind
        found = to_arrow([record["v"] for record in records], kind).to_pylist()
        assert found == (
            [expected[n] for n in order] if expected else [{"a": None, **values[n]} for n in order]
        )


def test_a_value_of_another_kind_is_an_error() -> None:
    for value, kind in (
        ("x", "integer"),
        (1, "boolean"),
        ([1], {"a": "integer"}),
        ("1", "number"),
    ):
        with pytest.raises(ValueError, match="is not"):
            to_arrow([value], kind)


def test_names_are_bounded_even_nested() -> None:
    flat = ({f"k{n}": 1} for n in range(3_000))
    nested = ({"a": {"b": [{f"k{n}": 1}]}} for n in range(3_000))
    for records in (flat, nested):
        with pytest.raises(FeedError) as error:
            kinds_of(records)
        assert error.value.reason == "feed_header"
    kinds, counts = kinds_of({"sku": 1, f"k{n % 50}": n} for n in range(20_000))
    assert len(kinds) == 51
    assert (counts["sku"], counts["k7"]) == (20_000, 400)
