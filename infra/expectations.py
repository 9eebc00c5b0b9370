"""Asks a night's freshly written tables whether they are what their contract expects, before anybody builds on them.

Right after the stage that wrote a table, by delta-rs' own SQL engine: it is loaded in every stage already and takes
some 0.05 s a table, where Great Expectations on Spark takes 4 s to load and 0.6 s a table, and would tell only before
publishing, when the pictures of a broken catalog have been drawn.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import QueryBuilder

from infra.tables import night_before, open_table
from schemas.contract import Table
from schemas.expectations import Expectation, expectations
from schemas.tables import TABLES

ROWS_MAX_FOR_GROUPS = 200_000
"""Above, rules over several rows are left to the gate: this engine groups in memory, 100 bytes a row; Spark spills."""
EXAMPLES = 3

Result = dict[str, Any]


def check_written(state: Path, stage: str, run_date: dt.date) -> list[Result]:
    """The results of the tables that a stage writes anew every night; empty for other stages."""
    results = [
        check_night(state, table, run_date)
        for table in TABLES
        if table.written_by == stage and table.is_nightly
    ]
    for item in _broken(results):
        logging.getLogger(stage).warning("expectation (%s): %s", item["severity"], _sentence(item))
    return results


def refusal(results: Sequence[Result]) -> str | None:
    """Why nothing may be built on the tables: the broken `stop` rules; None when there are none."""
    stops = [_sentence(item) for item in _broken(results) if item["severity"] == "stop"]
    return f"what was written breaks its contract: {'; '.join(stops)}" if stops else None


def _broken(results: Sequence[Result]) -> list[Result]:
    return [item for result in results for item in result["broken"]]


def _sentence(item: Result) -> str:
    rows = f"{item['rows']} row{'s' if item['rows'] > 1 else ''}"
    return f"{item['table']}: {item['rule']}: {rows} ({'; '.join(item['examples'])})"


def check_night(state: Path, table: Table, run_date: dt.date) -> Result:
    """One table's result: its number of rows and of expectations, and each broken one with examples of keys."""
    night = _Night(state, table, run_date)
    items = expectations(table)
    by_row = [item for item in items if item.predicate]
    counts = ", ".join(
        f"sum(CASE WHEN ({item.predicate}) IS NOT TRUE THEN 1 ELSE 0 END) AS broken_{i}"
        for i, item in enumerate(by_row)
    )
    (row,) = night.ask(f"SELECT count(*) AS row_count, {counts} FROM {night.sources['rows']} AS tonight")
    found = {item.name: row[f"broken_{i}"] or 0 for i, item in enumerate(by_row)}
    asked = [item for item in items if not item.predicate and night.can_answer(item)]
    if row["row_count"] > ROWS_MAX_FOR_GROUPS:
        asked = []
    for item in asked:
        (answer,) = night.ask(f"SELECT count(*) AS broken FROM ({item.query_over(night.sources)}) AS found")
        found[item.name] = answer["broken"]
    broken = [
        {
            "table": table.name,
            "rule": f"{item.name}: {item.doc}",
            "severity": item.severity,
            "rows": found[item.name],
            "examples": [
                " ".join(f"{name}={value}" for name, value in example.items() if name != "run_date")
                for example in night.ask(f"{item.query_over(night.sources)} LIMIT {EXAMPLES}")
            ],
        }
        for item in (*by_row, *asked)
        if found[item.name]
    ]
    return {"table": table.name, "rows": row["row_count"], "expectations": len(found), "broken": broken}


class _Night:
    """Tonight's rows of a table, those of the night before, and tonight's rows of the tables that it refers to."""

    def __init__(self, state: Path, table: Table, run_date: dt.date) -> None:
        self._builder = QueryBuilder().register(table.name, open_table(state, table.name))
        self.sources = {"rows": _of_night(table.name, run_date)}
        if before := night_before(state, table.name, run_date):
            self.sources["last_night"] = _of_night(table.name, before)
        names = {name for item in expectations(table) for name in item.other_rows} - {"last_night"}
        for name in names:
            self._builder = self._builder.register(name, open_table(state, name))
            self.sources[name] = _of_night(name, run_date)

    def can_answer(self, item: Expectation) -> bool:
        """Whether all rows are there that the expectation needs: the first night has no night before."""
        return item.other_rows <= self.sources.keys()

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        return pa.table(self._builder.execute(sql)).to_pylist()


def _of_night(name: str, run_date: dt.date) -> str:
    return f"(SELECT * FROM {name} WHERE run_date = DATE '{run_date.isoformat()}')"
