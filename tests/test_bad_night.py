"""One small night in which every kind of bad input comes at once: what is good is published."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.sample_shop.__main__ import main as make_sample_shop
from infra.tables import read_night, read_table
from jobs.catalog.reasons import NOTES
from tests.bad_feeds import feed_toml, load_kinds, make_data_root, merchant_toml, shop_feeds

ROOT = Path(__file__).resolve().parents[1]
NIGHT = dt.date(2026, 11, 21)
STAGES = (
    "jobs.ingest_catalog", "jobs.build_segments", "ray_tasks.build_product_views", "ray_tasks.infer_personas",
    "ray_tasks.write_instructions", "jobs.plan_work_units", "ray_tasks.make_candidates", "ray_tasks.score_candidates",
    "jobs.gate_release", "jobs.publish_release", "jobs.build_drops", "jobs.build_report",
)  # fmt: skip
KINDS = load_kinds()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CONFIG = """
[paths]
data_root = "{root}"
[ingest]
max_reject_share = 0.9
[engines]
cores = 2
[placements.square]
width_px = 384
height_px = 384
"""
SMALL = {"top_k": "1", "locales": '["en"]'}


@dataclass
class Night:
    """Where the night's state lies, and what it printed."""

    state: Path
    output: str


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("bad_night")
    root, shop = folder / "data", folder / "data" / "sample"
    make_data_root(root)
    make_sample_shop(["--out", str(shop), "--limit", "2", "--size-px", "480"])
    picture = next((shop / "everyday").rglob("*.jpg"))
    shutil.copyfile(picture, root / "images" / "mug.jpg")
    config = folder / "night.toml"
    local = tomllib.loads((ROOT / "infra/config/local.toml").read_text(encoding="utf-8"))
    good = next(merchant["feed"] for merchant in local["merchants"] if merchant["id"] == "everyday")
    feeds = shop_feeds(KINDS)
    feeds["everyday"] = feed_toml(
        f"sample/{good['path']}", good["format"], good["fields"], image_root=f"sample/{good['image_root']}"
    )
    text = (ROOT / "infra/config/local.toml").read_text(encoding="utf-8")
    segments = text[text.index("[[segment_sources]]") :].replace('path = "', 'path = "sample/')
    shops = "".join(merchant_toml(name, feed, **SMALL) for name, feed in feeds.items())
    config.write_text(CONFIG.format(root=root) + shops + "\n" + segments, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "infra.stage",
        *STAGES,
        f"--config={config}",
        f"--state={folder / 'var'}",
    ]
    done = subprocess.run(
        [*command, f"--run-date={NIGHT}", "--limit=2"],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    yield Night(folder / "var", done.stdout + done.stderr)
    shutil.rmtree(folder)


def test_what_is_good_is_published(night: Night) -> None:
    (release,) = read_table(night.state, "releases").to_pylist()
    published = {row["merchant_id"]: row for row in release["merchants"]}
    assert set(published) == {"everyday", *(f"shop_{kind.shop}" for kind in KINDS if kind.shop)}
    assert all(row["products"] == 2 for row in published.values())
    for merchant in published:
        assert (night.state / "drops" / merchant / f"{release['release_id']}.zip").is_file()


def test_every_kind_has_its_reason(night: Night) -> None:
    rejects = read_night(night.state, "rejects", NIGHT).to_pylist()
    reasons = {row["reason"] for row in rejects}
    # Notes are of products, of which --limit leaves two a shop; nothing was there before that a feed could shrink from.
    wanted = {reason for kind in KINDS for reason in (*kind.rejects, kind.refused) if reason}
    assert wanted - reasons - NOTES.keys() == {"feed_shrunken"}
    refused = {row["merchant_id"]: row["reason"] for row in rejects if row["key"].endswith("/feed")}
    assert refused == {
        kind.name: kind.refused for kind in KINDS if kind.refused and kind.name != "feed_that_shrank"
    }


def test_the_report_names_the_refused_feeds(night: Night) -> None:
    page = (night.state / "reports" / NIGHT.isoformat() / "index.html").read_text(encoding="utf-8")
    for kind in KINDS:
        if kind.refused and kind.name != "feed_that_shrank":
            assert kind.name in page
    assert "<script>alert(1)</script>" not in page
