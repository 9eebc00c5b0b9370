"""What a drop changes for a merchant who has the one before: pictures added, replaced and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CHANGE_COLUMNS = (
    "change",
    "sku",
    "segment_id",
    "locale",
    "placement",
    "file",
    "sha256",
    "earlier_file",
    "earlier_release_id",
)
_FACE = ("sku", "segment_id", "locale", "placement")

Row = Mapping[str, Any]


def changes(manifest: Sequence[Row], earlier: Sequence[Row], earlier_release_id: str) -> list[dict[str, Any]]:
    """One row a face whose picture is another than in the earlier manifest: `added`, `replaced` or `removed`.

    A face is a product x group x language x placement. Rows come in the order of the manifest, removed faces last.
    """
    before = {_face(row): row for row in earlier}
    now = {_face(row) for row in manifest}
    rows = []
    for row in manifest:
        old = before.get(_face(row))
        if old is None or old["sha256"] != row["sha256"]:
            rows.append(_change("added" if old is None else "replaced", row, old, earlier_release_id))
    rows += [
        _change("removed", None, row, earlier_release_id) for face, row in before.items() if face not in now
    ]
    return rows


def _face(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _FACE)


def _change(change: str, row: Row | None, old: Row | None, earlier_release_id: str) -> dict[str, Any]:
    named = row or old or {}
    return {name: named[name] for name in _FACE} | {
        "change": change,
        "file": row["file"] if row else "",
        "sha256": row["sha256"] if row else "",
        "earlier_file": old["file"] if old else "",
        "earlier_release_id": earlier_release_id,
    }
