"""Tells before a night what would stop it hours later: weights, licences, the card, one picture, one answer.

    python -m ray_tasks.preflight --config infra/config/gpu.toml

Each line begins with ok or FAILED and ends, where it failed, with what to do. Exit status 2 when anything failed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from infra.settings import ConfigError, load_config
from ray_tasks.models.loading import quiet_libraries
from ray_tasks.models.weight_files import fetch_command, numbers_in, weight_files
from ray_tasks.preflight_trials import (
    tell_shapes,
    tell_worth,
    try_cutting,
    try_painting,
    try_seeing,
    try_writing,
)
from schemas.config import Config
from schemas.model_config import LoRA, Segmenter, Weights

_WORK_BYTES = 5 << 30
"""Beside the weights: activations of one picture at 1024 x 1024, the caches, CUDA itself."""


def check_source(key: str, weights: Weights) -> str:
    """What is known of a model before loading it. Raises ValueError or OSError with a remedy."""
    folder = Path(weights.model)
    if folder.is_dir():
        card = folder / "README.md"
        named = licence_in(card.read_text(encoding="utf-8")) if card.is_file() else None
        check_licence(key, weights, named, is_hub=False)
        return f"folder {weights.model}, licence {named or 'not named'}, {_gigabytes(_bytes_below(folder, weights))}"
    # The hub's names have one slash.
    if folder.is_absolute() or weights.model.startswith(".") or weights.model.count("/") > 1:
        raise OSError(
            f"{key}.model: weights missing: there is no folder {weights.model}, seen from {Path.cwd()}; name the one "
            "where they lie, or a model of the hub with its commit"
        )
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
        files = _local_folder(weights)
        silent = (
            "is not asked (local_files_only)" if weights.local_files_only else "cannot be reached from here"
        )
        if files is None or not (size := _bytes_below(files, weights)):
            raise OSError(
                f"{key}.model: weights missing: none of {weights.model} at {weights.revision[:12]} are on this "
                f"machine, and the hub {silent}. Where it can be: {fetch_command(weights)} -- or name a local folder"
            )
        card = files / "README.md"
        if card.is_file():
            check_licence(key, weights, licence_in(card.read_text(encoding="utf-8")), is_hub=True)
        return (
            f"{weights.model}@{weights.revision[:12]}: {_gigabytes(size)} as they are here; the hub {silent}"
            f"{'' if card.is_file() else ', so nobody looked at the licence today'}"
        )
    if not info.sha.startswith(weights.revision):
        raise ValueError(f"{key}.revision: {weights.revision} is no commit of {weights.model}")
    check_licence(key, weights, _licence(info), is_hub=True)
    size = sum(file.size or 0 for file in _loaded_siblings(info, weights))
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


def check_card(key: str, device: str, weights: Mapping[str, Weights]) -> str:
    """What one stage's models run on. Raises ValueError where the card is missing, too old or too small for them."""
    if device == "cpu":
        return "on the CPU: for tests; a photographic scene takes minutes, an answer too"
    import torch

    from ray_tasks.models.loading import cuda_fault

    if fault := cuda_fault():
        raise ValueError(
            f'{key}.device = "cuda": {fault} -- run on a machine with a card, or without models: '
            "infra/config/local.toml"
        )
    card = torch.cuda.get_device_properties(0)
    needed = sum(bytes_on_card(one) for one in weights.values() if getattr(one, "device", device) == "cuda")
    check_room(card.name, card.total_memory, needed)
    if card.major < 8:
        raise ValueError(f"{card.name} computes no bfloat16 in hardware; take an Ampere card or newer")
    return f"{card.name}, {_gigabytes(card.total_memory)}, {_gigabytes(needed)} of it for weights"


def bytes_on_card(weights: Weights) -> int:
    """What the weights take there, in bfloat16: of files that are here, or by what the hub tells of those that are not.

    0 for a LoRA, which is added to other weights, and where neither is known.
    """
    if isinstance(weights, LoRA | Segmenter):
        return 0
    folder = _local_folder(weights)
    if folder is not None and (files := _files_below(folder, weights)):
        return 2 * sum(map(numbers_in, files))
    info = _hub_info("", weights)
    return 2 * sum(_numbers_on_hub(weights, file.rfilename) for file in _loaded_siblings(info, weights))


def _numbers_on_hub(weights: Weights, name: str) -> int:
    from huggingface_hub import HfApi

    head = HfApi().parse_safetensors_file_metadata(weights.model, name, revision=weights.revision)
    return sum(head.parameter_count.values())


def _loaded_siblings(info: Any, weights: Weights) -> list[Any]:
    """Of the files that the hub tells of, those that are read."""
    by_name = {file.rfilename: file for file in (info and info.siblings) or ()}
    return [by_name[name] for name in weight_files(weights, by_name)]


def check_room(card: str, memory_bytes: int, weights_bytes: int) -> None:
    """Raises ValueError where weights and work do not fit."""
    if weights_bytes + _WORK_BYTES > memory_bytes:
        raise ValueError(
            f"card too small: {card} has {_gigabytes(memory_bytes)}; the weights take {_gigabytes(weights_bytes)} and "
            f"work {_gigabytes(_WORK_BYTES)}; take a larger card or a smaller model (see infra/config/gpu.toml)"
        )


def _local_folder(weights: Weights) -> Path | None:
    """Where the weights lie on this machine; None where they do not yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if Path(weights.model).is_dir():
        return Path(weights.model)
    try:
        folder = Path(snapshot_download(weights.model, revision=weights.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if any(folder.iterdir()) else None


def _files_below(folder: Path, weights: Weights) -> list[Path]:
    """Of a model's folder the files of weights that are read."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return [folder / name for name in weight_files(weights, names)]


def _bytes_below(folder: Path, weights: Weights) -> int:
    return sum(path.stat().st_size for path in _files_below(folder, weights))


def checks(config: Config, state: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and check, cheapest first; what follows a failed check of the same model is not tried."""
    weights = config.weights()
    seen: set[str] = set()
    for key, one in weights.items():
        yield key, partial(check_source, key, one)
    for key in (
        "scene.diffusion",
        "writer.model",
        "cutout.matting",
        "cutout.segmenter",
        "quality.image_text",
        "quality.judge",
    ):
        # Stages run one after the other, each with its own models on the card.
        room = key.split(".")[0]
        if key in weights and room not in seen:
            seen.add(room)
            together = {other: one for other, one in weights.items() if other.startswith(f"{room}.")}
            devices = {getattr(one, "device", "cpu") for one in together.values()}
            device = "cuda" if "cuda" in devices else "cpu"
            yield f"{room}.card", partial(check_card, key, device, together)
    if "scene.diffusion" in weights:
        yield "scene.shapes", partial(tell_shapes, config)
        yield "scene.picture", lambda: try_painting(config, state)
    if "writer.model" in weights:
        model = config.writer.model
        assert model is not None
        yield "writer.answer", lambda: try_writing(model)
    if config.personas.backend == "model":
        yield "personas.worth", lambda: tell_worth(config)
    if config.cutout.segmenter is not None or config.cutout.matting is not None:
        yield "cutout.edge", lambda: try_cutting(config)
    if config.quality.image_text is not None or config.quality.judge is not None:
        yield "quality.measured", lambda: try_seeing(config, state)


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
            told = " ".join(str(error).split())
            _say(f"FAILED  {told}" if told.startswith(name) else f"FAILED  {name}: {told}")
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
    quiet_libraries()
    # How many of the prompts are cut is told in one line.
    logging.getLogger("ray_tasks.models.scene_prompts").setLevel(logging.ERROR)
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
