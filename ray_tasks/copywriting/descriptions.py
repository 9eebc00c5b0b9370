"""Short noun phrases out of an English product description, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from schemas.instruction import SELLING_POINT_MAX_CHARS

MIN_CHARS = 8
_MIN_WORDS = 2
_MAX_WORDS = 7

_PUFFERY = (
    "ultimate|maximum|amazing|unique|latest|exceptional|excellent|perfect|best|superior|unmatched|unparalleled|"
    "premium|high-quality|versatile|attractive|combines|various|enthusiasts|stylings|stylish|effortless|"
    "innovative|hits the spot|and taste|optimal|responsiveness|gorgeous|beautiful|delicious|incredible|"
    "outstanding|extraordinary|reliable|super|guaranteed|healthy|added|enhanced|improved"
)
"""Words that praise without saying anything that could be checked."""

_TRIGGER = re.compile(
    r"\b(?:with|features?|featuring|offers?|has|includes?|including|boasts?|made (?:of|from|with)|"
    r"crafted (?:from|with)|constructed (?:of|with))\s+(?:(?:like|such as)\s+)?",
    re.IGNORECASE,
)
_MANNER = re.compile(r"\b(?!combined|fitted)\w+(?:ed|en)\s+$|\b(?:pairs|areas)\s+$", re.IGNORECASE)
"""'Scented with oil' names no part of the product but how it was made, 'areas with shade' none of it at all."""
_SPLIT = re.compile(r",\s*(?:and\s+|as well as\s+)?|;\s*|:\s*|\s+—\s+|\s+–\s+")
_AND = re.compile(
    r"\s+and\s+(?=(?:a|an|the|its|multiple|adjustable|removable|detachable|padded)\s)", re.IGNORECASE
)
_TAIL = re.compile(
    r"\s+(?:and available|that|which|who|whose|making|ensuring|keeping|providing|allowing|giving|so|to|while|when|"
    r"where|because|if|until|is|are|was|were|will|can|may|make|makes|ensure|ensures|provide|provides|keep|keeps|"
    r"allow|allows|offer|offers|feature|features|give|gives|add|adds|help|helps|perfect|ideal|great|designed|"
    rf"for (?:{_PUFFERY})|"
    r"for your|for you|for (?:all|any|every|those|an?|the)|in your|on your|even|but|as|than)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_LEAD = re.compile(
    r"^(?:(?:and|or|with|a|an|the|its|their|our|this|these|both|just|also|some)\s+)+", re.IGNORECASE
)
_PERSONAL = re.compile(
    r"\b(?:you|your|yours|yourself|we|our|us|i|my|me|it|they|them|he|she|his|her|him|this|these|those|someone|here)\b|'"
    r"|n't\b",
    re.IGNORECASE,
)
_LOOSE_END = re.compile(
    r"\s+(?:and|or|of|with|for|in|on|to|from|the|a|an|by|at|its|their|your|over|under|into|below|above|up|available|"
    r"easy|one|two|other|more)$",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    rf"\b(?:{_PUFFERY}|almost any|style and functionality|style of|one (?:turn|hand|go)|washed up|that spare|"
    r"of all levels|name in)\b",
    re.IGNORECASE,
)
_CLAUSE_START = re.compile(
    r"^(?:is|are|was|be|ensur\w+|provid\w+|keep\w*|mak(?:es|ing)|allow\w*|giv(?:es|ing)|add(?:s|ing)|offer\w*|"
    r"perfect|great|ideal|designed|available|stay|enjoy|take|get|look|conquer|whether|so|but|then|because|up|no matter|"
    r"hangs?|turns?|fits?|comes?|goes|runs?|carries|stacks?|dries|sits?|burns?|sinks?|foams?|pairs|holds?|"
    r"not|nothing|to|for|from|that|almost|upper in|happy|poured|wrapped|filled|thrown|cast|rolled|pointed|each)\b",
    re.IGNORECASE,
)


def _cleaned(chunk: str) -> str | None:
    text = _LEAD.sub("", _TAIL.sub("", chunk.strip(' .!?"“”'))).strip(" .,")
    while _LOOSE_END.search(text):
        text = _LOOSE_END.sub("", text).strip(" .,")
    words = text.split()
    if not (MIN_CHARS <= len(text) <= SELLING_POINT_MAX_CHARS and _MIN_WORDS <= len(words) <= _MAX_WORDS):
        return None
    if (
        _PERSONAL.search(text)
        or _CLAUSE_START.search(text)
        or _EMPTY.search(text)
        or not re.match(r"[A-Za-z0-9]", text)
    ):
        return None
    if re.search(r"[.!?()<>\[\]{}\"]", text):
        return None
    return text


_PURPOSE = re.compile(r"\bfor [a-z][^.,;:!?]{9,}+(?!\.\d)", re.IGNORECASE)
_PURPOSE_CUT = re.compile(
    r"\s+(?:with|without|and (?:a|an|the|its)|that|which|or for|while|when)\b.*$", re.IGNORECASE
)


def whole_statements(description: str) -> list[str]:
    """Short sentences that stand alone, and purposes ("for cutting and grinding"), each a piece of the description."""
    found: dict[str, None] = {}
    for sentence in re.split(r"(?<=[.!?])\s+", description):
        text = sentence.strip(" .")
        fits = MIN_CHARS <= len(text) <= SELLING_POINT_MAX_CHARS and len(text.split()) >= 3
        opens_well = not (
            _CLAUSE_START.search(text) or re.match(r"(?:a|the|our|in|with|made|almost)\b", text, re.I)
        )
        if (
            fits
            and opens_well
            and not (_PERSONAL.search(text) or _EMPTY.search(text) or re.search(r"[?!;:()]", text))
        ):
            found.setdefault(text)
        for match in _PURPOSE.finditer(sentence):
            purpose = _PURPOSE_CUT.sub("", match.group()).strip()
            while _LOOSE_END.search(purpose):
                purpose = _LOOSE_END.sub("", purpose)
            bare = purpose[4:]
            if (
                14 <= len(purpose) <= SELLING_POINT_MAX_CHARS
                and not _PERSONAL.search(purpose)
                and not _EMPTY.search(purpose)
                and not re.match(
                    r"(?:those|all|any|every|years|about|up|easy|added|a|an|the)\b", bare, re.IGNORECASE
                )
            ):
                found.setdefault(purpose)
    return list(found)


def says_the_names(phrase: str, names: Iterable[str]) -> bool:
    """Whether a phrase says little but the names: three of their words, or more of theirs than of its own."""
    known = {word for name in names for word in name.lower().split()}
    words = [word for word in phrase.lower().split() if word not in {"and", "of", "with", "in", "for"}]
    shared = sum(word in known for word in words)
    return shared >= 3 or 2 * shared > len(words)


def noun_phrases(description: str, names: Sequence[str] = (), at_most: int = 8) -> list[str]:
    """Phrases that name a part or property ('padded laptop sleeve'), each a literal piece of the description.

    They follow a word such as "with" or "features"; a list after it gives one phrase for each member. What does not
    stand alone (clauses, pronouns, loose ends) is dropped: silence is better than half a sentence. So is a phrase
    that holds one of `names` (brand, title) or ends in a word of theirs: it only says the product's name again.
    """
    found: dict[str, None] = {}
    words = {word for name in names for word in name.lower().split()}
    for sentence in re.split(r"(?<=[.!?])\s+", description):
        for match in _TRIGGER.finditer(sentence):
            if _MANNER.search(sentence[: match.start()]):
                continue
            rest = _TRIGGER.split(sentence[match.end() :])[0]
            for number, chunk in enumerate(
                part for piece in _SPLIT.split(rest) for part in _AND.split(piece)
            ):
                phrase = _cleaned(chunk)
                if phrase is None:
                    # A list that breaks off turns into a clause: what follows is no longer governed by "with".
                    if number:
                        break
                    continue
                named = any(name.lower() in phrase.lower() for name in names if name)
                last = phrase.lower().split()[-1]
                if last in words:
                    continue  # "blackspotted lure" of a "Red Fishing Lure": the thing again
                if not (named or says_the_names(phrase, names) or re.fullmatch(r"\w+ colou?r", phrase)):
                    found.setdefault(phrase)
    return list(found)[:at_most]
