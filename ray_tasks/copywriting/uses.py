"""What a product is for, finer than its kind: which words about it make sense, and in which places."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ray_tasks.copywriting.items import Item
from ray_tasks.copywriting.kinds import Kind


@dataclass(frozen=True)
class Use:
    """A use by its name in uses.toml."""

    name: str
    places: frozenset[str]
    """Settings whose own phrases suit the thing; where it stands elsewhere, the copy does not speak of the place."""
    moods: bool
    """Whether the moods of its phrase bank suit it."""


@cache
def uses() -> tuple[Mapping[str, Use], Mapping[str, Use]]:
    """Uses by item key and by the name of a kind."""
    raw = tomllib.loads(Path(__file__).with_name("uses.toml").read_text(encoding="utf-8"))
    by_item: dict[str, Use] = {}
    by_kind: dict[str, Use] = {}
    for name, given in raw.items():
        use = Use(name, frozenset(given.get("places", ())), given.get("moods", False))
        by_item |= dict.fromkeys(given.get("items", ()), use)
        by_kind |= dict.fromkeys(given.get("kinds", ()), use)
    return by_item, by_kind


def use_of(item: Item | None, kind: Kind) -> Use:
    """The use of the item; of what has no noun, that of its kind."""
    by_item, by_kind = uses()
    return by_item[item.base] if item is not None else by_kind[kind.name]
