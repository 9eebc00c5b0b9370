"""The search for planted people finds them wherever a night could write; the stage that reads users writes none.

The whole night over the same people is in test_whole_night.py, which has the night.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, PngImagePlugin

from infra.sample_shop.__main__ import main as make_sample_shop
from infra.tables import read_night
from jobs import build_segments, ingest_catalog
from tests.canaries import ADA, BEN, USERS_SOURCE, people_found, plant_people, user_ids

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT = dt.date(2026, 11, 21)
ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / "infra/config/local.toml"


def _zip(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv.gz", gzip.compress(text.encode()))
    return packed.getvalue()


def _parquet(text: str) -> bytes:
    packed = io.BytesIO()
    table = pa.table({"rows": [[{"detail": "x" * 99}], [{"detail": text}]]})
    pq.write_table(table, packed, compression="zstd")
    return packed.getvalue()


def _sqlite(text: str) -> bytes:
    """As Airflow's: in write-ahead mode, with text that is packed."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE log (line TEXT, packed BLOB)")
        database.execute("INSERT INTO log VALUES (?, ?)", ("fine", zlib.compress(text.encode())))
        written = database.serialize()
    return written[:18] + b"\x02\x02" + written[20:]


def _png(text: str) -> bytes:
    packed, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_text("Comment", text, zip=True)
    Image.new("RGB", (2, 2)).save(packed, "PNG", pnginfo=texts)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.log", lambda text: f"error in row {text}".encode()),
        ("utf16.txt", lambda text: text.encode("utf-16")),
        ("a.json.gz", lambda text: gzip.compress(text.encode())),
        ("drop.zip", _zip),
        ("part-0.parquet", _parquet),
        ("airflow.db", _sqlite),
        ("picture.png", _png),
    ],
)
def test_the_search_finds_a_person(tmp_path: Path, name: str, written: Callable[[str], bytes]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "clean").write_bytes(written("nobody at all"))
    assert people_found(tmp_path) == []
    (tmp_path / "deep" / name).write_bytes(written(f"... {BEN.name.upper()} ..."))
    found = people_found(tmp_path)
    assert found
    assert all(line.startswith(f"deep/{name}") and line.endswith(BEN.name.lower()) for line in found)


def test_the_search_finds_a_user_id(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("u123456 u1234567", encoding="utf-8")
    assert people_found(tmp_path, ["u123456", "u999999"]) == ["x: u123456"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    """What the stages that read people's words and deeds leave: tables, records and logs."""
    folder = tmp_path_factory.mktemp("privacy")
    shop = folder / "shop"
    make_sample_shop(["--out", str(shop), "--limit", "2", "--size-px", "64"])
    plant_people(shop)
    text = LOCAL.read_text(encoding="utf-8").replace('"{state}/sample_shop"', f'"{shop}"')
    text = text.replace("sample_shop = true", "").replace(
        '["panel"]', '["panel", "declared", "damaged", "misread"]'
    )
    config = folder / "night.toml"
    config.write_text(text + USERS_SOURCE + "[ingest]\nmax_reject_share = 1.0\n", encoding="utf-8")
    arguments = [f"--run-date={NIGHT}", f"--config={config}", f"--state={folder / 'state'}"]
    ingest_catalog.main(arguments)
    build_segments.main(arguments)
    (folder / "ids").write_text(" ".join(user_ids(shop)), encoding="utf-8")
    return folder / "state"


def test_rejected_rows_and_damaged_files_are_counted_not_quoted(state: Path) -> None:
    rejects = {
        (row["key"], row["reason"]): row
        for row in read_night(state, "rejects", NIGHT).to_pylist()
        if row["stage"] == build_segments.STAGE
    }
    assert {key for key, _ in rejects} >= {
        "panel/members",
        "panel/events",
        "declared/users",
        "damaged",
        "misread",
        "one_person",
    }
    assert all(row["record"] is None for row in rejects.values())
    records = {
        row["reason"]: row["record"]
        for row in read_night(state, "rejects", NIGHT).to_pylist()
        if row["stage"] == ingest_catalog.STAGE and row["record"]
    }
    assert '"canary-free"' in records["price_not_positive"]
    assert "people's words" in records["json_malformed"]
    ids = (state.parent / "ids").read_text(encoding="utf-8").split()
    assert len(ids) > 500
    assert people_found(state, ids) == []


def test_an_age_that_is_none_costs_one_user(state: Path) -> None:
    (grown_ups,) = (
        row for row in read_night(state, "segments", NIGHT).to_pylist() if row["segment_id"] == "grown_ups"
    )
    assert grown_ups["size"] == 146
    assert ADA.name.lower() not in {interest.lower() for interest in grown_ups["interests"]}
