"""Reads a feed's files inside Spark's Python workers and maps their columns by the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructField, StructType

from jobs.feeds.columns import PLACE_COLUMNS, unique_names
from jobs.feeds.delimited import read_delimited, read_header
from jobs.feeds.files import open_text, source_paths
from jobs.feeds.join import join_rows
from jobs.feeds.json_records import read_json, read_json_lines
from jobs.feeds.limits import BATCH_CHARS, BATCH_ROWS
from jobs.feeds.parquet import parquet_schema, read_parquet
from jobs.feeds.reasons import FeedError
from jobs.feeds.xml_records import read_xml
from schemas.config import DataFile, File

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


_PLACE = pa.schema(
    [("row", pa.int64()), ("file", pa.string()), ("broken", pa.string()), ("record", pa.string())]
)
_READERS: dict[str, Callable[[TextIO, DataFile], Iterator[tuple[int, Any, str | None, str | None]]]] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "json": read_json,
    "jsonl": read_json_lines,
    "xml": read_xml,
}
Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def read_feed(spark: SparkSession, file: File, root: Path) -> DataFrame:
    """The rows of a feed's files: their own columns, then PLACE_COLUMNS.

    CSV columns are strings, NULL when empty; JSON, XML and Parquet keep their types and nesting. `file` is the file's
    path below root, `row` the line where the record starts, or its number where a format has no lines (from 1).
    `broken` is NULL, or a code of REASONS: then the feed's own columns are NULL and `record` holds the raw text, cut;
    a code that starts with `feed_` is a fault of the whole file, explained in `record`.

    A joined file is one more column: see `join_rows`. A column that is named as an earlier one of the file, or as a
    place column, gets a number: `row_2`.
    Raises FeedError for what can be seen without reading all: a file that is missing, empty or not what it should be.
    """
    rows = _read_files(spark, file, root)
    for name, part in file.join.items():
        rows = join_rows(rows, _read_files(spark, part, root), name, part)
    return rows


def _read_files(spark: SparkSession, file: DataFile, root: Path) -> DataFrame:
    paths = source_paths(file, root)
    named = [(path.relative_to(root).as_posix(), str(path)) for path in paths]
    files = spark.createDataFrame(named, "name string, path string")
    if file.format == "parquet":
        schema, filled = parquet_schema(paths)
        batches = _in_workers(lambda name, path: _parquet_batches(name, path, schema))
    elif file.format in {"csv", "tsv"}:
        # Files of one feed may have their columns in another order, and some columns more.
        columns: dict[str, str] = {}
        for path in paths:
            for name in _header(path, file):
                columns.setdefault(name.lower(), name)
        schema = pa.schema([(name, pa.string()) for name in columns.values()])
        batches = _in_workers(lambda name, path: _delimited_batches(name, path, file, schema.names))
    else:
        schema = pa.schema([("json", pa.string())])
        batches = _in_workers(lambda name, path: _json_batches(name, path, file))
    if file.format != "parquet":
        filled = any(_has_record(path, file) for path in paths)
    if not filled:
        raise FeedError("feed_empty", f"{file.path} holds no record; check the export")
    rows = files.mapInArrow(batches, from_arrow_schema(pa.schema([*schema, *_PLACE])))
    return rows if file.format in {"csv", "tsv", "parquet"} else _typed(spark, rows)


def _in_workers(read: Callable[[str, Path], Iterator[pa.RecordBatch]]) -> Batches:
    """A `mapInArrow` function from (name, path) of files to their rows."""

    def read_all(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for file in batch.to_pylist():
                yield from read(file["name"], Path(file["path"]))

    return read_all


def _header(path: Path, file: DataFile) -> list[str]:
    with open_text(path, file) as text:
        return unique_names(read_header(text, file))


def _records(text: TextIO, file: DataFile) -> Iterator[tuple[int, Any, str | None, str | None]]:
    return _READERS[file.format](text, file)


def _has_record(path: Path, file: DataFile) -> bool:
    with open_text(path, file) as text:
        return next(_records(text, file), None) is not None


def _delimited_batches(name: str, path: Path, file: DataFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    header = _header(path, file)
    order = [column.lower() for column in header]
    places = [order.index(column.lower()) if column.lower() in order else None for column in columns]
    missing = [None] * len(header)

    def arrays(rows: list[list[str] | None]) -> list[pa.Array]:
        cells = list(zip(*(row or missing for row in rows), strict=True))
        return [
            pa.nulls(len(rows), pa.string())
            if place is None
            else pa.array([cell or None for cell in cells[place]], pa.string())
            for place in places
        ]

    return _packed(name, path, file, columns, arrays)


def _json_batches(name: str, path: Path, file: DataFile) -> Iterator[pa.RecordBatch]:
    return _packed(name, path, file, ["json"], lambda values: [pa.array(values, pa.string())])


def _packed(
    name: str, path: Path, file: DataFile, columns: list[str], arrays: Callable[[list[Any]], list[pa.Array]]
) -> Iterator[pa.RecordBatch]:
    """A text file's records in batches; a fault of the whole file is the last row."""
    numbers: list[int] = []
    values: list[Any] = []
    codes: list[str | None] = []
    raws: list[str | None] = []
    chars = 0

    def pack() -> pa.RecordBatch:
        place = [
            (numbers, pa.int64()),
            ([name] * len(numbers), pa.string()),
            (codes, pa.string()),
            (raws, pa.string()),
        ]
        batch = pa.RecordBatch.from_arrays(
            [*arrays(values), *(pa.array(items, kind) for items, kind in place)],
            names=[*columns, *PLACE_COLUMNS],
        )
        for items in (numbers, values, codes, raws):
            items.clear()
        return batch

    for number, value, code, raw in _until_fault(path, file):
        numbers.append(number)
        values.append(value)
        codes.append(code)
        raws.append(raw)
        chars += len(value) if isinstance(value, str) else sum(map(len, value or ()))
        if len(numbers) >= BATCH_ROWS or chars > BATCH_CHARS:
            chars = 0
            yield pack()
    if numbers:
        yield pack()


def _until_fault(path: Path, file: DataFile) -> Iterator[tuple[int, Any, str | None, str | None]]:
    number = 0
    try:
        with open_text(path, file) as text:
            for number, value, code, raw in _records(text, file):
                yield number, value, code, raw
    except FeedError as error:
        yield number, None, error.reason, error.detail
    except OSError as error:
        yield number, None, "feed_unreadable", f"{path}: {error}"


def _parquet_batches(name: str, path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    number = 0
    full = pa.schema([*schema, *_PLACE])
    try:
        for table in read_parquet(path, schema):
            n = len(table)
            rows = pa.array(range(number + 1, number + n + 1), pa.int64())
            nothing = pa.nulls(n, pa.string())
            place = [rows, pa.array([name] * n, pa.string()), nothing, nothing]
            yield from pa.table([*table.columns, *place], schema=full).to_batches()
            number += n
    except FeedError as error:
        fault = {"row": number, "file": name, "broken": error.reason, "record": error.detail}
        yield pa.RecordBatch.from_pylist([fault], schema=full)


def _typed(spark: SparkSession, text: DataFrame) -> DataFrame:
    """JSON objects as columns of the types that fit all of them; read once, because both steps need every record."""
    kept = text.persist(StorageLevel.DISK_ONLY)
    sound = kept.where(F.col("json").isNotNull()).select("json")
    schema = spark.read.json(sound, mode="DROPMALFORMED").schema
    if not schema.fields:
        # Every record is broken, or an empty object.
        return kept.select(*PLACE_COLUMNS)
    named = _renamed(schema, unique_names(schema.names))
    if len({name.lower() for name in schema.names}) < len(schema.names):
        # Of keys that differ in case alone, the commonest has the plain name: one odd record must not cost the others.
        numbered = _renamed(schema, [f"c{place}" for place in range(len(schema))])
        by_place = kept.select(F.from_json("json", schema).cast(numbered).alias("json"))
        said = by_place.select(*(F.count(f"json.{name}") for name in numbered.names)).first()
        assert said is not None
        order = sorted(range(len(schema)), key=lambda place: -said[place])
        names = dict(zip(order, unique_names([schema.names[place] for place in order]), strict=True))
        named = _renamed(schema, [names[place] for place in range(len(schema))])
    # Keys are matched as they are written; a cast between structs is by position, so it renames.
    parsed = kept.withColumn("json", F.from_json("json", schema).cast(named))
    return parsed.select("json.*", *PLACE_COLUMNS)


def _renamed(schema: StructType, names: Sequence[str]) -> StructType:
    fields = zip(names, schema.fields, strict=True)
    return StructType([StructField(name, field.dataType) for name, field in fields])


def map_fields(rows: DataFrame, file: File) -> list[Column]:
    """The mapped columns, one for each configured field, named as the field.

    Raises FeedError that names the field, its expression and the file's columns when an expression does not resolve.
    """
    columns = {field: F.expr(expression).alias(field) for field, expression in sorted(file.fields.items())}
    if not _unresolved(rows, list(columns.values())):
        return list(columns.values())
    field, condition = next(
        (field, error) for field, column in columns.items() if (error := _unresolved(rows, [column]))
    )
    available = ", ".join(name for name in rows.columns if name not in PLACE_COLUMNS)
    raise FeedError(
        "feed_column_missing",
        f"{file.path}: field {field} = {file.fields[field]!r} does not resolve ({condition}); "
        f"the file's columns are {available}",
    )


def _unresolved(rows: DataFrame, columns: list[Column]) -> str | None:
    try:
        rows.select(*columns).schema  # noqa: B018 - resolving is the check
    except AnalysisException as error:
        return error.getCondition() or "cannot be resolved"
    return None


def sound_rows(rows: DataFrame) -> DataFrame:
    """The rows that are not broken. Raises FeedError when a file as a whole is."""
    fault = rows.where(F.col("broken").startswith("feed_")).select("file", "broken", "record").first()
    if fault is not None:
        raise FeedError(fault["broken"], fault["record"])
    return rows.where(F.col("broken").isNull())
