"""Which item of the word list a product is, so that copy can call it by its noun in any language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ray_tasks.copywriting.locales import Locale

_WORD = re.compile(r"[a-z][a-z\-]*")
_HEAD_ENDS = re.compile(
    r"[,(:]| with | for | in | from | of | - | \d+(?:[.,]\d+)? ?(?:g|kg|ml|l|bags|pieces)\b"
)
"""What follows says more about the thing, no longer what it is."""
_MOST_WORDS = 4


@dataclass(frozen=True)
class Item:
    """A thing's key in items.toml, and the field of the record that names it."""

    key: str
    source_field: str

    @property
    def base(self) -> str:
        """The key of what it is a finer kind of: "hammer" of "hammer.claw"."""
        return self.key.partition(".")[0]


@cache
def item_words() -> Mapping[str, str]:
    """English words -> item key."""
    raw = tomllib.loads(Path(__file__).with_name("items.toml").read_text(encoding="utf-8"))
    return {words: key for key, options in raw.items() for words in options}


def _last_item(text: str) -> str | None:
    """The item named last in a text, by the longest words that end there: an English noun stands last."""
    words = _WORD.findall(text.lower())
    known = item_words()
    for end in range(len(words), 0, -1):
        for start in range(max(0, end - _MOST_WORDS), end):
            if (key := known.get(" ".join(words[start:end]))) is not None:
                return key
    return None


def item_of(product: Mapping[str, Any]) -> Item | None:
    """The product's item by its title's head, else the whole title, else the last level of its category."""
    title = product["title"]
    leaf = product["category"].split(" > ")[-1]
    for text in (_HEAD_ENDS.split(title, maxsplit=1)[0], title):
        if (key := _last_item(text)) is not None:
            return Item(key, "title")
    key = _last_item(leaf) or _last_item(leaf.removesuffix("s"))
    return Item(key, "category") if key is not None else None


@dataclass(frozen=True)
class Noun:
    """A thing in a locale's words."""

    article: str
    bare: str

    @property
    def with_article(self) -> str:
        """Article or measure word and noun, as the locale's list has them."""
        return self.article + self.bare


def noun_of(item: Item | None, locale: Locale) -> Noun | None:
    """What the locale calls the item; None when it has no word for it."""
    words = (locale.items.get(item.key) or locale.items.get(item.base)) if item is not None else None
    if words is None:
        return None
    article = re.match(locale.articles, words)
    return Noun(article.group(), words[article.end() :].lstrip()) if article else Noun("", words)
