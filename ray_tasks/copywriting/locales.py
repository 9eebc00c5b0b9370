"""The phrase bank of a locale: one TOML file beside this module; a new locale is a new file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent

Phrases = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Locale:
    """What a locale can say."""

    tag: str
    headlines: Mapping[str, Phrases]
    angles: Phrases
    fact_headlines: Phrases
    support: Phrases
    calls: Phrases
    facts: Phrases
    specs: Mapping[str, str]
    words: Mapping[str, str]
    features: Mapping[str, str]
    alt_forms: Phrases
    places: Mapping[str, str]
    lights: Mapping[str, str]
    props: Mapping[str, str]

    @property
    def language(self) -> str:
        """The language subtag of BCP 47."""
        return self.tag.split("-")[0]

    @property
    def reads_feed(self) -> bool:
        """Whether the feed's own sentences may stand in the copy: feeds are English today."""
        return self.language == "en"

    def number(self, text: str) -> str:
        """A decimal number as the locale writes it: 1.5 -> 1,5 in German."""
        return text.replace(".", ",") if self.language == "de" else text


def supported_locales() -> list[str]:
    """Locales that have a phrase bank."""
    return sorted(path.stem.removeprefix("phrases_") for path in _FOLDER.glob("phrases_*.toml"))


def _tuples(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(value) for key, value in table.items() if isinstance(value, list)}


@cache
def load_locale(tag: str) -> Locale:
    """The phrase bank for a BCP 47 tag; a region without a bank of its own uses its language's.

    Raises LookupError that lists the supported locales.
    """
    known = supported_locales()
    name = next((name for name in (tag, tag.split("-")[0]) if name in known), None)
    if name is None:
        raise LookupError(f"locale {tag} has no phrase bank; supported are {', '.join(known)}")
    raw = tomllib.loads((_FOLDER / f"phrases_{name}.toml").read_text(encoding="utf-8"))
    return Locale(
        tag=tag,
        headlines={bank: _tuples(phrases) for bank, phrases in raw["headlines"].items()},
        angles=_tuples(raw["angles"]),
        fact_headlines=_tuples(raw["fact_headlines"]),
        support=_tuples(raw["support"]),
        calls=_tuples(raw["calls"]),
        facts=_tuples(raw["facts"]),
        specs=raw["specs"],
        words={key.lower(): value for key, value in raw.get("words", {}).items()},
        features=raw.get("features", {}),
        alt_forms=_tuples(raw["alt"]),
        places=raw["alt"]["places"],
        lights=raw["alt"]["lights"],
        props=raw["alt"]["props"],
    )


@cache
def bank_revision() -> str:
    """Hash over all phrase banks: part of the writer's revision."""
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(_FOLDER.glob("phrases_*.toml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
