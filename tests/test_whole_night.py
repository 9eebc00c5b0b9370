"""One small whole night through Airflow, Spark, Ray, the gate and the drops, and the same night again."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.releases import read_release
from infra.sample_shop.__main__ import main as make_sample_shop
from infra.tables import read_table, table_version
from jobs.ask import question_sql, questions, warehouse
from schemas.tables import TABLES
from tests.canaries import USERS_SOURCE, people_found, plant_people, user_ids
from tests.jobs.answers import Expected, agree, spark_views

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Night:
    """What a night printed, and where its state lies."""

    state: Path
    config: Path
    output: list[str]
    temporary: Path
    """What engines write beside the state: the sessions and logs of Ray among it."""


def _run(
    config: Path, state: Path, run_date: str = "2026-11-21", environment: Mapping[str, str] = os.environ
) -> list[str]:
    command = [sys.executable, "-m", "infra.night", f"--config={config}", f"--state={state}"]
    command += [f"--run-date={run_date}", "--limit=3"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**environment, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()


def _ray_starts(state: Path, run_date: str) -> int:
    """How often Ray came up; a start that it gave up (after 30 s, on a loaded machine) the night tries again."""
    logs = (state / "reports" / run_date / "logs").glob("*.log")
    return sum(log.read_text(encoding="utf-8").count("Ray is up") for log in logs)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    make_sample_shop(["--out", str(folder / "shop"), "--limit", "3", "--size-px", "480"])
    # One product whose picture the shop forgot.
    (folder / "shop/roastery/images/ro-103.jpg").unlink()
    plant_people(folder / "shop")
    text = (ROOT / "infra/config/local.toml").read_text(encoding="utf-8")
    text = text.replace('"{state}/sample_shop"', f'"{folder / "shop"}"').replace("sample_shop = true", "")
    text = text.replace("max_reject_share = ", "# ") + "\n[ingest]\nmax_reject_share = 1.0\n"
    config = folder / "night.toml"
    text = text.replace('["panel"]', '["panel", "declared", "damaged", "misread"]') + USERS_SOURCE
    # The same days of behaviour on both nights: of so few products the least event changes a group.
    text = text.replace('id = "panel"', 'id = "panel"\nwindow_end = 2026-11-21')
    config.write_text(text, encoding="utf-8")
    # Short, as the paths of Ray's sockets must be.
    with tempfile.TemporaryDirectory(prefix="hf", ignore_cleanup_errors=True) as temporary:
        output = _run(config, folder / "state", environment=os.environ | {"TMPDIR": temporary})
        yield Night(folder / "state", config, output, Path(temporary))


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def _vectors(state: Path) -> int:
    """How many texts the models of personas and copy have embedded."""
    with closing(sqlite3.connect(state / "cache" / "text_vectors.sqlite")) as file:
        return int(file.execute("SELECT count(*) FROM kept").fetchone()[0])


def test_the_last_four_lines_say_where_everything_is(night: Night) -> None:
    names = [line.split(": ")[0] for line in night.output[-4:]]
    assert names == ["release", "tables", "drops", "report"]
    release, tables, drops, report = (line.split(": ", 1)[1] for line in night.output[-4:])
    assert release.startswith("20261121-")
    assert Path(tables).is_dir()
    assert Path(drops).is_dir()
    assert "Night of" in Path(report).read_text(encoding="utf-8")


def test_every_table_is_there_and_the_release_pins_them(night: Night) -> None:
    (release,) = read_table(night.state, "releases").to_pylist()
    pinned = {row["table"]: row["version"] for row in release["table_versions"]}
    for table in TABLES:
        if table.name not in {"releases", "recalls"}:
            assert 0 <= pinned[table.name] <= table_version(night.state, table.name)
    assert release["asset_count"] == read_table(night.state, "assets").num_rows > 0
    assert {row["merchant_id"] for row in release["merchants"]} == {"everyday", "roastery"}


def test_each_merchant_gets_a_drop_that_holds_only_its_own(night: Night) -> None:
    release = read_table(night.state, "releases").to_pylist()[0]["release_id"]
    for merchant, other in (("everyday", "roastery"), ("roastery", "everyday")):
        with zipfile.ZipFile(night.state / "drops" / merchant / f"{release}.zip") as drop:
            assert drop.testzip() is None
            rows = list(csv.DictReader(io.StringIO(drop.read("manifest.csv").decode("utf-8-sig"))))
            assert {row["file"] for row in rows} <= set(drop.namelist())
            assert json.loads(drop.read("manifest.json"))
            assert not any(
                other.encode() in drop.read(name) for name in drop.namelist() if not name.endswith(".jpg")
            )
        assert {row["merchant_id"] for row in read_table(night.state, "assets").to_pylist()} >= {merchant}


@pytest.fixture(scope="module")
def spark_night(night: Night, spark: SparkSession) -> Iterator[SparkSession]:
    with spark_views(spark, night.state) as session:
        yield session


@pytest.mark.parametrize("question", questions())
def test_the_saved_questions_answer_what_is_expected_on_the_sample_shop(
    night: Night, spark_night: SparkSession, question: str
) -> None:
    expected = Expected(night.state).of(question)
    by_duck = warehouse(read_release(night.state), question_sql(question)).sql(question_sql(question))
    rows = [dict(zip(by_duck.columns, row, strict=True)) for row in by_duck.fetchall()]
    by_spark = [row.asDict() for row in spark_night.sql(question_sql(question)).collect()]
    assert rows
    assert agree(rows, expected)
    assert agree(by_spark, expected)


def test_no_user_leaves_the_ingest_stage(night: Night) -> None:
    assert sum(path.is_file() for path in night.state.rglob("*")) > 50
    assert any(night.temporary.rglob("raylet.out"))
    for written in (night.state, night.temporary):
        assert people_found(written, user_ids(night.state.parent / "shop")) == []
    assert not [line for line in night.output if b"@example.com" in line.encode()]


def test_the_same_night_again_makes_nothing(night: Night) -> None:
    before = {table.name: table_version(night.state, table.name) for table in TABLES}
    lines = _run(night.config, night.state)
    assert {table.name: table_version(night.state, table.name) for table in TABLES} == before
    assert lines[-4:] == night.output[-4:]
    stages = [line for line in lines if line.startswith("  ")]
    assert stages
    assert all("unchanged" in line for line in stages if "build_report" not in line)


def test_the_next_night_of_an_unchanged_shop_draws_nothing_and_ends_well(night: Night) -> None:
    made = {name: table_version(night.state, name) for name in ("candidates", "scores", "assets", "releases")}
    drops = _files(night.state / "drops")
    objects, vectors = _files(night.state / "store"), _vectors(night.state)
    lines = _run(night.config, night.state, "2026-11-22")
    starts = [_ray_starts(night.state, run_date) for run_date in ("2026-11-21", "2026-11-22")]
    assert starts == [2, 1], "to understand, and to draw"
    assert _files(night.state / "store") == objects
    assert _vectors(night.state) == vectors > 0, "the embedding model was called"
    assert {name: table_version(night.state, name) for name in made} == made
    assert lines[-4:-1] == night.output[-4:-1]
    assert _files(night.state / "drops") == drops
    report = Path(lines[-1].split(": ", 1)[1]).read_text(encoding="utf-8")
    assert "of 2026-11-21: this night changed nothing in it" in report
