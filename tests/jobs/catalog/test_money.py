"""Prices as shops of many countries write them."""

from __future__ import annotations

import pytest

from jobs.catalog.money import Money, minor_digits, parse_money

READ = [
    ("12.90", "EUR", 1290, "EUR"),
    ("12,90", "EUR", 1290, "EUR"),
    ("1.299,00 EUR", "USD", 129900, "EUR"),
    ("$1,299", "USD", 129900, "USD"),
    ("$5", "CAD", 500, "CAD"),
    ("$5", "EUR", 500, "USD"),
    ("12.5 USD", "EUR", 1250, "USD"),
    ("1 299,50 kr", "NOK", 129950, "NOK"),
    ("1 299,50 kr", "EUR", 129950, "SEK"),
    ("1\u202f299,50\u00a0€", "USD", 129950, "EUR"),
    ("CHF 1'299.–", "EUR", 129900, "CHF"),
    ("€ 12,-", "USD", 1200, "EUR"),
    ("₹1,29,900.00", "EUR", 12990000, "INR"),
    ("Rs. 499", "EUR", 49900, "INR"),
    ("12,5 zł", "EUR", 1250, "PLN"),
    ("ca. 12 EUR", "EUR", None, None),
    ("1300", "JPY", 1300, "JPY"),
    ("10,000", "JPY", 10000, "JPY"),
    ("1.299", "KWD", 1299, "KWD"),
    ("1.299", "EUR", 129900, "EUR"),
    ("0.125", "EUR", 13, "EUR"),
    ("1234.567", "EUR", 123457, "EUR"),
    ("1.0E7", "EUR", 1_000_000_000, "EUR"),
    ("12.50 JPY", "EUR", 13, "JPY"),
    ("0012.50 eur", "USD", 1250, "EUR"),
    ("12,50€", "USD", 1250, "EUR"),
    ("12.50 $", "CAD", 1250, "CAD"),
]
REFUSED = [
    ("", "price_missing"),
    (None, "price_missing"),
    ("abc", "price_unreadable"),
    ("19.99 - 29.99 USD", "price_unreadable"),
    ("12.90.5", "price_unreadable"),
    ("NaN", "price_unreadable"),
    ("-3", "price_not_positive"),
    ("(5.00)", "price_not_positive"),
    ("0.00", "price_not_positive"),
    ("99999999999999", "price_absurd"),
    ("1e300", "price_absurd"),
    ("12 XYZ", "currency_unknown"),
    ("12 DEM", "currency_unknown"),
    ("5 USD EUR", "currency_unknown"),
]


@pytest.mark.parametrize(("text", "context", "minor", "currency"), [case for case in READ if case[2]])
def test_read(text: str, context: str, minor: int, currency: str) -> None:
    assert parse_money(text, context) == Money(minor, currency)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_refused(text: str | None, reason: str) -> None:
    money = parse_money(text, "EUR")
    assert (money.minor, money.reason) == (None, reason)


def test_a_feed_can_say_what_the_mark_means() -> None:
    assert parse_money("1,299", "EUR", ",").minor == 130
    assert parse_money("1,299", "EUR", ".").minor == 129900
    assert parse_money("1.299", "EUR", ".").minor == 130


def test_minor_digits() -> None:
    assert [minor_digits(code) for code in ("EUR", "JPY", "BHD", "CLF", "DEM")] == [2, 0, 3, 4, None]
