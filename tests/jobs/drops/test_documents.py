from __future__ import annotations

from jobs.drops.documents import readme_text


def test_one_picture_is_said_of_one_product() -> None:
    text = readme_text(
        merchant_name="Shop",
        release_id="r1",
        pictures=1,
        pictured=1,
        products=1,
        complete=1,
        wanted_each=1,
        sheets=[],
        sheet_is_cut=False,
    ).decode()
    assert "1 picture of 1 of 1 product." in text and "Wanted for a product: 1 picture." in text
