"""Many scenes at once for a backend on a card: planning before it, texts and encoding behind it, in threads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray_tasks.engine.budget import Ledger
    from ray_tasks.make_candidates import DrawPictures
    from ray_tasks.pictures.scene import BatchSceneBackend, SceneOrder

_PLANNED = 32
"""Jobs planned ahead of the card."""
_UNFINISHED = 32
"""Painted scenes that may wait for a thread: each holds some 15 MB."""

Row = dict[str, Any]


def draw_together(
    pictures: DrawPictures, backend: BatchSceneBackend, jobs: Sequence[Row], threads: int, ledger: Ledger
) -> list[Row]:
    """Rows as `pictures.draw` gives them, for all jobs; none for jobs that the backend's budget did not reach."""
    from ray_tasks.engine.generate import ahead

    jobs = sorted(jobs, key=lambda job: (job["scene_height_px"], job["width_px"]))
    known: dict[int, tuple[Row, Any]] = {}
    numbers = count()
    rows: list[Row] = []
    finishing: deque[Future[list[Row]]] = deque()

    def planned(job: Row) -> tuple[Row, Any]:
        try:
            with pictures.begun(job):
                return job, pictures.plan(job)
        except Exception as error:
            return job, error

    def finished(job: Row, base: Any, order: SceneOrder, painted: Any, scene_s: float) -> list[Row]:
        try:
            with pictures.begun(job):
                base = replace(base, scene_rgb=backend.finish(order, painted))
                told = {"seed": order.seed, "prompt_left_out": backend.left_out(order)}
                return pictures.set_texts(job | told, base, scene_s)
        except Exception as error:
            return pictures.failed(job, error)

    with (
        ThreadPoolExecutor(threads) as planners,
        ThreadPoolExecutor(threads) as finishers,
        ledger.night(jobs[0]["run_date"]) as budget,
    ):

        def submit(function: Any, *arguments: Any) -> None:
            finishing.append(finishers.submit(function, *arguments))
            while len(finishing) > _UNFINISHED:
                rows.extend(finishing.popleft().result())

        def orders() -> Iterator[SceneOrder]:
            for job, plan in ahead(planned, jobs, planners, _PLANNED):
                if isinstance(plan, Exception):
                    rows.extend(pictures.failed(job, plan))
                    continue
                base, order = plan
                if order is None:
                    submit(pictures.set_texts, job, base, 0.0)
                else:
                    known[next(numbers)] = (job, base)
                    yield order

        last = time.perf_counter()
        for index, order, painted in backend.paint_many(orders(), budget):
            job, base = known.pop(index)
            now = time.perf_counter()
            if isinstance(painted, Exception):
                rows.extend(pictures.failed(job, painted))
            else:
                submit(finished, job, base, order, painted, now - last)
            last = now
        for future in finishing:
            rows.extend(future.result())
    return rows
