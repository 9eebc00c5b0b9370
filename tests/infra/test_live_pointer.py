"""`latest.json`: one wins of those who write it at once, and it never goes back to an older release."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.live_pointer import KEY, name_live
from infra.object_store import LocalStore, ObjectStore
from infra.releases import add_release, pinned_versions
from infra.tables import ensure_tables
from tests.infra.test_night import release_row

NIGHT = dt.date(2026, 11, 21)


def race_for_the_pointer(store: ObjectStore, state: Path) -> None:
    """Asks of a store without a pointer what is said above."""
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.put_if("raced.json", f"{n}".encode(), None), range(8)))
        assert won.count(True) == 1
        found = store.get_tagged("raced.json")
        assert found is not None
        assert found[0] == f"{won.index(True)}".encode()
        again = list(
            pool.map(lambda n: store.put_if("raced.json", f"{n} again".encode(), found[1]), range(8))
        )
    assert again.count(True) == 1
    assert store.get("raced.json") == f"{again.index(True)} again".encode()

    ensure_tables(state)
    name_live(store, state)
    assert store.get_tagged(KEY) is None, "nothing is live"
    older = state / "of one who read too early"
    ensure_tables(older)
    for name, states in (("first", (state, older)), ("second", (state,))):
        for one in states:
            row = release_row(NIGHT, name, 0) | {"table_versions": pinned_versions(one)}
            add_release(one, row, asked=False)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: name_live(store, one), (state, older, state, older)))
    told = json.loads(store.get(KEY))
    assert (told["release_id"], told["sequence"]) == ("second", 2)
    name_live(store, older)
    assert json.loads(store.get(KEY)) == told


def test_of_those_who_name_the_live_release_at_once_one_wins_and_an_older_one_never(tmp_path: Path) -> None:
    race_for_the_pointer(LocalStore(tmp_path / "store"), tmp_path)
