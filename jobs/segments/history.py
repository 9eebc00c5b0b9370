"""What a source's clusters were on the night before, so that tonight's keep their ids and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from infra.spark import read_night_delta
from infra.tables import query_tables
from jobs.segments.affinity import strongest_lifts
from jobs.segments.naming import Label, Lift

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from infra.stage import Stage

_SEGMENTS = """
SELECT segment_id, name, description, interests, run_date FROM segments
WHERE source = '{source}' AND run_date =
  (SELECT max(run_date) FROM segments WHERE source = '{source}' AND run_date < DATE '{night}')
"""


def earlier_clusters(
    spark: SparkSession, stage: Stage, source_id: str
) -> dict[str, tuple[Label, list[Lift]]]:
    """Segment id -> label and strongest lifts on the source's last night before tonight; empty on the first."""
    query = _SEGMENTS.format(source=source_id, night=stage.run_date.isoformat())
    rows = query_tables(stage.state, query, "segments")
    if not rows:
        return {}
    labels = {
        row["segment_id"]: Label(row["segment_id"], row["name"], row["description"], tuple(row["interests"]))
        for row in rows
    }
    affinity = read_night_delta(spark, stage.state, "segment_affinity", rows[0]["run_date"])
    lifts = strongest_lifts(affinity.where(F.col("segment_id").isin(list(labels)) & (F.col("support") > 0)))
    return {segment_id: (one, lifts.get(segment_id, [])) for segment_id, one in labels.items()}
