"""Recall, vacuum and verify on a real S3 server, and what happens when it refuses to delete in the middle."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.object_store import LocalStore, open_store
from infra.releases import read_release
from infra.settings import load_config
from infra.tables import read_table, replace_rows
from tests.jobs.releases.test_commands import assets_of, next_release, run
from tests.jobs.sample_night import SampleNight, make_sample_night
from tests.slow.fault_proxy import FaultProxy
from tests.slow.test_s3 import BUCKET, BUILD_TIMEOUT_S, _names, endpoint
from tests.slow.test_s3_faults import proxy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["endpoint", "proxy"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_TIMEOUT_S + 100)]


@pytest.fixture
def night(proxy: FaultProxy, tmp_path: Path) -> SampleNight:
    """A made-up night whose objects lie in the bucket, under a prefix of its own."""
    made = make_sample_night(tmp_path, products=2, merchants=("shop", "other"), locales=("en",), size_px=64)
    with made.config.open("a", encoding="utf-8") as config:
        config.write(f'''
[store]
kind = "s3"
bucket = "{BUCKET}"
prefix = "{tmp_path.name}"
endpoint_url = "{proxy.url}"
''')
    local, bucket = LocalStore(made.state / "store"), open_store(load_config(made.config).store, made.state)
    for uri in _uris(assets_of(made)):
        bucket.put(uri, local.get(uri))
        local.delete(uri)
    return made


def _below(endpoint: str, night: SampleNight, kind: str) -> set[str]:
    prefix = f"{load_config(night.config).store.prefix}/"
    return {name.removeprefix(prefix) for name in _names(endpoint, prefix + kind)}


def _uris(assets: list[dict[str, Any]]) -> set[str]:
    return {asset["uri"] for asset in assets}


def test_a_recall_that_the_store_refuses_in_the_middle_is_finished_by_the_same_command(
    night: SampleNight,
    proxy: FaultProxy,
    endpoint: str,
    spark: SparkSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything, first = assets_of(night), read_release(night.state).row["release_id"]
    segment = everything[0]["segment_id"]
    going = [asset for asset in everything if asset["segment_id"] == segment]
    staying = [asset for asset in everything if asset not in going]
    uris = _uris(going) - _uris(staying)
    assert len(uris) > 1
    drop = night.state / "drops" / "shop" / first
    drop.mkdir(parents=True)
    (drop / "manifest.csv").write_text("distributed")
    proxy.deletes_left = 1
    order = ("recall", "--segment", segment, "--why", "they do not want it")
    assert run(night, *order) == 1
    said = capsys.readouterr().err
    assert "AccessDenied" in said and "give the same command again" in said
    assert _uris(assets_of(night)) == _uris(staying), "the live release is without it at once"
    assert not drop.exists()
    assert len(_below(endpoint, night, "pictures/") & uris) > 0

    proxy.deletes_left = None
    assert run(night, *order) == 0
    assert not _below(endpoint, night, "pictures/") & uris
    assert _below(endpoint, night, "recalled/") == {f"recalled/{uri}" for uri in uris}
    assert _uris(staying) <= _below(endpoint, night, "pictures/")
    (recalled,) = read_table(night.state, "recalls").to_pylist()
    with (night.state / "recalls" / f"{recalled['recall_id']}.csv").open(encoding="utf-8-sig") as listed:
        told = list(csv.DictReader(listed))
    assert {row["asset_id"] for row in told} == {asset["asset_id"] for asset in going}
    live = read_release(night.state).row["release_id"]
    assert (night.state / "drops" / "shop" / f"{live}.zip").exists()
    assert run(night, "verify") == 0


def test_a_vacuum_that_the_store_refuses_in_the_middle_is_finished_by_the_same_command(
    night: SampleNight, proxy: FaultProxy, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = assets_of(night)
    going = [asset for asset in everything if asset["segment_id"] == everything[0]["segment_id"]]
    staying = [asset for asset in everything if asset not in going]
    second = next_release(night, staying)
    third = next_release(night, staying[1:])
    units = read_table(night.state, "work_units")
    replace_rows(night.state, "work_units", units.slice(0, 0), "run_date = '2026-11-21'")
    gone = _uris(going) - _uris(staying)
    assert len(gone) > 2
    before = _below(endpoint, night, "pictures/")
    assert run(night, "vacuum", "--keep", "2", "--dry-run") == 0
    assert _below(endpoint, night, "pictures/") == before
    assert run(night, "diff", second["release_id"], third["release_id"]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1].split(": ")[1])
    (shown,) = re.findall(r'<img[^>]* src="([^"]+)"', page.read_text(encoding="utf-8"))
    assert (page.parent / shown).is_file(), "the store is not on this machine"
    proxy.deletes_left = 1
    assert run(night, "vacuum", "--keep", "2") == 1
    assert "AccessDenied" in capsys.readouterr().err
    assert _below(endpoint, night, "pictures/") & gone
    for release in (second, third):
        assert run(night, "verify", release["release_id"]) == 0
    proxy.deletes_left = None
    assert run(night, "vacuum", "--keep", "2") == 0
    assert not _below(endpoint, night, "pictures/") & gone
    for release in (second, third):
        assert run(night, "verify", release["release_id"]) == 0
    left = {row["asset_id"] for row in read_table(night.state, "candidates").to_pylist()}
    assert not left & {asset["asset_id"] for asset in going}
