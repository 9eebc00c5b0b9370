"""What a language model keeps of texts that it reads and writes side by side, a row each."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ReadRows:
    """Texts as a model has read them, padded on the left."""

    tokens: torch.Tensor
    """(rows, length)."""
    mask: torch.Tensor
    """(rows, length): 0 where a row is padded."""
    cache: Any
    """transformers' cache of keys and values: of every token, or of all but the last."""
    shifts: dict[Any, torch.Tensor]
    """Module -> (rows, 1), of models with positions in three dimensions: how far pictures shift those of the text."""

    @property
    def size_bytes(self) -> int:
        """Of the keys and values."""
        return sum(one.nbytes for layer in self.cache.layers for one in (layer.keys, layer.values))

    @property
    def can_be_joined(self) -> bool:
        """Whether every layer keeps all tokens; where one keeps a window, rows cannot be made as long as others."""
        from transformers.cache_utils import DynamicLayer

        return all(type(layer) is DynamicLayer for layer in self.cache.layers)

    def select(self, rows: Sequence[int]) -> ReadRows:
        """These rows, each as often as it is named; in tensors of their own."""
        import torch

        chosen = torch.tensor(rows, device=self.tokens.device)
        cache = _own_layers(self.cache)
        cache.batch_select_indices(chosen)
        shifts = {module: shift[chosen] for module, shift in self.shifts.items()}
        return ReadRows(self.tokens[chosen], self.mask[chosen], cache, shifts)

    def trimmed(self) -> ReadRows:
        """Without the columns on the left in which every row is padded."""
        empty = int((self.mask.cumsum(1) == 0).sum(1).min())
        return self._padded(-empty) if empty else self

    def beside(self, more: ReadRows) -> ReadRows:
        """These rows and then those of `more`, as long as the longer."""
        import torch

        width = max(self.tokens.shape[1], more.tokens.shape[1])
        ours, theirs = self._padded(width - self.tokens.shape[1]), more._padded(width - more.tokens.shape[1])
        for layer, other in zip(ours.cache.layers, theirs.cache.layers, strict=True):
            layer.keys = torch.cat([layer.keys, other.keys])
            layer.values = torch.cat([layer.values, other.values])
        return ReadRows(
            torch.cat([ours.tokens, theirs.tokens]),
            torch.cat([ours.mask, theirs.mask]),
            ours.cache,
            {module: torch.cat([shift, theirs.shifts[module]]) for module, shift in ours.shifts.items()},
        )

    def _padded(self, by: int) -> ReadRows:
        """With so many more columns on the left, fewer if negative."""
        from torch.nn.functional import pad

        cache = _own_layers(self.cache)
        for layer in cache.layers:
            layer.keys, layer.values = pad(layer.keys, (0, 0, by, 0)), pad(layer.values, (0, 0, by, 0))
        return replace(self, tokens=pad(self.tokens, (by, 0)), mask=pad(self.mask, (by, 0)), cache=cache)


def _own_layers(cache: Any) -> Any:
    """A cache whose layers may be changed; the tensors are shared."""
    own = copy.copy(cache)
    own.layers = [copy.copy(layer) for layer in cache.layers]
    return own
