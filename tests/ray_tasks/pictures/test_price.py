from __future__ import annotations

import pytest

from ray_tasks.pictures.arrange import TextSpec
from ray_tasks.pictures.price import money, priced


@pytest.mark.parametrize(
    ("locale", "currency", "minor", "written"),
    [
        ("en", "EUR", 129000, "€1,290.00"),
        ("de", "EUR", 129005, "1.290,05 €"),
        ("fr", "EUR", 129000, "1\u202f290,00 €"),
        ("zh", "CNY", 9900, "¥99.00"),
        ("ar", "USD", 1250, "12.50 $"),
        ("en", "JPY", 1200, "¥1,200"),
        ("de", "CHF", 5, "0,05 CHF"),
        ("en-GB", "KWD", 1500, "KWD 1.500"),
        ("en", "BIF", 1300, "BIF 1,300"),
        ("en", "LYD", 1300, "LYD 1.300"),
    ],
)
def test_a_price_as_its_locale_writes_it(locale: str, currency: str, minor: int, written: str) -> None:
    assert money(minor, currency, locale).replace("\u00a0", " ") == written


def test_a_text_without_a_former_price_or_a_small_line_has_none() -> None:
    text = priced(
        TextSpec("Kaffee", locale="de"), {"currency": "EUR", "price_minor": 990, "legal": {"en": "incl. VAT"}}
    )
    assert (text.price, text.was_price, text.legal) == ("9,90\u00a0€", None, None)
