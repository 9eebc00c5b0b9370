from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ray_tasks.draw_together import draw_together
from ray_tasks.engine.budget import Budget, Ledger
from ray_tasks.pictures.geometry import Box
from ray_tasks.pictures.scene import BatchSceneBackend, Core, PlacedProduct, SceneOrder, SceneSpec
from schemas.model_config import Spending

SPEC = SceneSpec("wood_table", "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ())
TRIED_AGAIN = 1000
"""What a backend's last try adds to a seed here."""
PRODUCT = PlacedProduct(np.zeros((64, 64, 4), np.uint8), Box(0, 0, 64, 64))


@dataclass(frozen=True)
class Base:
    number: int
    scene_rgb: Any = None


class Pictures:
    """DrawPictures without drawing: jobs say what happens to them."""

    def begun(self, job: dict[str, Any]) -> AbstractContextManager[None]:
        return nullcontext()

    def plan(self, job: dict[str, Any]) -> tuple[Base, SceneOrder | None]:
        if job["is"] == "unplanned":
            raise ValueError("the cut-out is lost")
        whole = job["is"] == "photograph"
        return Base(job["number"]), None if whole else SceneOrder(SPEC, PRODUCT, None, job["number"])

    def set_texts(self, job: dict[str, Any], base: Base, scene_s: float) -> list[dict[str, Any]]:
        told = {name: job.get(name) for name in ("prompt_left_out", "seed")}
        return [{"number": job["number"], "scene": base.scene_rgb, "failure": None} | told]

    def failed(self, job: dict[str, Any], error: Exception) -> list[dict[str, Any]]:
        return [{"number": job["number"], "scene": None, "failure": str(error)}]


class Backend:
    """Paints a scene of the order's number, last first; some cannot be painted or finished; `reach` may end it."""

    name = "stub"
    revision = "1"

    def __init__(self, reach: int = 99) -> None:
        self.reach = reach
        self.given: list[int] = []

    def draw(
        self,
        spec: SceneSpec,
        product: PlacedProduct,
        text_area: Box | None,
        seed: int,
        core: Core | None = None,
    ) -> np.ndarray:
        return np.array(seed)

    def paint_many(
        self, orders: Iterable[SceneOrder], budget: Budget | None = None
    ) -> Iterator[tuple[int, SceneOrder, np.ndarray | Exception]]:
        assert budget is not None and budget.allows(1)
        given = list(enumerate(orders))
        self.given = [order.seed for _, order in given]
        for index, order in reversed(given[: self.reach]):
            painted = ValueError("nan_picture") if order.seed == 5 else np.array(order.seed)
            yield index, replace(order, seed=order.seed + TRIED_AGAIN), painted

    def finish(self, order: SceneOrder, painted: np.ndarray) -> np.ndarray:
        if order.seed == 7 + TRIED_AGAIN:
            raise ValueError("cannot be finished")
        return painted * 10

    def left_out(self, order: SceneOrder) -> list[str]:
        return [f"phrase {order.seed}"]


def jobs(*kinds: str) -> list[dict[str, Any]]:
    night = dt.date(2026, 11, 21)
    return [
        {"number": i, "is": kind, "run_date": night, "scene_height_px": 64 + i % 2, "width_px": 64}
        for i, kind in enumerate(kinds)
    ]


def drawn(backend: Backend, todo: list[dict[str, Any]], state: Path) -> dict[int, tuple[Any, str | None]]:
    assert isinstance(backend, BatchSceneBackend)
    pictures: Any = Pictures()
    rows = draw_together(pictures, backend, todo, 2, Ledger(state, Spending()))
    assert len({row["number"] for row in rows}) == len(rows)
    for row in rows:
        seed = None if row["scene"] is None else row["number"] + TRIED_AGAIN
        assert row.get("seed") == seed, "of the try that was kept"
        told = None if seed is None else [f"phrase {seed}"]
        assert row.get("prompt_left_out") == told, "what a prompt was cut by stands beside the picture"
    return {row["number"]: (row["scene"], row["failure"]) for row in rows}


def test_every_job_ends_in_its_own_rows(tmp_path: Path) -> None:
    kinds = ["scene", "unplanned", "scene", "photograph", "scene", "scene", "scene", "scene", *["scene"] * 80]
    rows = drawn(Backend(), jobs(*kinds), tmp_path)
    assert len(rows) == len(kinds)
    assert rows[0] == (0, None) and rows[2] == (20, None) and rows[87] == (870, None)
    assert rows[1] == (None, "the cut-out is lost")
    assert rows[3] == (None, None), "a photograph needs no scene"
    assert rows[5] == (None, "nan_picture") and rows[7] == (None, "cannot be finished")


def test_work_comes_sorted_by_shape(tmp_path: Path) -> None:
    backend = Backend()
    drawn(backend, jobs(*["scene"] * 4), tmp_path)
    assert backend.given == [0, 2, 1, 3], "the lower scenes first, a product's personas side by side"


def test_what_the_budget_does_not_reach_has_no_row(tmp_path: Path) -> None:
    rows = drawn(Backend(reach=3), jobs(*["scene"] * 8), tmp_path)
    assert len(rows) == 3
    assert len(list(tmp_path.rglob("*.seconds"))) == 1, "the time is written down"
