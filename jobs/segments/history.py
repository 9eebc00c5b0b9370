"""What a source's clusters were on the night before, so that tonight's keep their ids and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.tables import query_tables
from jobs.segments.naming import Label, Lift

if TYPE_CHECKING:
    from infra.stage import Stage

_SEGMENTS = """
SELECT segment_id, name, description, interests, run_date FROM segments
WHERE source = '{source}' AND run_date =
  (SELECT max(run_date) FROM segments WHERE source = '{source}' AND run_date < DATE '{night}')
"""
_LIFTS = """
SELECT segment_id, dimension, value, lift, support FROM (
  SELECT *, row_number() OVER (PARTITION BY segment_id, dimension ORDER BY support * ln(lift) DESC, value) AS n
  FROM segment_affinity
  WHERE run_date = DATE '{before}' AND dimension IN ('category', 'tag') AND support > 0 AND segment_id IN ({ids}))
WHERE n <= 24
"""


def earlier_clusters(stage: Stage, source_id: str) -> dict[str, tuple[Label, list[Lift]]]:
    """Segment id -> label and strongest lifts on the source's last night before tonight; empty on the first."""
    night = stage.run_date.isoformat()
    rows = query_tables(stage.state, _SEGMENTS.format(source=source_id, night=night), "segments")
    if not rows:
        return {}
    found: dict[str, tuple[Label, list[Lift]]] = {
        row["segment_id"]: (
            Label(row["segment_id"], row["name"], row["description"], tuple(row["interests"])),
            [],
        )
        for row in rows
    }
    ids = ", ".join("'" + segment_id.replace("'", "''") + "'" for segment_id in found)
    query = _LIFTS.format(before=rows[0]["run_date"].isoformat(), ids=ids)
    for row in query_tables(stage.state, query, "segment_affinity"):
        found[row["segment_id"]][1].append(Lift(row["dimension"], row["value"], row["lift"], row["support"]))
    return found
