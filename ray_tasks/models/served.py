"""A vision-language model in Ray actors of its own: the stages of one process share it, and so what it has read.

What it was asked before it is not asked again, in this night or a later one: an unchanged night asks nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.ray_session import serve
from ray_tasks.models.kept_file import KeptFile
from ray_tasks.models.loading import load
from ray_tasks.models.vision_language import Question, VisionLanguageModel, name_of
from schemas.revisions import writer_revision

if TYPE_CHECKING:
    from schemas.config import Engines
    from schemas.model_config import WriterModel

MOST_BYTES = 64 * 1024**3
"""About a hundred million answers."""


@dataclass
class ServedModel:
    """A `JsonModel`; `handles` are its actors, one a card. Everything about one product goes to one of them.

    cache: the file of answers. identity: what answers depend on beside the question.
    """

    name: str
    revision: str
    handles: Sequence[Any]
    cache: Path
    identity: str

    @cached_property
    def _kept(self) -> KeptFile:
        return KeptFile(self.cache, MOST_BYTES)

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel. Equal questions get the answer that the first of them got."""
        keys = [self._key(question) for question in questions]
        known = self._kept.read(sorted(set(keys)))
        new = {key: question for key, question in zip(keys, questions, strict=True) if key not in known}
        if new:
            answers = self._ask(list(new.values()))
            fresh = {key: answer.encode() for key, answer in zip(new, answers, strict=True)}
            self._kept.add(fresh)
            known |= fresh
        return [known[key].decode() for key in keys]

    def _key(self, question: Question) -> bytes:
        asked = [self.name, self.identity, question.prefix.hex(), question.user, question.schema]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()

    def _ask(self, questions: Sequence[Question]) -> list[str]:
        import ray

        shares: dict[int, list[int]] = {}
        for number, question in enumerate(questions):
            actor = int.from_bytes(question.prefix[:4], "big") % len(self.handles)
            shares.setdefault(actor, []).append(number)
        asked = [self.handles[n].answer.remote([questions[i] for i in own]) for n, own in shares.items()]
        answers = [""] * len(questions)
        for own, told in zip(shares.values(), ray.get(asked), strict=True):
            for number, answer in zip(own, told, strict=True):
                answers[number] = answer
        return answers


class LoadedWhenAsked:
    """A `JsonModel` whose weights are loaded with the first question; that there are some is looked at before."""

    def __init__(self, config: WriterModel) -> None:
        from transformers import AutoConfig

        load(config, "writer.model", "config.json", AutoConfig.from_pretrained)
        self._config = config

    @cached_property
    def model(self) -> VisionLanguageModel:
        """The model itself."""
        return VisionLanguageModel(self._config)

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel."""
        return self.model.answer(questions)


def serve_model(config: WriterModel, engines: Engines, state: Path) -> ServedModel:
    """The model of `config`, once in this process, with the answers below `state`.

    Raises StageError where it is not there.
    """
    handles = serve(LoadedWhenAsked, config, engines=engines, on_gpu=config.device == "cuda")
    return ServedModel(*name_of(config), handles, state / "cache" / "answers.sqlite", writer_revision(config))
