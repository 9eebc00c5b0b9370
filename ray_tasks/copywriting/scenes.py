"""Which place each persona of a product is shown in, and how that place is lit and dressed."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ray_tasks.copywriting.choice import draw, pick, pick_leading, shuffled
from ray_tasks.copywriting.feasts import feasts_near
from ray_tasks.copywriting.kinds import Kind
from ray_tasks.copywriting.settings_guide import GUIDES
from ray_tasks.models.text_embedder import TextEmbedder, Vectors
from schemas.instruction import LAYOUTS, SETTINGS

CONTEXT_WEIGHT = 0.6
DESCRIPTION_WEIGHT = 0.4
PRODUCT_WEIGHT = 0.35
NEUTRAL_HANDICAP = 0.06
"""What the best-fitting context, the description with the need, and the product weigh; all are cosines. A neutral
setting has to beat a place that tells a story by this much. Fixed by judgement on the sample shop."""
_REPEAT_COST = 2.0

_TALL, _WIDE = 0.8, 1.25
_HEX = re.compile(r"#[0-9a-f]{6}$")


_SEASON_CUES = {
    "winter": re.compile(
        r"\b(ski|skis|snow\w*|winter|frost\w*|arctic|crampons?|ice axe|beanie)\b", re.IGNORECASE
    ),
    "summer": re.compile(r"\b(summer|beach|swim\w*|sunscreen|sandals?|parasol)\b", re.IGNORECASE),
}
_NOT_IN_SEASON = {
    "winter": frozenset({"beach_sand", "garden_lawn", "picnic_blanket", "deck_terrace", "gym_floor"}),
    "summer": frozenset({"winter_snow"}),
}
_NOT_NAMED = 10.0
"""Cost of a feast for a segment that does not name it: it is never shown, not even where places must be repeated."""


def season_of(product: Mapping[str, Any]) -> str | None:
    """The season that a product belongs to by its own words; None for most."""
    text = f"{product['title']} {product['category']}".replace("/", " ")
    return next((season for season, cue in _SEASON_CUES.items() if cue.search(text)), None)


def allowed_settings(kind: Kind, season: str | None, day: dt.date) -> frozenset[str]:
    """The settings that the kind of product allows and its season does not forbid, and the feasts near that day."""
    return (kind.allowed | feasts_near(day)) - _NOT_IN_SEASON.get(season or "", frozenset())


_LENGTHS = frozenset({"height", "length", "width", "depth", "diameter"})
_CM = {"mm": 0.1, "cm": 1.0, "m": 100.0, "in": 2.54}
_SIZE_RANGE_CM = (1, 400)


_ROLLED = re.compile(r"\b(mats?|rugs?|hoses?|ropes?|cables?|cords?|tapes?|rolls?|chains?)\b", re.IGNORECASE)
"""What is pictured rolled up or coiled: nobody sees how long it is."""


def size_cm(product: Mapping[str, Any], kind: Kind) -> int:
    """The product's longest side in cm, 1 to 400: its facts' lengths, else its capacity, else what is usual."""
    facts = [fact for fact in product["facts"] or [] if fact["number"]]
    if _ROLLED.search(product["title"]):
        facts = [fact for fact in facts if fact["name"] != "length"]
    sides = [
        fact["number"] * _CM[fact["unit"]]
        for fact in facts
        if fact["name"] in _LENGTHS and fact["unit"] in _CM
    ]
    # A vessel of a litre is about 22 cm high; others go with the cube root.
    vessels = [
        2.2 * fact["number"] ** (1 / 3)
        for fact in facts
        if fact["name"] in ("capacity", "volume") and fact["unit"] == "ml"
    ]
    longest = max(sides or vessels or [kind.size_cm])
    return round(min(_SIZE_RANGE_CM[1], max(_SIZE_RANGE_CM[0], longest)))


class SettingMatcher:
    """How well each setting suits a segment and a product, by embeddings; order of columns is SETTINGS."""

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self._settings: Vectors = embedder.embed([GUIDES[name].description for name in SETTINGS])
        self._handicap = np.array([NEUTRAL_HANDICAP if GUIDES[name].neutral else 0.0 for name in SETTINGS])
        self._by_segment: dict[str, NDArray[np.float64]] = {}

    def for_segment(self, segment: Mapping[str, Any]) -> NDArray[np.float64]:
        """(settings,): the best-fitting context and the description with the need, each compared with a setting."""
        known = self._by_segment.get(segment["segment_id"])
        if known is not None:
            return known
        said = f"{segment['name']}. {segment['description']} {segment.get('need') or ''}"
        contexts = list(segment.get("contexts") or []) or [said]
        vectors = self._embedder.embed([said, *contexts])
        similarity = (vectors @ self._settings.T).astype(np.float64)
        # Half the best context, half their mean: one strong hint leads, the others break near-ties.
        context = (similarity[1:].max(axis=0) + similarity[1:].mean(axis=0)) / 2
        fit = CONTEXT_WEIGHT * context + DESCRIPTION_WEIGHT * similarity[0] - self._handicap
        words = " ".join([said, *contexts])
        unnamed = [
            bool(guide.occasion) and not re.search(guide.occasion, words, re.IGNORECASE)
            for guide in (GUIDES[name] for name in SETTINGS)
        ]
        fit -= _NOT_NAMED * np.array(unnamed)
        self._by_segment[segment["segment_id"]] = fit
        return fit

    def for_product(self, text: str) -> NDArray[np.float64]:
        """(settings,): how near the product's own words are to each setting."""
        return (self._embedder.embed([text])[0] @ self._settings.T).astype(np.float64)


def assign_settings(fit: NDArray[np.float64], settings: frozenset[str]) -> list[str]:
    """One setting for each persona (rows of `fit`, in rank order): all different while there are as many.

    `fit` is (personas, settings). Maximises the sum of fits (Kuhn 1955; scipy's linear_sum_assignment); the first
    persona's fit counts a little more. Only the given settings are used; when there are more personas, each is used
    again at a cost.
    """
    allowed = [i for i, name in enumerate(SETTINGS) if name in settings]
    rounds = 1 + math.ceil(len(fit) / len(allowed))
    weight = 1 + 0.2 / np.arange(1, len(fit) + 1)[:, None]
    value = np.concatenate([fit[:, allowed] * weight - _REPEAT_COST * n for n in range(rounds)], axis=1)
    rows, columns = linear_sum_assignment(-value)
    chosen = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return [SETTINGS[allowed[chosen[row] % len(allowed)]] for row in range(len(fit))]


def dress(
    setting: str,
    kind: Kind,
    product_colours: Sequence[str],
    seed: Sequence[str],
    taken: set[str],
    season: str | None = None,
    size: int | None = None,
) -> dict[str, Any]:
    """The scene record: light, season, mood, palette and props that go with the setting and the product.

    `size` is the product's longest side in cm: what stands around it is drawn to that scale.

    `taken` holds "setting/light" of the product's other personas, so that a repeated setting gets another light.
    """
    guide = GUIDES[setting]
    free = [light for light in guide.lights if f"{setting}/{light}" not in taken] or list(guide.lights)
    light = pick_leading(free, *seed, "light")
    taken.add(f"{setting}/{light}")
    return {
        "setting": setting,
        "light": light,
        "season": season or pick_leading(guide.seasons, *seed, "season"),
        "mood": pick_leading(guide.moods, *seed, "mood"),
        "palette": palette(product_colours, guide.accents, seed),
        "props": props(guide.props, kind, seed),
        "size_cm": size,
    }


def props(options: Sequence[str], kind: Kind, seed: Sequence[str]) -> list[str]:
    """No, one or two props that suit both the setting and the kind of product."""
    tolerated = set(kind.props.split())
    fitting = [prop for prop in options if prop in tolerated]
    bare_share = 3 if "none" in options else 6
    if not fitting or draw(*seed, "bare") % bare_share == 0:
        return []
    first = pick_leading(fitting, *seed, "prop")
    others = [prop for prop in fitting if prop != first]
    if others and draw(*seed, "two props") % 4 == 0:
        return [first, pick(others, *seed, "second prop")]
    return [first]


def palette(product_colours: Sequence[str], accents: Sequence[str], seed: Sequence[str]) -> list[str]:
    """Two to four colours: the product's strongest one or two, then accents of the setting."""
    own = [colour.lower() for colour in product_colours if _HEX.match(colour.lower())]
    count = 1 + draw(*seed, "own colours") % 2
    colours = [*own[:count], *shuffled(accents, *seed, "accents")[:2]]
    return list(dict.fromkeys(colours))[:5]


def layout(aspect: float | None, seed: Sequence[str], taken: set[str], *, framed: bool = False) -> str:
    """Where the text stands: beside a tall product, above or below a wide one; different from the other personas'.

    `aspect` is the cut-out's width over its height; None when unknown. A framed photograph suits every layout.
    """
    if aspect is not None and aspect < _TALL:
        order = [
            *shuffled(["headline_left", "headline_right"], *seed, "side"),
            "headline_top",
            "headline_bottom",
        ]
    elif aspect is not None and aspect > _WIDE:
        order = [
            *shuffled(["headline_top", "headline_bottom"], *seed, "side"),
            "headline_left",
            "headline_right",
        ]
    else:
        order = shuffled(LAYOUTS, *seed, "side")
    preferred = order if framed or aspect is None or _TALL <= aspect <= _WIDE else order[:2]
    chosen = next(
        (name for name in preferred if name not in taken), pick(preferred, *seed, "repeated layout")
    )
    taken.add(chosen)
    return chosen
