"""`latest.json` in the store: which release is live, for those who serve its pictures and do not read Delta.

{"release_id": ..., "sequence": ..., "run_date": ..., "created_at": ..., "assets": ...}, never cached, always replaced
whole. It follows the table `releases`, which decides; one who publishes late never names an older release over a newer.
"""

from __future__ import annotations

import json
from pathlib import Path

from infra.object_store import ObjectStore
from infra.releases import live_release

KEY = "latest.json"
_RACES = 20


def name_live(store: ObjectStore, state: Path) -> None:
    """Has `latest.json` name the live release, by a conditional put; nothing is written where it does already.

    Raises RuntimeError when others write it at the same moment again and again.
    """
    live = live_release(state)
    if live is None:
        return
    told = {
        "release_id": live["release_id"],
        "sequence": live["sequence"],
        "run_date": live["run_date"].isoformat(),
        "created_at": live["created_at"].isoformat(),
        "assets": live["asset_count"],
    }
    for _ in range(_RACES):
        found = store.get_tagged(KEY)
        if found and json.loads(found[0])["sequence"] >= live["sequence"]:
            return
        if store.put_if(KEY, json.dumps(told, indent=1).encode(), found[1] if found else None):
            return
    raise RuntimeError(f"others keep writing {KEY}: give the same command again")
