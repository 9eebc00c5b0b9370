"""The limits are kept once a revision, and are those that decide."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.tables import ensure_tables, read_table, table_version
from ray_tasks.limits import LOOKS, keep_limits, limit_rows
from ray_tasks.pictures.decide import MODEL_RULES, RULES, Thresholds


def test_each_limit_is_told_for_each_look() -> None:
    rows = list(limit_rows("r", Thresholds.with_overrides({"min_text_contrast_min": 5.5})))
    told = {(row["look"], row["measurement"], row["side"]): row for row in rows}
    assert len(told) == len(rows), "the key"
    assert told["text", "text_contrast_min", "min"]["value"] == 5.5
    assert told["text", "text_contrast_min", "min"]["reason"] == "low_contrast"
    assert ("white", "ground_contact", "max") not in told, "nothing is asked of it"
    assert told["white", "product_extent", "min"]["value"] == 0.85
    assert len([row for row in rows if row["look"] == "text"]) == len((*RULES, *MODEL_RULES))
    assert {row["look"] for row in rows} == set(LOOKS) == {"text", "plain", "white"}


def test_a_value_at_the_limit_passes_and_one_beyond_it_is_broken() -> None:
    thresholds = Thresholds()
    limits = {
        (row["measurement"], row["side"]): row for row in limit_rows("r", thresholds) if row["look"] == "text"
    }
    for rule in RULES:
        limit = limits[rule.measurement, rule.limit[:3]]
        step = -1.0 if limit["side"] == "min" else 1.0
        assert not rule.is_broken({rule.measurement: limit["value"]}, thresholds)
        assert rule.is_broken({rule.measurement: limit["value"] + step}, thresholds)


def test_they_are_added_once(tmp_path: Path) -> None:
    ensure_tables(tmp_path)
    keep_limits(tmp_path, "one", Thresholds())
    version = table_version(tmp_path, "limits")
    keep_limits(tmp_path, "one", Thresholds())
    assert table_version(tmp_path, "limits") == version
    keep_limits(tmp_path, "two", Thresholds())
    assert {row["scorer_revision"] for row in read_table(tmp_path, "limits").to_pylist()} == {"one", "two"}


def test_shards_that_add_them_at_once_add_them_once(tmp_path: Path) -> None:
    ensure_tables(tmp_path)
    with ThreadPoolExecutor(4) as shards:
        list(shards.map(lambda _: keep_limits(tmp_path, "one", Thresholds()), range(4)))
    assert read_table(tmp_path, "limits").num_rows == len(list(limit_rows("one", Thresholds())))
