"""Whole drops from a made-up night."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from infra.records import report_dir, write_record
from infra.releases import all_releases, pinned_versions
from infra.tables import append_rows, read_table, replace_rows, rows_to_table
from jobs import build_drops
from jobs.build_drops import main
from jobs.drops.release_rows import held_release, tonights_release
from tests.jobs.sample_night import RUN_DATE, SampleNight, make_sample_night


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> SampleNight:
    made = make_sample_night(tmp_path_factory.mktemp("night"), products=2, size_px=256)
    main(made.argv())
    return made


def folder_of(night: SampleNight, merchant: str) -> Path:
    return night.state / "drops" / merchant / night.release_id


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_csv(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("merchant", ["north_shop", "south_shop"])
def test_every_asset_of_the_release_is_a_file_with_its_hash(night: SampleNight, merchant: str) -> None:
    folder = folder_of(night, merchant)
    manifest = json.loads((folder / "manifest.json").read_text())["pictures"]
    assets = read_table(night.state, "assets", filters=[("merchant_id", "=", merchant)])
    assert {row["asset_id"] for row in manifest} == set(assets["asset_id"].to_pylist())
    on_disk = {name for name in files_of(folder) if name.startswith("pictures/")}
    assert on_disk == {row["file"] for row in manifest} and len(on_disk) == len(manifest) > 20
    for row in manifest:
        data = (folder / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"] and len(data) == row["bytes"]
        assert (folder / row["file"]).resolve().is_relative_to(folder.resolve())
    assert [row["sha256"] for row in read_csv(folder / "manifest.csv")] == [row["sha256"] for row in manifest]
    checked = subprocess.run(
        ["sha256sum", "-c", "manifest.sha256"], cwd=folder, capture_output=True, text=True
    )
    assert checked.stdout.count(": OK\n") == len(manifest), checked.stderr


def test_the_zip_is_the_folder_and_opens_without_tricks(night: SampleNight) -> None:
    folder = folder_of(night, "north_shop")
    with zipfile.ZipFile(folder.with_suffix(".zip")) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files_of(folder)
        assert all(".." not in name and not name.startswith("/") for name in archive.namelist())
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_a_merchant_never_sees_a_row_of_another(night: SampleNight) -> None:
    for merchant, other in (("north_shop", "south_shop"), ("south_shop", "north_shop")):
        assets = read_table(night.state, "assets", filters=[("merchant_id", "=", other)]).to_pylist()
        products = read_table(night.state, "products", filters=[("merchant_id", "=", other)]).to_pylist()
        theirs = {asset["asset_id"] for asset in assets} | {f"{other}-", f"{other}.csv", other}
        theirs |= {product["sku"] for product in products if product["sku"].startswith(other[0].upper())}
        for name, data in files_of(folder_of(night, merchant)).items():
            found = [mark for mark in theirs if mark.encode() in data or mark in name]
            assert not found, f"{merchant}/{name} holds {found} of {other}"


def test_every_product_without_all_its_faces_has_a_reason(night: SampleNight) -> None:
    rows = read_csv(folder_of(night, "north_shop") / "not_included.csv")
    reasons = {row["sku"]: row for row in rows}
    assert reasons["north_shop-bare"]["reason"] == "image_missing"
    assert reasons["north_shop-blurred"]["reason"] == "edges_unclear"
    assert "plain one" in reasons["north_shop-blurred"]["explanation"]
    faint = reasons["north_shop-faint"]
    assert (faint["pictures"], faint["wanted"], faint["missing"]) == ("4", "6", "2")
    assert faint["explanation"] == "All 3 attempts were rejected: product too faint, text contrast."
    assert reasons[""]["where"] == "north_shop.csv line 7"
    products = read_table(night.state, "products", filters=[("merchant_id", "=", "north_shop")])
    manifest = json.loads((folder_of(night, "north_shop") / "manifest.json").read_text())["pictures"]
    complete = {sku for sku in products["sku"].to_pylist() if sum(r["sku"] == sku for r in manifest) == 6}
    assert complete.isdisjoint(reasons) and len(complete) + len(reasons) - 1 == products.num_rows


def test_no_cell_is_a_formula(night: SampleNight) -> None:
    for name in ("manifest.csv", "not_included.csv"):
        for row in read_csv(folder_of(night, "north_shop") / name):
            assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=cmd|' /C calc'!A0" in {
        r["sku"] for r in read_csv(folder_of(night, "north_shop") / "manifest.csv")
    }


def test_contact_sheet_and_readme(night: SampleNight) -> None:
    folder = folder_of(night, "north_shop")
    with Image.open(folder / "contact_sheet.jpg") as sheet:
        assert sheet.width > 900 and sheet.height > 700
        assert b"digitalsourcetype" in sheet.info["xmp"]
    text = (folder / "README.txt").read_text()
    assert "34 pictures of 6 of 8 products" in text and "made by a machine" in text
    assert "changes.csv" not in text, "there is none in the first drop"


def test_the_same_release_gives_the_same_bytes_and_is_left_alone(night: SampleNight) -> None:
    folder = folder_of(night, "north_shop")
    zip_path = folder.with_suffix(".zip")
    before, stamp = zip_path.read_bytes(), zip_path.stat().st_mtime_ns
    assert zip_path in main(night.argv())
    assert zip_path.stat().st_mtime_ns == stamp
    (folder / "README.txt").unlink()
    main(night.argv())
    assert zip_path.stat().st_mtime_ns != stamp
    assert zip_path.read_bytes() == before and (folder / "README.txt").exists()


def test_pictures_kept_from_an_earlier_night_are_delivered(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, locales=("en",), size_px=64)
    for name in ("products", "personas", "instructions", "work_units"):
        replace_rows(night.state, name, rows_to_table(name, []), "merchant_id = 'north_shop'")
    main(night.argv())
    text = (folder_of(night, "north_shop") / "README.txt").read_text()
    assert "14 pictures of 5 of 5 products" in text
    assert (folder_of(night, "north_shop") / "contact_sheet.jpg").exists()


def test_newer_code_tells_of_a_drop_that_it_makes_again_what_its_night_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, locales=("en",), size_px=64)
    for name in ("views_revision", "scorer_revision"):
        monkeypatch.setattr(build_drops, name, lambda _: "newer")
    main(night.argv())
    rows = read_csv(folder_of(night, "north_shop") / "not_included.csv")
    reasons = {row["sku"]: row["reason"] for row in rows}
    assert reasons["north_shop-blurred"] == "edges_unclear"
    assert reasons["north_shop-faint"] == "product_too_faint+text_contrast"


def test_the_next_drop_tells_what_changed(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, locales=("en",), size_px=64)
    gone, redrawn, *others = read_table(night.state, "assets").to_pylist()
    new = [asset | {"release_id": "next"} for asset in (redrawn, *others)]
    new[0] |= {name: gone[name] for name in ("uri", "sha256", "bytes")}
    replace_rows(night.state, "assets", rows_to_table("assets", new), "release_id = 'next'")
    (first,) = all_releases(night.state)
    later = {"release_id": "next", "sequence": 2, "previous_release_id": first["release_id"]}
    later |= {"table_versions": pinned_versions(night.state), "asset_count": len(new)}
    append_rows(night.state, "releases", rows_to_table("releases", [first | later]))
    main(night.argv())
    folder = night.state / "drops" / "north_shop" / "next"
    told = {row["change"]: row for row in read_csv(folder / "changes.csv")}
    assert told.keys() == {"replaced", "removed"}
    assert told["replaced"]["sha256"] == gone["sha256"]
    assert (told["removed"]["segment_id"], told["removed"]["file"]) == (gone["segment_id"], "")
    assert {row["earlier_release_id"] for row in told.values()} == {first["release_id"]}
    with zipfile.ZipFile(folder.with_name("next.changes.zip")) as archive:
        assert {name for name in archive.namelist() if name.startswith("pictures/")} == {
            told["replaced"]["file"]
        }
        assert archive.read("manifest.csv") == (folder / "manifest.csv").read_bytes()
    assert f"since release {first['release_id']};" in (folder / "README.txt").read_text()


@pytest.mark.parametrize("damage", ["missing", "wrong"])
def test_a_damaged_object_stops_the_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, locales=("en",), size_px=64)
    asset = read_table(night.state, "assets").to_pylist()[0]
    path = night.state / "store" / asset["uri"]
    path.unlink() if damage == "missing" else path.write_bytes(b"other bytes")
    with pytest.raises(SystemExit):
        main(night.argv())
    message = capsys.readouterr().err
    assert asset["asset_id"] in message and "restore it" in message
    assert damage == "missing" or asset["sha256"] in message
    assert not folder_of(night, "north_shop").exists()


def test_without_a_release_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, size_px=64, published=False)
    with pytest.raises(SystemExit):
        main(night.argv())
    assert "no release of 2026-11-21 is published" in capsys.readouterr().err
    assert not (night.state / "drops").exists()


def test_a_night_that_was_rolled_back_makes_no_drop(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, size_px=64)
    (release,) = read_table(night.state, "releases").to_pylist()
    back = release | {"release_id": "back", "run_date": RUN_DATE - dt.timedelta(days=1), "sequence": 2}
    back |= {"action": "rollback", "previous_release_id": release["release_id"]}
    append_rows(night.state, "releases", rows_to_table("releases", [back]))
    next_night = RUN_DATE + dt.timedelta(days=1)
    write_record(
        report_dir(night.state, next_night) / "gate.json",
        {"passed": True, "release_id": release["release_id"]},
    )
    assert tonights_release(night.state, next_night) is None
    assert held_release(night.state, next_night)


def test_a_past_night_behind_a_newer_release_makes_no_drop(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, size_px=64, published=False)
    late = {"release_id": "late", "run_date": dt.date(2026, 11, 21), "sequence": 2, "status": "backfilled"}
    late |= {"content_hash": "0" * 64, "asset_count": 0, "product_count": 0, "merchants": [], "revisions": []}
    late |= {
        "table_versions": pinned_versions(night.state),
        "gate_report": "",
        "comment": "",
        "created_by": "test",
    }
    late |= {"created_at": dt.datetime(2026, 11, 22, tzinfo=dt.UTC), "previous_release_id": None}
    append_rows(night.state, "releases", rows_to_table("releases", [late]))
    assert main(night.argv()) == []
    assert not (night.state / "drops").exists()
