"""Which merchants' feeds are set aside tonight, and what each of them has left: pure decisions over counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.config import Ingest, Merchant

LOOKBACK_NIGHTS = 30
"""So far back a merchant's last products are looked for."""


@dataclass
class Counts:
    """One merchant's rows of tonight: how many were read, and how many each reason cost, with its first row."""

    read: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """Rows that are products."""
        return self.read - sum(self.lost.values())

    @property
    def rejected(self) -> int:
        """Rows that are neither products nor a repetition of one."""
        return sum(n for reason, n in self.lost.items() if reason != "sku_repeated")


@dataclass(frozen=True)
class LastProducts:
    """A merchant's newest products of an earlier night."""

    run_date: dt.date
    feed_date: dt.date
    count: int


@dataclass(frozen=True)
class Refusal:
    """Why a merchant's feed is set aside."""

    reason: str
    detail: str


def judge_feed(
    merchant: Merchant,
    counts: Counts,
    last: LastProducts | None,
    run_date: dt.date,
    limits: Ingest,
    *,
    whole: bool,
) -> Refusal | None:
    """Why a feed that could be read is still set aside, or None. `whole` is false for a night with --limit."""
    feed = merchant.feed
    for reason in counts.lost:
        if reason.startswith("feed_"):
            return Refusal(reason, f"{feed.path}: {counts.first[reason]}")
    share = counts.rejected / counts.read if counts.read else 0.0
    if share > limits.max_reject_share:
        reason = max((r for r in counts.lost if r != "sku_repeated"), key=lambda r: counts.lost[r])
        return Refusal(
            "feed_too_many_rejects",
            f"{share:.0%} of {counts.read} rows of {feed.path} were rejected, most for {reason} (first: "
            f"{counts.first[reason]}); mend the feed or its mapping, or raise ingest.max_reject_share (now "
            f"{limits.max_reject_share:.0%})",
        )
    if counts.good == 0:
        return Refusal("feed_no_products", f"{feed.path} holds no row that is a product by its mapping")
    if (
        whole
        and last
        and feed.accept_shrink != run_date
        and counts.good < last.count * (1 - limits.max_shrink_share)
    ):
        return Refusal(
            "feed_shrunken",
            f"{feed.path} holds {counts.good} products, {last.count} were there on {last.run_date}: "
            f"{1 - counts.good / last.count:.0%} fewer, and at most {limits.max_shrink_share:.0%} is taken without a "
            f'word; if it is meant, set accept_shrink = "{run_date}" in the feed and run again',
        )
    return None


def nights_left(last: LastProducts | None, run_date: dt.date, limits: Ingest) -> int | None:
    """For how many nights after tonight the last products would still stay; None when they are gone, or never were."""
    if last is None:
        return None
    left = limits.keep_products_nights - (run_date - last.feed_date).days
    return left if left >= 0 else None


def kept_sentence(last: LastProducts | None, left: int | None) -> str:
    """What a merchant whose feed is set aside has tonight, in words."""
    if last is None:
        return "no earlier products to keep"
    if left is None:
        return f"its products of {last.feed_date} are kept no longer"
    more = (
        "tonight for the last time" if left == 0 else f"tonight and for {left} more night{'s' * (left > 1)}"
    )
    return f"its {last.count} products of {last.feed_date} stay, {more}"


def no_product_sentence(refusals: Mapping[str, Refusal], merchants: Sequence[Merchant]) -> str:
    """Why the stage fails when nobody has a product."""
    said = [f"{m.id}: {refusals[m.id].detail}" for m in merchants if m.id in refusals]
    return "no merchant has any product tonight; " + "; ".join(said)
