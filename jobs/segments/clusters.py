"""Groups of users who engage with the same things, found by k-means over shares of categories or tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.feature import PCA
from pyspark.ml.functions import array_to_vector
from pyspark.sql import functions as F

from jobs.segments.affinity import PRIOR_STRENGTH

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEAST_EVENTS = 5
"""Events from which on a user has a taste that can be told from chance; others are counted, but in no cluster."""
MOST_FEATURES = 256
COMPONENTS = 16
"""Principal components that distances are taken over: in 256 dimensions all users are about equally far apart."""
SEED = 20261121
ROUNDS = 20
LEAST_PARTITION = 20_000
"""Users a core should have: below, k-means spends its time on handing out work."""
STILL = 1e-3
"""Centres that all move less than this have settled: shares of users differ by some 0.1."""


def user_features(values: DataFrame, totals: DataFrame, *, least_users: int) -> tuple[DataFrame, list[str]]:
    """One row a user: user_id, features (dense vector), and the value that each feature stands for.

    values: see `user_values`; totals: user_id, weight, events. A feature is sqrt(share) - sqrt(population's share): the
    Hellinger distance between users' shares (Legendre & Gallagher 2001, eq. 13), which neither lets one big value
    dominate, as raw shares do, nor a rare one, as standardised shares do. A user's shares are first shrunk towards the
    population's, so that users with few events lie near the middle. Categories are features where there are any, else
    tags; only values that `least_users` share, the 256 most common.
    """
    tastes = values.where(F.col("dimension").isin("category", "tag")).join(
        totals, on="user_id", how="left_semi"
    )
    common = (
        tastes.groupBy("dimension", "value")
        .agg(F.count("*").alias("users"), F.sum("weight").alias("weight"))
        .where(F.col("users") >= least_users)
        .orderBy("dimension", F.desc("users"), "value")
        .limit(2 * MOST_FEATURES)
        .collect()
    )
    categories = [row for row in common if row["dimension"] == "category"]
    chosen = (categories if len(categories) > 1 else [row for row in common if row["dimension"] == "tag"])[
        :MOST_FEATURES
    ]
    if len(chosen) < 2:
        return totals.select("user_id", F.lit(None).alias("features")).limit(0), []
    total_weight = totals.agg(F.sum("weight")).collect()[0][0]
    index = values.sparkSession.createDataFrame(
        [(row["dimension"], row["value"], i) for i, row in enumerate(chosen)],
        "dimension string, value string, feature int",
    )
    touched = (
        tastes.join(F.broadcast(index), on=["dimension", "value"], how="inner")
        .groupBy("user_id")
        .agg(
            F.collect_list("feature").alias("touched"),
            F.collect_list(F.col("weight").cast("double")).alias("weights"),
        )
        .join(totals.where(F.col("events") >= LEAST_EVENTS), on="user_id", how="inner")
        .select("user_id", "touched", "weights", F.col("weight").cast("double").alias("total"))
    )
    shares = [row["weight"] / total_weight for row in chosen]
    dense = touched.mapInArrow(_distances_in(shares), "user_id string, features array<double>")
    return dense.select("user_id", array_to_vector(F.col("features")).alias("features")), [
        row["value"] for row in chosen
    ]


def _distances_in(shares: Sequence[float]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A `mapInArrow` function from (user_id, touched, weights, total) to (user_id, features), see `user_features`."""
    share = np.array(shares)

    def distances(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            users, touched, weights, total = batch.columns
            rows = np.repeat(np.arange(len(users)), touched.value_lengths().to_numpy())
            own = np.zeros((len(users), len(share)))
            own[rows, touched.flatten().to_numpy()] = weights.flatten().to_numpy()
            mass = total.to_numpy()[:, None] + PRIOR_STRENGTH
            features = np.sqrt((own + PRIOR_STRENGTH * share) / mass) - np.sqrt(share)
            offsets = pa.array(np.arange(len(users) + 1) * len(share), pa.int32())
            column = pa.ListArray.from_arrays(offsets, pa.array(features.ravel()))
            yield pa.RecordBatch.from_arrays([users, column], names=["user_id", "features"])

    return distances


def cluster_users(features: DataFrame, k: tuple[int, int], cores: int) -> DataFrame:
    """One row a user: user_id, cluster (0-based); k between both ends, where the mean silhouette is highest.

    The same users give the same clusters: rows are put in order before the seeded start (k-means||, Bahmani et al.
    2012), for which the order of rows matters.
    """
    # Checkpoints, not caches: every step of k-means would plan all that came before anew.
    features = features.localCheckpoint()
    partitions = min(cores, 1 + features.count() // LEAST_PARTITION)
    ordered = features.repartition(partitions, "user_id").sortWithinPartitions("user_id").localCheckpoint()
    width = len(ordered.head(1)[0]["features"])
    reduced = (
        PCA(k=min(COMPONENTS, width), inputCol="features", outputCol="components")
        .fit(ordered)
        .transform(ordered)
        .select("user_id", "components")
        .localCheckpoint()
    )
    judge = ClusteringEvaluator(featuresCol="components", predictionCol="cluster")
    best: tuple[float, DataFrame] | None = None
    for count in range(k[0], k[1] + 1):
        method = KMeans(k=count, seed=SEED, maxIter=ROUNDS, tol=STILL)
        model = method.setFeaturesCol("components").setPredictionCol("cluster").fit(reduced)
        found = model.transform(reduced)
        silhouette = judge.evaluate(found) if k[0] < k[1] else 0.0
        if best is None or silhouette > best[0]:
            best = silhouette, found
    assert best is not None
    return best[1].select("user_id", "cluster").localCheckpoint()
