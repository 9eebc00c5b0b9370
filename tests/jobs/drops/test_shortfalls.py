from __future__ import annotations

import pytest

from jobs.drops.release_rows import Row
from jobs.drops.shortfalls import Said, shortfalls, wanted_faces
from schemas.config import Merchant, Placement
from schemas.feed_config import ProductFeed

FIELDS = {"sku": "a", "title": "b", "category": "c", "price": "d"}
SHOP = Merchant(
    id="shop", name="Shop", top_k=2, locales=("en",), segment_sources=("s",), currency="EUR",
    feed=ProductFeed(path="f", format="csv", fields=FIELDS),
)  # fmt: skip
PLACEMENTS = {
    "square": Placement(width_px=512, height_px=512),
    "white": Placement(width_px=512, height_px=512, look="white", channel="main_image"),
}
PRODUCT = {"sku": "p", "title": "Pan", "image_sha256": "i"}
VIEW = {
    "i": {"verdict": "accepted", "reason": None, "detail": None, "treatment": "cutout", "white_uri": None}
}
PERSONAS = [{"sku": "p", "segment_id": s, "rank": i} for i, s in enumerate(("a", "b"), start=1)]
WRITTEN = [{"sku": "p", "segment_id": s, "locale": "en"} for s in ("a", "b")]
UNITS = [
    {"asset_id": s, "sku": "p", "segment_id": s, "locale": "en", "placement": "square"} for s in ("a", "b")
]
ACCEPTED = {"verdict": "accepted", "reasons": []}
REJECTED = {"verdict": "rejected", "reasons": ["overflow"]}
ASSET = {"sku": "p", "segment_id": "a", "locale": "en", "placement": "square"}


def reject(stage: str, key: str = "shop/p") -> Row:
    return {"stage": stage, "key": key, "sku": "p", "reason": "told", "detail": "As told."}


CASES = [
    ("no_picture", 2, PRODUCT | {"image_sha256": None}, {}),
    ("told", 2, PRODUCT | {"image_sha256": None}, {"rejects": [reject("jobs.ingest_catalog")]}),
    ("not_opened", 2, PRODUCT, {"views": {}}),
    (
        "blank",
        2,
        PRODUCT,
        {"views": {"i": {"verdict": "refused", "reason": "blank", "detail": None, "reasons": None}}},
    ),
    ("no_audience", 2, PRODUCT, {"personas": []}),
    ("fewer_audiences", 1, PRODUCT, {"personas": PERSONAS[:1]}),
    ("no_instruction", 1, PRODUCT, {"instructions": WRITTEN[:1]}),
    ("recalled", 1, PRODUCT, {"work_units": UNITS[:1], "recalled": {("p", "b", "en", "square")}}),
    ("not_planned", 1, PRODUCT, {"work_units": UNITS[:1]}),
    ("not_drawn", 1, PRODUCT, {"verdicts": {"a": ACCEPTED}}),
    (
        "told",
        1,
        PRODUCT,
        {"verdicts": {"a": ACCEPTED}, "rejects": [reject("ray_tasks.make_candidates", "b")]},
    ),
    ("overflow", 1, PRODUCT, {"verdicts": {"a": ACCEPTED, "b": REJECTED}}),
    ("not_published", 1, PRODUCT, {"verdicts": {"a": ACCEPTED, "b": ACCEPTED}}),
]


@pytest.mark.parametrize(("reason", "missing", "product", "changes"), CASES)
def test_each_reason(reason: str, missing: int, product: Row, changes: dict[str, object]) -> None:
    facts: dict[str, object] = {
        "views": VIEW, "personas": PERSONAS, "instructions": WRITTEN, "work_units": UNITS, "verdicts": {},
        "rejects": [],
    }  # fmt: skip
    assets = [ASSET] if missing == 1 else []
    (found,) = shortfalls(SHOP, PLACEMENTS, [product], assets, Said(**(facts | changes)))  # type: ignore[arg-type]
    assert (found.reason, found.missing, found.faces) == (reason, missing, len(assets))
    assert found.explanation.endswith(".")


def test_a_refused_picture_is_told_in_words_and_in_numbers() -> None:
    view = {"verdict": "refused", "reason": "low_quality", "reasons": ["low_quality", "photo_blurred"]}
    said = Said({"i": view | {"detail": "sharpness 1.08"}}, PERSONAS, WRITTEN, UNITS, {}, [])
    (found,) = shortfalls(SHOP, PLACEMENTS, [PRODUCT], [], said)
    assert found.explanation.startswith("The product cannot be cut out cleanly; photograph it sharply")
    assert found.explanation.endswith("not sharp enough to be shown whole (sharpness 1.08).")


def test_a_rejection_that_lies_in_the_picture_says_what_to_send() -> None:
    scored = dict.fromkeys(("a", "b"), REJECTED | {"reasons": ["baked_text"]})
    (found,) = shortfalls(SHOP, PLACEMENTS, [PRODUCT], [], Said(VIEW, PERSONAS, WRITTEN, UNITS, scored, []))
    assert (found.reason, found.missing) == ("baked_text", 2)
    assert found.explanation.endswith(
        "rejected: baked text. Advertising is printed into your picture; send one without it."
    )


def test_the_reject_of_the_same_face_is_told() -> None:
    stage = "ray_tasks.write_instructions"
    rejects = [reject(stage, "shop/p/a/en") | {"reason": "other"}, reject(stage, "shop/p/b/en")]
    said = Said(VIEW, PERSONAS, WRITTEN[:1], UNITS, {}, rejects)
    (found,) = shortfalls(SHOP, PLACEMENTS, [PRODUCT], [ASSET], said)
    assert found.reason == "told"


def test_a_complete_product_is_not_listed() -> None:
    assets = [ASSET, ASSET | {"segment_id": "b"}]
    assert not list(
        shortfalls(SHOP, PLACEMENTS, [PRODUCT], assets, Said(VIEW, PERSONAS, WRITTEN, UNITS, {}, []))
    )


def test_a_white_picture_is_wanted_once_and_not_of_a_framed_photograph() -> None:
    shop = SHOP.model_copy(update={"placements": ("square", "white")})
    assert wanted_faces(shop, PLACEMENTS) == 3
    assets = [ASSET, ASSET | {"segment_id": "b"}]
    said = Said(VIEW, PERSONAS, WRITTEN, UNITS, {}, [])
    (found,) = shortfalls(shop, PLACEMENTS, [PRODUCT], assets, said)
    assert (found.reason, found.missing) == ("not_planned", 1)
    framed = {"i": VIEW["i"] | {"treatment": "framed"}}
    (found,) = shortfalls(shop, PLACEMENTS, [PRODUCT], assets, Said(framed, PERSONAS, WRITTEN, UNITS, {}, []))
    assert (found.reason, found.missing) == ("needs_cut_out", 1)
    on_white = {"i": framed["i"] | {"white_uri": "cutouts/w.png"}}
    (found,) = shortfalls(
        shop, PLACEMENTS, [PRODUCT], assets, Said(on_white, PERSONAS, WRITTEN, UNITS, {}, [])
    )
    assert (found.reason, found.missing) == ("not_planned", 1)
    white = ASSET | {"placement": "white"}
    assert not list(shortfalls(shop, PLACEMENTS, [PRODUCT], [*assets, white], said))
