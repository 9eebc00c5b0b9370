"""Reads a feed's files inside Spark's Python workers and maps their columns by the configuration."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.feeds.columns import PLACE_COLUMNS, unique_names
from jobs.feeds.delimited import read_delimited, read_header
from jobs.feeds.delimited_blocks import PlainBlock, parse_block, read_blocks
from jobs.feeds.files import open_text, source_paths
from jobs.feeds.join import join_rows
from jobs.feeds.json_records import read_json, read_json_lines
from jobs.feeds.kinds import Kind, arrow_type, kinds_of, merge_all, to_arrow
from jobs.feeds.limits import BATCH_CHARS, BATCH_ROWS, SHARE_BYTES
from jobs.feeds.lines import Record, until_fault
from jobs.feeds.parquet import parquet_schema, read_parquet
from jobs.feeds.reasons import FeedError
from jobs.feeds.xml_records import read_xml
from schemas.feed_config import DataFile, File

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


_PLACE = pa.schema(
    [("row", pa.int64()), ("file", pa.string()), ("broken", pa.string()), ("record", pa.string())]
)
READERS: dict[str, Callable[[TextIO, DataFile], Iterator[Record]]] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "json": read_json,
    "jsonl": read_json_lines,
    "xml": read_xml,
}
Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Share(NamedTuple):
    """The part of a file that one task gives out: every `of`-th batch, beginning with batch `part`.

    Each task reads the whole file, which costs a tenth of what is then done with its rows; quotes and entities leave
    no other place to cut.
    """

    part: int
    of: int


def read_feed(spark: SparkSession, file: File, root: Path) -> DataFrame:
    """The rows of a feed's files: their own columns, then PLACE_COLUMNS.

    CSV columns are strings, NULL when empty; JSON, XML and Parquet keep their types and nesting. `file` is the file's
    path below root, `row` the line where the record starts, or its number where a format has no lines (from 1).
    `broken` is NULL, or a code of REASONS: then the feed's own columns are NULL and `record` holds the raw text, cut;
    a code that starts with `feed_` is a fault of the whole file behind the row before it, explained in `record`.

    A joined file is one more column: see `join_rows`. A column that is named as an earlier one of the file, or as a
    place column, gets a number: `row_2`.
    Raises FeedError for what can be seen without reading all: a file that is missing, empty or not what it should be.
    """
    return join_files(spark, open_files(spark, file, root).rows(), file, root)


def join_files(spark: SparkSession, rows: DataFrame, file: File, root: Path) -> DataFrame:
    """The rows of a feed's own files with those of its joined files as further columns."""
    for name, part in file.join.items():
        rows = join_rows(rows, open_files(spark, part, root).rows(), name, part)
    return rows


class OpenFiles(NamedTuple):
    """Files that can be read: a row each (or for each share of one), and what makes their rows of them."""

    files: DataFrame
    read: Batches
    schema: pa.Schema

    def rows(self) -> DataFrame:
        """The rows of the files; see read_feed."""
        return self.files.mapInArrow(self.read, from_arrow_schema(self.schema))


def open_files(spark: SparkSession, file: DataFile, root: Path) -> OpenFiles:
    """The files of one form, seen to hold rows. Raises FeedError."""
    paths = source_paths(file, root)
    named = [(path.relative_to(root).as_posix(), str(path)) for path in paths]
    tasks = spark.sparkContext.defaultParallelism
    parts = [
        (name, path, part, of)
        for name, path in named
        for of in [min(tasks, 1 + Path(path).stat().st_size // SHARE_BYTES)]
        for part in range(of)
    ]
    files = spark.createDataFrame(parts, "name string, path string, part int, of int")
    if file.format == "parquet":
        schema, filled = parquet_schema(paths)
    else:
        filled = any(_has_record(path, file) for path in paths)
    if not filled:
        raise FeedError("feed_empty", f"{file.path} holds no record; check the export")
    if file.format == "parquet":
        batches = _in_workers(lambda name, path, share: _parquet_batches(name, path, share, schema))
    elif file.format in {"csv", "tsv"}:
        # Files of one feed may have their columns in another order, and some columns more.
        columns: dict[str, str] = {}
        for path in paths:
            for name in _header(path, file):
                columns.setdefault(name.lower(), name)
        schema = pa.schema([(name, pa.string()) for name in columns.values()])
        batches = _in_workers(
            lambda name, path, share: _delimited_batches(name, path, share, file, schema.names)
        )
    else:
        kinds = _kinds(files.where(F.col("part") == 0), file)
        schema = pa.schema([(column, arrow_type(kind)) for column, _, kind in kinds])
        batches = _in_workers(lambda name, path, share: _typed_batches(name, path, share, file, kinds))
    return OpenFiles(files, batches, pa.schema([*schema, *_PLACE]))


def _in_workers(read: Callable[[str, Path, Share], Iterator[pa.RecordBatch]]) -> Batches:
    """A `mapInArrow` function from (name, path, part, of) of files to their rows."""

    def read_all(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for file in batch.to_pylist():
                yield from read(file["name"], Path(file["path"]), Share(file["part"], file["of"]))

    return read_all


def _header(path: Path, file: DataFile) -> list[str]:
    with open_text(path, file) as text:
        return unique_names(read_header(text, file))


def _records(text: TextIO, file: DataFile) -> Iterator[Record]:
    return READERS[file.format](text, file)


def _has_record(path: Path, file: DataFile) -> bool:
    with open_text(path, file) as text:
        return next(_records(text, file), None) is not None


def _delimited_batches(
    name: str, path: Path, share: Share, file: DataFile, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    header = _header(path, file)
    order = [column.lower() for column in header]
    places = [order.index(column.lower()) if column.lower() in order else None for column in columns]
    missing = [None] * len(header)

    def in_order(cells: Sequence[pa.Array], n: int) -> list[pa.Array]:
        return [pa.nulls(n, pa.string()) if place is None else cells[place] for place in places]

    def careful_batch(found: list[Record]) -> Iterator[pa.RecordBatch]:
        if found:
            numbers, rows, codes, raws, _ = zip(*found, strict=True)
            cells = zip(*(row or missing for row in rows), strict=True)
            arrays = [pa.array([cell or None for cell in column], pa.string()) for column in cells]
            yield _with_place(columns, in_order(arrays, len(rows)), name, numbers, codes, raws)

    for block in itertools.islice(read_blocks(path, file), share.part, None, share.of):
        found = parse_block(block, path, file, len(header)) if isinstance(block, PlainBlock) else block
        if isinstance(found, list):
            yield from careful_batch(found)
        else:
            lines, cells = found
            nothing = pa.nulls(len(lines), pa.string())
            yield _with_place(columns, in_order(cells, len(lines)), name, lines, nothing, nothing)


def _with_place(columns: Sequence[str], cells: Sequence[pa.Array], name: str, *place: Any) -> pa.RecordBatch:
    """A batch of the feed's own columns with the place columns: row, broken and record beside the file's name."""
    row, broken, record = (
        given if isinstance(given, pa.Array) else pa.array(given, kind)
        for given, kind in zip(place, (pa.int64(), pa.string(), pa.string()), strict=True)
    )
    file = pa.repeat(pa.scalar(name), len(row))
    return pa.RecordBatch.from_arrays([*cells, row, file, broken, record], names=[*columns, *PLACE_COLUMNS])


def _kinds(files: DataFrame, file: DataFile) -> list[tuple[str, str, Kind]]:
    """(column, key, kind) of all files' records. They are read for that alone, and again for their values."""

    def look(name: str, path: Path, _: Share) -> Iterator[pa.RecordBatch]:
        found = {"name": name}
        try:
            found["kinds"] = json.dumps(
                kinds_of(value for _, value, code, *_ in _until_fault(path, file) if code is None)
            )
        except FeedError as error:
            found |= {"reason": error.reason, "detail": f"{path}: {error.detail}"}
        yield pa.RecordBatch.from_pylist([found], schema=schema)

    schema = pa.schema([(column, pa.string()) for column in ("name", "kinds", "reason", "detail")])
    rows = files.mapInArrow(_in_workers(look), from_arrow_schema(schema)).orderBy("name").collect()
    for row in rows:
        if row["reason"]:
            raise FeedError(row["reason"], row["detail"])
    found = [json.loads(row["kinds"]) for row in rows]
    kinds = merge_all(some for some, _ in found)
    counts = sum((Counter(some) for _, some in found), Counter[str]())
    # Of keys that differ in case alone, the commonest has the plain name: one odd record must not cost the others.
    keys = sorted(kinds, key=lambda key: (-counts[key], key))
    return [(column, key, kinds[key]) for column, key in sorted(zip(unique_names(keys), keys, strict=True))]


def _typed_batches(
    name: str, path: Path, share: Share, file: DataFile, kinds: list[tuple[str, str, Kind]]
) -> Iterator[pa.RecordBatch]:
    def arrays(values: list[dict[str, Any] | None]) -> list[pa.Array]:
        try:
            return [
                to_arrow([value.get(key) if value else None for value in values], kind)
                for _, key, kind in kinds
            ]
        except ValueError as error:
            raise FeedError(
                "feed_changed", f"{path} changed while it was read ({error}); start anew"
            ) from None

    return _packed(name, path, share, file, [column for column, *_ in kinds], arrays)


def _packed(
    name: str,
    path: Path,
    share: Share,
    file: DataFile,
    columns: list[str],
    arrays: Callable[[list[Any]], list[pa.Array]],
) -> Iterator[pa.RecordBatch]:
    """A share of a text file's records in batches; a fault of the whole file is the last row."""
    numbers: list[int] = []
    values: list[Any] = []
    codes: list[str | None] = []
    raws: list[str | None] = []
    chars = 0
    batch_number = 0

    def pack() -> pa.RecordBatch:
        try:
            own = arrays(values)
        except FeedError as error:
            numbers[:], values[:], codes[:], raws[:] = numbers[:1], [None], [error.reason], [error.detail]
            own = arrays(values)
        return _with_place(columns, own, name, numbers, codes, raws)

    for number, value, code, raw, size in _until_fault(path, file):
        numbers.append(number)
        values.append(value)
        codes.append(code)
        raws.append(raw)
        chars += size
        if len(numbers) >= BATCH_ROWS or chars > BATCH_CHARS:
            if batch_number % share.of == share.part:
                yield pack()
            batch_number, chars = batch_number + 1, 0
            for items in (numbers, values, codes, raws):
                items.clear()
    if numbers and batch_number % share.of == share.part:
        yield pack()


def _until_fault(path: Path, file: DataFile) -> Iterator[Record]:
    def found() -> Iterator[Record]:
        with open_text(path, file) as text:
            yield from _records(text, file)

    return until_fault(found(), path)


def _parquet_batches(name: str, path: Path, share: Share, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    number = 0
    full = pa.schema([*schema, *_PLACE])
    try:
        for i, table in enumerate(read_parquet(path, schema)):
            n = len(table)
            if i % share.of == share.part:
                rows = pa.array(range(number + 1, number + n + 1), pa.int64())
                nothing = pa.nulls(n, pa.string())
                place = [rows, pa.array([name] * n, pa.string()), nothing, nothing]
                yield from pa.table([*table.columns, *place], schema=full).to_batches()
            number += n
    except FeedError as error:
        if share.part:
            return
        fault = {"row": number + 1, "file": name, "broken": error.reason, "record": error.detail}
        yield pa.RecordBatch.from_pylist([fault], schema=full)


def map_fields(rows: DataFrame, file: File) -> list[Column]:
    """The mapped columns, one for each configured field, named as the field.

    Raises FeedError that names the field, its expression and the file's columns when an expression does not resolve.
    """
    columns = {field: F.expr(expression).alias(field) for field, expression in sorted(file.fields.items())}
    if not unresolved(rows, list(columns.values())):
        return list(columns.values())
    field, condition = next(
        (field, error) for field, column in columns.items() if (error := unresolved(rows, [column]))
    )
    available = ", ".join(name for name in rows.columns if name not in PLACE_COLUMNS)
    raise FeedError(
        "feed_column_missing",
        f"{file.path}: field {field} = {file.fields[field]!r} does not resolve ({condition}); "
        f"the file's columns are {available}",
    )


def unresolved(rows: DataFrame, columns: Sequence[Column]) -> str | None:
    """Why Spark cannot resolve these columns over the rows: its error condition; None when it can."""
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
