"""One row of `products` for every sellable SKU that the merchants' feeds hold tonight; what is wrong goes to `rejects`.

A bad row costs that row. A feed that cannot be read, or that is not to be believed, costs that merchant's feed: its
last products stay for `ingest.keep_products_nights` nights. Only when no merchant has any product the stage fails.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.errors import PySparkException

from infra.commit_files import BATCH_ROWS, commit_files, file_schema
from infra.parquet_file import NewFile
from infra.sample_shop.__main__ import main as make_sample_shop
from infra.spark import spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate, open_table, query_tables, replace_streamed
from jobs.catalog import keeping
from jobs.catalog.crossing import Held, costly, crossed, held, usual_spellings
from jobs.catalog.finishing import REJECTS, Decided, are_products, fault_rows, finisher, first_rows, places
from jobs.catalog.keeping import Counts, LastProducts, Refusal
from jobs.catalog.staging import Staged, picture_finder, stage_feed
from jobs.feeds import FeedError, feed_paths
from schemas.config import Config
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STAGE = "jobs.ingest_catalog"
INPUTS: tuple[str, ...] = ()
OUTPUTS = ("products",)


def input_files(config: Config, root: Path) -> Iterable[Path]:
    """The files that tonight's result depends on: feeds and the folders of their pictures."""
    for merchant in config.merchants:
        yield from feed_paths(merchant.feed, root)
        folder = root / merchant.feed.image_root
        if merchant.feed.image_root and folder.is_dir():
            yield from (path for path in folder.rglob("*") if path.is_file())


def stage_feeds(spark: SparkSession, stage: Stage, scratch: Path) -> tuple[list[Staged], dict[str, Refusal]]:
    """(files of the normalised rows of every feed that could be read, why the others could not), merchant by merchant.

    Rows go through Parquet files, so that a feed is read once, a feed that breaks while it is read harms no other,
    and memory does not grow with the catalog.
    """
    refusals: dict[str, Refusal] = {}
    staged: list[Staged] = []
    pictures = stage.limit is None
    for merchant in stage.progress(stage.merchants, total=len(stage.merchants), unit="feed"):
        try:
            staged += stage_feed(
                spark, merchant, stage.run_date, stage.data_root, scratch / merchant.id, pictures=pictures
            )
        except FeedError as error:
            refusals[merchant.id] = Refusal(error.reason, str(error))
        except PySparkException as error:
            # Unforeseen: the reader or a mapping's expression failed on a value. The night goes on without this feed.
            refusals[merchant.id] = Refusal("feed_unreadable", f"{merchant.feed.path}: {_in_short(error)}")
    return staged, refusals


def _in_short(error: PySparkException) -> str:
    """What failed, without the value that it failed on, which may be a person's."""
    lines = (str(error).strip() or repr(error)).splitlines()
    kind = re.match(r"[\w.]*(?:Error|Exception|Invalid)\b", lines[-1]) if len(lines) > 1 else None
    return lines[0][:300] + (f" {kind[0]}" if kind else "")


def count_rows(staged: Iterable[Staged], faults: Iterable[pa.Table]) -> dict[str, Counts]:
    """Counts by merchant, from the tallies and from what only several rows together show."""
    counts: dict[str, Counts] = defaultdict(Counts)
    first: dict[tuple[str, str], tuple[str, int, str]] = {}

    def lose(merchant_id: str, reason: str, n: int, place: tuple[str, int, str]) -> None:
        lost = counts[merchant_id].lost
        lost[reason] = lost.get(reason, 0) + n
        first[merchant_id, reason] = min(first.get((merchant_id, reason), place), place)

    for part in staged:
        counts[part.merchant_id].read += part.tally.rows
        for reason, n in part.tally.lost.items():
            file_name, row, shown = part.tally.first[reason]
            lose(part.merchant_id, reason, n, (file_name, row, shown))
    for table in faults:
        told = costly(table).select(["merchant_id", "reason", "file", "row"]).to_pydict().values()
        for merchant_id, reason, file_name, row in zip(*told, strict=True):
            lose(merchant_id, reason, 1, (file_name, row, ""))
    for (merchant_id, reason), (file_name, row, shown) in first.items():
        counts[merchant_id].first[reason] = f"{file_name} row {row}" + (f": {shown}" if shown else "")
    return counts


def last_products(stage: Stage) -> dict[str, LastProducts]:
    """Each merchant's newest products of an earlier night, at most LOOKBACK_NIGHTS ago."""
    since = stage.run_date - dt.timedelta(days=keeping.LOOKBACK_NIGHTS)
    found = query_tables(
        stage.state,
        "SELECT merchant_id, run_date, count(*) AS n, max(coalesce(feed_date, run_date)) AS feed_date FROM products "
        f"WHERE run_date < DATE '{stage.run_date}' AND run_date >= DATE '{since}' GROUP BY merchant_id, run_date",
        "products",
    )
    newest: dict[str, LastProducts] = {}
    for row in sorted(found, key=lambda row: row["run_date"]):
        newest[row["merchant_id"]] = LastProducts(row["run_date"], row["feed_date"], row["n"])
    return newest


def carry_products(stage: Stage, kept: dict[str, LastProducts], scratch: Path) -> list[Path]:
    """Files with the last products of the merchants in `kept`, as rows of tonight with the date of their own feed."""
    schema = file_schema(BY_NAME["products"])
    paths: list[Path] = []
    for merchant_id, last in kept.items():
        theirs = night_predicate(last.run_date, [merchant_id])
        with NewFile(scratch, schema) as file:
            for batch in open_table(stage.state, "products").scan(predicate=theirs):
                rows = pa.record_batch(batch)
                old = pa.repeat(pa.scalar(last.run_date), rows.num_rows)
                columns = {
                    field.name: (
                        pc.coalesce(rows["feed_date"], old) if field.name == "feed_date" else rows[field.name]
                    )
                    for field in schema
                }
                file.write(
                    pa.RecordBatch.from_pydict({n: c.cast(schema.field(n).type) for n, c in columns.items()})
                )
        paths += file.paths
    return paths


def decide(files: Sequence[Held], faults: pa.Table, limit: int | None) -> Decided:
    """What all rows of a merchant together decided; `faults` are of parents and repeated SKUs."""
    dropped = costly(faults)
    decided = Decided(places(dropped), None, {})
    brands: Counter[str] = Counter()
    if limit is None:
        for file in files:
            brands.update(file.brands)
        brands.subtract(brand for brand in dropped["brand"].to_pylist() if brand is not None)
    else:
        first = first_rows([file.path for file in files], decided, limit)
        decided = replace(decided, only=places(first))
        brands.update(brand for brand in first["brand"].to_pylist() if brand is not None)
    return replace(decided, spellings=usual_spellings(brands))


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        if stage.config.paths.sample_shop:
            make_sample_shop(["--out", str(stage.data_root)])
        spark = spark_session(stage.config.engines, stage.state)
        scratch = stage.state / "tmp" / "ingest" / stage.run_date.isoformat()
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            _ingest(spark, stage, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return []


def _ingest(spark: SparkSession, stage: Stage, scratch: Path) -> None:
    limits, night = stage.config.ingest, stage.run_date
    staged, refusals = stage_feeds(spark, stage, scratch)
    last = last_products(stage)
    files: dict[str, list[Held]] = {merchant.id: [] for merchant in stage.merchants}
    for part in staged:
        files[part.merchant_id] += map(held, part.products)
    faults = {name: crossed(some) for name, some in files.items()}
    counts = count_rows(staged, faults.values())
    for merchant in stage.merchants:
        if merchant.id not in refusals:
            count = counts.get(merchant.id, Counts())
            refusal = keeping.judge_feed(
                merchant, count, last.get(merchant.id), night, limits, whole=stage.limit is None
            )
            if refusal:
                refusals[merchant.id] = refusal
    kept = {
        name: last[name]
        for name in refusals
        if keeping.nights_left(last.get(name), night, limits) is not None
    }
    if len(refusals) == len(stage.merchants) and not kept:
        raise StageError(keeping.no_product_sentence(refusals, stage.merchants))
    decided = {
        name: decide(some, faults[name], stage.limit) for name, some in files.items() if name not in refusals
    }
    products, noted = finish(spark, stage, files, faults, decided, scratch)
    products += carry_products(stage, kept, scratch)
    commit_files(stage.state, "products", products, night, stage.selected, scratch)
    rejects = itertools.chain(
        [_feed_rejects(stage, refusals, last)],
        *map(fault_rows, faults.values()),
        _told(staged, decided),
        *(pq.ParquetFile(path).iter_batches(BATCH_ROWS) for path in noted),
    )
    mine = night_predicate(night, stage.selected, stage=STAGE)
    replace_streamed(stage.state, "rejects", _complete(stage, rejects), mine)
    _count(stage, counts, refusals)


def finish(
    spark: SparkSession,
    stage: Stage,
    files: Mapping[str, Sequence[Held]],
    faults: Mapping[str, pa.Table],
    decided: Mapping[str, Decided],
    scratch: Path,
) -> tuple[list[Path], list[Path]]:
    """(files of `products`, files of REJECTS) of the feeds that are taken.

    Staged files are taken as they are, but for those in which all rows together showed something.
    """
    products: list[Path] = []
    noted: list[Path] = []
    unfinished: list[tuple[str, str]] = []
    for name, decision in decided.items():
        touched = set(costly(faults[name])["staged"].to_pylist())
        for file in files[name]:
            again = stage.limit is not None or str(file.path) in touched
            if again or file.brands.keys() & decision.spellings.keys():
                unfinished.append((name, str(file.path)))
            else:
                products.append(file.path)
    if unfinished:
        finders = (
            {m.id: picture_finder(m, stage.data_root) for m in stage.merchants}
            if stage.limit is not None
            else {}
        )
        work = spark.createDataFrame(unfinished, "merchant_id string, path string")
        written = work.mapInArrow(finisher(decided, finders, scratch), "name string, path string")
        for kind, path in written.collect():
            (products if kind == "products" else noted).append(Path(path))
    return products, noted


def _told(staged: Iterable[Staged], decided: Mapping[str, Decided]) -> Iterator[pa.RecordBatch]:
    """What was wrong with rows by themselves; notes only on products."""
    for part in staged:
        for path in part.rejects:
            for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
                told = pc.not_equal(batch["severity"], "note")
                if decision := decided.get(part.merchant_id):
                    told = pc.or_(told, are_products(batch["file"], batch["row"], decision))
                yield batch.filter(told)


def _complete(stage: Stage, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of REJECTS with the columns that tell the night and the stage."""
    schema = BY_NAME["rejects"].schema
    own = {"run_date": stage.run_date, "stage": STAGE, "shard": 0, "attempts": None}
    for batch in batches:
        told = {
            name: pa.repeat(pa.scalar(value, schema.field(name).type), len(batch))
            for name, value in own.items()
        }
        columns = [told[name] if name in told else batch[name] for name in schema.names]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _feed_rejects(
    stage: Stage, refusals: Mapping[str, Refusal], last: Mapping[str, LastProducts]
) -> pa.RecordBatch:
    """A row for every merchant whose feed is set aside, and a line in the log."""
    rows = []
    for name, refusal in refusals.items():
        left = keeping.nights_left(last.get(name), stage.run_date, stage.config.ingest)
        detail = f"{refusal.detail}; {keeping.kept_sentence(last.get(name), left)}"
        stage.log.error("merchant %s: feed set aside (%s): %s", name, refusal.reason, detail)
        rows.append(
            {
                "key": f"{name}/feed",
                "reason": refusal.reason,
                "severity": "feed",
                "merchant_id": name,
                "detail": detail,
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=REJECTS)


def _count(stage: Stage, counts: dict[str, Counts], refusals: dict[str, Refusal]) -> None:
    for name, count in counts.items():
        stage.count(name, rows_in=count.read, **count.lost)
        if name in refusals:
            stage.count(name, **{refusals[name].reason: count.good})
    for name, refusal in refusals.items():
        if name not in counts:
            stage.count(name, **{refusal.reason: 1})
    written = (
        f"SELECT merchant_id, count(*) AS products FROM products WHERE {stage.tonight} GROUP BY merchant_id"
    )
    for row in query_tables(stage.state, written, "products"):
        stage.count(row["merchant_id"], rows_out=row["products"])


if __name__ == "__main__":
    main()
