"""A vision-language model whose answers are JSON of one schema: the grammar masks every token that would break it.

The schema is compiled once (llguidance); each row of a batch walks its own copy of the automaton. Method: Willard and
Louf 2023, "Efficient Guided Generation for Large Language Models", section 3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ray_tasks.models.loading import load
from schemas.model_config import WriterModel

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


_SEAM = "\x1f\x1e\x1f"
"""Stands for a moment where a prompt is parted: control characters, which no text keeps."""


@dataclass(frozen=True)
class Question:
    """What a model is asked: its part (system), the task with its fenced data (user), a picture (H, W, 3) or None."""

    system: str
    user: str
    picture: NDArray[np.uint8] | None
    shared: str = ""
    """Stands before `user`: what all questions about one product share, and the model reads once for all of them."""

    @property
    def prefix(self) -> bytes:
        """Questions that begin alike have the same."""
        digest = hashlib.sha256(f"{len(self.system)} {self.system} {self.shared}".encode())
        if self.picture is not None:
            digest.update(f" {self.picture.shape}".encode() + np.ascontiguousarray(self.picture).tobytes())
        return digest.digest()


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
    same batches give the same answers on one machine. What questions share is read once a batch, picture and all.
    """

    def __init__(self, config: WriterModel, schema: Mapping[str, Any], key: str = "writer.model") -> None:
        import llguidance
        from transformers import AutoModelForImageTextToText, AutoProcessor

        is_folder = Path(config.model).is_dir()
        self.name = Path(config.model).name if is_folder else config.model
        self.revision = config.revision or "local"
        self._config = config
        self._processor = load(config, key, "config.json", AutoProcessor.from_pretrained)
        self._tokenizer = self._processor.tokenizer
        self._tokenizer.padding_side = "left"
        opened = load(config, key, "config.json", AutoModelForImageTextToText.from_pretrained)
        self._model = opened.eval().to(config.device)
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
            raise ValueError(f"{key}: model {config.model}: {self._matcher.get_error()}")

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel. An answer that ran out of tokens is cut off, and so no JSON."""
        size = self._config.batch_size
        prefixes = [question.prefix for question in questions]
        # Questions about one product run together, so that what they share is read once.
        order = sorted(range(len(questions)), key=lambda i: (prefixes.index(prefixes[i]), i))
        answers = [""] * len(questions)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            for i, text in zip(chosen, self._generate([questions[i] for i in chosen]), strict=True):
                answers[i] = text
        return answers

    def _generate(self, questions: Sequence[Question]) -> list[str]:
        import torch

        first: dict[bytes, int] = {}
        for number, question in enumerate(questions):
            first.setdefault(question.prefix, number)
        rows = [list(first).index(question.prefix) for question in questions]
        parts = [self._parts(question) for question in questions]
        shown = [questions[number] for number in first.values()]
        pad = self._tokenizer.pad_token_id
        pad = self._tokenizer.eos_token_id if pad is None else pad
        with torch.inference_mode():
            start, cache = self._read([parts[number][0] for number in first.values()], shown, pad)
            cache.batch_select_indices(torch.tensor(rows, device=self._config.device))
            for module in self._model.modules():
                # Models with positions in three dimensions remember how far pictures shift those of the text.
                if getattr(module, "rope_deltas", None) is not None:
                    module.rope_deltas = module.rope_deltas[rows]
            rest = self._tokenizer(
                [own for _, own in parts], padding=True, return_tensors="pt", add_special_tokens=False
            ).to(self._config.device)
            both = {
                name: torch.cat([start[name][rows], rest[name]], dim=1)
                for name in ("input_ids", "attention_mask")
            }
            length = both["input_ids"].shape[1]
            tokens = self._model.generate(
                **both,
                past_key_values=cache,
                logits_processor=[_GrammarMask([self._matcher.deep_copy() for _ in questions], length)],
                do_sample=False,
                num_beams=1,
                max_new_tokens=self._config.max_new_tokens,
                pad_token_id=pad,
            )
        decoded: list[str] = self._tokenizer.batch_decode(tokens[:, length:], skip_special_tokens=True)
        return decoded

    def _read(self, texts: Sequence[str], shown: Sequence[Question], pad: int) -> tuple[Any, Any]:
        """The tokens of distinct beginnings with their pictures, and what the model keeps of having read them."""
        from PIL import Image

        pictures = [Image.fromarray(one.picture) for one in shown if one.picture is not None]
        inputs = self._processor(
            text=list(texts),
            images=pictures or None,
            padding=True,
            return_tensors="pt",
            add_special_tokens=False,
        ).to(self._config.device)
        # The library's own loop knows the positions of every kind of model; the token it adds is not kept.
        read = self._model.generate(
            **inputs, max_new_tokens=1, do_sample=False, pad_token_id=pad, return_dict_in_generate=True
        )
        return inputs, read.past_key_values

    def _parts(self, question: Question) -> tuple[str, str]:
        """The prompt in two: up to what questions about the product share, and the question's own."""
        text = f"{self._as_data(question.shared)}{_SEAM}{self._as_data(question.user)}"
        content: list[dict[str, str]] = [{"type": "text", "text": text}]
        if question.picture is not None:
            content.insert(0, {"type": "image"})
        messages = [
            {"role": "system", "content": [{"type": "text", "text": question.system}]},
            {"role": "user", "content": content},
        ]
        prompt = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        before, after = prompt.split(_SEAM)
        return before, after

    def _as_data(self, text: str) -> str:
        """The text without anything that the tokenizer would read as a turn, a picture, or an end."""
        text = text.replace(_SEAM, " ")
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
