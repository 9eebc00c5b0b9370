"""Nothing in a picture's copy is said twice, in figures or in words."""

from __future__ import annotations

import pytest

from ray_tasks.copywriting.choice import draw, in_turn
from ray_tasks.copywriting.descriptions import says_the_names
from ray_tasks.copywriting.echoes import echoes, says
from ray_tasks.copywriting.locales import load_locale
from ray_tasks.copywriting.titles import short_name


@pytest.mark.parametrize(
    ("tag", "text", "value", "said"),
    [
        ("en", "A ridge tent for two", "2", True),
        ("en", "A ridge tent for three", "2", False),
        ("en", "A stoneware mug", "stoneware", True),
        ("en", "A mug", "350 ml", False),
        ("de", "Ein Zelt für zwei", "2", True),
        ("fr", "Une tente pour deux", "2", True),
        ("zh", "两人帐篷", "2", True),
        ("ar", "خيمة لاثنين", "2", True),
    ],
)
def test_a_value_is_heard_in_words_and_in_figures(tag: str, text: str, value: str, said: bool) -> None:
    assert says(text, value, load_locale(tag)) is said


@pytest.mark.parametrize(
    ("tag", "text", "other", "alike"),
    [
        ("en", "A shirt for tomorrow", "For tomorrow morning", True),
        ("en", "A shirt for tomorrow", "The mirror says yes", False),
        ("de", "Ein Hemd für morgen", "Für morgen früh", True),
        ("fr", "Un sac près de la porte", "Jamais loin de la porte", True),
        ("zh", "靠窗的座位，一只手提包", "靠窗的桌子", True),
        ("zh", "靠窗的座位，一只手提包", "再讲一个故事", False),
        ("ar", "قميص لصباح الغد", "مساء الغد", True),
        ("ar", "قلم خلف الأذن: نشارة", "قلم خلف الأذن", True),
    ],
)
def test_a_line_that_echoes_the_headline_is_heard(tag: str, text: str, other: str, alike: bool) -> None:
    assert echoes(text, other, load_locale(tag)) is alike


def test_neighbours_begin_differently_whoever_stands_beside_them() -> None:
    forms = [f"form {n}" for n in range(12)]
    firsts = [in_turn(forms, ("shop", f"EV-{n}", "office"), "frame")[0] for n in range(100, 200)]
    assert not [n for n in range(99) if firsts[n] == firsts[n + 1]]
    assert sum(firsts[n] == firsts[n + 8] for n in range(92)) <= 18
    assert all(firsts.count(form) >= 4 for form in forms)
    other = [in_turn(forms, ("shop", f"EV-{n}", "outdoors"), "frame")[0] for n in range(100, 200)]
    assert firsts != other
    for sku in ("no number", "9" * 5000):
        assert sorted(in_turn(forms, ("shop", sku, "office"), "frame")) == sorted(forms)


def test_next_articles_differ_also_where_what_they_begin_with_does_not_fit() -> None:
    forms = [f"form {n}" for n in range(24)]
    said = [
        next(
            form for form in in_turn(forms, ("shop", f"EV-{n}", "office"), "frame") if draw(form, str(n)) % 3
        )
        for n in range(100, 200)
    ]
    assert not [n for n in range(99) if said[n] == said[n + 1]]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Plush bear Otto with scarf", "Plush bear Otto"),
        ("Enamel mug GOOD MORNING", None),
        ("Classic T- Shirt", None),
        ("Wanderer Hiking Boots", "Wanderer Hiking Boots"),
        ("Trail pack 26 l, moss", None),
    ],
)
def test_a_title_is_a_name_where_it_reads_as_one(title: str, name: str | None) -> None:
    assert short_name(title) == name


def test_a_phrase_that_only_says_the_title_is_no_selling_point() -> None:
    assert says_the_names("Mug and Coffee gift set combination package", ["Coffee Gift Package"])
    assert not says_the_names("LED soles", ["LED Leather Hi-Tops"])
