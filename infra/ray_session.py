"""Ray for one process: a small local cluster, or the one that RAY_ADDRESS names."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.processes import interrupt_at_death
from infra.stage import StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa

    from schemas.config import Engines

_ROOT = Path(__file__).resolve().parent.parent


def start_ray(engines: Engines) -> None:
    """Starts Ray once per process, on loopback, without its web page; later calls do nothing."""
    import ray

    if ray.is_initialized():
        return
    began = time.perf_counter()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Workers import our modules by name; the address family stays on loopback.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    else:
        ray.init(
            num_cpus=engines.cores,
            object_store_memory=engines.ray_object_store_mb * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            _node_ip_address="127.0.0.1",
        )
        node = ray._private.worker._global_node
        assert node is not None
        needed = {
            node.all_processes[name][0].process.pid: f"Ray's {name}" for name in ("raylet", "gcs_server")
        }
        interrupt_at_death(needed, while_=ray.is_initialized)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger(__name__).info("Ray is up, started in %.1f s", time.perf_counter() - began)


def _actors_on_gpus(num_gpus: float) -> int:
    """How many actors of `num_gpus` each there is room for. Raises StageError for none."""
    import ray

    if not (actors := int(ray.cluster_resources().get("GPU", 0) / num_gpus)):
        raise StageError(
            'the configuration asks for device = "cuda" and Ray finds no GPU: start it where there is one, '
            'or set device = "cpu"'
        )
    return actors


_served: dict[tuple[Any, ...], list[Any]] = {}


def serve(worker: type[Any], *arguments: Any, engines: Engines, on_gpu: bool) -> list[Any]:
    """Ray actors that hold `worker(*arguments)` until this process ends: one a GPU, or one on the CPU.

    Later calls with the same arguments get the same actors, so that stages of one process load a model once. Raises
    StageError where it cannot be loaded, and where a GPU is asked for and Ray finds none.
    """
    import ray

    start_ray(engines)
    key = (worker, *arguments)
    if key not in _served:
        count = _actors_on_gpus(1) if on_gpu else 1
        actor = ray.remote(num_cpus=0, num_gpus=int(on_gpu))(worker)
        handles = [actor.remote(*arguments) for _ in range(count)]
        try:
            ray.get([handle.__ray_ready__.remote() for handle in handles])
        except ray.exceptions.RayActorError as error:
            raise StageError(str(error).strip().splitlines()[-1]) from error
        _served[key] = handles
    return _served[key]


def map_rows(
    rows: pa.Table,
    worker: type[Callable[[pa.Table], pa.Table]],
    arguments: Mapping[str, Any],
    engines: Engines,
    *,
    batch_rows: int | None = None,
    num_gpus: float = 0,
) -> Iterator[pa.Table]:
    """The tables that `worker(**arguments)` makes of batches of `rows`, as they are ready; no rows start no Ray.

    The worker is built once per actor, one actor a core (a GPU where it takes `num_gpus`). By default a batch has
    `engines.batch_size` rows, or fewer so that each actor gets two. Raises StageError where a GPU is asked for and Ray
    finds none.
    """
    if not rows.num_rows:
        return
    import ray

    start_ray(engines)
    actors = _actors_on_gpus(num_gpus) if num_gpus else engines.cores
    size = batch_rows or min(engines.batch_size, max(1, -(-rows.num_rows // (2 * actors))))
    batches = [rows.slice(start, size) for start in range(0, rows.num_rows, size)]
    made = ray.data.from_arrow(batches).map_batches(
        worker,
        fn_constructor_kwargs=dict(arguments),
        batch_format="pyarrow",
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(batches))),
        # Half a CPU each: an actor pool that takes every CPU leaves none for Ray Data's own tasks, and it hangs.
        num_cpus=0.5,
        num_gpus=num_gpus,
    )
    # Fetched ahead, a batch would be given only when the next one is there: what lies there uncommitted a kill takes.
    yield from made.iter_batches(batch_format="pyarrow", batch_size=None, prefetch_batches=0)
