from __future__ import annotations

import re

import pytest

from ray_tasks.copywriting.items import Item, item_of, item_words, noun_of
from ray_tasks.copywriting.kinds import ANY_KIND, GARDEN_LIGHT, KINDS, kind_of
from ray_tasks.copywriting.locales import load_locale, supported_locales
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.copywriting.titles import described, model_name, stated_facts
from ray_tasks.copywriting.uses import use_of, uses
from ray_tasks.copywriting.validation import may_be_said
from schemas.instruction import (
    CALL_TO_ACTION_MAX_CHARS,
    HEADLINE_MAX_CHARS,
    LIGHTS,
    MOODS,
    PROPS,
    SEASONS,
    SETTINGS,
    text_columns,
)
from tests.ray_tasks.records import product


@pytest.mark.parametrize("tag", supported_locales())
def test_every_phrase_fits_and_may_be_said(tag: str) -> None:
    locale = load_locale(tag)
    headlines = [text for bank in locale.headlines.values() for texts in bank.values() for text in texts]
    calls = [text for texts in locale.calls.values() for text in texts]
    for texts, limit in (
        (headlines, HEADLINE_MAX_CHARS),
        (calls, CALL_TO_ACTION_MAX_CHARS),
    ):
        for text in texts:
            assert text_columns(text) <= limit, text
            assert may_be_said(text, locale), text
            assert not re.search(r"\d", text), f"{text}: a number needs a fact"


def test_every_item_and_kind_has_a_use_and_every_use_has_words() -> None:
    by_item, by_kind = uses()
    assert by_item.keys() == {
        Item(key, "title").base for key in item_words().values()
    } and by_kind.keys() == {kind.name for kind in (*KINDS, GARDEN_LIGHT, ANY_KIND)}
    known = {use.name: use for use in (*by_item.values(), *by_kind.values())}
    for tag in supported_locales():
        locale = load_locale(tag)
        assert locale.uses.keys() == known.keys(), tag
        assert all(len(forms) >= 4 for forms in locale.uses.values()), tag
        feasts = {name for name in SETTINGS if GUIDES[name].occasion}
        places = feasts.union(*(use.places for use in known.values()))
        assert locale.nouns.keys() == places, tag
        assert set(locale.places) == set(SETTINGS)
        assert all(len(locale.nouns[name]) >= 6 for name in places)
        for kind in KINDS:
            use = use_of(None, kind)
            assert not use.moods or locale.headlines[kind.bank]["neutral"], (tag, kind.name)


def test_locales_say_the_same_things() -> None:
    english = load_locale("en")
    for tag in supported_locales():
        other = load_locale(tag)
        assert other.headlines.keys() == english.headlines.keys()
        parts = "places lights props nouns uses calls items specs facts angles"
        for part in [*parts.split(), "fact_headlines"]:
            assert getattr(other, part).keys() == getattr(english, part).keys(), (tag, part)
        # An English title says the rest itself; French adjectives follow the noun's gender.
        qualified = {re.sub(" une?$", "", name) for name in other.qualified}
        assert qualified == {
            re.sub(" une?$", "", name) for name in load_locale("fr" if tag != "en" else tag).qualified
        }
        assert qualified >= english.qualified.keys()


@pytest.mark.parametrize("tag", supported_locales())
def test_every_item_stands_in_every_phrase_around_its_noun(tag: str) -> None:
    locale = load_locale(tag)
    assert locale.items.keys() == set(item_words().values())
    for key in locale.items:
        noun = noun_of(Item(key, "title"), locale)
        assert noun is not None and noun.bare and noun.with_article.endswith(noun.bare)
        for name, forms in (locale.nouns | locale.angles | locale.uses).items():
            said = [form.format(a=noun.with_article, noun=noun.bare) for form in forms]
            assert all(may_be_said(text, locale) for text in said), said
            fitting = [text for text in said if max(len(text), text_columns(text)) <= HEADLINE_MAX_CHARS]
            assert name != uses()[0][Item(key, "title").base].name or len(fitting) >= 3, (key, fitting)


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
    for table in (locale.nouns, locale.uses, locale.angles, locale.qualified):
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


def test_french_elides_before_a_brand_that_begins_with_a_vowel() -> None:
    assert load_locale("fr").elided("un casque audio de Auralo") == "un casque audio d'Auralo"
    assert load_locale("fr").elided("un mug de Hush") == "un mug de Hush"
    assert load_locale("fr").elided("un agenda de A5") == "un agenda A5"
    assert load_locale("de").elided("de Auralo") == "de Auralo"


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


@pytest.mark.parametrize(
    ("title", "brand", "said"),
    [
        ("Black Leather Backpack", None, "black leather backpack"),
        ("Black Women's Purse", None, "black purse"),
        ("LED Leather Hi-Tops", None, "LED leather hi-tops"),
        ("Two-tone mug, sea and sand", "Lehm & Ton", "two-tone mug"),
        ("Wanderer Black Hiking Boots", "Daybird", None),
        ("Gold Bracelt with Multi-Color Tassels", None, "gold bracelet"),
        ("Sporty Deck Shoe", None, "sporty deck shoes"),
        ("Garden Hose 50-foot", None, "50-foot garden hose"),
        ("Garden Rake Steel Tines", None, "garden rake"),
        ("Sliding Miter Saw 12-inch", None, "12-inch sliding miter saw"),
        ("Cordless Recip Saw 18V", None, "18V cordless recip saw"),
        ("Plunge Router 2-1/4 HP", None, "2-1/4 HP plunge router"),
        ("Professional Claw Hammer 16oz", None, "16 oz claw hammer"),
        ("Perfect grey sofa", None, "grey sofa"),
        ("Ridge insulated bottle 750", "Norvand", None),
    ],
)
def test_a_title_that_describes_the_thing_is_said_in_small_letters(
    title: str, brand: str | None, said: str | None
) -> None:
    item = item_of(product(title=title, category="Any"))
    assert described(product(title=title, brand=brand), item, noun_of(item, load_locale("en"))) == said


@pytest.mark.parametrize(
    ("title", "stated"),
    [
        ("Tan Leather Shoulder Bag", ["tan", "leather"]),
        ("Wooden Barrel Planter", ["wood"]),
        ("Trailblaze Steel-Blue Hiking Shoes", []),
        ("Red and Blue Scarf", []),
        ("Boot Laces for Black Shoes", []),
    ],
)
def test_a_title_states_one_colour_and_one_material(title: str, stated: list[str]) -> None:
    assert [fact["value"] for fact in stated_facts(product(title=title))] == stated


def test_a_place_is_spoken_of_only_with_things_that_suit_it() -> None:
    crampons, mug = use_of(Item("crampons", "title"), KINDS[0]), use_of(Item("mug", "title"), KINDS[0])
    assert "city_night" not in crampons.places and "office_desk" in mug.places
    assert not crampons.moods and mug.moods


@pytest.mark.parametrize(
    ("title", "brand", "said"),
    [
        ("Trailblazer Black Hiking Shoes", "Legend", "Trailblazer"),
        ("Summit Pro Climbing Harness", "Zephyr", "Summit Pro"),
        ("Venture 2.0 40L Waterproof Duffel Bag", "Quester", "Venture 2.0"),
        ("Carbon Fiber Trekking Poles", "Raptor Elite", None),
        ("Compass Pro A-320 Professional Compass", "B&R", None),
        ("Ridge insulated bottle 750", "Norvand", None),
        ("Classic Bomber Jacket", None, None),
    ],
)
def test_a_model_is_named_where_its_title_names_one(title: str, brand: str | None, said: str | None) -> None:
    item = item_of(product(title=title, category="Any"))
    assert model_name(product(title=title, brand=brand), item) == said


def test_a_unit_is_singular_below_two_in_french() -> None:
    french = load_locale("fr")
    assert [french.counted(number, "pouces") for number in ("1/2", "1", "1,5", "2", "10")] == [
        *["pouce"] * 3,
        *["pouces"] * 2,
    ]
    assert french.units["pouce"] == french.units["pouces"]
    assert load_locale("ar").counted("4", "بوصة") == "بوصات"
