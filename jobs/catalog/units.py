"""Quantities that names and specifications state: `1,5 l`, `6 x 330 ml`, `Pack of 6`, `18V`, `12"`.

Litres go to millilitres and kilograms to grams, by whole powers of ten, so that products compare; other units stay as
written under one symbol (an inch is not 25.4 mm on a label). Numbers are exact decimals.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc


class Quantity(NamedTuple):
    """`name` is what is measured (volume, weight, pack size, ...); `value` is written without trailing zeros."""

    name: str
    value: str
    unit: str


_DIGIT = re.compile(r"\d")
_COUNTED = frozenset({"volume", "weight"})
_PACK_OF = (
    "(?:pack|set|box|case|bundle|lot|lot de|packung|paket|boîte de|confezione da|paquete de) "
    "(?:of |mit |de |da |à )?"
)
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+(?![\d.,])|\d{1,9}(?:[.,]\d{1,4})?"


@cache
def _units() -> tuple[dict[str, tuple[str, str, Decimal]], re.Pattern[str], re.Pattern[str], str]:
    """(units by word, the patterns of a quantity and of a pack, what a text with either of them matches in RE2)."""
    with (Path(__file__).parent / "units.toml").open("rb") as file:
        declared = tomllib.load(file)
    units = {
        word: (entry["name"], entry["unit"], Decimal(str(factor)))
        for entry in declared["units"]
        for word, factor in entry["words"].items()
    }
    words = "|".join(re.escape(word) for word in sorted(units, key=len, reverse=True))
    quantity = re.compile(
        rf"(?<![\w.,/-])(?:(?P<times>\d{{1,3}})\s*[x×*]\s*)?(?P<number>{_NUMBER})\s?-?(?P<unit>{words})(?![\w/²³])",
    )
    packs = "|".join(re.escape(word) for word in sorted(declared["packs"], key=len, reverse=True))
    pack = re.compile(
        rf"(?<![\w.,])(?:(?P<before>\d{{1,4}})[\s-]?(?:{packs})\b|{_PACK_OF}(?P<after>\d{{1,4}})(?![\w.,])"
        rf"(?!\s?-?(?!in\b)(?:{words})(?![\w/])))",
        re.IGNORECASE,
    )
    # RE2 knows no look-around, and \d and \s in ASCII alone.
    stated = rf"\p{{Nd}}[\s\p{{Z}}]?-?(?:{words})|(?i:\p{{Nd}}[\s\p{{Z}}-]?(?:{packs})|{_PACK_OF}\p{{Nd}})"
    return units, quantity, pack, stated


def may_state(column: pa.Array) -> pa.Array:
    """Which texts of a column may hold a quantity, in compiled code: all that do, and few others."""
    return pc.fill_null(pc.match_substring_regex(column, _units()[3]), False)


def decimal_text(number: Decimal) -> str:
    """The shortest plain writing of a number: 1500, 0.5; never an exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_number(text: str) -> Decimal | None:
    """A bare number, `1.5`, `1,5` or `1 500`; None for anything else.

    A comma with three digits after it groups thousands, a point does not: specifications are not prices.
    """
    shown = text.strip().replace("\u2212", "-")
    if not re.fullmatch(r"[-+]?(?:\d{1,12}(?:[.,]\d{1,6})?|\d{1,3}(?:[ ',]\d{3})+(?:\.\d+)?)", shown):
        return None
    if re.fullmatch(r"[-+]?\d{1,3}(?:[ ',]\d{3})+(?:\.\d+)?", shown):
        return Decimal(re.sub("[ ',]", "", shown))
    return Decimal(shown.replace(",", "."))


def canonical_unit(unit: str) -> tuple[str, str, Decimal] | None:
    """(what is measured, symbol, factor) of a unit as written; None for one that is not listed."""
    units = _units()[0]
    return units.get(unit) or units.get(unit.lower())


def quantities(text: str) -> tuple[Quantity, ...]:
    """The quantities that a name or a size states, in order, each once; `6 x 330 ml` states two."""
    if not _DIGIT.search(text):
        return ()
    units, quantity, pack, _ = _units()
    found: dict[Quantity, None] = {}
    for match in quantity.finditer(text):
        name, symbol, factor = units[match["unit"]]
        number = read_number(match["number"])
        if number is None or number == 0:
            continue
        if match["times"] and name not in _COUNTED:
            continue  # 30 x 40 cm is one size with two sides
        found[Quantity(name, decimal_text(number * factor), symbol)] = None
        if match["times"] and int(match["times"]) > 1:
            found[Quantity("pack size", match["times"], "")] = None
    for match in pack.finditer(text):
        number = Decimal(match["before"] or match["after"])
        if number > 1:
            found[Quantity("pack size", decimal_text(number), "")] = None
    return tuple(found)
