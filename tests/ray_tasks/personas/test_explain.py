"""What `--explain` tells: every score with its parts, the evidence of the chosen, and why the next were not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from infra.settings import load_config
from infra.tables import append_rows, ensure_tables, rows_to_table
from ray_tasks import infer_personas
from ray_tasks.personas.explain import explanation
from ray_tasks.personas.own_past import with_own_past, without_own_past
from ray_tasks.personas.parts import PartsModel
from ray_tasks.personas.weights import Weights
from tests.ray_tasks.embedders import BagOfWordsEmbedder
from tests.ray_tasks.records import CONFIG, SEGMENTS, affinity, product, tables

ROWS = [
    affinity("fitness", "tag", "black coffee", 3.1, 412.0) | {"users": 60, "events": 230},
    affinity("office", "tag", "black coffee", 2.9, 300.0) | {"users": 40, "events": 150},
    affinity("exam_students", "tag", "black coffee", 1.8, 300.0) | {"users": 40, "events": 150},
    affinity("low_sugar", "tag", "black coffee", 0.3, 30.0) | {"users": 9, "events": 15},
    affinity("office", "product", "roastery/C1", 2.5, 80.0) | {"users": 30, "events": 44},
]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "night.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def told(config: Path) -> str:
    return told_of(config, product())


def told_of(config: Path, one: dict[str, Any]) -> str:
    parts = tables([one], ROWS)
    merchant = load_config(config).merchants[0]
    embedder = BagOfWordsEmbedder()
    model = PartsModel(parts["segments"], without_own_past(parts["segment_affinity"]), embedder)
    row = with_own_past(parts["products"], parts["segment_affinity"])
    return "\n".join(explanation(model, row, merchant, embedder, Weights.load()))


def test_the_chosen_have_parts_and_evidence_from_the_table(told: str) -> None:
    lines = told.splitlines()
    assert lines[0] == "roastery/C1  Black Coffee Cold Brew, unsweetened  [Coffee > Ready to drink]"
    header = next(line for line in lines if "likelier" in line and "segment" in line)
    assert header.split()[-4:] == ["affinity", "text", "price", "season"]
    first, second = (next(line for line in lines if line.strip().startswith(f"{n}. ")) for n in (1, 2))
    assert first.split()[1] == "office" and second.split()[1] == "fitness"
    for line in (first, second):
        cells = line.split()
        assert float(cells[2]) == pytest.approx(sum(map(float, cells[4:8])), abs=0.03)
    assert (
        "engages with this very product 2.5 times as often as average (44 events of 30 users, 90 days)"
        in told
    )
    assert (
        "engages with tag 'black coffee' 3.1 times as often as average (230 events of 60 users, 90 days)"
        in told
    )


def test_the_scores_can_be_computed_again_by_hand(told: str) -> None:
    lines = told.split("HOW IT ADDS UP")[1].splitlines()
    heads, weights = lines[2].split(" like it")[0].split(), [float(cell) for cell in lines[3].split()[1:]]
    office, fitness = (line.split() for line in lines[4:6])
    for name, *cells in (office, fitness):
        values, (like, own, expected, score) = cells[: len(heads)], cells[len(heads) :]
        total = sum(weight * float(value) for weight, value in zip(weights, values, strict=True))
        assert total == pytest.approx(float(like), abs=0.02), name
        prior = Weights.load().own_past_users
        after = (
            float(like)
            if own == "-"
            else math.log((float(own) + prior) / (float(expected) + prior * math.exp(-float(like))))
        )
        assert after == pytest.approx(float(score), abs=0.02), name
    assert office[-3] == "30.0" and fitness[-3] == "-"


def test_a_product_of_an_unknown_category_says_that_its_text_speaks(config: Path) -> None:
    lines = told_of(config, product(category="Kitchen > Kettles", tags=[], brand=None))
    assert "Behaviour has not seen this category: its text speaks for it." in lines
    assert "category 'kitchen > kettles' is new to the behaviour data" in lines


def test_what_behaviour_knows_of_a_cold_product_and_what_is_new_is_told_apart(config: Path) -> None:
    cold = product(category="Kitchen > Kettles", tags=["black coffee", "whistling"], brand="Nordlys")
    told = told_of(config, cold)
    known, new = (
        next(line for line in told.splitlines() if line.startswith(word)) for word in ("Known of it", "New")
    )
    assert "tag 'black coffee'" in known and "brand" not in known
    assert "tag 'whistling'" in new and "brand 'nordlys'" in new
    assert "The brand is new and counts as the category or the tags do: its column repeats theirs." in told
    assert "it is no part of the score" in told


def test_the_others_are_told_why_not(told: str) -> None:
    why = told.split("WHY NOT")[1]
    assert "Exam students: score" in why and "below all 2 that were asked for" in why
    assert "Low sugar: score" in why and "less likely than average" in why
    assert "Elsewhere" not in told


@pytest.mark.parametrize(
    ("sku", "said"),
    [
        ("C1", "give MERCHANT/SKU"),
        ("nobody/C1", "merchants are roastery"),
        ("roastery/gone", "no product roastery/gone"),
    ],
)
def test_what_cannot_be_explained_says_so(
    sku: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "night.toml"
    config.write_text(CONFIG, encoding="utf-8")
    ensure_tables(tmp_path)
    append_rows(tmp_path, "segments", rows_to_table("segments", SEGMENTS))
    with pytest.raises(SystemExit):
        infer_personas.main(["--sku", sku, "--explain", f"--config={config}", f"--state={tmp_path}"])
    assert said in capsys.readouterr().err
