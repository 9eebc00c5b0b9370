"""How the ingest stage grows with a feed: rows a second, memory, and the same beside a bare copy and DuckDB.

    python -m tests.benchmarks.ingest_scale --rows 10000 100000 1000000 --out tests/benchmarks/RESULTS.md

Each side is a process of its own with 2 cores. It starts its engine, takes a feed of 1,000 rows in two files, which
loads all code, and then the clock starts. Core-seconds stand beside the wall time, as they mean the same on a machine
that others use, too.

Memory is the sum of the greatest resident sizes of the driver, the JVM and each Python worker during the feed, by the
kernel's own mark, less the base. The engine's base is what the same processes hold while they are idle: a session of
these settings whose JVM has touched its whole heap, and two Python workers through which two rows went, unchanged; for
DuckDB an open connection. Our modules, vocabularies and buffers are not base. Beside it stands what is more than after
the 1,000 rows, when all of these but full buffers are there.

`copy` is a bare spark.read.csv and a Delta write of the columns as they are. `duckdb` does in SQL what SQL can do of
the normalisation: text without markup, prices in minor units, tags, categories, GTIN by its form, one row a SKU,
product_hash. It leaves out: bounded reading of hostile files, line numbers, rejects with record, entities and bidi
characters, money by currency, check digits, facts and units, language, taxonomy, spellings of brands, parents,
pictures, and Delta. With --stability: which product_hash changes when the same products come in another order,
encoding or format.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.process_usage import process_usage, resident_peaks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]
NIGHT = dt.date(2026, 11, 21)
WARM_ROWS = 1_000
STABLE_ROWS = 2_000
SIDES = ("ingest", "copy", "duckdb")
CONFIG = """
[paths]
data_root = "{root}"
[engines]
cores = 2
spark_memory = "2g"
quick_start = false
[engines.spark_conf]
"spark.driver.extraJavaOptions" = "{heap}"
[[segment_sources]]
id = "panel"
kind = "table"
segments = {{ path = "s.csv", format = "csv", fields = {{ segment_id = "id" }} }}
members = {{ path = "m.csv", format = "csv", fields = {{ user_id = "id" }} }}
[[merchants]]
id = "shop"
name = "Shop"
segment_sources = ["panel"]
currency = "EUR"
[merchants.feed]
path = "{path}"
format = "{format}"
image_root = "images"
[merchants.feed.fields]
sku = "id"
title = "title"
description = "description"
category = "category"
brand = "brand"
price = "price"
sale_price = "sale_price"
gtin = "gtin"
availability = "availability"
tags = "tags"
size = "size"
image = "image"
"""
HEAP = "-Xms2g -XX:+AlwaysPreTouch"
"""The heap is a budget of the configuration: taken and touched whole at the start, it is part of the base."""
COLUMNS = (
    "id", "title", "description", "category", "brand", "price", "sale_price", "gtin", "availability", "tags", "size",
    "image",
)  # fmt: skip
WORDS = [
    "steel", "cotton", "recycled", "light", "bottle", "jacket", "coffee", "organic", "kitchen",
    "garden", "running", "winter", "summer", "handle", "washable", "insulated", "ceramic", "wooden",
    "travel", "office", "children", "outdoor", "soft", "strong", "compact", "colour", "classic",
    "edition", "pocket", "lid",
]  # fmt: skip
CATEGORIES = [
    f"{a} > {b} > {c}" for a in ("Home", "Sport", "Food", "Office") for b in WORDS[:8] for c in WORDS[8:16]
]
BRANDS = [f"{a.title()} & {b.title()}" for a in WORDS[:12] for b in WORDS[12:24]]


def products(rows: int, seed: int = 7) -> Iterator[tuple[str, ...]]:
    """Made-up rows of a feed, in the order of COLUMNS: HTML descriptions, prices with currency, GTINs, tags."""
    draw = random.Random(seed)
    for i in range(rows):
        words = draw.choices(WORDS, k=70)
        items = "".join(f"<li>{word} {words[-1 - n]}</li>" for n, word in enumerate(words[40:46]))
        body = f"<p>{' '.join(words[6:40])} &amp; more.</p><ul>{items}</ul><p>{' '.join(words[46:])}.</p>"
        cents = draw.randrange(199, 99_999)
        digits = f"40{i:010d}"
        check = -sum(int(d) * (1, 3)[n % 2] for n, d in enumerate(digits)) % 10
        price = f"{cents / 100:.2f} EUR" if i % 3 else f"{cents // 100},{cents % 100:02d} €"
        sale = f"{cents / 125:.2f} EUR" if i % 5 == 0 else ""
        yield (
            f"SKU-{i:08d}", f"{words[0].title()} {words[1]} {words[2]} {i % 997}", body, draw.choice(CATEGORIES),
            draw.choice(BRANDS), price, sale, f"{digits}{check}", ("in stock", "out of stock")[i % 7 == 0],
            f"{words[3]},{words[4].upper()},{words[5]}", f"{draw.randrange(1, 30) * 50} ml", f"p{i % 50}.jpg",
        )  # fmt: skip


def write_csv(
    path: Path, rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]], encoding: str = "utf-8"
) -> None:
    """A feed as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def make_shop(root: Path, path: str = "feed.csv", format: str = "csv") -> Path:
    """The folder of a shop with 50 pictures and a configuration, without its feed; the configuration's path."""
    images = root / "images"
    images.mkdir(parents=True, exist_ok=True)
    for n in range(50):
        (images / f"p{n}.jpg").write_bytes(f"picture {n}".encode() * 100)
    config = root / "night.toml"
    config.write_text(CONFIG.format(root=root, path=path, format=format, heap=HEAP), encoding="utf-8")
    return config


def run_ingest(root: Path, state: Path) -> None:
    """The ingest stage, as a night runs it."""
    from jobs import ingest_catalog

    ingest_catalog.main([f"--run-date={NIGHT}", f"--config={root / 'night.toml'}", f"--state={state}"])


def session(state: Path) -> SparkSession:
    """Spark with the settings of CONFIG."""
    from infra.spark import spark_session
    from schemas.config import Engines

    conf = {"spark.driver.extraJavaOptions": HEAP}
    return spark_session(Engines(cores=2, spark_memory="2g", quick_start=False, spark_conf=conf), state)


def idle_spark(state: Path) -> None:
    """Starts Spark, and a Python worker for each core."""
    rows = session(state).createDataFrame([(1,), (2,)], "n int")
    assert len(rows.mapInArrow(lambda batches: batches, "n int").collect()) == 2


def idle_duckdb(_: Path) -> None:
    """Starts DuckDB."""
    import duckdb

    duckdb.connect().execute("SELECT 1")


def run_copy(root: Path, state: Path) -> None:
    """The same files read and written by Spark, nothing else."""
    rows = session(state).read.csv(str(root / "feed*.csv"), header=True, escape='"')
    rows.write.format("delta").mode("overwrite").save(str(state / "copy"))


DUCKDB = r"""
COPY (
  WITH text AS (
    SELECT id AS sku, price, sale_price, gtin, availability, image,
      trim(regexp_replace(title, '\s+', ' ', 'g')) AS title,
      trim(regexp_replace(replace(replace(regexp_replace(description, '<[^>]*>', ' ', 'g'),
        '&amp;', '&'), '&nbsp;', ' '), '\s+', ' ', 'g')) AS description,
      regexp_replace(category, '\s*>\s*', ' > ', 'g') AS category, trim(brand) AS brand,
      list_sort(list_distinct(list_transform(string_split(lower(tags), ','), lambda x: trim(x)))) AS tags,
      [{{'name': 'size', 'value': split_part(size, ' ', 1), 'unit': split_part(size, ' ', 2)}}] AS facts
    FROM read_csv('{feed}', header = true, all_varchar = true)
  ),
  money AS (
    SELECT *,
      CAST(round(TRY_CAST(replace(regexp_replace(price, '[^0-9.,]', '', 'g'), ',', '.') AS DOUBLE) * 100) AS BIGINT)
        AS price_minor,
      CAST(round(TRY_CAST(nullif(regexp_replace(sale_price, '[^0-9.]', '', 'g'), '') AS DOUBLE) * 100) AS BIGINT)
        AS sale_price_minor,
      CASE WHEN regexp_full_match(gtin, '\d{{8}}|\d{{12,14}}') THEN gtin END AS valid_gtin
    FROM text
  )
  SELECT *, sha256(concat_ws('|', title, description, category, brand, tags, facts)) AS product_hash
  FROM money WHERE price_minor > 0 AND length(title) > 0
  QUALIFY row_number() OVER (PARTITION BY sku) = 1
) TO '{out}' (FORMAT parquet)
"""


def run_duckdb(root: Path, state: Path) -> None:
    """What SQL can do of the normalisation, to one Parquet file."""
    import duckdb

    state.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    connection.execute(DUCKDB.format(feed=root / "feed*.csv", out=state / "products.parquet"))


def measure(side: str, rows: int, folder: Path) -> dict[str, Any]:
    """Seconds and MB of one side on one feed, in this process, after a warm-up."""
    run: Callable[[Path, Path], None] = {"ingest": run_ingest, "copy": run_copy, "duckdb": run_duckdb}[side]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        (idle_duckdb if side == "duckdb" else idle_spark)(Path(scratch) / "warm")
        with resident_peaks() as idle:
            time.sleep(1)
        run(folder / str(WARM_ROWS), Path(scratch) / "warm")
        with resident_peaks() as loaded, process_usage(os.getpid()) as base:
            time.sleep(1)
        started = time.perf_counter()
        with resident_peaks() as peak, process_usage(os.getpid()) as whole:
            run(folder / str(rows), Path(scratch) / "state")
        took = time.perf_counter() - started
        if side == "ingest":
            from infra.tables import query_tables

            (written,) = query_tables(
                Path(scratch) / "state", "SELECT count(*) AS n FROM products", "products"
            )
            assert written["n"] == rows, written
    return {
        "side": side,
        "rows": rows,
        "s": took,
        "cpu_s": whole.cpu_s - base.cpu_s,
        "base_mb": idle.peak_mb,
        "above_base_mb": peak.peak_mb - idle.peak_mb,
        "above_loaded_mb": peak.peak_mb - loaded.peak_mb,
    }


def _in_process(side: str, rows: int, folder: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.ingest_scale",
        "--measure",
        side,
        str(rows),
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    sys.stderr.write(f"{result}\n")
    return result


def slope(points: Sequence[tuple[int, float]]) -> float:
    """The exponent b of s = a * rows^b, by least squares in logarithms."""
    return statistics.linear_regression(
        [math.log(rows) for rows, _ in points], [math.log(s) for _, s in points]
    ).slope


def results_page(results: Sequence[dict[str, Any]], load: str) -> str:
    """The table for RESULTS.md."""
    by: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for result in results:
        by.setdefault((result["side"], result["rows"]), []).append(result)
    seconds = {key: statistics.median(r["s"] for r in found) for key, found in by.items()}
    cores = {key: statistics.median(r["cpu_s"] for r in found) for key, found in by.items()}
    above, above_loaded = (
        {key: statistics.median(r[name] for r in found) for key, found in by.items()}
        for name in ("above_base_mb", "above_loaded_mb")
    )
    sizes = sorted({rows for _, rows in by})
    lines = [
        "| side | rows | s, median (all) | rows a second | times the copy | core-s | times the copy "
        "| MB above base | above loaded | base MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (side, rows), found in by.items():
        every = ", ".join(f"{r['s']:.1f}" for r in found)
        s, core_s = seconds[side, rows], cores[side, rows]
        lines.append(
            f"| {side} | {rows:,} | {s:.1f} ({every}) | {rows / s:,.0f} | {s / seconds['copy', rows]:.2f} "
            f"| {core_s:.1f} | {core_s / cores['copy', rows]:.2f} "
            f"| {above[side, rows]:,} ({', '.join(str(r['above_base_mb']) for r in found)}) "
            f"| {above_loaded[side, rows]:,} | {statistics.median(r['base_mb'] for r in found):,} |"
        )
    lines.append("")
    for side in SIDES:
        points = [(rows, seconds[side, rows]) for rows in sizes if (side, rows) in seconds]
        if len(points) > 1:
            memory = above[side, sizes[-1]] / max(1, above[side, sizes[0]])
            lines.append(
                f"- {side}: slope of log time over log rows {slope(points):.2f}, over the last step "
                f"{slope(points[-2:]):.2f}; memory above the base at {sizes[-1]:,} rows {memory:.2f} times that at "
                f"{sizes[0]:,}"
            )
    return "\n".join([*lines, "", f"Load average of the machine meanwhile: {load}.", ""])


def stability(rows: int, folder: Path) -> str:
    """How many of `rows` products have another hash when they come in another order, encoding or format."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from infra.tables import read_table

    made = list(products(rows))
    turned = random.Random(1).sample(made, rows)
    records = [dict(zip(COLUMNS, row, strict=True)) for row in made]

    def as_xml(path: Path) -> None:
        from xml.sax.saxutils import escape

        items = ("".join(f"<{k}>{escape(v)}</{k}>" for k, v in record.items()) for record in records)
        path.write_text(
            f"<rss><channel>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>",
            encoding="utf-8",
        )

    changed = [row if i % 100 else (*row[:1], row[1] + " new", *row[2:]) for i, row in enumerate(made)]
    feeds: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "CSV, UTF-8": ("csv", lambda p: write_csv(p, made)),
        "rows in another order": ("csv", lambda p: write_csv(p, turned)),
        "UTF-16": ("csv", lambda p: write_csv(p, made, "utf-16")),
        "Windows-1252": ("csv", lambda p: write_csv(p, made, "cp1252")),
        "JSON lines": ("jsonl", lambda p: p.write_text("".join(json.dumps(r) + "\n" for r in records))),
        "JSON array": ("json", lambda p: p.write_text(json.dumps(records))),
        "XML": ("xml", as_xml),
        "Parquet": ("parquet", lambda p: pq.write_table(pa.Table.from_pylist(records), p)),
        "titles of 1 % changed": ("csv", lambda p: write_csv(p, changed)),
    }
    first: dict[str, str] = {}
    lines = ["| the same products as | another product_hash |", "|---|---:|"]
    for name, (format, write) in feeds.items():
        root = folder / f"stable-{len(lines)}"
        config = make_shop(root, f"feed.{format}", format)
        if name == "Windows-1252":
            config.write_text(
                config.read_text().replace(
                    'format = "csv"\nimage', 'format = "csv"\nencoding = "cp1252"\nimage'
                )
            )
        write(root / f"feed.{format}")
        run_ingest(root, folder / f"state-{len(lines)}")
        read = read_table(folder / f"state-{len(lines)}", "products", columns=["sku", "product_hash"])
        hashes = dict(zip(read["sku"].to_pylist(), read["product_hash"].to_pylist(), strict=True))
        first = first or hashes
        assert hashes.keys() == first.keys()
        lines.append(f"| {name} | {sum(hashes[sku] != first[sku] for sku in first):,} of {rows:,} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Makes the feeds, measures every side, and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--stability", action="store_true", help="only the stability of product_hash")
    parser.add_argument("--out", type=Path, help="file to append the tables to")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        side, rows, folder = args.measure
        sys.stdout.write(json.dumps(measure(side, int(rows), Path(folder))) + "\n")
        return
    command = " ".join(["python -m tests.benchmarks.ingest_scale", *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if args.stability:
            page = stability(STABLE_ROWS, folder)
        else:
            make_shop(folder / str(WARM_ROWS), "feed*.csv")
            warm = list(products(WARM_ROWS))
            for n in (0, 1):
                write_csv(folder / str(WARM_ROWS) / f"feed{n}.csv", warm[n::2])
            for rows in args.rows:
                make_shop(folder / str(rows))
                write_csv(folder / str(rows) / "feed.csv", products(rows))
            results = [
                _in_process(side, rows, folder)
                for rows in args.rows
                for _ in range(args.repeat)
                for side in args.sides
            ]
            page = results_page(results, Path("/proc/loadavg").read_text().split(" ")[0])
    page = f"\n<!-- Made by: {command}; {dt.date.today()} -->\n{page}"
    sys.stdout.write(page)
    if args.out:
        with args.out.open("a", encoding="utf-8") as out:
            out.write(page)


if __name__ == "__main__":
    main()
