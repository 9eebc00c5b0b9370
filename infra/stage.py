"""The shell around every stage: arguments, logging, progress, counts, and one record a run.

`python -m infra.stage MODULE... --run-date D --config C` runs several stages in one process, so that a small night
starts each engine once. It skips a stage that this night has done already (a retried task goes on where it
stopped) and one whose code, configuration and inputs are those of its last run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import logging
import os
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from infra.expectations import check_written, refusal
from infra.fingerprint import stage_fingerprint, versions
from infra.memory import PeakMemory, sampled
from infra.object_store import ObjectStore, open_store
from infra.processes import InUse, deaths, end_with_parent, held
from infra.records import read_record, record_path, report_dir, write_record
from infra.settings import ConfigError, data_root, load_config, night_date
from infra.tables import ensure_tables, night_predicate, replace_streamed, row_batches
from schemas.config import Config, Merchant

T = TypeVar("T")

REJECT_RECORD_MAX_CHARS = 2000
EXIT_FAILED = 1
EXIT_HOPELESS = 2
"""Exit status when the input or the configuration is at fault: trying again would fail again (as argparse)."""


class StageError(RuntimeError):
    """A stage stops here; the message says what was wrong, where, and what to do."""


@dataclass
class Funnel:
    """Counts of one merchant in one stage."""

    rows_in: int = 0
    rows_out: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)


@dataclass
class Stage:
    """One run of one stage: what it was asked to do, and what it counted."""

    name: str
    run_date: dt.date
    config: Config
    config_path: Path
    state: Path
    merchants: tuple[Merchant, ...]
    limit: int | None
    shard: tuple[int, int]
    only_some_merchants: bool
    log: logging.Logger
    funnel: dict[str, Funnel] = field(default_factory=lambda: defaultdict(Funnel))
    to_try_again: int = 0
    """Units that failed and that the same command, given again, tries again: the stage is not skipped then."""

    @property
    def selected(self) -> list[str]:
        """Merchant ids named with --merchants; empty when the night is for all of them."""
        return [merchant.id for merchant in self.merchants] if self.only_some_merchants else []

    @property
    def data_root(self) -> Path:
        """The folder that feeds are read from."""
        return data_root(self.config, self.state)

    @property
    def store(self) -> ObjectStore:
        """The object store of the configuration."""
        return open_store(self.config.store, self.state)

    @property
    def report_dir(self) -> Path:
        """STATE/reports/<run date>: records, logs, the gate's pages and the night's page."""
        return report_dir(self.state, self.run_date)

    @property
    def tonight(self) -> str:
        """SQL predicate of the rows that this run replaces in a table with run_date and merchant_id."""
        return night_predicate(self.run_date, self.selected)

    def count(self, merchant_id: str, *, rows_in: int = 0, rows_out: int = 0, **set_aside: int) -> None:
        """Adds to the funnel that the report shows; `set_aside` is reason code = number."""
        funnel = self.funnel[merchant_id]
        funnel.rows_in += rows_in
        funnel.rows_out += rows_out
        funnel.set_aside.update(set_aside)

    def limited(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of the first `limit` products of each merchant, by SKU; all rows without a limit."""
        rows = list(rows)
        if self.limit is None:
            return rows
        skus: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            skus[row["merchant_id"]].add(row["sku"])
        kept = {merchant_id: set(sorted(some)[: self.limit]) for merchant_id, some in skus.items()}
        return [row for row in rows if row["sku"] in kept[row["merchant_id"]]]

    def progress(self, items: Iterable[T] | None = None, *, total: int | None, unit: str) -> tqdm[T]:
        """A progress bar over `items`, or one to be updated by hand; shown on a terminal only."""
        return tqdm(items, total=total, unit=unit, desc=self.name, disable=None, mininterval=0.5)

    def write_rejects(self, rows: Iterable[dict[str, Any]]) -> None:
        """Replaces this stage's rejects of tonight: key, reason and detail, if known merchant_id, sku and record."""
        own = {"run_date": self.run_date, "stage": self.name, "shard": self.shard[0]}
        rejects = (
            {"merchant_id": None, "sku": None, "attempts": None, **row, **own}
            | {"record": (row.get("record") or "")[:REJECT_RECORD_MAX_CHARS] or None}
            for row in rows
        )
        mine = night_predicate(self.run_date, self.selected, stage=self.name)
        if self.shard[1] > 1:
            mine += f" AND shard = {self.shard[0]}"
        replace_streamed(self.state, "rejects", row_batches("rejects", rejects), mine)


def _shard(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    try:
        shard = (int(index), int(count))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not INDEX/COUNT, for instance 0/4") from None
    if not 0 <= shard[0] < shard[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: the index runs from 0 to count - 1")
    return shard


def argument_parser(doc: str) -> argparse.ArgumentParser:
    """The options that every stage takes."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--run-date", type=night_date, required=True, help="the night, YYYY-MM-DD")
    parser.add_argument(
        "--config", type=Path, default=Path("infra/config/local.toml"), help="TOML file of the night"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(os.environ.get("STATE") or "var"),
        help="folder of tables, store, reports",
    )
    parser.add_argument("--merchants", default="", help="only these merchants, comma-separated")
    parser.add_argument(
        "--limit", type=int, default=None, help="only the first N products of each merchant, by SKU"
    )
    parser.add_argument(
        "--shard", type=_shard, default=(0, 1), help="INDEX/COUNT: this process's part of the products"
    )
    return parser


def _selected(config: Config, names: str) -> tuple[Merchant, ...]:
    if not names:
        return config.merchants
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {merchant.id: merchant for merchant in config.merchants}
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(
            f"--merchants: {', '.join(unknown)} not in the configuration; known: {', '.join(known)}"
        )
    return tuple(known[name] for name in wanted)


@contextmanager
def stage_run(name: str, doc: str | None, argv: Sequence[str] | None) -> Iterator[Stage]:
    """Parses, logs, counts and records one run of a stage; the body reads, calls and writes.

    Any error ends the process after "stage X failed: why" on stderr, with EXIT_HOPELESS for a StageError or
    ConfigError and EXIT_FAILED otherwise; the traceback is in the log. So does the same stage of the same state in
    another process: a table has one writer.
    """
    args = argument_parser(doc or name).parse_args(argv)
    try:
        config = load_config(args.config)
        merchants = _selected(config, args.merchants)
    except ConfigError as error:
        sys.stderr.write(f"stage {name} failed: {error}\n")
        sys.exit(EXIT_HOPELESS)
    state: Path = args.state.resolve()
    lock = state / "tmp" / "locks" / record_path(state, args.run_date, name, args.shard).stem
    try:
        with held(lock, f"stage {name} of {args.run_date}"):
            yield from _recorded(name, args, config, merchants, state)
    except InUse as other:
        sys.stderr.write(f"stage {name} failed: {other} works on {state}: wait until it ends, or stop it\n")
        sys.exit(EXIT_FAILED)
    except (
        OSError
    ) as error:  # of lock or record: a full disk, most likely; what the stage itself meets is recorded
        sys.stderr.write(
            f"stage {name} failed: its record could not be written: {error}: make room, then give the same command "
            "again\n"
        )
        sys.exit(EXIT_FAILED)


def _recorded(
    name: str, args: argparse.Namespace, config: Config, merchants: tuple[Merchant, ...], state: Path
) -> Iterator[Stage]:
    stage = Stage(
        name=name,
        run_date=args.run_date,
        config=config,
        config_path=args.config,
        state=state,
        merchants=merchants,
        limit=args.limit,
        shard=args.shard,
        only_some_merchants=bool(args.merchants),
        log=logging.getLogger(name),
    )
    path = record_path(state, stage.run_date, name, args.shard)
    log_path = path.parent.parent / "logs" / f"{path.stem}.log"
    handlers = _log_to(log_path, stage)
    record: dict[str, Any] = {
        "stage": name,
        "status": "running",
        "pid": os.getpid(),
        "night_id": os.environ.get("HUNDREDFACES_NIGHT_ID"),
        "started_at": dt.datetime.now(dt.UTC).isoformat(),
        "log": str(log_path),
        "shard": f"{args.shard[0]}/{args.shard[1]}",
    }
    previous = read_record(path) or {}
    earlier_runs = previous.get("runs", []) if record["night_id"] and _same_night(previous, record) else []
    write_record(path, record)
    started = time.perf_counter()
    memory = PeakMemory()
    try:
        with sampled(memory.look):
            ensure_tables(state)
            yield stage
            record["expectations"] = check_written(state, name, stage.run_date)
            if broken := refusal(record["expectations"]):
                raise StageError(broken)
        record["status"] = "done"
    except (Exception, KeyboardInterrupt) as error:
        died = deaths()
        expected = isinstance(error, StageError | ConfigError) and not died
        told = f"{error}" if expected else f"{type(error).__name__}: {error}"
        record |= {"status": "failed", "error": died or told}
        stage.log.error("%s", record["error"] if expected else traceback.format_exc())
        sys.stderr.write(f"stage {name} failed: {record['error']} (log: {log_path})\n")
        sys.exit(EXIT_HOPELESS if expected else EXIT_FAILED)
    finally:
        record |= {
            "wall_s": round(time.perf_counter() - started, 2),
            "peak_rss_mb": memory.peak_mb,
            "to_try_again": stage.to_try_again,
            **_totals(stage.funnel),
        }
        this_run = {key: record[key] for key in ("started_at", "wall_s", "rows_in", "rows_out", "set_aside")}
        record["runs"] = [*earlier_runs, this_run]
        write_record(path, record)
        if record["status"] == "done":
            stage.log.info("done in %.1f s: %s", record["wall_s"], _sentence(record))
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


def _same_night(previous: dict[str, Any], record: dict[str, Any]) -> bool:
    return bool(previous.get("night_id") == record["night_id"])


def _totals(funnel: dict[str, Funnel]) -> dict[str, Any]:
    return {
        "rows_in": sum(f.rows_in for f in funnel.values()),
        "rows_out": sum(f.rows_out for f in funnel.values()),
        "set_aside": sum(f.set_aside.total() for f in funnel.values()),
        "funnel": {
            name: {
                "rows_in": f.rows_in,
                "rows_out": f.rows_out,
                "set_aside": dict(sorted(f.set_aside.items())),
            }
            for name, f in sorted(funnel.items())
        },
    }


def _sentence(record: dict[str, Any]) -> str:
    return f"{record['rows_in']} in, {record['rows_out']} out, {record['set_aside']} set aside"


def _log_to(path: Path, stage: Stage) -> list[logging.Handler]:
    path.parent.mkdir(parents=True, exist_ok=True)
    line = logging.Formatter(f"%(asctime)s {stage.run_date} {stage.name} %(levelname)s %(message)s")
    handlers: list[logging.Handler] = [logging.FileHandler(path, mode="a"), logging.StreamHandler(sys.stderr)]
    for handler in handlers:
        handler.setFormatter(line)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    return handlers


def _run_or_skip(module_name: str, argv: list[str], args: argparse.Namespace) -> int | None:
    """Runs one stage unless it is done in this night or unchanged since its last run; its rows out, None if skipped.

    Repeated stages are not skipped for being done: what they have made they do not make again.
    """
    state = args.state.resolve()
    path = record_path(state, args.run_date, module_name, args.shard)
    previous = read_record(path)
    module = importlib.import_module(module_name)
    night_id = os.environ.get("HUNDREDFACES_NIGHT_ID")
    fingerprint = stage_fingerprint(module, args, state)
    if previous and not args.force and previous["status"] in {"done", "unchanged"}:
        same_night = not args.repeat and night_id is not None and previous.get("night_id") == night_id
        unchanged = (
            getattr(module, "SKIPPED_WHEN_UNCHANGED", True)
            and not previous.get("to_try_again")
            and previous.get("fingerprint") == fingerprint
            and previous.get("outputs") == versions(state, module.OUTPUTS)
            and all(Path(artifact).exists() for artifact in previous.get("artifacts", []))
        )
        if same_night or unchanged:
            if previous.get("night_id") != night_id:
                write_record(path, previous | {"status": "unchanged", "night_id": night_id})
            sys.stderr.write(
                f"stage {module_name}: {'done in this night' if same_night else 'unchanged'}, skipped\n"
            )
            return None
    artifacts = module.main(argv) or []
    # Taken again: a stage may append to one of its own inputs.
    record = read_record(path) or {}
    record |= {
        "fingerprint": stage_fingerprint(module, args, state),
        "outputs": versions(state, module.OUTPUTS),
        "artifacts": [str(artifact) for artifact in artifacts],
    }
    write_record(path, record)
    return int(record.get("rows_out", 0))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the named stages one after the other; 0 when all ended well."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument(
        "modules", nargs="+", metavar="MODULE", help="stages in order, for instance jobs.ingest_catalog"
    )
    parser.add_argument("--force", action="store_true", help="run stages even when nothing changed")
    parser.add_argument(
        "--repeat",
        action="store_true",
        help="repeat the stages while there is work for them (quality.max_attempts times)",
    )
    if os.environ.get("HUNDREDFACES_NIGHT_ID") and argv is None:
        end_with_parent()
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(arguments)
    passed_on = [f"--run-date={args.run_date}", f"--config={args.config}", f"--state={args.state}"]
    passed_on += [f"--merchants={args.merchants}", f"--shard={args.shard[0]}/{args.shard[1]}"]
    if args.limit is not None:
        passed_on.append(f"--limit={args.limit}")
    try:
        rounds = load_config(args.config).quality.max_attempts
    except ConfigError as error:
        sys.stderr.write(f"stage {args.modules[0]} failed: {error}\n")
        sys.exit(EXIT_HOPELESS)
    for _ in range(rounds if args.repeat else 1):
        rows_out = [_run_or_skip(module, passed_on, args) for module in args.modules]
        # After a kill the first may be done already and the second not: what that finds is work for the next round.
        if not rows_out[0] and all(rows is None for rows in rows_out[1:]):
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
