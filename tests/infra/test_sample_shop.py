"""The sample shop is deterministic, complete, truthful, and keeps its truth to itself."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from infra.sample_shop import catalog, events
from infra.sample_shop.__main__ import file_sums, main
from infra.sample_shop.packshot import compose

SIZE_PX = 120
BLACK_COFFEE = "roastery/RO-101"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with every product, drawn small."""
    out = tmp_path_factory.mktemp("shop")
    assert main(["--out", str(out), "--size-px", str(SIZE_PX)]) == 0
    return out


def _rows(shop: Path) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for line in (shop / "everyday" / "catalog.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def _csv(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    sums = []
    for name in ("a", "b"):
        main(["--out", str(tmp_path / name), "--size-px", "96", "--limit", "2"])
        sums.append(file_sums(tmp_path / name))
    assert sums[0] == sums[1]
    assert len(sums[0]) > 10


def test_a_second_run_keeps_a_users_changes_and_a_shop_with_a_gap_is_made_again(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--size-px", "96", "--limit", "1"]
    main(arguments)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    main(arguments)
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    feed = tmp_path / "roastery" / "products.csv"
    whole = feed.read_bytes()
    feed.write_bytes(whole.replace(b";3.20;", b";3.40;"))
    main(arguments)
    assert feed.read_bytes() != whole
    (tmp_path / "segments.csv").unlink()
    main(arguments)
    assert (tmp_path / "segments.csv").is_file()
    assert feed.read_bytes() == whole


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"thesis\.txt"):
        main(["--out", str(tmp_path)])
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_enough_good_products_in_enough_categories(shop: Path) -> None:
    good = [p for p in catalog.products("everyday") if not p.dirty and not p.awkward]
    assert len(good) >= 54
    assert len({p.category.partition(" > ")[0] for p in good}) >= 9
    assert (
        len({p.sku for p in good}) == len({p.name for p in good}) == len({p.text for p in good}) == len(good)
    )
    for p in good:
        picture = cv2.imread(str(shop / "everyday" / p.image))
        assert picture is not None and picture.shape == (SIZE_PX, SIZE_PX, 3), p.sku
    roastery = _csv(shop / "roastery" / "products.csv", ";")
    assert 6 <= len(roastery) <= 8
    assert "caffeine=180 mg" in next(r for r in roastery if r["sku"] == "RO-101")["attributes"]


def test_planted_dirty_rows(shop: Path) -> None:
    rows = _rows(shop)
    assert [r["id"] for r in rows if "price" not in r] == ["EV-9101"]
    assert [sku for sku, n in Counter(r["id"] for r in rows).items() if n > 1] == ["EV-1801"]
    by_fault = {p.dirty: shop / "everyday" / p.image for p in catalog.products("everyday") if p.dirty}
    assert not by_fault["missing_picture"].exists()
    assert by_fault["zero_byte_picture"].stat().st_size == 0
    broken = by_fault["broken_picture"].read_bytes()
    assert broken and not broken.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))


def test_awkward_pictures_are_there(shop: Path) -> None:
    awkward = {p.awkward: shop / "everyday" / p.image for p in catalog.products("everyday") if p.awkward}
    assert set(awkward) == {"glass", "white_on_white", "two_objects", "text_baked_in", "too_small", "blank"}
    assert np.asarray(cv2.imread(str(awkward["blank"]))).min() == 255
    assert np.asarray(cv2.imread(str(awkward["white_on_white"]))).mean() > 215


@pytest.mark.parametrize("sku", ["EV-1203", "EV-1306", "EV-1501"])
def test_the_mask_agrees_with_the_picture(sku: str) -> None:
    product = next(p for p in catalog.products("everyday") if p.sku == sku)
    picture, mask = compose(catalog.shot_of(product), 320)
    saturation = np.ptp(picture.astype(np.int16), axis=-1)  # these stand on white, and a shadow has no hue
    outside = cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0
    assert saturation[outside].max() <= 4
    assert picture[0].min() >= 250
    rows = np.flatnonzero((mask > 127).any(axis=1))
    cols = np.flatnonzero((mask > 127).any(axis=0))
    assert 0.55 <= max(np.ptp(rows), np.ptp(cols)) / 320 <= 0.82
    assert (255 - picture[mask == 255]).mean() > 40
    partial = (mask > 0) & (mask < 255)
    by_the_background = cv2.dilate((mask == 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert partial.any()
    # Slits narrower than a pixel, as between leaves, are rightly partial; a see-through edge inside is far more.
    assert (partial & ~by_the_background).sum() < 0.015 * (mask > 0).sum()


def test_no_edge_lets_the_background_through() -> None:
    product = next(p for p in catalog.products("everyday") if p.sku == "EV-1401")
    _, mask = compose(catalog.shot_of(product), 320)
    inner = cv2.erode(
        cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.ones((7, 7), np.uint8)
    )
    assert (mask[inner > 250] > 250).mean() > 0.999


def test_planted_preferences_come_back_from_events() -> None:
    table = events.event_table()
    segment_of = {user: segment for user, _, _, segment in events.members()}
    users = table["user_id"].to_pylist()
    keys = [
        f"{m}/{s}" for m, s in zip(table["merchant_id"].to_pylist(), table["sku"].to_pylist(), strict=True)
    ]
    assert len(set(users)) >= 2000
    joint: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for user, key in zip(users, keys, strict=True):
        joint[key][segment_of[user]] += 1
        total[segment_of[user]] += 1
    hits = []
    for key, truth in events.preferences().items():
        large = [s for s in truth if total[s] > 1000]
        lift = sorted(large, key=lambda s: -joint[key][s] / total[s])
        hits.append(max(large, key=lambda s: truth[s]) in lift[:2])
        if key == BLACK_COFFEE:
            assert set(lift[:5]) == {"fitness", "office", "exam_students", "low_sugar", "outdoors"}
    assert np.mean(hits) > 0.9


def test_events_stay_in_their_window_and_follow_the_funnel(shop: Path) -> None:
    table = pq.read_table(shop / "events.parquet")
    assert table.schema.equals(events.SCHEMA)
    stamps = [table["ts"][0].as_py(), table["ts"][-1].as_py()]
    assert str(stamps[0].date()) >= "2026-08-23" and str(stamps[1].date()) <= "2026-11-20"
    kinds = Counter(table["event"].to_pylist())
    assert kinds["view"] > kinds["cart"] > kinds["order"] > 0


def test_segments_and_members(shop: Path) -> None:
    sizes = Counter(m["segment_id"] for m in _csv(shop / "members.csv"))
    assert set(sizes) == {s["segment_id"] for s in _csv(shop / "segments.csv")}
    assert len(sizes) >= 12 and sum(sizes.values()) >= 1500
    assert sorted(sizes.values())[:2][0] == 12 and sorted(sizes.values())[1] >= 60
    assert len({m["user_id"] for m in _csv(shop / "members.csv")}) == sum(sizes.values())


def test_canaries_only_among_members_and_truth_only_in_its_folder(shop: Path) -> None:
    names = [m["name"].encode() for m in _csv(shop / "members.csv")]
    for path in sorted(p for p in shop.rglob("*") if p.is_file() and p.name != "members.csv"):
        data = path.read_bytes()
        assert b"example.com" not in data, path
        if path.suffix in (".csv", ".jsonl", ".json"):
            assert not any(name in data for name in names[:50]), path
    feeds = [*shop.glob("everyday/*.jsonl"), *shop.glob("roastery/*.csv"), shop / "segments.csv"]
    for path in feeds:
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("awkward", "dirty", "likes", "probability")), path
    masks = {p.stem for p in (shop / "truth" / "masks").rglob("*.png")}
    pictured = {p.sku for m in catalog.MERCHANTS for p in catalog.products(m) if not p.dirty}
    assert masks == pictured
