"""The benchmark's own parts: what it counts, and that what fails is no speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.generation import PERSONAS, _paint_all, flops_of_one
from tests.benchmarks.generation_arms import SETTINGS_COMPARED, ours, units
from tests.tiny_models import save_tiny_sdxl


def test_operations_are_counted_in_compiled_models_and_shared_encodes_by_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny_sdxl(tmp_path / "sdxl")
    four_steps = SETTINGS_COMPARED[1]
    engine = ours(tmp_path / "sdxl", "cpu", four_steps, 64, tmp_path)
    product = units(PERSONAS, 64)
    plain = flops_of_one(engine, product)
    for block in engine.painter._unet.modules():  # type: ignore[attr-defined]
        if type(block).__name__ == "BasicTransformerBlock":
            block.compile(fullgraph=True)
    assert flops_of_one(engine, product) == plain
    alone = flops_of_one(engine, product[:1])
    assert 0 < plain < alone, "a product's personas share its encode"
    paint: Any = engine.painter.decode
    monkeypatch.setattr(engine.painter, "decode", lambda latents: paint(latents) * float("nan"))
    with pytest.raises(RuntimeError, match="4 of 4 units failed: nan_picture"):
        _paint_all(engine, product)
