"""What the affinity table says, as matrices: value x segment log-lifts, ready for blocks of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Matrix = NDArray[np.float32]
Attribute = tuple[str, str]
"""(dimension, value)."""

PRIOR_STRENGTH = 20.0
"""Engagements that a lift of 1 is worth in the table (as jobs.segments.affinity): gives back what was expected."""

BANDS = range(-12, 25)
"""Price bands p-12 to p24: from a hundredth of a cent to ten million."""
_BAND_WIDTH = 0.7
"""Bandwidth, in bands, of the kernel that smooths log-lifts over prices: half the weight at 0.8 bands, a price 1.8
times as high."""


@dataclass(frozen=True)
class Support:
    """What one cell of the table rests on."""

    lift: float
    weight: float
    events: int | None
    users: int | None
    window_days: int
    """0 when interests are declared."""


class AffinityIndex:
    """The affinity table of `segment_ids` as matrices; row `len(values)` is a row of zeros, for what is unknown."""

    def __init__(self, rows: pa.Table, segment_ids: Sequence[str]) -> None:
        at = pc.index_in(rows["segment_id"], value_set=pa.array(segment_ids, pa.string()))
        rows = rows.filter(pc.is_valid(at))
        column = pc.drop_null(at).to_numpy(zero_copy_only=False)
        keys = pc.binary_join_element_wise(rows["dimension"], rows["value"], "\0").combine_chunks()
        encoded = keys.dictionary_encode()
        names = [tuple(key.split("\0", 1)) for key in encoded.dictionary.to_pylist()]
        self.values: dict[Attribute, int] = {(name[0], name[1]): i for i, name in enumerate(names)}
        row = encoded.indices.to_numpy(zero_copy_only=False)
        shape = (len(names) + 1, len(segment_ids))
        lift = rows["lift"].to_numpy()
        weight = rows["support"].to_numpy()
        self.log_lift: Matrix = np.zeros(shape, np.float32)
        self.log_lift[row, column] = np.log(lift)
        self.value_support = np.bincount(row, weight, minlength=shape[0]).astype(np.float32)
        cell = row.astype(np.int64) * shape[1] + column
        order = np.argsort(cell, kind="stable")
        self._cells = cell[order]
        self._columns = {
            name: rows[name].combine_chunks().take(pa.array(order))
            for name in ("lift", "support", "events", "users", "window_days")
        }
        observed = csr_matrix((weight, (row, column)), shape=shape)
        expected = csr_matrix(
            (np.maximum((weight + PRIOR_STRENGTH) / lift - PRIOR_STRENGTH, 0), (row, column)), shape=shape
        )
        self._shrink_to_parents(observed, expected)
        self.of_band = self._smoothed_bands()

    def _shrink_to_parents(self, observed: csr_matrix, expected: csr_matrix) -> None:
        """Categories: a Gamma prior around the parent's lift instead of around 1, from the widest level down.

        A leaf of which little is known is like its parent, and one of which much is known is itself.
        """
        paths = sorted((value for dimension, value in self.values if dimension == "category"), key=_depth)
        for value in paths:
            parent = self.values.get(("category", value.rpartition(" > ")[0]))
            if parent is not None:
                at = self.values["category", value]
                prior = np.exp(self.log_lift[parent].astype(np.float64))
                seen, usual = observed[[at]].toarray()[0], expected[[at]].toarray()[0]
                self.log_lift[at] = np.log((seen + PRIOR_STRENGTH) / (usual + PRIOR_STRENGTH / prior))

    def _smoothed_bands(self) -> Matrix:
        """(bands, segments): log-lifts of price bands, smoothed by a Gaussian over bands weighted by support.

        A band that nobody bought from leans on its neighbours; one far from all of them is 0.
        """
        known = [
            (int(value[1:]), at)
            for (dimension, value), at in self.values.items()
            if dimension == "price_band"
        ]
        out = np.zeros((len(BANDS), self.log_lift.shape[1]), np.float32)
        if known:
            places, at = np.array(known).T
            distance = np.array(BANDS)[:, None] - places
            weight = np.exp(-(distance**2) / (2 * _BAND_WIDTH**2)) * self.value_support[at]
            out[:] = weight @ self.log_lift[at] / (weight.sum(axis=1, keepdims=True) + 1)
        return out

    def find(self, dimension: str, values: Sequence[str]) -> NDArray[np.int64]:
        """The row of each (lower-case) value; len(self.values), the row of zeros, for one that is unknown."""
        nowhere = len(self.values)
        return np.array([self.values.get((dimension, value), nowhere) for value in values], np.int64)

    def support(self, at: int, segment: int) -> Support | None:
        """What value `at` rests on for a segment; None where the table has no row."""
        cell = at * self.log_lift.shape[1] + segment
        place = int(np.searchsorted(self._cells, cell))
        if place == len(self._cells) or self._cells[place] != cell:
            return None
        return Support(*(column[place].as_py() for column in self._columns.values()))


def _depth(path: str) -> tuple[int, str]:
    return path.count(" > "), path
