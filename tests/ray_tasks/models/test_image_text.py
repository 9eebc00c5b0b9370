from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.models.image_text import TransformersImageText
from schemas.model_config import Weights
from tests.tiny_models import save_tiny_clip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TransformersImageText:
    folder = tmp_path_factory.mktemp("clip") / "model"
    save_tiny_clip(folder)
    return TransformersImageText(Weights(model=str(folder)))


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (40 + 3 * i, 50, 3), np.uint8) for i in range(count)]


def test_pictures_and_texts_lie_in_one_space(model: TransformersImageText) -> None:
    shown, told = model.pictures(pictures(3)), model.texts(["a mug", "a drill " * 40])
    assert shown.shape == (3, 16) and told.shape == (2, 16) and shown.dtype == np.float32
    assert np.allclose(np.linalg.norm(np.concatenate([shown, told]), axis=1), 1, atol=1e-5)
    assert model.pictures([]).shape[0] == 0


def test_company_changes_no_vector(model: TransformersImageText) -> None:
    some = pictures(40)
    together = model.pictures(some)
    assert np.allclose(
        together[[0, 35]], np.concatenate([model.pictures([some[i]]) for i in (0, 35)]), atol=1e-5
    )


def test_a_model_without_a_pin_or_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"image_text\.revision"):
        TransformersImageText(Weights(model="some/siglip"))
    with pytest.raises(OSError, match="no folder"):
        TransformersImageText(Weights(model="/nowhere/siglip"))
