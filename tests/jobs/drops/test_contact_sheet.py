from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from jobs.drops import contact_sheet
from jobs.drops.contact_sheet import SheetFace, SheetProduct, contact_sheets, sheet_names, thumbnail
from tests.jobs.sample_pictures import draw_good


def test_one_page_up_to_sixty_products_then_numbered_ones() -> None:
    assert sheet_names(60) == ["contact_sheet.jpg"]
    assert sheet_names(61) == ["contact_sheet_01.jpg", "contact_sheet_02.jpg"]
    assert len(sheet_names(10**6)) == contact_sheet.MAX_PAGES
    assert sheet_names(0) == []


@pytest.mark.parametrize("columns", [1, 3, 9])
def test_pages_hold_every_picture(columns: int) -> None:
    red = draw_good("#ff0000", 0, 64, backdrop="#ff0000")
    face = SheetFace("Someone", lambda: red)
    products = [SheetProduct(f"\u202eTitle {i}", f"産{i}", [face] * columns) for i in range(61)]
    pages = list(contact_sheets("Shop", "pictures", products))
    assert len(pages) == 2
    with Image.open(BytesIO(pages[1])) as page:
        reddish = sum(n for n, (r, g, b) in page.getcolors(1 << 24) if r > 150 and g < 110 and b < 110)
    assert reddish > 0.3 * columns * 64 * 64


def test_thumbnails_keep_the_shape() -> None:
    out = BytesIO()
    Image.new("RGB", (400, 200), "red").save(out, "JPEG")
    assert thumbnail(out.getvalue(), 100).size == (100, 50)
