"""CSV and TSV: what is read, and what each kind of damage costs."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest

from jobs.feeds import limits
from jobs.feeds.delimited import read_header
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile
from tests.jobs.feeds.texts import codes, read, values

HEAD = "sku,title,price\n"


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ("sku;title\r\n1;Mug\r\n2;Lamp\r\n", {"delimiter": ";"}),
        ("sku|title\n1|Mug\n2|Lamp", {"delimiter": "|"}),
        ("sku\ttitle\n1\tMug\n2\tLamp\n", {"format": "tsv"}),
        ('sku||title\n1||"Mug"\n2||Lamp\n', {"delimiter": "||"}),
        ("sku\ttitle\n1\tMug\n2\tLamp\n", {"delimiter": "\t"}),
        ("sku,title\r1,Mug\r2,Lamp\r", {}),
        ("sku,title\n'1',Mug\n2,'Lamp'\n", {"quote": "'"}),
        ("1,Mug\n2,Lamp\n", {"header": False, "columns": ("sku", "title")}),
        ("\n\nsku,title\n\n1,Mug\n   \n2,Lamp\n,\n\n", {}),
        ("sku,title\n1,Mug,,\n2,Lamp,\n", {}),
        ("\ufeffsku,title\n1,Mug\n2,Lamp\n", {}),
    ],
)
def test_every_dialect_gives_the_same_rows(tmp_path: Path, content: str, settings: dict) -> None:
    assert values(read(tmp_path, content, **settings)) == [["1", "Mug"], ["2", "Lamp"]]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    records = read(tmp_path, HEAD + '1,"a ""b"", c",2\n2,"two\r\nlines",3\n3,"",4\n4,5" pipe,6\n')
    assert values(records) == [
        ["1", 'a "b", c', "2"],
        ["2", "two\r\nlines", "3"],
        ["3", "", "4"],
        ["4", '5" pipe', "6"],
    ]
    assert [number for number, *_ in records] == [2, 3, 5, 6]


def test_a_delimiter_of_several_characters_in_a_quoted_cell(tmp_path: Path) -> None:
    records = read(tmp_path, 'a::b\n1::"x::y"\n2::"open\n3:::z\n', delimiter="::")
    assert values(records) == [["1", "x::y"], ["3", ":z"]]
    assert codes(records) == {3: "quote_unbalanced"}


def test_without_quotes_a_quote_is_a_character(tmp_path: Path) -> None:
    assert values(read(tmp_path, 'a\tb\n"x\ty"\n', "tsv", quote="")) == [['"x', 'y"']]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("2,Lamp", "row_ragged"),
        ("2,Lamp,3,4", "row_ragged"),
        ('2,"Lamp,3', "quote_unbalanced"),
        ('"2,Lamp,3', "quote_unbalanced"),
        ('2,"5" pipe",3', "quote_unbalanced"),
        ("2,La\0mp,3", "nul_byte"),
        (b"2,L\xe4mp,3", "encoding_broken"),
        ("2," + "x" * (limits.MAX_CELL_CHARS + 1) + ",3", "cell_too_large"),
        ('2,"' + "x" * (limits.MAX_CELL_CHARS + 1) + '",3', "cell_too_large"),
        ("2," + "x" * (limits.MAX_RECORD_CHARS + 100) + ",3", "record_too_large"),
        ("2" + ",x" * (limits.MAX_RECORD_CHARS // 2), "record_too_large"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_broken_row_costs_that_row(tmp_path: Path, broken: str | bytes, code: str, end: str) -> None:
    rows = broken if isinstance(broken, bytes) else broken.encode()
    good = ["1,Mug,1", '3,"Two\nlines",3', "4,Jar,4"]
    content = end.join(["sku,title,price", good[0], "%", *good[1:], ""]).encode().replace(b"%", rows)
    records = read(tmp_path, content)
    assert codes(records) == {3: code}
    assert [(number, cells[0]) for number, cells, found, *_ in records if not found] == [
        (2, "1"),
        (4, "3"),
        (6, "4"),
    ]
    raw = next(raw for *_, raw, _ in records if raw)
    assert raw is not None
    assert len(raw) <= limits.RAW_CHARS
    assert raw.startswith(broken[:5] if isinstance(broken, str) and code != "nul_byte" else "2,L")


def test_quotes_that_are_never_closed_cost_their_rows_alone(tmp_path: Path) -> None:
    rows = [f'{n},"open,{n}' if n % 3 == 0 else f"{n},Mug,{n}" for n in range(1, 100)]
    records = read(tmp_path, HEAD + "\n".join(rows) + "\n")
    assert len(records) == 99
    # Two quotes in a row close each other: what is between them is no row of its own, but neither is it lost unseen.
    assert set(codes(records).values()) == {"quote_unbalanced"}
    assert len(values(records)) == 66


def test_an_open_quote_does_not_swallow_the_feed(tmp_path: Path) -> None:
    many = "".join(f"{n},{'Mug' * 100},{n}\n" for n in range(3, 12_000))
    records = read(tmp_path, HEAD + '2,"open,2\n' + many)
    assert codes(records) == {2: "quote_unbalanced"}
    assert len(values(records)) == 11_997
    assert records[-1][0] == 11_999


@pytest.mark.parametrize("end", ["7,Ja", '7,"Jar', '7,"Jar, big",'[:-1]])
def test_a_file_that_ends_within_a_row_is_truncated(tmp_path: Path, end: str) -> None:
    records = read(tmp_path, HEAD + "1,Mug,1\n" + end)
    assert codes(records)[3] == "feed_truncated"
    assert values(records) == [["1", "Mug", "1"]]


def test_a_wrong_encoding_costs_the_file(tmp_path: Path) -> None:
    mixed = [f"{n},Mug,1".encode() for n in range(2_000)]
    for n in range(0, 2_000, 20):
        mixed[n] = f"{n},Müg,1".encode("latin-1")
    records = read(tmp_path, HEAD.encode() + b"\n".join(mixed) + b"\n")
    assert set(codes(records).values()) == {"encoding_broken"}
    assert len(values(records)) == 1_900
    wrong = "\n".join(f"{n},Кружка,1" for n in range(2_000))
    records = read(tmp_path, HEAD.encode() + wrong.encode("windows-1251"))
    assert records[-1][2] == "feed_encoding"
    assert len(records) < 20
    records = read(tmp_path, HEAD.encode() + "1,Müg,1\n2,Tür,2\n3,Mug,3\n".encode("latin-1"))
    assert records[-1][2] == "feed_encoding"


def test_headers(tmp_path: Path) -> None:
    file = DataFile(path="f", format="csv")
    assert read_header(io.StringIO(' sku , "title"\n'), file) == ["sku", '"title"']
    for header, reason in (
        ("", "feed_empty"),
        ("a," * 3_000 + "\n", "feed_header"),
        ('a,"b\n', "feed_header"),
    ):
        with pytest.raises(FeedError) as error:
            read_header(io.StringIO(header), file)
        assert error.value.reason == reason


def test_what_python_writes_is_read_back(tmp_path: Path) -> None:
    choose = random.Random(4)
    rows = [
        ["".join(choose.choices('ab,"\n\r; é漢', k=choose.randrange(1, 12))) + "." for _ in range(4)]
        for _ in range(500)
    ]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([list("wxyz"), *rows])
    records = read(tmp_path, out.getvalue())
    assert values(records) == rows
    assert not codes(records)
