"""The merchants whose feeds were set aside tonight: why, since when, and for how many nights their products stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.report.merchant_rows import MerchantRows
from jobs.report.sections import esc, words
from jobs.wording import counted, number


@dataclass(frozen=True)
class SetAside:
    """One merchant's feed; `products` of `feed_date` stand in its place, or none when feed_date is None."""

    merchant: str
    reason: str
    detail: str
    products: int
    feed_date: dt.date | None
    nights_left: int


def set_aside(rows: MerchantRows, run_date: dt.date, keep_nights: int) -> SetAside | None:
    """What there is to say of a merchant; None when its feed was taken."""
    told = next(
        (
            reject
            for reject in rows.rejects
            if reject["severity"] == "feed" and reject["key"].endswith("/feed")
        ),
        None,
    )
    if told is None:
        return None
    dates = [product["feed_date"] for product in rows.products if product["feed_date"]]
    feed_date = min(dates, default=None)
    left = keep_nights - (run_date - feed_date).days if feed_date else 0
    return SetAside(
        rows.merchant.name, told["reason"], told["detail"], len(rows.products), feed_date, max(0, left)
    )


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _standing(feed: SetAside) -> str:
    if feed.feed_date is None:
        return "It has no products tonight."
    left = (
        f"for {counted(feed.nights_left, 'more night')}" if feed.nights_left else "tonight for the last time"
    )
    return f"Shown meanwhile: {counted(feed.products, 'product')} of {_day(feed.feed_date)}, {left}."


def set_aside_section(feeds: Sequence[SetAside]) -> str:
    """The panel above everything else; empty when every feed was taken."""
    if not feeds:
        return ""
    title = "One feed was set aside" if len(feeds) == 1 else f"{number(len(feeds))} feeds were set aside"
    items = "".join(
        f"<li><h3>{esc(feed.merchant)} "
        f"<span class='badge failed'>{esc(words(feed.reason.removeprefix('feed_')))}</span></h3>"
        f"<p class=why>{esc(feed.detail.rpartition('; ')[0] or feed.detail)}</p><p>{esc(_standing(feed))}</p></li>"
        for feed in feeds
    )
    return (
        f'<section class="failure feeds" aria-labelledby="feeds-h"><h2 id="feeds-h">{title}</h2>'
        f"<ul>{items}</ul></section>"
    )
