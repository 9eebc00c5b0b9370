"""The texts by which products and segments are compared, and which view of a picture counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.tables import read_table, sql_literal
from schemas.model_config import CutOut
from schemas.revisions import views_revision
from schemas.vocabulary import category_levels, price_band

_DESCRIPTION_MAX_CHARS = 320
"""The first sentences say what a product is; more dilutes the mean over tokens and costs time."""


def product_text(product: Mapping[str, Any]) -> str:
    """What a product is, in one paragraph: title, category, tags, and the beginning of its description."""
    tags = ", ".join(product["tags"] or [])
    description = (product.get("description") or "")[:_DESCRIPTION_MAX_CHARS]
    parts = [str(product["title"]), str(product["category"]).replace(" > ", ", "), tags, description]
    return ". ".join(part.strip().rstrip(".") for part in parts if part) + "."


def spoken(value: str) -> str:
    """A category path or tag as one would say it."""
    return value.replace(" > ", ", ").replace("/", " ")


_SEASON_WORDS = {
    "winter": "winter christmas advent xmas snow sleigh reindeer weihnachten weihnachtlich schnee winterlich",
    "spring": "spring easter frühling frühjahr ostern",
    "summer": "summer beach picnic sommer strand picknick",
    "autumn": "autumn halloween pumpkin herbst kürbis",
}
_SEASON_OF = {word: season for season, words in _SEASON_WORDS.items() for word in words.split()}


def season(words: str) -> str:
    """The season that a product's title and tags name (winter, spring, summer, autumn), the first one; "" for none."""
    found = (_SEASON_OF.get(word) for word in re.findall(r"\w+", words.lower()))
    return next(filter(None, found), "")


def attributes(product: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A product's values as the affinity table spells them, the category from its leaf up."""
    found = [("category", level) for level in reversed(category_levels(product["category"]))]
    found += [("tag", tag.lower()) for tag in product["tags"] or []]
    if product["brand"]:
        found.append(("brand", product["brand"].lower()))
    found.append(("price_band", price_band(product["price_minor"])))
    if named := season(" ".join([product["title"], *(product["tags"] or [])])):
        found.append(("season", named))
    return list(dict.fromkeys(found))


def segment_text(segment: Mapping[str, Any]) -> str:
    """Who a segment is and what it looks for, in one paragraph."""
    parts = [
        str(segment["description"]),
        segment.get("need") or "",
        ", ".join(segment.get("interests") or []),
        ", ".join(segment.get("contexts") or []),
    ]
    return f"{segment['name']}. " + ". ".join(part.rstrip(".") for part in parts if part) + "."


def segment_facets(segment: Mapping[str, Any]) -> list[str]:
    """What a segment says of itself, one thing at a time: need, each context, each interest, the description."""
    facets = [segment.get("need"), *(segment.get("contexts") or []), *(segment.get("interests") or [])]
    return list(dict.fromkeys([str(segment["description"]), *(facet for facet in facets if facet)]))


def first_products(products: pa.Table, limit: int | None) -> pa.Table:
    """The products by merchant and SKU; with a limit the first N of each merchant."""
    ordered = products.sort_by([("merchant_id", "ascending"), ("sku", "ascending")])
    if limit is None:
        return ordered
    seen: dict[str, int] = {}
    keep = []
    for merchant_id in ordered["merchant_id"].to_pylist():
        seen[merchant_id] = seen.get(merchant_id, 0) + 1
        keep.append(seen[merchant_id] <= limit)
    return ordered.filter(pa.array(keep, pa.bool_()))


def in_shard(products: pa.Table, shard: tuple[int, int]) -> tuple[pa.Table, str]:
    """The products of shard (index, count), of products in order, and a SQL predicate of its range of keys.

    The ranges of all shards hold every key, also those of products that are no more.
    """
    index, count = shard
    first, last = (products.num_rows * n // count for n in (index, index + 1))

    def before(at: int) -> str:
        if at == products.num_rows:
            return "TRUE"
        merchant_id, sku = (sql_literal(products[name][at].as_py()) for name in ("merchant_id", "sku"))
        return f"(merchant_id < {merchant_id} OR (merchant_id = {merchant_id} AND sku < {sku}))"

    mine = f"{before(last)} AND NOT {before(first)}" if index else before(last)
    return products.slice(first, last - first), mine


def accepted_views(state: Path, cutout: CutOut, columns: Sequence[str] | None = None) -> pa.Table:
    """The accepted views of all pictures by tonight's method: an earlier or later night's may have another verdict."""
    wanted = [("method_revision", "=", views_revision(cutout)), ("verdict", "=", "accepted")]
    return read_table(state, "product_views", columns=columns, filters=wanted)


def of_merchants(table: pa.Table, merchant_ids: Iterable[str]) -> pa.Table:
    """The rows of these merchants."""
    return table.filter(pc.is_in(table["merchant_id"], value_set=pa.array(list(merchant_ids), pa.string())))
