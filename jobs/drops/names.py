"""File names that are safe on every system, made from what strangers call their products."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

MAX_CHARS = 60
# Names that Windows keeps for devices, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(text: str) -> str:
    """ASCII letters, digits, `.`, `_` and `-`, at most 60 characters, never a path, an option or a device.

    A text that is not such a name already gets a hash of itself, so that two texts do not share one name.
    """
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")
    if cleaned == text and len(text) <= MAX_CHARS and text and not _DEVICES.fullmatch(text):
        return text
    return _with_hash(cleaned, text)


def safe_names(texts: Iterable[str]) -> dict[str, str]:
    """Text -> its safe name; names differ even where a file system takes upper and lower case for the same."""
    names = {text: safe_name(text) for text in sorted(set(texts))}
    taken = Counter(name.casefold() for name in names.values())
    return {
        text: name if taken[name.casefold()] == 1 else _with_hash(name, text) for text, name in names.items()
    }


def _with_hash(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    head = name[: MAX_CHARS - len(digest) - 1].strip("._-")
    return f"{head}-{digest}" if head else f"item-{digest}"
