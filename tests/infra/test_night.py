"""infra.night on the real DAG, Airflow and stage shell, with stages that only count how often they ran."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from infra.airflow_home import AirflowError, airflow_env, end_tree, only_one
from infra.night import failure, main, stage_line

ROOT = Path(__file__).resolve().parents[2]

STAGE = '''
"""Counts its runs in STATE/runs; fails as the environment says."""
import datetime as dt, os
from infra.stage import stage_run
from tests_release import release_row
INPUTS = OUTPUTS = ()
NAME = "{name}"

def main(argv=None):
    with stage_run(NAME, __doc__, argv) as stage:
        with (stage.state / "runs").open("a") as runs:
            runs.write(NAME + chr(10))
        times = (stage.state / "runs").read_text().split().count(NAME)
        if os.environ.get("FAILS") == NAME or (os.environ.get("FAILS_ONCE") == NAME and times == 1):
            raise OSError("the disk is full of feathers")
        stage.count("shop", rows_in=5, rows_out=4, no_price=1)
        if NAME == "jobs.publish_release":
            from infra.tables import append_rows, rows_to_table
            append_rows(stage.state, "releases", rows_to_table("releases", [release_row(stage.run_date, "r1", 1)]))
        if NAME == "jobs.build_report":
            (stage.report_dir / "index.html").write_text("<h1>night</h1>")
'''


def release_row(
    run_date: dt.date, release_id: str, sequence: int, status: str = "published"
) -> dict[str, object]:
    return {
        "release_id": release_id,
        "run_date": run_date,
        "sequence": sequence,
        "status": status,
        "previous_release_id": None,
        "content_hash": "0" * 64,
        "asset_count": 4,
        "product_count": 4,
        "merchants": [],
        "table_versions": [],
        "revisions": [],
        "gate_report": "gate/index.html",
        "created_at": dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
        "created_by": "test",
        "comment": "",
    }


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose stages are replaced."""
    repo = tmp_path_factory.mktemp("repo")
    for room in ("dags", "infra", "schemas"):
        shutil.copytree(ROOT / room, repo / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in re.findall(r'"((?:jobs|ray_tasks)\.\w+)"', (ROOT / "dags" / "nightly.py").read_text()):
        module = repo / (name.replace(".", "/") + ".py")
        module.parent.mkdir(exist_ok=True)
        module.write_text(STAGE.replace("{name}", name), encoding="utf-8")
    own = Path(__file__).read_text(encoding="utf-8")
    row = own[own.index("def release_row") : own.index("@pytest.fixture")]
    (repo / "tests_release.py").write_text(
        f"from __future__ import annotations\nimport datetime as dt\n{row}"
    )
    return repo


def night(repo: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.night", "--run-date", "2026-11-21", *args]
    settings = {"HUNDREDFACES_RETRY_DELAY_S": "0.1", "PYTHONPATH": "", **env}
    return subprocess.run(
        command, cwd=repo, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120
    )


def runs(repo: Path) -> list[str]:
    return (repo / "var" / "runs").read_text().split()


def test_nights(repo: Path) -> None:
    # One test, because the second night needs the first and starting Airflow is what takes the time.
    before = {path.name for path in repo.iterdir()}
    first = night(repo, FAILS_ONCE="ray_tasks.infer_personas")
    lines = first.stdout.splitlines()
    assert first.returncode == 0, first.stdout + first.stderr
    assert lines[-4:] == [
        "release: r1",
        "tables: var/warehouse",
        "drops: var/drops",
        "report: var/reports/2026-11-21/index.html",
    ]
    assert any(
        re.search(r"infer_personas .* failed: OSError: the disk is full of feathers", line) for line in lines
    )
    assert any(re.search(r"infer_personas +[\d.]+ s +5 in +4 out +1 set aside", line) for line in lines)
    # The retried task goes on where it stopped: every stage ran once but the one that failed.
    ran = runs(repo)
    assert {name for name in ran if ran.count(name) != 1} == {"ray_tasks.infer_personas"}
    assert ran.count("ray_tasks.infer_personas") == 2
    assert len(set(ran)) == 12
    # Nothing is written outside STATE.
    assert {path.name for path in repo.iterdir()} - before == {"var"}

    # As after a kill: a scheduler on this database would take the first night up again.
    with closing(sqlite3.connect(repo / "var" / "airflow" / "airflow.db")) as database, database:
        database.execute("UPDATE dag_run SET state = 'running'")

    second = night(repo, "--force", FAILS="jobs.gate_release")
    lines = second.stdout.splitlines()
    assert second.returncode == 1
    assert lines[-3:-1] == ["stage: jobs.gate_release", "why: OSError: the disk is full of feathers"]
    log = Path(lines[-1].removeprefix("log: "))
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert not any(line.startswith("release:") for line in lines)
    again = runs(repo)[len(ran) :]
    assert again.count("jobs.gate_release") == 3  # two retries
    assert "jobs.publish_release" not in again
    assert again[-1] == "jobs.build_report", "a failed night has a page too"
    with closing(sqlite3.connect(repo / "var" / "airflow" / "airflow.db")) as database:
        states = database.execute("SELECT state FROM dag_run").fetchall()
    assert states == [("failed",), ("failed",)]


def test_a_state_takes_one_night_at_a_time(repo: Path) -> None:
    with only_one(repo / "var2", "make airflow"):
        refused = night(repo, "--state", "var2")
    assert refused.returncode == 1
    assert re.fullmatch(
        r"night not started: var2 is in use by make airflow \(process \d+, since \S+ \S+ UTC\).*\n",
        refused.stderr,
    )
    with only_one(repo / "var2", "a later night"), pytest.raises(AirflowError):
        only_one(repo / "var2", "one more").__enter__()


def test_a_mistake_in_the_configuration_does_not_start_airflow(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("shop = 1\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"night not started: .*unknown key shop"):
        main(["--config", str(bad), "--state", str(tmp_path / "var")])
    pinned = (ROOT / "infra/config/gpu.toml").read_text(encoding="utf-8")
    pinned = pinned.replace('extends = "', f'extends = "{ROOT}/infra/config/')
    (tmp_path / "loose.toml").write_text(re.sub(r"(?m)^revision = .*$", "", pinned), encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"night not started: .*scene\.diffusion, .*writer\.model.*preflight"
    ):
        main(["--config", str(tmp_path / "loose.toml"), "--state", str(tmp_path / "var")])
    with pytest.raises(SystemExit, match=r"night not started: no merchant nobody in "):
        main(
            [
                "--config",
                str(ROOT / "infra/config/local.toml"),
                "--merchants",
                "nobody",
                "--state",
                str(tmp_path),
            ]
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.toml", "loose.toml"]


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("root_at_once", [False, True])
def test_ending_a_process_ends_what_it_started_in_other_sessions(root_at_once: bool) -> None:
    # The first process starts another one whenever one ends, as Airflow's retries do.
    again = (
        "import subprocess, sys\nwhile True:\n"
        " p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        " print(p.pid, flush=True)\n p.wait()\n"
    )
    root = subprocess.Popen([sys.executable, "-c", again], stdout=subprocess.PIPE, text=True)
    assert root.stdout is not None
    started = [int(root.stdout.readline())]
    end_tree(root.pid, timeout_s=5, root_at_once=root_at_once)
    started += [int(line) for line in root.stdout.read().split()]
    assert not [pid for pid in [root.pid, *started] if is_alive(pid)]


def test_what_signs_requests_is_made_once_and_only_for_this_user(tmp_path: Path) -> None:
    first, second = airflow_env(tmp_path), airflow_env(tmp_path)
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] == second["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert (tmp_path / "airflow" / "secret").stat().st_mode & 0o777 == 0o600
    assert first["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_a_failure_before_any_record_is_found_in_airflows_log(tmp_path: Path) -> None:
    log = tmp_path / "night.log"
    log.write_text(
        "2026-11-21T12:00:00Z [info     ] stage jobs.ingest_catalog failed: configuration x.toml: unknown key shop "
        "[airflow.task.hooks.SubprocessHook] loc=subprocess.py:106\n"
        "2026-11-21T12:00:01Z [error    ] AirflowException: Bash command failed.\n",
        encoding="utf-8",
    )
    assert failure([], log) == (
        "jobs.ingest_catalog",
        "configuration x.toml: unknown key shop",
        str(log),
    )


def test_a_killed_stage_is_named() -> None:
    record = {"stage": "jobs.plan_work_units", "status": "running", "shard": "0/1", "log": "plan.log"}
    stage, why, log = failure([record], Path("night.log"))
    assert (stage, log) == ("jobs.plan_work_units", "plan.log")
    assert "killed" in why


def test_the_first_failed_stage_is_the_cause() -> None:
    records = [
        {"stage": "a", "status": "failed", "error": "cause", "log": "a.log"},
        {"stage": "jobs.build_report", "status": "failed", "error": "effect", "log": "b.log"},
    ]
    assert failure(records, Path("night.log")) == ("a", "cause", "a.log")


def test_a_shards_line_names_the_shard() -> None:
    record = {"stage": "ray_tasks.make_candidates", "shard": "1/4", "status": "unchanged"}
    assert stage_line(record).split() == ["ray_tasks.make_candidates", "1/4", "unchanged"]
