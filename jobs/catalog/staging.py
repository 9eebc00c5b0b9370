"""A feed's rows, normalised, as Parquet files beside the tables: read once, and joined and counted from there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from infra.parquet_file import NewFile
from jobs.catalog import normalise
from jobs.catalog.finishing import (
    PRODUCTS,
    REJECTS,
    WITHOUT_PICTURES,
    missing_pictures,
    noted_rows,
    product_rows,
    rejected_rows,
)
from jobs.catalog.given import Rules
from jobs.catalog.mapping import field_expressions, made_columns, map_fields, prepare, private_columns
from jobs.feeds.read import join_files, open_files
from jobs.images import with_images
from schemas.config import Merchant

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHOWN_CHARS = 200
_PATHS = pa.list_(pa.string())
_MADE = pa.schema([("products", _PATHS), ("rejects", _PATHS), ("tally", pa.string())])
Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass
class Tally:
    """What a task has read: rows, and the lost ones by reason."""

    rows: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    first: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Reason -> file, row and value (or record) of the first row that it cost."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts a batch."""
        self.rows += batch.num_rows
        lost = batch.filter(batch["reason"].is_valid()).select(["reason", "file", "row", "detail", "record"])
        for reason, file, row, detail, record in zip(*lost.to_pydict().values(), strict=True):
            place = (file, row, ((record if detail is None else detail) or "")[:SHOWN_CHARS])
            self.lost[reason] = self.lost.get(reason, 0) + 1
            self.first[reason] = min(self.first.get(reason, place), place)


@dataclass(frozen=True)
class Staged:
    """What a task made of one merchant's rows: files of products and of what was wrong, at most one of each."""

    merchant_id: str
    products: tuple[Path, ...]
    rejects: tuple[Path, ...]
    tally: Tally


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
    """Writes a feed's good rows to files of PRODUCTS (or WITHOUT_PICTURES) in `folder`, the others to files of REJECTS.

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
    steps.append(_writer(folder, run_date, pictures=pictures))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for step in steps:
            batches = step(batches)
        yield from batches

    made = rows.mapInArrow(run, "products array<string>, rejects array<string>, tally string").collect()
    return [
        Staged(
            merchant.id,
            tuple(map(Path, task["products"])),
            tuple(map(Path, task["rejects"])),
            Tally(**json.loads(task["tally"])),
        )
        for task in made
    ]


def _writer(folder: Path, run_date: dt.date, *, pictures: bool) -> Batches:
    """A `mapInArrow` function that writes a task's rows to files of its own and gives their paths and the tally."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tally = Tally()
        with (
            NewFile(folder, PRODUCTS if pictures else WITHOUT_PICTURES) as products,
            NewFile(folder, REJECTS) as rejects,
        ):
            for batch in batches:
                tally.add(batch)
                good = (
                    batch.filter(batch["reason"].is_null())
                    if batch["reason"].null_count < len(batch)
                    else batch
                )
                products.write(product_rows(good, run_date))
                rejects.write(rejected_rows(batch))
                rejects.write(noted_rows(good))
                if pictures:
                    rejects.write(missing_pictures(good))
        yield pa.RecordBatch.from_pydict(
            {
                "products": [[str(path) for path in products.paths]],
                "rejects": [[str(path) for path in rejects.paths]],
                "tally": [json.dumps(asdict(tally))],
            },
            schema=_MADE,
        )

    return write


def picture_finder(merchant: Merchant, root: Path) -> Batches:
    """A `mapInArrow` function that puts the columns of jobs.images in the place of `image`."""
    prefixes = [(rule.prefix, rule.path) for rule in merchant.feed.image_paths]
    mapped = "image" in field_expressions(merchant.feed)
    return with_images(root / merchant.feed.image_root, prefixes, mapped=mapped)
