"""Prices as shops write them, in minor units and ISO 4217 currencies.

What a separator means is decided in this order: the feed's own `decimal_mark`; of two kinds the last one is the decimal
mark (`1.299,00`, `1'299.50`); a mark that stands twice groups thousands (`1.299.000`, `1,29,900`); one mark followed by
three digits groups thousands (`1,299` is 1299) unless it is a point and the currency has three decimals (`1.299 KWD`)
or the number begins with zero (`0.125`); everything else is a decimal mark (`12,5`).
"""

from __future__ import annotations

import re
import tomllib
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from schemas.currencies import MINOR_DIGITS

DecimalMark = Literal[".", ","]

MAX_MINOR = 10**12
"""No product costs ten thousand million of any currency's major unit; such a number is another column's."""

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f_]+")
_NUMBER = re.compile(r"[-+\u2212(]{0,2}\d[\d.,'\u2019\u02bc\u066b\u066c]*(?:[-\u2013\u2014]{1,2}(?!\d))?")
_SPACED_NUMBER = re.compile(r"(?<![\d.,])(\d{1,3})((?:[\s\u00a0\u2007\u2009\u202f]\d{3})+)(?!\d)")
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d+)?[eE][-+]?\d{1,3}")
_NO_CENTS = re.compile(r"[.,][-\u2013\u2014]{1,2}$")
# Thousands, or in India lakhs: groups of two before the last three digits.
_GROUPED = re.compile(r"\d*|\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_LETTERS = re.compile(r"[^\W\d_]+\$?|[^\w\s.,'\u2019\-+()\u2212\u2013\u2014]")


class Money(NamedTuple):
    """An amount in minor units and its currency; or the reason why there is none, and then no amount."""

    minor: int | None
    currency: str
    reason: str | None = None


@cache
def _symbols() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    with (Path(__file__).parent / "currencies.toml").open("rb") as file:
        declared = tomllib.load(file)
    return declared["symbols"], {k: tuple(v) for k, v in declared["shared_symbols"].items()}


def minor_digits(currency: str) -> int | None:
    """Decimals of a currency (ISO 4217, list one); None for a code that is not on the list."""
    return MINOR_DIGITS.get(currency)


@lru_cache(maxsize=1024)
def currency_code(word: str, context: str) -> str | None:
    """The ISO 4217 code that a code or symbol names; a symbol that several countries use follows `context`."""
    symbols, shared = _symbols()
    upper = word.strip().strip(".").upper()
    if upper in MINOR_DIGITS:
        return upper
    if upper in shared:
        return context if context in shared[upper] else shared[upper][0]
    return symbols.get(upper)


_MONEY = pa.struct([("minor", pa.int64()), ("currency", pa.string()), ("reason", pa.string())])


def money_column(texts: pa.Array, currencies: pa.Array, decimal_mark: DecimalMark | None = None) -> pa.Array:
    """`parse_money` of every text, each with its default currency, as structs like Money; NULL where the text is.

    The commonest way to write a price, `12.50 EUR`, goes through compiled code.
    """
    common = (
        rf"^(?P<whole>\d{{1,9}})[{decimal_mark or '.,'}](?P<cents>\d\d)(?: ?(?P<word>[A-Z]{{3}}|[€$£]))?$"
    )
    whole, cents, word = pc.extract_regex(texts, common).flatten()
    named = pc.binary_join_element_wise(word, currencies, "\x1f").dictionary_encode()
    codes = [_of_two_decimals(*pair.split("\x1f")) for pair in named.dictionary.to_pylist()]
    currency = pa.array(codes, pa.string()).take(named.indices)
    minor = pc.binary_join_element_wise(whole, cents, "").cast(pa.int64())
    rest = pc.and_(
        texts.is_valid(), pc.invert(pc.and_(currency.is_valid(), pc.fill_null(pc.greater(minor, 0), False)))
    )
    given = zip(texts.filter(rest).to_pylist(), currencies.filter(rest).to_pylist(), strict=True)
    read = [parse_money(text, default, decimal_mark) for text, default in given]
    columns = list(zip(*read, strict=True)) or [()] * len(_MONEY)
    amounts = [
        pc.replace_with_mask(usual, rest, pa.array(values, usual.type))
        for usual, values in zip((minor, currency, pa.nulls(len(texts), pa.string())), columns, strict=True)
    ]
    return pa.StructArray.from_arrays(amounts, fields=list(_MONEY), mask=texts.is_null())


def _of_two_decimals(word: str, default_currency: str) -> str | None:
    """The currency that a word (none: the default) names, if it has two decimals."""
    code = currency_code(word, default_currency) if word else default_currency
    return code if code and minor_digits(code) == 2 else None


@lru_cache(maxsize=4096)
def parse_money(text: str | None, default_currency: str, decimal_mark: DecimalMark | None = None) -> Money:
    """A price such as `1.299,00 EUR`, `$1,299`, `12.5 USD`, `1 299,50 kr` or `CHF 1'299.–`.

    Reasons: price_missing, price_unreadable (not exactly one number), price_not_positive, price_absurd,
    currency_unknown.
    """
    shown = (text or "").strip()
    if not shown:
        return Money(None, default_currency, "price_missing")
    exponent = _EXPONENT.fullmatch(shown)
    joined = _SPACED_NUMBER.sub(lambda m: m[1] + _SPACES.sub("", m[2]), shown)
    numbers = [exponent] if exponent else list(_NUMBER.finditer(joined))
    if len(numbers) != 1 or numbers[0] is None:
        return Money(None, default_currency, "price_unreadable")
    number = numbers[0]
    words = [] if exponent else _LETTERS.findall(joined[: number.start()] + " " + joined[number.end() :])
    currency = default_currency
    if words:
        found = {code for word in words if (code := currency_code(word, default_currency))}
        if len(found) != 1:
            return Money(None, default_currency, "currency_unknown")
        currency = found.pop()
    digits = minor_digits(currency)
    if digits is None:
        return Money(None, currency, "currency_unknown")
    try:
        amount = Decimal(shown) if exponent else _amount(number[0], decimal_mark, digits)
    except InvalidOperation:
        return Money(None, currency, "price_unreadable")
    if amount.adjusted() > 15:
        return Money(None, currency, "price_absurd")
    minor = int(amount.scaleb(digits).quantize(Decimal(1), ROUND_HALF_UP))
    if minor <= 0:
        return Money(None, currency, "price_not_positive")
    return Money(None, currency, "price_absurd") if minor > MAX_MINOR else Money(minor, currency)


def _amount(written: str, decimal_mark: DecimalMark | None, digits: int) -> Decimal:
    negative = written[0] in "-\u2212("
    text = _NO_CENTS.sub("", written).lstrip("-+\u2212(").rstrip("-\u2013\u2014")
    text = re.sub(r"['\u2019\u02bc\u066c]", "", text).replace("\u066b", ".").rstrip(".,")
    mark = decimal_mark or _decimal_mark(text, digits)
    whole, _, cents = text.rpartition(mark) if mark and mark in text else (text, "", "")
    if not _GROUPED.fullmatch(whole):
        raise InvalidOperation
    amount = Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{cents or '0'}")
    return -amount if negative else amount


def _decimal_mark(text: str, digits: int) -> str | None:
    marks = [character for character in text if character in ".,"]
    if not marks:
        return None
    if len(set(marks)) == 2:
        return marks[-1] if marks.count(marks[-1]) == 1 else None
    if len(marks) > 1:
        return None
    whole, after = text.split(marks[0])
    if len(after) != 3 or whole in {"", "0"} or len(whole) > 3:
        return marks[0]
    return "." if marks[0] == "." and digits == 3 else None
