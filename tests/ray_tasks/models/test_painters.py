"""What every family of models does with weights that it cannot use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ray_tasks.engine.generate import BadPictureError
from ray_tasks.models.painters import open_painter
from schemas.model_config import Diffusion
from tests.ray_tasks.models.painter_checks import paint, unit_of
from tests.tiny_models import save_tiny_sdxl
from tests.tiny_transformers import save_tiny_edit_pipeline, save_tiny_z_image

FAMILIES = {
    "sdxl": (save_tiny_sdxl, "unet"),
    "z_image": (save_tiny_z_image, "transformer"),
    "edit": (save_tiny_edit_pipeline, "transformer"),
}
each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("families")
    for name, (save, _) in FAMILIES.items():
        save(folder / name)
    return folder


def settings(folder: Path) -> Diffusion:
    return Diffusion(model=str(folder), device="cpu", steps=2, size_px=64, guidance_scale=1.0)


@each_family
def test_lost_weights_are_named_with_what_to_do(saved: Path, tmp_path: Path, family: str) -> None:
    shutil.copytree(saved / family, tmp_path / family)
    for path in (tmp_path / family / FAMILIES[family][1]).glob("*.safetensors"):
        path.unlink()
    with pytest.raises(OSError, match=rf"scene\.diffusion: model .*{family}.*cannot be loaded.*safetensors"):
        open_painter(settings(tmp_path / family), "tiny", None)


@each_family
def test_broken_weights_are_found_in_the_first_picture(saved: Path, tmp_path: Path, family: str) -> None:
    shutil.copytree(saved / family, tmp_path / family)
    for path in (tmp_path / family / "vae").glob("*.safetensors"):
        save_file({name: tensor * torch.nan for name, tensor in load_file(path).items()}, path)
    painter = open_painter(settings(tmp_path / family), "tiny", None)
    with pytest.raises(BadPictureError, match=r"nan_picture.*bfloat16"):
        paint(painter, [unit_of()])


def test_a_family_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"is a FluxPipeline; known are Stable Diffusion and SDXL"):
        open_painter(settings(tmp_path), "tiny", None)
