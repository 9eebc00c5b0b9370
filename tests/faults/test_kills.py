"""A handful of kills on the real stages; `python -m tests.faults` makes fifty on whole nights."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from infra.object_store import LocalStore
from infra.processes import InUse, held
from infra.records import record_path, write_record
from infra.tables import open_table, read_night, read_table, table_version
from ray_tasks import make_candidates
from tests.faults.invariants import broken_objects, twice, uncommitted_pictures
from tests.faults.kills import Kill, Restart, Watch, behind, between_writes, draw_kills
from tests.faults.nights import ROOT, STAGES, Command, processes
from tests.faults.tally import Done, Tally, table
from tests.faults.undrawn import make_undrawn_night
from tests.jobs.sample_night import RUN_DATE, SampleNight

COMMIT_ROWS = 2
DRAW = (
    f"import infra.tables as tables; tables.COMMIT_ROWS = {COMMIT_ROWS}; "
    "import ray_tasks.make_candidates as stage; stage.main()"
)


def _draw(night: SampleNight, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-c", DRAW, *night.argv()],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def _broken_pictures(night: SampleNight) -> list[str]:
    return [uri for uri in broken_objects(night.state) if uri.startswith("pictures/")]


def _wait_for(night: subprocess.Popen[bytes], happens: object, what: str) -> None:
    deadline = time.monotonic() + 120
    assert callable(happens)
    while not happens():
        assert night.poll() is None, f"ended before {what}"
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.005)


def test_a_killed_drawing_goes_on_behind_its_last_commit(tmp_path: Path) -> None:
    night = make_undrawn_night(tmp_path, products=12)
    units = read_night(night.state, "work_units", RUN_DATE).to_pylist()
    first = sorted(unit["asset_id"] for unit in units if unit["variant"] == 0)
    log = tmp_path / "draw.log"
    before = table_version(night.state, "candidates")
    committed = []
    moments = {
        "an upload": lambda: uncommitted_pictures(night.state) > 0,
        "a commit": lambda: table_version(night.state, "candidates") > before,
    }
    for what, happens in moments.items():
        draw = _draw(night, log)
        _wait_for(draw, happens, what)
        if what == "an upload":
            draw.kill()
            draw.wait()
        else:
            processes(draw.pid)["raylet"][0].kill()
            assert draw.wait(timeout=60) == 1
            # Whatever Ray itself says of it.
            assert "failed: Ray's raylet died" in log.read_text(encoding="utf-8")
        committed.append(read_table(night.state, "candidates").num_rows)
        assert (twice(night.state), _broken_pictures(night)) == ([], [])
    assert committed[0] == 0 < COMMIT_ROWS <= committed[1] < len(first)
    draw = _draw(night, log)
    before = table_version(night.state, "candidates")
    _wait_for(draw, lambda: table_version(night.state, "candidates") > before, "a commit")
    workers = [
        worker for worker in processes(draw.pid)["ray worker"] if "DrawPictures" in worker.cmdline()[0]
    ]
    workers[0].kill()
    assert draw.wait(timeout=120) == 0, log.read_text(encoding="utf-8")[-3000:]
    made = read_table(night.state, "candidates", columns=["asset_id"])["asset_id"].to_pylist()
    assert sorted(made) == first
    assert (uncommitted_pictures(night.state), _broken_pictures(night)) == (0, [])
    due = [int(text) for text in re.findall(r"INFO (\d+) pictures due", log.read_text(encoding="utf-8"))]
    assert due == [len(first), *(len(first) - count for count in committed)]


def test_a_stage_that_runs_is_not_run_again_beside_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night = make_undrawn_night(tmp_path, products=1)
    lock = night.state / "tmp" / "locks" / make_candidates.STAGE
    with held(lock, "stage x"), pytest.raises(SystemExit) as stop:
        make_candidates.main(night.argv())
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert re.search(r"failed: stage x \(process \d+, since 20\S+ \S+ UTC\) works on", said)
    assert not read_table(night.state, "candidates").num_rows


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = "import sys, time\nfrom infra.processes import held\nfrom pathlib import Path\n"
    code += "with held(Path(sys.argv[1]), 'it'):\n print('held', flush=True)\n time.sleep(60)\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InUse, match=rf"it \(process {holder.pid}, since"), held(tmp_path / "lock", "me"):
        raise AssertionError
    holder.kill()
    holder.wait()
    with held(tmp_path / "lock", "me"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
def test_what_a_night_started_dies_with_it() -> None:
    child = (
        "from infra.processes import end_with_parent; import time; end_with_parent(); print('on', flush=True); "
        "time.sleep(60)"
    )
    parent = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)"
    parent += "; print(p.pid, flush=True); p.wait()"
    head = subprocess.Popen(
        [sys.executable, "-c", parent],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert head.stdout is not None
    lines = {head.stdout.readline(), head.stdout.readline()}
    (pid,) = (int(line) for line in lines if line.strip().isdigit())
    worker = psutil.Process(pid)
    head.kill()
    head.wait()
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_what_a_kill_loses_is_counted_from_the_commit_that_the_stage_goes_on_from(tmp_path: Path) -> None:
    log = tmp_path / "warehouse" / "candidates" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000007.json").write_text("{}")
    os.utime(log / "00000000000000000007.json", (time.time() - 5, time.time() - 5))
    lost = []
    for stage in ("ray_tasks.make_candidates", "jobs.plan_work_units"):
        watch = Watch(Command(tmp_path / "night.toml", tmp_path), 0, Kill(stage, 0.5), 200.0, 0.0)
        watch._began = time.monotonic() - 100
        lost.append(watch.lost_s())
    assert [round(seconds) for seconds in lost] == [5, 100]
    command = Command(tmp_path / "night.toml", tmp_path)
    kills = []
    for seconds in lost:
        restart = Restart(command, "jobs.plan_work_units")
        restart.took_s = 15.0
        kills.append(Done(Kill("jobs.plan_work_units", 0.5), "driver", [], 0, seconds, restart))
    told = table(Tally([190.0, 210.0], 15.0, kills, [(2, 300.0)]), seed=1, pictures=500)
    assert "A kill lost 52.5 s of a stage in the mean and 100.0 s at most, 26.3% and 50.0%" in told


@pytest.mark.parametrize(
    ("hit", "began", "pid", "status", "over_s"),
    [
        ("jobs.gate_release", "jobs.gate_release", 2, "running", None),  # it may be starting Spark
        ("jobs.gate_release", "jobs.publish_release", 2, "running", 0),  # nothing was left to do
        (
            "ray_tasks.score_candidates",
            "ray_tasks.score_candidates",
            2,
            "running",
            None,
        ),  # no worker works yet
        ("ray_tasks.score_candidates", "ray_tasks.score_candidates", 1, "running", None),
        ("ray_tasks.score_candidates", "ray_tasks.score_candidates", 1, "done", 0),  # it went on
        ("ray_tasks.score_candidates", "jobs.gate_release", 2, "running", 0),
    ],
)
def test_a_restart_is_over_when_the_stage_works_again(
    tmp_path: Path, hit: str, began: str, pid: int, status: str, over_s: int | None
) -> None:
    def is_now(stage: str, **what: object) -> None:
        log = {"log": str(tmp_path / "stage.log"), "started_at": dt.datetime.now(dt.UTC).isoformat()}
        write_record(record_path(tmp_path, RUN_DATE, stage), {**log, **what})

    def spark_is_up(at: dt.datetime) -> None:
        (tmp_path / "stage.log").write_text(
            f"{at:%Y-%m-%d %H:%M:%S},000 INFO Spark is up, started in 4.0 s\n"
        )

    spark_is_up(dt.datetime.now() - dt.timedelta(minutes=1))
    is_now(hit, pid=1, status="running")
    restart = Restart(Command(tmp_path / "night.toml", tmp_path), hit)
    is_now(began, pid=pid, status=status)
    restart.look(os.getpid())
    assert restart.took_s == (over_s if over_s is None else pytest.approx(over_s, abs=2))
    if (began, status) == ("jobs.gate_release", "running") and hit == began:
        spark_is_up(dt.datetime.now() + dt.timedelta(seconds=5))
        restart._asked = 0
        restart.look(os.getpid())
        assert restart.took_s == pytest.approx(5, abs=2)


def test_kills_are_spread_over_the_time_of_all_stages() -> None:
    usual_s = dict.fromkeys(STAGES, 10.0) | {"ray_tasks.make_candidates": 130.0}
    nights = [draw_kills(random.Random(seed), 5, usual_s) for seed in range(120)]
    stages = Counter(kill.stage for kills in nights for kill in kills[:-1])
    assert stages.keys() == set(STAGES)
    assert 230 <= stages["ray_tasks.make_candidates"] <= 290  # of 480: 130 s of 240 s
    assert {(kill.stage, kill.share, kill.folder) for *_, kill in nights} == set(between_writes())
    first, second = Kill(STAGES[0], 0.3), Kill(STAGES[0], 0.8)
    assert behind(first, second).share == pytest.approx(0.5)
    assert behind(first, Kill(STAGES[1], 0.8)).share == 0.8


def test_half_a_commit_is_no_commit(tmp_path: Path) -> None:
    # What a kill leaves between the files of a commit and the commit: files that no version names.
    night = make_undrawn_night(tmp_path, products=1)
    folder = night.state / "warehouse" / "candidates"
    (folder / "part-00000-half.parquet").write_bytes(b"PAR1 and no more")
    (folder / "_delta_log" / "_commit_half.json.tmp").write_bytes(b'{"add"')
    LocalStore(night.state / "store").put("pictures/ab/ab.jpg", b"drawn, and not committed")
    assert open_table(night.state, "candidates").version() == table_version(night.state, "candidates")
    assert read_table(night.state, "candidates").num_rows == 0
    assert uncommitted_pictures(night.state) == 1
