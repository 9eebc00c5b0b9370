"""Plain text, one tiny input a trick."""

from __future__ import annotations

import pyarrow as pa
import pytest

from jobs.catalog.text import plain_items, plain_text

CASES = [
    ("<b>Nice</b> &amp; <script>x()</script>red", "Nice & red"),
    ("<p>One</p><p>Two<br/>three</p>", "One Two three"),
    ("<style>p { color: red }", None),
    ("<!-- hidden -->shown", "shown"),
    ("broken <img src='x", "broken"),
    ("H<sub>2</sub>O", "H2O"),
    ("x < 3 and 4 > 2 <3", "x < 3 and 4 > 2 <3"),
    ("&lt;b&gt; stays text", "<b> stays text"),
    ("&eacute;&#233;&#xE9;&nbsp;&amp;eacute;", "ééé é"),
    ("Cafe\u0301", "Café"),
    ("a\u202eb\u2066c\ufeff\u200bd\0e", "abcde"),
    ("wo\u200drd and 👩\u200d🚀", "word and 👩\u200d🚀"),
    ("a\u00a0b\u3000c\u2028d\te\r\nf\x0bg", "a b c d e f g"),
    ("  \u200b ", None),
    (None, None),
]


@pytest.mark.parametrize(("raw", "plain"), CASES)
def test_plain_text(raw: str | None, plain: str | None) -> None:
    assert plain_text(pa.array([raw], pa.string())).to_pylist() == [plain]


def test_a_column_is_its_values() -> None:
    column = pa.array([raw for raw, _ in CASES])
    assert plain_text(column).to_pylist() == [plain for _, plain in CASES]
    assert plain_text(column.slice(3, 5)).to_pylist() == [plain for _, plain in CASES[3:8]]


def test_long_text_is_cut_between_words() -> None:
    (cut,) = plain_text(pa.array(["many words " * 600_000]), 100).to_pylist()
    assert len(cut) <= 100
    assert cut.endswith(" words…") or cut.endswith(" many…")


def test_lists_keep_their_places() -> None:
    column = pa.array([["<b>a</b>", " "], None, [], ["b"]])
    assert plain_items(column).to_pylist() == [["a", None], None, [], ["b"]]
