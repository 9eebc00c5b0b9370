"""Facts from specifications, sizes, names and reviews."""

from __future__ import annotations

import pyarrow as pa
import pytest

from jobs.catalog.facts import Fact, all_facts, facts_column, specification
from jobs.catalog.reviews import mean_rating, recurring_phrases
from jobs.catalog.units import quantities
from schemas.columns import FACT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Water 1,5 l", [("volume", "1500", "ml")]),
        ("Cola 6 x 330 ml", [("volume", "330", "ml"), ("pack size", "6", "")]),
        ("Mugs, Pack of 6", [("pack size", "6", "")]),
        ("Trail pack 26 l", [("volume", "26000", "ml")]),
        ("Socks, pack of 3 in grey", [("pack size", "3", "")]),
        ("5er-Pack Socken", [("pack size", "5", "")]),
        ("Rice 2.5kg", [("weight", "2500", "g")]),
        ("Hammer 16oz", [("weight", "16", "oz")]),
        ("Mix 80lb", [("weight", "80", "lb")]),
        ("Drill 18V 2Ah", [("voltage", "18", "V"), ("battery capacity", "2000", "mAh")]),
        ("Power bank 10000 mAh 20 W", [("battery capacity", "10000", "mAh"), ("power", "20", "W")]),
        ('Screen 27"', [("size", "27", "in")]),
        ("Wire 1,000 ft", [("size", "1000", "ft")]),
        ("Frame 30 x 40 cm", []),
        ("Lamp E27, model L, iPhone 12 Pro, 3/4 in, 1/2-inch", []),
    ],
)
def test_quantities(text: str, found: list[tuple[str, str, str]]) -> None:
    assert [tuple(quantity) for quantity in quantities(text)] == found


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("1,5", "l", ("1500", "ml", 1500.0)),
        ("1.5 l", None, ("1500", "ml", 1500.0)),
        ("12", "h", ("12", "h", 12.0)),
        ("12 h", None, ("12", "h", 12.0)),
        ("0", "", ("0", "", 0.0)),
        ("5XL", None, ("5XL", "", None)),
        ("3 x 45", "g", ("3 x 45 g", "", None)),
        ("stainless steel", None, ("stainless steel", "", None)),
    ],
)
def test_a_specification_reads_alike_wherever_its_unit_stands(
    value: str, unit: str | None, said: tuple[str, str, float | None]
) -> None:
    assert specification("n", value, unit, "specs") == Fact("n", *said, "specs")


def test_a_name_adds_only_what_specifications_do_not_say() -> None:
    specs = [
        {"name": "capacity", "value": "1.5", "unit": "l"},
        {"name": "Weight", "value": "380 g", "unit": None},
    ]
    found = all_facts(specs, [("title", "Bottle 1,5 l, 400 g, Pack of 2")])
    assert [(fact.name, fact.value, fact.source_field) for fact in found] == [
        ("Weight", "380", "specs"),
        ("capacity", "1500", "specs"),
        ("pack size", "2", "title"),
    ]
    assert all_facts(specs[::-1], [("title", "Bottle 1,5 l, 400 g, Pack of 2")]) == found
    column = facts_column([found, [], found[:1]])
    assert column.type == pa.list_(pa.field("item", FACT)) or column.type.value_type == FACT
    assert [len(row) for row in column.to_pylist()] == [3, 0, 1]


def test_reviews_become_what_several_say_and_never_who() -> None:
    said = [
        "Very good grip on wet rock. Anna Schmidt helped me, write to anna@example.com",
        "I like the good grip. Anna Schmidt is kind",
        "good grip, but heavy. Anna Schmidt!",
        "Runs small",
    ]
    assert recurring_phrases(said) == [("good grip", 3)]
    assert recurring_phrases(said[:2] * 5) == []
    assert recurring_phrases(None) == []
    assert mean_rating([5, 4, None, 11]) == (4.5, 2)
    assert mean_rating(None) == (None, 0)
