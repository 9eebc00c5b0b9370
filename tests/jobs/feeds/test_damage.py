"""Random damage to small feeds: readers end, give only codes that are explained, and lose no more than what was hit."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.feeds.read import _until_fault
from jobs.feeds.reasons import REASONS
from schemas.feed_config import DataFile
from tests.jobs.feeds.texts import codes, values

ROWS = [(f"sku{n}", f'Mug "{n}", é漢', f"line\nof {n}", "x" * (n % 7)) for n in range(60)]


def _csv() -> bytes:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    return "\r\n".join(["a,b,c,d", *lines, ""]).encode()


def _json(start: str, between: str, end: str) -> bytes:
    import json

    return (
        start + between.join(json.dumps(dict(zip("abcd", row, strict=True))) for row in ROWS) + end
    ).encode()


def _xml() -> bytes:
    items = "".join(f"<item><a>{a}</a><b>{b}</b><c>{c}</c><d>{d}</d></item>\n" for a, b, c, d in ROWS)
    return f'<?xml version="1.0"?><rss><channel><title>s</title>{items}</channel></rss>'.encode()


FEEDS = {
    "csv": _csv(),
    "jsonl": _json("", "\n", "\n"),
    "json": _json("[", ",\n", "]"),
    "xml": _xml(),
}


def _swap(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] = choose.randrange(256)


def _sharp(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] = choose.choice(b'",{}[]<>&;\\/\n\r\0=\xff')


def _drop(content: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(content))
    del content[at : at + choose.randrange(1, 40)]


def _double(content: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(content))
    content[at:at] = content[at : at + choose.randrange(1, 200)]


@pytest.mark.parametrize("format", FEEDS)
@pytest.mark.parametrize("hurt", [_swap, _sharp, _drop, _double])
def test_one_wound_costs_little(
    tmp_path: Path, format: str, hurt: Callable[[bytearray, random.Random], None]
) -> None:
    choose = random.Random(f"{format} {hurt.__name__}")
    file = DataFile(path="f", format=format)  # type: ignore[arg-type]
    whole = 0
    for _ in range(150):
        content = bytearray(FEEDS[format])
        hurt(content, choose)
        (tmp_path / "f").write_bytes(content)
        records = list(_until_fault(tmp_path / "f", file))
        found = codes(records)
        assert set(found.values()) <= REASONS.keys()
        if any(code.startswith("feed_") for code in found.values()):
            whole += 1
        else:
            assert len(values(records)) >= len(ROWS) - 3, bytes(content)
    # Damage between the records or at the ends costs the file where that cannot be told from a cut; seldom.
    assert whole <= 15


@pytest.mark.parametrize("format", FEEDS)
def test_many_wounds_and_rubbish_end(tmp_path: Path, format: str) -> None:
    choose = random.Random(format)
    file = DataFile(path="f", format=format)  # type: ignore[arg-type]
    for n in range(150):
        content = bytearray(FEEDS[format])
        for _ in range(n):
            choose.choice([_swap, _sharp, _drop, _double])(content, choose)
        packed = bytearray(gzip.compress(bytes(content)))
        if n % 3 == 0:
            _swap(packed, choose)
        for some in (content, packed):
            (tmp_path / "f").write_bytes(some)
            records = list(_until_fault(tmp_path / "f", file))
            assert set(codes(records).values()) <= REASONS.keys()


@pytest.mark.parametrize(
    ("format", "content", "place"),
    [
        ("csv", b"a,b\n1,2\n\n\n3", 5),
        ("csv", b'a,b\n1,2\n3,"4', 3),
        ("jsonl", b'{"a": 1}\n\n\n{"a"', 4),
        ("json", b'[{"a": 1},\n{"a": "', 2),
        ("json", b'[{"a": 1},\n{"a": 2}', 3),
        ("json", b'{"a": 1} {"a": [', 2),
        ("xml", b"<r><i><a>1</a></i><i><a>", 2),
        ("xml", b"<r><i><a>1</a></i><i/>", 3),
    ],
)
def test_a_file_that_ends_early_is_one_fault_where_it_ends(
    tmp_path: Path, format: str, content: bytes, place: int
) -> None:
    (tmp_path / "f").write_bytes(content)
    records = list(_until_fault(tmp_path / "f", DataFile(path="f", format=format)))  # type: ignore[arg-type]
    assert codes(records) == {place: "feed_truncated"}
    assert len(values(records)) == len(records) - 1 >= 1


def test_every_code_in_the_sources_is_explained() -> None:
    sources = Path(__file__).resolve().parents[3] / "jobs" / "feeds"
    text = "".join(path.read_text() for path in sources.glob("*.py") if path.name != "reasons.py")
    used = set(re.findall(r'"((?:feed|row|quote|cell|record|nul|encoding|json|xml|join)_[a-z_]+)"', text))
    # The one is the name of a function, the other is used where segments are read.
    assert used - {"feed_paths"} == REASONS.keys() - {"feed_field_missing"}
