"""JSON lines and arrays: what is read, and what each kind of damage costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.feeds import limits
from tests.jobs.feeds.texts import codes, read, values

BROKEN = [
    ('{"sku": 2, "title": "Mug",}', "json_malformed"),
    ('{"sku": 2, "title": Mug}', "json_malformed"),
    ("{'sku': 2}", "json_malformed"),
    ('{"sku": 2, "title": "a\tb"}', "json_malformed"),
    ('{"sku": 2, "title": "a\0b"}', "nul_byte"),
    ('{"sku": 2, "title": "\\x"}', "json_malformed"),
    ('{"sku": 02}', "json_malformed"),
    ('{"a": [{"b": 1}, {"b": 2}], "sku": .5}', "json_malformed"),
    ('{"sku": .5, "a": [{"b": 1}, {"b": 2}], "c": [{}, {}]}', "json_malformed"),
    ("[1, 2]", "json_malformed"),
    ("17", "json_malformed"),
    ('"text, with } and ]"', "json_malformed"),
    ("null", "json_malformed"),
    ("rubbish", "json_malformed"),
    ('{"price": NaN}', "json_not_finite"),
    ('{"price": -Infinity}', "json_not_finite"),
    ('{"price": 1e999}', "json_not_finite"),
    ('{"price": ' + "9" * 5_000 + "}", "json_not_finite"),
    ('{"t": "\\ud83d"}', "encoding_broken"),
    ('{"a": {"\\uDC00": 1}}', "encoding_broken"),
    ('{"sku": 2, "sku": 3}', "json_key_twice"),
    ('{"sku": {"a": 2, "a": 2}}', "json_key_twice"),
    ('{"a":' * 40 + "1" + "}" * 40, "record_too_deep"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "record_too_deep"),
    ('{"a": "' + "x" * (limits.MAX_RECORD_CHARS + 5) + '"}', "record_too_large"),
    ('{"a": [' + '"x",' * (limits.MAX_RECORD_CHARS // 3) + "1]}", "record_too_large"),
]


@pytest.mark.parametrize(("broken", "code"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_record_costs_that_record(tmp_path: Path, broken: str, code: str) -> None:
    good = [
        {"sku": 1, "t": 'a "b" \\ } ] {'},
        {"sku": 3, "deep": {"list": [{"x": None}] * 50}},
        {"sku": 4, "t": "漢é"},
    ]
    first, third, fourth = (json.dumps(item, ensure_ascii=False) for item in good)
    fourth = fourth.replace("😀", "\\ud83d\\ude00")
    by_line = read(tmp_path, "\n".join([first, broken, third, fourth]) + "\r\n\r\n", "jsonl")
    assert codes(by_line) == {2: code}
    assert values(by_line) == good
    # A NUL is not allowed in JSON text; by lines we see which it is.
    in_array = read(tmp_path, f"[ {first},\n{broken} ,{third},{fourth}\n]\n", "json")
    assert codes(in_array) == {2: "json_malformed" if code == "nul_byte" else code}
    assert values(in_array) == good
    for records in (by_line, in_array):
        raw = records[1][3]
        assert raw is not None
        assert raw.startswith(broken[:9])
        assert len(raw) <= limits.RAW_CHARS


def test_an_open_string_costs_its_record(tmp_path: Path) -> None:
    items = [f'{{"sku": {n}, "title": "Mug {n}"}}' for n in range(1, 2_000)]
    items[1] = '{"sku": 2, "title": "Mug, "price": 3}'
    items[900] = '{"sku": 901, "title": "Mug}'
    records = read(tmp_path, "[" + ",\n".join(items) + "]", "json")
    assert {item["sku"] for item in values(records)} >= {1, *range(4, 901), *range(903, 2_000)}
    assert set(codes(records).values()) == {"json_malformed"}
    assert len(codes(records)) <= 3


def test_json_may_be_objects_one_behind_the_other(tmp_path: Path) -> None:
    content = '{"sku": 1}\n{\n "sku":\n 2}{"sku": 3}'
    assert values(read(tmp_path, content, "json")) == [{"sku": n} for n in (1, 2, 3)]


def test_records_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    items = [{"sku": n, "text": "y" * 700_000} for n in range(40)]
    records = read(tmp_path, json.dumps(items), "json")
    assert [item["sku"] for item in values(records)] == list(range(40))


@pytest.mark.parametrize(
    ("content", "format", "code"),
    [
        ('[{"sku": 1}, {"sku": 2', "json", "feed_truncated"),
        ('[{"sku": 1}, {"sku": 2}', "json", "feed_truncated"),
        ('[{"sku": 1},', "json", "feed_truncated"),
        ('[{"sku": 1}, {"sku": "' + "x" * (3 * limits.MAX_RECORD_CHARS), "json", "feed_truncated"),
        ('[{"sku": 1} {"sku": 2}]', "json", "feed_json_malformed"),
        ('[{"sku": 1}, , {"sku": 2}]', "json", "feed_json_malformed"),
        ('[{"sku": 1}]{"sku": 2}', "json", "feed_json_malformed"),
        (
            "[" + ",".join(['{"a": "b, "c": 1}'] * (3 * limits.MAX_LOST_RECORDS)) + "]",
            "json",
            "feed_json_malformed",
        ),
        ('{"sku": 1}\n{"sku": 2, "ti', "jsonl", "feed_truncated"),
        ("\n".join(['{"t": "Кружка"}'] * 300).encode("koi8-r"), "jsonl", "feed_encoding"),
        (b"[" + b",".join(['{"t": "Кружка"}'.encode("koi8-r")] * 300) + b"]", "json", "feed_encoding"),
    ],
    ids=range(11),
)
def test_what_costs_the_whole_file(tmp_path: Path, content: str | bytes, format: str, code: str) -> None:
    assert read(tmp_path, content, format)[-1][2] == code
