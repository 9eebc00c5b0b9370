from __future__ import annotations

import cv2
import numpy as np
import pytest

from ray_tasks.models.matting import MattingCutOut, foreground, trimap_of
from ray_tasks.pictures.cutout import ClassicalCutOut
from schemas.model_config import Weights
from tests.tiny_models import save_tiny_matting


@pytest.fixture(scope="module")
def method(tmp_path_factory: pytest.TempPathFactory) -> MattingCutOut:
    folder = tmp_path_factory.mktemp("matting") / "model"
    save_tiny_matting(folder)
    return MattingCutOut(Weights(model=str(folder)))


def photograph() -> tuple[np.ndarray, np.ndarray]:
    """A dark green disc on light grey, and its exact alpha."""
    alpha = np.zeros((240, 200), np.uint8)
    cv2.circle(alpha, (100, 120), 60, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.2)
    share = alpha[..., None] / 255
    rgb = np.rint(np.array([30, 90, 50]) * share + np.array([225, 225, 228]) * (1 - share))
    return rgb.astype(np.uint8), alpha


def test_the_network_draws_the_edge_and_nothing_else(method: MattingCutOut) -> None:
    rgb, _ = photograph()
    classical, found = ClassicalCutOut().cut(rgb), method.cut(rgb)
    assert found.verdict == "accepted" and found.quality == classical.quality
    trimap = trimap_of(classical.alpha)
    assert (found.alpha[trimap == 255] == 255).all() and not found.alpha[trimap == 0].any()
    assert (found.alpha != classical.alpha).any(), "random weights draw another edge"
    opaque = found.rgba[..., 3] == 255
    assert opaque.sum() > 8000 and np.abs(found.rgba[opaque][:, :3].astype(int) - (30, 90, 50)).max() < 12


def test_a_refusal_and_a_files_own_alpha_stay(method: MattingCutOut) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 200, 3), np.uint8)
    assert method.cut(noise).reason == ClassicalCutOut().cut(noise).reason
    rgb, alpha = photograph()
    hard = np.where(alpha > 127, 255, 0).astype(np.uint8)
    assert np.array_equal(method.cut(rgb, hard).rgba, ClassicalCutOut().cut(rgb, hard).rgba)


def test_the_band_is_open_and_the_rest_is_not() -> None:
    _, alpha = photograph()
    trimap = trimap_of(alpha)
    assert set(np.unique(trimap)) == {0, 128, 255}
    assert (trimap[(alpha > 0) & (alpha < 255)] == 128).all() and (trimap == 128).mean() < 0.15


def test_the_grounds_colour_leaves_the_edge() -> None:
    rgb, alpha = photograph()
    soft = (alpha > 40) & (alpha < 215)
    before = np.abs(rgb[soft].astype(int) - (30, 90, 50)).mean()
    after = np.abs(foreground(rgb, alpha)[soft].astype(int) - (30, 90, 50)).mean()
    assert after < 0.15 * before
    assert np.array_equal(foreground(rgb, alpha)[alpha == 255], rgb[alpha == 255])


def test_a_lost_network_is_named() -> None:
    with pytest.raises(OSError, match=r"cutout\.matting: model /nowhere"):
        MattingCutOut(Weights(model="/nowhere/vitmatte"))
