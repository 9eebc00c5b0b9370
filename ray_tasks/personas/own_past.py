"""What behaviour says of single products: their own rows of `segment_affinity`, beside the products.

They travel with the products: what is known of a million products is no matrix that every actor would hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ray_tasks.personas.affinity import PRIOR_STRENGTH, Matrix, Support

COLUMN = "own_past"
_FIELDS = ("segment_id", "lift", "support", "events", "users", "window_days")


def with_own_past(products: pa.Table, segment_affinity: pa.Table) -> pa.Table:
    """`products` with a column `own_past`: the list of each product's rows of `segment_affinity`."""
    keys = pc.binary_join_element_wise(products["merchant_id"], products["sku"], "/")
    own = segment_affinity.filter(pc.equal(segment_affinity["dimension"], "product"))
    at = pc.index_in(own["value"], value_set=keys.combine_chunks())
    own, at = own.filter(pc.is_valid(at)), pc.drop_null(at).to_numpy(zero_copy_only=False)
    own = own.take(pa.array(np.argsort(at, kind="stable")))
    ends = np.cumsum(np.bincount(at, minlength=len(keys)))
    rows = pa.StructArray.from_arrays([own[name].combine_chunks() for name in _FIELDS], _FIELDS)
    lists = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], ends]), pa.int32()), rows)
    return products.append_column(COLUMN, lists)


def without_own_past(segment_affinity: pa.Table) -> pa.Table:
    """The rows of `segment_affinity` that are of no single product."""
    return segment_affinity.filter(pc.not_equal(segment_affinity["dimension"], "product"))


class OwnPast:
    """The own rows of a block of products, as matrices (products, segments).

    users: of the segment, who engaged with the product; expected: how many would have, were the segment average; 0 and
    0 where the table has no row, which says nothing. Users, not weighted events: ten views by one user are one opinion.
    What was expected in weighted events is scaled by the product's users per weighted event.
    """

    def __init__(self, column: pa.ChunkedArray, segment_ids: Sequence[str]) -> None:
        lists = column.combine_chunks()
        owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        self._rows = rows = pc.list_flatten(lists)
        segment = pc.index_in(rows.field("segment_id"), value_set=pa.array(segment_ids, pa.string()))
        known = pc.is_valid(segment).to_numpy(zero_copy_only=False)
        weight, lift = (rows.field(name).to_numpy(zero_copy_only=False) for name in ("support", "lift"))
        counted = pc.coalesce(rows.field("users").cast(pa.float64()), rows.field("support"))
        users = counted.to_numpy(zero_copy_only=False)
        usual = np.maximum((weight + PRIOR_STRENGTH) / lift - PRIOR_STRENGTH, 0)
        of_product = np.bincount(owner, weight, len(lists))
        share = np.bincount(owner, users, len(lists)) / np.where(of_product > 0, of_product, 1)
        shape = len(lists), len(segment_ids)
        at = owner[known], pc.drop_null(segment).to_numpy(zero_copy_only=False)
        self.users, self.expected = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.users[at] = (weight * share[owner])[known]
        self.expected[at] = (usual * share[owner])[known]
        self._row = np.full(shape, -1, np.int64)
        self._row[at] = np.flatnonzero(known)

    def log_lift(self) -> Matrix:
        """What the table says, shrunk towards a lift of 1; 0 without a row."""
        lift = np.append(self._rows.field("lift").to_numpy(zero_copy_only=False), 1.0)
        return np.log(lift[self._row]).astype(np.float32)

    def support(self, n: int, segment: int) -> Support | None:
        """What the row of product `n` for a segment rests on; None where the table has none."""
        at = int(self._row[n, segment])
        if at < 0:
            return None
        row = self._rows[at].as_py()
        return Support(row["lift"], row["support"], row["events"], row["users"], row["window_days"])
