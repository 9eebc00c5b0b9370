from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.copywriting.claims import Statement
from ray_tasks.copywriting.headlines import Said
from ray_tasks.copywriting.kinds import KINDS
from ray_tasks.copywriting.locales import load_locale
from ray_tasks.copywriting.scenes import size_cm
from ray_tasks.copywriting.writer import Persona, ranked_statements, sticker
from ray_tasks.models.text_embedder import MiniLMEmbedder
from schemas.instruction import STICKER_MAX_CHARS, text_columns
from tests.ray_tasks.records import product


def test_what_is_pictured_rolled_up_is_not_as_long_as_its_record_says() -> None:
    facts = [
        {"name": "length", "number": 180.0, "unit": "cm"},
        {"name": "width", "number": 61.0, "unit": "cm"},
    ]
    kind = next(kind for kind in KINDS if kind.name == "fitness")
    assert size_cm(product(title="Yoga mat", facts=facts), kind) == 61
    assert size_cm(product(title="Yoga mat", facts=facts[:1]), kind) == kind.size_cm
    assert size_cm(product(title="Trekking pole", facts=facts), kind) == 180


def test_a_sticker_fits_as_json_schema_counts_too() -> None:
    long = "لغسالة الصحون أيضًا"
    assert text_columns(long) == STICKER_MAX_CHARS < len(long)
    record = product(rating_mean=None)
    texts = (long, "لغسالة الصحون")
    badges = [Statement(text, "facts.dishwasher safe", "yes", text) for text in texts]
    seeds = [(str(n),) for n in range(9)]
    found = {badge.text for seed in seeds if (badge := sticker(record, badges, load_locale("ar"), seed))}
    assert texts[1] in found and long not in found


@pytest.mark.parametrize(
    ("angle", "leads"),
    [
        ("function", {"Waterproof", "Keeps cold for 24 hours"}),
        ("style", {"Two ivory stripes", "Printed front"}),
    ],
)
def test_an_angle_leads_with_what_it_argues_with(angle: str, leads: set[str]) -> None:
    said = [("Two ivory stripes", ""), ("Waterproof", ""), ("Printed front", ""), ("28 cm high", "28 cm")]
    said.append(("Keeps cold for 24 hours", "24 hours"))
    options = [Statement(text, "facts.x", text, text, value=value) for text, value in said]
    embedder = MiniLMEmbedder()
    nobody = Persona("s", "", np.zeros_like(embedder.embed([""])[0]), angle)
    ranked = [option.text for option in ranked_statements(options, nobody, embedder, Said())]
    assert set(ranked[:2]) == leads
    if angle == "style":
        assert ranked[2] == "28 cm high", "a measure is no look, but not what a thing does either"
