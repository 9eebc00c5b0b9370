"""The release commands on a made-up night with real objects: each is run as a person would."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.object_store import LocalStore, object_key
from infra.releases import add_release, pinned_versions, read_release
from infra.tables import (
    append_rows,
    night_predicate,
    open_table,
    query_tables,
    read_table,
    replace_rows,
    rows_to_table,
)
from jobs import build_drops, build_report, gate_release, publish_release
from jobs.releases.__main__ import main
from schemas.config import Quality
from schemas.revisions import scorer_revision
from tests.infra.test_releases import sha
from tests.jobs.sample_night import HOSTILE, RUN_DATE, SampleNight, make_sample_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def night(tmp_path: Path) -> SampleNight:
    return make_sample_night(tmp_path, products=2, merchants=("shop", "other"), locales=("en",))


def run(night: SampleNight, *words: str) -> int:
    return main([*words, f"--state={night.state}", f"--config={night.config}"])


def next_release(night: SampleNight, assets: list[dict[str, Any]], action: str = "night") -> dict[str, Any]:
    """A release of the day after with these assets."""
    name, day = sha(repr(assets))[:16], RUN_DATE + dt.timedelta(days=1)
    rows = [asset | {"release_id": name, "run_date": day} for asset in assets]
    replace_rows(night.state, "assets", rows_to_table("assets", rows), f"release_id = '{name}'")
    row = read_release(night.state).row | {
        "release_id": name, "run_date": day, "content_hash": sha(name), "asset_count": len(rows),
        "action": action, "assets_release_id": None, "table_versions": pinned_versions(night.state),
    }  # fmt: skip
    return add_release(night.state, row, asked=False)


def assets_of(night: SampleNight) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_release(night.state).table("assets").to_pylist()
    return sorted(rows, key=lambda row: row["asset_id"])


def test_a_rollback_is_one_new_row_and_can_be_taken_back(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    before = assets_of(night)
    bad = next_release(night, before[:3])
    assert run(night, "rollback", "--why", "half of it is missing", "--who", "ada") == 0
    said = capsys.readouterr().out
    assert f"before: {bad['release_id']}" in said
    assert f"make them by: python -m jobs.build_drops --run-date {RUN_DATE}" in said
    live = read_release(night.state)
    assert assets_of(night) == before
    assert (live.row["action"], live.row["created_by"], live.row["comment"]) == (
        "rollback", "ada", "half of it is missing",
    )  # fmt: skip
    assert run(night, "rollback", "--why", "once more") == 2
    assert "there is nothing to go back to" in capsys.readouterr().err
    assert run(night, "publish", bad["release_id"], "--why", "it was right after all") == 0
    assert len(assets_of(night)) == 3
    for merchant in night.merchants:
        drop = night.state / "drops" / merchant / f"{night.release_id}.zip"
        drop.parent.mkdir(parents=True)
        drop.write_bytes(b"made in the night")
    capsys.readouterr()
    assert run(night, "rollback", "--why", "it was wrong after all") == 0
    assert capsys.readouterr().out.endswith(f"drops/<merchant>/{night.release_id}.zip\n")
    assert run(night, "publish", bad["release_id"], "--why", "for the last time") == 0
    assert run(night, "publish", bad["release_id"], "--why", "twice") == 2
    assert "is live already" in capsys.readouterr().err
    assert run(night, "list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 6
    assert [line for line in listed if re.search(r"\blive\b", line)] == listed[-1:]


def test_a_rollback_goes_past_what_was_rolled_back(night: SampleNight) -> None:
    good = assets_of(night)
    next_release(night, good[:3])
    assert run(night, "rollback", "--why", "half of it is missing") == 0
    next_release(night, good[:4])
    assert run(night, "rollback", "--why", "the next one is no better") == 0
    assert assets_of(night) == good
    next_release(night, good[:5])
    next_release(night, good[:6])
    assert run(night, "rollback", "--why", "the second of two") == 0
    assert len(assets_of(night)) == 5
    assert run(night, "rollback", "--why", "the first of two") == 0
    assert assets_of(night) == good
    next_release(night, good[:5])
    next_release(night, good[:4], "recall")
    assert run(night, "rollback", "--why", "the night that something was recalled of is bad") == 0
    assert assets_of(night) == good


def test_the_page_of_a_night_says_when_its_release_was_rolled_back(night: SampleNight) -> None:
    tomorrow = night.run_date + dt.timedelta(days=1)
    bad = next_release(night, assets_of(night)[:3])
    argv = [f"--run-date={tomorrow}", f"--state={night.state}", f"--config={night.config}"]
    (page,) = build_report.main(argv)

    def badge() -> str:
        (line,) = re.findall(r'<p class="state">.*?</p>', page.read_text(encoding="utf-8"))
        return str(line)

    assert bad["run_date"] == tomorrow and ">published<" in badge()
    assert run(night, "rollback", "--why", "<b>half</b> is missing", "--who", "ada") == 0
    live = read_release(night.state).row["release_id"]
    assert ">rolled back<" in badge()
    assert "rollback by ada, " in badge() and ": &lt;b&gt;half&lt;/b&gt; is missing; " in badge()
    assert f"<code>{live}</code> is live" in badge() and bad["release_id"] in badge()
    assert f"<title>Night of {tomorrow} · rolled back</title>" in page.read_text(encoding="utf-8")
    rewritten = page.read_text(encoding="utf-8")
    assert build_report.main(argv) == [page] and badge() in rewritten
    assert run(night, "publish", bad["release_id"], "--why", "it was right after all") == 0
    assert ">published<" in badge() and "it was right after all" in badge()


def test_a_diff_says_what_changed_and_why(night: SampleNight, capsys: pytest.CaptureFixture[str]) -> None:
    assets = [asset for asset in assets_of(night) if asset["merchant_id"] == "shop"]
    other = [asset for asset in assets_of(night) if asset["merchant_id"] == "other"]
    gone, picture, facts, words, method, *rest = assets
    products = [
        row | {"run_date": RUN_DATE + dt.timedelta(days=1)}
        for row in read_table(night.state, "products").to_pylist()
        if (row["merchant_id"], row["sku"]) != (gone["merchant_id"], gone["sku"])
    ]
    replace_rows(night.state, "products", rows_to_table("products", products), "run_date = '2026-11-22'")
    stays = [asset for asset in (picture, facts, words, method, *rest) if asset["sku"] != gone["sku"]]
    changes = {
        picture["asset_id"]: {"image_sha256": sha("new photo")},
        facts["asset_id"]: {"product_hash": sha("new facts")},
        words["asset_id"]: {"instruction_hash": sha("new words")},
        method["asset_id"]: {"scene_revision": "scene-2"},
    }
    newer = [
        asset | changes[asset["asset_id"]] | {"sha256": sha(asset["sha256"])}
        if asset["asset_id"] in changes
        else asset
        for asset in stays
    ]
    waits, *other = other
    for name, change in (("personas", {}), ("work_units", {"status": "deferred"})):
        rows = [
            row | change | {"run_date": RUN_DATE + dt.timedelta(days=1)}
            for row in read_table(night.state, name).to_pylist()
            if (row["merchant_id"], row["sku"]) == (waits["merchant_id"], waits["sku"])
        ]
        replace_rows(night.state, name, rows_to_table(name, rows), "run_date = '2026-11-22'")
    next_release(night, [*newer, *other])
    assert run(night, "diff", night.release_id) == 0
    out = capsys.readouterr().out
    counted = {(line.split()[1], line.split()[2]): int(line.split()[3]) for line in out.splitlines()[:-1]}
    same_sku = [asset for asset in assets if asset["sku"] == gone["sku"]]
    assert counted["removed", "product_gone"] == len(same_sku)
    expected = {
        why for changed, why in (
            (picture, "changed_picture"), (facts, "changed_facts"),
            (words, "changed_instruction"), (method, "new_method_revision"),
        ) if changed["sku"] != gone["sku"]
    }  # fmt: skip
    assert {why for change, why in counted if change == "changed"} == expected
    assert re.findall(r"^other +(.*?) +(\S+) +(\d+)$", out, re.M) == [("removed", "deferred", "1")]
    page = Path(out.splitlines()[-1].split(": ")[1])
    html = page.read_text(encoding="utf-8")
    pictures = re.findall(r'src="([^"]+)"', html)
    assert pictures and all((page.parent / name).is_file() for name in pictures)
    run(night, "diff", night.release_id, night.release_id)
    assert capsys.readouterr().out.startswith("0 differences")


def test_verify_finds_what_is_missing_and_what_was_changed(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(night, "verify") == 0
    assert capsys.readouterr().out.endswith(" 0 faults\n")
    missing, changed = assets_of(night)[:2]
    (night.state / "store" / missing["uri"]).unlink()
    (night.state / "store" / changed["uri"]).write_bytes(b"something else")
    assert run(night, "verify") == 1
    out = capsys.readouterr().out
    assert f"missing: {missing['uri']}" in out
    assert f"changed: {changed['uri']}" in out


def test_what_is_recalled_is_gone_everywhere_and_stays_gone(
    tmp_path: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    night = make_sample_night(tmp_path, products=2, merchants=("shop", "other"), published=False)
    rows = read_table(night.state, "scores").to_pylist()
    admitted = {
        "scorer_revision": scorer_revision(Quality()),
        "measurements": [{"name": "fidelity_mean_abs", "value": 1.0}],
    }
    append_rows(night.state, "scores", rows_to_table("scores", [row | admitted for row in rows]))
    for stage in (gate_release, publish_release, build_drops):
        stage.main(night.argv())
    first = read_release(night.state)
    sku = HOSTILE[1][0]
    everything = assets_of(night)
    going = [asset for asset in everything if (asset["merchant_id"], asset["sku"]) == ("shop", sku)]
    staying = [asset for asset in everything if asset not in going]
    uris = {asset["uri"] for asset in going} - {asset["uri"] for asset in staying}
    drop = night.state / "drops" / "shop"
    assert (drop / f"{first.row['release_id']}.zip").exists()

    assert run(night, "recall", "--sku", f"shop/{sku}", "--why", "the maker asked for it") == 0
    live = read_release(night.state)
    left = {asset["asset_id"] for asset in assets_of(night)}
    assert left == {asset["asset_id"] for asset in staying}
    assert live.row["action"] == "recall"
    assert not (drop / f"{first.row['release_id']}.zip").exists()
    assert not (drop / first.row["release_id"]).exists()
    assert (drop / f"{live.row['release_id']}.zip").exists()
    assert sku not in (drop / live.row["release_id"] / "manifest.csv").read_text()
    missing = (drop / live.row["release_id"] / "not_included.csv").read_text(encoding="utf-8-sig")
    assert [row["reason"] for row in csv.DictReader(missing.splitlines()) if row["sku"] == f"'{sku}"] == [
        "recalled"
    ]
    for uri in uris:
        assert not (night.state / "store" / uri).exists()
        assert (night.state / "store" / "recalled" / uri).exists()
    (recalled,) = read_table(night.state, "recalls").to_pylist()
    assert (recalled["assets"], recalled["release_id"]) == (len(going), live.row["release_id"])
    with (night.state / "recalls" / f"{recalled['recall_id']}.csv").open(encoding="utf-8-sig") as file:
        listed = list(csv.DictReader(file))
    assert {row["sku"] for row in listed} == {f"'{sku}"}, "a spreadsheet must not take it for a formula"
    assert {row["asset_id"] for row in listed} == {asset["asset_id"] for asset in going}
    assert {row["release_id"] for row in listed} == {first.row["release_id"]}
    assert run(night, "verify") == 0
    assert run(night, "verify", first.row["release_id"]) == 0, "what was recalled is not missing"
    assert run(night, "diff", first.row["release_id"]) == 0
    told = capsys.readouterr().out
    assert re.search(rf"shop +removed +recalled +{len(going)}\n", told)
    page = Path(told.splitlines()[-1].split(": ")[1]).read_text(encoding="utf-8")
    assert page.count("withdrawn") == min(len(going), 6) and "<img" not in page

    assert run(night, "recall", "--sku", f"shop/{sku}", "--why", "the same command again") == 0
    assert read_release(night.state).row == live.row and read_table(night.state, "recalls").num_rows == 1
    for stage in (gate_release, publish_release):
        stage.main(night.argv())
    assert read_release(night.state).row == live.row, "the same night again brings nothing back"
    assert run(night, "rollback", first.row["release_id"], "--why", "try to bring it back") == 2
    assert "without what was recalled since, is what is live already" in capsys.readouterr().err
    last = next_release(night, staying[1:])
    assert run(night, "rollback", first.row["release_id"], "--why", "the last one is bad") == 0
    assert read_release(night.state).row["previous_release_id"] == last["release_id"]
    assert {asset["asset_id"] for asset in assets_of(night)} == left
    assert run(night, "recall", "--segment", "nobody", "--why", "typo") == 2
    assert "nothing was made from segment nobody" in capsys.readouterr().err

    units = read_table(night.state, "work_units").slice(0, 0)
    replace_rows(night.state, "work_units", units, night_predicate(night.run_date))
    assert run(night, "vacuum", "--keep", "1") == 0
    assert not [path for path in (night.state / "store" / "recalled").rglob("*") if path.is_file()]
    assert run(night, "verify") == 0


def test_each_kind_of_recall_takes_what_it_names_and_nothing_else(
    tmp_path: Path, spark: SparkSession
) -> None:
    night = make_sample_night(tmp_path, products=1, merchants=("shop", "other"), locales=("en",), size_px=64)
    everything = assets_of(night)
    kinds = {"asset": "asset_id", "image": "image_sha256", "segment": "segment_id", "model": "scene_revision"}
    for kind, column in kinds.items():
        before = assets_of(night)
        value = before[0][column]
        going = [asset for asset in before if asset[column] == value]
        staying = [asset for asset in before if asset not in going]
        assert run(night, "recall", f"--{kind}", value, "--why", "it has to go") == 0
        assert [asset["asset_id"] for asset in assets_of(night)] == [asset["asset_id"] for asset in staying]
        kept = {asset["uri"] for asset in staying}
        for asset in going:
            assert (night.state / "store" / asset["uri"]).exists() is (asset["uri"] in kept)
        (listed,) = (night.state / "recalls").glob(f"*-{kind}.csv")
        with listed.open(encoding="utf-8-sig") as file:
            ever = {asset["asset_id"] for asset in everything if asset[column] == value}
            assert {row["asset_id"] for row in csv.DictReader(file)} == ever, "also what was withdrawn before"
        delivered = "".join(path.read_text() for path in (night.state / "drops").rglob("manifest.json"))
        assert not [asset for asset in going if asset["asset_id"] in delivered]
        assert all(asset["asset_id"] in delivered for asset in staying)
        assert run(night, "verify") == 0
    assert assets_of(night) == [], "all were of one model"


def test_vacuum_keeps_all_that_a_kept_release_needs(
    night: SampleNight, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three releases; the oldest goes, with the pictures that only it holds."""
    everything = assets_of(night)
    first = read_release(night.state)
    second = next_release(night, everything[1:])
    units = [
        row | {"run_date": RUN_DATE + dt.timedelta(days=1)}
        for row in read_table(night.state, "work_units").to_pylist()
        if row["asset_id"] in {asset["asset_id"] for asset in everything[2:]}
    ]
    replace_rows(night.state, "work_units", rows_to_table("work_units", units), "run_date = '2026-11-22'")
    third = next_release(night, everything[2:])
    half_done = sha("stored, then killed")
    late = [units[0] | {"asset_id": half_done, "run_date": RUN_DATE - dt.timedelta(days=1)}]
    append_rows(night.state, "work_units", rows_to_table("work_units", late))
    store = LocalStore(night.state / "store")
    uncommitted = [object_key("pictures", asset_id, "jpg") for asset_id in (half_done, units[0]["asset_id"])]
    for key in uncommitted:
        store.put(key, b"a picture")
    scores = read_table(night.state, "scores")
    for revision in ("older-1", "older-2"):  # a night commits again and again
        rows = [row | {"scorer_revision": revision} for row in scores.to_pylist()]
        append_rows(night.state, "scores", rows_to_table("scores", rows))
    assert run(night, "vacuum", "--keep", "2", "--dry-run") == 0
    assert f"kept: {second['release_id']}, {third['release_id']}" in capsys.readouterr().out
    assert (night.state / "store" / everything[0]["uri"]).exists()
    assert run(night, "vacuum", "--keep", "2") == 0
    assert not (night.state / "store" / everything[0]["uri"]).exists()
    for release_id in (second["release_id"], third["release_id"]):
        assert run(night, "verify", release_id) == 0
    left = {
        row["asset_id"] for row in query_tables(night.state, "SELECT asset_id FROM candidates", "candidates")
    }
    assert [store.exists(key) for key in uncommitted] == [False, True], "tonight's may be on its way to a row"
    assert len(open_table(night.state, "scores").file_uris()) == 1
    assert read_release(night.state).table("scores").num_rows == scores.num_rows
    assert everything[0]["asset_id"] not in left
    assert {asset["asset_id"] for asset in everything[1:]} <= left
    capsys.readouterr()
    assert run(night, "rollback", first.row["release_id"], "--why", "too late") == 2
    assert "it was vacuumed" in capsys.readouterr().err
    assert run(night, "diff", first.row["release_id"]) == 2
    assert "it was vacuumed" in capsys.readouterr().err
    assert run(night, "vacuum", "--keep", "0") == 2
    nowhere = night.state / "nowhere"
    capsys.readouterr()
    assert main(["list", f"--state={nowhere}"]) == 2 and not nowhere.exists()
    assert "no tables" in capsys.readouterr().err
