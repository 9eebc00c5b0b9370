"""Airflow for one state folder: its settings, its SQLite database, one run of the DAG, and its services on loopback.

    python -m infra.airflow_home run --state var --logical-date 2026-11-21T02:00:00+00:00 --conf '{"limit": 2}'
    python -m infra.airflow_home serve --state var --port 8080

Everything that Airflow writes is below STATE/airflow. `run` is what infra.night starts; `serve` is `make airflow`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from infra.processes import InUse, end_with_parent, held

ROOT = Path(__file__).resolve().parents[1]
DAG_ID = "hundredfaces_nightly"
LOCAL_RETRY_DELAY_S = 5

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 20


class AirflowError(RuntimeError):
    """Airflow cannot be used for this state; the message says why and what to do."""


def _secret(home: Path) -> str:
    """A random key of this AIRFLOW_HOME, made once: what its scheduler signs, its API server has to accept."""
    path = home / "secret"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        side = home / f"secret.{os.getpid()}"
        with os.fdopen(os.open(side, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_hex(64))
        side.replace(path)
    return path.read_text(encoding="utf-8")


def airflow_env(state: Path, *, port: int = 8080) -> dict[str, str]:
    """The environment of every Airflow process of a state: this process's, with what must hold here."""
    home = state.resolve() / "airflow"
    secret = _secret(home)
    fixed = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 2)),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        # Parameters of a run are checked against their JSON schemas in either case; this only lets them be given.
        "AIRFLOW__CORE__DAG_RUN_CONF_OVERRIDES_PARAMS": "True",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        # No password: whoever can reach the port is a user of this machine, because it is bound to loopback.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": secret,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # it would listen on every address
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "HUNDREDFACES_STATE": str(state),
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    # What a person may set differently: nothing is reported to anybody, nothing is downloaded.
    defaults = {
        "HUNDREDFACES_RETRY_DELAY_S": str(LOCAL_RETRY_DELAY_S),
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "GX_ANALYTICS_ENABLED": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }
    return defaults | dict(os.environ) | fixed


@contextmanager
def only_one(state: Path, who: str) -> Iterator[None]:
    """Holds STATE/airflow for this process: a night and a scheduler on one database would take each other's tasks.

    Raises AirflowError when another process holds it.
    """
    try:
        with held(state / "airflow" / "in_use", who):
            yield
    except InUse as other:
        raise AirflowError(
            f"{state} is in use by {other}: wait until it ends, stop it, trigger the night on its Airflow page, or "
            "give another STATE"
        ) from None


def prepare_database() -> None:
    """Makes or upgrades this AIRFLOW_HOME's database, once for each version of Airflow."""
    home = Path(os.environ["AIRFLOW_HOME"])
    stamp = home / "database_version"
    wanted = version("apache-airflow-core")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if not stamp.exists():
        for half_made in home.glob(
            "airflow.db*"
        ):  # what a process left that was killed here cannot be mended
            half_made.unlink()
    from airflow.utils import db

    db.initdb()
    stamp.write_text(wanted, encoding="utf-8")


def close_abandoned_nights() -> None:
    """Marks as failed the nights that `run_dag` began and did not end; a scheduler would take them up again."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, State, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import select

    own = select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.triggered_by == DagRunTriggeredByType.TEST)
    with create_session() as session:
        for run in session.scalars(own.where(DagRun.state == DagRunState.RUNNING)):
            for task in run.task_instances:
                if task.state in State.unfinished:
                    task.state = TaskInstanceState.FAILED
            run.state = DagRunState.FAILED


def run_id_of(logical_date: dt.datetime) -> str:
    """Airflow's id of the run that `run_dag` makes for this moment."""
    return f"manual__{logical_date.isoformat()}"


def run_dag(logical_date: dt.datetime, conf: dict[str, object]) -> bool:
    """Whether one run of the DAG ended well. Tasks run one after the other, retries and time limits included."""
    prepare_database()
    close_abandoned_nights()
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DagRunState

    bag = DagBag(str(ROOT / "dags" / "nightly.py"))
    if bag.import_errors:
        raise AirflowError(f"the DAG does not load: {bag.import_errors}")
    run = bag.dags[DAG_ID].test(logical_date=logical_date, run_after=logical_date, run_conf=conf)
    if run.run_id != run_id_of(logical_date):
        raise AirflowError(f"Airflow named the run {run.run_id}, not {run_id_of(logical_date)}")
    return bool(run.state == DagRunState.SUCCESS)


def end_tree(pid: int, *, timeout_s: float = STOP_TIMEOUT_S, root_at_once: bool = False) -> None:
    """Ends a process and all that came from it: tasks run in process groups of their own, out of Ctrl-C's reach.

    All are asked first and killed after `timeout_s`; `root_at_once` does not let the first one react.
    """
    import psutil

    try:
        root = psutil.Process(pid)
        if root_at_once:
            root.suspend()  # so that it starts nothing while its children are listed
        tree = [root, *root.children(recursive=True)]
        if root_at_once:
            root.kill()
    except psutil.NoSuchProcess:
        return
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in tree:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, tree = psutil.wait_procs(tree, timeout=timeout_s)


def interrupt(*_: object) -> None:
    """Signal handler: ends by SIGTERM as by Ctrl-C, also where the shell has SIGINT ignored (background jobs)."""
    raise KeyboardInterrupt


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(state: Path, port: int) -> int:
    """Runs the API server with the page, the scheduler and the DAG processor until Ctrl-C; 0 when it was ended so."""
    if _answers(port):
        raise AirflowError(f"port {port} is taken: give another one, for example PORT={port + 1}")
    env = airflow_env(state, port=port)
    logs = Path(env["AIRFLOW_HOME"]) / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    airflow = [sys.executable, "-m", "airflow"]
    commands = {
        "api-server": [*airflow, "api-server"],
        # Without its log server, which would listen on every address: the page reads the files of this machine.
        "scheduler": [*airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [*airflow, "dag-processor"],
    }
    say = sys.stdout.write
    say(f"starting Airflow (logs: {logs}) ...\n")
    sys.stdout.flush()
    prepare = [sys.executable, "-m", "infra.airflow_home", "prepare", "--state", str(state)]
    with (logs / "database.log").open("w") as out:
        if subprocess.run(prepare, env=env, cwd=ROOT, stdout=out, stderr=out).returncode:
            raise AirflowError(f"Airflow's database could not be made; see {out.name}")
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("a") as out:
                # A session of its own, so that Ctrl-C reaches this process only, which then ends the whole tree.
                running[name] = subprocess.Popen(
                    command, env=env, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
                )
        deadline = time.monotonic() + START_TIMEOUT_S
        ready = False
        while True:
            for name, process in running.items():
                if process.poll() is not None:
                    raise AirflowError(
                        f"Airflow's {name} ended ({process.returncode}); see {logs / name}.log"
                    )
            if not ready and _answers(port):
                ready = True
                say(
                    f"Airflow: http://127.0.0.1:{port}/dags/{DAG_ID}  (only from this machine; Ctrl-C ends it)\n"
                )
                sys.stdout.flush()
            if not ready and time.monotonic() > deadline:
                raise AirflowError(f"Airflow did not answer within {START_TIMEOUT_S} s; see {logs}")
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("ending Airflow ...\n")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
        for process in running.values():
            end_tree(process.pid)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one of the two commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="one run of the DAG in this process; its log goes to stdout")
    run.add_argument("--state", type=Path, required=True)
    run.add_argument("--logical-date", type=dt.datetime.fromisoformat, required=True)
    run.add_argument("--conf", type=json.loads, default={}, help="the DAG's parameters as JSON")
    prepare = commands.add_parser("prepare", help="the database, with no night left open")
    prepare.add_argument("--state", type=Path, required=True)
    page = commands.add_parser("serve", help="the page, the scheduler and the DAG processor on loopback")
    page.add_argument("--state", type=Path, default=Path("var"))
    page.add_argument("--port", type=int, default=8080)
    args = parser.parse_args(argv)
    if args.command != "serve":
        os.environ.update(airflow_env(args.state))  # before Airflow is imported: it reads them then
    if args.command == "run":
        end_with_parent()
        return 0 if run_dag(args.logical_date, args.conf) else 1
    if args.command == "prepare":
        prepare_database()
        close_abandoned_nights()
        return 0
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with only_one(args.state, "make airflow"):
            return serve(args.state, args.port)
    except AirflowError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
