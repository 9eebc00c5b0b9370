"""Lift of every segment over the population, per value of every dimension, shrunk where there is little evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from jobs.segments.naming import Lift

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PRIOR_STRENGTH = 20.0
"""Engagements that a lift of 1 is worth: Gamma prior of the Gamma-Poisson shrinker (DuMouchel 1999, eq. 6)."""
LEAST_EXPECTED = 5.0
"""Expected engagements from which on a segment's silence about a value counts as evidence."""
LEAST_USERS = 3
"""Users of a segment who must have engaged with a value before it may be a row: the threshold rule of statistical
disclosure control (Hundepool et al. 2012, section 4.2). A row of one user is that user's behaviour; of two, either can
take his own part off and read the other's; from three on nobody can be told from the row. Such rows are left out, not
written as 0: silence would be untrue. True silence of a whole segment names nobody and stays."""

_MOST_LIFTS = 24
AFFINITY = ("segment_id", "dimension", "value", "lift", "support", "events", "users")


def shrunk_lift(support: Column, expected: Column) -> Column:
    """Posterior mean of the lift observed / expected under a Gamma(m, m) prior, m = PRIOR_STRENGTH.

    (support + m) / (expected + m): 1 without evidence, the plain ratio with much of it (DuMouchel 1999, eq. 6).
    """
    return (support + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH)


def affinity_from_events(members: DataFrame, values: DataFrame, totals: DataFrame) -> DataFrame:
    """One row a segment, dimension and value: lift, support, events and users from behaviour.

    members: user_id, segment_id, distinct. values: see `user_values`. totals: user_id, weight (all engagement of the
    user). A segment's expected engagement is its total times the population's share of the value.
    """
    segment_total = F.broadcast(
        totals.join(members, on="user_id", how="inner")
        .groupBy("segment_id")
        .agg(F.sum("weight").alias("segment_total"))
        .crossJoin(totals.agg(F.sum("weight").alias("population_total")))
    )
    population = values.groupBy("dimension", "value").agg(F.sum("weight").alias("population_support"))
    observed = (
        values.join(members, on="user_id", how="inner")
        .groupBy("segment_id", "dimension", "value")
        .agg(F.sum("weight").alias("support"), F.sum("events").alias("events"), F.count("*").alias("users"))
    )
    expected = F.col("segment_total") * F.col("population_support") / F.col("population_total")
    # A value that a segment never touched is a row too where its absence says something: else it would read as average.
    # Never all values times all segments: of a rare product nobody's silence says anything.
    silent = (
        population.join(segment_total, on=expected >= LEAST_EXPECTED, how="inner")
        .join(observed, on=["segment_id", "dimension", "value"], how="left_anti")
        .withColumns({"expected": expected, "support": F.lit(0.0), "events": F.lit(0), "users": F.lit(0)})
    )
    heard = (
        observed.where(F.col("users") >= LEAST_USERS)
        .join(population, on=["dimension", "value"], how="inner")
        .join(segment_total, on="segment_id", how="inner")
        .withColumn("expected", expected)
    )
    return (
        heard.unionByName(silent)
        .withColumn("lift", shrunk_lift(F.col("support"), F.col("expected")))
        .select(*AFFINITY)
    )


def affinity_from_interests(users: DataFrame) -> DataFrame:
    """One row a segment and declared category: lift, support, events (declarations) and users.

    users: user_id, segment_id (NULL for none), interests (array, strongest first). The first of n interests weighs n.
    """
    weight = (F.size("interests") - F.col("position")).cast("double")
    weighted = users.select(
        "user_id", "segment_id", "interests", F.posexplode("interests").alias("position", "interest")
    ).select("user_id", "segment_id", F.lower("interest").alias("value"), weight.alias("weight"))
    everyone = weighted.dropDuplicates(["user_id", "value"])
    population = everyone.groupBy("value").agg(F.sum("weight").alias("population_support"))
    total = everyone.agg(F.sum("weight").alias("population_total"))
    members = weighted.where(F.col("segment_id").isNotNull())
    segment_total = members.groupBy("segment_id").agg(F.sum("weight").alias("segment_total"))
    expected = F.col("segment_total") * F.col("population_support") / F.col("population_total")
    return (
        members.groupBy("segment_id", "value")
        .agg(
            F.sum("weight").alias("support"),
            F.count("*").alias("events"),
            F.count_distinct("user_id").alias("users"),
        )
        .where(F.col("users") >= LEAST_USERS)
        .join(segment_total, on="segment_id", how="inner")
        .join(population, on="value", how="inner")
        .crossJoin(total)
        .withColumn("lift", shrunk_lift(F.col("support"), expected))
        .withColumn("dimension", F.lit("category"))
        .select(*AFFINITY)
    )


def strongest_lifts(affinity: DataFrame) -> dict[str, list[Lift]]:
    """Segment -> its rows with the greatest strength (support x log-lift), at most 24 a dimension."""
    ranked = Window.partitionBy("segment_id", "dimension").orderBy(
        F.desc(F.col("support") * F.log("lift")), "value"
    )
    rows = affinity.withColumn("n", F.row_number().over(ranked)).where(F.col("n") <= _MOST_LIFTS)
    found: dict[str, list[Lift]] = {}
    for row in (
        rows.select("segment_id", "dimension", "value", "lift", "support").orderBy("segment_id").collect()
    ):
        found.setdefault(row["segment_id"], []).append(Lift(*row[1:]))
    return found
