"""Reads a merchant's or a segment source's file with Spark and maps its columns by the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from schemas.config import File

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


class FeedError(ValueError):
    """A file as a whole cannot be used. `reason` is the reject's reason code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def feed_paths(file: File, root: Path) -> list[Path]:
    """The files that a feed's path names below `root`, sorted; empty when there are none or the path leaves root."""
    if Path(file.path).is_absolute() or ".." in Path(file.path).parts:
        return []
    found = sorted(root.glob(file.path))
    return [inner for path in found for inner in (sorted(path.iterdir()) if path.is_dir() else [path])]


def read_feed(spark: SparkSession, file: File, root: Path) -> DataFrame:
    """A file's rows as they are, plus `row` (1-based within its part of the file).

    CSV columns are all strings; JSON and Parquet keep their types. Raises FeedError when the file is missing or empty.
    """
    paths = [str(path) for path in feed_paths(file, root)]
    if not paths:
        raise FeedError("feed_missing", f"{root / file.path} does not exist: check the path and DATA_ROOT")
    reader = spark.read
    if file.format == "csv":
        rows = reader.csv(
            paths,
            header=True,
            sep=file.delimiter,
            encoding=file.encoding,
            multiLine=True,
            quote='"',
            escape='"',
            enforceSchema=False,
        )
    elif file.format in {"json", "jsonl"}:
        rows = reader.json(paths, multiLine=file.format == "json", encoding=file.encoding)
    else:
        rows = reader.parquet(*paths)
    if not rows.columns:
        raise FeedError("feed_empty", f"{root / file.path} holds no row")
    # A row's number within its input split; feeds below 4 MB are one split, so it is the row in the file.
    return rows.withColumn("row", F.monotonically_increasing_id().bitwiseAND(F.lit((1 << 33) - 1)) + 1)


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
    available = ", ".join(name for name in rows.columns if name != "row")
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


def plain_text(text: Column) -> Column:
    """Text without markup, control and bidirectional-override characters, white space collapsed; NULL when empty."""
    without_markup = F.regexp_replace(
        text.cast("string"), r"(?is)<(script|style)\b.*?</\1>|<[^>]{0,2000}>", " "
    )
    for entity, character in (
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        without_markup = F.replace(without_markup, F.lit(entity), F.lit(character))
    clean = F.regexp_replace(without_markup, r"[\p{Cc}\u202A-\u202E\u2066-\u2069\uFEFF]+", " ")
    collapsed = F.trim(F.regexp_replace(clean, r"\s+", " "))
    return F.when(F.length(collapsed) > 0, collapsed)
