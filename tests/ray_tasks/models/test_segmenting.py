from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ray_tasks.build_product_views import open_method, share_of_card
from ray_tasks.models.segmenting import SegmentingCutOut
from ray_tasks.pictures.cutout import ClassicalCutOut
from schemas.model_config import CutOut, OnDevice, Segmenter
from schemas.revisions import VIEWS, views_revision
from tests.ray_tasks.models.test_matting import photograph
from tests.tiny_models import save_tiny_matting
from tests.tiny_onnx import save_tiny_segmenter


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    folder = tmp_path_factory.mktemp("segmenter") / "model"
    save_tiny_segmenter(folder)
    return Segmenter(model=str(folder), size_px=64)


@pytest.fixture(scope="module")
def method(weights: Segmenter) -> SegmentingCutOut:
    return SegmentingCutOut(weights)


def on_stripes() -> tuple[np.ndarray, np.ndarray]:
    """The disc on a ground that the classical method refuses, and its exact alpha."""
    _, alpha = photograph()
    stripes = np.where(np.arange(200) // 12 % 2, 235, 175).astype(np.uint8)
    ground = np.repeat(np.tile(stripes, (240, 1))[..., None], 3, axis=2)
    share = alpha[..., None] / 255
    return np.rint(np.array([30, 90, 50]) * share + ground * (1 - share)).astype(np.uint8), alpha


def test_a_product_is_cut_out_of_a_ground_that_the_classical_method_refuses(method: SegmentingCutOut) -> None:
    rgb, alpha = on_stripes()
    assert ClassicalCutOut().cut(rgb).verdict == "refused"
    found = method.cut(rgb)
    assert (found.verdict, found.background_kind) == ("accepted", "textured") and found.quality > 0.95
    product, truth = found.alpha > 127, alpha > 127
    assert (product & truth).sum() / (product | truth).sum() > 0.93, "as fine as 64 pixels are"
    assert found.rgba.shape[0] < 150 and (found.rgba[60, 60, :3] == (30, 90, 50)).all()


@pytest.mark.parametrize(
    ("radius", "centre", "reason"),
    [
        (0, (100, 120), "blank_image"),
        (10, (100, 120), "too_small_in_frame"),
        (60, (10, 120), "touches_border"),
    ],
)
def test_what_cannot_be_used_is_refused(
    radius: int, centre: tuple[int, int], reason: str, method: SegmentingCutOut
) -> None:
    rgb = np.full((240, 200, 3), 228, np.uint8)
    if radius:
        cv2.circle(rgb, centre, radius, (30, 90, 50), -1)
    found = method.cut(rgb)
    assert (found.verdict, found.reason) == ("refused", reason) and not found.alpha.any()


def test_a_network_that_is_not_sure_is_refused(tmp_path: Path) -> None:
    save_tiny_segmenter(tmp_path, gain=0.15)
    found = SegmentingCutOut(Segmenter(model=str(tmp_path), size_px=64)).cut(photograph()[0])
    assert (found.verdict, found.reason) == ("refused", "low_quality") and found.quality < 0.85


def test_a_files_own_cut_out_stays(method: SegmentingCutOut) -> None:
    rgb, alpha = photograph()
    hard = np.where(alpha > 127, 255, 0).astype(np.uint8)
    assert np.array_equal(method.cut(rgb, hard).rgba, ClassicalCutOut().cut(rgb, hard).rgba)


def test_the_segmenter_says_what_is_product_and_the_matting_network_draws_its_edge(
    weights: Segmenter, tmp_path: Path
) -> None:
    save_tiny_matting(tmp_path / "matting")
    matting = OnDevice(model=str(tmp_path / "matting"), device="cpu")
    both = CutOut(segmenter=weights, matting=matting)
    rgb, alpha = on_stripes()
    found, alone = open_method(both, 2).cut(rgb), open_method(CutOut(segmenter=weights), 2).cut(rgb)
    assert found.verdict == "accepted" and (found.alpha != alone.alpha).any()
    assert (found.alpha[cv2.erode(alpha, np.ones((31, 31), np.uint8)) == 255] == 255).all()
    revisions = {
        views_revision(one) for one in (CutOut(), CutOut(segmenter=weights), CutOut(matting=matting), both)
    }
    assert len(revisions) == 4 and all(one.startswith(VIEWS) for one in revisions)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model": "/nowhere/birefnet"}, r"cutout\.segmenter: model /nowhere"),
        ({"model": "onnx-community/BiRefNet-ONNX"}, "needs a pinned revision"),
        ({"device": "cuda"}, "built for the CPU; install onnxruntime-gpu"),
    ],
)
def test_a_network_that_cannot_be_opened_says_what_to_do(
    changed: dict[str, str], told: str, weights: Segmenter
) -> None:
    with pytest.raises((OSError, ValueError), match=told):
        SegmentingCutOut(weights.model_copy(update=changed))


def test_a_network_of_another_size_says_which(weights: Segmenter) -> None:
    with pytest.raises(ValueError, match=r"cutout\.segmenter\.size_px = 1024.*reads pictures of 64 px"):
        SegmentingCutOut(weights.model_copy(update={"size_px": 1024}))


def test_a_network_of_half_precision_cuts_out_the_same(method: SegmentingCutOut, tmp_path: Path) -> None:
    save_tiny_segmenter(tmp_path, half=True)
    rgb = on_stripes()[0]
    half = SegmentingCutOut(Segmenter(model=str(tmp_path), size_px=64)).cut(rgb)
    assert half.verdict == "accepted"
    assert np.abs(half.alpha.astype(int) - method.cut(rgb).alpha.astype(int)).mean() < 0.5


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    save_tiny_segmenter(tmp_path)
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"no network")
    with pytest.raises(OSError, match=r"cutout\.segmenter: .*model\.onnx is no network that can be run"):
        SegmentingCutOut(Segmenter(model=str(tmp_path), size_px=64))


def test_processes_share_a_card_that_a_small_network_is_on(weights: Segmenter) -> None:
    assert share_of_card(CutOut(segmenter=weights)) == 0
    assert share_of_card(CutOut(segmenter=weights, matting=OnDevice(model="x"))) == 0.25
