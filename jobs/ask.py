"""Answers a saved question of sql/questions/ about the live release, by DuckDB over delta-rs.

python -m jobs.ask                                    # the questions
python -m jobs.ask coverage
python -m jobs.ask lineage --where "sku = 'EV-1001'" --csv > lineage.csv
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from infra.releases import Filter, Release, Row, all_releases, assets_release_id, read_release
from infra.stage import EXIT_HOPELESS
from infra.tables import read_table, rows_to_table
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SQL = Path(__file__).resolve().parent.parent / "sql"
QUESTIONS = SQL / "questions"
VIEWS = ("live.sql", "measurements.{engine}.sql")
MOST_ROWS, MOST_COLUMNS = 60, 12
"""On the screen."""
RELEASES = 20
"""So many of the newest releases are looked at for what they hold."""


def questions() -> dict[str, str]:
    """Name of each saved question -> what it asks (its first line)."""
    return {
        path.stem: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ")
        for path in sorted(QUESTIONS.glob("*.sql"))
    }


def question_sql(name: str) -> str:
    """The text of a saved question."""
    return (QUESTIONS / f"{name}.sql").read_text(encoding="utf-8")


def warehouse(
    release: Release, sql: str | None = None, *, skus: tuple[str, Sequence[str]] | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the tables under their names, and the views of sql/views/, as of a release.

    With `sql` only the tables that it names, itself or by its views, have rows; with `skus` (merchant, its SKUs) only
    the rows of these products where a table has products. Of a state table only the release's night is read, and of
    `assets` the newest releases, so that what is held in memory does not grow with the number of nights.
    """
    views = _views("duckdb")
    text = sql or " ".join(BY_NAME)
    for name, body in reversed(re.findall(r"TEMPORARY VIEW (\w+) AS(.*?);", views, re.S)):
        if re.search(rf"\b{name}\b", text):
            text += body
    connection = duckdb.connect()
    for name, table in BY_NAME.items():
        named = re.search(rf"\b{name}\b", text)
        connection.register(name, _rows(release, name, skus) if named else table.schema.empty_table())
    connection.execute(views)
    return connection


def spark_views(release: Release, spark: SparkSession) -> list[str]:
    """Makes the tables as of a release, and the views of sql/views/, temporary views of a session; their names.

    spark.sql(question_sql("coverage")) then answers as the command does.
    """
    from pyspark.sql import functions as F

    from infra.spark import read_delta

    names = list(BY_NAME)
    for name in names:
        if name == "assets":
            rows = read_delta(spark, release.state, name).where(F.col("release_id").isin(_shown(release)))
        elif name in release.pinned:
            rows = release.spark(spark, name)
        else:
            rows = spark.createDataFrame(_rows(release, name, None))
        rows.createOrReplaceTempView(name)
    for statement in filter(str.strip, _views("spark").split(";\n")):
        spark.sql(statement)
        names += re.findall(r"TEMPORARY VIEW (\w+)", statement)
    return names


def _views(engine: str) -> str:
    paths = (SQL / "views" / name.format(engine=engine) for name in VIEWS)
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def _until(release: Release) -> list[Row]:
    return [row for row in all_releases(release.state) if row["sequence"] <= release.row["sequence"]]


def _shown(release: Release) -> list[str]:
    return sorted({assets_release_id(row) for row in [*_until(release)[-RELEASES:], release.row]})


def _rows(release: Release, name: str, skus: tuple[str, Sequence[str]] | None) -> pa.Table:
    filters: list[Filter] = []
    if skus and {"merchant_id", "sku"} <= set(BY_NAME[name].schema.names):
        filters = [("merchant_id", "=", skus[0]), ("sku", "in", list(skus[1]))]
    if name == "releases":
        return rows_to_table(name, _until(release))
    if name == "recalls":
        return read_table(release.state, name)
    if name not in release.pinned:  # the table is younger than the release
        return BY_NAME[name].schema.empty_table()
    if name == "assets":
        return read_table(release.state, name, filters=[("release_id", "in", _shown(release)), *filters])
    if skus and name == "scores":
        filters = [("asset_id", "in", _rows(release, "assets", skus)["asset_id"].unique().to_pylist())]
    return release.table(name, filters=filters)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the answer; 0 when there is one."""
    parser = argparse.ArgumentParser(
        prog="python -m jobs.ask", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", nargs="?", help="a name from the list that is shown without one")
    parser.add_argument("--where", default="TRUE", help="SQL condition on the answer's columns")
    parser.add_argument("--csv", action="store_true", help="as CSV, all rows")
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STATE") or "var"))
    args = parser.parse_args(argv)
    known = questions()
    if args.question is None:
        for name, text in known.items():
            print(f"{name:26}{text}")
        return 0
    if args.question not in known:
        sys.stderr.write(f"no question {args.question}; there are {', '.join(known)}\n")
        return EXIT_HOPELESS
    sql = question_sql(args.question)
    try:
        answer = warehouse(read_release(args.state), sql).sql(
            f"SELECT * FROM ({sql}\n) AS answer WHERE {args.where}"
        )
    except (FileNotFoundError, duckdb.Error) as error:
        sys.stderr.write(f"{args.question}: {re.sub(r'LINE 1:.*', '', str(error), flags=re.S).strip()}\n")
        return EXIT_HOPELESS
    if args.csv:
        answer.to_df().to_csv(sys.stdout, index=False)
    elif len(answer.columns) <= MOST_COLUMNS:
        answer.show(max_rows=MOST_ROWS)
    else:
        _print_rows(answer)
    return 0


def _print_rows(answer: duckdb.DuckDBPyRelation) -> None:
    """A line a value, since so many columns do not fit on a screen."""
    rows = answer.limit(MOST_ROWS + 1).fetchall()
    width = max(map(len, answer.columns))
    for number, row in enumerate(rows[:MOST_ROWS], start=1):
        print(f"-- {number}")
        for name, value in zip(answer.columns, row, strict=True):
            lines = value if isinstance(value, list) else [value]
            print(f"{name:{width}}  " + f"\n{'':{width}}  ".join(map(str, lines)))
    if len(rows) > MOST_ROWS:
        print("-- there are more: narrow them with --where, or take all with --csv")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # an answer may be read by head
    sys.exit(main())
