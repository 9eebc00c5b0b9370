from __future__ import annotations

from ray_tasks.copywriting.claims import Statement
from ray_tasks.copywriting.kinds import KINDS
from ray_tasks.copywriting.locales import load_locale
from ray_tasks.copywriting.scenes import size_cm
from ray_tasks.copywriting.writer import sticker
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
