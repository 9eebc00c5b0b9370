"""Shards and parts: every product in one of them, whatever its key holds."""

from __future__ import annotations

import pyarrow as pa
import pytest
from deltalake import QueryBuilder

from infra.tables import sql_literal
from ray_tasks import tonight
from ray_tasks.tonight import Shard, of_shard, parts

SKUS = [*(f"sku-{n}" for n in range(200)), "Ünïcode/産品", "it's", "", "../x"]


def _skus(shard: Shard) -> list[str]:
    rows = ", ".join(f"('m', {sql_literal(sku)})" for sku in SKUS)
    query = f"SELECT sku FROM (VALUES {rows}) AS products(merchant_id, sku) WHERE {of_shard(shard)}"
    return [row["sku"] for row in pa.table(QueryBuilder().execute(query)).to_pylist()]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_shards_part_the_products(count: int) -> None:
    found = [_skus((index, count)) for index in range(count)]
    assert sorted(sku for some in found for sku in some) == sorted(SKUS)
    assert min(map(len, found)) > len(SKUS) / count / 2


def test_parts_make_up_their_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tonight, "PART_UNITS", 10)
    assert parts((1, 3), 0) == []
    assert parts((0, 1), 10) == [(0, 1)]
    found = [_skus(part) for part in parts((1, 3), 41)]
    assert len(found) == 5
    assert sorted(sku for some in found for sku in some) == sorted(_skus((1, 3)))
