"""Segments of three real data sets make sense: who they are, what they buy, and what was set aside."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.tables import read_night

ROOT = Path(__file__).resolve().parents[2]
NIGHT = dt.date(2026, 11, 21)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def tables(real_shops: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    state = tmp_path_factory.mktemp("real") / "state"
    command = [sys.executable, "-m", "infra.stage", "jobs.build_segments", f"--run-date={NIGHT}"]
    command += ["--config=infra/config/real_segments.toml", f"--state={state}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DATA_ROOT": str(real_shops)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return {
        name: read_night(state, name, NIGHT).to_pylist()
        for name in ("segments", "segment_affinity", "rejects")
    }


def test_every_line_is_counted_or_said_why(tables: dict[str, list[dict[str, Any]]]) -> None:
    found = {(row["key"], row["reason"]): int(row["detail"].split()[0]) for row in tables["rejects"]}
    assert found["giftware/events", "user_missing"] == 135_080
    assert (
        found["giftware/events", "item_missing"] == 1_920
    )  # POST, M, D, C2, BANK CHARGES, ... of known users
    assert found["giftware/events", "cancellation"] == 8_539
    assert found["giftware/events", "event_cancelled"] > 1_000
    assert ("households/events", "event_outside_window") not in found


def test_what_sets_real_segments_apart(tables: dict[str, list[dict[str, Any]]]) -> None:
    lift = {
        (row["segment_id"], row["dimension"], row["value"]): row["lift"] for row in tables["segment_affinity"]
    }
    assert lift["families", "category", "drug gm > baby foods"] > 1.3
    assert lift["empty_nesters", "category", "drug gm > baby foods"] < 0.5
    assert lift["comfortable_homes", "category", "produce"] > 1.3
    assert {band for _, dimension, band in lift if dimension == "price_band"} > {"p0", "p1", "p2", "p3"}
    assert lift["comfortable_homes", "price_band", "p3"] > lift["tight_budgets", "price_band", "p3"]
    assert lift["tight_budgets", "brand", "private"] > 1 > lift["comfortable_homes", "brand", "private"]
    assert lift["empty_nesters", "hour_band", "morning"] > 1 > lift["empty_nesters", "hour_band", "evening"]
    assert lift["outdoor_feet", "category", "outdoors"] > 3
    sizes = {row["segment_id"]: row["size"] for row in tables["segments"]}
    assert (sizes["families"], sizes["empty_nesters"], sizes["outdoor_feet"]) == (288, 97, 289)


def test_clusters_of_a_gift_shop_are_what_a_marketer_would_name(
    tables: dict[str, list[dict[str, Any]]],
) -> None:
    clusters = {row["segment_id"]: row for row in tables["segments"] if row["source"] == "giftware"}
    assert 6 <= len(clusters) <= 10
    assert sum(row["size"] for row in clusters.values()) > 4_000
    lift = {
        (row["value"], row["segment_id"]): row["lift"]
        for row in tables["segment_affinity"]
        if row["segment_id"] in clusters
    }
    for term, least in (("lunch bag", 2.5), ("t-light holder", 2.5), ("metal sign", 3.5), ("hot water", 3.5)):
        assert max(lift.get((term, cluster), 0.0) for cluster in clusters) > least, term
    # Who buys Christmas things buys in autumn: the shop sells to shops.
    festive = max(clusters, key=lambda cluster: lift.get(("christmas", cluster), 0.0))
    assert lift["autumn", festive] > 1.2


def test_nobody_can_be_told_from_a_row(tables: dict[str, list[dict[str, Any]]]) -> None:
    assert all(row["users"] == 0 or row["users"] >= 3 for row in tables["segment_affinity"])
    assert all(row["size"] >= 50 for row in tables["segments"])
