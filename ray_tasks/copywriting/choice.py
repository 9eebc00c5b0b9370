"""Choices that look varied and are the same every night: they follow from content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(*content: str) -> int:
    """A uniform 64-bit number out of the content."""
    return int.from_bytes(hashlib.sha256("\x1f".join(content).encode()).digest()[:8])


def pick(options: Sequence[T], *content: str) -> T:
    """One of the options, each as likely as the others."""
    return options[draw(*content) % len(options)]


def pick_leading(options: Sequence[T], *content: str) -> T:
    """One of the options, the first about half of the time, each next one half as often as the one before."""
    number = draw(*content)
    for option in options[:-1]:
        if number & 1:
            return option
        number >>= 1
    return options[-1]


def shuffled(options: Sequence[T], *content: str) -> list[T]:
    """All options in an order that follows from the content."""
    order = sorted(range(len(options)), key=lambda i: draw(*content, str(i)))
    return [options[i] for i in order]
