from __future__ import annotations

import re

import pytest

from ray_tasks.copywriting.items import Item, item_of, item_words, noun_of
from ray_tasks.copywriting.kinds import ANY_KIND, KINDS, kind_of
from ray_tasks.copywriting.locales import load_locale, supported_locales
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.validation import may_be_said
from schemas.instruction import (
    CALL_TO_ACTION_MAX_CHARS,
    HEADLINE_MAX_CHARS,
    LIGHTS,
    MOODS,
    PROPS,
    SEASONS,
    SELLING_POINT_MAX_CHARS,
    SETTINGS,
    text_columns,
)
from tests.ray_tasks.records import product


@pytest.mark.parametrize("tag", supported_locales())
def test_every_phrase_fits_and_may_be_said(tag: str) -> None:
    locale = load_locale(tag)
    headlines = [text for bank in locale.headlines.values() for texts in bank.values() for text in texts]
    lines = [
        text for bank in (locale.support, locale.support_of) for texts in bank.values() for text in texts
    ]
    calls = [text for texts in locale.calls.values() for text in texts]
    for texts, limit in (
        (headlines, HEADLINE_MAX_CHARS),
        (lines, SELLING_POINT_MAX_CHARS),
        (calls, CALL_TO_ACTION_MAX_CHARS),
    ):
        for text in texts:
            assert text_columns(text) <= limit, text
            assert may_be_said(text.replace("{name}", "Mug"), locale), text
            assert not re.search(r"\d", text), f"{text}: a number needs a fact"


@pytest.mark.parametrize("tag", supported_locales())
def test_every_kind_and_setting_has_words(tag: str) -> None:
    locale = load_locale(tag)
    for kind in (*KINDS, ANY_KIND):
        assert len(locale.headlines[kind.bank]["neutral"]) >= 6, kind.name
        for setting in kind.allowed:
            assert setting in SETTINGS and setting in locale.places and len(locale.support[setting]) >= 2
            if not GUIDES[setting].neutral:
                bank = locale.headlines[kind.bank]
                assert len(bank.get(setting, ())) >= 2 or len(bank["neutral"]) >= 6, (kind.name, setting)


def test_locales_say_the_same_things() -> None:
    english = load_locale("en")
    for tag in supported_locales():
        other = load_locale(tag)
        assert other.headlines.keys() - {"any"} == english.headlines.keys() - {"any"}
        parts = (
            "places lights props support support_of nouns nouns_of qualified calls items specs facts angles"
        )
        for part in [*parts.split(), "fact_headlines"]:
            assert getattr(other, part).keys() == getattr(english, part).keys(), (tag, part)


@pytest.mark.parametrize("tag", supported_locales())
def test_every_item_stands_in_every_phrase_around_its_noun(tag: str) -> None:
    locale = load_locale(tag)
    assert locale.items.keys() == set(item_words().values())
    assert set(locale.nouns) == set(SETTINGS) and all(len(forms) >= 6 for forms in locale.nouns.values())
    for key in locale.items:
        noun = noun_of(Item(key, "title"), locale)
        assert noun is not None and noun.bare and noun.with_article.endswith(noun.bare)
        for setting, forms in (locale.nouns | locale.nouns_of | locale.angles).items():
            said = [form.format(a=noun.with_article, noun=noun.bare) for form in forms]
            assert all(may_be_said(text, locale) for text in said), said
            fitting = [text for text in said if text_columns(text) <= HEADLINE_MAX_CHARS]
            if setting in SETTINGS and GUIDES[setting].neutral:
                assert fitting, (key, setting)


@pytest.mark.parametrize(
    ("title", "category", "key"),
    [
        ("Cast skillet 28 with oak handle", "Kitchen > Pans", "pan"),
        ("Olive oil from one grove 500 ml", "Food > Oil", "olive_oil"),
        ("Pole Saw Pruner 8-foot", "Garden > Pruning", "pole_pruner"),
        ("Breakfast pair, two mugs", "Kitchen > Mugs", "mugs"),
        ("Camomile, 20 bags", "Drinks > Tea", "tea"),
        ("Thingamajig", "Nameless", None),
    ],
)
def test_items_are_found_by_the_head_of_the_title(title: str, category: str, key: str | None) -> None:
    item = item_of(product(title=title, category=category))
    assert (item.key if item else None) == key


@pytest.mark.parametrize("tag", supported_locales())
def test_every_headline_says_what_the_thing_is_or_a_fact_of_it(tag: str) -> None:
    locale = load_locale(tag)
    for table in (locale.nouns, locale.nouns_of, locale.angles, locale.qualified):
        for forms in table.values():
            assert all("{a}" in form or "{noun}" in form for form in forms), forms
    for name, forms in locale.fact_headlines.items():
        assert all("{" in form for form in forms), name


@pytest.mark.parametrize(
    ("tag", "material", "said"),
    [
        ("en", "stoneware", "a stoneware mug"),
        ("en", "enamelled steel", "an enamelled steel mug"),
        ("de", "Emaillierter Stahl", "ein Becher aus emailliertem Stahl"),
        ("fr", "grès", "un mug en grès"),
        ("zh", "炻瓷", "一只炻瓷马克杯"),
        ("ar", "خزف حجري", "كوب من خزف حجري"),
    ],
)
def test_a_thing_is_called_with_its_material(tag: str, material: str, said: str) -> None:
    locale = load_locale(tag)
    noun = noun_of(Item("mug", "title"), locale)
    assert noun is not None
    made = locale.made.get(material, material)
    bare = locale.qualified["material"][0].format(value=material, made=made, noun=noun.bare)
    assert locale.with_article(noun.article, bare) == said


def test_guides_use_the_instructions_words() -> None:
    assert set(GUIDES) == set(SETTINGS)
    for guide in GUIDES.values():
        assert set(guide.lights) <= set(LIGHTS) and set(guide.moods) <= set(MOODS)
        assert set(guide.seasons) <= set(SEASONS) and set(guide.props) <= set(PROPS)
        assert len(guide.accents) >= 2
    for kind in KINDS:
        assert set(kind.props.split()) <= set(PROPS), kind.name


def test_a_region_uses_its_language_and_an_unknown_locale_names_the_known_ones() -> None:
    assert load_locale("de-AT").headlines == load_locale("de").headlines
    with pytest.raises(LookupError, match=r"supported are .*de, en"):
        load_locale("fi")


@pytest.mark.parametrize(
    ("category", "title", "kind"),
    [
        ("Coffee > Beans", "Yirgacheffe light roast 250 g", "coffee"),
        ("Coffee > Accessories", "Espresso cups, two sizes", "cup"),
        ("Outdoors > Footwear", "Trail Breeze", "shoes"),
        ("Garden & Outdoor > Fertilizer", "Tomato Plant Food", "garden"),
        ("Textiles > Towels", "Linen tea towel, undyed", "textile"),
        ("Housewares > Salon", "Perfect grey sofa", "furniture"),
        ("Baby > Bags", "Changing-bag organiser in rose", "baby"),
        ("Power Tools > Drills", "Right Angle Drill", "tool"),
        ("Nameless", "Thingamajig", "thing"),
    ],
)
def test_kinds_come_from_words(category: str, title: str, kind: str) -> None:
    assert kind_of(product(category=category, title=title)).name == kind


def test_food_is_never_on_a_gym_floor_and_furniture_never_on_a_desk() -> None:
    allowed = {kind.name: kind.allowed for kind in KINDS}
    assert not allowed["food"] & {"gym_floor", "workshop_bench", "city_night"}
    assert not allowed["furniture"] & {"office_desk", "kitchen_counter", "cafe_table", "marble_counter"}
    assert all(len(settings) >= 4 for settings in allowed.values())
