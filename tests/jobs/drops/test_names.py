from __future__ import annotations

import re

import pytest

from jobs.drops.names import MAX_CHARS, safe_name, safe_names

HOSTILE = ["../x", "/etc/passwd", "..", ".", "", " ", "a/b", "a\\b", "con", "NUL.txt", "-rf", "=cmd", "x" * 500, "産品",
           "a\0b", "a\nb", "\u202egpj.exe", ".hidden", "trailing.", "\ud800"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_become_plain_names(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]", name) and len(name) <= MAX_CHARS


def test_plain_names_stay() -> None:
    assert safe_name("SKU-12_3.b") == "SKU-12_3.b"


def test_no_two_texts_share_a_name_even_without_case() -> None:
    texts = [*HOSTILE, "ab", "AB", "a/c", "a_c", "a?c"]
    names = safe_names(texts)
    assert len({name.casefold() for name in names.values()}) == len(set(texts))
    assert names["a_c"] == "a_c" and names["ab"] != "ab"
