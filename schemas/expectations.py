"""What is expected of a table's rows of a night, derived from its declaration, and the same as a suite for the gate.

Every expectation is one SQL query for the rows that break it, in the words that Spark, DataFusion and DuckDB share:
`infra.expectations` asks them of the Delta table after each stage, Great Expectations of what is about to be published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.contract import Severity, Table

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Expectation:
    """One rule of a table: `query` returns what breaks it; its placeholders are those of `schemas.contract.RowsRule`.

    `predicate` is set when the rule is of each row by itself.
    """

    name: str
    doc: str
    severity: Severity
    query: str
    predicate: str | None = None

    @property
    def other_rows(self) -> set[str]:
        """The placeholders besides `{rows}`: last_night, or names of tables."""
        return set(_PLACEHOLDER.findall(self.query)) - {"rows"}

    def query_over(self, sources: Mapping[str, str]) -> str:
        """The query with its placeholders filled in: views or subqueries."""
        return _PLACEHOLDER.sub(lambda found: sources[found[1]], self.query)


def expectations(table: Table) -> list[Expectation]:
    """No NULL where none may be, every check, a unique key, and the rules over several rows."""
    required = [column.name for column in table.columns if not column.nullable]
    key = ", ".join(table.key)
    none_null = " AND ".join(f"{name} IS NOT NULL" for name in required)

    def of_row(name: str, doc: str, severity: Severity, rule: str) -> Expectation:
        # A NULL result counts as broken, as in Delta; WHERE NOT (...) would let it pass.
        return Expectation(
            name, doc, severity, f"SELECT {key} FROM {{rows}} WHERE ({rule}) IS NOT TRUE", rule
        )

    unique = Expectation(
        "key_is_unique",
        f"({key}) is unique",
        "stop",
        f"SELECT {key}, count(*) AS copies FROM {{rows}} GROUP BY {key} HAVING count(*) > 1",
    )
    return [
        of_row("no_null", f"no NULL in {', '.join(required)}", "stop", none_null),
        *(of_row(check.name, check.predicate, check.severity, check.predicate) for check in table.checks),
        unique,
        *(Expectation(rule.name, rule.doc, rule.severity, rule.query) for rule in table.rules),
    ]


def build_suite(table: Table, views: Mapping[str, str] | None = None) -> ExpectationSuite:
    """The table's columns, and those of its expectations that can be asked.

    `views`: the views of Spark that hold the rows besides the table's own, by placeholder: last_night, or a table.
    """
    sources = {**(views or {}), "rows": "{batch}"}
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    from schemas.broken_rows import NoBrokenRows

    suite = gx.ExpectationSuite(name=table.name)
    # Not an exact match: on Spark, Great Expectations also counts the fields of structs as columns.
    suite.add_expectation(
        gxe.ExpectTableColumnsToMatchSet(
            description=f"All {len(table.columns)} columns are there.",
            column_set=table.column_names,
            exact_match=False,
            severity=FailureSeverity.CRITICAL,
        )
    )
    for item in expectations(table):
        if not item.other_rows <= sources.keys():
            continue
        suite.add_expectation(
            NoBrokenRows(
                description=f"{item.name}: {item.doc}",
                unexpected_rows_query=item.query_over(sources),
                severity=FailureSeverity.CRITICAL if item.severity == "stop" else FailureSeverity.WARNING,
                meta={"rule": item.name},
            )
        )
    return suite
