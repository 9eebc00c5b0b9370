"""When a feed is set aside, and for how long its last products stay."""

from __future__ import annotations

import datetime as dt

from jobs.catalog.keeping import Counts, LastProducts, judge_feed, kept_sentence, nights_left
from schemas.config import Ingest, Merchant
from schemas.feed_config import ProductFeed

NIGHT = dt.date(2026, 11, 21)
LAST = LastProducts(dt.date(2026, 11, 20), dt.date(2026, 11, 20), 100)


def _judge(
    counts: Counts, last: LastProducts | None = LAST, whole: bool = True, **feed: object
) -> str | None:
    shop = ProductFeed.model_validate({"path": "f.csv", "format": "csv", "mapping": "plain", **feed})
    merchant = Merchant(id="m", name="M", segment_sources=(), currency="EUR", feed=shop)
    refusal = judge_feed(merchant, counts, last, NIGHT, Ingest(), whole=whole)
    return refusal.reason if refusal else None


def test_a_feed_that_shrank_needs_a_word() -> None:
    assert _judge(Counts(read=50)) is None
    assert _judge(Counts(read=49)) == "feed_shrunken"
    assert _judge(Counts(read=49), accept_shrink=NIGHT) is None
    assert _judge(Counts(read=49), accept_shrink=dt.date(2026, 11, 20)) == "feed_shrunken"
    assert _judge(Counts(read=49), whole=False) is None
    assert _judge(Counts(read=49), last=None) is None


def test_rejects_above_the_share_cost_the_feed_but_repetitions_do_not() -> None:
    first = {"price_missing": "f.csv row 7", "sku_repeated": "f.csv row 9"}
    assert _judge(Counts(100, {"price_missing": 25}, first)) is None
    assert _judge(Counts(100, {"price_missing": 26}, first)) == "feed_too_many_rejects"
    assert _judge(Counts(100, {"sku_repeated": 50}, first)) is None
    assert _judge(Counts(1, {"feed_truncated": 1}, {"feed_truncated": "x"})) == "feed_truncated"
    assert _judge(Counts(), last=None) == "feed_no_products"


def test_nights_are_counted_from_the_last_good_feed() -> None:
    days = [dt.date(2026, 11, day) for day in (21, 22, 23, 24)]
    assert [nights_left(LAST, day, Ingest()) for day in days] == [2, 1, 0, None]
    assert kept_sentence(LAST, 2) == "its 100 products of 2026-11-20 stay, tonight and for 2 more nights"
    assert kept_sentence(LAST, 0).endswith("tonight for the last time")
    assert kept_sentence(LAST, None) == "its products of 2026-11-20 are kept no longer"
    assert kept_sentence(None, None) == "no earlier products to keep"
