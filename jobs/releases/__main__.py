"""What is live, what was, and how to change it. Every change adds a row to `releases` with who, when and why.

python -m jobs.releases list
python -m jobs.releases rollback --why "wrong prices in the headline"
python -m jobs.releases publish 20261119-8d575c83 --why "the campaign starts early"
python -m jobs.releases diff 20261120-1c2d3e4f latest
python -m jobs.releases recall --sku everyday/EV-1001 --why "the maker asked for it"
python -m jobs.releases verify
python -m jobs.releases vacuum --keep 7
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.live_pointer import name_live
from infra.object_store import open_store
from infra.releases import all_releases, assets_release_id, live_release, read_release
from infra.settings import ConfigError, load_config
from infra.stage import EXIT_FAILED, EXIT_HOPELESS, StageError
from infra.tables import check_state
from jobs import build_drops
from jobs.releases.change import Order, check_whole, make_live, release_before
from jobs.releases.check import verify
from jobs.releases.diff import diff, differences, page, summary
from jobs.releases.recall import recall
from jobs.releases.vacuum import plan_vacuum, vacuum
from jobs.report.standing import tell_again

KINDS = {
    "image": "SHA-256 of a source picture",
    "model": "revision of a scene backend (scene_revision)",
    "segment": "segment_id",
    "sku": "merchant_id/sku",
    "asset": "asset_id",
}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, default=Path(os.environ.get("STATE") or "var"))
    common.add_argument("--config", type=Path, default=Path("infra/config/local.toml"))
    signed = argparse.ArgumentParser(add_help=False)
    signed.add_argument("--why", required=True, help="the reason, kept with the release")
    signed.add_argument("--who", default=getpass.getuser(), help="default: the user of this machine")
    parser = argparse.ArgumentParser(
        prog="python -m jobs.releases",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", parents=[common], help="all releases, the live one marked")
    to = commands.add_parser(
        "rollback", parents=[common, signed], help="what was live before, or a named one"
    )
    to.add_argument("release", nargs="?", help="default: what was live before")
    publish = commands.add_parser(
        "publish", parents=[common, signed], help="makes a release live, any night's"
    )
    publish.add_argument("release")
    two = commands.add_parser("diff", parents=[common], help="added, removed and changed pictures, and why")
    two.add_argument("older")
    two.add_argument("newer", nargs="?", default="latest")
    withdraw = commands.add_parser(
        "recall", parents=[common, signed], help="withdraws all that was made from it"
    )
    what = withdraw.add_mutually_exclusive_group(required=True)
    for kind, meaning in KINDS.items():
        what.add_argument(f"--{kind}", help=meaning)
    check = commands.add_parser("verify", parents=[common], help="every object present, every hash right")
    check.add_argument("release", nargs="?", default="latest")
    free = commands.add_parser("vacuum", parents=[common], help="frees what no kept release needs")
    free.add_argument("--keep", type=int, required=True, help="how many releases stay besides the live one")
    free.add_argument("--dry-run", action="store_true", help="only say what would go")
    return parser.parse_args(argv)


def _list(args: argparse.Namespace) -> int:
    live = live_release(args.state)
    for row in all_releases(args.state):
        mark = "live" if live and row["release_id"] == live["release_id"] else row["status"]
        made = f"{row['created_at']:%Y-%m-%d %H:%M}"
        print(
            f"{row['sequence']:>4}  {row['release_id']:24} {mark:10} {row['action'] or 'night':8} "
            f"{row['asset_count']:>8,} pictures  {made}  {row['created_by']}: {row['comment']}"
        )
    return 0


def _make_live(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    order = Order(args.state, config.engines, args.who, args.why)
    target = read_release(args.state, args.release) if args.release else release_before(args.state)
    before = read_release(args.state).row
    row = make_live(order, target, args.command)
    name_live(open_store(config.store, args.state), args.state)
    tell_again(args.state, min(before["run_date"], row["run_date"]))
    print(
        f"live: {row['release_id']} ({row['asset_count']:,} pictures), before: {row['previous_release_id']}"
    )
    # Drops lie by release and stay, so what is live again has its own; only what was recalled from it takes them.
    content, drops = assets_release_id(row), args.state / "drops"
    merchants = [counts["merchant_id"] for counts in row["merchants"]]
    if all((drops / merchant / f"{content}.zip").exists() for merchant in merchants):
        print(f"its drops: {drops}/<merchant>/{content}.zip")
    else:
        print(
            f"its drops are not all there; make them by: python -m jobs.build_drops --run-date {row['run_date']} "
            f"--config {args.config} --state {args.state}"
        )
    return 0


def _diff(args: argparse.Namespace) -> int:
    older, newer = read_release(args.state, args.older), read_release(args.state, args.newer)
    store = open_store(load_config(args.config).store, args.state)
    for release in (older, newer):
        check_whole(release)
    rows = diff(older, newer)
    for merchant, change, reason, n in summary(rows):
        print(f"{merchant:24} {change:8} {reason:24} {n:>8,}")
    folder = args.state / "reports" / "diffs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{older.row['release_id']}..{newer.row['release_id']}.html"
    path.write_text(page(older, newer, rows, folder, store), encoding="utf-8")
    print(f"{differences(rows)}: {path}")
    return 0


def _recall(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    kind = next(kind for kind in KINDS if getattr(args, kind))
    order = Order(args.state, config.engines, args.who, args.why)
    row, listed = recall(order, kind, getattr(args, kind), open_store(config.store, args.state))
    live = read_release(args.state).row
    tell_again(args.state, live["run_date"])
    pictures = f"{row['assets']:,} picture{'' if row['assets'] == 1 else 's'}"
    print(f"recalled: {pictures} left the live release, which is now {live['release_id']}")
    print(f"what had been distributed: {listed}")
    if live["action"] == "recall":  # also when an earlier attempt got no further than the release
        night = [f"--run-date={live['run_date']}", f"--config={args.config}", f"--state={args.state}"]
        build_drops.main(night)
        print(f"drops: {args.state / 'drops'}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    release = read_release(args.state, args.release)
    wrong = 0
    for asset, what in verify(release, open_store(load_config(args.config).store, args.state)):
        wrong += 1
        print(f"{what}: {asset['uri']} ({asset['merchant_id']}/{asset['sku']}, asset {asset['asset_id']})")
    print(f"{release.row['release_id']}: {release.row['asset_count']:,} pictures, {wrong:,} faults")
    return 1 if wrong else 0


def _vacuum(args: argparse.Namespace) -> int:
    if args.keep < 1:
        raise StageError(f"--keep {args.keep}: at least one release stays")
    plan = plan_vacuum(args.state, args.keep)
    print(f"kept: {', '.join(row['release_id'] for row in plan.kept)}")
    print(
        f"assets of {len(plan.asset_partitions):,} releases, {len(plan.candidates):,} pictures and up to "
        f"{len(plan.uncommitted):,} that a killed night left without a row can go"
    )
    if not args.dry_run:
        removed = vacuum(args.state, plan, open_store(load_config(args.config).store, args.state))
        print(f"removed: {removed:,} objects and table files")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it went well."""
    args = _parse(argv)
    args.state = args.state.resolve()
    commands = {
        "list": _list, "rollback": _make_live, "publish": _make_live, "diff": _diff,
        "recall": _recall, "verify": _verify, "vacuum": _vacuum,
    }  # fmt: skip
    try:
        check_state(args.state)
        return commands[args.command](args)
    except (StageError, ConfigError, FileNotFoundError, KeyError) as error:
        sys.stderr.write(f"{args.command}: {error.args[0]}\n")
        return EXIT_HOPELESS
    except Exception as error:  # the store refused, a disk is full, others committed at the same moment
        sys.stderr.write(
            f"{args.command} stopped: {type(error).__name__}: {error}; mend that and give the same command again: "
            "it goes on where it stopped\n"
        )
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
