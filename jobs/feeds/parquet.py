"""Records of Parquet files, read by Arrow within bounds, in types that Spark has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from jobs.feeds.columns import unique_names
from jobs.feeds.files import Gunzip, open_bytes
from jobs.feeds.limits import BATCH_ROWS, MAX_COLUMNS, MAX_UNPACK_RATIO, MAX_UNPACKED_BYTES
from jobs.feeds.reasons import FeedError

_ARROW_ERRORS = (pa.ArrowException, OSError, ValueError)
_UNSIGNED = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20),
}


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file, gzipped or not, whose footer is sound and promises no more than a feed can hold."""
    source: Any = path
    with open_bytes(path) as stream:
        if not stream.peek(4).startswith(b"PAR1"):
            raise FeedError("feed_format", f"{path} is declared as parquet but is not; correct one of them")
        if isinstance(stream.raw, Gunzip):
            # Parquet is read from its end; Arrow closes the file with its last reference.
            source = tempfile.TemporaryFile()  # noqa: SIM115
            while piece := stream.read(1 << 20):
                source.write(piece)
    try:
        file = pq.ParquetFile(source)
    except _ARROW_ERRORS as error:
        raise _broken(path, error) from None
    footer = file.metadata
    size = path.stat().st_size
    unpacked = sum(footer.row_group(n).total_byte_size for n in range(footer.num_row_groups))
    if unpacked > MAX_UNPACKED_BYTES or max(footer.num_rows, unpacked) > max(
        MAX_UNPACK_RATIO * size, 1_000_000
    ):
        raise FeedError(
            "feed_bomb", f"{path}: {size} bytes promise {footer.num_rows} rows in {unpacked} bytes"
        )
    if len(file.schema_arrow) > MAX_COLUMNS:
        raise FeedError("feed_header", f"{path} has {len(file.schema_arrow)} columns; at most {MAX_COLUMNS}")
    return file


def parquet_schema(paths: list[Path]) -> tuple[pa.Schema, bool]:
    """The columns of all files together, in types that Spark has; and whether there is any row."""
    files = [open_parquet(path) for path in paths]
    try:
        schema = pa.unify_schemas([_schema(file) for file in files], promote_options="permissive")
    except _ARROW_ERRORS as error:
        raise _broken(paths[0].parent, error) from None
    return schema, any(file.metadata.num_rows for file in files)


def read_parquet(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """The file's rows in pieces of at most BATCH_ROWS, as `schema` says; a column that it lacks is NULL."""
    file = open_parquet(path)
    try:
        for batch in file.iter_batches(BATCH_ROWS):
            batch = batch.rename_columns(unique_names(batch.schema.names))
            columns = [
                pa.chunked_array([batch[field.name]]).cast(field.type)
                if field.name in batch.schema.names
                else pa.chunked_array([pa.nulls(len(batch), field.type)])
                for field in schema
            ]
            yield pa.table(columns, schema=schema)
    except _ARROW_ERRORS as error:
        raise _broken(path, error) from None


def _schema(file: pq.ParquetFile) -> pa.Schema:
    names = unique_names(file.schema_arrow.names)
    fields = zip(names, file.schema_arrow, strict=True)
    return pa.schema([pa.field(name, _plain_type(field.type)) for name, field in fields])


def _broken(path: Path, error: Exception) -> FeedError:
    return FeedError("feed_parquet_broken", f"{path}: {str(error)[:300]}; write it again")


def _plain_type(given: pa.DataType) -> pa.DataType:
    """The type that Spark has for an Arrow type; text for those that it has none for."""
    if types.is_dictionary(given):
        return _plain_type(given.value_type)
    if types.is_struct(given):
        return pa.struct([pa.field(field.name, _plain_type(field.type)) for field in given])
    if types.is_map(given):
        return pa.map_(_plain_type(given.key_type), _plain_type(given.item_type))
    if types.is_list(given) or types.is_large_list(given) or types.is_fixed_size_list(given):
        return pa.list_(_plain_type(given.value_type))
    if types.is_timestamp(given):
        return pa.timestamp("us", given.tz)
    if types.is_binary(given) or types.is_large_binary(given) or types.is_fixed_size_binary(given):
        return pa.binary()
    if types.is_date(given):
        return pa.date32()
    if types.is_boolean(given) or types.is_signed_integer(given) or types.is_decimal128(given):
        return given
    if types.is_floating(given):
        return pa.float32() if types.is_float16(given) else given
    return _UNSIGNED.get(given, pa.string())
