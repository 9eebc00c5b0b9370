"""A vision-language model whose answers are JSON of a schema: the grammar masks every token that would break it.

A schema is compiled once (llguidance); each row of a batch walks its own copy of the automaton. Method: Willard and
Louf 2023, "Efficient Guided Generation for Large Language Models", section 3.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ray_tasks.engine.memory import ran_out
from ray_tasks.engine.to_card import to_card
from ray_tasks.models.loading import dtype_of, load
from schemas.model_config import WriterModel

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)

KEPT_BYTES = 1 << 28
"""What the model keeps of beginnings that it read, on the CPU; half of the free memory on a card."""
_MOST_MATCHERS = 1024
_SEAM = "\x1f\x1e\x1f"
"""Stands for a moment where a prompt is parted: control characters, which no text keeps."""


@dataclass(frozen=True)
class Question:
    """What a model is asked: its part (system), the task with its fenced data (user), a picture (H, W, 3) or None.

    schema: JSON Schema of the answer.
    """

    system: str
    user: str
    picture: NDArray[np.uint8] | None
    schema: Mapping[str, Any]
    shared: str = ""
    """Stands before `user`: what all questions about one product share, and the model reads once for all of them."""

    @cached_property
    def prefix(self) -> bytes:
        """Questions that begin alike have the same."""
        digest = hashlib.sha256(f"{len(self.system)} {self.system} {self.shared}".encode())
        if self.picture is not None:
            digest.update(f" {self.picture.shape}".encode() + np.ascontiguousarray(self.picture).tobytes())
        return digest.digest()


class JsonModel(Protocol):
    """Answers questions with JSON texts of their schemas."""

    name: str
    revision: str

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """One JSON text a question, in order."""
        ...


def name_of(config: WriterModel) -> tuple[str, str]:
    """The model's name and revision, as rows that it wrote have them."""
    folder = Path(config.model)
    return folder.name if folder.is_dir() else config.model, config.revision or "local"


@dataclass(frozen=True)
class _Reading:
    """Distinct beginnings that were read in one batch, a row each, and what the model keeps of having read them."""

    rows: dict[bytes, int]
    tokens: dict[str, torch.Tensor]
    """input_ids and attention_mask, (rows, tokens), padded on the left."""
    cache: Any
    shifts: dict[Any, torch.Tensor]
    """Module -> (rows, 1), of models with positions in three dimensions: how far pictures shift those of the text."""

    @property
    def size_bytes(self) -> int:
        """Of the keys and values."""
        return sum(one.nbytes for layer in self.cache.layers for one in (layer.keys, layer.values))


class VisionLanguageModel:
    """A `JsonModel` around any image-text-to-text model that transformers loads.

    `config.model` is a hub id (then `config.revision` pins it) or a local folder. Greedy: the same questions in the
    same batches give the same answers on one machine. What questions share is read once, picture and all, and kept for
    later calls while there is room; what was read last is kept in any case, for a second attempt.
    """

    def __init__(self, config: WriterModel, key: str = "writer.model") -> None:
        import llguidance
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.name, self.revision = name_of(config)
        self._config = config
        self._processor = load(config, key, "config.json", AutoProcessor.from_pretrained)
        self._tokenizer = self._processor.tokenizer
        self._tokenizer.padding_side = "left"
        # Some are stored in float32, twice what a card of their size holds.
        dtype = dtype_of(config.device)
        opened = load(config, key, "config.json", AutoModelForImageTextToText.from_pretrained, dtype=dtype)
        self._model = opened.eval().to(config.device)
        vocabulary = max(len(self._tokenizer), self._model.get_output_embeddings().weight.shape[0])
        self._automaton = llguidance.LLTokenizer(
            self._tokenizer.backend_tokenizer.to_str(),
            n_vocab=vocabulary,
            eos_token=self._tokenizer.eos_token_id,
        )
        self._matchers: dict[str, llguidance.LLMatcher] = {}
        self._workers = MaskWorkers(vocabulary)
        self._kept: list[_Reading] = []
        self._at_once = config.batch_size
        on_card = config.device == "cuda"
        self._room_bytes = torch.cuda.mem_get_info()[0] // 2 if on_card else KEPT_BYTES
        self.prefixes_read = 0
        """Beginnings that had to be read."""

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel. An answer that ran out of tokens is cut off, and so no JSON."""
        prefixes = [question.prefix for question in questions]
        reading = [
            next((n for n, one in enumerate(self._kept) if prefix in one.rows), -1) for prefix in prefixes
        ]
        # What was read together runs together, and so do questions about one product: what they share is read once.
        order = sorted(range(len(questions)), key=lambda i: (reading[i], prefixes.index(prefixes[i]), i))
        answers = [""] * len(questions)
        for _, group in groupby(order, key=reading.__getitem__):
            run = list(group)
            while run:
                chosen, run = run[: self._at_once], run[self._at_once :]
                found = self._within_memory([questions[i] for i in chosen])
                for i, text in zip(chosen, found, strict=True):
                    answers[i] = text
        return answers

    def _within_memory(self, questions: Sequence[Question]) -> list[str]:
        """`_generate`; where memory ends, half as many at once from now on, and what was kept makes room."""
        import torch

        try:
            return self._generate(questions)
        except RuntimeError as error:
            if len(questions) == 1 or not ran_out(error):
                raise
        # Outside of the handler, since the error holds what the failed call had on the card.
        half = -(-len(questions) // 2)
        self._at_once = min(self._at_once, half)
        self._kept.clear()
        torch.cuda.empty_cache()
        _LOG.warning("out of memory with %d questions at once: %d from now on", len(questions), half)
        return self._within_memory(questions[:half]) + self._within_memory(questions[half:])

    def _generate(self, questions: Sequence[Question]) -> list[str]:
        import torch

        parts = [self._parts(question) for question in questions]
        pad = self._tokenizer.pad_token_id
        pad = self._tokenizer.eos_token_id if pad is None else pad
        with torch.inference_mode():
            first: dict[bytes, int] = {}
            for n, question in enumerate(questions):
                first.setdefault(question.prefix, n)
            reading = next((one for one in self._kept if first.keys() <= one.rows.keys()), None)
            if reading is None:
                beginnings = {prefix: parts[n][0] for prefix, n in first.items()}
                reading = self._read(beginnings, [questions[n] for n in first.values()], pad)
            rows = [reading.rows[question.prefix] for question in questions]
            cache = copy.copy(reading.cache)
            cache.layers = [copy.copy(layer) for layer in reading.cache.layers]
            # Selecting makes tensors of its own: what is kept stays as it was read.
            cache.batch_select_indices(torch.tensor(rows, device=self._config.device))
            for module, shift in reading.shifts.items():
                module.rope_deltas = shift[rows]
            rest = self._tokenizer(
                [own for _, own in parts], padding=True, return_tensors="pt", add_special_tokens=False
            ).to(self._config.device)
            both = {name: torch.cat([read[rows], rest[name]], dim=1) for name, read in reading.tokens.items()}
            length = both["input_ids"].shape[1]
            tokens = self._model.generate(
                **both,
                **self.kept_to([one.schema for one in questions], length),
                past_key_values=cache,
                do_sample=False,
                num_beams=1,
                max_new_tokens=self._config.max_new_tokens,
                pad_token_id=pad,
            )
        decoded: list[str] = self._tokenizer.batch_decode(tokens[:, length:], skip_special_tokens=True)
        return decoded

    def kept_to(self, schemas: Sequence[Mapping[str, Any]], prompt_length: int) -> dict[str, list[Any]]:
        """What `generate` is given so that each row's answer is of its schema."""
        grammars = Grammars([self._matcher(one) for one in schemas], prompt_length, self._workers)
        return {"logits_processor": [grammars.mask], "stopping_criteria": [grammars.follow]}

    def _matcher(self, schema: Mapping[str, Any]) -> Any:
        """A fresh automaton of the schema's answers. Raises ValueError for a schema that has none."""
        import llguidance

        text = json.dumps(schema, sort_keys=True)
        if text not in self._matchers:
            if len(self._matchers) >= _MOST_MATCHERS:
                self._matchers.clear()
            grammar = llguidance.LLMatcher.grammar_from_json_schema(
                text, overrides={"whitespace_flexible": False}
            )
            matcher = llguidance.LLMatcher(self._automaton, grammar)
            if matcher.is_error():
                raise ValueError(f"model {self.name}: {matcher.get_error()}")
            self._matchers[text] = matcher
        return self._matchers[text].deep_copy()

    def _read(self, texts: Mapping[bytes, str], shown: Sequence[Question], pad: int) -> _Reading:
        """Reads distinct beginnings with their pictures; what is shared is kept."""
        from PIL import Image

        self.prefixes_read += len(texts)
        pictures = [Image.fromarray(one.picture) for one in shown if one.picture is not None]
        inputs = self._processor(
            text=list(texts.values()),
            images=pictures or None,
            padding=True,
            return_tensors="pt",
            add_special_tokens=False,
        ).to(self._config.device)
        # The library's own loop knows the positions of every kind of model; the token it adds is not kept.
        read = self._model.generate(
            **inputs, max_new_tokens=1, do_sample=False, pad_token_id=pad, return_dict_in_generate=True
        )
        shifts = {
            module: module.rope_deltas
            for module in self._model.modules()
            if getattr(module, "rope_deltas", None) is not None
        }
        tokens = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        rows = {prefix: row for row, prefix in enumerate(texts)}
        reading = _Reading(rows, tokens, read.past_key_values, shifts)
        if any(one.shared for one in shown):
            if sum(one.size_bytes for one in self._kept) > self._room_bytes:
                self._kept.pop()
            self._kept.append(reading)
        return reading

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


class Grammars:
    """Keeps the rows of a batch to their grammars, each a matcher.

    A vocabulary of 150,000 tokens takes a matcher 0.1 to 4 ms of a core a token. So the masks of the next token are
    worked out by several threads from when the last one is chosen, while the model computes.
    """

    def __init__(self, matchers: Sequence[Any], prompt_length: int, workers: MaskWorkers) -> None:
        self._matchers = matchers
        self._seen = prompt_length
        self._workers = workers
        self._masks = workers.begin(matchers, [])

    def mask(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """A logits processor: minus infinity for tokens that no answer goes on with. Both (rows, ...)."""
        import torch

        # As bits, lowest first: a vocabulary of 150,000 is 19 KB a row, and the card makes bytes of them.
        packed = to_card(self._masks.result().view(np.uint8), scores.device)
        bits = packed[:, :, None] >> torch.arange(8, dtype=torch.uint8, device=scores.device) & 1
        return scores.masked_fill(bits.flatten(1)[:, : scores.shape[1]] == 0, -torch.inf)

    def follow(self, input_ids: torch.Tensor, scores: Any) -> torch.Tensor:
        """A stopping criterion that stops nothing: it is told tokens when they are chosen, (rows, tokens so far)."""
        import torch

        # In one copy: the loop waits for the card here in any case, to learn whether every answer has ended.
        chosen = input_ids[:, self._seen :].tolist()
        self._seen = input_ids.shape[1]
        self._masks = self._workers.begin(self._matchers, chosen)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


class MaskWorkers:
    """Threads that work out which tokens grammars allow next."""

    def __init__(self, vocabulary: int) -> None:
        import llguidance

        self._vocabulary = vocabulary
        self._threads = llguidance.LLExecutor()
        self._beside = ThreadPoolExecutor(1)

    def begin(self, matchers: Sequence[Any], chosen: Sequence[Sequence[int]]) -> Future[NDArray[np.int32]]:
        """Each matcher takes its chosen tokens; then (rows, vocabulary / 32) bits of what it allows."""
        return self._beside.submit(self._masks, matchers, chosen)

    def _masks(self, matchers: Sequence[Any], chosen: Sequence[Sequence[int]]) -> NDArray[np.int32]:
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par

        for matcher, tokens in zip(matchers, chosen, strict=False):
            for token in tokens:
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        masks: NDArray[np.int32] = allocate_token_bitmask(len(matchers), self._vocabulary)
        fill_next_token_bitmask_par(
            self._threads, [(matcher, row) for row, matcher in enumerate(matchers)], masks
        )
        return masks


def parse(answer: str) -> dict[str, Any] | None:
    """The answer as a JSON object; None when it is none."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
