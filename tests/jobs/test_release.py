"""Gate and publishing on a made-up night: what passes is published once, what fails is not published at all."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from infra.settings import load_config
from infra.spark import read_delta
from infra.tables import append_rows, read_table, rows_to_table
from jobs import gate_release, publish_release
from jobs.release_assets import assets_hash, kept_assets, waiting_assets
from schemas.revisions import scorer_revision
from tests.jobs.sample_night import SampleNight, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


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


def test_a_live_picture_stays_while_its_successor_waits_and_it_says_nothing_wrong(
    published: SampleNight, spark: SparkSession
) -> None:
    live = read_delta(spark, published.state, "assets")
    plan = read_delta(spark, published.state, "work_units")
    (first, second) = live.orderBy("asset_id").limit(2).collect()

    def kept(change: dict[str, Any], assets: DataFrame | None = None) -> set[str]:
        successors = (
            plan.join(live.select("asset_id", "product_hash"), on="asset_id", how="left_semi")
            .drop("product_hash")
            .join(live.select("asset_id", "product_hash"), on="asset_id", how="inner")
            .withColumns({"status": F.lit("deferred"), "variant": F.lit(0)})
            .withColumn("asset_id", F.sha2("asset_id", 256))
        )
        for name, value in change.items():
            successors = successors.withColumn(
                name, F.when(F.col("sku") == first["sku"], F.lit(value)).otherwise(F.col(name))
            )
        made = live.drop("release_id", "run_date")
        rows = waiting_assets(live, successors, plan, made.where("FALSE") if assets is None else assets)
        assert rows.columns == made.columns
        return {row["asset_id"] for row in rows.collect()}

    all_live = {row["asset_id"] for row in live.collect()}
    of_first = {row["asset_id"] for row in live.where(F.col("sku") == first["sku"]).collect()}
    assert 0 < len(of_first) < len(all_live)
    # Another layout, other words from the same record: what hangs in the shop is still true.
    assert kept({"renderer_revision": "another", "instruction_hash": "f" * 64}) == all_live
    for change in (
        {"product_hash": "f" * 64},
        {"image_sha256": "f" * 64},
        {"offer": '{"price_minor": 1}'},
        {"look": "plain"},
        {"width_px": 7},
        {"status": "to_do"},
    ):
        assert kept(change) == all_live - of_first, change
    another = live.drop("release_id", "run_date").where(F.col("asset_id") == second["asset_id"])
    assert kept({}, another) == all_live - {second["asset_id"]}


def test_a_night_under_a_cap_drops_no_true_picture(tmp_path: Path, spark: SparkSession) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop",), locales=("en",), published=False)
    _score_with_current_revision(night)
    gate_release.main(night.argv())
    publish_release.main(night.argv())
    live = read_table(night.state, "assets").to_pylist()
    facts = {(row["merchant_id"], row["sku"]): row["product_hash"] for row in live}
    units = [
        row | {"product_hash": facts.get((row["merchant_id"], row["sku"]))}
        for row in read_table(night.state, "work_units").to_pylist()
    ]
    # A later night planned all anew, with another layout, and had the means for none.
    tonight = night.run_date + dt.timedelta(days=1)
    for name in ("products", "segments", "segment_affinity", "personas", "instructions"):
        rows = [row | {"run_date": tonight} for row in read_table(night.state, name).to_pylist()]
        append_rows(night.state, name, rows_to_table(name, rows))
    deferred = [
        row
        | {
            "asset_id": f"{n:064x}",
            "status": "deferred",
            "reason": "new_method_revision",
            "run_date": tonight,
        }
        for n, row in enumerate(units)
        if row["status"] != "retired"
    ]
    append_rows(night.state, "work_units", rows_to_table("work_units", deferred))
    later = [f"--run-date={tonight}", *night.argv()[1:]]
    gate_release.main(later)
    publish_release.main(later)
    assert len(_releases(night)) == 1  # the same pictures: nothing to publish


def test_the_content_hash_ignores_order_and_sees_every_change(spark: SparkSession) -> None:
    schema = "asset_id string, sha256 string"
    rows = [("a", "1"), ("b", "2"), ("c", "3")]
    first = assets_hash(spark.createDataFrame(rows, schema))
    assert assets_hash(spark.createDataFrame(rows[::-1], schema).repartition(3)) == first
    for other in ([("a", "1"), ("b", "2")], [("a", "2"), ("b", "1"), ("c", "3")], [*rows, rows[0], rows[0]]):
        assert assets_hash(spark.createDataFrame(other, schema)) != first
