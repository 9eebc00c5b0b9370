"""Shards and ranges of products: every product in one of them, whatever its key holds."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from deltalake import QueryBuilder

from infra.tables import sql_literal
from ray_tasks.tonight import between, of_shard

SKUS = [*(f"sku-{n}" for n in range(200)), "Ünïcode/産品", "it's", "", "../x"]
PRODUCTS = [{"merchant_id": merchant_id, "sku": sku} for merchant_id in ("m", "n") for sku in SKUS]


def _keys(predicate: str) -> list[tuple[str, str]]:
    rows = ", ".join(f"('{row['merchant_id']}', {sql_literal(row['sku'])})" for row in PRODUCTS)
    query = f"SELECT * FROM (VALUES {rows}) AS products(merchant_id, sku) WHERE {predicate}"
    return [(row["merchant_id"], row["sku"]) for row in pa.table(QueryBuilder().execute(query)).to_pylist()]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_shards_part_the_products(count: int) -> None:
    found = [_keys(of_shard((index, count))) for index in range(count)]
    assert sorted(key for some in found for key in some) == sorted(_keys("TRUE"))
    assert min(map(len, found)) > len(PRODUCTS) / count / 2


def test_ranges_part_the_products() -> None:
    ordered = sorted(PRODUCTS, key=lambda row: (row["merchant_id"], row["sku"]))
    bounds = [None, *(ordered[n] for n in (1, 50, 51, 203, 204, 300)), None]
    found = [_keys(between(first, end)) for first, end in pairwise(bounds)]
    assert [len(some) for some in found] == [1, 49, 1, 152, 1, 96, 108]
    assert [key for some in found for key in sorted(some)] == sorted(_keys("TRUE"))
