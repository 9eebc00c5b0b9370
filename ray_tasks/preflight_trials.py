"""What the preflight tries with each model before a night: one picture, one answer, one cut-out, one measuring."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from schemas.config import Config
from schemas.model_config import WriterModel


def tell_shapes(config: Config) -> str:
    """In which shapes scenes are painted."""
    return ", ".join(
        f"{scene[0]} x {scene[1]} is painted as {shape[0]} x {shape[1]}"
        for scene, shape in config.painted_shapes().items()
    )


def try_painting(config: Config, state: Path) -> str:
    """Makes one picture. Raises what kept it from being made."""
    from ray_tasks.models.diffusion_scene import DiffusionScene
    from ray_tasks.models.scene_prompts import scene_prompt
    from ray_tasks.pictures.compose import certify, paste_product, place_product
    from ray_tasks.pictures.geometry import Box, Canvas
    from ray_tasks.pictures.scene import SceneOrder, SceneSpec
    from ray_tasks.scene_backends import open_references
    from schemas.instruction import SETTINGS

    assert config.scene.diffusion is not None
    references = open_references(config.scene).pictures
    started = time.perf_counter()
    backend = DiffusionScene(config.scene.diffusion, state / "engine")
    loaded = time.perf_counter()
    canvas = next(placement for placement in config.placements.values() if placement.look != "white")
    width, height = canvas.width_px, canvas.height_px
    product = place_product(
        _jar(), Canvas(width, height), Box(width // 3, height // 3, width * 2 // 3, height * 9 // 10)
    )
    text_area = Box(width // 20, height // 20, width * 19 // 20, height // 4)
    spec = SceneSpec("wood_table", "window_left", "all", "cosy", ("#8a5a36", "#d9a05b"), ())
    reference = next(iter(references.values()), None)
    order = SceneOrder(spec, product, text_area, 7, reference=reference)
    ((_, order, painted),) = backend.paint_many([order])
    if isinstance(painted, Exception):
        raise painted
    scene = paste_product(backend.finish(order, painted), product)
    if certify(scene, product, scale=1.0).changed_core_px:
        raise ValueError("the product's own pixels were changed")
    painted_s = time.perf_counter() - loaded
    cut = sum(
        backend.painter.prompts.fit(prompt) != prompt
        for setting in SETTINGS
        for prompt in [scene_prompt(SceneSpec(setting, *_LONGEST), has_text=True)]
    )
    return (
        f"one picture of {painted.shape[1]} x {painted.shape[0]} px in {painted_s:.1f} s (the first one, and alone), "
        f"loaded in {loaded - started:.1f} s; {cut} of {len(SETTINGS)} longest prompts are cut"
    )


_LONGEST = ("window_right", "winter", "energetic", ("#8a5a36", "#4f78a8"), ("coffee_beans", "laptop_edge"))


def _jar() -> np.ndarray:
    """(300, 200, 4) uint8: a rounded jar, lighter on one side."""
    import cv2

    rgba = np.zeros((300, 200, 4), np.uint8)
    rgba[..., :3] = (np.linspace(60, 190, 200)[None, :, None] * np.array([0.9, 1.0, 0.8])).astype(np.uint8)
    alpha = np.zeros((300, 200), np.uint8)
    cv2.rectangle(alpha, (20, 60), (180, 280), 255, -1)
    cv2.rectangle(alpha, (45, 20), (155, 60), 255, -1)
    rgba[..., 3] = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    return rgba


def try_writing(model: WriterModel) -> str:
    """Asks one question. Raises what kept it from being answered."""
    from ray_tasks.models.vision_language import Question, VisionLanguageModel, parse
    from schemas.instruction import DRAFT_JSON_SCHEMA

    started = time.perf_counter()
    opened = VisionLanguageModel(model)
    loaded = time.perf_counter()
    question = Question(
        "You write copy.", "A jar of honey, 250 g.", _jar()[..., :3].copy(), DRAFT_JSON_SCHEMA
    )
    (answer,) = opened.answer([question])
    answered_s = time.perf_counter() - loaded
    whole = "valid JSON" if parse(answer) is not None else "cut off at max_new_tokens, so no JSON"
    return f"{opened.name} answered in {answered_s:.1f} s ({whole}), loaded in {loaded - started:.1f} s"


def tell_worth(config: Config) -> str:
    """What the model's opinions of personas are worth. Raises what is wrong with its record."""
    from ray_tasks.personas.opinion import adviser_revision, read_weight

    measured = config.personas.measured
    weight = read_weight(Path(measured) if measured else None, adviser_revision(config.asked_model))
    told = "" if measured else ": personas.measured names no record of it"
    return f"the model's opinion of who wants a product weighs {weight:g}{told}"


def try_cutting(config: Config) -> str:
    """Cuts one product out. Raises what kept it from being cut out, or will when all processes do it."""
    import psutil

    from ray_tasks.build_product_views import PROCESSES_A_CARD, open_method, share_of_card

    process = psutil.Process()
    before = process.memory_info().rss
    method = open_method(config.cutout, config.engines.cores)
    started = time.perf_counter()
    found = method.cut(_photograph())
    cut_s = time.perf_counter() - started
    if found.verdict != "accepted":
        raise ValueError(f"the jar was refused: {found.reason} ({found.detail})")
    processes = PROCESSES_A_CARD if share_of_card(config.cutout) else config.engines.cores
    check_memory(processes, process.memory_info().rss - before, psutil.virtual_memory().total)
    return f"one product of {found.rgba.shape[1]} x {found.rgba.shape[0]} px in {cut_s:.1f} s; {processes} at a time"


def check_memory(processes: int, each_bytes: int, machine_bytes: int) -> None:
    """Raises ValueError where the machine has no room for so many processes with their networks."""
    if processes * each_bytes > machine_bytes:
        raise ValueError(
            f"machine too small: {processes} processes cut out side by side, each takes {each_bytes / 1e9:.1f} GB with "
            f"its networks, and there are {machine_bytes / 1e9:.1f} GB; take a larger machine or a smaller "
            "cutout.segmenter, or, where none of the networks is on a card, fewer engines.cores"
        )


def try_seeing(config: Config, state: Path) -> str:
    """Measures one picture. Raises what kept it from being measured."""
    import cv2

    from infra.object_store import LocalStore
    from ray_tasks.model_measures import ModelMeasures

    with TemporaryDirectory(dir=state if state.is_dir() else None) as folder:
        store = LocalStore(Path(folder))
        store.put("jar.jpg", cv2.imencode(".jpg", _photograph()[..., ::-1])[1].tobytes())
        models = ModelMeasures(config.quality, store)
        started = time.perf_counter()
        row = {"asset_id": "", "uri": "jar.jpg", "setting": "wood_table", "look": "text", "rivals": []}
        found = models.of([row])[""]
    if isinstance(found, Exception):
        raise found
    told = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    believed = (
        ""
        if config.quality.judge is None or config.quality.judge.measured
        else ("; no yes of the judge counts: quality.judge.measured names no record of it")
    )
    return f"one picture in {time.perf_counter() - started:.1f} s: {told}{believed}"


def _photograph() -> np.ndarray:
    """(480, 480, 3) uint8: the jar on a pale ground."""
    rgb = np.full((480, 480, 3), 226, np.float32)
    jar = _jar().astype(np.float32)
    share = jar[..., 3:] / 255
    rgb[100:400, 140:340] = rgb[100:400, 140:340] * (1 - share) + jar[..., :3] * share
    return np.rint(rgb).astype(np.uint8)
