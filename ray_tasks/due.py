"""Which of the planned units are due now, and the scenes to draw for them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ray_tasks.pictures.script import script_of
from ray_tasks.tonight import SLOT
from schemas.attempts import changes, layout_of, times_before
from schemas.instruction import content_hash
from schemas.tables import BY_NAME

_SCENE = ("merchant_id", "sku", "segment_id", "width_px", "scene_height_px", "scene_text", "variant")
_VARIANT = _SCENE.index("variant")

TEXT = pa.struct(
    [
        ("locale", pa.string()),
        ("headline", pa.string()),
        ("selling_points", pa.list_(pa.string())),
        ("sticker", pa.string()),
        ("call_to_action", pa.string()),
        ("alt_text", pa.string()),
        ("product_alt_text", pa.string()),
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
        ("offer", pa.string()),
        ("image_sha256", pa.string()),
        ("cutout_sha256", pa.string()),
        ("cutout_uri", pa.string()),
        ("scene_backend", pa.string()),
        ("scene_revision", pa.string()),
        ("scene", BY_NAME["instructions"].schema.field("scene").type),
        ("layout", pa.string()),
        ("reference", pa.string()),
        ("changes", pa.list_(pa.string())),
        ("texts", pa.list_(TEXT)),
        ("pictures", pa.list_(PICTURE)),
    ]
)
"""One row is one scene to draw, with the texts of all its locales and the pictures to make of it."""

TOLD = ("merchant_id", "sku", "segment_id", "scene", "layout", "reference", *TEXT.names)
"""Columns of `instructions` that a scene and its texts are made of."""


OF_THE_SETTING = frozenset(
    {
        "cluttered", "low_separation", "floating_product", "wrong_scale", "overexposed", "underexposed",
        "blank_background", "noisy_background", "banding", "near_duplicate", "colour_clash", "brand_clash",
        "edge_halo", "off_scene", "judged_unsafe",
        "judged_wrong_count", "judged_extended_product", "judged_floating",
    }
)  # fmt: skip
"""Reasons that another setting may cure; what else can be cured at all, another layout may."""
OF_THE_SOURCE = frozenset({"product_cut", "cut_out_crumbs", "baked_text", "ground_not_white"})
"""Reasons that lie in the product's own picture: nothing is tried again."""
CALM_SETTINGS = (
    "studio_sweep",
    "linen_fabric",
    "stone_plinth",
    "paint_steps",
    "marble_counter",
    "color_block",
)
"""What a retry may show a product in, whoever it is for."""


def due_units(
    units: Sequence[dict[str, Any]], made: set[str], rejected: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The units to make now: of every slot whose variants so far were all rejected, the one that helps most.

    rejected: reasons by asset id, weightiest first. Another variant is made that changes what the last one's first
    reason names; where none is left that does, the next one.
    """
    slots: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in units:
        slots[tuple(unit[name] for name in SLOT)].append(unit)
    due = []
    for variants in slots.values():
        variants.sort(key=lambda unit: unit["variant"])
        tried = [unit["asset_id"] for unit in variants if unit["asset_id"] in made]
        left = [unit for unit in variants if unit["asset_id"] not in made]
        if not left or any(asset_id not in rejected for asset_id in tried):
            continue
        reasons = {reason for asset_id in tried for reason in rejected[asset_id]}
        if reasons & OF_THE_SOURCE or (tried and left[0]["look"] == "white"):
            continue  # nothing that is drawn would be another
        if tried:
            blamed = "setting" if _first_reason(rejected, tried) in OF_THE_SETTING else "layout"
            left.sort(key=lambda unit: blamed not in changes(unit["variant"]))
        due.append(left[0])
    return due


def _first_reason(rejected: Mapping[str, Sequence[str]], tried: Sequence[str]) -> str | None:
    """The weightiest reason of the rejection that came last."""
    reasons = rejected[tried[-1]]
    return reasons[0] if reasons else None


def scene_jobs(due: Iterable[dict[str, Any]], instructions: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows of SCENE_JOBS, highest priority first, a product's scenes side by side so that its cut-out is read once.

    instructions: with the columns TOLD.
    Locales and placements share a scene. Those read from right to left have a job of their own, with all texts too: of
    the same composition, seen in a mirror.
    """
    by_scene: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in due:
        to_left = unit["scene_text"] and script_of(unit["locale"]).right_to_left
        white = unit["look"] == "white"
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
        # The longest text of all locales decides how much room the composition leaves.
        texts = [{name: row[name] for name in TEXT.names} for row in locales]
        pictures = [{name: unit[name] for name in PICTURE.names} for unit in units]
        scene, layout = retried(unit["variant"], first["scene"], first["layout"])
        told = {"scene": scene, "layout": layout, "changes": changes(unit["variant"])}
        told["reference"] = first["reference"]
        rows.append(
            {name: unit[name] for name in SCENE_JOBS.names if name in unit}
            | told
            | {"texts": texts, "pictures": pictures}
        )
    return pa.Table.from_pylist(rows, schema=SCENE_JOBS)


def retried(variant: int, scene: Mapping[str, Any], layout: str) -> tuple[dict[str, Any], str]:
    """(scene, layout) of a variant: the text on another side, or a calm setting that is not the first one's."""
    layout = layout_of(layout, variant)
    if "setting" not in changes(variant):
        return dict(scene), layout
    calm = [setting for setting in CALM_SETTINGS if setting != scene["setting"]]
    # Personas begin at different places of the list, so that two retries of a product do not meet in one setting.
    start = int(content_hash(dict(scene))[:8], 16)
    return dict(scene) | {
        "setting": calm[(start + times_before("setting", variant)) % len(calm)],
        "props": ["none"],
    }, layout
