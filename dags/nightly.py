"""One night: every shop's products to one release of pictures per audience, a drop per merchant and a report.

| task | what is new afterwards |
|---|---|
| `ingest` | products, segments and their affinities as of this night |
| `understand` | cut-outs, the top-K audiences of each product, and what to show to each |
| `plan` | what has to be drawn tonight, and why |
| `draw` | pictures and their measurements; mapped over shards, never over products |
| `publish` | the gate's verdict, then one row in `releases`: readers see the old release or the new one |
| `deliver` | a folder and zip per merchant, and the page of the night |
| `report_failure` | after a failure only: the page says where the night stopped; the run still ends failed |

**A task is a process, a stage is a module.** Starting Spark or Ray costs more than a small night's work, so a task
runs a few stages in one process. Each stage notes the night (this run's id) in which it was done: a task that is
tried again, or cleared on this page, does not redo the stages that were finished. A new run looks at everything anew,
and does only the work whose key has no result yet.

**When it fails**, nothing is published and the last release stays live. The task's log ends with the stage and the
reason; the same is in `<state>/reports/<run_date>/`. Mend the cause, then clear the failed task.

**Run it for another date, shop or size** with the form behind *Trigger*: `run_date` (empty: the date of the run),
`merchants` (comma-separated; empty: all), `limit` (products per merchant; empty: all), `config`, `state`, `shards`.
By hand, a stage is `python -m jobs.ingest_catalog --run-date 2026-11-21 --config infra/config/local.toml`.
"""

from __future__ import annotations

import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, Param, RetryDecision, RetryPolicy, TriggerRule, chain, task

ROOT = Path(__file__).resolve().parents[1]

# What a deployment sets for all its nights; the form's parameters set the rest for one night.
CONFIG = os.environ.get("HUNDREDFACES_CONFIG", "infra/config/local.toml")
STATE = os.environ.get("HUNDREDFACES_STATE", "var")
MERCHANTS = os.environ.get("HUNDREDFACES_MERCHANTS") or None
LIMIT = int(os.environ.get("HUNDREDFACES_LIMIT") or 0) or None
# A minute, then two: an object store or a spot machine is back in minutes. On a laptop somebody waits: less there.
RETRY_DELAY = timedelta(seconds=float(os.environ.get("HUNDREDFACES_RETRY_DELAY_S", "60")))

PARAMS = {
    "run_date": Param(
        None, type=["null", "string"], format="date", description="Empty: the date of the run, in UTC."
    ),
    "merchants": Param(
        MERCHANTS,
        type=["null", "string"],
        pattern="^[A-Za-z0-9_,-]*$",
        description="Ids of merchants with commas between. Empty: all in the configuration.",
    ),
    "limit": Param(
        LIMIT, type=["null", "integer"], minimum=1, description="Products per merchant. Empty: all."
    ),
    "config": Param(CONFIG, type="string", pattern="^[^{}]+$", description="The night's TOML file."),
    "state": Param(
        STATE, type="string", pattern="^[^{}]+$", description="Folder of tables, objects and reports."
    ),
    "shards": Param(
        1, type="integer", minimum=1, maximum=100, description="Processes that draw at the same time."
    ),
    "force": Param(
        False, type="boolean", description="Do the stages again even where their inputs did not change."
    ),
}


class RetryUnlessRefused(RetryPolicy):
    """Tries again what may go away; not a stage that refused its input (exit code 2): that needs a person."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
    ) -> RetryDecision:
        refused = str(exception).rstrip(".").endswith("exit code 2")
        return RetryDecision.fail("the stage refused its input") if refused else RetryDecision.default()


def table(name: str) -> Asset:
    """The Airflow Asset that stands for a table: other DAGs can be scheduled on its updates."""
    return Asset(name=name, uri=f"hundredfaces://warehouse/{name}", group="hundredfaces")


def stages(
    task_id: str,
    *modules: str,
    hours: float,
    doc: str,
    night: str = "{{ run_id }}",
    repeat: bool = False,
    **settings: Any,
) -> Any:
    """A task that runs the stages one after the other in one process of its own; `repeat`: until there is no work."""

    @task.bash(
        task_id=task_id,
        cwd=str(ROOT),
        env={"PYTHONPATH": str(ROOT), "HUNDREDFACES_NIGHT_ID": night},
        append_env=True,
        do_xcom_push=False,
        execution_timeout=timedelta(hours=hours),
        doc_md=f"{doc}\n\nStages: `{'`, `'.join(modules)}`",
        **settings,
    )
    def command(shard: str | None = None, *, params: Any, dag_run: Any) -> str:
        options = {
            "run-date": params["run_date"] or dag_run.run_after.date().isoformat(),
            "config": params["config"],
            "state": params["state"],
            "merchants": params["merchants"],
            "limit": params["limit"],
            "shard": shard,
        }
        words = [sys.executable, "-m", "infra.stage", *modules]
        for name, value in options.items():
            words += [f"--{name}", str(value)] if value else []
        words += ["--repeat"] if repeat else []
        words += ["--force"] if params["force"] else []
        return "exec " + shlex.join(words)

    return command


with DAG(
    dag_id="hundredfaces_nightly",
    description="Products to pictures per audience: one release, a drop per merchant, a report",
    doc_md=__doc__,
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a night works on the shops as they are now: missed nights cannot be made up
    max_active_runs=1,  # one writer per table
    params=PARAMS,
    render_template_as_native_obj=False,
    tags=["hundredfaces", "nightly"],
    default_args={
        "owner": "hundredfaces",
        "retries": 2,
        "retry_delay": RETRY_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": RetryUnlessRefused(),
    },
) as dag:
    ingest = stages(
        "ingest",
        "jobs.ingest_catalog",
        "jobs.build_segments",
        hours=2,
        doc="Feeds and users' events to the night's products, segments and affinities (Spark).",
        outlets=[table(name) for name in ("products", "segments", "segment_affinity", "rejects")],
    )()
    understand = stages(
        "understand",
        "ray_tasks.build_product_views",
        "ray_tasks.infer_personas",
        "ray_tasks.write_instructions",
        hours=8,
        doc="Cut-outs of the pictures, the top-K audiences of each product, and what to show to each (Ray).",
        outlets=[table(name) for name in ("product_views", "personas", "instructions")],
    )()
    plan = stages(
        "plan",
        "jobs.plan_work_units",
        hours=2,
        doc="What has to be drawn tonight, why, and at what cost (Spark).",
        outlets=[table("work_units"), table("rates")],
    )()

    @task(doc_md="The shards of the drawing: `0/n` to `n-1/n`.")
    def list_shards(*, params: Any) -> list[str]:
        return [f"{i}/{params['shards']}" for i in range(params["shards"])]

    draw = stages(
        "draw",
        "ray_tasks.make_candidates",
        "ray_tasks.score_candidates",
        repeat=True,
        hours=12,
        doc="Pictures and their measurements; a rejected one is tried again a bounded number of times (Ray).",
        outlets=[table(name) for name in ("candidates", "scores", "limits")],
        map_index_template="{{ task.op_kwargs['shard'] }}",
    ).expand(shard=list_shards())  # type: ignore[call-arg]
    publish = stages(
        "publish",
        "jobs.gate_release",
        "jobs.publish_release",
        hours=2,
        doc="The gate on what is about to be published, then the release in one atomic row (Spark).",
        outlets=[table(name) for name in ("assets", "releases")],
    )()
    deliver = stages(
        "deliver",
        "jobs.build_drops",
        "jobs.build_report",
        hours=4,
        doc="A folder and zip per merchant, and the page of the night.",
        outlets=[Asset(name="drops", uri="hundredfaces://drops", group="hundredfaces")],
    )()
    # Leaves decide how a run ends: this one keeps a run failed whose failure was reported.
    finish = EmptyOperator(task_id="finish", doc_md="Reached only when everything before it went well.")
    report_failure = stages(
        "report_failure",
        "jobs.build_report",
        hours=1,
        doc="The page of a night that failed: where it stopped and why.",
        # Another id than the night's: when the failed task is cleared and goes through, `deliver` writes the page anew.
        night="{{ run_id }}.failed",
        trigger_rule=TriggerRule.ONE_FAILED,
        retries=0,
    )()

    line = [ingest, understand, plan, draw, publish, deliver]
    chain(*line, finish)
    chain(line, report_failure)
