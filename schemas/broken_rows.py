"""One rule for Great Expectations: a query for the rows that break it. To load that package takes seconds."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations import UnexpectedRowsExpectation


class NoBrokenRows(UnexpectedRowsExpectation):
    """Counts the rows only: its parent fetches them too, for the same time again, and its pages do not show them."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *args: Any, **named: Any) -> Any:
        return super()._validate({"unexpected_rows_query.table": [], **metrics}, *args, **named)
