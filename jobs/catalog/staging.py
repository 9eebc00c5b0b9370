"""A feed's rows, normalised, as Parquet files beside the tables: read once, and joined and counted from there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from infra.parquet_file import NewFile
from jobs.catalog import normalise
from jobs.catalog.crossing import PLACE
from jobs.catalog.given import Rules
from jobs.catalog.mapping import field_expressions, made_columns, map_fields, prepare, private_columns
from jobs.feeds.read import join_files, open_files
from jobs.images import COLUMNS as IMAGE_COLUMNS
from jobs.images import with_images
from schemas.config import Merchant

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

SHOWN_CHARS = 200
Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass
class Tally:
    """What a staged file holds: rows, rows with a parent of another name, and the lost rows by reason."""

    rows: int = 0
    children: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    first: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Reason -> file, row and value (or record) of the first row that it cost."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts a batch."""
        self.rows += batch.num_rows
        self.children += pc.sum(pc.not_equal(batch["parent_sku"], batch["sku"])).as_py() or 0
        lost = batch.filter(batch["reason"].is_valid()).select(["reason", "file", "row", "detail", "record"])
        for reason, file, row, detail, record in zip(*lost.to_pydict().values(), strict=True):
            place = (file, row, ((record if detail is None else detail) or "")[:SHOWN_CHARS])
            self.lost[reason] = self.lost.get(reason, 0) + 1
            self.first[reason] = min(self.first.get(reason, place), place)


@dataclass(frozen=True)
class Staged:
    """A file of staged rows of one merchant."""

    merchant_id: str
    path: Path
    tally: Tally


def staged_schema(*, pictures: bool) -> pa.Schema:
    """The columns of staged rows: normalise.SCHEMA; with `pictures` those of jobs.images in the place of `image`."""
    if not pictures:
        return normalise.SCHEMA
    return pa.schema([*(field for field in normalise.SCHEMA if field.name != "image"), *IMAGE_COLUMNS])


def feed_rules(
    merchant: Merchant, run_date: dt.date, fields: Mapping[str, str], columns: Iterable[str]
) -> Rules:
    """How a merchant's rows are read; `fields` says which of the `columns` holds a field."""
    feed = merchant.feed
    return Rules(
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
) -> list[Staged]:
    """Writes a feed's rows (see staged_schema) to Parquet files in `folder` and says what they hold.

    The workers write what they have normalised themselves: through the JVM it would cost as much again. A task that is
    tried again leaves a file that nobody reads. Raises FeedError for a fault that shows at once.
    """
    feed = merchant.feed
    source = open_files(spark, feed, root)
    rows, fields = map_fields(prepare(join_files(spark, source.rows(), feed, root), feed), feed)
    rules = feed_rules(merchant, run_date, fields, rows.columns)
    folder.mkdir(parents=True)
    steps: list[Batches] = [normalise.normaliser(rules)]
    if rows.columns == source.schema.names and feed.format != "parquet":
        # All fields are columns as they are: Spark, which evaluates the others, is not asked, and the rows stay where
        # they are. Parquet has types that Spark makes into others.
        rows, steps = source.files, [source.read, *steps]
    if pictures:
        steps.append(picture_finder(merchant, root))
    steps.append(_writer(folder, staged_schema(pictures=pictures)))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for step in steps:
            batches = step(batches)
        yield from batches

    written = rows.mapInArrow(run, "path string, tally string").collect()
    return [Staged(merchant.id, Path(row["path"]), Tally(**json.loads(row["tally"]))) for row in written]


def _writer(folder: Path, schema: pa.Schema) -> Batches:
    """A `mapInArrow` function that writes a task's rows to a file of its own and gives its path and tally."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tally = Tally()
        with NewFile(folder, schema, compression="lz4") as file:
            for batch in batches:
                file.write(batch)
                tally.add(batch)
        for path in file.paths:
            yield pa.RecordBatch.from_pydict({"path": [str(path)], "tally": [json.dumps(asdict(tally))]})

    return write


def picture_finder(merchant: Merchant, root: Path) -> Batches:
    """A `mapInArrow` function that puts the columns of jobs.images in the place of `image`."""
    prefixes = [(rule.prefix, rule.path) for rule in merchant.feed.image_paths]
    mapped = "image" in field_expressions(merchant.feed)
    return with_images(root / merchant.feed.image_root, prefixes, mapped=mapped)


def content(rows: DataFrame) -> Column:
    """A hash of all that a staged row says, whatever place it stands at."""
    other = (*PLACE, "reason", "detail", "record", "notes", *normalise.HASHED)
    return F.xxhash64(*(name for name in rows.columns if name not in other))
