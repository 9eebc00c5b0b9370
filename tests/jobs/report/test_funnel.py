"""The funnel of one merchant, from its rows."""

from __future__ import annotations

from jobs.drops.shortfalls import Said, shortfalls
from jobs.report.funnel import merchant_funnel
from jobs.report.merchant_rows import MerchantRows
from tests.jobs.drops.test_shortfalls import PERSONAS, PLACEMENTS, PRODUCT, SHOP, UNITS, VIEW, WRITTEN


def test_a_white_picture_that_needs_a_cut_out_is_lost_for_that_reason() -> None:
    shop = SHOP.model_copy(update={"placements": ("square", "white")})
    framed = {"i": VIEW["i"] | {"treatment": "framed"}}
    units = [unit | {"status": "to_do", "reason": "new_product", "variant": 0} for unit in UNITS]
    said = Said(framed, PERSONAS, WRITTEN, units, {}, [])
    short = list(shortfalls(shop, PLACEMENTS, [PRODUCT], [], said))
    rows = MerchantRows(shop, PLACEMENTS, [PRODUCT], framed, PERSONAS, WRITTEN, units, {}, {}, [], [], short)
    (planned,) = (step for step in merchant_funnel(rows) if step.name == "Faces planned")
    assert (planned.rows_in, planned.rows_out) == (3, 2)
    assert planned.reasons == {"needs_cut_out": 1} and planned.notes == {"to_do: new_product": 2}
