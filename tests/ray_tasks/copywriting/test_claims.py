from __future__ import annotations

import pytest

from ray_tasks.copywriting.claims import rating, statements
from ray_tasks.copywriting.descriptions import noun_phrases, whole_statements
from ray_tasks.copywriting.locales import load_locale
from tests.ray_tasks.records import product

EN, DE = load_locale("en"), load_locale("de")


def fact(name: str, value: str, unit: str | None = None) -> dict[str, str | None]:
    return {"name": name, "value": value, "unit": unit, "source_field": "specs"}


@pytest.mark.parametrize(
    ("given", "english", "german"),
    [
        (fact("sugar", "0", "g"), "0\u00a0g sugar", "0\u00a0g Zucker"),
        (fact("capacity", "1.5", "l"), "Holds 1.5\u00a0l", "Platz für 1,5\u00a0l"),
        (fact("material", "stainless steel"), "Stainless steel", "Edelstahl"),
        (
            fact("battery life", "12", "months"),
            "12\u00a0months of battery life",
            "12\u00a0Monate Akkulaufzeit",
        ),
        (fact("dishwasher safe", "yes"), "Dishwasher safe", "Spülmaschinenfest"),
        (fact("roast", "dark"), "Dark roast", "Röstung: dunkel"),
        (fact("grip", "left-handed"), "Grip: left-handed", None),
        (fact("waterproof", "no"), None, None),
    ],
)
def test_specifications_in_each_locale(given: dict, english: str | None, german: str | None) -> None:
    item = product(facts=[given], description=None, category="Home", title="Thing")
    for locale, expected in ((EN, english), (DE, german)):
        said = [{s.text, *s.others} for s in statements(item, locale, "home")]
        assert len(said) == (expected is not None) and all(expected in forms for forms in said)


def test_what_one_persona_has_said_the_next_says_in_other_words() -> None:
    [said] = statements(
        product(title="Jar", facts=[fact("capacity", "1.5", "l")], description=None), EN, "home"
    )
    forms = [said.said_before(times).text for times in range(4)]
    assert len(set(forms[:3])) == 3 and forms[3] == forms[0]
    assert said.said_before(1).key == said.key


def test_noun_phrases_are_pieces_of_the_description() -> None:
    text = (
        "A navy rucksack with features like a padded laptop sleeve, a front pocket and a pair of side pockets. It "
        "features the ultimate comfort, and you will love it. Leaves scented with oil. Made with recycled "
        "nylon that lasts."
    )
    found = noun_phrases(text, ["Fernweh", "City rucksack"])
    assert found == ["padded laptop sleeve", "front pocket", "pair of side pockets", "recycled nylon"]
    assert all(phrase in text for phrase in found)


def test_short_sentences_and_purposes_stand_alone() -> None:
    assert whole_statements("Clean and simple styling. You will love it!") == ["Clean and simple styling"]
    assert whole_statements("Rigid casters for straight-line movement with wheels.") == [
        "for straight-line movement"
    ]


def test_german_never_quotes_english_sentences_but_knows_features() -> None:
    item = product(
        title="Bag",
        facts=[],
        description="A waterproof bag with multiple pockets and a nice smell. Not windproof.",
    )
    assert [s.text for s in statements(item, DE, "bag")] == ["Wasserdicht", "Mehrere Taschen"]
    assert [s.source_value for s in statements(item, DE, "bag")] == ["waterproof", "multiple pockets"]


def test_a_rating_needs_five_reviews_and_a_good_mean() -> None:
    assert rating(product(rating_mean=4.64, rating_count=5)) == ("4.6", 5)
    assert rating(product(rating_mean=5.0, rating_count=4)) is None
    assert rating(product(rating_mean=3.2, rating_count=90)) is None
    assert rating(product(rating_mean=None, rating_count=0)) is None
