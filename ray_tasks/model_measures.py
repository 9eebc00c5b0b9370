"""What models measure of a finished picture: likeness to its setting and to its rivals, and a judge's answers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from infra.object_store import ObjectStore
from ray_tasks.models.image_text import TransformersImageText, Vectors
from ray_tasks.models.judge import PictureJudge, judge_measurements, read_measured
from ray_tasks.models.scene_prompts import SETTING_PHRASES
from ray_tasks.models.vision_language import VisionLanguageModel
from schemas.config import Quality
from schemas.revisions import judge_revision

_KEPT = 4096
"""Vectors of pictures that are kept: a rival is another row's own picture."""

Row = Mapping[str, Any]


class ModelMeasures:
    """Measures planned candidates (rows of `score_candidates.PLANNED`) in batches. Loads its models once."""

    def __init__(self, quality: Quality, store: ObjectStore) -> None:
        self._store = store
        self._embedder = None
        self._judge = None
        if image_text := quality.image_text:
            self._embedder = TransformersImageText(image_text, image_text.device, "quality.image_text")
        if judge := quality.judge:
            self._judge = PictureJudge(VisionLanguageModel(judge, "quality.judge"))
            self._judge_px = judge.picture_px
            self._measured = (
                read_measured(Path(judge.measured), judge_revision(judge)) if judge.measured else {}
            )
        self._vectors: OrderedDict[str, Any] = OrderedDict()

    def of(self, rows: Sequence[Row]) -> dict[str, dict[str, float] | Exception]:
        """Asset id -> measurements, or why there are none; a picture that cannot be measured fails alone."""
        try:
            return dict(zip([row["asset_id"] for row in rows], self._measure(rows), strict=True))
        except Exception as error:
            if len(rows) == 1:
                return {rows[0]["asset_id"]: error}
        return {name: told for row in rows for name, told in self.of([row]).items()}

    def _measure(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        pictures = {row["uri"]: self._picture(row["uri"]) for row in rows}
        found: list[dict[str, float]] = [{} for _ in rows]
        if self._embedder is not None:
            for one, more in zip(found, self._likeness(rows, pictures), strict=True):
                one |= more
        if self._judge is not None:
            shown = [fitted(picture, self._judge_px) for picture in pictures.values()]
            answers = dict(zip(pictures, self._judge.judge(shown), strict=True))
            for one, row in zip(found, rows, strict=True):
                one |= judge_measurements(answers[row["uri"]], self._measured)
        return found

    def _likeness(self, rows: Sequence[Row], pictures: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
        """setting_similarity, and twin_similarity where there are rivals: cosines, -1 to 1."""
        assert self._embedder is not None
        uris = dict.fromkeys([*pictures, *(rival["uri"] for row in rows for rival in row["rivals"])])
        new = [uri for uri in uris if uri not in self._vectors]
        shown = [pictures[uri] if uri in pictures else self._picture(uri) for uri in new]
        own: dict[str, Vectors] = dict(zip(new, self._embedder.pictures(shown), strict=True))
        own |= {uri: self._vectors[uri] for uri in uris if uri in self._vectors}
        settings = sorted({row["setting"] for row in rows if row["setting"] in SETTING_PHRASES})
        words = self._embedder.texts([f"product photo {SETTING_PHRASES[name]}" for name in settings])
        said = dict(zip(settings, words, strict=True))
        found = []
        for row in rows:
            one = {}
            if row["setting"] in said and row["look"] != "white":
                one["setting_similarity"] = _cosine(own[row["uri"]], said[row["setting"]])
            if row["rivals"]:
                one["twin_similarity"] = max(
                    _cosine(own[row["uri"]], own[rival["uri"]]) for rival in row["rivals"]
                )
            found.append(one)
        self._vectors.update(own)
        while len(self._vectors) > _KEPT:
            self._vectors.popitem(last=False)
        return found

    def _picture(self, uri: str) -> np.ndarray:
        bgr = cv2.imdecode(np.frombuffer(self._store.get(uri), np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            raise ValueError(f"{uri} cannot be decoded")
        return np.ascontiguousarray(bgr[..., ::-1])


def _cosine(one: Vectors, other: Vectors) -> float:
    return float(np.clip(one @ other, -1.0, 1.0))


def fitted(picture: np.ndarray, longer_px: int) -> np.ndarray:
    """The picture with a longer side of `longer_px` at most, as a judge is shown it."""
    scale = min(1.0, longer_px / max(picture.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
