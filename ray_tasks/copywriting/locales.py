"""The phrase bank of a locale: one TOML file beside this module; a new locale is a new file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_WORD = re.compile(r"[^\W\d_]+")

Phrases = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Locale:
    """What a locale can say, and what it must not."""

    tag: str
    script: str
    """Latin, Han or Arabic."""
    decimal: str
    """The decimal separator."""
    articles: str
    """Indefinite articles or measure words before a noun, as a regular expression."""
    headlines: Mapping[str, Phrases]
    """Moods by phrase bank, then by setting."""
    uses: Phrases
    """Headlines around the thing's own noun, by what it is for (uses.toml)."""
    nouns: Phrases
    """The same by setting."""
    items: Mapping[str, str]
    """What a thing is called, with its indefinite article or measure word: key of items.toml -> words."""
    qualified: Phrases
    """A noun with its material or capacity, by the specification's name; also "colour une", by the noun's article."""
    angles: Phrases
    joined: tuple[str, str]
    """Headlines of a mood and the thing's noun: announced, and parted."""
    leads_over: str
    """Beginnings of moods that lead over to the thing and cannot stand behind it, as a regular expression."""
    told: Phrases
    """Headlines of the thing and a fact of it, by shape (headlines.SHAPES)."""
    on_label: Mapping[str, str]
    """How a specification's bare value stands on a label, by its name, where a word has to go with it."""
    definite: Mapping[str, str]
    """The article before a maker's name for a thing, by the indefinite one, where that is another."""
    fact_headlines: Phrases
    """Headlines around one specification, by its name."""
    calls: Phrases
    facts: Phrases
    specs: Phrases
    """Ways to say a specification, by its name."""
    words: Mapping[str, str]
    numerals: Mapping[str, str]
    """Number words -> figures."""
    made: Mapping[str, str]
    """A material's word as it stands behind "made of", where it changes there."""
    feminine: Mapping[str, str]
    """A colour's word behind a feminine noun, where it changes there (French)."""
    one: Mapping[str, str]
    """A unit's word below two, where it changes there (French: 1/2 pouce)."""
    few: Mapping[str, str]
    """A unit's word after three to ten, where the language has one of its own (Arabic)."""
    many: Mapping[str, str]
    """The same after eleven to ninety-nine."""
    features: dict[str, str]
    """What a title or description may name -> the locale's words."""
    stated: dict[str, str]
    """The same of words that speak of the whole thing only in a title."""
    alt_forms: Phrases
    places: Mapping[str, str]
    lights: Mapping[str, str]
    props: Mapping[str, str]
    forbidden: Mapping[str, str]
    """Regular expressions by reason: superlative, health_claim, personal_trait, forbidden_word."""
    forbidden_on_channel: Mapping[str, str]

    @property
    def language(self) -> str:
        """The language subtag of BCP 47."""
        return self.tag.split("-")[0]

    @property
    def reads_feed(self) -> bool:
        """Whether the feed's own sentences may stand in the copy: feeds are English today."""
        return self.language == "en"

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words of the bank in lower case: a capitalised word that is among them is no name."""
        return frozenset(word.lower() for text in _texts_in(self.__dict__) for word in _WORD.findall(text))

    @cached_property
    def units(self) -> Mapping[str, str]:
        """The feed's word for a unit, by the locale's."""
        return {
            form.lower(): key
            for key, value in self.words.items()
            for form in (value, *(forms.get(value, value) for forms in (self.one, self.few, self.many)))
        }

    def with_article(self, article: str, words: str) -> str:
        """A noun phrase behind its article: English "a" is "an" before a vowel's sound."""
        if article == "a " or article == "an ":
            spelt = re.match(r"[FHLMNRSX][A-Z]", words)
            article = "an " if spelt or re.match(r"[aeio]|un|8|1[18](?!\d)", words.lower()) else "a "
        return f"{article}{words}"

    def before_model(self, article: str, words: str) -> str:
        """A thing with its maker's name behind the article that such names take: "le sac à dos Ridge"."""
        article = self.definite.get(article, article)
        if self.language == "fr" and re.match(
            r"[aeiouyéèêâîœ]|h(?:uile|orloge|erbe|altère)", words, re.IGNORECASE
        ):
            article = re.sub(r"^l[ea] $", "l'", article)
        return self.with_article(article, words)

    def elided(self, text: str) -> str:
        """French "de" loses its vowel before another ("d'Auralo"), and itself before a paper's size ("agenda A5")."""
        if self.language != "fr":
            return text
        return re.sub(r"\bde (?=[AEIOUÉÈÊaeiouéèê])", "d'", re.sub(r"\bde (?=[AB]\d\b)", "", text))

    def counted(self, number: str, unit: str) -> str:
        """The unit's word in the form that the number asks for."""
        if re.fullmatch(r"[01](?:[.,]\d+)?|1/\d+", number):
            return self.one.get(unit, unit)
        last = int(number) % 100 if number.isdecimal() else 0
        forms = self.few if 3 <= last <= 10 else self.many if last > 10 else {}
        return forms.get(unit, unit)

    def spaced(self, text: str) -> str:
        """The text as the script sets it: Chinese parts its characters from figures by a space, and no others."""
        return re.sub(r"(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])", " ", text) if self.script == "Han" else text

    def number(self, text: str) -> str:
        """A decimal number as the locale writes it: 1.5 -> 1,5 in German."""
        return text.replace(".", self.decimal)

    def shows(self, pattern: str) -> re.Pattern[str]:
        """A pattern of words, compiled for the script: Chinese has no word boundaries, Arabic joins particles."""
        return _compiled(pattern, self.script)


@cache
def _compiled(pattern: str, script: str) -> re.Pattern[str]:
    if script == "Han":
        return re.compile(pattern, re.IGNORECASE)
    particles = "(?:[وف]?[بلك]?(?:ال)?|[وف]?لل)" if script == "Arabic" else ""
    return re.compile(rf"(?<![\w-]){particles}(?:{pattern})(?![\w-])", re.IGNORECASE)


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts_in(item)]
    return [text for item in value for text in _texts_in(item)] if isinstance(value, tuple) else []


def supported_locales() -> list[str]:
    """Locales that have a phrase bank."""
    return sorted(path.stem.removeprefix("phrases_") for path in _FOLDER.glob("phrases_*.toml"))


def _tuples(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Lists as tuples; one text is a list of one."""
    return {
        key: (value,) if isinstance(value, str) else tuple(value)
        for key, value in table.items()
        if isinstance(value, str | list)
    }


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
    forbidden = dict(raw["forbidden"])
    return Locale(
        tag=tag,
        script=raw["script"],
        decimal=raw["decimal"],
        articles=raw["articles"],
        headlines={bank: _tuples(phrases) for bank, phrases in raw["headlines"].items()},
        uses=_tuples(raw["uses"]),
        nouns=_tuples(raw["nouns"]),
        items=raw["items"],
        qualified=_tuples(raw["qualified"]),
        angles=_tuples(raw["angles"]),
        joined=(raw["joined"][0], raw["joined"][1]),
        leads_over=raw["leads_over"],
        told=_tuples(raw["told"]),
        on_label=raw.get("on_label", {}),
        definite=raw.get("definite", {}),
        fact_headlines=_tuples(raw["fact_headlines"]),
        calls=_tuples(raw["calls"]),
        facts=_tuples(raw["facts"]),
        specs=_tuples(raw["specs"]),
        words={key.lower(): value for key, value in raw.get("words", {}).items()},
        numerals=raw["numerals"],
        made=raw.get("made", {}),
        feminine=raw.get("feminine", {}),
        one=raw.get("one", {}),
        few=raw.get("few", {}),
        many=raw.get("many", {}),
        features=raw.get("features", {}),
        stated=raw.get("stated", {}),
        alt_forms=_tuples(raw["alt"]),
        places=raw["alt"]["places"],
        lights=raw["alt"]["lights"],
        props=raw["alt"]["props"],
        forbidden_on_channel=forbidden.pop("on_channel"),
        forbidden=forbidden,
    )


@cache
def bank_revision() -> str:
    """Hash over all phrase banks and items: part of the writer's revision."""
    import hashlib

    digest = hashlib.sha256()
    for path in sorted(_FOLDER.glob("*.toml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
