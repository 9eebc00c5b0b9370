"""What the page says of merchants whose feeds were set aside."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

from jobs.report.merchant_rows import MerchantRows
from jobs.report.set_aside_feeds import set_aside, set_aside_section

NIGHT = dt.date(2026, 11, 21)


def _rows(feed_dates: list[dt.date], severity: str = "feed") -> MerchantRows:
    reject = {
        "severity": severity,
        "key": "good/feed",
        "reason": "feed_shrunken",
        "detail": "f.csv holds 1 product; <b>100</b> were there; its 100 products stay",
    }
    products: list[dict[str, Any]] = [{"feed_date": day} for day in feed_dates]
    shop = SimpleNamespace(name="Good & Co")
    return cast(MerchantRows, SimpleNamespace(merchant=shop, rejects=[reject], products=products))


def test_reason_date_and_nights() -> None:
    feed = set_aside(_rows([dt.date(2026, 11, 20)] * 2), NIGHT, 3)
    assert feed is not None
    text = set_aside_section([feed])
    assert "One feed was set aside" in text
    assert "Good &amp; Co" in text
    assert "&lt;b&gt;100&lt;/b&gt; were there<" in text
    assert "Shown meanwhile: 2 products of 20 November 2026, for 2 more nights." in text


def test_the_last_night_and_none_at_all() -> None:
    last, gone = set_aside(_rows([dt.date(2026, 11, 18)]), NIGHT, 3), set_aside(_rows([]), NIGHT, 3)
    assert last is not None
    assert gone is not None
    text = set_aside_section([last, gone])
    assert "Shown meanwhile: 1 product of 18 November 2026, tonight for the last time." in text
    assert "It has no products tonight." in text
    assert "2 feeds were set aside" in text


def test_nothing_is_said_of_a_feed_that_was_taken() -> None:
    assert set_aside(_rows([NIGHT], severity="row"), NIGHT, 3) is None
    assert set_aside_section([]) == ""
