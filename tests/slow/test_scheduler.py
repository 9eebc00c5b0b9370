"""The night through Airflow's own scheduler, DAG processor and API server, as `make airflow` starts them."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.airflow_home import DAG_ID, end_tree
from infra.releases import live_release

ROOT = Path(__file__).resolve().parents[2]
NIGHT_TIMEOUT_S = 900

pytestmark = [pytest.mark.slow, pytest.mark.timeout(NIGHT_TIMEOUT_S + 200)]


class Airflow:
    """A running Airflow with its REST interface."""

    def __init__(self, process: subprocess.Popen[str], port: int, state: Path) -> None:
        self.process = process
        self.state = state
        self._url = f"http://127.0.0.1:{port}"
        self._token: str = self._send("GET", "/auth/token")["access_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._send(
            method, f"/api/v2/dags/{DAG_ID}{path}", body, {"Authorization": f"Bearer {self._token}"}
        )

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            got: dict[str, Any] = json.load(answer)
        return got

    def wait_until_known(self) -> None:
        """Waits until the DAG processor has read the DAG."""
        deadline = time.monotonic() + 120
        while True:
            try:
                self.call("GET", "")
            except urllib.error.HTTPError as error:
                if error.code != 404 or time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return

    def listening(self) -> set[str]:
        """The addresses on which Airflow's processes listen; what a stage starts is not Airflow's."""
        found: set[str] = set()
        processes = [psutil.Process(self.process.pid)]
        while processes:
            process = processes.pop()
            try:
                if "infra.stage" in process.cmdline():
                    continue
                found |= {
                    c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN
                }
                processes += process.children()
            except psutil.NoSuchProcess:
                continue
        return found


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[Airflow]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.airflow_home", "serve", "--state", state, "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HUNDREDFACES_LIMIT": "2"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("Airflow: http://127.0.0.1:") for line in lines), "Airflow did not start"
        yield Airflow(process, port, state)
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(timeout=90) == 0
        assert not [
            child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
        ]
    finally:
        end_tree(process.pid)


def test_a_night_through_the_real_scheduler(airflow: Airflow) -> None:
    airflow.wait_until_known()
    assert airflow.call("GET", "")["is_paused"], "nothing runs before a person says so"
    yesterday = (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).date().isoformat()
    asked = {"logical_date": None, "conf": {"run_date": yesterday, "limit": 2}}
    run_id = airflow.call("POST", "/dagRuns", asked)["dag_run_id"]
    airflow.call("PATCH", "", {"is_paused": False})  # the one click

    deadline = time.monotonic() + NIGHT_TIMEOUT_S
    listening: set[str] = set()
    while (state := airflow.call("GET", f"/dagRuns/{run_id}")["state"]) in {"queued", "running"}:
        assert time.monotonic() < deadline, "the night did not end"
        listening |= airflow.listening()
        time.sleep(1)
    tasks = airflow.call("GET", f"/dagRuns/{run_id}/taskInstances")["task_instances"]
    states = {task["task_id"]: task["state"] for task in tasks}
    assert state == "success", states
    assert states.pop("report_failure") == "skipped"
    assert set(states.values()) == {"success"}
    assert listening == {"127.0.0.1"}
    assert live_release(airflow.state)
    assert (airflow.state / "reports" / yesterday / "index.html").is_file()
