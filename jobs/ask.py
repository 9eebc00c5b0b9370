"""Answers a saved question of sql/questions/ about the live release, by DuckDB over delta-rs.

python -m jobs.ask                                    # the questions
python -m jobs.ask coverage
python -m jobs.ask lineage --where "sku = 'EV-1001'" --csv > lineage.csv
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from infra.releases import Release, all_releases, assets_release_id, read_release
from infra.stage import EXIT_HOPELESS
from infra.tables import read_table
from schemas.tables import BY_NAME

SQL = Path(__file__).resolve().parent.parent / "sql"
QUESTIONS = SQL / "questions"
VIEWS = ("live.sql", "measurements.duckdb.sql")


def questions() -> dict[str, str]:
    """Name of each saved question -> what it asks (its first line)."""
    return {
        path.stem: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ")
        for path in sorted(QUESTIONS.glob("*.sql"))
    }


def warehouse(state: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the tables under their names, and the views of sql/views/.

    A table is read when a query first names it, and of a state table only the live release's night, so that what is
    held in memory does not grow with the number of nights. Raises FileNotFoundError when nothing is published.
    """
    release = read_release(state)
    shown = {assets_release_id(row) for row in all_releases(state)[-20:]} | {assets_release_id(release.row)}
    connection = duckdb.connect()
    for name in BY_NAME:
        connection.register(name, _rows(release, name, shown))
    for name in VIEWS:
        connection.execute((SQL / "views" / name).read_text(encoding="utf-8"))
    return connection


def _rows(release: Release, name: str, shown: set[str]) -> pa.Table:
    if name == "assets":
        return read_table(release.state, name, filters=[("release_id", "in", sorted(shown))])
    if name in {"releases", "recalls"}:
        return read_table(release.state, name)
    return release.table(name)


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
    sql = (QUESTIONS / f"{args.question}.sql").read_text(encoding="utf-8")
    try:
        answer = warehouse(args.state).sql(f"SELECT * FROM ({sql}\n) AS answer WHERE {args.where}")
    except (FileNotFoundError, duckdb.Error) as error:
        sys.stderr.write(f"{args.question}: {re.sub(r'LINE 1:.*', '', str(error), flags=re.S).strip()}\n")
        return EXIT_HOPELESS
    if args.csv:
        answer.to_df().to_csv(sys.stdout, index=False)
    else:
        answer.show(max_rows=60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
