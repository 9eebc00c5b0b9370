"""Keeps the answers of a language model to grammars, while it writes them.

Method: Willard and Louf 2023, "Efficient Guided Generation for Large Language Models", section 3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ray_tasks.engine.to_card import to_card

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


class Grammars:
    """What `generate` is given so that each row of a batch goes on as its grammar says, and stops in time.

    A vocabulary of 150,000 tokens takes a matcher 0.1 to 4 ms of a core a token. So the masks of the next token are
    worked out by several threads from when the last one is chosen, while the model computes.

    matchers: one a row, who have followed the row so far. said: the rows' answers so far, each grows by the tokens that
    are chosen; one that holds one of `ends`, or `most` tokens, has ended. enough: so many that have ended stop all.
    """

    def __init__(
        self,
        matchers: Sequence[Any],
        said: Sequence[list[int]],
        workers: MaskWorkers,
        *,
        ends: Collection[int],
        most: int,
        enough: int | None = None,
    ) -> None:
        self._matchers = matchers
        self._said = said
        self._workers = workers
        self._ends = frozenset(ends)
        self._most = most
        self._enough = len(said) if enough is None else enough
        self.ended = [False] * len(said)
        """Rows whose answers have ended."""
        self._masks = workers.begin(matchers, [])

    def mask(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """A logits processor: minus infinity for tokens that no answer goes on with. Both (rows, ...)."""
        import torch

        # As bits, lowest first: a vocabulary of 150,000 is 19 KB a row, and the card makes bytes of them.
        packed = to_card(self._masks.result().view(np.uint8), scores.device)
        bits = packed[:, :, None] >> torch.arange(8, dtype=torch.uint8, device=scores.device) & 1
        return scores.masked_fill(bits.flatten(1)[:, : scores.shape[1]] == 0, -torch.inf)

    def follow(self, input_ids: torch.Tensor, scores: Any) -> torch.Tensor:
        """A stopping criterion, told tokens when they are chosen, (rows, tokens so far): (rows,) that have ended."""
        import torch

        # In one copy: the loop waits for the card here in any case, to learn whether every answer has ended.
        chosen = [
            [] if over else [token] for over, token in zip(self.ended, input_ids[:, -1].tolist(), strict=True)
        ]
        self._masks = self._workers.begin(self._matchers, chosen)
        for row, tokens in enumerate(chosen):
            self._said[row].extend(tokens)
            self.ended[row] |= len(self._said[row]) >= self._most or not self._ends.isdisjoint(tokens)
        stop = sum(self.ended) >= self._enough
        return to_card(torch.tensor([stop or over for over in self.ended]), input_ids.device)


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
