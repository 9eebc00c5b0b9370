"""Categories of real shops land where a person would put them; languages are named only when they are sure."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.catalog.language import declared_language, detect_languages
from jobs.catalog.taxonomy import OTHER, nodes, taxonomy_node


@pytest.mark.parametrize(
    ("category", "node"),
    [
        ("Kitchen > Glasses", "Kitchen & Dining > Mugs & Glasses"),
        ("accessories > glasses", "Jewellery & Watches > Glasses & Sunglasses"),
        ("GARDEN & OUTDOOR > HAND TOOLS", "Tools & DIY > Hand Tools"),
        ("Outdoors > Footwear", "Shoes"),
        ("Bekleidung > Herren > Wanderschuhe", "Shoes"),
        ("Küche > Töpfe & Pfannen", "Kitchen & Dining > Cookware & Bakeware"),
        ("Lebensmittel > Kaffeebohnen", "Food"),
        ("Maison > Luminaires", "Home > Lamps & Lighting"),
        ("Vêtements > Chaussettes", "Clothing > Underwear & Nightwear"),
        ("Xylophones", "Musical Instruments"),
        ("Quux", OTHER),
        ("", OTHER),
    ],
)
def test_category(category: str, node: str) -> None:
    assert taxonomy_node(category) == node


def test_size_and_shape() -> None:
    assert 80 <= len(nodes()) <= 120
    tops = {node for node in nodes() if " > " not in node}
    assert {node.split(" > ")[0] for node in nodes()} == tops


def test_real_categories_are_hardly_ever_other(real_shops: Path) -> None:
    found = set()
    for name in ("catalog.jsonl", "catalog_without_images.jsonl"):
        for line in (real_shops / "retail_demo_store" / name).read_text().splitlines():
            row = json.loads(line)
            found.add(f"{row['category']} > {row['style']}")
    for row in csv.DictReader((real_shops / "zava_diy" / "products.csv").read_text().splitlines()):
        found.add(f"{row['main_category']} > {row['subcategory']}")
    other = [category for category in found if taxonomy_node(category) == OTHER]
    assert len(found) > 150
    assert not other


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A classic look for the summer season.", "en"),
        ("Die Tasse ist aus Steinzeug und passt in die Spülmaschine", "de"),
        ("Cette tasse est faite à la main et va au lave-vaisselle", "fr"),
        ("Taza de cerámica para el café con asa", "es"),
        ("Tazza in ceramica per il caffè con manico", "it"),
        ("Een beker van keramiek voor de koffie en thee", "nl"),
        ("Kubek z ceramiki do kawy i herbaty", "pl"),
        ("Кружка из керамики", "ru"),
        ("セラミックマグ", "ja"),
        ("陶瓷马克杯", "zh"),
        ("Red mug", None),
        ("Die Cast Car", None),
        (None, None),
    ],
)
def test_language(text: str | None, language: str | None) -> None:
    assert detect_languages(pa.array([text, "", text], pa.string())).to_pylist() == [language, None, language]


def test_declared_language() -> None:
    assert [declared_language(text) for text in ("de-AT", "en_US", "FR", "German", None)] == [
        "de",
        "en",
        "fr",
        None,
        None,
    ]
