"""Text read from pictures: all of an unknown one, or lines whose places are known.

PP-OCRv6 (small) of the rapidocr package, which carries its weights; Latin and Chinese, no Arabic. Spaces come and go:
compare without them. One thread, so that what is read depends on the pixels only.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ray_tasks.pictures.geometry import Box

READ_PX = 512
"""Longer side at which text is looked for: letters of 8 pixels there are found, at a quarter of the cost of 1000."""
LINE_PX = 48
"""Height of a line as the recogniser takes it."""


@functools.cache
def _engine() -> Any:
    """Both networks; loading them takes a second."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": READ_PX,
            # One line at a time: in a batch all would be as wide as the widest, and on a processor none is faster.
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, LINE_PX, LINE_PX],
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def read_text(rgb: np.ndarray) -> list[tuple[str, Box, float]]:
    """(text, upright box, score 0 to 1) of every line found in an (H, W, 3) uint8 picture, from top to bottom."""
    found = _engine()(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), use_det=True, use_cls=False, use_rec=True)
    if not found.txts:
        return []
    lines = []
    for text, corners, score in zip(found.txts, np.asarray(found.boxes), found.scores, strict=True):
        left, top, width, height = cv2.boundingRect(corners.astype(np.int32))
        lines.append((text, Box(left, top, left + width, top + height), float(score)))
    return lines


def read_lines(lines: Sequence[np.ndarray]) -> list[tuple[str, float]]:
    """(text, score 0 to 1) of each (h, w, 3) uint8 RGB cut-out of one line of text."""
    read = []
    for line in lines:
        found = _engine()(cv2.cvtColor(line, cv2.COLOR_RGB2BGR), use_det=False, use_cls=False, use_rec=True)
        read.append((found.txts[0], float(found.scores[0])))
    return read
