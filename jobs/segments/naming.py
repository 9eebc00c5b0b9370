"""What a cluster is called: its strongest lifts in words, and last night's name where it is the same cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt

LEAST_LIFT = 1.25
"""A value below this lift does not set a cluster apart."""
LEAST_TIME_LIFT = 1.2
MOST_OF = 0.6
"""Share of a value's strength that closer values must explain to be named in its place."""
SAME_CLUSTER = 0.6
"""Cosine of two clusters' log-lifts from which on tonight's is last night's."""


@dataclass(frozen=True)
class Lift:
    """One value's row of `segment_affinity`."""

    dimension: str
    value: str
    lift: float
    support: float

    @property
    def strength(self) -> float:
        """How much of the cluster's difference the value explains: its term of the Kullback-Leibler divergence."""
        return self.support * log(self.lift)


@dataclass(frozen=True)
class Label:
    """The words of a segment."""

    segment_id: str
    name: str
    description: str
    interests: tuple[str, ...]

    def of(self, segment_id: str) -> Label:
        """The same words for another id."""
        return replace(self, segment_id=segment_id)


def leading_values(lifts: Iterable[Lift], at_most: int = 4, least_lift: float = LEAST_LIFT) -> list[Lift]:
    """The values that set a cluster apart, strongest first, none said twice.

    'drinks' goes without saying where 'drinks > tea' and 'drinks > coffee' explain most of it, as 'bag' does for
    'lunch bag'; else the wider one stands for them.
    """
    tastes = [one for one in lifts if one.dimension in {"category", "tag"} and one.lift > least_lift]
    if any(one.dimension == "category" for one in tastes):
        tastes = [one for one in tastes if one.dimension == "category"]
    tastes.sort(key=lambda lift: (-lift.strength, lift.value))
    closer = {one.value: [other for other in tastes if _closer(other.value, one.value)] for one in tastes}
    chosen: list[Lift] = []
    for one in tastes:
        closest = [other.strength for other in closer[one.value] if not closer[other.value]]
        said = sum(closest) >= MOST_OF * one.strength > 0 if closest else False
        if not said and not any(_same_thing(one.value, other.value) for other in chosen):
            chosen.append(one)
    return chosen[:at_most]


def _closer(a: str, b: str) -> bool:
    """Whether `a` is a kind of `b`: a category below it, or a term with more words."""
    if " > " in a or " > " in b:
        return a.startswith(b + " > ")
    return set(a.split()) > set(b.split())


def _same_thing(a: str, b: str) -> bool:
    if " > " in a or " > " in b:
        return _closer(a, b) or _closer(b, a)
    return bool(set(a.split()) & set(b.split()))


def label(source_id: str, lifts: Sequence[Lift], taken: Iterable[str] = ()) -> Label:
    """A cluster's label from its lifts; `taken` are ids of the source that other clusters have."""
    leading = leading_values(lifts)
    if not leading:
        everything = "They buy a bit of everything, nothing clearly more often than others."
        return _unless_taken(Label(f"{source_id}_all_round", "All-round shoppers", everything, ()), taken)
    paths = [one.value.split(" > ") for one in leading[:3]]
    parents = {path[0] for path in paths if len(path) > 1}
    leaves = list(dict.fromkeys(path[-1] for path in paths))
    things = _listed(leaves)
    one_parent = len(parents) == 1 and all(len(path) > 1 for path in paths)
    name = f"{parents.pop().capitalize()}: {things}" if one_parent else things.capitalize()
    when = _times(lifts)
    description = f"People who buy {things} clearly more often than others"
    description += f", above all {_listed(when)}." if when else "."
    if when:
        name += f", {when[0]}"
    segment_id = f"{source_id}_" + "_".join(_slug(leaf) for leaf in leaves[:2])
    interests = tuple(one.value for one in leading)
    return _unless_taken(Label(segment_id, name, description, interests), taken)


def _times(lifts: Iterable[Lift]) -> list[str]:
    words = {"hour_band": {"night": "at night", "midday": "at midday"}, "season": {}}
    known = [one for one in lifts if one.dimension in words and one.lift >= LEAST_TIME_LIFT]
    ranked = sorted(known, key=lambda lift: (-lift.strength, lift.value))
    said: dict[str, str] = {}
    for one in ranked:
        preposition = "in the" if one.dimension == "hour_band" else "in"
        said.setdefault(one.dimension, words[one.dimension].get(one.value, f"{preposition} {one.value}"))
    return list(said.values())


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:24].strip("_") or "x"


def _unless_taken(one: Label, taken: Iterable[str]) -> Label:
    taken = set(taken)
    free, n = one.segment_id, 2
    while free in taken:
        free, n = f"{one.segment_id}_{n}", n + 1
    return one.of(free)


def still_fits(before: Label, lifts: Iterable[Lift]) -> bool:
    """Whether at least half of the interests that a label names still set the cluster apart."""
    high = {one.value for one in lifts if one.lift >= LEAST_LIFT}
    return 2 * len(high.intersection(before.interests)) >= len(before.interests)


def match_clusters(
    tonight: Mapping[str, Sequence[Lift]], before: Mapping[str, Sequence[Lift]]
) -> dict[str, str]:
    """Cluster -> id of last night's segment that it is, by the cosine of their log-lifts; the most alike first."""
    vectors = {key: _vector(lifts) for key, lifts in tonight.items()}
    earlier = {segment_id: _vector(lifts) for segment_id, lifts in before.items()}
    pairs = sorted(
        ((-_cosine(a, b), segment_id, key) for key, a in vectors.items() for segment_id, b in earlier.items())
    )
    same: dict[str, str] = {}
    for negative, segment_id, key in pairs:
        if -negative >= SAME_CLUSTER and key not in same and segment_id not in same.values():
            same[key] = segment_id
    return same


def _vector(lifts: Iterable[Lift]) -> dict[tuple[str, str], float]:
    return {
        (one.dimension, one.value): log(one.lift) for one in lifts if one.dimension in {"category", "tag"}
    }


def _cosine(a: Mapping[tuple[str, str], float], b: Mapping[tuple[str, str], float]) -> float:
    product = sum(value * b.get(key, 0.0) for key, value in a.items())
    return product / (sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values())) or 1.0)
