"""Prices as a locale writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ray_tasks.pictures.arrange import TextSpec
from schemas.currencies import MINOR_DIGITS

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CNY": "¥", "KRW": "₩", "INR": "₹"}
# CLDR: sign before the number, thousands and decimals; other languages as the last row.
_FORMS = {
    "en": (True, ",", "."),
    "zh": (True, ",", "."),
    "ar": (False, ",", "."),
    "fr": (False, "\u202f", ","),
}
_OTHER = (False, ".", ",")


def money(minor: int, currency: str, locale: str) -> str:
    """An amount of minor units: `€1,290.00` in English, `1.290,00 €` in German; a code where a currency has no sign."""
    before, thousands, mark = _FORMS.get(locale.split("-")[0], _OTHER)
    digits = MINOR_DIGITS.get(currency, 2)
    whole, part = divmod(minor, 10**digits)
    number = f"{whole:,}".replace(",", thousands) + (f"{mark}{part:0{digits}d}" if digits else "")
    sign = _SIGNS.get(currency, currency)
    if before:
        return f"{sign}{number}" if len(sign) == 1 else f"{sign}\u00a0{number}"
    return f"{number}\u00a0{sign}"


def priced(text: TextSpec, offer: Mapping[str, Any]) -> TextSpec:
    """The text with the price, the former price and the small line of its locale."""

    def shown(name: str) -> str | None:
        minor = offer.get(name)
        return None if minor is None else money(minor, offer["currency"], text.locale)

    return replace(
        text,
        price=shown("price_minor"),
        was_price=shown("was_price_minor"),
        legal=offer["legal"].get(text.locale),
    )
