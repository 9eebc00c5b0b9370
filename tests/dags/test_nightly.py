"""The DAG as Airflow loads it, in a process of its own: Airflow keeps its home and its database in the environment."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra.airflow_home import airflow_env

ROOT = Path(__file__).resolve().parents[2]
DAG_FILE = ROOT / "dags" / "nightly.py"
STAGE_TASKS = ["ingest", "understand", "plan", "draw", "publish", "deliver"]

LOOK = """
import copy, datetime as dt, json, sys
from types import SimpleNamespace
import airflow.sdk, airflow.providers.standard.decorators.bash, airflow.providers.standard.operators.empty
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import nightly
loaded = {name.partition(".")[0] for name in sys.modules}
dag = nightly.dag

from airflow.exceptions import AirflowException, ParamValidationError

def command(task, shard=None, **changed):
    params = {"run_date": None, "merchants": None, "limit": None, "config": "c.toml", "state": "var", "force": False}
    run = SimpleNamespace(run_after=dt.datetime(2026, 11, 21, 23, 30, tzinfo=dt.UTC))
    return dag.task_dict[task].python_callable(shard, params=params | changed, dag_run=run)

def refused(**values):
    params = copy.deepcopy(dag.params)
    try:
        for name, value in values.items():
            params[name] = value
        params.validate()
    except ParamValidationError:
        return True
    return False

def decision(message):
    return nightly.RetryUnlessRefused().evaluate(AirflowException(message), 1, 3).action.value

def settings(task):
    kwargs = getattr(task, "partial_kwargs", {})
    return {name: kwargs.get(name, getattr(task, name, None)) for name in
            ("retries", "retry_exponential_backoff", "retry_delay", "execution_timeout", "doc_md", "do_xcom_push")}

plain = {name: task for name, task in dag.task_dict.items()}
from airflow.serialization.serialized_objects import DagSerialization
out = {
    "heavy": sorted(loaded & {"pyspark", "ray", "torch", "pandas", "pyarrow", "numpy", "diffusers", "deltalake"} -
                    {name.partition(".")[0] for name in before}),
    "ours": sorted(loaded & {"schemas", "infra", "jobs", "ray_tasks"}),
    "id": dag.dag_id, "doc": dag.doc_md, "catchup": dag.catchup, "max_active_runs": dag.max_active_runs,
    "schedule": dag.timetable.expression if hasattr(dag.timetable, "expression") else str(dag.timetable),
    "upstream": {name: sorted(task.upstream_task_ids) for name, task in plain.items()},
    "mapped": [name for name, task in plain.items() if task.is_mapped],
    "settings": {name: settings(task) for name, task in plain.items()},
    "outlets": {name: [asset.uri for asset in (getattr(task, "partial_kwargs", {}).get("outlets") or
                getattr(task, "outlets", None) or [])] for name, task in plain.items()},
    "rules": {name: task.trigger_rule.value for name, task in plain.items()},
    "plan": command("plan"),
    "hostile": command("plan", state="a b; rm -rf $HOME", config="'$(id)'.toml", merchants="m1,m2", limit=7,
                       run_date="2026-11-20", force=True),
    "draw": command("draw", "3/4"),
    "refused": [refused(run_date="yesterday"), refused(shards=101), refused(shards=0), refused(limit=0),
                refused(merchants="a; b"), refused(state="{{ x }}")],
    "taken": [refused(run_date="2026-11-21"), refused(shards=100), refused(limit=3), refused(merchants="a,b_c")],
    "policy": [decision("Bash command failed. The command returned a non-zero exit code 2."),
               decision("Bash command failed. The command returned a non-zero exit code 1."),
               decision("Bash command failed. The command returned a non-zero exit code 12.")],
    "defaults": {name: dag.params[name] for name in dag.params},
    "serialized": bool(DagSerialization.serialize_dag(dag)),
}
print("\\n" + json.dumps(out, default=str))
"""


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    state = tmp_path_factory.mktemp("state")
    script = state / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, str(DAG_FILE.parent)],
        env=airflow_env(state) | {"HUNDREDFACES_RETRY_DELAY_S": "60", "HUNDREDFACES_LIMIT": "2"},
        cwd=state,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def modules_of(command: str) -> list[str]:
    words = shlex.split(command)
    return words[words.index("infra.stage") + 1 : words.index("--run-date")]


def test_parsing_loads_neither_an_engine_nor_code_of_ours(dag: dict[str, Any]) -> None:
    assert dag["heavy"] == []
    assert dag["ours"] == []
    assert dag["serialized"]


def test_imports_nothing_of_ours() -> None:
    names = set()
    for node in ast.walk(ast.parse(DAG_FILE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert not names & {"schemas", "infra", "jobs", "ray_tasks"}


def test_a_daily_night_one_at_a_time_with_docs_on_its_page(dag: dict[str, Any]) -> None:
    assert dag["id"] == "hundredfaces_nightly"
    assert dag["schedule"] in {"0 0 * * *", "@daily"}
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1
    assert dag["doc"].startswith("One night")
    for task in [*STAGE_TASKS, "report_failure"]:
        assert f"`{task}`" in dag["doc"]


def test_the_order_of_the_tasks(dag: dict[str, Any]) -> None:
    upstream = dag["upstream"]
    assert upstream["ingest"] == []
    for before, after in pairwise(STAGE_TASKS):
        assert before in upstream[after]
    assert upstream["finish"] == ["deliver"]
    assert upstream["report_failure"] == sorted(STAGE_TASKS)
    assert dag["rules"]["report_failure"] == "one_failed"
    # The run's state comes from its leaves, and a reported failure has to stay a failure.
    leaves = set(upstream) - {name for names in upstream.values() for name in names}
    assert leaves == {"finish", "report_failure"}
    assert dag["mapped"] == ["draw"]


def test_tasks_are_retried_later_and_later_and_end_in_time(dag: dict[str, Any]) -> None:
    for task in STAGE_TASKS:
        settings = dag["settings"][task]
        assert settings["retries"] == 2
        assert settings["retry_exponential_backoff"]
        assert settings["retry_delay"] == "0:01:00"
        assert settings["execution_timeout"] not in (None, "None")
        assert settings["do_xcom_push"] is False
        assert "Stages: `" in settings["doc_md"]
    assert dag["settings"]["report_failure"]["retries"] == 0
    assert dag["policy"] == ["fail", "default", "default"]


def test_each_table_is_the_asset_of_the_task_that_writes_it(dag: dict[str, Any]) -> None:
    written = [uri for task in STAGE_TASKS for uri in dag["outlets"][task]]
    assert len(written) == len(set(written))
    from schemas.tables import BY_NAME

    tables = {uri.removeprefix("hundredfaces://warehouse/") for uri in written if "/warehouse/" in uri}
    # Recalls and evaluations are written by a person's command, not by a night.
    assert tables == set(BY_NAME) - {"recalls", "persona_evaluation"}


def test_a_task_runs_its_stages_in_one_process(dag: dict[str, Any]) -> None:
    words = shlex.split(dag["plan"])
    assert words[:4] == ["exec", words[1], "-m", "infra.stage"]
    assert Path(words[1]).name.startswith("python")
    assert modules_of(dag["plan"]) == ["jobs.plan_work_units"]
    assert words[words.index("--run-date") + 1] == "2026-11-21"
    assert not {"--merchants", "--limit", "--shard", "--force", "--repeat"} & set(words)


def test_parameters_reach_the_stage_as_they_are(dag: dict[str, Any]) -> None:
    words = shlex.split(dag["hostile"])
    options = dict(zip(words[5:-1:2], words[6:-1:2], strict=True))
    assert options == {
        "--run-date": "2026-11-20",
        "--config": "'$(id)'.toml",
        "--state": "a b; rm -rf $HOME",
        "--merchants": "m1,m2",
        "--limit": "7",
    }
    assert words[-1] == "--force"


def test_drawing_is_sharded_and_repeated(dag: dict[str, Any]) -> None:
    words = shlex.split(dag["draw"])
    assert modules_of(dag["draw"]) == ["ray_tasks.make_candidates", "ray_tasks.score_candidates"]
    assert words[words.index("--shard") + 1] == "3/4"
    assert "--repeat" in words


def test_parameters_are_checked_before_anything_runs(dag: dict[str, Any]) -> None:
    assert dag["defaults"]["limit"] == 2, "a deployment's setting"
    assert dag["defaults"]["merchants"] is None
    assert set(dag["refused"]) == {True}
    assert set(dag["taken"]) == {False}
