"""Numbers as the report and the drops say them."""

from __future__ import annotations


def number(value: float) -> str:
    """1234567 -> 1,234,567."""
    return f"{value:,.0f}"


def counted(count: int, one: str) -> str:
    """1 and "product" -> 1 product, 1234 -> 1,234 products."""
    return f"{number(count)} {one}{'s' * (count != 1)}"
