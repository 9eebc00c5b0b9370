"""Joins the files of a relational export to a feed's rows: for each joined file a struct, or an array of structs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from jobs.feeds.columns import PLACE_COLUMNS
from jobs.feeds.limits import MAX_JOINED_ROWS, RAW_CHARS
from jobs.feeds.reasons import FeedError
from schemas.feed_config import File, JoinedFile

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def join_rows(rows: DataFrame, joined: DataFrame, name: str, part: JoinedFile) -> DataFrame:
    """`rows` with the column `name`, and the joined file's unusable rows as broken ones behind them.

    No row is multiplied. Where `one` row may match, the first of a key in the order of files and rows is taken, and
    later ones that differ are broken; of `many`, the first MAX_JOINED_ROWS are. Keys are compared as text. A key
    without a match leaves NULL: see `unmatched`.
    """
    if name.lower() in (column.lower() for column in rows.columns):
        raise FeedError(
            "feed_join", f"join {name}: the feed has a column of that name; call the join something else"
        )
    _require(part.on, rows, f"join {name}: on = {part.on!r} is no column of the feed")
    _require(part.key, joined, f"join {name}: key = {part.key!r} is no column of {part.path}")
    own = [F.col(f"`{column}`") for column in joined.columns if column not in PLACE_COLUMNS]
    place = Window.partitionBy("_key").orderBy("file", "row")
    keyed = joined.persist(StorageLevel.DISK_ONLY).select(
        *PLACE_COLUMNS,
        _key(part.key).alias("_key"),
        F.struct(*own).alias("_value"),
        F.to_json(F.struct(*own)).alias("_text"),
    )
    ranked = keyed.where(F.col("broken").isNull()).select(
        "*", F.row_number().over(place).alias("_rank"), F.first("_text").over(place).alias("_first")
    )
    usable = ranked.where(F.col("_key").isNotNull())
    if part.many:
        ordered = F.array_sort(F.collect_list(F.struct("_rank", "_value")))
        values = F.transform(ordered, lambda item: item["_value"]).alias(name)
        matches = usable.where(F.col("_rank") <= MAX_JOINED_ROWS).groupBy("_key").agg(values)
        unusable = F.when(F.col("_rank") > MAX_JOINED_ROWS, "join_too_many")
    else:
        matches = usable.where(F.col("_rank") == 1).select("_key", F.col("_value").alias(name))
        unusable = F.when((F.col("_rank") > 1) & (F.col("_text") != F.col("_first")), "join_key_twice")
    code = F.when(F.col("_key").isNull(), "join_key_missing").otherwise(unusable)
    set_aside = ranked.select(
        "row", "file", code.alias("broken"), F.substring("_text", 1, RAW_CHARS).alias("record")
    ).where(F.col("broken").isNotNull())
    broken = keyed.where(F.col("broken").isNotNull()).select(*PLACE_COLUMNS)
    matched = rows.withColumn("_key", _key(part.on)).join(matches, on="_key", how="left").drop("_key")
    own_names = [F.col(f"`{column}`") for column in rows.columns if column not in PLACE_COLUMNS]
    return (
        matched.select(*own_names, name, *PLACE_COLUMNS)
        .unionByName(set_aside, allowMissingColumns=True)
        .unionByName(broken, allowMissingColumns=True)
    )


def unmatched(file: File) -> dict[str, Column]:
    """For each join, whether a row of the feed names a key that the joined file lacks."""
    return {
        name: F.col(f"`{part.on}`").isNotNull() & F.col(f"`{name}`").isNull()
        for name, part in file.join.items()
    }


def _key(column: str) -> Column:
    text = F.trim(F.col(f"`{column}`").cast("string"))
    return F.when(F.length(text) > 0, text)


def _require(column: str, rows: DataFrame, problem: str) -> None:
    own = [name for name in rows.columns if name not in PLACE_COLUMNS]
    if column.lower() not in (name.lower() for name in own):
        raise FeedError("feed_column_missing", f"{problem}; its columns are {', '.join(own)}")
