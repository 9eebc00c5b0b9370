"""A vision-language model whose answers are JSON of one schema: the grammar masks every token that would break it.

The schema is compiled once (llguidance); each row of a batch walks its own copy of the automaton. Method: Willard and
Louf 2023, "Efficient Guided Generation for Large Language Models", section 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from schemas.config import WriterModel

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Question:
    """What a model is asked: its part (system), the task with its fenced data (user), a picture (H, W, 3) or None."""

    system: str
    user: str
    picture: NDArray[np.uint8] | None


class JsonModel(Protocol):
    """Answers questions with JSON texts of the schema it was opened with."""

    name: str
    revision: str

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """One JSON text a question, in order."""
        ...


class VisionLanguageModel:
    """A `JsonModel` around any image-text-to-text model that transformers loads.

    `config.model` is a hub id (then `config.revision` pins it) or a local folder. Greedy: the same questions in the
    same batches give the same answers on one machine.
    """

    def __init__(self, config: WriterModel, schema: Mapping[str, Any]) -> None:
        import llguidance
        from transformers import AutoModelForImageTextToText, AutoProcessor

        is_folder = Path(config.model).is_dir()
        if not is_folder and config.revision is None:
            raise ValueError(f"writer model {config.model}: pin a revision (a commit of the hub)")
        source: dict[str, Any] = {
            "revision": config.revision,
            "local_files_only": is_folder or config.local_files_only,
        }
        self.name = Path(config.model).name if is_folder else config.model
        self.revision = config.revision or "local"
        self._config = config
        self._processor = AutoProcessor.from_pretrained(config.model, **source)
        self._tokenizer = self._processor.tokenizer
        self._tokenizer.padding_side = "left"
        self._model = AutoModelForImageTextToText.from_pretrained(config.model, **source).eval()
        self._model.to(config.device)
        vocabulary = max(len(self._tokenizer), self._model.get_output_embeddings().weight.shape[0])
        automaton = llguidance.LLTokenizer(
            self._tokenizer.backend_tokenizer.to_str(),
            n_vocab=vocabulary,
            eos_token=self._tokenizer.eos_token_id,
        )
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            dict(schema), overrides={"whitespace_flexible": False}
        )
        self._matcher = llguidance.LLMatcher(automaton, grammar)
        if self._matcher.is_error():
            raise ValueError(f"writer model {config.model}: {self._matcher.get_error()}")

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel. An answer that ran out of tokens is cut off, and so no JSON."""
        size = self._config.batch_size
        # Questions of like length run together: padding costs as much as text.
        order = sorted(range(len(questions)), key=lambda i: len(questions[i].user))
        answers = [""] * len(questions)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            for i, text in zip(chosen, self._generate([questions[i] for i in chosen]), strict=True):
                answers[i] = text
        return answers

    def _generate(self, questions: Sequence[Question]) -> list[str]:
        import torch
        from PIL import Image

        texts, pictures = [], []
        for question in questions:
            content: list[dict[str, str]] = [{"type": "text", "text": self._as_data(question.user)}]
            if question.picture is not None:
                content.insert(0, {"type": "image"})
                pictures.append(Image.fromarray(question.picture))
            messages = [
                {"role": "system", "content": [{"type": "text", "text": question.system}]},
                {"role": "user", "content": content},
            ]
            texts.append(
                self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            )
        inputs = self._processor(
            text=texts, images=pictures or None, padding=True, return_tensors="pt", add_special_tokens=False
        ).to(self._config.device)
        length = inputs["input_ids"].shape[1]
        mask = _GrammarMask([self._matcher.deep_copy() for _ in questions], length)
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs,
                logits_processor=[mask],
                do_sample=False,
                num_beams=1,
                max_new_tokens=self._config.max_new_tokens,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
            )
        decoded: list[str] = self._tokenizer.batch_decode(tokens[:, length:], skip_special_tokens=True)
        return decoded

    def _as_data(self, text: str) -> str:
        """The text without anything that the tokenizer would read as a turn, a picture, or an end."""
        for token in sorted(
            {*self._tokenizer.all_special_tokens, *self._tokenizer.get_added_vocab()}, key=len
        ):
            text = text.replace(token, " ")
        return text


class _GrammarMask:
    """A logits processor: minus infinity for every token that no answer of the grammar goes on with."""

    def __init__(self, matchers: Sequence[Any], prompt_length: int) -> None:
        self._matchers = matchers
        self._seen = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """(rows, tokens so far), (rows, vocabulary) -> (rows, vocabulary)."""
        import torch

        words = (scores.shape[1] + 31) // 32
        rows = []
        for row, matcher in enumerate(self._matchers):
            for token in input_ids[row, self._seen :].tolist():
                if not matcher.is_stopped():
                    matcher.consume_token(token)
            bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
            rows.append(np.unpackbits(bits, bitorder="little", count=32 * words)[: scores.shape[1]])
        self._seen = input_ids.shape[1]
        allowed = torch.from_numpy(np.stack(rows).astype(bool)).to(scores.device)
        return scores.masked_fill(~allowed, -torch.inf)


def parse(answer: str) -> dict[str, Any] | None:
    """The answer as a JSON object; None when it is none."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
