"""Which feasts are near on a day: a Christmas tree in June is a mistake, whoever looks for presents."""

from __future__ import annotations

import datetime as dt

from ray_tasks.copywriting.settings_guide import GUIDES

_MONTHS = {"christmas_tree": {11, 12}, "lunar_new_year": {1, 2}, "diwali_lamps": {10, 11}}
"""Months of the Gregorian calendar in which people shop for a feast that moves by less than a month."""
_ISLAMIC_MONTHS = {"ramadan_lanterns": {8, 9, 10}}
"""Months of the Islamic calendar: the one before Ramadan, Ramadan, and that of Eid al-Fitr."""
_ISLAMIC_EPOCH = 227015
"""Friday, 16 July 622 (Julian), in days since 31 December of the year 0 (Gregorian)."""


def islamic_month(day: dt.date) -> int:
    """1 (Muharram) to 12, by the arithmetical calendar; seen moons differ from it by a day or two.

    Source: Reingold and Dershowitz, Calendrical Calculations (4th ed. 2018), chapter 7.
    """
    fixed = day.toordinal()
    year = (30 * (fixed - _ISLAMIC_EPOCH) + 10646) // 10631
    new_year = _ISLAMIC_EPOCH + 354 * (year - 1) + (3 + 11 * year) // 30
    return (11 * (fixed - new_year) + 330) // 325


def feasts_near(day: dt.date) -> frozenset[str]:
    """The settings of feasts that may be shown on a day; those without a season of their own always may."""
    return frozenset(
        name
        for name, guide in GUIDES.items()
        if guide.occasion
        and day.month in _MONTHS.get(name, {day.month})
        and islamic_month(day) in _ISLAMIC_MONTHS.get(name, {islamic_month(day)})
    )
