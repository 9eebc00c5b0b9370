"""A vision-language model in Ray actors of its own: the stages of one process share it, and so what it has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.ray_session import serve
from ray_tasks.models.vision_language import Question, VisionLanguageModel, name_of

if TYPE_CHECKING:
    from schemas.config import Engines
    from schemas.model_config import WriterModel


@dataclass
class ServedModel:
    """A `JsonModel`; `handles` are its actors, one a card. Everything about one product goes to one of them."""

    name: str
    revision: str
    handles: Sequence[Any]

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel."""
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


def serve_model(config: WriterModel, engines: Engines) -> ServedModel:
    """The model of `config`, loaded once in this process. Raises StageError where it cannot be."""
    handles = serve(VisionLanguageModel, config, engines=engines, on_gpu=config.device == "cuda")
    return ServedModel(*name_of(config), handles)
