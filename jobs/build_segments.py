"""One row of `segments` for every segment that is large enough, and its affinities in `segment_affinity`.

From a ready segment table with members and events, or from rules over users who declare interests. User ids are
counted here and go no further; no other personal field is ever selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from infra.spark import read_night_delta, replace_delta, spark_session
from infra.stage import Stage, StageError, stage_run
from infra.tables import night_predicate
from jobs.feeds import FeedError, feed_paths, map_fields, plain_text, read_feed, sound_rows
from schemas.config import Config, File, SegmentSource

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

STAGE = "jobs.build_segments"
INPUTS = ("products",)
OUTPUTS = ("segments", "segment_affinity")

PRIOR_STRENGTH = 20.0
"""Engagements that a lift of 1 is worth: Gamma prior of the Gamma-Poisson shrinker (DuMouchel 1999, eq. 6)."""
LEAST_EXPECTED = 5.0
"""Expected engagements from which on a segment's silence about a value counts as evidence."""
_REJECTS = "key string, reason string, detail string"


def input_files(config: Config, root: Path) -> Iterable[Path]:
    """The files that tonight's result depends on."""
    for source in config.segment_sources:
        for file in (source.segments, source.members, source.events, source.users):
            if file is not None:
                yield from feed_paths(file, root)


def shrunk_lift(support: Column, expected: Column) -> Column:
    """Posterior mean of the lift observed / expected under a Gamma(m, m) prior, m = PRIOR_STRENGTH.

    (support + m) / (expected + m): 1 without evidence, the plain ratio with much of it (DuMouchel 1999, eq. 6).
    """
    return (support + PRIOR_STRENGTH) / (expected + PRIOR_STRENGTH)


def product_attributes(products: DataFrame) -> DataFrame:
    """One row a product and attribute: merchant_id, sku, dimension, value (lower case).

    Categories appear with all their parents ('drinks', 'drinks > tea'); the price band is the power of two below.
    """
    levels = F.split("category", " > ")
    paths = F.transform(
        F.sequence(F.lit(1), F.size(levels)), lambda n: F.array_join(F.slice(levels, 1, n), " > ")
    )
    band = F.concat(F.lit("p"), F.floor(F.log2(F.col("price_minor") / 100)).cast("string"))

    def values(dimension: str, items: Column) -> Column:
        return F.transform(
            items, lambda value: F.struct(F.lit(dimension).alias("dimension"), F.lower(value).alias("value"))
        )

    pairs = F.concat(
        values("category", paths),
        values("brand", F.filter(F.array("brand"), lambda brand: brand.isNotNull())),
        values("price_band", F.array(band)),
        values("tag", F.col("tags")),
    )
    return products.select("merchant_id", "sku", F.inline(F.array_distinct(pairs)))


def affinity_from_events(members: DataFrame, weighted_events: DataFrame, attributes: DataFrame) -> DataFrame:
    """One row a segment, dimension and value: lift and support from behaviour.

    members: user_id, segment_id. weighted_events: user_id, merchant_id, sku, weight. attributes: see
    `product_attributes`. A segment's expected engagement is its total times the population's share of the value.
    """
    engaged = weighted_events.join(attributes, on=["merchant_id", "sku"], how="inner")
    by_segment = weighted_events.join(members, on="user_id", how="inner")
    segment_total = by_segment.groupBy("segment_id").agg(F.sum("weight").alias("segment_total"))
    population = engaged.groupBy("dimension", "value").agg(F.sum("weight").alias("population_support"))
    total = weighted_events.agg(F.sum("weight").alias("population_total"))
    support = (
        engaged.join(members, on="user_id", how="inner")
        .groupBy("segment_id", "dimension", "value")
        .agg(F.sum("weight").alias("support"))
    )
    expected = F.col("segment_total") * F.col("population_support") / F.col("population_total")
    # A value that a segment never touched is a row too where its absence says something: else it would read as average.
    return (
        segment_total.crossJoin(F.broadcast(population))
        .crossJoin(total)
        .withColumn("expected", expected)
        .join(support, on=["segment_id", "dimension", "value"], how="left")
        .where(F.col("support").isNotNull() | (F.col("expected") >= LEAST_EXPECTED))
        .withColumn("support", F.coalesce("support", F.lit(0.0)))
        .select(
            "segment_id",
            "dimension",
            "value",
            shrunk_lift(F.col("support"), F.col("expected")).alias("lift"),
            "support",
        )
    )


def affinity_from_interests(users: DataFrame) -> DataFrame:
    """One row a segment and declared category: lift and support from users' ordered interests.

    users: user_id, segment_id (NULL for none), interests (array, strongest first). The first of n interests weighs n.
    """
    weight = (F.size("interests") - F.col("position")).cast("double")
    wanted = users.select(
        "user_id", "segment_id", "interests", F.posexplode("interests").alias("position", "interest")
    )
    weighted = wanted.select(
        "user_id", "segment_id", F.lower("interest").alias("value"), weight.alias("weight")
    )
    everyone = weighted.dropDuplicates(["user_id", "value"])
    population = everyone.groupBy("value").agg(F.sum("weight").alias("population_support"))
    total = everyone.agg(F.sum("weight").alias("population_total"))
    members = weighted.where(F.col("segment_id").isNotNull())
    segment_total = members.groupBy("segment_id").agg(F.sum("weight").alias("segment_total"))
    expected = F.col("segment_total") * F.col("population_support") / F.col("population_total")
    return (
        members.groupBy("segment_id", "value")
        .agg(F.sum("weight").alias("support"))
        .join(segment_total, on="segment_id", how="inner")
        .join(population, on="value", how="inner")
        .crossJoin(total)
        .select(
            "segment_id",
            F.lit("category").alias("dimension"),
            "value",
            shrunk_lift(F.col("support"), expected).alias("lift"),
            "support",
        )
    )


def _mapped(spark: SparkSession, stage: Stage, file: File | None, required: set[str]) -> DataFrame:
    assert file is not None
    if missing := required - file.fields.keys():
        raise FeedError(
            "feed_field_missing", f"{file.path}: map these fields too: {', '.join(sorted(missing))}"
        )
    rows = sound_rows(read_feed(spark, file, stage.data_root))
    return rows.select(*map_fields(rows, file))


def _text_list(column: Column) -> Column:
    texts = F.transform(column.cast("array<string>"), plain_text)
    return F.coalesce(F.filter(texts, lambda text: text.isNotNull()), F.array().cast("array<string>"))


def _from_table(
    spark: SparkSession, stage: Stage, source: SegmentSource
) -> tuple[DataFrame, DataFrame, list[tuple]]:
    described = _mapped(spark, stage, source.segments, {"segment_id", "name", "description"})
    members = (
        _mapped(spark, stage, source.members, {"user_id", "segment_id"})
        .select("user_id", "segment_id")
        .distinct()
    )
    members = members.cache()
    population = members.select("user_id").distinct().count()
    sizes = members.groupBy("segment_id").agg(F.count("*").alias("size"))
    optional = {
        name: F.col(name) if name in described.columns else F.lit(None)
        for name in ("need", "interests", "contexts")
    }
    segments = described.join(sizes, on="segment_id", how="left").select(
        plain_text(F.col("segment_id")).alias("segment_id"),
        plain_text(F.col("name")).alias("name"),
        plain_text(F.col("description")).alias("description"),
        plain_text(optional["need"]).alias("need"),
        _text_list(optional["interests"]).alias("interests"),
        _text_list(optional["contexts"]).alias("contexts"),
        F.coalesce("size", F.lit(0)).alias("size"),
        F.lit(population).alias("population"),
    )
    if source.events is None:
        return (
            segments,
            spark.createDataFrame(
                [],
                "segment_id string, dimension string, value string, lift double, "
                "support double, basis string, window_days int",
            ),
            [],
        )
    events = _mapped(spark, stage, source.events, {"user_id", "merchant_id", "sku", "event", "ts"})
    weights = F.create_map(*(F.lit(part) for pair in sorted(source.event_weights.items()) for part in pair))
    night = F.lit(stage.run_date)
    day = F.to_date("ts")
    recent = events.select(
        "user_id",
        "merchant_id",
        F.col("sku").cast("string").alias("sku"),
        weights[F.col("event")].alias("weight"),
        ((day <= night) & (day > F.date_sub(night, source.window_days))).alias("in_window"),
    ).cache()
    products = read_night_delta(spark, stage.state, "products", stage.run_date).cache()
    known = recent.join(products.select("merchant_id", "sku"), on=["merchant_id", "sku"], how="left_semi")
    usable = known.where(F.col("weight").isNotNull() & F.col("in_window")).cache()
    counted = recent.agg(
        F.count("*").alias("n"),
        F.count_if(F.col("weight").isNull()).alias("event_kind_unknown"),
        F.count_if(~F.coalesce("in_window", F.lit(False))).alias("event_outside_window"),
    ).first()
    assert counted is not None
    outside = {
        "event_kind_unknown": counted["event_kind_unknown"],
        "event_outside_window": counted["event_outside_window"],
        "event_of_unknown_product": counted["n"] - known.count(),
    }
    rejects = [
        (
            f"{source.id}/events",
            reason,
            f"{n} of {counted['n']} events of {source.events.path} were not counted",
        )
        for reason, n in outside.items()
        if n
    ]
    affinity = affinity_from_events(members, usable, product_attributes(products)).withColumns(
        {"basis": F.lit("events"), "window_days": F.lit(source.window_days)}
    )
    return segments, affinity, rejects


def _from_rules(
    spark: SparkSession, stage: Stage, source: SegmentSource
) -> tuple[DataFrame, DataFrame, list[tuple]]:
    file = source.users
    assert file is not None
    if missing := {"user_id", "interests"} - file.fields.keys():
        raise FeedError(
            "feed_field_missing", f"{file.path}: map these fields too: {', '.join(sorted(missing))}"
        )
    rows = sound_rows(read_feed(spark, file, stage.data_root))
    mapped = map_fields(rows, file)
    matches = []
    for rule in source.rules:
        try:
            rows.where(F.expr(rule.where)).schema  # noqa: B018 - resolving is the check
        except AnalysisException as error:
            raise StageError(
                f"segment source {source.id}, rule {rule.id}: where = {rule.where!r} does not resolve "
                f"({error.getCondition()}); the columns of {file.path} are {', '.join(rows.columns)}"
            ) from None
        matches.append(F.when(F.expr(rule.where), F.lit(rule.id)))
    segment_ids = F.filter(F.array(*matches), lambda rule_id: rule_id.isNotNull())
    users = (
        rows.select(*mapped, F.explode_outer(segment_ids).alias("segment_id"))
        .select("user_id", "segment_id", _text_list(F.col("interests")).alias("interests"))
        .cache()
    )
    population = users.select("user_id").distinct().count()
    sizes = users.groupBy("segment_id").agg(F.count_distinct("user_id").alias("size"))
    affinity = affinity_from_interests(users).withColumns(
        {"basis": F.lit("declared"), "window_days": F.lit(0)}
    )
    strongest = Window.partitionBy("segment_id").orderBy(F.desc("lift"), "value")
    interests = (
        affinity.withColumn("n", F.row_number().over(strongest))
        .where((F.col("n") <= 4) & (F.col("lift") > 1))
        .groupBy("segment_id")
        .agg(F.array_sort(F.collect_list(F.struct("n", "value"))).alias("ranked"))
        .select("segment_id", F.col("ranked.value").alias("interests"))
    )
    described = spark.createDataFrame(
        [(rule.id, rule.name, rule.description, rule.need, list(rule.contexts)) for rule in source.rules],
        "segment_id string, name string, description string, need string, contexts array<string>",
    )
    segments = (
        described.join(sizes, on="segment_id", how="left")
        .join(interests, on="segment_id", how="left")
        .select(
            "segment_id",
            "name",
            "description",
            "need",
            F.coalesce("interests", F.array().cast("array<string>")).alias("interests"),
            "contexts",
            F.coalesce("size", F.lit(0)).alias("size"),
            F.lit(population).alias("population"),
        )
    )
    return segments, affinity, []


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        spark = spark_session(stage.config.engines, stage.state)
        used = {name for merchant in stage.config.merchants for name in merchant.segment_sources}
        segments, affinities, rejects = [], [], []
        for source in stage.config.segment_sources:
            if source.id not in used:
                continue
            build = {"table": _from_table, "rules": _from_rules}[source.kind]
            try:
                some_segments, some_affinity, some_rejects = build(spark, stage, source)
            except FeedError as error:
                stage.log.error("segment source %s: %s (%s)", source.id, error, error.reason)
                rejects.append((source.id, error.reason, str(error)))
                continue
            segments.append(some_segments.withColumn("source", F.lit(source.id)))
            affinities.append(some_affinity)
            rejects += some_rejects
        if not segments:
            raise StageError(
                "no segment source could be read: " + "; ".join(detail for *_, detail in rejects)
            )
        _write(spark, stage, segments, affinities, rejects)
    return []


def _write(
    spark: SparkSession,
    stage: Stage,
    segments: list[DataFrame],
    affinities: list[DataFrame],
    rejects: list[tuple],
) -> None:
    night = F.lit(stage.run_date)
    everything = reduce(lambda a, b: a.unionByName(b), segments).cache()
    minimum = stage.config.ingest.min_segment_size
    kept = everything.where(F.col("size") >= minimum)
    for row in everything.where(F.col("size") < minimum).select("segment_id", "size").collect():
        rejects.append(
            (row["segment_id"], "segment_too_small", f"{row['size']} users; the minimum is {minimum}")
        )
        stage.count("", segment_too_small=1)
    predicate = night_predicate(stage.run_date)
    population_share = F.col("size") / F.col("population")
    replace_delta(
        kept.withColumns({"run_date": night, "population_share": population_share}),
        stage.state,
        "segments",
        predicate,
    )
    affinity = reduce(lambda a, b: a.unionByName(b), affinities).join(
        kept.select("segment_id"), on="segment_id", how="left_semi"
    )
    replace_delta(affinity.withColumn("run_date", night), stage.state, "segment_affinity", predicate)
    reject_rows = spark.createDataFrame(rejects, _REJECTS).withColumns(
        {"run_date": night, "stage": F.lit(STAGE), "shard": F.lit(0)}
    )
    for column in ("merchant_id", "sku", "record"):
        reject_rows = reject_rows.withColumn(column, F.lit(None).cast("string"))
    replace_delta(reject_rows, stage.state, "rejects", night_predicate(stage.run_date, stage=STAGE))
    stage.count("", rows_in=everything.count(), rows_out=kept.count())


if __name__ == "__main__":
    main()
