"""What a title says beyond the thing's noun: a name for a sentence, and the colour and material that it states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ray_tasks.copywriting.items import Item, Noun, item_words

NAME_MAX_CHARS = 30
_ENDS = re.compile(r",| \(| - | (?:with|in|for|from|of) ")
_NO_NAME = re.compile(r"[\d:]|\b[A-Z]{4,}\b|\w- | -\w")
_FOR_WHOM = re.compile(r"\b(?:(?:wo)?men'?s|ladies'?) ", re.IGNORECASE)
_ALWAYS_CAPITAL = frozenset({"Bluetooth", "Lightning", "Mediterranean", "Phillips"})
_PRAISE = re.compile(
    r"\b(?:professional|premium|deluxe|super|nice|lovely|perfect|delicious|healthy|moreish|nummy) ",
    re.IGNORECASE,
)
"""Words that a shop may put before a thing's name and copy must not repeat."""
_MEASURE = re.compile(
    r" ?\b(\d+(?:[-./x]\d+)*)[- ]?(inch|foot|sheet|drive|V|oz|lb|W|HP|piece)\b(?: Li-Ion)?|"
    r" \d+(?:[-./x]\d+)*(?: Cu Ft|-Arm)?$",
    re.IGNORECASE,
)
"""A size in a title, with or without its unit: it stands before the thing's name in a sentence."""
_HYPHENED = frozenset({"inch", "foot", "sheet", "drive", "piece"})
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
    """The title as words of a sentence without its article ("10-inch sliding miter saw"), where it describes the thing.

    A size moves to the front, praise and what follows the thing's word are left out, and a word that the feed misspells
    is spelt as the noun is. A product with a brand may bear a name of its own (Wanderer Hiking Boots): such a title has
    to be written in small letters. None as well where the title does not name the item, or in another number.
    """
    if item is None or noun is None:
        return None
    head = _ENDS.split(product["title"], maxsplit=1)[0]
    size = _MEASURE.search(head)
    measured = ""
    if size is not None and size[2]:
        unit = size[2] if size[2].isupper() else size[2].lower()
        measured = {"V": f"{size[1]}V "}.get(unit, f"{size[1]}{'-' if unit in _HYPHENED else ' '}{unit} ")
    words = _PRAISE.sub("", _MEASURE.sub("", _FOR_WHOM.sub("", head))).split()
    if product.get("brand"):
        if any(word != word.lower() for word in words[1:]) or re.search(r"\d", head):
            return None
        spoken = [word.lower() for word in words]
    else:
        spoken = [
            word if word in _ALWAYS_CAPITAL or re.fullmatch(r"[A-Z]+|[a-z]+[A-Z]\w*", word) else word.lower()
            for word in words
        ]
        spoken = [re.sub(r"^[a-z]-", lambda letter: letter.group().upper(), word) for word in spoken]
    known = item_words()
    for end in range(len(spoken), len(spoken) - 1 if product.get("brand") else 0, -1):
        named = [" ".join(spoken[start:end]).lower() for start in range(end)]
        if any(known.get(name) == item.key for name in named):
            break
    else:
        return None
    last = noun.bare.split()[-1]
    if get_close_matches(spoken[end - 1], [last], cutoff=0.8):
        spoken[end - 1] = last
    name = measured + " ".join(spoken[:end])
    same_number = name.endswith("s") == noun.bare.endswith("s")
    fits = len(name) <= NAME_MAX_CHARS and not re.search(r"[:]|\b[A-Z]{4,}\b|\w- | -\w", name)
    return name if fits and same_number and name != noun.bare else None


_GENERIC = {*_COLOURS, *_MATERIALS} | set(
    re.findall(
        r"\w+",
        "carbon fiber fibre steel clear olive midnight insulated waterproof travel camping outdoor portable tactical "
        "professional freestyle dual cycling biking climbing hiking running classic premium deluxe mens womens",
    )
)
"""Words of a title that describe a thing and do not name it."""


def model_name(product: Mapping[str, Any], item: Item | None) -> str | None:
    """What the maker calls this very thing: "Trailblazer" of the branded Trailblazer Black Hiking Shoes.

    One or two capitalised words at the head of a title of such words, in front of the thing's noun, and a bare number
    behind them ("Venture 2.0"); None where the title describes the thing, as a title without a brand does.
    """
    words = _ENDS.split(_FOR_WHOM.sub("", product["title"]), maxsplit=1)[0].split()
    if not product.get("brand") or item is None or any(word[0].islower() for word in words):
        return None
    known = item_words()
    spoken = [word.lower() for word in words]
    ends = [
        start
        for start in range(1, len(words))
        for end in range(start + 1, len(words) + 1)
        if known.get(" ".join(spoken[start:end])) == item.key
    ]
    name: list[str] = []
    for word in words[: min(ends, default=0)]:
        numbered = bool(name) and re.fullmatch(r"\d+(?:\.\d+)?", word) is not None
        if not numbered and (
            len(name) == 2 or re.search(r"\d", word) or set(word.lower().split("-")) & _GENERIC
        ):
            break
        name.append(word)
        if numbered:
            break
    # "Compass Pro" of a compass names the thing again.
    return " ".join(name) if name and not any(word.lower() in known for word in name) else None


_COLOUR_SAID = re.compile(
    r"\b(?:in|its|this|the|with|their|an?) (?:(?:sleek|vibrant|bold|bright|striking|earthy|timeless|versatile|"
    r"military|cool|vivid|glossy|deep|stylish|forest|icy|matte|charcoal|earth-inspired|stealthy|classic) )*"
    rf"({'|'.join((*_COLOURS, 'orange'))})(?: colou?r\b(?! (?:scheme|comb))| design\b|(?=[,.]| are\b| is\b| for\b))",
    re.IGNORECASE,
)
"""A colour that a description gives to the whole thing: not its accents, its lens or one of two."""


def described_colour(description: str) -> tuple[str, str] | None:
    """The one colour of a thing by its English description, and the piece that says so."""
    found = {match[1].lower(): match.group() for match in _COLOUR_SAID.finditer(description)}
    return next(iter(found.items())) if len(found) == 1 else None


def stated_facts(product: Mapping[str, Any]) -> list[dict[str, str]]:
    """The one colour, the one material and the size in inches or feet that an English title states, as facts."""
    head = _ENDS.split(product["title"], maxsplit=1)[0]
    words = head.lower().split()
    colours = [(word, "") for word in words if word in _COLOURS]
    materials = [(_MATERIALS[word], "") for word in words if word in _MATERIALS]
    units = {"inch": "in", "foot": "ft"}
    sizes = [(m[1], units[m[2].lower()]) for m in _MEASURE.finditer(head) if (m[2] or "").lower() in units]
    return [
        {"name": name, "value": found[0][0], "unit": found[0][1]}
        for name, found in (("colour", colours), ("material", materials), ("size", sizes))
        if len(found) == 1
    ]
