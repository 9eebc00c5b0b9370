"""Who is in which segment, by Spark SQL predicates over users' attributes and behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from infra.stage import StageError
from schemas.feed_config import SegmentRule

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

USER, INTERESTS = "_user", "_interests"
"""Columns that `users` brings beside the file's own: the mapped user id, and the mapped interests (array)."""


def known_users(users: DataFrame | None, behaviour: DataFrame | None) -> DataFrame:
    """One row a user of the file or with events: _user, _interests, and what rules may ask for.

    The file's columns can be named `age` or `users.age`, those of behaviour `orders` or `events.orders`.
    """
    if behaviour is None:
        assert users is not None
        return users.alias("users")
    done = behaviour.withColumnRenamed("user_id", "_actor").alias("events")
    if users is None:
        nothing = F.array().cast("array<string>")
        return done.withColumns({USER: F.col("_actor"), INTERESTS: nothing}).alias("events")
    both = (
        users.withColumnRenamed(USER, "_declared")
        .alias("users")
        .join(done, on=F.col("_declared") == F.col("_actor"), how="full")
    )
    return both.withColumn(USER, F.coalesce("_declared", "_actor"))


def rule_members(users: DataFrame, rules: Sequence[SegmentRule], source_id: str) -> DataFrame:
    """One row a user and rule that holds, or with a NULL segment_id where none does: user_id, segment_id, interests.

    Raises StageError that names the rule, its predicate and the columns when a predicate does not resolve.
    """
    matches = [F.when(_predicate(users, rule, source_id), F.lit(rule.id)) for rule in rules]
    held = F.filter(F.array(*matches), lambda rule_id: rule_id.isNotNull())
    return users.where(F.col(USER).isNotNull()).select(
        F.col(USER).alias("user_id"),
        F.explode_outer(held).alias("segment_id"),
        F.col(INTERESTS).alias("interests"),
    )


def _predicate(users: DataFrame, rule: SegmentRule, source_id: str) -> Column:
    try:
        predicate = F.expr(rule.where)
        users.where(predicate).schema  # noqa: B018 - resolving is the check
    except AnalysisException as error:
        columns = ", ".join(name for name in users.columns if not name.startswith("_"))
        raise StageError(
            f"segment source {source_id}, rule {rule.id}: where = {rule.where!r} does not resolve "
            f"({error.getCondition()}); it may use {columns}"
        ) from None
    return predicate
