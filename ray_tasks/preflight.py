"""Tells before a night what would stop it hours later: weights, licences, the card, one picture, one answer.

    python -m ray_tasks.preflight --config infra/config/gpu.toml

Each line begins with ok or FAILED and ends, where it failed, with what to do. Exit status 2 when anything failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from infra.settings import ConfigError, load_config
from schemas.config import Config
from schemas.model_config import Diffusion, Weights, WriterModel

_WORK_BYTES = 5 << 30
"""Beside the weights: activations of one picture at 1024 x 1024, the caches, CUDA itself."""


def check_source(key: str, weights: Weights) -> str:
    """What is known of a model before loading it. Raises ValueError or OSError with a remedy."""
    folder = Path(weights.model)
    if folder.is_dir():
        card = folder / "README.md"
        named = licence_in(card.read_text(encoding="utf-8")) if card.is_file() else None
        check_licence(key, weights, named, is_hub=False)
        return f"folder {weights.model}, licence {named or 'not named'}, {_gigabytes(_bytes_below(folder))}"
    if folder.is_absolute() or weights.model.startswith("."):
        raise OSError(f"{key}.model: there is no folder {weights.model}")
    info = _hub_info(key, weights)
    if weights.revision is None:
        today = (
            f"; today's commit is {info.sha}, its licence {_licence(info)}"
            if info
            else (
                f"; where the hub can be reached, this prints today's: python -c \"import huggingface_hub as h; "
                f"print(h.model_info('{weights.model}').sha)\""
            )
        )
        raise ValueError(
            f"{key}.revision is missing: open the page of {weights.model}, read its licence, and pin the commit that "
            f"you read{today}"
        )
    if info is None:
        return f"{weights.model}@{weights.revision[:12]}: the hub is not asked or not reached; files as they are here"
    if not info.sha.startswith(weights.revision):
        raise ValueError(f"{key}.revision: {weights.revision} is no commit of {weights.model}")
    check_licence(key, weights, _licence(info), is_hub=True)
    size = sum(file.size or 0 for file in info.siblings or () if file.rfilename.endswith(".safetensors"))
    return f"{weights.model}@{weights.revision[:12]}, licence {_licence(info)}, {_gigabytes(size)}"


def _hub_info(key: str, weights: Weights) -> Any:
    """What the hub says of the model at its revision; None where it is not to be asked or cannot be reached."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    from ray_tasks.models.loading import remedy

    if weights.local_files_only:
        return None
    try:
        return HfApi().model_info(weights.model, revision=weights.revision, files_metadata=True, timeout=10)
    except HfHubHTTPError as error:
        raise OSError(f"{key}: {weights.model}, revision {weights.revision}: {remedy(error)}") from error
    except Exception:
        return None


def _licence(info: Any) -> str | None:
    card = getattr(info, "card_data", None)
    return licence_in_card(dict(card.to_dict())) if card else None


def licence_in(card: str) -> str | None:
    """The licence that a model card (README.md with YAML front matter) names."""
    import yaml

    parts = card.split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return None
    return licence_in_card(front) if isinstance(front, dict) else None


def licence_in_card(front: dict[str, Any]) -> str | None:
    """A card's licence; where it is `other`, its name."""
    licence = front.get("license")
    named = front.get("license_name") if licence == "other" else licence
    return str(named or licence) if licence else None


def check_licence(key: str, weights: Weights, named: str | None, *, is_hub: bool) -> None:
    """Raises ValueError where the card's licence is not the one that was accepted."""
    if weights.licence is None:
        if is_hub:
            raise ValueError(
                f"{key}.licence is missing: {weights.model} is under {named or 'no named licence'}; read it, and if "
                "you accept it, name it there"
            )
        return
    if named != weights.licence:
        raise ValueError(
            f"{key}.licence: you accepted {weights.licence}, and the card of {weights.model} names "
            f"{named or 'none'}; read it anew, and correct the configuration or choose another model"
        )


def check_card(diffusion: Diffusion, weights: Sequence[Weights]) -> str:
    """What card paints. Raises ValueError where it is missing, too old or too small."""
    if diffusion.device == "cpu":
        return "painting on the CPU: for tests; a photographic scene takes minutes"
    import torch

    from ray_tasks.models.loading import cuda_fault

    if fault := cuda_fault():
        raise ValueError(f'scene.diffusion.device = "cuda": {fault}')
    card = torch.cuda.get_device_properties(0)
    needed = sum(_bytes_below(_local_folder(one)) for one in weights)
    check_room(card.name, card.total_memory, needed)
    if card.major < 8:
        raise ValueError(f"{card.name} computes no bfloat16 in hardware; take an Ampere card or newer")
    return f"{card.name}, {_gigabytes(card.total_memory)}, {_gigabytes(needed)} of weights on disk"


def check_room(card: str, memory_bytes: int, weights_bytes: int) -> None:
    """Raises ValueError where weights and work do not fit."""
    if weights_bytes + _WORK_BYTES > memory_bytes:
        raise ValueError(
            f"card too small: {card} has {_gigabytes(memory_bytes)}; the weights take {_gigabytes(weights_bytes)} and "
            f"work {_gigabytes(_WORK_BYTES)}; take a larger card or a smaller model (see infra/config/gpu.toml)"
        )


def _local_folder(weights: Weights) -> Path:
    """Where the weights lie on this machine; an empty path where they do not yet."""
    from huggingface_hub import try_to_load_from_cache

    if Path(weights.model).is_dir():
        return Path(weights.model)
    for marker in ("model_index.json", "config.json"):
        found = try_to_load_from_cache(weights.model, marker, revision=weights.revision)
        if isinstance(found, str):
            return Path(found).parent
    return Path("/nonexistent")


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def check_painting(config: Config, state: Path) -> str:
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
    ((_, painted),) = backend.paint_many([order])
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


def check_writing(model: WriterModel) -> str:
    """Asks one question. Raises what kept it from being answered."""
    from ray_tasks.models.vision_language import Question, VisionLanguageModel, parse
    from schemas.instruction import DRAFT_JSON_SCHEMA

    started = time.perf_counter()
    opened = VisionLanguageModel(model, DRAFT_JSON_SCHEMA)
    loaded = time.perf_counter()
    (answer,) = opened.answer([Question("You write copy.", "A jar of honey, 250 g.", _jar()[..., :3].copy())])
    answered_s = time.perf_counter() - loaded
    whole = "valid JSON" if parse(answer) is not None else "cut off at max_new_tokens, so no JSON"
    return f"{opened.name} answered in {answered_s:.1f} s ({whole}), loaded in {loaded - started:.1f} s"


def check_cutting(config: Config) -> str:
    """Cuts one product out. Raises what kept it from being cut out."""
    from ray_tasks.models.matting import MattingCutOut

    matting = config.cutout.matting
    assert matting is not None
    method = MattingCutOut(matting, matting.device)
    started = time.perf_counter()
    found = method.cut(_photograph())
    if found.verdict != "accepted":
        raise ValueError(f"the jar was refused: {found.reason} ({found.detail})")
    return f"one product of {found.rgba.shape[1]} x {found.rgba.shape[0]} px in {time.perf_counter() - started:.1f} s"


def check_seeing(config: Config, state: Path) -> str:
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


def checks(config: Config, state: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and check, cheapest first; what follows a failed check of the same model is not tried."""
    weights = config.weights()
    for key, one in weights.items():
        yield key, lambda key=key, one=one: check_source(key, one)  # type: ignore[misc]
    if "scene.diffusion" in weights:
        diffusion = config.scene.diffusion
        assert diffusion is not None
        scene = [one for key, one in weights.items() if key.startswith("scene")]
        yield "scene.card", lambda: check_card(diffusion, scene)
        yield "scene.picture", lambda: check_painting(config, state)
    if "writer.model" in weights:
        model = config.writer.model
        assert model is not None
        yield "writer.answer", lambda: check_writing(model)
    if config.cutout.matting is not None:
        yield "cutout.edge", lambda: check_cutting(config)
    if config.quality.image_text is not None or config.quality.judge is not None:
        yield "quality.measured", lambda: check_seeing(config, state)


def run(config: Config, state: Path) -> bool:
    """Prints one line a check; True when all passed."""
    failed: set[str] = set()
    if not config.weights():
        _say("ok      no models: this night needs no card and no weights")
    for name, check in checks(config, state):
        room = name.split(".")[0]
        if room in failed and name in ("scene.picture", "writer.answer", "cutout.edge", "quality.measured"):
            _say(f"skipped {name}: mend the above first")
            continue
        try:
            _say(f"ok      {name}: {check()}")
        except Exception as error:
            failed.add(room)
            _say(f"FAILED  {name}: {' '.join(str(error).split())}")
    return not failed


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the checks of a configuration."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, default=Path("infra/config/gpu.toml"), help="TOML file of the night"
    )
    parser.add_argument(
        "--state", type=Path, default=Path("var"), help="where batch sizes and kernels are kept"
    )
    args = parser.parse_args(argv)
    try:
        config = load_config(args.config)
    except ConfigError as error:
        sys.exit(f"FAILED  {error}")
    if not run(config, args.state):
        sys.exit(2)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


if __name__ == "__main__":
    main()
