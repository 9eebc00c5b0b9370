from __future__ import annotations

import pytest

from ray_tasks.pictures.hyphenation import hyphenated


@pytest.mark.parametrize(
    "parted",
    [
        "Wochenend-wanderungen",
        "Edel-stahl-flasche",
        "Geräusch-unterdrückung",
        "Spül-maschinen-fest",
        "Schneide-brett,",
        "Isolier-flasche",
        "Rutsch-hemmende",
        "Camping-laterne",
    ],
)
def test_compounds_part_at_their_seams(parted: str) -> None:
    assert "-".join(hyphenated(parted.replace("-", ""), "de")) == parted


@pytest.mark.parametrize(
    "word", ["Sonderpreise", "Wintertraum", "Hundeschlaufe", "Kaffee", "V-200-Ersatzteile"]
)
def test_what_is_short_or_unknown_or_looks_like_a_seam_stays_whole(word: str) -> None:
    assert hyphenated(word, "de") == (word,)


def test_other_languages_are_not_parted_by_german_seams() -> None:
    assert hyphenated("Kaffeevollautomat", "de-AT") == ("Kaffeevoll", "automat")
    assert hyphenated("Kaffeevollautomat", "fr") == ("Kaffeevollautomat",)
