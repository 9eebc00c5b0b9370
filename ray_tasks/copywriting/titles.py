"""What a title says beyond the thing's noun: a name for a sentence, and the colour and material that it states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ray_tasks.copywriting.items import Item, Noun, item_words

NAME_MAX_CHARS = 30
_ENDS = re.compile(r",| \(| - | (?:with|in|for|from|of) ")
_NO_NAME = re.compile(r"[\d:]|\b[A-Z]{4,}\b|\w- | -\w")
_FOR_WHOM = re.compile(r"\b(?:(?:wo)?men'?s|ladies'?) ", re.IGNORECASE)
_ALWAYS_CAPITAL = frozenset({"Bluetooth", "Lightning", "Mediterranean", "Phillips"})
_COLOURS = (
    "black",
    "white",
    "red",
    "blue",
    "navy",
    "green",
    "yellow",
    "grey",
    "gray",
    "brown",
    "tan",
    "pink",
    "purple",
    "turquoise",
)
"""Neither gold nor silver: those may be what the thing is made of, or only look like it."""
_MATERIALS = {
    "leather": "leather",
    "canvas": "canvas",
    "wool": "wool",
    "linen": "linen",
    "cotton": "cotton",
    "ceramic": "ceramic",
    "plastic": "plastic",
    "paper": "paper",
    "rubber": "rubber",
    "wooden": "wood",
}
"""Neither metal nor wood: 'metal primer' and 'wood stain' are for them."""


def short_name(title: str) -> str | None:
    """The title up to its first comma or preposition, when it is short and reads as a name.

    Numbers, shouting ("GOOD MORNING") and stray hyphens ("T- Shirt") belong in a list, not in a sentence.
    """
    name = _FOR_WHOM.sub("", _ENDS.split(title, maxsplit=1)[0]).strip()
    return name if 0 < len(name) <= NAME_MAX_CHARS and not _NO_NAME.search(name) else None


def described(product: Mapping[str, Any], item: Item | None, noun: Noun | None) -> str | None:
    """The title as words of a sentence, without its article ("black leather backpack"), where it describes the thing.

    A product with a brand may bear a name of its own (Wanderer Hiking Boots): such a title has to be written in small
    letters. None as well where the title does not end in the thing's word, or in another number of it than the noun.
    """
    name = short_name(product["title"])
    if name is None or item is None or noun is None:
        return None
    first, *others = name.split()
    if product.get("brand"):
        spoken = " ".join([first.lower(), *others])
        if spoken != name.lower():
            return None
    else:
        spoken = " ".join(
            word if word in _ALWAYS_CAPITAL or re.fullmatch(r"[A-Z]+|[a-z]+[A-Z]\w*", word) else word.lower()
            for word in (first, *others)
        )
    words = spoken.lower().split()
    ends = {" ".join(words[start:]) for start in range(len(words))}
    named = any(item_words().get(end) == item.key for end in ends)
    same_number = spoken.endswith("s") == noun.bare.endswith("s")
    return spoken if named and same_number and spoken != noun.bare else None


def stated_facts(product: Mapping[str, Any]) -> list[dict[str, str]]:
    """The one colour and the one material that an English title states, as facts."""
    words = _ENDS.split(product["title"], maxsplit=1)[0].lower().split()
    colours = [word for word in words if word in _COLOURS]
    materials = [_MATERIALS[word] for word in words if word in _MATERIALS]
    return [
        {"name": name, "value": values[0], "unit": ""}
        for name, values in (("colour", colours), ("material", materials))
        if len(values) == 1
    ]
