"""Segments and affinities of one source, by its kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.stage import Stage
from jobs.feeds import map_fields, plain_text
from jobs.segments.affinity import affinity_from_events, affinity_from_interests, strongest_lifts
from jobs.segments.clusters import cluster_users, user_features
from jobs.segments.events import user_behaviour
from jobs.segments.history import earlier_clusters
from jobs.segments.inputs import Behaviour, Counted, broken, mapped_file, raw_file, read_behaviour
from jobs.segments.naming import Label, Lift, label, leading_values, match_clusters, still_fits
from jobs.segments.rules import INTERESTS, USER, known_users, rule_members
from schemas.feed_config import SegmentSource

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_SEGMENTS = "segment_id string, name string, description string, need string, contexts array<string>"
_INTERESTS = "segment_id string, interests array<string>"
_NO_AFFINITY = (
    "segment_id string, dimension string, value string, lift double, support double, events long, users long"
)


@dataclass(frozen=True)
class Found:
    """What one source gives."""

    segments: DataFrame
    """segment_id, name, description, need, interests, contexts, size, population."""
    affinity: DataFrame
    """segment_id, dimension, value, lift, support, events, users, basis, window_days; cached."""
    counted: list[Counted]


def build_source(spark: SparkSession, stage: Stage, source: SegmentSource) -> Found:
    """A source's segments of all sizes and their affinities; raises FeedError when a file cannot be used."""
    read = read_behaviour(spark, stage, source)
    behaviour, counted = (read[0], [read[1]]) if read else (None, [])
    build = {"table": _from_table, "rules": _from_rules, "clusters": _from_clusters}[source.kind]
    found = build(spark, stage, source, behaviour)
    return Found(found.segments, found.affinity, counted + found.counted)


def text_list(column: Column) -> Column:
    """Plain texts of a list, without empty ones; never NULL."""
    texts = F.transform(column.cast("array<string>"), plain_text)
    return F.coalesce(F.filter(texts, lambda text: text.isNotNull()), F.array().cast("array<string>"))


def _from_table(
    spark: SparkSession, stage: Stage, source: SegmentSource, behaviour: Behaviour | None
) -> Found:
    described = mapped_file(spark, stage, source.segments, {"segment_id", "name", "description"})
    rows = mapped_file(spark, stage, source.members, {"user_id", "segment_id"}).select(
        F.nullif(F.col("user_id").cast("string"), F.lit("")).alias("user_id"),
        plain_text(F.col("segment_id")).alias("segment_id"),
        "broken",
    )
    reason = F.coalesce(
        F.col("broken"),
        F.when(F.col("user_id").isNull(), "user_missing"),
        F.when(F.col("segment_id").isNull(), "segment_missing"),
    )
    rows = rows.withColumn("reason", reason)
    members = rows.where(F.col("reason").isNull()).select("user_id", "segment_id").distinct().cache()
    optional = {
        name: F.col(name) if name in described.columns else F.lit(None)
        for name in ("need", "interests", "contexts")
    }
    texts = described.select(
        plain_text(F.col("segment_id")).alias("segment_id"),
        plain_text(F.col("name")).alias("name"),
        plain_text(F.col("description")).alias("description"),
        plain_text(optional["need"]).alias("need"),
        text_list(optional["interests"]).alias("interests"),
        text_list(optional["contexts"]).alias("contexts"),
        "broken",
    )
    twice = F.row_number().over(Window.partitionBy("segment_id").orderBy("name", "description")) > 1
    whole = F.col("segment_id").isNotNull() & F.col("name").isNotNull() & F.col("description").isNotNull()
    texts = texts.withColumn(
        "reason",
        F.coalesce(F.col("broken"), F.when(~whole, "segment_incomplete"), F.when(twice, "segment_twice")),
    )
    good = texts.where(F.col("reason").isNull()).drop("broken", "reason")
    counted = [
        Counted(f"{source.id}/{part}", file.path, frame.select("reason"))
        for part, file, frame in (("segments", source.segments, texts), ("members", source.members, rows))
        if file is not None
    ]
    return Found(_sized(good, members), _from_events(source, members, behaviour), counted)


def _from_rules(
    spark: SparkSession, stage: Stage, source: SegmentSource, behaviour: Behaviour | None
) -> Found:
    declared, counted = None, []
    if source.users is not None:
        rows = raw_file(spark, stage, source.users, {"user_id"})
        fields = dict(zip(sorted(source.users.fields), map_fields(rows, source.users), strict=True))
        interests = fields.get("interests", F.lit(None))
        counted.append(
            Counted(f"{source.id}/users", source.users.path, rows.select(broken(rows).alias("reason")))
        )
        declared = rows.where(broken(rows).isNull()).select(
            "*", fields["user_id"].cast("string").alias(USER), text_list(interests).alias(INTERESTS)
        )
    acted = None
    if behaviour is not None:
        acted = user_behaviour(behaviour.lines, behaviour.values, behaviour.last_day, source.event_weights)
    users = rule_members(known_users(declared, acted), source.rules, source.id).cache()
    members = users.where(F.col("segment_id").isNotNull()).select("user_id", "segment_id").distinct()
    affinity = _from_events(source, members, behaviour)
    if source.users is not None and "interests" in source.users.fields:
        stated = affinity_from_interests(users).withColumns(
            {"basis": F.lit("declared"), "window_days": F.lit(0)}
        )
        # What users do says more than what they say.
        unsaid = stated.join(affinity, on=["segment_id", "dimension", "value"], how="left_anti")
        affinity = affinity.unionByName(unsaid).cache()
    interests_of = [
        (segment_id, [one.value for one in leading_values(lifts, least_lift=1.0)])
        for segment_id, lifts in strongest_lifts(affinity).items()
    ]
    described = spark.createDataFrame(
        [(rule.id, rule.name, rule.description, rule.need, list(rule.contexts)) for rule in source.rules],
        _SEGMENTS,
    ).join(spark.createDataFrame(interests_of, _INTERESTS), on="segment_id", how="left")
    described = described.withColumn("interests", text_list(F.col("interests")))
    return Found(_sized(described, members, users), affinity, counted)


def _from_clusters(
    spark: SparkSession, stage: Stage, source: SegmentSource, behaviour: Behaviour | None
) -> Found:
    assert behaviour is not None
    totals = behaviour.totals.cache()
    features, names = user_features(
        behaviour.values, totals, least_users=stage.config.ingest.min_segment_size
    )
    if not names:
        clusters = features.select("user_id", F.lit(0).alias("cluster"))
    else:
        clusters = cluster_users(features, source.cluster_range, stage.config.engines.cores)
    numbered = clusters.select("user_id", F.col("cluster").cast("string").alias("segment_id")).cache()
    affinity = _from_events(source, numbered, behaviour)
    labels = _labels(strongest_lifts(affinity), earlier_clusters(spark, stage, source.id), source.id)
    ids = spark.createDataFrame(
        [(number, one.segment_id) for number, one in labels.items()], "segment_id string, id string"
    )

    def renamed(frame: DataFrame) -> DataFrame:
        joined = frame.join(F.broadcast(ids), on="segment_id", how="inner")
        return joined.withColumn("segment_id", F.col("id")).drop("id")

    described = spark.createDataFrame(
        [(one.segment_id, one.name, one.description, list(one.interests)) for one in labels.values()],
        "segment_id string, name string, description string, interests array<string>",
    ).withColumns({"need": F.lit(None).cast("string"), "contexts": F.array().cast("array<string>")})
    return Found(_sized(described, renamed(numbered), totals), renamed(affinity).cache(), [])


def _labels(
    lifts: dict[str, list[Lift]], earlier: dict[str, tuple[Label, list[Lift]]], source_id: str
) -> dict[str, Label]:
    same = match_clusters(lifts, {segment_id: known for segment_id, (_, known) in earlier.items()})
    labels: dict[str, Label] = {}
    for number in sorted(lifts, key=lambda number: (number not in same, number)):
        if number in same:
            before = earlier[same[number]][0]
            fresh = label(source_id, lifts[number])
            labels[number] = before if still_fits(before, lifts[number]) else fresh.of(before.segment_id)
        else:
            taken = {one.segment_id for one in labels.values()} | set(same.values())
            labels[number] = label(source_id, lifts[number], taken)
    return labels


def _sized(described: DataFrame, members: DataFrame, users: DataFrame | None = None) -> DataFrame:
    """`described` with size (distinct members) and population (distinct users; of the members when not given)."""
    sizes = members.groupBy("segment_id").agg(F.count("*").alias("size"))
    population = (members if users is None else users).agg(F.count_distinct("user_id").alias("population"))
    return (
        described.join(sizes, on="segment_id", how="left")
        .crossJoin(F.broadcast(population))
        .na.fill(0, ["size"])
        .select("segment_id", "name", "description", "need", "interests", "contexts", "size", "population")
    )


def _from_events(source: SegmentSource, members: DataFrame, behaviour: Behaviour | None) -> DataFrame:
    if behaviour is None:
        affinity = members.sparkSession.createDataFrame([], _NO_AFFINITY)
    else:
        affinity = affinity_from_events(members, behaviour.values, behaviour.totals)
    return affinity.withColumns({"basis": F.lit("events"), "window_days": F.lit(source.window_days)}).cache()


def union(frames: list[DataFrame]) -> DataFrame:
    """All rows of frames with the same columns."""
    return reduce(lambda a, b: a.unionByName(b), frames)
