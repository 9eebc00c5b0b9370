"""Gate and publishing on a made-up night: what passes is published once, what fails is not published at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import load_config
from infra.tables import append_rows, read_table, rows_to_table
from jobs import gate_release, publish_release
from jobs.release_assets import assets_hash, kept_assets
from schemas.revisions import scorer_revision
from tests.jobs.sample_night import SampleNight, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def _score_with_current_revision(night: SampleNight, fidelity: float = 1.25) -> None:
    revision = scorer_revision(load_config(night.config).quality)
    rows = [
        row
        | {"scorer_revision": revision, "measurements": [{"name": "fidelity_mean_abs", "value": fidelity}]}
        for row in read_table(night.state, "scores").to_pylist()
    ]
    append_rows(night.state, "scores", rows_to_table("scores", rows))


def _releases(night: SampleNight) -> list[dict[str, Any]]:
    return sorted(read_table(night.state, "releases").to_pylist(), key=lambda row: row["sequence"])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> SampleNight:
    night = make_sample_night(tmp_path_factory.mktemp("release"), products=2, published=False)
    _score_with_current_revision(night)
    gate_release.main(night.argv())
    publish_release.main(night.argv())
    return night


def test_a_release_holds_what_was_accepted_and_pins_every_table(published: SampleNight) -> None:
    (release,) = _releases(published)
    assets = read_table(published.state, "assets").to_pylist()
    accepted = {
        row["asset_id"]
        for row in read_table(published.state, "scores").to_pylist()
        if row["verdict"] == "accepted"
    }
    assert {row["asset_id"] for row in assets} <= accepted
    assert release["asset_count"] == len(assets) > 0
    assert {row["release_id"] for row in assets} == {release["release_id"]}
    assert release["release_id"].startswith("20261121-")
    pinned = {row["table"]: row["version"] for row in release["table_versions"]}
    assert pinned["assets"] >= 1
    assert set(pinned) >= {"products", "segments", "personas", "instructions", "candidates", "scores"}


def test_the_gates_pages_are_kept(published: SampleNight) -> None:
    folder = published.state / "reports" / "2026-11-21"
    gate = json.loads((folder / "gate.json").read_text())
    assert gate["passed"] is True
    assert gate["expectations"] > 20
    assert "products" in (folder / gate["docs"]).read_text()


def test_an_unchanged_night_adds_no_release(published: SampleNight) -> None:
    before = _releases(published)
    gate_release.main(published.argv())
    publish_release.main(published.argv())
    assert _releases(published) == before


def test_a_closed_gate_publishes_nothing(
    tmp_path: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop",), locales=("en",))
    live = _releases(night)
    _score_with_current_revision(night, fidelity=55.0)
    with pytest.raises(SystemExit) as stop:
        gate_release.main(night.argv())
    assert stop.value.code == 2
    assert "fidelity_after_encoding" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        publish_release.main(night.argv())
    assert _releases(night) == live
    gate = json.loads((night.state / "reports" / "2026-11-21" / "gate.json").read_text())
    assert gate["passed"] is False
    assert [item["table"] for item in gate["failed"] if item["severity"] == "stop"] == ["assets"]


def test_an_absent_merchant_keeps_its_pictures(spark: SparkSession) -> None:
    live = spark.createDataFrame(
        [("a", "1", "r", "2026-01-01"), ("b", "2", "r", "2026-01-01"), ("gone", "3", "r", "2026-01-01")],
        "merchant_id string, asset_id string, release_id string, run_date string",
    )
    kept = kept_assets(live, merchants_tonight=["a"], merchants=["a", "b"]).collect()
    assert [(row["merchant_id"], row["asset_id"]) for row in kept] == [("b", "2")]


def test_the_content_hash_ignores_order_and_sees_every_change(spark: SparkSession) -> None:
    schema = "asset_id string, sha256 string"
    rows = [("a", "1"), ("b", "2"), ("c", "3")]
    first = assets_hash(spark.createDataFrame(rows, schema))
    assert assets_hash(spark.createDataFrame(rows[::-1], schema).repartition(3)) == first
    for other in ([("a", "1"), ("b", "2")], [("a", "2"), ("b", "1"), ("c", "3")], [*rows, rows[0], rows[0]]):
        assert assets_hash(spark.createDataFrame(other, schema)) != first
