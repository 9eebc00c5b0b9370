"""A vision-language model whose answers are JSON of a schema: the grammar masks every token that would break it.

A schema is compiled once (llguidance); each row of a batch walks its own copy of the automaton. Rows leave the batch
when their answers end, and others take their places (continuous batching): Yu et al. 2022, "Orca: A Distributed Serving
System for Transformer-Based Generative Models", section 3.1, with the model's own loop between two changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ray_tasks.engine.memory import ran_out
from ray_tasks.models.grammars import Grammars, MaskWorkers
from ray_tasks.models.loading import dtype_of, load
from ray_tasks.models.read_rows import ReadRows
from schemas.model_config import WriterModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)

KEPT_BYTES = 1 << 28
"""What the model keeps of beginnings that it read, on the CPU; half of the free memory on a card."""
_MOST_MATCHERS = 1024
_PARTS = 8
"""Of a batch: when one has ended, questions that wait take its place. To read them holds up the other rows for about a
token, and rows that have ended hold their places in vain: tests/benchmarks/RESULTS.md, "Understanding"."""
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
    """Distinct beginnings that were read together: prefix -> row."""

    row_of: dict[bytes, int]
    rows: ReadRows


@dataclass(frozen=True)
class _Flight:
    """Answers that are being written side by side, a row each."""

    numbers: list[int]
    """Of the questions."""
    matchers: list[Any]
    said: list[list[int]]
    """Tokens of the answers so far."""
    rows: ReadRows

    def beside(self, more: _Flight) -> _Flight:
        """These and then those of `more`."""
        return _Flight(
            self.numbers + more.numbers,
            self.matchers + more.matchers,
            self.said + more.said,
            self.rows.beside(more.rows),
        )

    def only(self, rows: Sequence[int]) -> _Flight:
        """Some of them."""
        return _Flight(
            [self.numbers[row] for row in rows],
            [self.matchers[row] for row in rows],
            [self.said[row] for row in rows],
            self.rows.select(rows).trimmed(),
        )


class VisionLanguageModel:
    """A `JsonModel` around any image-text-to-text model that transformers loads.

    `config.model` is a hub id (then `config.revision` pins it) or a local folder. Greedy: the same questions in the
    same calls give the same answers on one machine. What questions share is read once, picture and all, and kept for
    later calls while there is room; what was read last is kept in any case, for a second attempt. A call with many more
    questions than `config.batch_size` serves best: its last answers are all that wait for each other.
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
        pad, ends = self._tokenizer.pad_token_id, self._model.generation_config.eos_token_id
        self._pad = self._tokenizer.eos_token_id if pad is None else pad
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        vocabulary = max(len(self._tokenizer), self._model.get_output_embeddings().weight.shape[0])
        self._automaton = llguidance.LLTokenizer(
            self._tokenizer.backend_tokenizer.to_str(),
            n_vocab=vocabulary,
            eos_token=self._tokenizer.eos_token_id,
        )
        self._matchers: dict[str, llguidance.LLMatcher] = {}
        self._workers = MaskWorkers(vocabulary)
        self._kept: list[_Reading] = []
        self._ahead: _Reading | None = None
        self._at_once = config.batch_size
        on_card = config.device == "cuda"
        self._room_bytes = torch.cuda.mem_get_info()[0] // 2 if on_card else KEPT_BYTES
        self.prefixes_read = 0
        """Beginnings that had to be read."""

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """See JsonModel. An answer that ran out of tokens is cut off, and so no JSON."""
        import torch

        answers = [""] * len(questions)
        flight, waiting = None, self._ordered(questions)
        while flight or waiting:
            joining = waiting[: self._room_beside(flight)]
            at_work = (flight.numbers if flight else []) + joining
            try:
                with torch.inference_mode():
                    flight = self._joined(flight, questions, joining, waiting[len(joining) :])
                    waiting = waiting[len(joining) :]
                    flight = self._go_on(flight, bool(waiting), answers)
                continue
            except RuntimeError as error:
                if len(at_work) == 1 or not ran_out(error):
                    raise
            # Outside of the handler, since the error holds what the failed call had on the card.
            flight, waiting = None, at_work + [number for number in waiting if number not in at_work]
            self._at_once = -(-len(at_work) // 2)
            self._kept.clear()
            self._ahead = None
            torch.cuda.empty_cache()
            _LOG.warning(
                "out of memory with %d questions at once: %d from now on", len(at_work), self._at_once
            )
        self._ahead = None
        return answers

    def _ordered(self, questions: Sequence[Question]) -> list[int]:
        """The questions' numbers: together those whose beginnings were read together, and those about one product."""
        prefixes = [question.prefix for question in questions]
        known = [
            next((n for n, one in enumerate(self._kept) if prefix in one.row_of), -1) for prefix in prefixes
        ]
        return sorted(range(len(questions)), key=lambda i: (known[i], prefixes.index(prefixes[i]), i))

    def _room_beside(self, flight: _Flight | None) -> int:
        if flight is None:
            return self._at_once
        return self._at_once - len(flight.numbers) if flight.rows.can_be_joined else 0

    def _joined(
        self,
        flight: _Flight | None,
        questions: Sequence[Question],
        joining: list[int],
        later: Sequence[int],
    ) -> _Flight:
        """The flight with the questions `joining` beside it; beginnings are read ahead for those that follow."""
        while joining:
            reading = self._reading_of([questions[i] for i in [*joining, *later][: self._at_once]])
            known = [questions[i].prefix in reading.row_of for i in joining]
            some = joining[: known.index(False)] if False in known else joining
            joining = joining[len(some) :]
            begun = self._begun(some, [questions[i] for i in some], reading)
            flight = flight.beside(begun) if flight else begun
        assert flight is not None
        return flight

    def _begun(self, numbers: list[int], questions: Sequence[Question], reading: _Reading) -> _Flight:
        """The questions read to their ends, and the first tokens of their answers."""
        import torch

        own = [self._parts(question)[1] for question in questions]
        rest = self._tokenizer(own, padding=True, return_tensors="pt", add_special_tokens=False).to(
            self._config.device
        )
        rows = reading.rows.select([reading.row_of[question.prefix] for question in questions])
        rows = replace(
            rows,
            tokens=torch.cat([rows.tokens, rest["input_ids"]], dim=1),
            mask=torch.cat([rows.mask, rest["attention_mask"]], dim=1),
        )
        matchers = [self._matcher(question.schema) for question in questions]
        flight, _ = self._written(_Flight(numbers, matchers, [[] for _ in numbers], rows), 1, None)
        return flight

    def _go_on(self, flight: _Flight, others_wait: bool, answers: list[str]) -> _Flight | None:
        """Writes until answers have ended, which it gives; the flight goes on without them."""
        enough = -(-self._at_once // _PARTS) if others_wait and flight.rows.can_be_joined else None
        left = self._config.max_new_tokens - min(map(len, flight.said))
        flight, ended = self._written(flight, left, enough)
        over = [row for row, has_ended in enumerate(ended) if has_ended]
        texts = self._tokenizer.batch_decode([flight.said[row] for row in over], skip_special_tokens=True)
        for row, text in zip(over, texts, strict=True):
            answers[flight.numbers[row]] = text
        stay = [row for row, has_ended in enumerate(ended) if not has_ended]
        return flight.only(stay) if stay else None

    def _written(self, flight: _Flight, most: int, enough: int | None) -> tuple[_Flight, list[bool]]:
        """The flight with at most so many tokens more, and which answers have ended; with `enough` of them it stops."""
        from torch.nn.functional import pad

        grammars = self._grammars(flight.matchers, flight.said, enough)
        for module, shift in flight.rows.shifts.items():
            module.rope_deltas = shift
        told = self._model.generate(
            input_ids=flight.rows.tokens,
            attention_mask=flight.rows.mask,
            past_key_values=flight.rows.cache,
            logits_processor=[grammars.mask],
            stopping_criteria=[grammars.follow],
            do_sample=False,
            num_beams=1,
            max_new_tokens=most,
            pad_token_id=self._pad,
            return_dict_in_generate=True,
        )
        more = told.sequences.shape[1] - flight.rows.tokens.shape[1]
        rows = replace(
            flight.rows,
            tokens=told.sequences,
            mask=pad(flight.rows.mask, (0, more), value=1),
            cache=told.past_key_values,
        )
        return replace(flight, rows=rows), grammars.ended

    def kept_to(self, schemas: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """What `generate` is given so that each row's answer is of its schema."""
        grammars = self._grammars([self._matcher(one) for one in schemas], [[] for _ in schemas], None)
        return {"logits_processor": [grammars.mask], "stopping_criteria": [grammars.follow]}

    def _grammars(self, matchers: Sequence[Any], said: Sequence[list[int]], enough: int | None) -> Grammars:
        return Grammars(
            matchers,
            said,
            self._workers,
            ends=self._ends,
            most=self._config.max_new_tokens,
            enough=enough,
        )

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

    def _reading_of(self, questions: Sequence[Question]) -> _Reading:
        """What has the first question's beginning; read now, with those of the others, where nothing has it."""
        had = [*([self._ahead] if self._ahead else []), *self._kept]
        for one in had:
            if questions[0].prefix in one.row_of:
                return one
        new = takewhile(lambda question: not any(question.prefix in one.row_of for one in had), questions)
        self._ahead = self._read({question.prefix: question for question in new})
        return self._ahead

    def _read(self, questions: Mapping[bytes, Question]) -> _Reading:
        """Reads distinct beginnings with their pictures; what is shared is kept."""
        from PIL import Image

        self.prefixes_read += len(questions)
        pictures = [Image.fromarray(one.picture) for one in questions.values() if one.picture is not None]
        inputs = self._processor(
            text=[self._parts(question)[0] for question in questions.values()],
            images=pictures or None,
            padding=True,
            return_tensors="pt",
            add_special_tokens=False,
        ).to(self._config.device)
        # The library's own loop knows the positions of every kind of model; the token it adds is not kept.
        read = self._model.generate(
            **inputs, max_new_tokens=1, do_sample=False, pad_token_id=self._pad, return_dict_in_generate=True
        )
        shifts = {
            module: module.rope_deltas
            for module in self._model.modules()
            if getattr(module, "rope_deltas", None) is not None
        }
        rows = ReadRows(inputs["input_ids"], inputs["attention_mask"], read.past_key_values, shifts)
        reading = _Reading({prefix: row for row, prefix in enumerate(questions)}, rows)
        if any(one.shared for one in questions.values()):
            if sum(one.rows.size_bytes for one in self._kept) > self._room_bytes:
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


def parse(answer: str) -> dict[str, Any] | None:
    """The answer as a JSON object; None when it is none."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
