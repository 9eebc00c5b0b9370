"""Whether a card's memory ended."""

from __future__ import annotations

import torch

_SAID = ("out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED")
"""CUDA itself, cuBLAS and cuDNN have no class of error for it."""


def ran_out(error: Exception) -> bool:
    """Whether the error says so, whichever library it comes from: with less at once the same work may fit."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)
