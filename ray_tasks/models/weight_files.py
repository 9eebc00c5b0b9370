"""Which files of a model's folder or repository are loaded, and how many numbers they hold: known before loading."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

from schemas.model_config import Diffusion, LoRA, Segmenter, Style, Weights

_WEIGHTS = re.compile(r"(?:diffusion_pytorch_)?model(?:-\d{5}-of-\d{5})?\.safetensors")
"""As `save_pretrained` names them; other precisions of the same network have other names."""


def weight_files(weights: Weights, names: Iterable[str]) -> list[str]:
    """Of a folder's file names (`unet/model.safetensors`) those that are read."""
    if isinstance(weights, Segmenter):
        return [name for name in names if name == weights.file]
    if isinstance(weights, LoRA):
        return [name for name in names if name == weights.weight_name]
    found = [name for name in names if name.endswith(".safetensors")]
    if isinstance(weights, Style):
        adapter = f"{weights.subfolder}/{weights.weight_name}".lstrip("/")
        return [name for name in found if name == adapter or _is_weights(name, weights.encoder_folder)]
    if not isinstance(weights, Diffusion):
        return [name for name in found if _is_weights(name, "")]
    parts = {name.partition("/")[0] for name in found if name.count("/") == 1}
    parts -= {"unet"} if weights.unet is not None else set()
    return [name for name in found if any(_is_weights(name, part) for part in parts)]


def fetch_command(weights: Weights) -> str:
    """What fetches a model of the hub, and little of its repository that is not read."""
    command = f"hf download {weights.model} --revision {weights.revision}"
    if isinstance(weights, Segmenter):
        return f"{command} README.md {weights.file}"
    if isinstance(weights, LoRA):
        return f"{command} README.md {weights.weight_name}"
    wanted = ["README.md", "*.json", "*.txt", "*.jinja", "*.safetensors"]
    if isinstance(weights, Style):
        adapter = f"{weights.subfolder}/{weights.weight_name}".lstrip("/")
        wanted = [
            "README.md",
            adapter,
            *(f"{weights.encoder_folder}/*.{kind}" for kind in ("json", "safetensors")),
        ]
    return " ".join([command, *(f'--include "{one}"' for one in wanted), '--exclude "*.fp16.*"'])


def _is_weights(name: str, folder: str) -> bool:
    parent, _, file = name.rpartition("/")
    return parent == folder and _WEIGHTS.fullmatch(file) is not None


def numbers_in(path: Path) -> int:
    """How many numbers a safetensors file holds, by its header (safetensors format, version 1: length, JSON, data)."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
