"""The funnel of one merchant, from its rows."""

from __future__ import annotations

from jobs.drops.shortfalls import Said, shortfalls
from jobs.report.funnel import Step, merchant_funnel
from jobs.report.merchant_rows import MerchantRows
from tests.jobs.drops.test_shortfalls import PERSONAS, PLACEMENTS, PRODUCT, SHOP, UNITS, VIEW, WRITTEN


def _planned(view: dict[str, object], units: list[dict[str, object]]) -> Step:
    shop = SHOP.model_copy(update={"placements": ("square", "white")})
    framed = {"i": VIEW["i"] | {"treatment": "framed"} | view}
    short = list(shortfalls(shop, PLACEMENTS, [PRODUCT], [], Said(framed, PERSONAS, WRITTEN, units, {}, [])))
    rows = MerchantRows(shop, PLACEMENTS, [PRODUCT], framed, PERSONAS, WRITTEN, units, {}, {}, [], [], short)
    (planned,) = (step for step in merchant_funnel(rows) if step.name == "Faces planned")
    return planned


TO_DO = [unit | {"status": "to_do", "reason": "new_product", "variant": 0} for unit in UNITS]


def test_a_white_picture_that_needs_a_cut_out_is_lost_for_that_reason() -> None:
    planned = _planned({"white_uri": None}, TO_DO)
    assert (planned.rows_in, planned.rows_out) == (3, 2)
    assert planned.reasons == {"needs_cut_out": 1} and planned.notes == {"to_do: new_product": 2}


def test_a_white_picture_of_a_photograph_on_white_is_planned() -> None:
    planned = _planned(
        {"white_uri": "cutouts/w.png"}, [*TO_DO, TO_DO[0] | {"asset_id": "w", "placement": "white"}]
    )
    assert (planned.rows_in, planned.rows_out) == (3, 3) and not planned.reasons
