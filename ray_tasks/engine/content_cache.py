"""Tensors by the hash of what they were computed from: nothing that fits is encoded twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch

Tensors = tuple[torch.Tensor, ...]


def content_key(kind: str, *parts: str | np.ndarray) -> bytes:
    """SHA-256 over the kind of encoding and all that goes into it."""
    digest = hashlib.sha256(kind.encode())
    for part in parts:
        if isinstance(part, str):
            digest.update(f"\0{len(part)} {part}".encode())
        else:
            digest.update(f"\0{part.shape} {part.dtype}".encode())
            digest.update(np.ascontiguousarray(part).data)
    return digest.digest()


class ContentCache:
    """Keeps `capacity_bytes` of what was used last."""

    def __init__(self, capacity_bytes: int = 1 << 30) -> None:
        self._capacity = capacity_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Tensors] = OrderedDict()
        self.computed = 0
        """Values that had to be computed."""

    def many(self, keys: Sequence[bytes], compute: Callable[[list[int]], Sequence[Tensors]]) -> list[Tensors]:
        """The value of every key; `compute` gets the places of the first of each unknown key, in one call."""
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        unknown = sorted(place for key, place in first.items() if key not in self._kept)
        found = {key: self._kept[key] for key in first if key in self._kept}
        if unknown:
            self.computed += len(unknown)
            made = zip(unknown, compute(unknown), strict=True)
            found |= {keys[place]: tuple(map(_own, value)) for place, value in made}
        for key in first:
            self._keep(key, found[key])
        return [found[key] for key in keys]

    def _keep(self, key: bytes, value: Tensors) -> None:
        if key not in self._kept:
            self._kept[key] = value
            self._bytes += _size(value)
        self._kept.move_to_end(key)
        while self._bytes > self._capacity:
            self._bytes -= _size(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        """Gives the memory back."""
        self._kept.clear()
        self._bytes = 0


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in memory of its own: a row of a batch would keep the whole batch."""
    return tensor.clone() if tensor.untyped_storage().nbytes() > tensor.nbytes else tensor


def _size(value: Tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in value)
