"""Plans dead letters again: units that failed too often to be tried unasked.

python -m jobs.retry_rejects --dry-run                     # what waits, by error
python -m jobs.retry_rejects                               # all of it
python -m jobs.retry_rejects --merchant everyday --like "%missing_glyph%"

The night's command, given again, makes them; so does the next night.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.stage import EXIT_HOPELESS
from infra.tables import check_state, open_table, query_tables, sql_literal

_BATCH = 5_000


def dead_letters(state: Path, merchant: str | None, like: str | None) -> list[dict[str, str | int]]:
    """run_date, key, attempts and detail of the newest night's units that failed, most attempts first."""
    wanted = ["attempts IS NOT NULL", "run_date = (SELECT max(run_date) FROM rejects)"]
    if merchant:
        wanted.append(f"merchant_id = {sql_literal(merchant)}")
    if like:
        wanted.append(f"detail LIKE {sql_literal(like)}")
    return query_tables(
        state,
        "SELECT CAST(run_date AS VARCHAR) AS run_date, key, attempts, reason, detail FROM rejects "
        f"WHERE {' AND '.join(wanted)} ORDER BY attempts DESC, key",
        "rejects",
    )


def plan_again(state: Path, letters: Sequence[dict[str, str | int]]) -> None:
    """Sets their attempts back to 0 and their work units to `to_do`, of the night that the letters are of."""
    for at in range(0, len(letters), _BATCH):
        some = letters[at : at + _BATCH]
        keys = sql_literal([row["key"] for row in some])
        night = f"run_date = DATE '{some[0]['run_date']}'"
        open_table(state, "rejects").update(
            updates={"attempts": "0"}, predicate=f"{night} AND attempts IS NOT NULL AND key IN {keys}"
        )
        # A new version of the plan also tells the drawing stage that it is not done.
        open_table(state, "work_units").update(
            updates={"status": "'to_do'"},
            predicate=f"{night} AND status IN ('to_do', 'failed') AND asset_id IN {keys}",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Lists the letters by error and plans them again; 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STATE") or "var"))
    parser.add_argument("--merchant", help="only of this merchant")
    parser.add_argument("--like", help="only where the error is like this SQL pattern")
    parser.add_argument("--dry-run", action="store_true", help="only list them")
    args = parser.parse_args(argv)
    state = args.state.resolve()
    try:
        check_state(state)
    except FileNotFoundError as error:
        sys.stderr.write(f"retry_rejects: {error}\n")
        return EXIT_HOPELESS
    letters = dead_letters(state, args.merchant, args.like)
    for row in letters:
        print(f"{row['attempts']:>3} x {row['key']}  {row['detail']}")
    if letters and not args.dry_run:
        plan_again(state, letters)
    print(f"{len(letters):,} failed units {'wait' if args.dry_run else 'are planned again'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
