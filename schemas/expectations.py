"""Great Expectations suites, derived from the declared tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.contract import Table

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def build_suite(table: Table) -> ExpectationSuite:
    """The suite of a table: its columns, its key's uniqueness, no NULL where none may be, and every check.

    Checks become one SQL query each for the rows that break them; a NULL result counts as broken, as in Delta.
    """
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    stop = FailureSeverity.CRITICAL
    suite = gx.ExpectationSuite(name=table.name)
    # Not an exact match: on Spark, Great Expectations also counts the fields of structs as columns.
    suite.add_expectation(
        gxe.ExpectTableColumnsToMatchSet(
            description=f"All {len(table.columns)} columns are there.",
            column_set=table.column_names,
            exact_match=False,
            severity=stop,
        )
    )
    suite.add_expectation(
        gxe.UnexpectedRowsExpectation(
            description=f"The key ({', '.join(table.key)}) is unique.",
            unexpected_rows_query=(
                f"SELECT {', '.join(table.key)}, count(*) AS copies FROM {{batch}} "
                f"GROUP BY {', '.join(table.key)} HAVING count(*) > 1"
            ),
            severity=stop,
        )
    )
    required = [column.name for column in table.columns if not column.nullable]
    suite.add_expectation(
        gxe.UnexpectedRowsExpectation(
            description=f"No NULL in {', '.join(required)}.",
            unexpected_rows_query="SELECT * FROM {batch} WHERE "
            + " OR ".join(f"{name} IS NULL" for name in required),
            severity=stop,
        )
    )
    for check in table.checks:
        suite.add_expectation(
            gxe.UnexpectedRowsExpectation(
                description=f"{check.name}: {check.predicate}",
                unexpected_rows_query=f"SELECT * FROM {{batch}} WHERE ({check.predicate}) IS NOT TRUE",
                severity=stop if check.severity == "stop" else FailureSeverity.WARNING,
                meta={"check": check.name},
            )
        )
    return suite
