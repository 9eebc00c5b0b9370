"""The presentation instruction: how one product is shown to one segment in one locale.

The record is exchanged between the understanding side (rules or a vision-language model) and the picture side,
so it is closed: every visual choice is a word of a list below, every text has a length that fits the layouts,
and every claim names the catalog field that it rests on. What JSON Schema cannot say is checked by
ray_tasks.copywriting.validation.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

ANGLES = ("function", "style", "price", "occasion", "proof", "origin")
"""What a picture argues with; the last two only where the record holds reviews, or an origin or material."""
SURFACE_OF_SETTING = {
    "studio_sweep": "paper",
    "color_block": "painted_board",
    "wood_table": "wood",
    "marble_counter": "marble",
    "stone_plinth": "stone",
    "linen_fabric": "linen",
    "kitchen_counter": "worktop",
    "office_desk": "desktop",
    "study_night": "desktop",
    "gym_floor": "rubber",
    "forest_trail": "forest_soil",
    "mountain_camp": "rock",
    "beach_sand": "sand",
    "city_night": "asphalt",
    "workshop_bench": "workbench",
    "garden_lawn": "grass",
    "vanity_shelf": "tile",
    "cafe_table": "wood",
    "paint_steps": "painted_board",
    "paper_flatlay": "paper",
    "wood_flatlay": "wood",
    "picnic_blanket": "cotton",
    "silk_drape": "silk",
    "living_room": "rug",
    "bathroom_shelf": "marble",
    "window_sill": "painted_board",
    "kids_room": "rug",
    "wardrobe_rail": "rail",
    "hallway_pegs": "rail",
    "renovation_room": "dust_sheet",
    "potting_bench": "workbench",
    "market_stall": "wood",
    "deck_terrace": "wood",
    "winter_snow": "snow",
    "neon_setup": "desktop",
    "christmas_tree": "wood",
    "lunar_new_year": "lacquer",
    "diwali_lamps": "silk",
    "ramadan_lanterns": "tile",
    "birthday_party": "linen",
    "bench_flatlay": "workbench",
    "dust_sheet_flatlay": "dust_sheet",
    "pegboard": "pegboard",
}
"""What the product stands on: it follows from the setting."""
SETTINGS = tuple(SURFACE_OF_SETTING)
SEEN_FROM_ABOVE = frozenset(
    {
        "linen_fabric",
        "paper_flatlay",
        "wood_flatlay",
        "picnic_blanket",
        "silk_drape",
        "bench_flatlay",
        "dust_sheet_flatlay",
    }
)
"""Settings that a product lies in."""
LIGHTS = ("studio_soft", "window_left", "window_right", "golden_hour", "cool_morning", "night_lamp")
SEASONS = ("all", "spring", "summer", "autumn", "winter")
MOODS = ("calm", "fresh", "energetic", "cosy", "premium", "playful")
LAYOUTS = ("headline_top", "headline_left", "headline_right", "headline_bottom")
PROPS = (
    "none",
    "coffee_beans",
    "leaves",
    "citrus",
    "books",
    "laptop_edge",
    "dumbbell",
    "towel",
    "lantern",
    "pine_cones",
    "pebbles",
    "shells",
    "plant",
    "tools",
    "confetti",
)

HEADLINE_MAX_CHARS = 42
SELLING_POINT_MAX_CHARS = 48
SELLING_POINTS_MAX = 3
STICKER_MAX_CHARS = 18
CALL_TO_ACTION_MAX_CHARS = 20
ALT_TEXT_MAX_CHARS = 200


def _text(max_chars: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": max_chars}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def closed_record(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object with all of these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


INSTRUCTION_JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://hundredfaces.invalid/schemas/instruction.schema.json",
    "title": "Presentation instruction",
    "description": "How one product is shown to one user segment in one locale.",
    **closed_record(
        {
            "locale": {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"},
            "segment_id": _text(80),
            "placements": {"type": "array", "items": _text(63), "minItems": 1},
            "angle": {"type": "string", "enum": list(ANGLES)},
            "need": _text(160),
            "scene": closed_record(
                {
                    "setting": {"type": "string", "enum": list(SETTINGS)},
                    "light": {"type": "string", "enum": list(LIGHTS)},
                    "season": {"type": "string", "enum": list(SEASONS)},
                    "mood": {"type": "string", "enum": list(MOODS)},
                    "palette": {
                        "type": "array",
                        "items": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
                        "minItems": 2,
                        "maxItems": 5,
                    },
                    "props": {
                        "type": "array",
                        "items": {"type": "string", "enum": list(PROPS)},
                        "maxItems": 3,
                    },
                    "size_cm": _optional({"type": "integer", "minimum": 1, "maximum": 400}),
                }
            ),
            "surface": {"type": "string", "enum": sorted(set(SURFACE_OF_SETTING.values()))},
            "layout": {"type": "string", "enum": list(LAYOUTS)},
            "headline": _text(HEADLINE_MAX_CHARS),
            "selling_points": {
                "type": "array",
                "items": _text(SELLING_POINT_MAX_CHARS),
                "maxItems": SELLING_POINTS_MAX,
            },
            "sticker": _optional(_text(STICKER_MAX_CHARS)),
            "call_to_action": _optional(_text(CALL_TO_ACTION_MAX_CHARS)),
            "alt_text": _text(ALT_TEXT_MAX_CHARS),
            "product_alt_text": _optional(_text(ALT_TEXT_MAX_CHARS)),
            "reference": _optional({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
            "avoid": {"type": "array", "items": _text(80), "maxItems": 8},
            "claims": {
                "type": "array",
                "items": closed_record(
                    {
                        "element": {
                            "type": "string",
                            "enum": ["headline", "selling_point", "sticker", "alt_text"],
                        },
                        "text": _text(ALT_TEXT_MAX_CHARS),
                        "source_field": _text(80),
                        "source_value": _text(2000),
                    }
                ),
            },
        }
    ),
}

FACTS_SHOWN = 12
"""Facts of a product that a model is shown, as f1, f2, ..."""
CITABLE = (
    "title",
    "category",
    "brand",
    "description",
    "rating",
    *(f"f{n}" for n in range(1, FACTS_SHOWN + 1)),
)


def _cited(text: dict[str, Any]) -> dict[str, Any]:
    sources = {"type": "array", "items": {"type": "string", "enum": list(CITABLE)}, "maxItems": 3}
    return closed_record({"text": text, "rests_on": sources})


_FIELDS = INSTRUCTION_JSON_SCHEMA["properties"]
DRAFT_JSON_SCHEMA: dict[str, Any] = closed_record(
    {
        "headline": _cited(_FIELDS["headline"]),
        "selling_points": {
            "type": "array",
            "items": _cited(_FIELDS["selling_points"]["items"]),
            "minItems": 1,
            "maxItems": SELLING_POINTS_MAX,
        },
        "sticker": _optional(_cited(_text(STICKER_MAX_CHARS))),
        "call_to_action": _text(CALL_TO_ACTION_MAX_CHARS),
    }
)
"""What a model writes of an instruction: the copy, each text with the keys of the shown record that it rests on."""

PIXEL_FIELDS = (
    "locale",
    "scene",
    "layout",
    "headline",
    "selling_points",
    "sticker",
    "call_to_action",
    "alt_text",
)
"""What reaches the file: only these, and a reference, enter `instruction_hash`: a reworded reason redraws nothing."""


def text_columns(text: str) -> int:
    """How many columns of a Latin letter a text takes: full-width characters count two, combining marks none.

    Source: Unicode Standard Annex 11, "East Asian Width". All lengths of the copy are meant in columns.
    """
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def content_hash(value: Any) -> str:
    """Hex SHA-256 (64 characters) of a JSON value in canonical form: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def instruction_hash(instruction: Mapping[str, Any]) -> str:
    """Hex SHA-256 of the part of an instruction that influences the picture file."""
    pixels = {field: instruction[field] for field in PIXEL_FIELDS}
    # Only where there is one: a picture without keeps the hash that it had before the field was.
    if reference := instruction.get("reference"):
        pixels["reference"] = reference
    return content_hash(pixels)
