"""The compiled way and the careful way through CSV give the same rows, whatever is in the file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.feeds import delimited_blocks, read
from jobs.feeds.files import Utf8
from jobs.feeds.reasons import FeedError
from schemas.feed_config import DataFile

ODDITIES = (
    'a,"b,c",d\n', 'a,"b\nc",d\n', 'a,"b\r\nc",d\r\n', 'a,"say ""x""",d\n', '"",,""\n', '""""\n', "\n", "\r\n",
    ",,\n", " , ,\n", 'a,5" pipe,d\n', 'a,"b"c,d\n', 'a,"open,d\n', "a,b\n", "a,b,c,d\n", "a,b,c,\n", "a,\0,c\n",
    'a, "b",c\n', "a,b\rx,y,z\n", '"a","b","c"\n', '"a""","""b","c"\n', 'a,"""",c\n', 'a,"",c\n', "é,咖啡,\u2028\n",
    "a,\ufffe,c\n", 'x"y"z,b,c\n', '"""",b,"c\n"\n', "NULL,nan,#N/A\n", "\ufeff,b,c\n", "a,b,c\r\r\n",
)  # fmt: skip


class _EndsEarly(Utf8):
    """A file of which no more can be read than its first 2,000 bytes: a fault of the whole, in a row of its own."""

    left = 2_000

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise FeedError("feed_truncated", "the stream ends early")
        return super().read(size)


def _rows(path: Path, file: DataFile, of: int) -> list[dict[str, Any]]:
    columns = read._header(path, file)
    parts: Iterator[Any] = (
        read._delimited_batches("f", path, read.Share(part, of), file, columns) for part in range(of)
    )
    rows = [row for batches in parts for batch in batches for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: (row["row"], row["broken"] or ""))


def _both(path: Path, file: DataFile, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, Any]:
    compiled, shared = _rows(path, file, 1), _rows(path, file, 3)
    with monkeypatch.context() as patched:
        patched.setattr(delimited_blocks, "_plain_block", lambda *_, **__: None)
        patched.setattr(delimited_blocks, "BLOCK_BYTES", 10**9)
        careful = _rows(path, file, 1)
    return compiled, shared, careful


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_give_the_same_rows(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_blocks, "BLOCK_BYTES", 100)
    monkeypatch.setattr(delimited_blocks, "_PIECE_BYTES", 30)
    draw = random.Random(seed)
    lines = [
        draw.choice(ODDITIES) if draw.random() < seed / 60 else f"SKU-{n},{'x' * draw.randrange(30)},{n}\n"
        for n in range(300)
    ]
    lines += draw.choice([[], ["a,b,c"], ["a,b"], ['a,"b'], ["a,b,c\r"], ["\n\n"], [","], ["é"]])
    encoding = draw.choice(["utf-8", "utf-16", "utf-8-sig"])
    file = DataFile(path="f.csv", format="csv", quote=draw.choice(['"', '"', "'", ""]))
    path = tmp_path / "f.csv"
    path.write_bytes(("sku,title,price\n" + "".join(lines)).encode(encoding, "surrogatepass"))
    if not seed % 3:
        monkeypatch.setattr(delimited_blocks, "Utf8", _EndsEarly)
    compiled, shared, careful = _both(path, file, monkeypatch)
    assert compiled == careful
    assert shared == careful


def test_plain_blocks_are_not_read_record_by_record(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2,é\n', encoding="utf-8")
    (block,) = delimited_blocks.read_blocks(path, DataFile(path="f.csv", format="csv"))
    assert isinstance(block, delimited_blocks.PlainBlock)
    assert block.lines.tolist() == [2, 5]


def test_a_ragged_block_alone_is_read_record_by_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited_blocks, "BLOCK_BYTES", 100)
    monkeypatch.setattr(delimited_blocks, "_PIECE_BYTES", 30)
    path, file = tmp_path / "f.csv", DataFile(path="f.csv", format="csv")
    path.write_text("a,b\n" + "1,2\n" * 50 + "3\n" + "1,2\n" * 50, encoding="utf-8")
    blocks = list(delimited_blocks.read_blocks(path, file))
    assert len(blocks) > 2
    parsed = [
        delimited_blocks.parse_block(block, path, file, 2)
        for block in blocks
        if isinstance(block, delimited_blocks.PlainBlock)
    ]
    (careful,) = [found for found in parsed if isinstance(found, list)]
    assert [(record[0], record[2]) for record in careful if record[2]] == [(52, "row_ragged")]
