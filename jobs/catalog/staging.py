"""A feed's rows, normalised, as Parquet files beside the tables: read once, and joined and counted from there."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.catalog import normalise
from jobs.catalog.crossing import PLACE
from jobs.catalog.mapping import field_expressions, made_columns, map_fields, prepare, private_columns
from jobs.feeds import read_feed
from jobs.images import COLUMNS as IMAGE_COLUMNS
from jobs.images import with_images
from schemas.config import Merchant

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def staged_schema(*, pictures: bool) -> pa.Schema:
    """The columns of staged rows: normalise.SCHEMA; with `pictures` those of jobs.images in the place of `image`."""
    if not pictures:
        return normalise.SCHEMA
    return pa.schema([*(field for field in normalise.SCHEMA if field.name != "image"), *IMAGE_COLUMNS])


def feed_rules(
    merchant: Merchant, run_date: dt.date, fields: Mapping[str, str], columns: Iterable[str]
) -> normalise.Rules:
    """How a merchant's rows are read; `fields` says which of the `columns` holds a field."""
    feed = merchant.feed
    return normalise.Rules(
        merchant.id,
        merchant.currency,
        run_date,
        fields,
        feed.decimal_mark,
        feed.category_separator,
        made_columns(feed),
        private_columns(feed, columns),
    )


def stage_feed(
    spark: SparkSession, merchant: Merchant, run_date: dt.date, root: Path, folder: Path, *, pictures: bool
) -> list[str]:
    """Writes a feed's rows (see staged_schema) to Parquet files in `folder` and gives their paths.

    The workers write what they have normalised themselves: through the JVM it would cost as much again. A task that is
    tried again leaves a file that nobody reads. Raises FeedError for a fault that shows at once.
    """
    feed = merchant.feed
    rows, fields = map_fields(prepare(read_feed(spark, feed, root), feed), feed)
    rules = feed_rules(merchant, run_date, fields, rows.columns)
    folder.mkdir(parents=True)
    steps = [normalise.normaliser(rules)]
    if pictures:
        steps.append(_pictures(merchant, root))
    steps.append(_writer(folder, staged_schema(pictures=pictures)))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for step in steps:
            batches = step(batches)
        yield from batches

    return [row["path"] for row in rows.mapInArrow(run, "path string").collect()]


def _writer(folder: Path, schema: pa.Schema) -> Batches:
    """A `mapInArrow` function that writes a task's rows to a file of its own and gives the path; no rows, no file."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        path = folder / f"{uuid.uuid4().hex}.parquet"
        writer = None
        try:
            for batch in batches:
                writer = writer or pq.ParquetWriter(path, schema, compression="lz4")
                writer.write_batch(batch)
        finally:
            if writer:
                writer.close()
        if writer:
            yield pa.RecordBatch.from_pydict({"path": [str(path)]})

    return write


def _pictures(merchant: Merchant, root: Path) -> Batches:
    prefixes = [(rule.prefix, rule.path) for rule in merchant.feed.image_paths]
    mapped = "image" in field_expressions(merchant.feed)
    return with_images(root / merchant.feed.image_root, prefixes, mapped=mapped)


def locate_pictures(rows: DataFrame, merchant: Merchant, root: Path) -> DataFrame:
    """Staged rows without pictures, plus any columns, with the columns of jobs.images in the place of `image`."""
    kept = [field for field in rows.schema.fields if field.name != "image"]
    schema = type(rows.schema)([*kept, *from_arrow_schema(IMAGE_COLUMNS).fields])
    return rows.mapInArrow(_pictures(merchant, root), schema)


def content(rows: DataFrame) -> Column:
    """A hash of all that a staged row says, whatever place it stands at."""
    other = (*PLACE, "reason", "detail", "record", "notes", *normalise.HASHED)
    return F.xxhash64(*(name for name in rows.columns if name not in other))
