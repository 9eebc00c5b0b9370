"""Regional compilation: the same pictures, and a cache from which a second start only looks up."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ray_tasks.models.loading import _REGIONS
from ray_tasks.models.painters import open_painter
from schemas.model_config import Control, Diffusion, Style
from tests.ray_tasks.models.painter_checks import paint, unit_of
from tests.tiny_models import save_tiny_controlnet, save_tiny_ip_adapter, save_tiny_sdxl
from tests.tiny_transformers import save_tiny_edit_pipeline, save_tiny_z_image, save_tiny_z_image_control

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(autouse=True)
def _no_trace_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler traces itself; pytest keeping all of that takes longer than to compile."""
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)


def test_compiled_blocks_paint_the_same_and_are_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.utils import counters

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # restored behind the test
    save_tiny_sdxl(tmp_path / "sdxl")
    units = [unit_of(seed) for seed in range(2)]

    def painted(*, compiled: bool) -> list[np.ndarray]:
        torch._dynamo.reset()
        config = Diffusion(model=str(tmp_path / "sdxl"), device="cpu", steps=2, size_px=64, compile=compiled)
        return paint(open_painter(config, "tiny", tmp_path / "engine"), units)

    plain, first = painted(compiled=False), painted(compiled=True)
    assert [path for path in (tmp_path / "engine" / "kernels").rglob("*") if path.is_file()]
    counters.clear()
    again = painted(compiled=True)
    assert counters["inductor"]["fxgraph_cache_hit"] >= 1 and not counters["inductor"]["fxgraph_cache_miss"]
    for one, other, eager in zip(first, again, plain, strict=True):
        assert np.array_equal(one, other)
        assert np.abs(one.astype(int) - eager.astype(int)).max() <= 1


def test_the_regions_of_every_backend_are_whole_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny_sdxl(tmp_path / "sdxl")
    save_tiny_controlnet(tmp_path / "edges")
    save_tiny_ip_adapter(tmp_path / "style")
    save_tiny_z_image(tmp_path / "z_image")
    save_tiny_z_image_control(tmp_path / "layout")
    save_tiny_edit_pipeline(tmp_path / "edit")
    configs: list[dict[str, Any]] = [
        {
            "model": "sdxl",
            "sampler": "lcm",
            "edges": Control(model=str(tmp_path / "edges")),
            "style": Style(model=str(tmp_path / "style")),
        },
        {"model": "z_image", "guidance_scale": 0.0, "layout": Control(model=str(tmp_path / "layout"))},
        {"model": "edit", "guidance_scale": 3.0},
    ]
    compiled: set[str] = set()
    in_place = torch.nn.Module.compile

    def captured(module: torch.nn.Module, **more: Any) -> None:
        """Without the compiler's back end, which takes most of the time."""
        compiled.add(type(module).__name__)
        in_place(module, backend="eager", **more)

    monkeypatch.setattr(torch.nn.Module, "compile", captured)
    units = [unit_of(seed, prompt) for seed, prompt in enumerate(["a table", "a longer scene, a sea"])]
    for one in configs:
        torch._dynamo.reset()
        settings = one | {"model": str(tmp_path / one["model"])}
        plain, whole = (
            open_painter(
                Diffusion(device="cpu", steps=2, size_px=64, compile=compile, **settings), "tiny", None
            )
            for compile in (False, True)
        )
        for ours, eager in zip(paint(whole, units), paint(plain, units), strict=True):
            assert np.abs(ours.astype(int) - eager.astype(int)).max() <= 1
    assert compiled == _REGIONS
