"""Regional compilation: the same pictures, and a cache from which a second start only looks up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ray_tasks.models.painters import open_painter
from schemas.model_config import Diffusion
from tests.ray_tasks.models.painter_checks import paint, unit_of
from tests.tiny_models import save_tiny_sdxl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


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
