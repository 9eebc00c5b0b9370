"""Which planned units are due now, in which shard, and the scenes to draw for them."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from ray_tasks.pictures.script import script_of
from schemas.instruction import LAYOUTS
from schemas.tables import BY_NAME

_SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")
_SCENE = ("merchant_id", "sku", "segment_id", "width_px", "scene_height_px", "scene_text", "variant")
_VARIANT = _SCENE.index("variant")
TONIGHT = frozenset({"exists", "to_do", "standby", "failed"})
"""Statuses of the planned units that tonight is about: not what is deferred or retired."""

TEXT = pa.struct(
    [
        ("locale", pa.string()),
        ("headline", pa.string()),
        ("selling_points", pa.list_(pa.string())),
        ("sticker", pa.string()),
        ("call_to_action", pa.string()),
        ("alt_text", pa.string()),
        ("instruction_hash", pa.string()),
    ]
)
"""One locale's text. Whether or not its picture is due, the layout leaves room for it."""

PICTURE = pa.struct(
    [
        ("locale", pa.string()),
        ("placement", pa.string()),
        ("height_px", pa.int32()),
        ("look", pa.string()),
        ("asset_id", pa.string()),
        ("identity", pa.string()),
    ]
)
"""One picture to make of a scene: a window of it, as wide as the scene, with a text or without."""

SCENE_JOBS = pa.schema(
    [
        *((name, pa.string()) for name in ("merchant_id", "sku", "segment_id")),
        ("variant", pa.int32()),
        ("run_date", pa.date32()),
        ("width_px", pa.int32()),
        ("scene_height_px", pa.int32()),
        ("scene_text", pa.bool_()),
        ("image_sha256", pa.string()),
        ("cutout_sha256", pa.string()),
        ("cutout_uri", pa.string()),
        ("scene_backend", pa.string()),
        ("scene_revision", pa.string()),
        ("scene", BY_NAME["instructions"].schema.field("scene").type),
        ("layout", pa.string()),
        ("texts", pa.list_(TEXT)),
        ("pictures", pa.list_(PICTURE)),
    ]
)
"""One row is one scene to draw, with the texts of all its locales and the pictures to make of it."""


def due_units(units: Sequence[dict[str, Any]], made: set[str], rejected: set[str]) -> list[dict[str, Any]]:
    """The units to make now: not made yet, and every lower variant of their slot rejected."""
    slots: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in units:
        slots[tuple(unit[name] for name in _SLOT)].append(unit)
    due = []
    for variants in slots.values():
        for unit in sorted(variants, key=lambda unit: unit["variant"]):
            if unit["asset_id"] not in made:
                due.append(unit)
                break
            if unit["asset_id"] not in rejected:
                break
    return due


def in_shard(merchant_id: str, sku: str, shard: tuple[int, int]) -> bool:
    """Whether a product belongs to a shard (index, count); all its pictures do."""
    digest = hashlib.sha256(f"{merchant_id}/{sku}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard[1] == shard[0]


def scene_jobs(due: Iterable[dict[str, Any]], instructions: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows of SCENE_JOBS, highest priority first, a product's scenes side by side so that its cut-out is read once.

    Locales and placements share a scene; locales read from right to left have one of their own, with the product on the
    other side.
    """
    by_scene: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in due:
        to_left, white = script_of(unit["locale"]).right_to_left, unit["look"] == "white"
        by_scene[*(unit[name] for name in _SCENE), white, to_left].append(unit)
    by_persona: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in instructions:
        by_persona[row["merchant_id"], row["sku"], row["segment_id"]].append(row)
    rows = []
    best: dict[tuple[Any, ...], float] = defaultdict(lambda: -math.inf)
    for key, units_of in by_scene.items():
        of_product = (key[_VARIANT], key[0], key[1])
        best[of_product] = max(best[of_product], *(unit["priority"] for unit in units_of))
    for key in sorted(by_scene, key=lambda key: (key[_VARIANT], -best[key[_VARIANT], key[0], key[1]], key)):
        units = sorted(by_scene[key], key=lambda unit: (unit["placement"], unit["locale"]))
        unit = units[0]
        locales = sorted(by_persona[key[:3]], key=lambda row: row["locale"])
        first = locales[0]
        # The longest text of all locales that share the scene decides how much room it leaves.
        locales = [row for row in locales if script_of(row["locale"]).right_to_left == key[-1]]
        texts = [{name: row[name] for name in TEXT.names} for row in locales]
        pictures = [{name: unit[name] for name in PICTURE.names} for unit in units]
        # A retry moves the text to another side: most rejections come from what stands behind or beside it.
        layout = LAYOUTS[(LAYOUTS.index(first["layout"]) + unit["variant"]) % len(LAYOUTS)]
        rows.append(
            {name: unit[name] for name in SCENE_JOBS.names if name in unit}
            | {"scene": first["scene"], "layout": layout, "texts": texts, "pictures": pictures}
        )
    return pa.Table.from_pylist(rows, schema=SCENE_JOBS)
