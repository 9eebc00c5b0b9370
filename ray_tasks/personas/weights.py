"""The fitted weights that add a score's parts up, and the score's four named sums."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from ray_tasks.personas.affinity import Matrix
from ray_tasks.personas.parts import Parts

PATH = Path(__file__).with_name("weights.toml")
FEATURES = (
    "category",
    "tag",
    "brand",
    "price",
    "season",
    "said_known",
    "said_new",
    "bought_known",
    "bought_new",
)
"""`_known` and `_new`: for products whose own category behaviour has seen, and for the others."""
_SUMS = {
    "affinity": ("category", "tag", "brand"),
    "text": ("said_known", "said_new", "bought_known", "bought_new"),
    "price": ("price",),
    "season": ("season",),
}


@dataclass(frozen=True)
class Weights:
    """Weight by feature, the least score of a persona, and how much likeness to a chosen segment costs."""

    by_feature: dict[str, float]
    own_past_users: float
    """Users of its own that a product must have before its own past counts as much as all that is like it."""
    least_score: float
    diversity: float

    @classmethod
    def load(cls, path: Path = PATH) -> Weights:
        """The weights of a file that `python -m ray_tasks.personas.fit` wrote."""
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        weights = content["weights"]
        if set(weights) != set(FEATURES):
            raise ValueError(f"{path}: [weights] must hold exactly {', '.join(FEATURES)}: fit them anew")
        return cls(weights, content["own_past_users"], content["least_score"], content["diversity"])

    @cached_property
    def revision(self) -> str:
        """8 hex digits over everything that the weights say."""
        said = repr((sorted(self.by_feature.items()), self.own_past_users, self.least_score, self.diversity))
        return sha256(said.encode()).hexdigest()[:8]

    def sums(self, parts: Parts) -> dict[str, Matrix]:
        """affinity, text, price and season, each (products, segments); the score is their sum.

        Affinity holds what the product's own past changes: see `with_own_past`.
        """
        sums = self.before_own_past(parts)
        score = np.sum(list(sums.values()), axis=0)
        changed = with_own_past(score, parts, self.own_past_users) - score
        return sums | {"affinity": sums["affinity"] + changed}

    def before_own_past(self, parts: Parts) -> dict[str, Matrix]:
        """The four sums from what is known of products like these."""
        values = features(parts)
        return {
            name: np.sum([self.by_feature[one] * values[one] for one in own], axis=0)
            for name, own in _SUMS.items()
        }


def with_own_past(score: Matrix, parts: Parts, prior_users: float) -> Matrix:
    """(products, segments): the score after what users did with the very product.

    Posterior mean of a lift whose prior is Gamma with mean exp(score) and the strength of `prior_users` expected users
    (DuMouchel 1999, eq. 6, as in the affinity table, but around what is known of products like it and not around 1).
    Unchanged where nothing is known.
    """
    users, expected = parts.own.users, parts.own.expected
    posterior = np.log((users + prior_users) / (expected + prior_users * np.exp(-score)))
    return np.where(expected > 0, posterior, score).astype(np.float32)


def features(parts: Parts) -> dict[str, Matrix]:
    """What each weight multiplies, (products, segments)."""
    known = parts.known[:, None].astype(np.float32)
    return {
        "category": parts.category,
        "tag": parts.tag,
        "brand": parts.brand,
        "price": parts.price,
        "season": parts.season,
        "said_known": parts.said * known,
        "said_new": parts.said * (1 - known),
        "bought_known": parts.bought * known,
        "bought_new": parts.bought * (1 - known),
    }
