"""The gallery's data: every product with its personas and every picture drawn for it, as JSON for the page's script."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.drops.release_rows import Row
from jobs.drops.shortfalls import wanted_faces
from jobs.report.merchant_rows import MerchantRows
from schemas.currencies import MINOR_DIGITS

INSTRUCTION_FIELDS = ("headline", "selling_points", "sticker", "call_to_action", "alt_text", "angle", "need")


def gallery_products(rows: MerchantRows, limit: int) -> list[dict[str, Any]]:
    """The first `limit` products of a merchant by SKU; pictures are named by asset id and store key."""
    by_sku: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for persona in rows.personas:
        by_sku[persona["sku"]]["personas"].append(persona)
    for unit in rows.work_units:
        if unit["asset_id"] in rows.candidates:
            by_sku[unit["sku"]]["units"].append(unit)
    for item in rows.short:
        by_sku[item.sku]["short"].append(item)
    written = {(row["sku"], row["segment_id"], row["locale"]): row for row in rows.instructions}
    published = {asset["asset_id"]: asset for asset in rows.assets}
    products = []
    for product in rows.products[:limit]:
        found = by_sku[product["sku"]]
        units = sorted(
            found["units"], key=lambda u: (u["persona_rank"], u["locale"], u["placement"], u["variant"])
        )
        products.append(
            {
                "merchant": rows.merchant.id,
                "sku": product["sku"],
                "title": product["title"],
                "category": product["category"],
                "brand": product["brand"],
                "price": price(product["price_minor"], product["currency"]),
                "image": product["image_sha256"],
                "hash": product["product_hash"],
                "feed": f"{product['feed_file']} row {product['feed_row']}" if product["feed_file"] else None,
                "view": _view(rows.views.get(product["image_sha256"])),
                "wanted": wanted_faces(rows.merchant, rows.placements),
                "why": [
                    {"reason": item.reason, "missing": item.missing, "text": item.explanation}
                    for item in found["short"]
                ],
                "personas": [
                    {
                        "segment": persona["segment_id"],
                        "rank": persona["rank"],
                        "score": _rounded(persona["score"]),
                        "affinity": _rounded(persona["affinity_score"]),
                        "text": _rounded(persona["text_score"]),
                        "model": _rounded(persona["model_score"]),
                        "evidence": persona["evidence"],
                    }
                    for persona in found["personas"]
                ],
                "faces": [
                    _face(unit, rows, written.get((unit["sku"], unit["segment_id"], unit["locale"])), published)
                    for unit in units
                ],
            }
        )  # fmt: skip
    return products


def price(minor: int, currency: str) -> str:
    """An amount in minor units for people: 1299 EUR -> 12.99 EUR, 1299 JPY -> 1,299 JPY."""
    digits = MINOR_DIGITS.get(currency, 2)
    return f"{minor / 10**digits:,.{digits}f} {currency}"


def _face(
    unit: Row, rows: MerchantRows, instruction: Row | None, published: Mapping[str, Row]
) -> dict[str, Any]:
    candidate = rows.candidates[unit["asset_id"]]
    score = rows.scores.get(unit["asset_id"])
    state = "published" if unit["asset_id"] in published else score["verdict"] if score else "not scored"
    face: dict[str, Any] = {
        "asset": unit["asset_id"],
        "segment": unit["segment_id"],
        "rank": unit["persona_rank"],
        "locale": unit["locale"],
        "placement": unit["placement"],
        "variant": unit["variant"],
        "state": state,
        "why": unit["reason"],
        "uri": candidate["uri"],
        "sha256": candidate["sha256"],
        "bytes": candidate["bytes"],
        "width": candidate["width_px"],
        "height": candidate["height_px"],
        "made": str(candidate["run_date"]),
        "seconds": _rounded(candidate["scene_s"] + candidate["text_s"] + candidate["encode_s"]),
        "backend": f"{unit['scene_backend']} {unit['scene_revision']}",
        "renderer": unit["renderer_revision"],
        "cutout": unit["cutout_sha256"],
        "instruction": unit["instruction_hash"],
        "reasons": score["reasons"] if score else [],
        "scorer": score["scorer_revision"] if score else None,
        "measured": {m["name"]: _rounded(m["value"]) for m in score["measurements"]} if score else {},
        "changed": candidate["changed_core_px"],
    }
    if instruction is not None:
        face |= {field: instruction[field] for field in INSTRUCTION_FIELDS}
        scene = instruction["scene"]
        face["scene"] = " · ".join(
            part.replace("_", " ")
            for part in (scene["setting"], scene["light"], scene["mood"], scene["season"])
        )
        face["claims"] = [
            [c["text"], c["source_field"], c["source_value"][:160]] for c in instruction["claims"]
        ]
    return face


def _view(view: Row | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {
        "verdict": view["verdict"],
        "reason": view["reason"],
        "quality": _rounded(view["mask_quality"]),
        "background": view["background_kind"],
        "palette": [colour["hex"] for colour in view["palette"][:6]],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.4g}")


def embedded_json(value: Any) -> str:
    """JSON that can stand in a <script> element: no `<`, `>`, `&`, and no line separators of JavaScript."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate cannot be written as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def thumb_name(asset_id: str) -> str:
    """Where a picture's small copy lies, relative to the page."""
    return f"thumbs/{asset_id}.jpg"


def source_name(image_sha256: str) -> str:
    """Where the small copy of a source picture lies, relative to the page."""
    return f"thumbs/source-{image_sha256}.jpg"


def drop_missing(products: list[dict[str, Any]], folder: Path) -> None:
    """Takes out small pictures that could not be made, so that the page asks for none that is not there."""
    for product in products:
        if product["image"] and not (folder / source_name(product["image"])).exists():
            product["image"] = None
        for face in product["faces"]:
            face["thumb"] = (folder / thumb_name(face["asset"])).exists()
