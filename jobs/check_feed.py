"""Looks at a feed before a night does: its columns, a mapping, what would be rejected and why, and one product.

`python -m jobs.check_feed --config night.toml [--merchant ID]` checks the feeds of a configuration;
`python -m jobs.check_feed --feed FILE` proposes a mapping for a file that nobody has described yet. Only the first
rows are read; nothing is written. Exit status 1 when a feed would be set aside.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pyspark.sql import functions as F

from infra.settings import ConfigError, data_root, load_config
from infra.spark import spark_session
from jobs.catalog.head import Head, read_head, sniff
from jobs.catalog.mapping import map_fields, prepare, ready_mapping
from jobs.catalog.normalise import normalise
from jobs.catalog.propose import Proposal, as_toml, image_folder, picture_names, propose
from jobs.catalog.reasons import meaning, severity
from jobs.catalog.staging import feed_rules
from jobs.feeds import REASONS, FeedError, read_feed
from jobs.feeds.columns import unique_names
from jobs.images import local_name, locate_image
from schemas.config import Engines, Ingest, Merchant
from schemas.feed_config import ProductFeed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = 1000
WIDTH = 100
COLUMNS_SHOWN = 24


@dataclass
class Found:
    """One reason: how many rows, the first of them, and its value."""

    count: int = 0
    line: int = 0
    example: str = ""


@dataclass
class Check:
    """What a feed's first rows would become."""

    read: int
    kept: int = 0
    products: list[dict[str, Any]] = field(default_factory=list)
    reasons: dict[str, Found] = field(default_factory=dict)

    def add(self, code: str, line: int, example: str) -> None:
        """Counts one finding."""
        found = self.reasons.setdefault(code, Found())
        if not found.count:
            found.line, found.example = line, example
        found.count += 1


def _rows(spark: SparkSession, merchant: Merchant, head: Head, root: Path, folder: Path) -> DataFrame:
    """The head as the night's reader would give it, with `row` as its place in the head, from 1."""
    if merchant.feed.join:
        # Joined files are read whole; what they add to these rows cannot be known from their beginnings.
        return read_feed(spark, merchant.feed, root).where(F.col("broken").isNull()).limit(len(head.records))
    names = dict(zip(head.columns, unique_names(head.columns), strict=True))
    lines = (
        json.dumps({ours: record.get(name) for name, ours in names.items()} | {"row": n})
        for n, record in enumerate(head.records, start=1)
    )
    (folder / "head.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = spark.read.json(str(folder / "head.jsonl"))
    nothing = F.lit(None).cast("string")
    return rows.select(*(F.col(f"`{name}`") for name in names.values()), "row").withColumns(
        {"file": F.lit(head.name), "broken": nothing, "record": nothing}
    )


def check_rows(spark: SparkSession, merchant: Merchant, head: Head, root: Path, folder: Path) -> Check:
    """The first rows through the same mapping and normalisation as the night's."""
    feed = merchant.feed
    rows, columns = map_fields(prepare(_rows(spark, merchant, head, root, folder), feed), feed)
    rules = feed_rules(merchant, dt.datetime.now(dt.UTC).date(), columns, rows.columns)
    check = Check(read=len(head.records) + len(head.broken))
    for line, code, raw in head.broken:
        check.add(code, line, raw)
    seen: dict[str, dict[str, Any]] = {}
    for batch in rows.toArrow().combine_chunks().to_batches():
        for row in normalise(batch, rules).to_pylist():
            check.kept += 1
            line = row["row"] if feed.join else head.lines[row["row"] - 1]
            if row["reason"]:
                check.add(row["reason"], line, row["detail"] or "")
                continue
            earlier = seen.setdefault(row["sku"], row)
            if earlier is not row:
                same = all(earlier[name] == row[name] for name in row if name != "row")
                check.add("sku_repeated" if same else "sku_conflicting", line, row["sku"])
                continue
            for note in row["notes"]:
                check.add(note["code"], line, note["detail"])
            prefixes = [(rule.prefix, rule.path) for rule in feed.image_paths]
            name = local_name(row["image"], prefixes) if row["image"] else None
            located = locate_image(root / feed.image_root, name)
            if located.image_reason:
                check.add(located.image_reason, line, located.image_detail or "")
            check.products.append(row | {"image_uri": located.image_uri})
    return check


def shown_columns(head: Head) -> str:
    """A line for each column: how full it is, how many values it has, and the first two."""
    width = min(28, max(len(name) for name in head.columns))
    out = []
    for name in head.columns[:COLUMNS_SHOWN]:
        values = [record.get(name) for record in head.records]
        texts = [str(value) for value in values if value not in (None, "", [], {})]
        full = f"{len(texts) / len(values):>4.0%}" if values else "   –"
        examples = " | ".join(" ".join(text.split())[:40] for text in dict.fromkeys(texts[:50]))
        out.append(
            f"  {name[:width]:<{width}} {full} {len(set(texts)):>6}  {_cut(examples, WIDTH - width - 16)}"
        )
    if len(head.columns) > COLUMNS_SHOWN:
        out.append(f"  and {len(head.columns) - COLUMNS_SHOWN} more")
    return f"  {'':<{width}} full values  first\n" + "\n".join(out)


def shown_reasons(check: Check) -> str:
    """What would be rejected or noted: rows, first line, example, and what to do."""
    if not check.reasons:
        return "  Nothing to say: every row is a product as it stands."
    out = []
    rank = {"feed": 0, "row": 1, "note": 2}
    words = {"feed": "feed refused", "row": "row rejected", "note": "note"}
    for code, found in sorted(
        check.reasons.items(), key=lambda item: (rank[severity(item[0])], -item[1].count)
    ):
        out.append(
            f"  {words[severity(code)]:<13}{code:<28}{found.count:>6} rows, first in line {found.line}"
        )
        said = meaning(code) or REASONS.get(code, "")
        out += [f"  {'':<13}{said}"] if said else []
        out += [f"  {'':<13}for example: {_cut(found.example, WIDTH - 28)}"] if found.example else []
    return "\n".join(out)


def shown_product(product: dict[str, Any]) -> str:
    """One product as its row in `products` would be."""
    money = f"{product['price_minor']} minor units {product['currency']}"
    if product["sale_price_minor"]:
        money += f", tonight {product['sale_price_minor']}"
    facts = "; ".join(
        f"{f['name']}: {f['value']} {f['unit']}".strip() + f" ({f['source_field']})" for f in product["facts"]
    )
    shown = {
        "sku": product["sku"] + (f"  (variant of {product['parent_sku']})" if product["parent_sku"] else ""),
        "title": product["title"],
        "description": product["description"],
        "category": f"{product['category']}  ->  {product['taxonomy']}",
        "brand": product["brand"],
        "price": money,
        "availability": product["availability"],
        "condition": product["condition"],
        "gtin": product["gtin"],
        "language": product["language"],
        "tags": ", ".join(product["tags"]),
        "facts": facts,
        "reviews": f"{product['rating_mean']} of {product['rating_count']}"
        if product["rating_count"]
        else None,
        "image": product["image_uri"] or (f"{product['image']}  (not found)" if product["image"] else None),
    }
    return "\n".join(f"  {name:<13}{_cut(str(value), WIDTH - 15)}" for name, value in shown.items() if value)


def verdict(check: Check, head: Head, limits: Ingest) -> tuple[bool, str]:
    """(whether the feed would be taken, one sentence)."""
    rejected = sum(found.count for code, found in check.reasons.items() if severity(code) in {"row", "feed"})
    notes = sum(found.count for code, found in check.reasons.items() if severity(code) == "note")
    other = check.read - len(head.broken) - check.kept
    text = f"{check.read:,} rows -> {len(check.products):,} products, {rejected:,} rejected, {notes:,} notes"
    text += f"; {other:,} rows are no products by the mapping (pictures, parents, drafts)" if other else ""
    share = rejected / max(1, check.read - other)
    if share > limits.max_reject_share:
        return False, (
            f"{text}\n  The feed would be SET ASIDE: {share:.0%} of its rows rejected, "
            f"at most {limits.max_reject_share:.0%} is taken (ingest.max_reject_share)."
        )
    if not check.products:
        return False, f"{text}\n  The feed would be SET ASIDE: no row is a product."
    return True, text


def _cut(text: str, width: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _richest(products: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The product of the first fifty that has most to show."""
    return max(products[:50], key=lambda product: sum(bool(value) for value in product.values()))


def report(
    spark: SparkSession, merchant: Merchant, root: Path, limits: Ingest, rows: int, proposal: Proposal | None
) -> bool:
    """Writes what there is to say of one feed; whether it would be taken."""
    feed, say = merchant.feed, sys.stdout.write
    head = read_head(feed, root, rows)
    with tempfile.TemporaryDirectory() as folder:
        say(f"\n{head.name}: {feed.format}, ")
        say(
            f"all {len(head.records) + len(head.broken):,} rows\n"
            if head.whole
            else f"the first {rows:,} rows\n"
        )
        say(f"\nCOLUMNS\n{shown_columns(head)}\n")
        if proposal:
            say("\nMAPPING, proposed: paste it below [[merchants]] and correct what is wrong\n")
            for remark in proposal.remarks:
                say(textwrap.fill(remark, WIDTH, initial_indent="  # ", subsequent_indent="  # ") + "\n")
            names = ("path", "format", "delimiter", "quote", "encoding", "image_root")
            given = {name: value for name in names if (value := getattr(feed, name)) not in {None, "", '"'}}
            say("".join(f"  {line}".rstrip() + "\n" for line in as_toml(given, proposal).splitlines()))
        else:
            ready = (
                f'mapping = "{feed.mapping}": {ready_mapping(feed.mapping).about}'
                if feed.mapping
                else "fields"
            )
            say(f"\nMAPPING of merchant {merchant.id}: {ready}\n")
            say("".join(f"  {ours:<13}{_cut(text, WIDTH - 15)}\n" for ours, text in feed.fields.items()))
        try:
            check = check_rows(spark, merchant, head, root, Path(folder))
        except FeedError as error:
            say(f"\nThe feed would be SET ASIDE ({error.reason}): {error}\n")
            return False
    taken, sentence = verdict(check, head, limits)
    say(f"\nWHAT WOULD HAPPEN\n  {sentence}\n{shown_reasons(check)}\n")
    if check.products:
        say(f"\nONE PRODUCT\n{shown_product(_richest(check.products))}\n")
    return taken


@contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """The JVM's start-up lines go to a file; they are shown when it does not start."""
    kept, log = os.dup(2), folder / "engine.log"
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        except Exception:
            os.write(kept, log.read_bytes())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _stranger(path: Path, currency: str) -> tuple[Merchant, Path, Proposal]:
    """A merchant made up around a file, the folder it lies in, and the mapping proposed for it."""
    if not path.is_file():
        raise ConfigError(f"--feed {path}: there is no such file")
    root = path.resolve().parent
    file = sniff(path.resolve(), root)
    head = read_head(file, root, ROWS)
    proposal = propose(head)
    settings = file.model_dump(exclude_unset=True)
    fields = (
        {"sku": "NULL", "title": "NULL", "price": "NULL", **proposal.fields} if not proposal.mapping else {}
    )
    pictures, remark = image_folder(root, picture_names(proposal, head))
    proposal.remarks += [remark] if remark else []
    feed = ProductFeed.model_validate(
        {**settings, "mapping": proposal.mapping, "fields": fields, "image_root": pictures}
    )
    merchant = Merchant(id="new_shop", name="New shop", segment_sources=(), currency=currency, feed=feed)
    return merchant, root, proposal


def main(argv: Sequence[str] | None = None) -> int:
    """Checks; 0 when every feed would be taken, 1 when one would be set aside, 2 when it cannot be asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", type=Path, help="TOML file of the night")
    which.add_argument("--feed", type=Path, help="a file, to propose a mapping for")
    parser.add_argument("--merchant", help="only this merchant of the configuration")
    parser.add_argument("--currency", default="EUR", help="with --feed: where prices name none (EUR)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows to read ({ROWS})")
    parser.add_argument(
        "--state", type=Path, default=Path(os.environ.get("STATE") or "var"), help="as for a night"
    )
    args = parser.parse_args(argv)
    started = time.perf_counter()
    limits, proposal = Ingest(), None
    try:
        if args.feed:
            merchant, root, proposal = _stranger(args.feed, args.currency)
            merchants: Sequence[Merchant] = [merchant]
        else:
            config = load_config(args.config)
            limits, root = config.ingest, data_root(config, args.state.resolve())
            merchants = [m for m in config.merchants if args.merchant in (None, m.id)]
            if not merchants:
                known = ", ".join(m.id for m in config.merchants)
                raise ConfigError(f"--merchant {args.merchant}: not in the configuration; known: {known}")
    except (ConfigError, FeedError, ValidationError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    scratch = Path(tempfile.mkdtemp(prefix="check_feed_"))
    taken = True
    try:
        with _quiet(scratch):
            spark = spark_session(Engines(cores=2, spark_memory="1g"), scratch)
            for merchant in merchants:
                try:
                    taken &= report(spark, merchant, root, limits, args.rows, proposal)
                except FeedError as error:
                    sys.stdout.write(
                        f"\n{merchant.feed.path}: would be SET ASIDE ({error.reason}): {error}\n"
                    )
                    taken = False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sys.stdout.write(f"\n{time.perf_counter() - started:.1f} s\n")
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
