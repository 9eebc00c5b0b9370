"""Members and their events over 90 days, drawn from the planted preferences; the preferences themselves are truth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from infra.sample_shop.catalog import MERCHANTS, Product, price_band, products, segments, write_csv

SEED = 20261120
WINDOW_DAYS = 90
WINDOW_END = datetime(2026, 11, 21, tzinfo=UTC)
VISITS_PER_USER = 18.0
CART_SHARE, ORDER_SHARE = 0.30, 0.45
_FIRST = ("Testa", "Fakir", "Mocka", "Dummo", "Samplina", "Placido", "Nonna", "Ficta", "Proba", "Exempla")
_LAST = (
    "Nobody",
    "Canary",
    "Placeholder",
    "Inventor",
    "Unreal",
    "Madeup",
    "Synthetic",
    "Fictional",
    "Pretend",
)
SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("merchant_id", pa.string()),
        ("sku", pa.string()),
        ("event", pa.string()),
        ("ts", pa.timestamp("us", tz="UTC")),
    ]
)


def sellable() -> list[Product]:
    """Products users can meet: all but the dirty rows."""
    return [p for m in MERCHANTS for p in products(m) if not p.dirty]


def _traits(product: Product) -> set[str]:
    return {
        *(f"tag:{tag}" for tag in product.tags),
        f"brand:{product.brand}",
        f"category:{product.category.partition(' > ')[0]}",
        f"price:{price_band(product.price)}",
    }


def choice_probabilities() -> npt.NDArray[np.float64]:
    """P(product | segment), (segments, products): a softmax of popularity plus the weights of shared traits."""
    rng = np.random.default_rng(SEED)
    shop = sellable()
    popularity = rng.normal(0.0, 0.35, len(shop))
    rows = []
    for declared in segments().values():
        likes = declared["likes"]
        score = popularity + np.array(
            [sum(w for trait, w in likes.items() if trait in _traits(p)) for p in shop]
        )
        rows.append(np.exp(score) / np.exp(score).sum())
    return np.array(rows)


def preferences() -> dict[str, dict[str, float]]:
    """Merchant/sku -> segment -> P(segment | product chosen), were all segments of one size."""
    p = choice_probabilities()
    share = p / p.sum(axis=0, keepdims=True)
    names = list(segments())
    return {
        f"{product.merchant_id}/{product.sku}": {s: round(float(share[i, j]), 6) for i, s in enumerate(names)}
        for j, product in enumerate(sellable())
    }


def members() -> list[tuple[str, str, str, str]]:
    """(user_id, name, email, segment_id) per user; names and addresses are invented canaries at example.com."""
    out: list[tuple[str, str, str, str]] = []
    for segment_id, declared in segments().items():
        for _ in range(declared["size"]):
            n = len(out)
            first, last = _FIRST[n % len(_FIRST)], _LAST[n // len(_FIRST) % len(_LAST)]
            email = f"{first}.{last}.{n:04d}@example.com".lower()
            out.append((f"u{(n * 7919 + 1013) % 100003:06d}", f"{first} {last}-{n:04d}", email, segment_id))
    order = np.random.default_rng(SEED + 1).permutation(len(out))
    return [out[int(i)] for i in order]


def event_table() -> pa.Table:
    """One row is one view, cart or order of one user, ordered by time; every user has at least one view."""
    rng = np.random.default_rng(SEED + 2)
    people = members()
    shop = sellable()
    names = list(segments())
    chances = choice_probabilities()
    visits = np.maximum(rng.poisson(VISITS_PER_USER, len(people)), 1)
    user = np.repeat(np.arange(len(people)), visits)
    segment = np.array([names.index(person[3]) for person in people])[user]
    draw = rng.random(len(user))
    product = np.zeros(len(user), np.int64)
    for s in range(len(names)):
        here = segment == s
        product[here] = np.searchsorted(np.cumsum(chances[s]), draw[here]).clip(0, len(shop) - 1)
    window_us = WINDOW_DAYS * 86_400_000_000
    start_us = int(WINDOW_END.timestamp()) * 1_000_000 - window_us
    ts = start_us + (rng.random(len(user)) * (window_us - 7_200_000_000)).astype(np.int64)
    cart = rng.random(len(user)) < CART_SHARE
    order = cart & (rng.random(len(user)) < ORDER_SHARE)
    picks = np.concatenate([np.arange(len(user)), np.flatnonzero(cart), np.flatnonzero(order)])
    kind = np.concatenate([np.full(len(user), 0), np.full(cart.sum(), 1), np.full(order.sum(), 2)])
    when = ts[picks] + kind * 180_000_000
    index = np.lexsort((kind, picks, when))
    picks, kind, when = picks[index], kind[index], when[index]
    columns: list[Any] = [
        pa.array([person[0] for person in people]).take(pa.array(user[picks])),
        pa.array([p.merchant_id for p in shop]).take(pa.array(product[picks])),
        pa.array([p.sku for p in shop]).take(pa.array(product[picks])),
        pa.array(["view", "cart", "order"]).take(pa.array(kind)),
        pa.array(when, pa.timestamp("us", tz="UTC")),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def write_users(out: Path) -> None:
    """Write segments.csv, members.csv and events.parquet below `out`."""
    rows = [
        (s, d["name"], d["description"], d["need"], "|".join(d["interests"]), "|".join(d["contexts"]))
        for s, d in segments().items()
    ]
    write_csv(
        out / "segments.csv", ("segment_id", "name", "description", "need", "interests", "contexts"), rows
    )
    write_csv(out / "members.csv", ("user_id", "name", "email", "segment_id"), members())
    pq.write_table(event_table(), out / "events.parquet", compression="zstd")
