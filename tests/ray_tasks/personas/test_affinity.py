from __future__ import annotations

import numpy as np

from infra.tables import rows_to_table
from ray_tasks.personas.affinity import BANDS, PRIOR_STRENGTH, AffinityIndex
from tests.ray_tasks.records import affinity


def index(*rows: dict) -> AffinityIndex:
    return AffinityIndex(rows_to_table("segment_affinity", rows), ["fitness", "office"])


def test_the_prior_is_the_one_of_the_nightly_job() -> None:
    from jobs.segments import affinity as job

    assert PRIOR_STRENGTH == job.PRIOR_STRENGTH


def test_a_leaf_with_little_evidence_is_like_its_parent_and_one_with_much_is_itself() -> None:
    parent = affinity("fitness", "category", "coffee", 3.0, 4000)
    little = index(parent, affinity("fitness", "category", "coffee > cold", 1.05, 22))
    much = index(parent, affinity("fitness", "category", "coffee > cold", 1.05, 50_000))
    leaf = "category", "coffee > cold"
    assert np.exp(little.log_lift[little.values[leaf], 0]) > 1.5
    assert abs(np.exp(much.log_lift[much.values[leaf], 0]) - 1.05) < 0.01
    # No row at all for the office: it leans on its parent, which is unknown too.
    assert much.log_lift[much.values[leaf], 1] == 0


def test_a_band_nobody_bought_from_leans_on_its_neighbours() -> None:
    prices = index(affinity("fitness", "price_band", "p3", 2.0), affinity("fitness", "price_band", "p5", 2.0))
    at = {band: prices.of_band[band - BANDS.start, 0] for band in (3, 4, 20)}
    assert at[3] > 0.6 and at[4] > 0.6 and abs(at[20]) < 1e-6


def test_support_is_what_the_table_says() -> None:
    found = index(affinity("office", "tag", "quiet", 2.0, 50), affinity("fitness", "tag", "gym", 3.0, 412))
    support = found.support(found.values["tag", "gym"], 0)
    assert support is not None
    assert (support.lift, support.weight, support.window_days) == (3.0, 412.0, 90)
    assert found.support(found.values["tag", "gym"], 1) is None
    assert found.find("tag", ["gym", "unheard of"]).tolist() == [
        found.values["tag", "gym"],
        len(found.values),
    ]
