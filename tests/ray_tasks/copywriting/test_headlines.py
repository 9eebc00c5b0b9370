from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ray_tasks.copywriting.claims import Statement, statements
from ray_tasks.copywriting.headlines import SHAPES, Headline, Said, headline
from ray_tasks.copywriting.items import item_of
from ray_tasks.copywriting.kinds import kind_of
from ray_tasks.copywriting.locales import load_locale, supported_locales
from ray_tasks.copywriting.uses import use_of
from tests.ray_tasks.records import product

MUG = product(
    title="Harbour mug, sea green",
    category="Kitchen > Mugs",
    brand="Kiln Street",
    description="A mug for every day.",
    facts=[
        {"name": "material", "value": "stoneware", "unit": ""},
        {"name": "capacity", "value": "350", "unit": "ml"},
        {"name": "dishwasher safe", "value": "yes", "unit": ""},
    ],
)


def heads(tag: str, angle: str = "function", **changes: object) -> Iterator[Headline]:
    """First headlines of a thousand numbered articles like the mug."""
    locale, record = load_locale(tag), MUG | changes
    kind, item = kind_of(record), item_of(record)
    for number in range(1000):
        seed = ("shop", f"A-{number}", "segment")
        options = statements(record, locale, kind.bank)
        use = use_of(item, kind)
        yield headline(
            record, angle, "studio_sweep", kind, item, use, locale, options, Said(), ("shop",), seed
        )


@pytest.mark.parametrize("tag", supported_locales())
def test_headlines_come_in_many_shapes_and_rest_on_the_facts_that_they_say(tag: str) -> None:
    found = list(heads(tag))
    # Coffee alone has moods that say it themselves.
    assert {head.shape for head in found} == set(SHAPES) - {"alone"}
    for head in found:
        if head.shape in ("told", "label", "fact"):
            assert head.used
            assert {(used.source_field, used.source_value) for used in head.used} <= set(head.sources)


def test_a_fact_is_told_behind_the_thing_on_a_label_and_before_a_colon() -> None:
    texts = {head.text for head in heads("en")}
    assert {"Kiln Street mug, 350\u00a0ml", "Dishwasher safe: a mug"} <= texts
    assert any(re.fullmatch(r"A .*mug\. (Dishwasher safe|Goes in the dishwasher)\.", text) for text in texts)
    # What a thing is made of tells it from others and is no sentence of its own.
    assert not any(
        re.search(r"^(Made of )?stoneware:|\. (Made of )?stoneware\.", text, re.I) for text in texts
    )


@pytest.mark.parametrize("tag", supported_locales())
def test_personas_call_a_thing_by_its_names_in_turn(tag: str) -> None:
    locale, kind, item = load_locale(tag), kind_of(MUG), item_of(MUG)
    options = statements(MUG, locale, kind.bank)
    for number in range(50):
        said, names = Said(), []
        for persona in ("office", "outdoors", "exam_students"):
            head = headline(
                MUG, "function", "studio_sweep", kind, item, use_of(item, kind), locale, options, said, ("shop",),
                ("shop", f"A-{number}", persona),
            )  # fmt: skip
            said.add(head, [])
            names.append(head.name)
        assert len(set(names)) == len(names), names


def test_a_size_in_the_name_is_not_said_again_on_its_label() -> None:
    facts = [{"name": "size", "value": "12", "unit": "in"}, MUG["facts"][2]]
    titled = {"title": "Ceramic Planter 12-inch", "category": "Garden > Planters", "brand": None}
    for head in heads("en", facts=facts, **titled):
        assert head.text.count("12") < 2


@pytest.mark.parametrize("tag", supported_locales())
def test_a_mood_that_leads_over_never_stands_behind_the_thing(tag: str) -> None:
    locale = load_locale(tag)
    moods = [head.frame for head in heads(tag) if head.shape == "parted" and "{" not in head.frame]
    assert moods
    assert not [mood for mood in moods if re.search(locale.leads_over, mood, re.IGNORECASE)]


@pytest.mark.parametrize(
    ("tag", "article", "words", "said"),
    [
        ("de", "ein ", "Rucksack Ridge", "Rucksack Ridge"),
        ("de", "", "Wanderschuhe Ridge", "Wanderschuhe Ridge"),
        ("fr", "un ", "sac à dos Ridge", "le sac à dos Ridge"),
        ("fr", "des ", "chaussures Ridge", "les chaussures Ridge"),
        ("fr", "une ", "horloge Ridge", "l'horloge Ridge"),
        ("fr", "une ", "housse Ridge", "la housse Ridge"),
        ("en", "a ", "Ridge backpack", "a Ridge backpack"),
        ("zh", "一个", "Ridge 双肩包", "一个Ridge 双肩包"),
    ],
)
def test_a_makers_name_stands_behind_the_article_that_names_take(
    tag: str, article: str, words: str, said: str
) -> None:
    assert load_locale(tag).before_model(article, words) == said


def test_a_label_and_a_sentence_have_no_colon_inside() -> None:
    options = [Statement("Contenance : 350 ml", "facts.capacity", "350 ml", "350 ml")]
    locale, kind, item = load_locale("fr"), kind_of(MUG), item_of(MUG)
    for number in range(200):
        seed = ("shop", f"A-{number}", "segment")
        head = headline(
            MUG,
            "price",
            "studio_sweep",
            kind,
            item,
            use_of(item, kind),
            locale,
            2 * options,
            Said(),
            (),
            seed,
        )
        assert "Contenance" not in head.text
