"""Lifts: shrinkage, silence, who counts in the population, and what is left out because too few did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.segments.affinity import (
    LEAST_USERS,
    PRIOR_STRENGTH,
    affinity_from_events,
    affinity_from_interests,
)
from schemas.ingest_tables import SEGMENT_AFFINITY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VALUES = "user_id string, dimension string, value string, weight double, events long"


def test_lift_is_the_shrunk_ratio_and_few_users_are_no_row(spark: SparkSession) -> None:
    members = [(f"u{i}", "s") for i in range(4)] + [(f"u{i}", "tiny_taste") for i in range(4)]
    # Everyone buys tea; two of the segment buy a rarity, nobody of it what the other 50 buy.
    values = [(f"u{i}", "tag", "tea", 12.0, 2) for i in range(4)]
    values += [(f"u{i}", "tag", "rarity", 6.0, 1) for i in range(2)]
    values += [(f"v{i}", "tag", "coffee", 10.0, 1) for i in range(50)]
    totals: dict[str, float] = {}
    for user, _, _, weight, _ in values:
        totals[user] = totals.get(user, 0.0) + weight
    rows = affinity_from_events(
        spark.createDataFrame(members, "user_id string, segment_id string"),
        spark.createDataFrame(values, VALUES),
        spark.createDataFrame(list(totals.items()), "user_id string, weight double"),
    ).collect()
    found = {(row["segment_id"], row["value"]): row for row in rows}
    assert set(found) == {(s, v) for s in ("s", "tiny_taste") for v in ("tea", "coffee")}
    tea, coffee = found["s", "tea"], found["s", "coffee"]
    assert (tea["support"], tea["events"], tea["users"]) == (48.0, 8, 4)
    expected = 60 * 48 / 560
    assert tea["lift"] == pytest.approx((48 + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH))
    assert (coffee["support"], coffee["events"], coffee["users"]) == (0.0, 0, 0)
    assert coffee["lift"] == pytest.approx(PRIOR_STRENGTH / (60 * 500 / 560 + PRIOR_STRENGTH))


def test_without_evidence_the_lift_is_one(spark: SparkSession) -> None:
    users = [f"u{i}" for i in range(LEAST_USERS)]
    (row,) = affinity_from_events(
        spark.createDataFrame([(u, "s") for u in users], "user_id string, segment_id string"),
        spark.createDataFrame(
            [(u, "tag", "x", 1e-4, 1) for u in users] + [("v", "tag", "y", 1e-4, 1)], VALUES
        ),
        spark.createDataFrame([(u, 1e-4) for u in [*users, "v"]], "user_id string, weight double"),
    ).collect()
    assert row["lift"] == pytest.approx(1.0, abs=1e-4)


def test_a_user_in_two_segments_counts_once_in_the_population(spark: SparkSession) -> None:
    rows = [(f"u{i}", s, ["a", "b"]) for i in range(3) for s in ("s", "t")]
    rows += [(f"v{i}", None, ["b"]) for i in range(3)]
    users = spark.createDataFrame(rows, "user_id string, segment_id string, interests array<string>")
    found = {(r["segment_id"], r["value"]): r for r in affinity_from_interests(users).collect()}
    expected = 9 * 6 / 12
    for segment in ("s", "t"):
        assert found[segment, "a"]["lift"] == pytest.approx(
            (6 + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH)
        )
        assert (found[segment, "a"]["events"], found[segment, "a"]["users"]) == (3, 3)


def test_the_table_itself_refuses_rows_of_few_users() -> None:
    (check,) = (check for check in SEGMENT_AFFINITY.checks if "users" in check.predicate)
    assert f">= {LEAST_USERS}" in check.predicate
