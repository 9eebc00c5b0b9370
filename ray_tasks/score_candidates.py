"""One row of `scores` for every planned candidate that these thresholds have not judged: measurements and verdict.

The picture is measured as it lies in the store, against the product's own pixels; other thresholds make other rows
without drawing anything. Tonight's rejected candidates go to `rejects` with values and limits in words.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.object_store import open_store
from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import Appended, append_rows, missing_keys, rows_to_table
from ray_tasks.decide_again import decide_again
from ray_tasks.failures import error_budget, refusal
from ray_tasks.limits import keep_limits
from ray_tasks.pictures.decide import Thresholds, decide, explain
from ray_tasks.tonight import (
    Part,
    count_made,
    earlier_scores,
    made_beside_unjudged,
    open_parts,
    rejected_parts,
    rejected_units,
    standing,
)
from schemas.config import Config
from schemas.revisions import measures_revision, scorer_revision, views_revision
from schemas.tables import BY_NAME

STAGE = "ray_tasks.score_candidates"
INPUTS = ("work_units", "candidates", "product_views")
OUTPUTS = ("scores", "limits")

_OF_CANDIDATE = (
    "uri", "sha256", "width_px", "height_px", "setting", "size_cm", "px_per_cm", "product_box",
    "text_boxes", "overflow", "changed_core_px",
)  # fmt: skip
_OF_RIVAL = ("uri", "width_px", "height_px", "product_box")
RIVAL = pa.struct([BY_NAME["candidates"].schema.field(name) for name in _OF_RIVAL])
"""The product's picture for another persona, in the same language and place, from which this one has to differ."""
PLANNED = pa.schema(
    [
        ("asset_id", pa.string()),
        ("merchant_id", pa.string()),
        ("sku", pa.string()),
        ("segment_id", pa.string()),
        ("locale", pa.string()),
        ("cutout_uri", pa.string()),
        ("look", pa.string()),
        *(BY_NAME["candidates"].schema.field(name) for name in _OF_CANDIDATE),
        ("source_texts", pa.list_(pa.string())),
        ("rivals", pa.list_(RIVAL)),
    ]
)
"""One row is one of tonight's candidates with all that measuring it needs."""

SCORED = pa.schema(
    [
        *(field.with_nullable(True) for field in BY_NAME["scores"].schema),
        ("failure", pa.string()),
        ("detail", pa.string()),
    ]
)
"""A score, or (failure not NULL) the reason code why there is none."""


class ScoreCandidates:
    """Measures and judges pictures: (PLANNED rows) -> (SCORED rows)."""

    def __init__(self, config: Config, state: Path, run_date: dt.date) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._store = open_store(config.store, state)
        self._brands = config.quality.brand_colors
        self._thresholds = Thresholds.with_overrides(config.quality.thresholds)
        self._shared = {"scorer_revision": scorer_revision(config.quality), "run_date": run_date}
        self._cutout = lru_cache(maxsize=2)(self._read_cutout)
        # Locales share a scene: of the pixels that were pasted there, one copy.
        self._placed = lru_cache(maxsize=8)(self._place)
        self._look = lru_cache(maxsize=64)(self._look_at)
        self._models = None
        if config.quality.image_text or config.quality.judge:
            from ray_tasks.model_measures import ModelMeasures

            self._models = ModelMeasures(config.quality, self._store)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """One row a candidate, whatever happens to it."""
        rows = batch.to_pylist()
        told = self._models.of(rows) if self._models else {}
        return pa.Table.from_pylist(
            [self.score(row, told.get(row["asset_id"])) for row in rows], schema=SCORED
        )

    def score(
        self, row: dict[str, Any], told: Mapping[str, float] | Exception | None = None
    ) -> dict[str, Any]:
        """The score of one candidate; told: what models measured of it, or why they could not."""
        try:
            if isinstance(told, Exception):
                raise told
            return self._score(row, told or {})
        except FileNotFoundError as error:
            return _failed(
                row, "object_missing", f"{error}; delete its row in candidates to have it made again"
            )
        except Exception as error:
            return _failed(row, "scoring_failed", f"{type(error).__name__}: {error}"[:500])

    def _score(self, row: dict[str, Any], told: Mapping[str, float]) -> dict[str, Any]:
        from ray_tasks.pictures.geometry import Box
        from ray_tasks.pictures.measure import measure
        from ray_tasks.pictures.measure_text import TextBox

        started = time.process_time()
        jpeg = self._store.get(row["uri"])
        digest = hashlib.sha256(jpeg).hexdigest()
        if digest != row["sha256"]:
            return _failed(
                row,
                "object_changed",
                f"{row['uri']} has SHA-256 {digest}, the candidate says {row['sha256']}",
            )
        box = row["product_box"]
        placed = self._placed(row["cutout_uri"], box["left"], box["top"], box["right"], box["bottom"])
        measurements = measure(
            jpeg,
            self._cutout(row["cutout_uri"]),
            Box(**box),
            [
                TextBox(
                    text["element"],
                    Box(text["left"], text["top"], text["right"], text["bottom"]),
                    text["contrast"],
                    text["text"] or "",
                    Box(**text["letters"]) if text["letters"] else None,
                    text["lines"] or 1,
                )
                for text in row["text_boxes"]
            ],
            overflow=row["overflow"],
            changed_core_px=row["changed_core_px"],
            placed=placed,
            others=[
                self._look(
                    rival["uri"], rival["width_px"], rival["height_px"], *rival["product_box"].values()
                )
                for rival in row["rivals"]
            ],
            source_texts=row["source_texts"] or (),
            stands=_stands(row["setting"]),
            size_cm=row["size_cm"],
            px_per_cm=row["px_per_cm"],
            brand_colors=self._brands.get(row["merchant_id"], ()),
        ) | dict(told)
        reasons = decide(measurements, self._thresholds.of_look(row["look"]))
        return self._shared | {
            "asset_id": row["asset_id"],
            "measurements": [{"name": name, "value": value} for name, value in measurements.items()],
            "verdict": "rejected" if reasons else "accepted",
            "reasons": reasons,
            "score_s": time.process_time() - started,
            "scored_at": dt.datetime.now(dt.UTC),
        }

    def _place(self, uri: str, left: int, top: int, right: int, bottom: int) -> Any:
        from ray_tasks.pictures.geometry import Box
        from ray_tasks.pictures.measure import placed_pixels

        return placed_pixels(self._cutout(uri), Box(left, top, right, bottom))

    def _look_at(self, uri: str, width: int, height: int, *sides: int) -> Any:
        import cv2
        import numpy as np

        from ray_tasks.pictures.geometry import Box
        from ray_tasks.pictures.measure_ground import look_of

        data = np.frombuffer(self._store.get(uri), np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_8)
        if bgr is None:
            raise ValueError(f"{uri}, which this picture is compared with, cannot be decoded")
        return look_of(bgr, Box(*sides), (width, height))

    def _read_cutout(self, uri: str) -> Any:
        from ray_tasks.pictures.encode import decode_rgba

        return decode_rgba(self._store.get(uri), uri)


def _stands(setting: str | None) -> bool:
    """Whether a product stands in a setting, instead of lying on it or hanging; where nothing is known it does."""
    from ray_tasks.pictures.component_scene import DRAWERS

    known = DRAWERS.get(setting or "")
    return known is None or not (known.from_above or known.hangs)


def input_files(config: Config, data_root: Path) -> list[Path]:
    """The judge's record: another one is another scorer."""
    judge = config.quality.judge
    return [Path(judge.measured)] if judge and judge.measured and Path(judge.measured).is_file() else []


def _failed(row: dict[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {"asset_id": row["asset_id"], "failure": reason, "detail": detail}


def planned_candidates(
    units: Sequence[dict[str, Any]],
    candidates: pa.Table,
    verdicts: Mapping[str, str] | None = None,
    source_texts: Mapping[str, list[str]] | None = None,
) -> pa.Table:
    """Rows of PLANNED: the planned units that have a candidate, a product's pictures side by side.

    verdicts: of those that were judged before, by asset id. source_texts: what was read in an image, by its SHA-256.
    """
    verdicts, source_texts = verdicts or {}, source_texts or {}
    made = {row["asset_id"]: row for row in candidates.to_pylist()}
    rows = [unit | made[unit["asset_id"]] for unit in units if unit["asset_id"] in made]
    by_place: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        row["source_texts"] = source_texts.get(row["image_sha256"])
        by_place[tuple(row[name] for name in _PLACE)].append(row)
    for row in rows:
        # Of two alike one has to go: what was accepted stays, and among new ones the likelier persona's.
        row["rivals"] = [
            {name: rival[name] for name in _OF_RIVAL}
            for rival in by_place[tuple(row[name] for name in _PLACE)]
            if rival["segment_id"] != row["segment_id"]
            and (
                verdicts.get(rival["asset_id"]) == "accepted"
                or (rival["asset_id"] not in verdicts and _standing(rival) < _standing(row))
            )
        ]
    rows.sort(key=lambda row: (row["merchant_id"], row["sku"], row["cutout_uri"], row["asset_id"]))
    return pa.Table.from_pylist(rows, schema=PLANNED)


_PLACE = ("merchant_id", "sku", "locale", "placement")


def _standing(row: dict[str, Any]) -> tuple[int, str]:
    return row["persona_rank"], row["segment_id"]


def score_rejects(rows: Iterable[Mapping[str, Any]], thresholds: Thresholds) -> Iterator[dict[str, Any]]:
    """Reject rows of planned candidates that were rejected (look, reasons, measurements) or could not be measured
    (failure, detail).
    """
    for row in rows:
        where = {"key": row["asset_id"], "merchant_id": row["merchant_id"], "sku": row["sku"]}
        if "failure" in row:
            reason, told = row["failure"], row["detail"]
        else:
            values = {item["name"]: item["value"] for item in row["measurements"]}
            reason, told = row["reasons"][0], explain(values, thresholds.of_look(row["look"]))
        detail = f"segment {row['segment_id']}, locale {row['locale']}: {told}"
        yield where | {"reason": reason, "detail": detail}


def _plan(stage: Stage, part: Part) -> pa.Table:
    """A part's planned candidates that were not judged."""
    found = made_beside_unjudged(
        stage.state,
        part,
        scorer_revision(stage.config.quality),
        views_revision(stage.config.cutout),
        _OF_CANDIDATE,
    )
    units = found.drop_columns(list(_OF_CANDIDATE)).to_pylist()
    verdicts = {unit["asset_id"]: unit["verdict"] for unit in units if unit["verdict"]}
    planned = planned_candidates(
        units,
        found.select(["asset_id", *_OF_CANDIDATE]),
        verdicts,
        {unit["image_sha256"]: unit["text_found"] for unit in units},
    )
    judged = pc.is_in(planned["asset_id"], value_set=pa.array(verdicts, pa.string()))
    return planned.filter(pc.invert(judged))


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        try:
            thresholds = Thresholds.with_overrides(stage.config.quality.thresholds)
        except ValueError as error:
            raise StageError(f"{stage.config_path}: {error}") from None
        revision = scorer_revision(stage.config.quality)
        keep_limits(stage.state, revision, thresholds)
        made = Counter(standing(stage)[1])
        due = 0
        unmeasured: list[dict[str, Any]] = []
        with Appended(stage.state, "scores") as table:
            for part in open_parts(stage):
                made.update(count_made(stage.state, part, revision))
                new, failed = _score_part(stage, table, part, thresholds)
                due += new
                unmeasured += failed
        _report(stage, made, unmeasured, thresholds)
        stage.to_try_again = len(unmeasured)
        budget = min(error_budget(due, stage.config.quality.max_failed_share), sum(made.values()) - 1)
        if len(unmeasured) > max(0, budget):
            raise StageError(refusal([f"{row['failure']}: {row['detail']}" for row in unmeasured], due))
    return []


def _score_part(
    stage: Stage, table: Appended, part: Part, thresholds: Thresholds
) -> tuple[int, list[dict[str, Any]]]:
    """Judges a part's candidates into `table`: how many, and those that could not be measured (failure, detail)."""
    revision = scorer_revision(stage.config.quality)
    new = _plan(stage, part)
    due = new.num_rows
    earlier = earlier_scores(stage.state, part, revision, f"{measures_revision(stage.config.quality)}+")
    shared = {"scorer_revision": revision, "run_date": stage.run_date}
    again = decide_again(new.select(["asset_id", "look"]).to_pylist(), earlier, thresholds, shared)
    decided = rows_to_table("scores", again)
    append_rows(stage.state, "scores", decided)
    new = missing_keys(new, decided, "asset_id")
    stage.log.info(
        "%d decided anew, %d not measured yet, where %s", decided.num_rows, new.num_rows, part.products
    )
    failures: dict[str, dict[str, Any]] = {}
    bar = stage.progress(total=new.num_rows, unit="picture")
    arguments = {"config": stage.config, "state": stage.state, "run_date": stage.run_date}
    models = (stage.config.quality.image_text, stage.config.quality.judge)
    gpus = int(any(model is not None and model.device == "cuda" for model in models))
    for scored in map_rows(new, ScoreCandidates, arguments, stage.config.engines, num_gpus=gpus):
        bar.update(scored.num_rows)
        rows = scored.to_pylist()
        failures |= {row["asset_id"]: row for row in rows if row["failure"]}
        table.add(row for row in rows if not row["failure"])
    bar.close()
    names = ["asset_id", "merchant_id", "sku", "segment_id", "locale"]
    keys = new.select(names).filter(pc.is_in(new["asset_id"], value_set=pa.array(failures, pa.string())))
    return due, [row | {name: failures[row["asset_id"]][name] for name in ("failure", "detail")}
                 for row in keys.to_pylist()]  # fmt: skip


def _rejects(
    stage: Stage, unmeasured: Sequence[dict[str, Any]], thresholds: Thresholds
) -> Iterator[dict[str, Any]]:
    """Tonight's rejects: what could not be measured, and part by part what was ever rejected and is planned."""
    revision = scorer_revision(stage.config.quality)
    yield from score_rejects(unmeasured, thresholds)
    for part in rejected_parts(stage, revision):
        yield from score_rejects(rejected_units(stage.state, part, revision), thresholds)


def _report(
    stage: Stage, made: Mapping[str, int], unmeasured: Sequence[dict[str, Any]], thresholds: Thresholds
) -> None:
    aside: Counter[tuple[str, str]] = Counter()

    def counted(rejects: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rejects:
            aside[row["merchant_id"], row["reason"]] += 1
            yield row

    stage.write_rejects(counted(_rejects(stage, unmeasured, thresholds)))
    for (merchant_id, reason), count in aside.items():
        stage.count(merchant_id, rows_out=-count, **{reason: count})
    for merchant in stage.merchants:
        count = made.get(merchant.id, 0)
        stage.count(merchant.id, rows_in=count, rows_out=count)


if __name__ == "__main__":
    main()
