"""One row of `candidates` for every picture that is due: scene, the product's own pixels, typography, JPEG.

Due is a planned asset without a candidate, where all made so far for its slot were rejected. So the same command makes
the first attempt, the retries, and after a crash just what is missing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.object_store import object_key, open_store
from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import Appended
from ray_tasks.draw_together import draw_together
from ray_tasks.due import SCENE_JOBS, TOLD, due_units, scene_jobs
from ray_tasks.failures import Begun, error_budget, failure_rows, given_up, refusal, standing_failures
from ray_tasks.tonight import Part, any_made, instructions_with_work, open_parts, slots_with_work, standing
from schemas.config import Config
from schemas.instruction import LAYOUTS, content_hash
from schemas.revisions import scorer_revision
from schemas.tables import BY_NAME

STAGE = "ray_tasks.make_candidates"
INPUTS = ("work_units", "instructions", "scores")
OUTPUTS = ("candidates",)

MADE = pa.schema(
    [*(field.with_nullable(True) for field in BY_NAME["candidates"].schema), ("failure", pa.string())]
)
"""A candidate, or (failure not NULL) why there is none."""


def scene_seed(job: dict[str, Any]) -> int:
    """The seed of a scene, 0 to 2^63 - 1: from the content that it belongs to, never from time or order.

    Canvases of a persona share it, so that its pictures look like one campaign.
    """
    names = ("merchant_id", "sku", "segment_id", "variant", "cutout_sha256", "scene", "scene_revision")
    return int(content_hash({name: job[name] for name in names})[:16], 16) >> 1


class DrawPictures:
    """Draws scene jobs: (SCENE_JOBS rows) -> (MADE rows). Loads its backend once."""

    def __init__(self, config: Config, state: Path, begun: Path | None = None) -> None:
        import cv2

        from ray_tasks.pictures.decide import Thresholds
        from ray_tasks.scene_backends import digital_source_type, open_backend, open_references

        cv2.setNumThreads(1)
        self._store = open_store(config.store, state)
        self._threads = max(1, config.engines.cores)
        self._backend = open_backend(
            config.scene,
            state / "engine",
            self._threads,
            Thresholds.with_overrides(config.quality.thresholds),
        )
        self._references = open_references(config.scene)
        self._diffusion = config.scene.diffusion if config.scene.backend == "diffusion" else None
        self._spent = state / "engine" / "spent"
        self._source_type = digital_source_type(config.scene)
        self._cutout = lru_cache(maxsize=2)(self._read_cutout)
        self._core = lru_cache(maxsize=4)(self._core_layout)
        self._begun = Begun(begun)
        self._last_scene: tuple[Any, Any] = (None, None)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """One row a picture."""
        from ray_tasks.pictures.scene import BatchSceneBackend

        jobs = batch.to_pylist()
        if isinstance(self._backend, BatchSceneBackend):
            from ray_tasks.engine.budget import Ledger

            assert self._diffusion is not None
            ledger = Ledger(self._spent, self._diffusion.spending)
            rows = draw_together(self, self._backend, jobs, self._threads, ledger)
        else:
            rows = [row for job in jobs for row in self.draw(job)]
        return pa.Table.from_pylist(rows, schema=MADE)

    def draw(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """The candidates of one scene; a scene or text that fails costs only itself."""
        started = time.perf_counter()
        try:
            with self.begun(job):
                base, order = self.plan(job)
                if order is not None:
                    base = replace(
                        base,
                        scene_rgb=self._scene(job["cutout_uri"], order),
                        px_per_cm=order.px_per_cm(self._backend),
                    )
        except Exception as error:
            return self.failed(job, error)
        return self.set_texts(job, base, time.perf_counter() - started)

    def begun(self, job: dict[str, Any]) -> AbstractContextManager[None]:
        """Marks a job while something is done to it that the process may die of."""
        return self._begun.mark(job["pictures"][0]["asset_id"])

    def plan(self, job: dict[str, Any]) -> tuple[Any, Any]:
        """The base of a scene, and the order for what stands behind the product (None when it is complete)."""
        from ray_tasks.pictures.geometry import Canvas
        from ray_tasks.pictures.picture import plan_base, sticker_area, white_base
        from ray_tasks.pictures.scene import SceneSpec
        from ray_tasks.pictures.script import script_of

        canvas = Canvas(job["width_px"], job["scene_height_px"])
        if job["pictures"][0]["look"] == "white":
            return white_base(self._cutout(job["cutout_uri"]), canvas), None
        told, seed = list(_texts(job).values()), scene_seed(job)
        texts = told if job["scene_text"] else []
        spec = SceneSpec.from_record(job["scene"])
        # A retry with another layout was asked for that one.
        others = () if "layout" in (job["changes"] or ()) else tuple(n for n in LAYOUTS if n != job["layout"])
        drawn = self._diffusion is None
        base, order = plan_base(
            self._cutout(job["cutout_uri"]),
            spec,
            texts,
            canvas,
            job["layout"],
            seed,
            preview=self._backend if drawn else None,
            others=others,
            to_left=job["scene_text"] and script_of(job["pictures"][0]["locale"]).right_to_left,
            core=self._core(job["cutout_uri"], spec, tuple(told), (job["layout"], *others), seed)
            if drawn
            else None,
        )
        if order is None or self._diffusion is None:
            return base, order
        # Only models are told where the sticker will be: finding out sets the text once more.
        reference = self._references.picture(job["reference"])
        return base, replace(
            order,
            sticker_area=sticker_area(base, texts),
            reference=reference,
            whose=(f"{job['merchant_id']}/{job['sku']}", job["segment_id"]),
        )

    def set_texts(self, job: dict[str, Any], base: Any, scene_s: float) -> list[dict[str, Any]]:
        """The candidates on a base whose scene is drawn, which took `scene_s`; safe in threads."""
        texts = _texts(job)
        share_s = scene_s / len(job["pictures"])
        rows = []
        for due in job["pictures"]:
            try:
                rows.append(self._finish(job, due, texts[due["locale"]], base, share_s))
            except Exception as error:
                rows.append(self._failed(job, due, error))
        return rows

    def failed(self, job: dict[str, Any], error: Exception) -> list[dict[str, Any]]:
        """One row a picture, each with the failure."""
        return [self._failed(job, due, error) for due in job["pictures"]]

    def _finish(
        self, job: dict[str, Any], due: dict[str, Any], text: Any, base: Any, scene_s: float
    ) -> dict[str, Any]:
        from ray_tasks.pictures.encode import encode_jpeg
        from ray_tasks.pictures.layout import TextSpec
        from ray_tasks.pictures.picture import set_text

        started = time.perf_counter()
        has_text = due["look"] == "text"
        window = base.window(due["height_px"], has_text=has_text)
        picture = set_text(window, text if has_text else TextSpec("", locale=text.locale))
        if picture.text.missing_glyphs:
            raise ValueError(f"missing_glyph: no font has {picture.text.missing_glyphs!r}")
        typeset = time.perf_counter()
        in_its_scene = due["look"] != "white" and "setting" not in (job["changes"] or ())
        alt_text = text.alt_text if in_its_scene else text.product_alt_text
        data = encode_jpeg(
            picture.rgb,
            alt_text=alt_text,
            digital_source_type=self._source_type,
            language=text.locale,
        )
        digest = hashlib.sha256(data).hexdigest()
        uri = object_key("pictures", due["asset_id"], "jpg")
        self._store.put(uri, data)
        box = picture.placed.box
        return self._common(job, due) | {
            # A scene that was painted again has the seed of the try that was kept.
            "seed": job.get("seed", scene_seed(job)),
            "uri": uri,
            "sha256": digest,
            "alt_text": alt_text,
            "bytes": len(data),
            "size_cm": job["scene"]["size_cm"],
            "px_per_cm": window.px_per_cm,
            "product_box": {"left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom},
            "text_boxes": [
                {
                    "element": name,
                    "left": place.left,
                    "top": place.top,
                    "right": place.right,
                    "bottom": place.bottom,
                    "contrast": picture.text.contrast.get(name),
                    "text": picture.text.wording[name].text,
                    "letters": asdict(picture.text.wording[name].letters),
                    "lines": picture.text.wording[name].lines,
                }
                for name, place in picture.text.boxes.items()
            ],
            "overflow": picture.text.overflow,
            "changed_core_px": picture.certificate.changed_core_px,
            "scene_s": scene_s,
            "text_s": typeset - started,
            "encode_s": time.perf_counter() - typeset,
            "made_at": dt.datetime.now(dt.UTC),
        }

    def _common(self, job: dict[str, Any], due: dict[str, Any]) -> dict[str, Any]:
        hashes = {text["locale"]: text["instruction_hash"] for text in job["texts"]}
        known = {name: value for name, value in (job | due).items() if name in MADE.names}
        setting = None if due["look"] == "white" else job["scene"]["setting"]
        return known | {"instruction_hash": hashes[due["locale"]], "setting": setting}

    def _failed(self, job: dict[str, Any], due: dict[str, Any], error: Exception) -> dict[str, Any]:
        return self._common(job, due) | {"failure": f"{type(error).__name__}: {error}"[:500]}

    def _scene(self, cutout_uri: str, order: Any) -> Any:
        """The scene of an order; the last one again where locales of both directions differ in nothing but words."""
        key = (cutout_uri, replace(order, product=order.product.box), order.product.rgba.shape)
        if self._last_scene[0] != key:
            self._last_scene = key, order.drawn_by(self._backend)
        return self._last_scene[1]

    def _core_layout(self, cutout_uri: str, spec: Any, texts: Any, layouts: Any, seed: int) -> Any:
        """What all placements of a product and persona have in common; a framed photograph has no scene."""
        from ray_tasks.pictures.framed import is_photograph
        from ray_tasks.pictures.picture import core_layout

        cutout = self._cutout(cutout_uri)
        if is_photograph(cutout):
            return None
        return core_layout(cutout, spec, texts, layouts, seed, self._backend)

    def _read_cutout(self, uri: str) -> Any:
        from ray_tasks.pictures.encode import decode_rgba

        return decode_rgba(self._store.get(uri), uri)


def _texts(job: dict[str, Any]) -> dict[str, Any]:
    from ray_tasks.pictures.layout import TextSpec
    from ray_tasks.pictures.price import priced

    texts = {
        text["locale"]: TextSpec(
            headline=text["headline"],
            selling_points=tuple(text["selling_points"]),
            sticker=text["sticker"],
            call_to_action=text["call_to_action"],
            locale=text["locale"],
            alt_text=text["alt_text"],
            product_alt_text=text["product_alt_text"] or text["alt_text"],
        )
        for text in job["texts"]
    }
    if job["offer"]:
        texts = {locale: priced(text, json.loads(job["offer"])) for locale, text in texts.items()}
    return texts


def _plan(stage: Stage, part: Part) -> tuple[pa.Table, dict[str, dict[str, Any]]]:
    """The scenes of a part that are due, and what failed before and is not made since."""
    revision = scorer_revision(stage.config.quality)
    units = slots_with_work(stage.state, part, revision)
    made = {unit["asset_id"] for unit in units if unit["is_made"]}
    failed = standing_failures(stage, {unit["asset_id"] for unit in units} - made)
    over = given_up(failed, stage.config.quality.max_failures)
    rejected = {unit["asset_id"]: unit["reasons"] for unit in units if unit["reasons"] is not None}
    due = [
        unit
        for unit in due_units(units, made, rejected)
        if unit["asset_id"] not in over and unit["status"] != "failed"
    ]
    if not due:
        return SCENE_JOBS.empty_table(), failed
    told = instructions_with_work(stage.state, stage.tonight, part, revision, TOLD)
    return scene_jobs(due, told), failed


def _begun_folder(stage: Stage) -> Path:
    """An empty folder for the marks of what workers have begun."""
    folder = stage.state / "tmp" / "begun" / f"{stage.shard[0]}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        stage.log.info("%d units planned", standing(stage)[0])
        begun = any_made(stage)
        due: dict[str, int] = defaultdict(int)
        drawn: dict[str, int] = defaultdict(int)
        failed_before: dict[str, dict[str, Any]] = {}
        failures: list[dict[str, Any]] = []
        budget = 0
        with Appended(stage.state, "candidates") as table:
            for part in open_parts(stage):
                jobs, stand = _plan(stage, part)
                failed_before |= stand
                for job in jobs.select(["merchant_id", "pictures"]).to_pylist():
                    due[job["merchant_id"]] += len(job["pictures"])
                stage.log.info(
                    "%d pictures due so far, %d more scenes: %s", sum(due.values()), len(jobs), part.products
                )
                budget = error_budget(sum(due.values()), stage.config.quality.max_failed_share)
                if not begun:  # a night without any picture is not a night with a few dead letters
                    budget = min(budget, max(0, sum(due.values()) - 1))
                for row in _drawn(
                    stage, table, jobs, sum(len(some) for some in jobs["pictures"].to_pylist())
                ):
                    if row["failure"]:
                        failures.append(row)
                    else:
                        drawn[row["merchant_id"]] += 1
                        failed_before.pop(row["asset_id"], None)
                    if len(failures) > budget:
                        break
                if len(failures) > budget:
                    break
        too_many = len(failures) > budget
        for merchant_id, count in due.items():
            failed = sum(row["merchant_id"] == merchant_id for row in failures)
            aside = {"drawing_failed": failed, "budget_spent": count - failed - drawn[merchant_id]}
            stage.count(
                merchant_id,
                rows_in=count,
                rows_out=drawn[merchant_id],
                **{reason: number for reason, number in aside.items() if number and not too_many},
            )
        rejects = failure_rows(failed_before, map(_reject, failures), systematic=too_many)
        stage.write_rejects(rejects)
        stage.to_try_again = sum(row["attempts"] < stage.config.quality.max_failures for row in rejects)
        if too_many:
            raise StageError(refusal([row["failure"] for row in failures], sum(due.values())))
    return []


def _drawn(stage: Stage, table: Appended, jobs: pa.Table, due: int) -> Iterator[dict[str, Any]]:
    """Draws the pictures and adds them to `table`; the rows of MADE as they come."""
    bar = stage.progress(total=due, unit="picture")
    arguments = {"config": stage.config, "state": stage.state, "begun": _begun_folder(stage)}
    diffusion = stage.config.scene.diffusion
    gpus = 1 if diffusion and diffusion.device == "cuda" else 0
    for made in map_rows(jobs, DrawPictures, arguments, stage.config.engines, num_gpus=gpus):
        rows = made.to_pylist()
        bar.update(len(rows))
        table.add(row for row in rows if not row["failure"])
        yield from rows
    bar.close()


def _reject(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": row["asset_id"],
        "reason": "drawing_failed",
        "merchant_id": row["merchant_id"],
        "sku": row["sku"],
        "detail": f"segment {row['segment_id']}, locale {row['locale']}: {row['failure']}",
    }


if __name__ == "__main__":
    main()
