"""The picture stages' own callables on a night's rows in one process: no Airflow, Spark, Ray, and no table written."""

from __future__ import annotations

import datetime as dt
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.settings import load_config
from infra.tables import read_night, read_table, rows_to_table
from ray_tasks import (
    build_product_views,
    infer_personas,
    make_candidates,
    score_candidates,
    write_instructions,
)
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.texts import first_products
from schemas.config import Config, Store
from schemas.tables import BY_NAME

Row = dict[str, Any]


@dataclass
class Bare:
    """What the bare run took and made. Times in seconds, memory in MiB."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: int = 0
    products: int = 0
    pictures: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the wall time of the body to a stage."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class Inputs:
    """The night's rows that the bare run starts from, and those that it must come to."""

    config: Config
    run_date: dt.date
    products: pa.Table
    segments: pa.Table
    segment_affinity: pa.Table
    units: list[Row]
    instructions: list[Row]
    candidates: dict[str, str]
    verdicts: dict[str, str]


def read_inputs(config_path: Path, state: Path, run_date: dt.date, limit: int | None) -> Inputs:
    """Reads a finished night; objects of the bare run go to a local store whatever the configuration says."""
    config = load_config(config_path).model_copy(update={"store": Store()})
    candidates = read_table(state, "candidates", columns=["asset_id", "sha256"])
    scores = read_table(state, "scores", columns=["asset_id", "verdict"])
    return Inputs(
        config=config,
        run_date=run_date,
        products=first_products(read_night(state, "products", run_date), limit),
        segments=read_night(state, "segments", run_date),
        segment_affinity=read_night(state, "segment_affinity", run_date),
        units=read_night(state, "work_units", run_date).to_pylist(),
        instructions=read_night(state, "instructions", run_date).to_pylist(),
        candidates={row["asset_id"]: row["sha256"] for row in candidates.to_pylist()},
        verdicts={row["asset_id"]: row["verdict"] for row in scores.to_pylist()},
    )


def run_bare(config_path: Path, state: Path, run_date: dt.date, limit: int | None, scratch: Path) -> Bare:
    """Does the night's picture work again below `scratch`. Reading the night's tables is not timed; imports are."""
    inputs = read_inputs(config_path, state, run_date, limit)
    bare = Bare(products=inputs.products.num_rows)
    started, cpu_before_s = time.perf_counter(), time.process_time()
    views = _views(bare, inputs, scratch)
    personas = _personas(bare, inputs, views)
    instructions = _instructions(bare, inputs, views, personas)
    made, verdicts = _pictures(bare, inputs, scratch)
    bare.wall_s = time.perf_counter() - started
    bare.cpu_s = time.process_time() - cpu_before_s
    bare.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    bare.pictures = len(made)
    night = {_instruction_key(row): row["instruction_hash"] for row in inputs.instructions}
    bare.mismatches += _differences("instruction", night, instructions)
    bare.mismatches += _differences("picture", inputs.candidates, made)
    bare.mismatches += _differences("verdict", inputs.verdicts, verdicts)
    return bare


def _instruction_key(row: Row) -> str:
    return f"{row['merchant_id']}/{row['sku']}/{row['segment_id']}/{row['locale']}"


def _differences(what: str, night: dict[str, str], bare: dict[str, str]) -> list[str]:
    return [
        f"{what} {key}: night {night.get(key)}, bare {bare.get(key)}"
        for key in sorted({*night, *bare})
        if night.get(key) != bare.get(key)
    ]


def _slices(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)


def _views(bare: Bare, inputs: Inputs, scratch: Path) -> pa.Table:
    rows = inputs.products.select(["image_sha256", "image_uri"]).to_pylist()
    images = {row["image_sha256"]: row["image_uri"] for row in rows if row["image_sha256"]}
    with bare.timed(build_product_views.STAGE):
        cut_out = build_product_views.CutOutImages(inputs.config, scratch)
        views = [cut_out.view(digest, uri) for digest, uri in sorted(images.items())]
    return rows_to_table("product_views", [view for view in views if view["verdict"] == "accepted"])


def _personas(bare: Bare, inputs: Inputs, views: pa.Table) -> pa.Table:
    usable = infer_personas.with_usable_picture(inputs.products, views)
    usable = with_own_past(usable, inputs.segment_affinity)
    with bare.timed(infer_personas.STAGE):
        rank = infer_personas.PersonaRanker(
            inputs.segments,
            without_own_past(inputs.segment_affinity),
            {merchant.id: merchant.top_k for merchant in inputs.config.merchants},
            {merchant.id: merchant.segment_sources for merchant in inputs.config.merchants},
        )
        ranked = [rank(batch) for batch in _slices(usable, infer_personas.MOST_BATCH_ROWS)]
    return pa.concat_tables([BY_NAME["personas"].schema.empty_table(), *ranked])


def _instructions(bare: Bare, inputs: Inputs, views: pa.Table, personas: pa.Table) -> dict[str, str]:
    products = write_instructions.products_with_personas(inputs.products, views, personas)
    with bare.timed(write_instructions.STAGE):
        write = write_instructions.InstructionWriter(
            inputs.segments, {merchant.id: merchant.locales for merchant in inputs.config.merchants}
        )
        written = [write(batch).to_pylist() for batch in _slices(products, write_instructions.BATCH_SIZE)]
    good = [row for rows in written for row in rows if row["rejected_for"] is None]
    return {_instruction_key(row): row["instruction_hash"] for row in good}


def _pictures(bare: Bare, inputs: Inputs, scratch: Path) -> tuple[dict[str, str], dict[str, str]]:
    """SHA-256 and verdict of each picture: drawn, scored, and the rejected ones drawn again as in the night."""
    made: dict[str, Row] = {}
    verdicts: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    with bare.timed(make_candidates.STAGE):
        pictures = make_candidates.DrawPictures(inputs.config, scratch)
    with bare.timed(score_candidates.STAGE):
        judge = score_candidates.ScoreCandidates(inputs.config, scratch, inputs.run_date)
    for _ in range(inputs.config.quality.max_attempts):
        rejected = {asset_id: reasons[asset_id] for asset_id, said in verdicts.items() if said == "rejected"}
        due = make_candidates.due_units(inputs.units, set(made), rejected)
        jobs = make_candidates.scene_jobs(due, inputs.instructions).to_pylist()
        if not jobs:
            break
        with bare.timed(make_candidates.STAGE):
            drawn = [row for job in jobs for row in pictures.draw(job)]
        bare.mismatches += [
            f"picture {row['asset_id']}: {row['failure']}" for row in drawn if row.get("failure")
        ]
        new = {row["asset_id"]: row for row in drawn if not row.get("failure")}
        made |= new
        planned = score_candidates.planned_candidates(
            inputs.units, rows_to_table("candidates", made.values()), verdicts
        ).to_pylist()
        planned = [row for row in planned if row["asset_id"] in new]
        with bare.timed(score_candidates.STAGE):
            scored = [judge.score(row) for row in planned]
        verdicts |= {row["asset_id"]: row.get("verdict") or row["failure"] for row in scored}
        reasons |= {row["asset_id"]: row.get("reasons") or [] for row in scored}
    return {asset_id: row["sha256"] for asset_id, row in made.items()}, verdicts
