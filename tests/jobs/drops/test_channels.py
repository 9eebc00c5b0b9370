"""Channel files from made-up pictures, and each rule of each channel broken once."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from jobs.drops.channels import ChannelFiles, channel_files
from jobs.drops.preflight import SLOTS, PictureFile, read_picture
from schemas.config import Merchant, Placement

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic</x:xmpmeta>'
PLACEMENTS = {
    "square": Placement(width_px=1024, height_px=1024),
    "calm": Placement(width_px=1024, height_px=1024, look="plain"),
    "white": Placement(width_px=1024, height_px=1024, look="white", channel="main_image"),
}
LIFESTYLE = "lifestyle_image_link"
GOOD = PictureFile("plain", "JPEG", 1024, 1024, 200_000, True)
WHITE = PictureFile("white", "JPEG", 1024, 1024, 90_000, True, True, 0.9)


def _merchant(**channels: dict[str, Any]) -> Merchant:
    return Merchant.model_validate(
        {
            "id": "shop", "name": "Shop", "locales": ["en", "de"], "segment_sources": ["panel"], "currency": "EUR",
            "placements": list(PLACEMENTS),
            "feed": {"path": "f.jsonl", "format": "jsonl", "mapping": "plain"}, "channels": channels,
        }
    )  # fmt: skip


def _row(sku: str, placement: str, rank: int = 1, locale: str = "en") -> dict[str, Any]:
    file = f"pictures/{sku}/{rank}-office people-{locale}-{placement}.jpg"
    return {"sku": sku, "locale": locale, "placement": placement, "file": file, "persona_rank": rank}


MANIFEST = [
    _row("A", "square"), _row("A", "calm"), _row("A", "white"), _row("A", "calm", 2), _row("A", "square", 1, "de"),
    _row("B", "square"),
    _row("=C", "white"),
]  # fmt: skip
ALL = {
    "google_merchant": {"base_url": "https://a.example/x/"},
    "meta": {"base_url": "https://a.example/x/"},
    "amazon": {},
}


def _files(broken: PictureFile | None = None, **channels: dict[str, Any]) -> ChannelFiles:
    def picture(row: Any, look: str) -> PictureFile:
        usual = {"plain": GOOD, "white": WHITE, "text": PictureFile("text", "JPEG", 1024, 1024, 9, True)}
        return broken if broken and broken.look == look else usual[look]

    gtins = {"A": "4006381333931", "B": None, "=C": "96385074"}
    return channel_files(_merchant(**(channels or ALL)), PLACEMENTS, gtins, MANIFEST, picture)


def _table(text: bytes, delimiter: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv.DictReader(io.StringIO(text.decode()), delimiter=delimiter)}


def test_slots_are_filled_in_the_order_of_personas() -> None:
    files = _files()
    google = _table(files.texts["channels/google_merchant.tsv"], "\t")
    address = "https://a.example/x/pictures/A/{}-office%20people-en-{}.jpg"
    assert google["A"]["lifestyle_image_link"] == address.format(1, "calm")
    others = [address.format(2, "calm"), address.format(1, "white")]
    assert google["A"]["additional_image_link"] == ",".join(others)
    meta = _table(files.texts["channels/meta.csv"], ",")
    assert meta["A"]["image_link"] == address.format(1, "white")
    assert google.keys() == meta.keys() == {"A"}
    assert files.copies == {
        "channels/amazon/4006381333931.MAIN.jpg": MANIFEST[2]["file"],
        "channels/amazon/4006381333931.PT01.jpg": MANIFEST[1]["file"],
        "channels/amazon/4006381333931.PT02.jpg": MANIFEST[3]["file"],
        "channels/amazon/4006381333931.PT03.jpg": MANIFEST[0]["file"],
    }


def test_what_is_left_out_is_listed_with_its_rule() -> None:
    told = {(row["channel"], row["sku"], row["slot"], row["rule"]): row for row in _files().violations}
    assert "look = plain" in told["google_merchant", "B", LIFESTYLE, "picture"]["allowed"]
    assert not [row for row in told.values() if row["file"] == MANIFEST[0]["file"]], "text is not for them"
    assert told["amazon", "B", "", "identifier"]["found"] == "no GTIN in the feed"
    assert told["meta", "=C", "id", "id"]
    assert all(row["source"] for row in told.values())
    assert _files().preflight().startswith(b'\xef\xbb\xbf"channel","sku"')


@pytest.mark.parametrize(
    ("channel", "slot", "rule", "broken"),
    [
        ("google_merchant", LIFESTYLE, "format", PictureFile("plain", "PPM", 1024, 1024, 9, True)),
        ("google_merchant", LIFESTYLE, "size", PictureFile("plain", "JPEG", 1024, 249, 9, True)),
        ("google_merchant", LIFESTYLE, "megapixels", PictureFile("plain", "JPEG", 9000, 9000, 9, True)),
        ("google_merchant", LIFESTYLE, "file_size", PictureFile("plain", "JPEG", 999, 999, 17 * 10**6, True)),
        ("google_merchant", LIFESTYLE, "made_by_machine", PictureFile("plain", "JPEG", 999, 999, 9, False)),
        ("amazon", "MAIN", "format", PictureFile("white", "WEBP", 1024, 1024, 9, True, True, 0.9)),
        ("amazon", "MAIN", "size", PictureFile("white", "JPEG", 999, 999, 9, True, True, 0.9)),
        ("amazon", "MAIN", "white_background", PictureFile("white", "JPEG", 1024, 1024, 9, True, False, 0.9)),
        ("amazon", "MAIN", "fills_the_frame", PictureFile("white", "JPEG", 1024, 1024, 9, True, True, 0.84)),
        ("meta", "image_link", "size", PictureFile("white", "JPEG", 1024, 499, 9, True)),
        ("meta", "image_link", "file_size", PictureFile("white", "JPEG", 999, 999, 9 * 10**6, True)),
        ("meta", "image_link", "format", PictureFile("white", "GIF", 999, 999, 9, True)),
    ],
)  # fmt: skip
def test_each_rule_costs_the_picture_its_slot(
    channel: str, slot: str, rule: str, broken: PictureFile
) -> None:
    files = _files(broken, **{channel: ALL[channel]})
    told = [row for row in files.violations if (row["sku"], row["slot"], row["rule"]) == ("A", slot, rule)]
    assert told and all(row["file"] for row in told)
    named = {row["file"] for row in told}
    assert not named & set(files.copies.values())
    assert not [file for file in named for text in files.texts.values() if file.encode() in text]


def test_a_picture_is_judged_by_its_bytes() -> None:
    pixels = np.full((200, 200, 3), 255, np.uint8)
    pixels[10:190, 60:120] = 80
    found = read_picture(_jpeg(pixels), "white")
    assert (found.format, found.width_px, found.says_made_by_machine) == ("JPEG", 200, True)
    assert found.white_border and found.fill == pytest.approx(0.9, abs=0.02)
    pixels[0, 100] = 0
    assert not read_picture(_jpeg(pixels), "white").white_border


def _jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=92, xmp=XMP)
    return out.getvalue()


def test_a_slot_that_no_placement_fills_is_told_once() -> None:
    merchant = _merchant(**ALL).model_copy(update={"placements": ("square",)})
    files = channel_files(merchant, PLACEMENTS, {"A": "1"}, [_row("A", "square")], lambda *_: GOOD)
    told = [(row["channel"], row["slot"]) for row in files.violations if row["rule"] == "placement"]
    assert told == [
        ("amazon", "MAIN"), ("google_merchant", "lifestyle_image_link"), ("meta", "image_link"),
    ]  # fmt: skip
    assert not [row for row in files.violations if row["rule"] == "picture"]


def test_a_gtin_of_two_products_names_neither() -> None:
    rows = [_row("A", "white"), _row("B", "white")]
    files = channel_files(_merchant(amazon={}), PLACEMENTS, {"A": "1", "B": "1"}, rows, lambda *_: WHITE)
    assert not files.copies
    assert [row["found"] for row in files.violations] == ["GTIN 1 of 2 products"] * 2


def _social(width: int, height: int, **other: Any) -> ChannelFiles:
    placements = PLACEMENTS | {"post": Placement(width_px=1080, height_px=1350, channel="social")}
    rows = [_row("A", "post") | {"segment_id": "office", "alt_text": "=a can"}, _row("A", "square")]
    found = PictureFile(**{**GOOD.__dict__, "width_px": width, "height_px": height, **other})
    return channel_files(_merchant(social={}), placements, {}, rows, lambda *_: found)


@pytest.mark.parametrize(
    ("size", "place"),
    [((1080, 1080), "feed"), ((1080, 1350), "feed"), ((1200, 628), "feed"), ((1080, 1920), "story")],
)
def test_pictures_for_social_networks_are_listed_by_where_they_fit(size: tuple[int, int], place: str) -> None:
    files = _social(*size)
    (listed,) = csv.DictReader(io.StringIO(files.texts["channels/social.csv"].decode("utf-8-sig")))
    assert (listed["shown_as"], listed["sku"], listed["alt_text"]) == (place, "A", "'=a can")
    assert listed["file"].endswith("en-post.jpg"), "only of placements that are meant for them"
    assert not files.violations


@pytest.mark.parametrize(
    ("size", "other", "rule"),
    [
        ((1080, 1500), {}, "ratio"),
        ((1200, 600), {}, "ratio"),
        ((1080, 1800), {}, "ratio"),
        ((500, 500), {}, "size"),
        ((450, 800), {}, "size"),
        ((1080, 1080), {"format": "WEBP"}, "format"),
        ((1080, 1920), {"bytes": 31_000_000}, "file_size"),
    ],
)
def test_what_a_social_network_does_not_take_is_told_with_the_rule(
    size: tuple[int, int], other: dict[str, Any], rule: str
) -> None:
    files = _social(*size, **other)
    assert len(files.texts["channels/social.csv"].splitlines()) == 1
    (told,) = files.violations
    assert (told["channel"], told["rule"], told["sku"]) == ("social", rule, "A")
    assert told["source"].startswith("Meta Ads Guide")


def test_a_shop_without_social_placements_is_told_so() -> None:
    (told,) = channel_files(_merchant(social={}), PLACEMENTS, {}, MANIFEST, lambda *_: GOOD).violations
    assert (told["rule"], told["file"]) == ("placement", "")


def test_a_channel_that_fetches_needs_an_address() -> None:
    with pytest.raises(ValidationError, match="base_url is missing"):
        _merchant(meta={})
    with pytest.raises(ValidationError, match="locale is none of"):
        _merchant(amazon={"locale": "fr"})


def test_every_channel_has_a_slot_and_every_slot_a_rule() -> None:
    assert all(slots and all(slot.rules for slot in slots) for slots in SLOTS.values())
