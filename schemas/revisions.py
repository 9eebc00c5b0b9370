"""Revisions of everything that makes or judges a picture. They are part of an asset's identity.

Raise one when its output changes; tests/test_revisions.py asks for that decision whenever the code behind one changes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from schemas.config import Quality
from schemas.instruction import content_hash
from schemas.model_config import CutOut, Scene, Weights, WriterModel

VIEWS = "classical-27"
"""Opening, cut-out, admission, ground lifted to white, colours, tags, and text found."""
COMPONENT_SCENE = "components-15"
"""Component-based drawing of scenes."""
PAINTER = "painter-2"
"""What a diffusion model is told, and what is done with its picture: prompts, conditions, shadow, repeats."""
RENDERER = "render-17"
"""Composition, layout, typesetting and encoding."""
LAYOUT_REVISIONS: dict[str, str] = {}
"""Of a layout that is set otherwise than in RENDERER's days: raised here, only what asks for it is drawn again."""
SCORER = "measure-17"
"""Measurements and the default thresholds."""
SEEING = "seeing-1"
"""What models measure of a picture: questions, words, and what is made of the answers."""

_SAMPLED_BYTES = 1 << 20


def renderer_revision(layout: str) -> str:
    """RENDERER, and the layout's own revision where it has one."""
    own = LAYOUT_REVISIONS.get(layout)
    return f"{RENDERER}+{layout}-{own}" if own else RENDERER


def scene_revision(scene: Scene) -> str:
    """The pinned revision of the scene backend: code for components; weights and sampling settings for diffusion."""
    if scene.backend == "components":
        return COMPONENT_SCENE
    assert scene.diffusion is not None
    diffusion = scene.diffusion
    unseen = {"local_files_only", "licence"}
    settings = diffusion.model_dump(include={"steps", "guidance_scale", "size_px", "sampler"}) | {
        "painter": PAINTER
    }
    if diffusion.shapes:
        settings["shapes"] = diffusion.shapes
    if diffusion.shared_steps:
        settings["shared_steps"] = diffusion.shared_steps
    for name in ("unet", "lora", "edges", "layout", "style"):
        if (part := getattr(diffusion, name)) is not None:
            settings[name] = part.model_dump(exclude=unseen | {"model"}) | {"weights": _weights(part)}
    return f"{_weights(diffusion)}+{content_hash(settings)[:8]}"


def _weights(weights: Weights) -> str:
    folder = Path(weights.model)
    if folder.is_dir():
        return f"{folder.name}@{_folder_revision(folder)}"
    return f"{weights.model}@{weights.revision or 'unpinned'}"


def writer_revision(model: WriterModel) -> str:
    """The pinned revision of the model that writes copy, and its settings."""
    settings = model.model_dump(exclude={"device", "local_files_only", "model", "batch_size", "licence"})
    folder = Path(model.model)
    revision = _folder_revision(folder) if folder.is_dir() else model.revision or "unpinned"
    name = folder.name if folder.is_dir() else model.model
    return f"{name}@{revision}+{content_hash(settings)[:8]}"


def _folder_revision(folder: Path) -> str:
    """12 hex digits over names, sizes, beginnings and ends of files: other weights are another model."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder)} {size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(_SAMPLED_BYTES))
                file.seek(max(0, size - _SAMPLED_BYTES))
                digest.update(file.read(_SAMPLED_BYTES))
    return digest.hexdigest()[:12]


def views_revision(cutout: CutOut) -> str:
    """The pinned revision of cut-outs and what is seen in source pictures."""
    networks = [_weights(one) for one in (cutout.segmenter, cutout.matting) if one is not None]
    return "+".join([VIEWS, *networks, *([] if cutout.objects == "all" else [cutout.objects])])


def measures_revision(quality: Quality) -> str:
    """Revision of the measurements alone; a judge's record and a brand's colours are among its instruments."""
    models: dict[str, Any] = {}
    if quality.brand_colors:
        models["brand_colors"] = quality.brand_colors
    if quality.image_text is not None:
        models["image_text"] = _weights(quality.image_text)
    if quality.judge is not None:
        models["judge"] = judge_revision(quality.judge)
        if quality.judge.measured is not None:
            models["measured"] = hashlib.sha256(Path(quality.judge.measured).read_bytes()).hexdigest()
    return f"{SCORER}-{content_hash(models | {'seeing': SEEING})[:8]}" if models else SCORER


def judge_revision(judge: WriterModel) -> str:
    """What a judge's record of precision belongs to: weights, questions, and the size in which it is shown pictures."""
    return f"{_weights(judge)}+{SEEING}+{judge.picture_px}"


def scorer_revision(quality: Quality) -> str:
    """Revision of measurements and thresholds: other thresholds decide anew, without drawing anything."""
    return f"{measures_revision(quality)}+{content_hash(quality.thresholds)[:8]}"
