"""Single values in the field's conventions: GTIN, availability, condition, dates, SKUs; one text in, one value out."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SKU_MAX_CHARS = 100


def gtin(text: str | None) -> str | None:
    """A GTIN-8, -12, -13 or -14 without spaces and hyphens when its check digit holds; None otherwise.

    The digits, from the right and without the check digit, weigh 3 and 1 in turns; the check digit fills their sum up
    to a multiple of ten. GS1 General Specifications, section 7.9.1. Twelve digits that a spreadsheet robbed of leading
    zeros are not guessed at.
    """
    digits = re.sub(r"[\s\-\u2010-\u2015]", "", text or "")
    # Spreadsheets and JSON readers write long numbers as floats.
    digits = re.sub(r"\.0+$", "", digits)
    if len(digits) not in (8, 12, 13, 14) or not (digits.isascii() and digits.isdigit()) or not int(digits):
        return None
    total = 3 * sum(map(int, digits[-2::-2])) + sum(map(int, digits[-3::-2]))
    return digits if (10 - total % 10) % 10 == int(digits[-1]) else None


def gtins(column: pa.Array) -> pa.Array:
    """`gtin` of every value of a column of text, in compiled code."""
    digits = pc.replace_substring_regex(column, pattern=r"[\s\-\x{2010}-\x{2015}]|\.0+$", replacement="")
    formed = pc.fill_null(pc.match_substring_regex(digits, r"^(?:\d{8}|\d{12,14})$"), False)
    padded = pc.utf8_lpad(pc.if_else(formed, digits, ""), 14, "0").cast(pa.binary(14))
    cells = np.frombuffer(padded.buffers()[1], np.uint8, 14 * len(column), 14 * padded.offset)
    sums = (cells.reshape(-1, 14) - 48).astype(np.int64) @ np.array([3, 1] * 7)
    sound = pc.and_(formed, pa.array((sums % 10 == 0) & (sums > 0)))
    return pc.if_else(sound, digits, pa.scalar(None, pa.string()))


@cache
def _words(name: str) -> dict[str, str]:
    with (Path(__file__).parent / "vocabularies.toml").open("rb") as file:
        vocabulary: dict[str, list[str]] = tomllib.load(file)[name]
    return {_key(word): term for term, words in vocabulary.items() for word in [term, *words]}


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # schema.org: "https://schema.org/InStock"
    folded = re.sub(r"^https?://schema\.org/", "", folded)
    return re.sub(r"[\W_]+", "", folded)


def _term(name: str, text: str | None) -> str | None:
    return _words(name).get(_key(text)) if text else None


@lru_cache(maxsize=4096)
def availability(text: str | None) -> str | None:
    """in_stock, out_of_stock, preorder or backorder (Google product data specification); None when unknown.

    Also from a number of pieces: 0 or less is out of stock.
    """
    if text and re.fullmatch(r"[-+]?\d{1,9}(\.\d{1,4})?", text.strip()):
        return "in_stock" if float(text) > 0 else "out_of_stock"
    return _term("availability", text)


@lru_cache(maxsize=4096)
def condition(text: str | None) -> str | None:
    """new, refurbished or used (Google product data specification); None when unknown."""
    return _term("condition", text)


_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d")
_AMBIGUOUS_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")


@lru_cache(maxsize=4096)
def day(text: str | None) -> dt.date | None:
    """The UTC day of an ISO 8601 date or time, `31.12.2026` or `12/31/2026`; None when it cannot be read.

    With slashes and the year last, the month comes first unless only the other way is a date.
    """
    shown = (text or "").strip().strip("'\"")
    try:
        moment = dt.datetime.fromisoformat(shown.replace(" UTC", "+00:00"))
        return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        pass
    start = re.split(r"[T ]", shown, maxsplit=1)[0]
    for layout in _DATE_FORMATS:
        try:
            return dt.datetime.strptime(start, layout).date()
        except ValueError:
            continue
    if match := _AMBIGUOUS_DATE.fullmatch(start):
        first, second, year = (int(part) for part in match.groups())
        year += 2000 if year < 100 else 0
        for month, number in ((first, second), (second, first)):
            try:
                return dt.date(year, month, number)
            except ValueError:
                continue
    return None


def sale_dates(text: str | None) -> tuple[dt.date | None, dt.date | None] | None:
    """First and last day of `start/end` (ISO 8601 interval, as in sale_price_effective_date); None when unreadable.

    An open end is None; a text without a slash between two dates is a start.
    """
    parts = [part.strip() for part in re.split(r"\s/\s|/(?=\s*\d{4}-)|/\s*$", text or "", maxsplit=1)]
    days = [day(part) for part in parts]
    if any(part and not found for part, found in zip(parts, days, strict=True)):
        return None
    return days[0], days[1] if len(days) > 1 else None


@lru_cache(maxsize=4096)
def brand_key(brand: str | None) -> str | None:
    """What spellings of one brand share: letters and digits, folded (`ROAST & Co.` and `Roast&Co`)."""
    if not brand:
        return None
    decomposed = unicodedata.normalize("NFKD", brand.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in decomposed if not unicodedata.combining(c))) or brand


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def sku_reason(raw: str | None) -> str | None:
    """Why a text cannot be a SKU: sku_missing, sku_too_long or sku_control_characters; None when it can."""
    if raw is None or not raw.strip():
        return "sku_missing"
    if _CONTROL.search(raw.strip()):
        return "sku_control_characters"
    return "sku_too_long" if len(raw.strip()) > SKU_MAX_CHARS else None


def sku_reasons(column: pa.Array) -> pa.Array:
    """`sku_reason` of every value of a column of text."""
    usual = pc.fill_null(pc.match_substring_regex(column, rf"^[!-~]{{1,{SKU_MAX_CHARS}}}$"), False)
    odd = pc.invert(usual)
    reasons = pa.array([sku_reason(raw) for raw in column.filter(odd).to_pylist()], pa.string())
    return pc.replace_with_mask(pa.nulls(len(column), pa.string()), odd, reasons)
