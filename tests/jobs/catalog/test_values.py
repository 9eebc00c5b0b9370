"""Single values: GTIN, terms, dates, SKUs."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from jobs.catalog.prices import sale_state
from jobs.catalog.values import availability, brand_key, condition, gtin, gtins, sale_dates, sku_reason

D = dt.date


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4006381333931", "4006381333931"),
        ("4006381-333931", "4006381333931"),
        ("4006381333931.0", "4006381333931"),
        ("96385074", "96385074"),
        ("036000291452", "036000291452"),
        ("00012345600012", "00012345600012"),
        ("4006381333932", None),
        ("0000000000000", None),
        ("12345", None),
        ("4.00638E+12", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", None),
    ],
)
def test_gtin(text: str, found: str | None) -> None:
    assert gtin(text) == found
    assert gtins(pa.array(["", text, None]).slice(1)).to_pylist() == [found, None]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("In Stock", "in_stock"),
        ("https://schema.org/InStock", "in_stock"),
        ("auf Lager", "in_stock"),
        ("6.0", "in_stock"),
        ("0", "out_of_stock"),
        ("-2", "out_of_stock"),
        ("Épuisé", "out_of_stock"),
        ("PreOrder", "preorder"),
        ("back-order", "backorder"),
        ("who knows", None),
    ],
)
def test_availability(text: str, term: str | None) -> None:
    assert availability(text) == term


def test_condition() -> None:
    words = ("Gebraucht", "http://schema.org/NewCondition", "renewed", "fair")
    assert [condition(word) for word in words] == ["used", "new", "refurbished", None]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-20/2026-11-30", (D(2026, 11, 20), D(2026, 11, 30))),
        ("2026-11-20T00:00-0800/2026-11-30T23:59-0800", (D(2026, 11, 20), D(2026, 12, 1))),
        ("2026-11-20 00:00:00/2026-11-25 00:00:00", (D(2026, 11, 20), D(2026, 11, 25))),
        (" / 12/1/26", (None, D(2026, 12, 1))),
        ("11/21/26 / ", (D(2026, 11, 21), None)),
        ("2026-11-20", (D(2026, 11, 20), None)),
        ("soon", None),
    ],
)
def test_sale_dates(text: str, days: tuple[dt.date | None, dt.date | None] | None) -> None:
    assert sale_dates(text) == days


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", "on"),
        (" / ", "on"),
        ("2026-11-21/2026-11-21", "on"),
        ("2026-11-22/2026-12-01", "off"),
        ("2026-11-01/2026-11-20", "off"),
        ("2026-12-01/2026-11-01", "sale_dates_reversed"),
        ("2029-01-01/2029-02-01", "sale_dates_far"),
        ("tomorrow", "sale_dates_unreadable"),
    ],
)
def test_sale_state(text: str, state: str) -> None:
    assert sale_state(text, D(2026, 11, 21)) == state


def test_sku_reasons() -> None:
    texts = ("A-1", " ", None, "a\u202eb", "a\nb", "x" * 101)
    reasons = [sku_reason(text) for text in texts]
    control = "sku_control_characters"
    assert reasons == [None, "sku_missing", "sku_missing", control, control, "sku_too_long"]


def test_spellings_of_a_brand_share_a_key() -> None:
    assert len({brand_key(text) for text in ("ROAST & Co.", "Roast&Co", "roast co", "Röast-Co")}) == 1
