from __future__ import annotations

import re

import pytest

from ray_tasks.copywriting.locales import load_locale
from ray_tasks.pictures.chinese_words import WORDS
from ray_tasks.pictures.lines import NO_END, NO_START, break_lines, units, whole_words


def columns(text: str) -> float:
    """A stand-in for a face: Han characters are two columns wide."""
    return float(sum(2 if ord(char) > 0x2E00 else 1 for char in text))


def lines(text: str, locale: str, width: float) -> list[str]:
    broken = break_lines(text, locale, width, columns)
    assert broken.fits
    return [line.replace("\u00a0", " ") for line in broken.lines]


@pytest.mark.parametrize("width", range(6, 40, 2))
def test_no_line_of_han_starts_or_ends_with_what_belongs_to_its_neighbour(width: int) -> None:
    text = "黑咖啡，零糖零脂，随时“提神”——每天一杯（250 毫升）！"
    broken = break_lines(text, "zh", width, columns)
    if broken.fits:
        for line in broken.lines[1:]:
            assert line[0] not in NO_START and line[0] not in "升毫"
        for line in broken.lines[:-1]:
            assert line[-1] not in NO_END and not line.endswith("250")
        assert "".join(broken.lines).replace("\u00a0", " ") == text


def test_han_breaks_at_phrases_where_it_can() -> None:
    assert lines("早晨的第一杯黑咖啡，从这里开始", "zh", 20) == ["早晨的第一杯黑咖啡，", "从这里开始"]
    assert whole_words("会议之间的安静时光", "zh")[0] == "会议"


@pytest.mark.parametrize("width", range(6, 30))
def test_no_line_of_han_ends_inside_a_word_or_between_a_count_and_what_it_counts(width: int) -> None:
    text = "上班、下班都带托特包，树篱旁边再添一张长凳，产自埃塞俄比亚"
    broken = break_lines(text, "zh", width, columns)
    if broken.fits:
        ends = {len("".join(broken.lines[: i + 1])) for i in range(len(broken.lines))}
        for word in ("上班", "下班", "托特包", "树篱", "一张", "长凳", "埃塞俄比亚"):
            first = text.index(word)
            assert not ends & set(range(first + 1, first + len(word)))


def test_every_name_of_a_thing_in_chinese_copy_is_a_known_word() -> None:
    names = {re.sub(r"^一.", "", item) for item in load_locale("zh").items.values()}
    known = {name for name in names if re.fullmatch(r"[\u4e00-\u9fff]{2,}", name)}
    assert known and not known - WORDS


def test_lines_are_as_few_as_can_be_and_even() -> None:
    assert lines("Black coffee for a long night", "en", 22) == ["Black coffee", "for a long night"]
    assert lines("Кофе без сахара для долгих ночей", "ru", 17) == ["Кофе без сахара", "для долгих ночей"]


def test_the_first_word_of_a_sentence_does_not_stay_behind() -> None:
    assert lines("Cold for 24 h. The sun may come.", "en", 18) == ["Cold for 24 h.", "The sun may come."]
    assert break_lines("Cold for 24 h. The sun may come.", "en", 16, columns).awkward == 0


def test_a_number_stays_with_its_unit_and_a_mark_with_its_word() -> None:
    for width in range(6, 30):
        for text, locale in (("Only 420 g and dry to 10 m", "en"), ("Ouvert dès 7 h , et alors ?", "fr")):
            for line in break_lines(text, locale, width, columns).lines:
                assert not line.startswith(("g ", "m", "h", ",", "?")) or line == text


def test_a_long_compound_is_parted_only_where_it_must_be() -> None:
    assert lines("Schuhe für Wochenendwanderungen", "de", 24) == ["Schuhe für", "Wochenendwanderungen"]
    narrow = break_lines("Schuhe für Wochenendwanderungen", "de", 12, columns)
    assert list(narrow.lines) == ["Schuhe für", "Wochenend-", "wanderungen"]
    assert narrow.awkward == 1


def test_a_word_that_is_too_wide_does_not_fit() -> None:
    assert not break_lines("Extraordinarily long", "en", 8, columns).fits


def test_hyphens_and_slashes_are_breaks_but_not_in_numbers() -> None:
    assert [unit.text for unit in units("Baumwoll-Canvas 2-4 V-200 mit/ohne", "de")] == [
        "Baumwoll-", "Canvas", "2-4", "V-200", "mit/", "ohne",
    ]  # fmt: skip


def test_an_article_does_not_stand_alone_on_the_first_line() -> None:
    broken = break_lines("Ein Fahrradhelm. Aufsteigen, los.", "de", 18.0, len)
    assert (broken.lines, broken.awkward) == (("Ein Fahrradhelm.", "Aufsteigen, los."), 0)
    # Where it has to, that counts as awkward, so that smaller type or another layout is taken.
    assert break_lines("Ein Fahrradhelm. Aufsteigen, los.", "de", 13.0, len).awkward > 0
