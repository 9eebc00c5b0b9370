"""Which planned units are tonight's work, which of them are due now, and in which shard."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

_SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")
TONIGHT = frozenset({"exists", "to_do", "standby", "failed"})
"""Statuses of the planned units that tonight is about: not what is deferred or retired."""


def due_units(units: Sequence[dict[str, Any]], made: set[str], rejected: set[str]) -> list[dict[str, Any]]:
    """The units to make now: not made yet, and every lower variant of their slot rejected."""
    slots: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for unit in units:
        slots[tuple(unit[name] for name in _SLOT)].append(unit)
    due = []
    for variants in slots.values():
        for unit in sorted(variants, key=lambda unit: unit["variant"]):
            if unit["asset_id"] not in made:
                due.append(unit)
                break
            if unit["asset_id"] not in rejected:
                break
    return due


def in_shard(merchant_id: str, sku: str, shard: tuple[int, int]) -> bool:
    """Whether a product belongs to a shard (index, count); all its pictures do."""
    digest = hashlib.sha256(f"{merchant_id}/{sku}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard[1] == shard[0]
