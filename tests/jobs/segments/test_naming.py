"""Names of clusters: the strongest lifts in words, and last night's name for the same cluster."""

from __future__ import annotations

from jobs.segments.naming import Label, Lift, label, leading_values, match_clusters, still_fits


def tag(value: str, lift: float, support: float = 100.0) -> Lift:
    return Lift("tag", value, lift, support)


def category(value: str, lift: float, support: float = 100.0) -> Lift:
    return Lift("category", value, lift, support)


def test_the_closer_of_two_names_for_one_thing_is_kept() -> None:
    lifts = [tag("bag", 2.6, 500), tag("lunch bag", 3.0, 300), tag("charlotte", 3.0), tag("tea", 1.1, 900)]
    assert [one.value for one in leading_values(lifts)] == ["lunch bag", "charlotte"]
    rare = [tag("bag", 2.6, 500), tag("rare bag", 3.0, 5)]
    assert [one.value for one in leading_values(rare)] == ["bag"]


def test_a_name_says_what_and_when() -> None:
    lifts = [
        category("homeware", 1.5),
        category("homeware > mugs", 3.0),
        category("homeware > bowls", 2.5),
        Lift("hour_band", "evening", 1.4, 300),
        Lift("season", "winter", 1.1, 300),
        tag("enamel", 9.0),
    ]
    one = label("shop", lifts)
    assert one.name == "Homeware: mugs and bowls, in the evening"
    assert one.segment_id == "shop_mugs_bowls"
    assert one.interests == ("homeware > mugs", "homeware > bowls")
    assert "in the evening" in one.description
    assert label("shop", lifts, taken=["shop_mugs_bowls"]).segment_id == "shop_mugs_bowls_2"
    assert label("shop", [tag("x", 1.0)]).segment_id == "shop_all_round"


def test_tonights_clusters_are_found_again_under_other_numbers() -> None:
    before = {
        "shop_mugs": [tag("mugs", 3.0), tag("bowls", 2.0)],
        "shop_lamps": [tag("lamps", 4.0), tag("mugs", 0.5)],
    }
    tonight = {
        "0": [tag("lamps", 3.5), tag("mugs", 0.6)],
        "1": [tag("mugs", 2.8), tag("bowls", 2.1)],
        "2": [tag("tents", 5.0)],
    }
    assert match_clusters(tonight, before) == {"0": "shop_lamps", "1": "shop_mugs"}
    named = Label("shop_mugs", "Mugs and bowls", "", ("mugs", "bowls"))
    assert still_fits(named, tonight["1"])
    assert not still_fits(named, tonight["0"])
