"""Names of a feed's columns."""

from __future__ import annotations

from collections.abc import Sequence

PLACE_COLUMNS = ("row", "file", "broken", "record")
"""What every feed has beside its own columns."""


def unique_names(names: Sequence[str]) -> list[str]:
    """Names that Spark, which ignores case, can tell from each other and from PLACE_COLUMNS."""
    taken = set(PLACE_COLUMNS)
    unique = []
    for place, name in enumerate(names):
        base = candidate = name or f"column_{place + 1}"
        n = 1
        while candidate.lower() in taken:
            n += 1
            candidate = f"{base}_{n}"
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique
