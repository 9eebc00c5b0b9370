"""What a unit of work takes, measured in finished nights, and what tonight's plan will take by those rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.records import read_record, report_dir
from infra.tables import (
    ensure_tables,
    night_predicate,
    query_tables,
    read_table,
    replace_rows,
    rows_to_table,
    sql_literal,
)
from schemas.config import Config, Merchant

Row = dict[str, Any]

DRAW, SCORE = "ray_tasks.make_candidates", "ray_tasks.score_candidates"
WRITE = "ray_tasks.write_instructions"
PRODUCT = "product"
"""The `unit` of a rate of writing: all copy of one product by a model, by its benchmark."""
BENCHMARK = dt.date(1970, 1, 1)
"""The night of rates that a benchmark measured: before all others, so that a finished night's own take their place."""
NIGHTS = 7
"""So many of the newest nights are looked at for rates that are not in the table yet."""
_MEGAPIXEL = 1_000_000
UNMEASURED = {"core_s": 0.4, "gpu_s": 0.0, "bytes": 250_000.0, "attempts": 1.0}
"""Of a picture of one megapixel, until a night was measured (components on one x86-64 core, 2026)."""


def canvas(backend: str, width_px: int, height_px: int) -> str:
    """The `unit` of a drawing rate."""
    return f"picture, {backend}, {width_px} x {height_px}"


def measured_rates(state: Path, nights: Iterable[dt.date], config: Config) -> list[Row]:
    """Rows of `rates` for those of the nights whose pictures were drawn and published."""
    gpu = config.scene.diffusion is not None and config.scene.diffusion.device == "cuda"
    return [row for night in nights for row in _rates_of(state, night, config.engines.cores, gpu)]


def _rates_of(state: Path, night: dt.date, cores: int, gpu: bool) -> list[Row]:
    folder = report_dir(state, night) / "stages"
    records: dict[str, list[Row]] = {}
    for path in sorted(folder.glob("*.json")):
        if record := read_record(path):
            records.setdefault(record["stage"], []).append(record)
    if not any(
        record["status"] in {"done", "unchanged"} for record in records.get("jobs.publish_release", [])
    ):
        return []
    runs = {
        stage: [run for record in some for run in record.get("runs", [])] for stage, some in records.items()
    }
    wall = {stage: sum(run["wall_s"] for run in some) for stage, some in runs.items()}
    found = []
    for row in query_tables(
        state,
        "SELECT scene_backend, width_px, height_px, count(*) AS units, avg(scene_s) AS scene_s, "
        "avg(text_s + encode_s) AS rest_s, avg(bytes) AS bytes, "
        "sum(CASE WHEN variant = 0 THEN 1 ELSE 0 END) AS slots FROM candidates "
        f"WHERE run_date = DATE '{night}' GROUP BY scene_backend, width_px, height_px",
        "candidates",
    ):
        found.append(
            {
                "stage": DRAW,
                "unit": canvas(row["scene_backend"], row["width_px"], row["height_px"]),
                "units": row["units"],
                "core_s": row["rest_s"] + (0 if gpu else row["scene_s"]),
                "gpu_s": row["scene_s"] if gpu else 0.0,
                "bytes": row["bytes"],
                "attempts": row["units"] / max(1, row["slots"]),
            }
        )
    (row,) = query_tables(
        state,
        f"SELECT count(*) AS units, avg(score_s) AS core_s FROM scores "
        f"WHERE run_date = DATE '{night}' AND score_s > 0",
        "scores",
    )
    if row["units"]:
        found.append({"stage": SCORE, "unit": "picture", **row})
    for stage, some in runs.items():
        units = sum(run["rows_out"] for run in some)
        if stage not in {DRAW, SCORE} and units:
            found.append(
                {"stage": stage, "unit": "row", "units": units, "core_s": wall[stage] * cores / units}
            )
    usual = {"gpu_s": 0.0, "bytes": 0.0, "attempts": 1.0}
    return [usual | item | {"run_date": night, "wall_s": wall.get(item["stage"], 0.0)} for item in found]


@dataclass(frozen=True)
class Estimate:
    """What one picture takes, retries included."""

    core_s: float
    gpu_s: float
    stored_bytes: float


@dataclass
class Rates:
    """The newest night's rate of every stage and unit."""

    rows: Mapping[tuple[str, str], Row] = field(default_factory=dict)

    @classmethod
    def newest(cls, rows: Iterable[Row]) -> Rates:
        """Of each stage and unit the rate of the last night that has one."""
        return cls(
            {(row["stage"], row["unit"]): row for row in sorted(rows, key=lambda row: row["run_date"])}
        )

    def picture(self, backend: str, width_px: int, height_px: int) -> Estimate:
        """One picture's cost: as measured for this canvas, else by area from another one of this backend."""
        own = self.rows.get((DRAW, canvas(backend, width_px, height_px)))
        others = [
            row for (stage, unit), row in self.rows.items() if stage == DRAW and f", {backend}," in unit
        ]
        if own is not None:
            scale = 1.0
        elif others:
            own = max(others, key=lambda row: row["units"])
            width, _, height = own["unit"].rpartition(", ")[2].partition(" x ")
            scale = width_px * height_px / (int(width) * int(height))
        else:
            own, scale = dict(UNMEASURED), width_px * height_px / _MEGAPIXEL
        scored = self.rows.get((SCORE, "picture"), {}).get("core_s", 0.0)
        attempts = own["attempts"]
        return Estimate(
            (own["core_s"] * scale + scored) * attempts,
            own["gpu_s"] * scale * attempts,
            own["bytes"] * scale * attempts,
        )

    def other_wall_s(self) -> float:
        """Seconds that all other stages took in the last measured night."""
        return sum({stage: row["wall_s"] for (stage, _), row in self.rows.items()
                    if stage not in {DRAW, SCORE} and row["run_date"] != BENCHMARK}.values())  # fmt: skip

    def any_night(self) -> bool:
        """Whether a finished night was measured, and not benchmarks alone."""
        return any(row["run_date"] != BENCHMARK for row in self.rows.values())


def record_benchmark(state: Path, row: Row) -> None:
    """Keeps what a benchmark measured (a row of `rates` without its night) in place of what it measured before."""
    ensure_tables(state)
    table = rows_to_table("rates", [row | {"run_date": BENCHMARK}])
    same = f"stage = {sql_literal(row['stage'])} AND unit = {sql_literal(row['unit'])}"
    replace_rows(state, "rates", table, f"{night_predicate(BENCHMARK)} AND {same}")


def read_rates(state: Path) -> Rates:
    """The rates that the table holds."""
    return Rates.newest(read_table(state, "rates").to_pylist())


def unmeasured_nights(state: Path, run_date: dt.date) -> Sequence[dt.date]:
    """The newest nights before `run_date` that the table holds no rates of, oldest first."""
    nights = sorted(
        night
        for path in (state / "reports").glob("*-*-*")
        if (night := dt.date.fromisoformat(path.name)) < run_date
    )[-NIGHTS:]
    known = set(read_table(state, "rates", columns=["run_date"])["run_date"].to_pylist())
    return [night for night in nights if night not in known]


def placement_rows(config: Config, merchants: Sequence[Merchant], rates: Rates) -> list[Row]:
    """One row a merchant and placement: canvas, look, scene, the merchant's tier, what one picture takes."""
    rows = []
    for merchant in merchants:
        for name in merchant.placements:
            size = config.placements[name]
            one = rates.picture(config.scene.backend, size.width_px, size.height_px)
            scene_height_px, scene_text = config.scene_of(merchant, name)
            rows.append(
                {
                    "merchant_id": merchant.id,
                    "placement": name,
                    "width_px": size.width_px,
                    "height_px": size.height_px,
                    "look": size.look,
                    "scene_height_px": scene_height_px,
                    "scene_text": scene_text,
                    "legal": dict(sorted(merchant.price.legal.items())) if merchant.price else None,
                    "tier": merchant.tier,
                    "estimated_s": one.core_s,
                    "estimated_gpu_s": one.gpu_s,
                    "estimated_bytes": one.stored_bytes,
                }
            )
    return rows
