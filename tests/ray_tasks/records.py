"""A small shop for the understanding stages: products, segments, affinities and views as tables of the contract."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from infra.tables import rows_to_table
from schemas.revisions import VIEWS

NIGHT = dt.date(2026, 11, 21)
FACTS = [
    {"name": "sugar", "value": "0", "unit": "g", "source_field": "specs"},
    {"name": "caffeine", "value": "180", "unit": "mg", "source_field": "specs"},
    {"name": "volume", "value": "250", "unit": "ml", "source_field": "specs"},
]


def product(sku: str = "C1", **changed: Any) -> dict[str, Any]:
    return {
        "run_date": NIGHT,
        "merchant_id": "roastery",
        "sku": sku,
        "title": "Black Coffee Cold Brew, unsweetened",
        "description": "Black coffee in a can with a resealable lid and a matt black label. Canned without sugar.",
        "category": "Coffee > Ready to drink",
        "brand": "Kapok",
        "price_minor": 320,
        "currency": "EUR",
        "tags": ["black coffee", "sugar free"],
        "facts": FACTS,
        "rating_mean": 4.64,
        "rating_count": 23,
        "image_uri": f"images/{sku}.jpg",
        "image_sha256": sku.lower().rjust(64, "0"),
        "product_hash": "a" * 64,
    } | changed


def segment(segment_id: str, description: str, contexts: list[str], **changed: Any) -> dict[str, Any]:
    return {
        "run_date": NIGHT,
        "segment_id": segment_id,
        "source": "panel",
        "name": segment_id.replace("_", " ").capitalize(),
        "description": description,
        "need": None,
        "interests": [],
        "contexts": contexts,
        "size": 100,
        "population_share": 0.1,
    } | changed


SEGMENTS = [
    segment("fitness", "People who train several times a week at the gym.", ["gym", "training", "workout"]),
    segment("office", "Professionals at a desk who want to concentrate in meetings.", ["office", "meeting"]),
    segment("exam_students", "Students who study late at night for exams.", ["late night study", "library"]),
    segment("low_sugar", "People who choose unsweetened food and a light diet.", ["diet", "clean eating"]),
    segment("outdoors", "Campers who spend weekends on trails and in tents.", ["campsite", "mountain tent"]),
    segment("elsewhere", "People of another platform.", ["gym"], source="other"),
]


def affinity(
    segment_id: str, dimension: str, value: str, lift: float, support: float = 400.0
) -> dict[str, Any]:
    return {
        "run_date": NIGHT,
        "segment_id": segment_id,
        "dimension": dimension,
        "value": value,
        "lift": lift,
        "support": support,
        "basis": "events",
        "window_days": 90,
    }


def view(image_sha256: str, *, verdict: str = "accepted", hour: int = 1, **changed: Any) -> dict[str, Any]:
    good = verdict == "accepted"
    return {
        "image_sha256": image_sha256,
        "method_revision": VIEWS,
        "image_bytes": 1000,
        "width_px": 800,
        "height_px": 800,
        "background_kind": "white",
        "cutout_uri": "cutouts/x.png" if good else None,
        "cutout_sha256": "b" * 64 if good else None,
        "cutout_width_px": 300 if good else None,
        "cutout_height_px": 700 if good else None,
        "mask_quality": 0.9,
        "product_share": 0.3,
        "palette": [
            {"hex": "#1A1B1C", "share": 0.8, "name": "black"},
            {"hex": "#ffffff", "share": 0.1, "name": "white"},
        ],
        "tags": [],
        "text_found": None,
        "verdict": verdict,
        "reason": None if good else "too_small",
        "detail": None,
        "made_at": dt.datetime(2026, 11, 21, hour, tzinfo=dt.UTC),
    } | changed


CONFIG = """
[paths]
data_root = "."
[[merchants]]
id = "roastery"
name = "Roastery"
top_k = 2
locales = ["en", "de"]
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
path = "x.csv"
format = "csv"
fields = { sku = "a", title = "b", category = "c", price = "d" }
[[segment_sources]]
id = "panel"
kind = "table"
[segment_sources.segments]
path = "s.csv"
format = "csv"
fields = { segment_id = "a", name = "b", description = "c" }
[segment_sources.members]
path = "m.csv"
format = "csv"
fields = { user_id = "a", segment_id = "b" }
"""


def tables(products: list[dict[str, Any]], affinities: list[dict[str, Any]]) -> dict[str, pa.Table]:
    return {
        "products": rows_to_table("products", products),
        "segments": rows_to_table("segments", SEGMENTS),
        "segment_affinity": rows_to_table("segment_affinity", affinities),
        "product_views": rows_to_table(
            "product_views", [view(p["image_sha256"]) for p in products if p["image_sha256"]]
        ),
    }
