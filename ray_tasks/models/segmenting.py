"""Cut-outs by a network that tells the product from any ground by itself: Zheng et al. 2024, "BiRefNet".

It comes as an ONNX graph. Its PyTorch weights need Python code from the hub (`trust_remote_code`), which could do
anything on the machine that holds the shops' pictures; a graph can only compute. Where `cutout.matting` is set too, it
draws the soft edge after this.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ray_tasks.models.loading import load
from ray_tasks.models.matting import foreground
from ray_tasks.pictures.cutout import (
    LEAST_QUALITY,
    LEAST_UNIFORM,
    CutOut,
    border_fault,
    own_cutout,
    refused,
    without_flaws,
)
from ray_tasks.pictures.flaws import soft_outline
from ray_tasks.pictures.ground import fit_ground
from ray_tasks.pictures.people import skin_share
from schemas.model_config import Segmenter

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_SURE = 0.03
"""Probabilities this near to 0 and 1 are taken for them."""
_EDGE = 0.03
"""Soft edges reach so far, as a share of the longer side; what is only likely beyond is ground."""


class SegmentingCutOut:
    """A `CutOutMethod`: the network's probability that a pixel is product is its alpha."""

    name = "segmenting"

    def __init__(self, weights: Segmenter, threads: int = 1, key: str = "cutout.segmenter") -> None:
        import onnxruntime

        self.revision = f"{weights.model}@{weights.revision or 'local'}"
        provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[weights.device]
        if provider not in onnxruntime.get_available_providers():
            raise ValueError(
                f'{key}.device = "cuda": this onnxruntime is built for the CPU; install onnxruntime-gpu of the same '
                f'version in its place, or set {key}.device = "cpu"'
            )
        path = load(weights, key, weights.file, _path_of, file=weights.file)
        options = onnxruntime.SessionOptions()
        # Other processes cut out side by side.
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:  # onnxruntime's own classes have no common parent but this
            raise OSError(f"{key}: {path} is no network that can be run: {error}") from error
        self._size_px = weights.size_px
        self._input = self._session.get_inputs()[0]
        # A name stands where the graph takes any size.
        fixed = [side for side in self._input.shape[2:] if isinstance(side, int)]
        if any(side != weights.size_px for side in fixed):
            raise ValueError(
                f"{key}.size_px = {weights.size_px}: {path} reads pictures of {fixed[0]} px; set it to that"
            )

    def cut(self, rgb: np.ndarray, alpha: np.ndarray | None = None) -> CutOut:
        """See CutOutMethod. People, and products that the border cuts, are refused as by the classical method."""
        if alpha is not None and (own := own_cutout(rgb, alpha)):
            return own
        if skin := skin_share(rgb):
            told = f"{skin:.0%} of the picture is skin that its border cuts"
            return refused(rgb, "lifestyle", "person_or_hand", told)
        share = self._probability(rgb)
        product, kind = share > 0.5, _ground_kind(rgb)
        if fault := border_fault(product):
            return refused(rgb, kind, *fault)
        quality = float(share[product].mean())
        reach = 2 * max(2, round(_EDGE * max(product.shape))) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        share = np.where(cv2.dilate(product.astype(np.uint8), kernel) > 0, share, 0)
        share = np.where(share < _SURE, 0, np.where(share > 1 - _SURE, 1, share))
        found = soft_outline(np.rint(share * 255).astype(np.uint8))
        rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        rgba = np.dstack([foreground(rgb, found)[window], found[window]])
        detail = f"the network is sure of the product by {quality:.2f} on average"
        verdict, reason = ("accepted", None) if quality >= LEAST_QUALITY else ("refused", "low_quality")
        return without_flaws(CutOut(found, rgba, quality, kind, verdict, reason, detail))

    def _probability(self, rgb: np.ndarray) -> np.ndarray:
        """(H, W) float32, 0 to 1: how likely a pixel is product."""
        side = (self._size_px, self._size_px)
        small = cv2.resize(rgb, side, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        given = np.ascontiguousarray(((small - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None])
        if self._input.type == "tensor(float16)":
            given = given.astype(np.float16)
        logits = self._session.run(None, {self._input.name: given})[-1]
        found = cv2.resize(logits[0, 0].astype(np.float32), rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if not np.isfinite(found).all():
            raise ValueError("the segmenting network returned NaN")
        return np.asarray(1 / (1 + np.exp(-found)))


def _ground_kind(rgb: np.ndarray) -> str:
    """white, plain, or textured."""
    small = cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    ground = fit_ground(cv2.cvtColor(small, cv2.COLOR_RGB2LAB))
    return ground.kind if ground.uniform_share >= LEAST_UNIFORM else "textured"


def _path_of(model: str, *, revision: str | None, local_files_only: bool, file: str) -> Path:
    """The network's file on this machine."""
    if (folder := Path(model)).is_dir():
        return folder / file
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(model, file, revision=revision, local_files_only=local_files_only))
