"""Feeds through Spark: the same rows from every format, typed values, places, joins and faults."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from jobs.feeds import FeedError, map_fields, read_feed, sound_rows, unmatched
from jobs.feeds.columns import unique_names
from schemas.feed_config import File

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COLUMNS = ("sku", "title", "price", "note")
ROWS = [
    ("1", "Mug", "12.50", None),
    ("2", 'Lamp "Nord", 5"', "7", "two\nlines; a\ttab"),
    ("3", "Кружка", "1.299,00", "a,b|c"),
    ("4", "<b>Jar</b> & lid", "0", "\\"),
]


def _csv(delimiter: str = ",", end: str = "\r\n", header: bool = True) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows([COLUMNS, *ROWS] if header else ROWS)
    return out.getvalue()


def _objects() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def _xml() -> str:
    items = "".join(
        "<item>"
        + "".join(f"<g:{key}>{escape(value)}</g:{key}>" for key, value in item.items() if value)
        + "</item>"
        for item in _objects()
    )
    return f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_objects()), out)
    return out.getvalue()


SAME = {
    "utf8": ("csv", _csv().encode(), {}),
    "utf16": ("csv", _csv(";").encode("utf-16"), {"delimiter": ";"}),
    "cp1251": ("csv", _csv("|", "\n").encode("windows-1251"), {"delimiter": "|", "encoding": "windows-1251"}),
    "bare": ("csv", _csv(header=False).encode("utf-8-sig"), {"header": False, "columns": COLUMNS}),
    "tabs": ("tsv", _csv("\t").encode(), {}),
    "lines": ("jsonl", "\n".join(json.dumps(item) for item in _objects()).encode(), {}),
    "array": ("json", json.dumps(_objects(), indent=1, ensure_ascii=False).encode(), {}),
    "rss": ("xml", _xml().encode(), {}),
    "columnar": ("parquet", _parquet(), {}),
}


def _file(path: str, format: str, **settings: Any) -> File:
    return File(path=path, format=format, fields={}, **settings)  # type: ignore[arg-type]


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _rows(rows: DataFrame, *columns: str) -> list[tuple]:
    return sorted((tuple(row) for row in rows.select(*columns).collect()), key=str)


def test_every_format_gives_the_same_rows(tmp_path: Path, spark: SparkSession) -> None:
    feeds = []
    for name, (format, content, settings) in SAME.items():
        _write(tmp_path / name, content)
        _write(tmp_path / f"{name}.gz", gzip.compress(content))
        rows = read_feed(spark, _file(f"{name}*", format, **settings), tmp_path)
        feeds.append(rows.select(*COLUMNS, "file", "broken"))
    found = reduce(lambda a, b: a.unionByName(b), feeds).collect()
    for path in {row["file"] for row in found}:
        assert [tuple(row)[:4] for row in found if row["file"] == path] == ROWS, path
    assert len(found) == 2 * len(SAME) * len(ROWS)
    assert {row["broken"] for row in found} == {None}


def test_json_keeps_types_and_nesting(tmp_path: Path, spark: SparkSession) -> None:
    _write(
        tmp_path / "a.jsonl",
        '{"Id": 1, "price": 1.5, "tags": ["a"], "size": {"w": 1}, "row": "x"}\n{"Id": 2,\n\n'
        '{"id": "A", "price": 3, "size": {"h": 2.5}, "big": 123456789012345678901}\n{}\n',
    )
    rows = read_feed(spark, _file("a.jsonl", "jsonl"), tmp_path)
    assert dict(rows.dtypes) == {
        "Id": "bigint",
        "big": "string",
        "id_2": "string",
        "price": "double",
        "row_2": "string",
        "size": "struct<h:double,w:bigint>",
        "tags": "array<string>",
        "row": "bigint",
        "file": "string",
        "broken": "string",
        "record": "string",
    }
    found = {row["row"]: row for row in rows.collect()}
    assert set(found) == {1, 2, 4, 5}
    assert (found[1]["Id"], found[1]["tags"], found[1]["size"]["w"], found[1]["row_2"]) == (1, ["a"], 1, "x")
    assert (found[4]["id_2"], found[4]["price"], found[4]["size"]["h"]) == ("A", 3.0, 2.5)
    assert (found[2]["broken"], found[2]["record"], found[2]["Id"]) == ("json_malformed", '{"Id": 2,', None)
    assert found[5]["broken"] is None


def test_a_key_in_other_case_costs_no_other_record(tmp_path: Path, spark: SparkSession) -> None:
    _write(tmp_path / "a.jsonl", '{"id": "1"}\n{"ID": "x", "id": "2"}\n{"id": "3"}\n')
    rows = read_feed(spark, _file("a.jsonl", "jsonl"), tmp_path).select("id", "ID_2").collect()
    assert [tuple(row) for row in rows] == [("1", None), ("2", "x"), ("3", None)]


def test_several_files_are_one_feed(tmp_path: Path, spark: SparkSession) -> None:
    _write(tmp_path / "day" / "b.csv", "Title,price,extra\nJar,3,x\nbad\nLid,4,y\n")
    _write(tmp_path / "day" / "a.csv", "sku,title,SKU\n1,Mug,2\n")
    _write(tmp_path / "day" / "c.csv", "sku,title\n")
    rows = read_feed(spark, _file("day", "csv"), tmp_path)
    assert rows.columns == ["sku", "title", "SKU_2", "price", "extra", "row", "file", "broken", "record"]
    assert _rows(rows, "file", "row", "sku", "title", "price", "SKU_2", "broken", "record") == [
        ("day/a.csv", 2, "1", "Mug", None, "2", None, None),
        ("day/b.csv", 2, None, "Jar", "3", None, None, None),
        ("day/b.csv", 3, None, None, None, None, "row_ragged", "bad"),
        ("day/b.csv", 4, None, "Lid", "4", None, None, None),
    ]


def test_parquet_types_that_spark_lacks_become_those_it_has(tmp_path: Path, spark: SparkSession) -> None:
    when = dt.datetime(2026, 11, 21, 3, 4, 5)
    table = pa.table(
        {
            "a.b": pa.array([1, None], pa.uint32()),
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "at": pa.array([when, when], pa.timestamp("ns")),
            "day": pa.array([when.date()] * 2, pa.date64()),
            "clock": pa.array([dt.time(1, 2), None]),
            "none": pa.nulls(2),
            "parts": pa.array([[{"n": 1}], []], pa.list_(pa.struct([("n", pa.uint8())]))),
            "File": ["p", "q"],
        }
    )
    (tmp_path / "p").mkdir()
    pq.write_table(table, tmp_path / "p" / "1.parquet", row_group_size=1)
    pq.write_table(table.select(["kind"]), tmp_path / "p" / "2.parquet")
    rows = read_feed(spark, _file("p", "parquet"), tmp_path)
    found = {(row["file"], row["row"]): row for row in rows.collect()}
    assert set(found) == {(f"p/{n}.parquet", row) for n in (1, 2) for row in (1, 2)}
    first = found["p/1.parquet", 1]
    assert (first["a.b"], first["kind"], first["at"], first["day"]) == (1, "x", when, when.date())
    assert (first["clock"][:5], first["none"], first["parts"][0]["n"], first["File_2"]) == (
        "01:02",
        None,
        1,
        "p",
    )
    assert found["p/2.parquet", 2]["kind"] == "y"
    assert dict(rows.dtypes)["at"] == "timestamp_ntz"


def test_a_damaged_parquet_file_is_a_fault_of_the_file(tmp_path: Path, spark: SparkSession) -> None:
    table = pa.table({"a": [str(n) * 9 for n in range(30_000)]})
    pq.write_table(table, tmp_path / "p", compression="zstd", use_dictionary=False, data_page_size=4_000)
    content = bytearray((tmp_path / "p").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2_000] = b"\xff" * 2_000
    _write(tmp_path / "p", bytes(content))
    with pytest.raises(FeedError) as error:
        sound_rows(read_feed(spark, _file("p", "parquet"), tmp_path))
    assert error.value.reason == "feed_parquet_broken"
    damages = {"feed_parquet_broken": [content[:-50], b"PAR1"], "feed_format": [b"a", b"sku,title"]}
    for reason, damage in ((reason, damage) for reason, some in damages.items() for damage in some):
        _write(tmp_path / "p", bytes(damage))
        with pytest.raises(FeedError) as error:
            read_feed(spark, _file("p", "parquet"), tmp_path)
        assert error.value.reason == reason


def test_a_fault_in_mid_stream_is_one_row(tmp_path: Path, spark: SparkSession) -> None:
    packed = gzip.compress(b"sku,title\n" + b"".join(b"%d,Mug %d\n" % (n, n * 7919) for n in range(50_000)))
    _write(tmp_path / "f.csv.gz", packed[:-1000])
    rows = read_feed(spark, _file("f.csv.gz", "csv"), tmp_path)
    (fault,) = rows.where("broken IS NOT NULL").collect()
    assert fault["broken"] == "feed_truncated"
    assert "gzip stream ends early" in fault["record"]
    assert fault["row"] > 10_000
    with pytest.raises(FeedError, match="ends early"):
        sound_rows(rows)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_large_file_is_shared_by_tasks(
    format: str, tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.feeds.read.SHARE_BYTES", 50_000)
    skus = [str(n) for n in range(25_000)]
    if format == "csv":
        _write(tmp_path / "f", "sku\n" + "\n".join(skus) + '\n"not closed\n')
    elif format == "jsonl":
        _write(tmp_path / "f", "".join(f'{{"sku": "{sku}"}}\n' for sku in skus) + "{not closed\n")
    else:
        pq.write_table(pa.table({"sku": skus}), tmp_path / "f", row_group_size=2_000)
    rows = read_feed(spark, _file("f", format), tmp_path)
    assert rows.select(F.spark_partition_id()).distinct().count() == 2
    found = rows.orderBy("row").collect()
    assert [row["sku"] for row in found if row["broken"] is None] == skus
    assert [row["broken"] is None for row in found] == [True] * len(skus) + [False] * (format != "parquet")


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ("sku,title\n", "csv"),
        ("[]", "json"),
        ("\n\n{", "xml"),
        ("<rss><channel/></rss>", "xml"),
        ("sku\n\n,\n", "csv"),
    ],
)
def test_a_feed_without_a_record_is_refused(
    tmp_path: Path, spark: SparkSession, content: str, format: str
) -> None:
    _write(tmp_path / "f", content)
    with pytest.raises(FeedError) as error:
        read_feed(spark, _file("f", format), tmp_path)
    assert error.value.reason == ("feed_format" if "{" in content else "feed_empty")


def test_all_records_broken(tmp_path: Path, spark: SparkSession) -> None:
    _write(tmp_path / "f", "{\n[\n{}x\n")
    rows = read_feed(spark, _file("f", "jsonl"), tmp_path)
    assert rows.columns == ["row", "file", "broken", "record"]
    assert _rows(rows, "row", "broken") == [(n, "json_malformed") for n in (1, 2, 3)]


def test_files_are_joined_by_key(tmp_path: Path, spark: SparkSession) -> None:
    _write(tmp_path / "items.csv", "Id,BrandId,Name\n1,7,Mug\n2,8,Jar\n3,,Lid\nbad\n4,9,Cup\n")
    _write(
        tmp_path / "brands.jsonl",
        "\n".join(f'{{"Id": {n}, "Brand": "{b}"}}' for n, b in ((7, "N"), (9, "X"))),
    )
    _write(
        tmp_path / "more.jsonl", '{"Id": 9, "Brand": "X"}\n{"Id": 9, "Brand": "Z"}\n{"Brand": "?"}\n{"Id\n\n'
    )
    _write(tmp_path / "features.csv", "Item;Feature\n 1 ;red\n1;round\n4;blue\n5;lost\n")
    join = {
        "brands": {"path": "*.jsonl", "format": "jsonl", "on": "BrandId", "key": "Id"},
        "features": {
            "path": "features.csv", "format": "csv", "delimiter": ";", "on": "Id", "key": "Item", "many": True,
        },
    }  # fmt: skip
    file = _file("items.csv", "csv", join=join)
    rows = read_feed(spark, file, tmp_path)
    assert rows.columns == ["Id", "BrandId", "Name", "brands", "features", "row", "file", "broken", "record"]
    found = rows.select(
        "file", "row", "broken", "Name", "brands.Brand", F.expr("transform(features, f -> f.Feature)").alias("found"),
        unmatched(file)["brands"].alias("dangling"),
    ).collect()  # fmt: skip
    assert sorted((tuple(row) for row in found), key=str) == [
        ("items.csv", 2, None, "Mug", "N", ["red", "round"], False),
        ("items.csv", 3, None, "Jar", None, None, True),
        ("items.csv", 4, None, "Lid", None, None, False),
        ("items.csv", 5, "row_ragged", None, None, None, False),
        ("items.csv", 6, None, "Cup", "X", ["blue"], False),
        ("more.jsonl", 2, "join_key_twice", None, None, None, False),
        ("more.jsonl", 3, "join_key_missing", None, None, None, False),
        ("more.jsonl", 4, "json_malformed", None, None, None, False),
    ]
    for change, reason in (
        ({"name": join["brands"]}, "feed_join"),
        ({"b": {**join["brands"], "on": "Brand"}}, "feed_column_missing"),
        ({"b": {**join["brands"], "key": "row"}}, "feed_column_missing"),
    ):
        with pytest.raises(FeedError) as error:
            read_feed(spark, _file("items.csv", "csv", join=change), tmp_path)
        assert error.value.reason == reason


def test_names_are_unique_for_spark() -> None:
    assert unique_names(["a", "A", "a_2", "", "Row", "a"]) == [
        "a",
        "A_2",
        "a_2_2",
        "column_4",
        "Row_2",
        "a_3",
    ]


def test_a_field_that_does_not_resolve_is_named(tmp_path: Path, spark: SparkSession) -> None:
    _write(tmp_path / "f", "sku,title\n1,Mug\n")
    file = File(path="f", format="csv", fields={"sku": "sku", "title": "titel"})
    with pytest.raises(FeedError, match=r"title = 'titel' does not resolve .*columns are sku, title"):
        map_fields(read_feed(spark, file, tmp_path), file)
