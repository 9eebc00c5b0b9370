from __future__ import annotations

import datetime as dt

import pytest

from ray_tasks.copywriting.feasts import feasts_near, islamic_month
from ray_tasks.copywriting.settings_guide import GUIDES


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (dt.date(2025, 3, 5), 9),
        (dt.date(2026, 2, 22), 9),
        (dt.date(2026, 3, 24), 10),
        (dt.date(2026, 6, 20), 1),
        (dt.date(2030, 1, 10), 9),
        (dt.date(2030, 12, 30), 9),
    ],
)
def test_islamic_months_are_those_of_published_calendars(day: dt.date, month: int) -> None:
    assert islamic_month(day) == month


@pytest.mark.parametrize(
    ("day", "near"),
    [
        (dt.date(2026, 12, 5), {"christmas_tree"}),
        (dt.date(2026, 11, 2), {"christmas_tree", "diwali_lamps"}),
        (dt.date(2026, 2, 10), {"lunar_new_year", "ramadan_lanterns"}),
        (dt.date(2026, 7, 1), set()),
    ],
)
def test_feasts_are_shown_when_they_are_near(day: dt.date, near: set[str]) -> None:
    assert feasts_near(day) == near | {"birthday_party"}
    assert feasts_near(day) <= {name for name, guide in GUIDES.items() if guide.occasion}
