"""Reads the evaluation's cases, as jobs.evaluate_personas wrote them, and computes the parts of their scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ray_tasks.models.text_embedder import TextEmbedder
from ray_tasks.personas import texts
from ray_tasks.personas.metrics import LEAST_OBSERVED, Truth
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.parts import Parts, PartsModel


@dataclass(frozen=True)
class Case:
    """One fold of a shop: its judged products with their parts, and the truth."""

    shop: str
    products: pa.Table
    group: NDArray[np.str_]
    model: PartsModel
    parts: Parts
    popularity: NDArray[np.float64]
    """(segments,): engagement in the past."""
    segments: list[dict[str, Any]]
    """Rows of `segments`, as the model's columns are ordered."""
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]

    @cached_property
    def truth(self) -> Truth:
        """Who wanted the products after the cut."""
        return Truth.of(self.observed, self.expected)

    @property
    def keys(self) -> list[str]:
        """The products' SKUs, row by row."""
        return list(self.products["sku"].to_pylist())


def read_cases(folder: Path, kind: str, embedder: TextEmbedder, most: int | None = None) -> list[Case]:
    """The cases of one kind (fit or test). Of the test, products that nobody wanted more than others are left out.

    most: products of a case, spread over its table; all when left out. Raises FileNotFoundError when there is none.
    """
    found = sorted(folder.glob(f"*-{kind}"))
    if not found:
        raise FileNotFoundError(f"no cases under {folder}: run python -m jobs.evaluate_personas")
    return [_read(path, embedder, most, judged=kind == "test") for path in found]


def _read(folder: Path, embedder: TextEmbedder, most: int | None, *, judged: bool) -> Case:
    segments = pq.read_table(folder / "segments.parquet").sort_by("segment_id")
    products = pq.read_table(folder / "products.parquet")
    truth = pq.read_table(folder / "truth.parquet")
    column = {name: i for i, name in enumerate(segments["segment_id"].to_pylist())}
    row = {key: i for i, key in enumerate(_keys(products))}
    observed, expected = np.zeros((2, len(row), len(column)))
    group = np.full(len(row), "", dtype="<U8")
    at = (
        np.array([row[key] for key in _keys(truth)]),
        np.array([column[s] for s in truth["segment_id"].to_pylist()]),
    )
    observed[at] = truth["observed"].to_numpy()
    expected[at] = truth["expected"].to_numpy()
    group[at[0]] = truth["group"].to_pylist()
    keep = observed.sum(axis=1) >= LEAST_OBSERVED
    if judged:
        keep &= Truth.of(observed, expected).relevant.any(axis=1)
    if most is not None and keep.sum() > most:
        kept = np.flatnonzero(keep)
        keep[:] = False
        keep[kept[np.linspace(0, len(kept) - 1, most).round().astype(int)]] = True
    products, observed, expected, group = (
        products.filter(pa.array(keep)),
        observed[keep],
        expected[keep],
        group[keep],
    )
    affinity = pq.read_table(folder / "segment_affinity.parquet")
    products = with_own_past(products, affinity)
    model = PartsModel(segments, without_own_past(affinity), embedder)
    vectors = embedder.embed([texts.product_text(product) for product in products.to_pylist()])
    return Case(
        shop=folder.name.split("-")[0],
        products=products,
        group=group,
        model=model,
        parts=model.of(products, vectors),
        popularity=segments["engagement"].to_numpy(),
        segments=segments.to_pylist(),
        observed=observed,
        expected=expected,
    )


def _keys(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["merchant_id"].to_pylist(), table["sku"].to_pylist(), strict=True))
