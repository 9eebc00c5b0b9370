"""The prices of a batch in minor units, and whether a sale price holds tonight."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from jobs.catalog import values
from jobs.catalog.findings import Findings
from jobs.catalog.given import Given, each_distinct
from jobs.catalog.money import DecimalMark, money_column

FAR_DAYS = 366


def _money(given: Given, field: str, currency: pa.Array) -> pa.Array:
    """The field's amounts as structs of Money; NULL where the field is."""
    mark: DecimalMark | None = given.rules.decimal_mark
    kind = given.raw(field).type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        mark = "."

    return money_column(given.text(field), currency, mark)


def price_columns(given: Given, found: Findings, out: dict[str, pa.Array]) -> None:
    """Adds price_minor, sale_price_minor (NULL: none tonight) and currency (ISO 4217) to `out`."""
    rules = given.rules
    named = pc.utf8_upper(pc.utf8_trim_whitespace(given.text("currency")))
    currency = pc.fill_null(pc.if_else(pc.equal(named, ""), None, named), rules.currency)
    price = _money(given, "price", currency)
    out["price_minor"] = price.field("minor")
    out["currency"] = pc.fill_null(price.field("currency"), currency)
    found.reject(pc.if_else(price.is_null(), "price_missing", price.field("reason")), given.text("price"))
    if not given.has("sale_price"):
        out["sale_price_minor"] = pa.nulls(len(price), pa.int64())
        return
    sale = _money(given, "sale_price", out["currency"])
    minor = sale.field("minor")
    stated = pc.and_(sale.is_valid(), pc.not_equal(sale.field("reason"), "price_missing"))
    stated = pc.or_(pc.fill_null(stated, False), minor.is_valid())
    unreadable = pc.or_(minor.is_null(), pc.not_equal(sale.field("currency"), out["currency"]))
    found.note(pc.and_(stated, unreadable), "sale_price_unreadable", given.text("sale_price"))
    readable = pc.and_(stated, pc.invert(pc.fill_null(unreadable, True)))
    lower = pc.fill_null(pc.less(minor, out["price_minor"]), False)
    found.note(pc.and_(readable, pc.invert(lower)), "sale_price_not_lower", given.text("sale_price"))
    kept = pc.and_(readable, lower)
    if given.has("sale_dates"):
        codes = each_distinct(
            pc.fill_null(given.text("sale_dates"), ""),
            lambda text: sale_state(text, rules.run_date),
            pa.string(),
        )
        for code in ("sale_dates_unreadable", "sale_dates_reversed", "sale_dates_far"):
            found.note(pc.and_(kept, pc.equal(codes, code)), code, given.text("sale_dates"))
        kept = pc.and_(kept, pc.equal(codes, "on"))
    out["sale_price_minor"] = pc.if_else(kept, minor, None)


def sale_state(dates: str, run_date: dt.date) -> str:
    """`on`, `off` (over, or not yet begun) or the reason code of dates that cannot be meant."""
    if not dates.strip(" /"):
        return "on"
    days = values.sale_dates(dates)
    if days is None:
        return "sale_dates_unreadable"
    first, last = days
    if first and last and last < first:
        return "sale_dates_reversed"
    if first and (first - run_date).days > FAR_DAYS:
        return "sale_dates_far"
    return "off" if (first and first > run_date) or (last and last < run_date) else "on"
