"""One row of `products` for every sellable SKU that the merchants' feeds hold tonight; what is wrong goes to `rejects`.

A bad row costs that row. A feed that cannot be read, or that is not to be believed, costs that merchant's feed: its
last products stay for `ingest.keep_products_nights` nights. Only when no merchant has any product the stage fails.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from infra.commit_files import BATCH_ROWS, commit_files, file_schema
from infra.parquet_file import NewFile
from infra.sample_shop.__main__ import main as make_sample_shop
from infra.spark import spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate, open_table, query_tables, replace_streamed
from jobs.catalog import keeping
from jobs.catalog.crossing import CROSSED, PLACE, brand_spellings, parent_faults, repeated_skus, union_all
from jobs.catalog.finishing import REJECT_SCHEMA, Decided, finisher, places, reject_rows
from jobs.catalog.keeping import Counts, LastProducts, Refusal
from jobs.catalog.staging import Staged, content, picture_finder, stage_feed, staged_schema
from jobs.feeds import FeedError, feed_paths
from schemas.config import Config
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

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


def count_rows(staged: Iterable[Staged], crossed: pa.Table) -> dict[str, Counts]:
    """Counts by merchant, from the staged files and from what only several rows together show."""
    counts: dict[str, Counts] = defaultdict(Counts)
    first: dict[tuple[str, str], tuple[str, int, str]] = {}

    def lose(merchant_id: str, reason: str, n: int, place: tuple[str, int, str]) -> None:
        lost = counts[merchant_id].lost
        lost[reason] = lost.get(reason, 0) + n
        first[merchant_id, reason] = min(first.get((merchant_id, reason), place), place)

    for file in staged:
        counts[file.merchant_id].read += file.tally.rows
        for reason, n in file.tally.lost.items():
            file_name, row, shown = file.tally.first[reason]
            lose(file.merchant_id, reason, n, (file_name, row, shown))
    for found in crossed.select(["merchant_id", "reason", "file", "row"]).to_pylist():
        if found["reason"] != "parent_missing":
            lose(found["merchant_id"], found["reason"], 1, (found["file"], found["row"], ""))
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


def _crossed(spark: SparkSession, rows: DataFrame, staged: Iterable[Staged]) -> DataFrame:
    """What only several rows together show; small, and used several times."""
    sound = rows.where(F.col("reason").isNull()).withColumn("content", content(rows))
    parts = [repeated_skus(sound)]
    if any(file.tally.children for file in staged):
        parts.append(parent_faults(sound))
    found = [part for part in parts if part is not None]
    return union_all(found).persist() if found else spark.createDataFrame([], CROSSED)


def decide(
    stage: Stage, rows: DataFrame, crossed: DataFrame, faults: pa.Table, refusals: Mapping[str, Refusal]
) -> dict[str, Decided]:
    """What all rows together decided, by merchant."""
    faults = faults.filter(pc.not_equal(faults["reason"], "parent_missing"))
    good = rows.where(F.col("reason").isNull() & ~F.col("merchant_id").isin(list(refusals)))
    if faults.num_rows:
        dropped = crossed.where(F.col("reason") != "parent_missing").select(*PLACE)
        good = good.join(dropped, on=list(PLACE), how="left_anti")
    only = None
    if stage.limit is not None:
        by_sku = F.row_number().over(Window.partitionBy("merchant_id").orderBy("sku"))
        good = good.withColumn("n", by_sku).where(F.col("n") <= F.lit(stage.limit)).persist()
        only = good.select(*PLACE).toArrow()
    usual: dict[str, dict[str, str]] = defaultdict(dict)
    for merchant_id, key, spelling in brand_spellings(good).collect():
        usual[merchant_id][key] = spelling
    return {
        merchant.id: Decided(
            taken=merchant.id not in refusals,
            dropped=places(faults, merchant.id),
            only=None if only is None else places(only, merchant.id),
            spellings=usual[merchant.id],
        )
        for merchant in stage.merchants
    }


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
    schema = from_arrow_schema(staged_schema(pictures=stage.limit is None))
    rows = spark.read.schema(schema).parquet(*(str(file.path) for file in staged)) if staged else None
    crossed = spark.createDataFrame([], CROSSED) if rows is None else _crossed(spark, rows, staged)
    faults = crossed.toArrow()
    counts = count_rows(staged, faults)
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
    made: dict[str, list[Path]] = {"products": carry_products(stage, kept, scratch), "rejects": []}
    if rows is not None:
        finders = (
            {} if stage.limit is None else {m.id: picture_finder(m, stage.data_root) for m in stage.merchants}
        )
        finish = finisher(decide(stage, rows, crossed, faults, refusals), finders, night, scratch)
        files = spark.createDataFrame(
            [(f.merchant_id, str(f.path)) for f in staged], "merchant_id string, path string"
        )
        for name, path in files.mapInArrow(finish, "name string, path string").collect():
            made[name].append(Path(path))
    commit_files(stage.state, "products", made["products"], night, stage.selected, scratch)
    nothing = pa.nulls(faults.num_rows, pa.string())
    (noticed,) = faults.combine_chunks().to_batches() or [None]
    rejects = [_feed_rejects(stage, refusals, last)]
    if noticed is not None:
        rejects.append(reject_rows(noticed, noticed["reason"], noticed["detail"], nothing))
    mine = night_predicate(night, stage.selected, stage=STAGE)
    replace_streamed(stage.state, "rejects", _complete(stage, rejects, made["rejects"]), mine)
    _count(stage, counts, refusals)
    spark.catalog.clearCache()


def _complete(
    stage: Stage, first: Iterable[pa.RecordBatch], files: Iterable[Path]
) -> Iterator[pa.RecordBatch]:
    """Rows of REJECT_SCHEMA, and then those of the files, with the columns that tell the night and the stage."""
    schema = BY_NAME["rejects"].schema
    own = {"run_date": stage.run_date, "stage": STAGE, "shard": 0, "attempts": None}
    batches = itertools.chain(first, *(pq.ParquetFile(path).iter_batches(BATCH_ROWS) for path in files))
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
    return pa.RecordBatch.from_pylist(rows, schema=REJECT_SCHEMA)


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
