"""One taxonomy for all shops: the node of a category path, by its words in English, German and French."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

OTHER = "Other"
_SUFFIX_MIN_CHARS = 5
_MAX_WORDS = 4
_WORD = re.compile(r"[^\W_]+")
# The narrowest level says most; the levels above tell readings of it apart.
_LEVEL_WEIGHTS = (3.0, 2.0, 1.5, 1.2)


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    words = _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
    return [_singular(word) for word in words]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


@cache
def _index() -> dict[str, tuple[str, ...]]:
    """Words -> the nodes that they name, in the order of the file."""
    with (Path(__file__).parent / "taxonomy.toml").open("rb") as file:
        declared: dict[str, dict[str, str]] = tomllib.load(file)
    index: dict[str, list[str]] = {}
    for top, children in declared.items():
        for child, words in children.items():
            node = f"{top} > {child}" if child else top
            for word in words.split(","):
                index.setdefault(" ".join(_tokens(word)), []).append(node)
    return {word: tuple(dict.fromkeys(nodes)) for word, nodes in index.items()}


@cache
def nodes() -> tuple[str, ...]:
    """Every node, parents before children, then Other."""
    found = dict.fromkeys(node for named in _index().values() for node in named)
    tops = dict.fromkeys(node.split(" > ")[0] for node in found)
    return (*sorted({*found, *tops}), OTHER)


def _hits(level: str) -> dict[str, float]:
    """Node -> how well the words of one level name it: longer phrases more, the last word more than those before."""
    words, index = _tokens(level), _index()
    found: dict[str, float] = {}
    for start in range(len(words)):
        for size in range(1, min(_MAX_WORDS, len(words) - start) + 1):
            end = start + size
            phrase = " ".join(words[start:end])
            named, score = index.get(phrase, ()), 1.0 + 0.6 * (size - 1)
            if not named and size == 1:
                named, score = _compound(phrase), 0.8
            for node in named:
                # English, German and French compounds end (French: begin) with what the thing is.
                found[node] = max(found.get(node, 0.0), score + (0.3 if end == len(words) else 0.0))
    return found


def _compound(word: str) -> tuple[str, ...]:
    for start in range(1, len(word) - _SUFFIX_MIN_CHARS + 1):
        if named := _index().get(word[start:]):
            return named
    return ()


@lru_cache(maxsize=4096)
def taxonomy_node(category: str | None) -> str:
    """The node that a category path (levels joined by ' > ') names best; `Other` when no word is known."""
    scores: dict[str, float] = {}
    levels = list(reversed((category or "").split(" > ")))
    for level, weight in zip(levels, _LEVEL_WEIGHTS, strict=False):
        for node, score in _hits(level).items():
            scores[node] = scores.get(node, 0.0) + weight * score
    if not scores:
        return OTHER
    order = {node: i for i, node in enumerate(nodes())}

    def total(node: str) -> tuple[float, bool, int]:
        # Its parent's words speak for a node too; of equals the narrower says more.
        top = node.split(" > ")[0]
        inherited = 0.9 * scores.get(top, 0.0) if top != node else 0.0
        return scores[node] + inherited, top != node, -order[node]

    return max(scores, key=total)
