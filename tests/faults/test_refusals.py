"""A disk that is full, a store that refuses, a clock that goes back: a clear stop, nothing corrupt, and on it goes."""

from __future__ import annotations

import datetime as dt
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from infra import releases
from infra.object_store import LocalStore, object_key
from infra.releases import add_release, all_releases, live_release, pinned_versions
from infra.tables import Appended, open_table, read_night, read_table, table_version
from ray_tasks import build_product_views, make_candidates, score_candidates
from tests.faults.invariants import broken_objects, twice, uncommitted_pictures
from tests.faults.undrawn import make_undrawn_night
from tests.infra.test_night import release_row
from tests.jobs.sample_night import RUN_DATE, SampleNight
from tests.ray_tasks.test_failures import here


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses every byte of a file beyond `size`, as a full disk does in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleNight:
    monkeypatch.setattr(make_candidates, "map_rows", here)
    return make_undrawn_night(tmp_path, products=3)


def _first(night: SampleNight) -> set[str]:
    units = read_night(night.state, "work_units", RUN_DATE).to_pylist()
    return {unit["asset_id"] for unit in units if unit["variant"] == 0}


def _goes_on(night: SampleNight) -> None:
    """The same command makes what is missing, once, and leaves no litter."""
    assert twice(night.state) == []
    make_candidates.main(night.argv())
    made = read_table(night.state, "candidates", columns=["asset_id"])["asset_id"].to_pylist()
    assert sorted(made) == sorted(_first(night))
    assert uncommitted_pictures(night.state) == 0
    assert not [path for path in (night.state / "store").rglob(".*") if path.is_file()]


def test_a_disk_that_is_full_while_pictures_are_stored(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    with largest_file(4096), pytest.raises(SystemExit) as stop:
        make_candidates.main(night.argv())
    assert stop.value.code in {1, 2}
    said = capsys.readouterr().err
    assert "File too large" in said
    assert not list((night.state / "store" / "pictures").rglob("*.jpg"))
    _goes_on(night)


def test_a_disk_that_is_full_while_a_table_is_written(
    night: SampleNight, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = Appended._commit
    before = table_version(night.state, "candidates")

    def on_a_full_disk(*arguments: Any) -> None:
        with largest_file(2000):
            commit(*arguments)

    with monkeypatch.context() as full:
        full.setattr(Appended, "_commit", on_a_full_disk)
        with pytest.raises(SystemExit) as stop:
            make_candidates.main(night.argv())
    assert stop.value.code == 1
    assert "too large" in capsys.readouterr().err
    assert table_version(night.state, "candidates") == before
    assert 0 < uncommitted_pictures(night.state) < len(_first(night))
    _goes_on(night)


@contextmanager
def full_disk(night: SampleNight, left: int) -> Iterator[None]:
    """The file system of a night's state has `left` bytes, until it is left.

    Where this process may not mount one that can be filled, the pictures' side files lead to /dev/full, which the
    kernel refuses as it does a full disk.
    """
    if not os.path.ismount(night.state.parent):
        for asset_id in _first(night):
            picture = LocalStore(night.state / "store").path(object_key("pictures", asset_id, "jpg"))
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.with_name(f".{picture.name}.{os.getpid()}").symlink_to("/dev/full")
        yield
        return
    filler = night.state.parent / "of somebody else"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(100_000))
            file.flush()
    os.truncate(filler, max(0, filler.stat().st_size - left))
    yield
    filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder, and a file system of its own in memory where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    with suppress(OSError):
        subprocess.run(command, capture_output=True, timeout=20)
    yield folder
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


@pytest.mark.parametrize("left", [0, 30_000, 150_000])
def test_a_disk_that_is_full(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], left: int
) -> None:
    monkeypatch.setattr(make_candidates, "map_rows", here)
    night = make_undrawn_night(small_disk, products=3)
    with full_disk(night, left):
        with pytest.raises(SystemExit) as stop:
            make_candidates.main(night.argv())
        assert stop.value.code in {1, 2}
        assert "No space left on device" in capfd.readouterr().err
        assert not [uri for uri in broken_objects(night.state) if uri.startswith("pictures/")]
    _goes_on(night)


def test_a_store_that_refuses_to_write(night: SampleNight, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = night.state / "store" / "pictures"
    pictures.write_bytes(b"a file where the folder should be")
    with pytest.raises(SystemExit) as stop:
        make_candidates.main(night.argv())
    assert stop.value.code == 2
    assert "x NotADirectoryError: " in capsys.readouterr().err
    pictures.unlink()
    _goes_on(night)


def test_a_store_that_refuses_cut_outs_refuses_no_image(
    night: SampleNight, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_product_views, "map_rows", here)
    open_table(night.state, "product_views").delete()
    cutouts = night.state / "store" / "cutouts"
    shutil.rmtree(cutouts)
    cutouts.write_bytes(b"a file where the folder should be")
    with pytest.raises(SystemExit) as stop:
        build_product_views.main(night.argv())
    assert stop.value.code == 2
    assert "x NotADirectoryError: " in capsys.readouterr().err
    views = read_table(night.state, "product_views", columns=["reason"])["reason"].to_pylist()
    assert build_product_views.FAILED not in views
    cutouts.unlink()
    build_product_views.main(night.argv())
    images = read_night(night.state, "products", RUN_DATE, columns=["image_sha256"])["image_sha256"]
    assert read_table(night.state, "product_views").num_rows == len(set(images.drop_null().to_pylist()))
    assert (twice(night.state), broken_objects(night.state)) == ([], [])


def test_pictures_that_are_away_when_they_are_scored_stop_the_stage_and_are_scored_when_they_are_back(
    night: SampleNight, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(score_candidates, "map_rows", here)
    make_candidates.main(night.argv())
    pictures = night.state / "store" / "pictures"
    pictures.rename(pictures.with_name("away"))
    with pytest.raises(SystemExit) as stop:
        score_candidates.main(night.argv())
    assert stop.value.code == 2
    assert re.search(r"due failed, above the error budget .*: \d+ x object_missing", capsys.readouterr().err)
    pictures.with_name("away").rename(pictures)
    score_candidates.main(night.argv())
    assert read_table(night.state, "scores").num_rows == len(_first(night))


def test_a_clock_that_goes_back_does_not_bring_an_older_release_to_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.tables import ensure_tables

    ensure_tables(tmp_path)

    def publish(name: str, night: dt.date) -> dict[str, Any]:
        row = release_row(night, name, 0) | {"table_versions": pinned_versions(tmp_path)}
        return add_release(tmp_path, row, asked=False)

    class Yesterday(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime.now(tz) - dt.timedelta(days=1)

    class Clock:
        datetime, UTC = Yesterday, dt.UTC

    publish("first", RUN_DATE)
    monkeypatch.setattr(releases, "dt", Clock)
    publish("second", RUN_DATE)
    rows = all_releases(tmp_path)
    assert rows[0]["created_at"] > rows[1]["created_at"]
    assert [row["sequence"] for row in rows] == [1, 2]
    live = live_release(tmp_path)
    assert live is not None
    assert live["release_id"] == "second"
    # A night of the day that the clock shows now is one of the past.
    assert publish("third", RUN_DATE - dt.timedelta(days=1))["status"] == "backfilled"
    shutil.rmtree(tmp_path / "warehouse")
