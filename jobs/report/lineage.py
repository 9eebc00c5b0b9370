"""A page for each product of the gallery: where each of its published pictures comes from, from feed row to releases.

The rows are those of `python -m jobs.ask lineage`, by the same question. A merchant's first PRODUCTS products have a
page; the command tells the lineage of any other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from infra.records import write_whole
from infra.releases import Release
from jobs.ask import question_sql, warehouse
from jobs.drops.release_rows import Row
from jobs.report.gallery import source_name, thumb_name
from jobs.report.sections import esc, words

PRODUCTS = 200
"""Of each merchant, in the order of the gallery, so that a page a product stays a small part of a large night."""
FOLDER = "lineage"
PARTS = Path(__file__).parent
_quoted = partial(quote, safe="")

ROOT = {
    "Feed row": {"feed_file": "File", "feed_row": "Row"},
    "Product": {"title": "Title", "merchant_id": "Merchant", "sku": "SKU", "product_hash": "Record"},
    "Picture": {"image_uri": "File", "image_sha256": "SHA-256", "cutout_sha256": "Cut-out"},
}
"""What all pictures of a product share: step -> column of the question -> its name for people."""
BRANCH = {
    "Persona": {"segment_id": "Group", "persona_rank": "Rank", "persona_score": "Score", "evidence": "Because"},
    "Instruction": {"headline": "Headline", "locale": "Language", "angle": "Argues with", "writer": "Written by",
                    "instruction_hash": "Hash"},
    "Unit": {"planned_because": "Planned because", "placement": "Format", "variant": "Variant", "asset_id": "Asset"},
    "Candidate": {"scene_backend": "Scene", "scene_revision": "Revision", "seed": "Seed",
                  "drawn_in": "Night", "made_at": "Made", "sha256": "SHA-256", "uri": "Stored at"},
    "Scores": {"verdict": "Verdict", "scored_at": "Scored", "scorer_revision": "Revision"},
    "Releases": {"release_id": "Release", "releases": "Number of releases", "first_published": "First published"},
}  # fmt: skip
"""What each picture has of its own."""


def lineage_rows(release: Release, merchant_id: str, skus: Sequence[str]) -> list[Row]:
    """The rows of `python -m jobs.ask lineage` for these products, as of a release."""
    sql = question_sql("lineage")
    rows: list[Row] = warehouse(release, sql, skus=(merchant_id, skus)).sql(sql).to_arrow_table().to_pylist()
    return rows


def write_lineage(
    release: Release, products: Sequence[Mapping[str, Any]], names: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """Writes the pages of one merchant's products; SKU -> path of its page, relative to `folder`.

    names: segment_id -> name.
    """
    pictured = {
        product["sku"]: product
        for product in products
        if any(face["state"] == "published" for face in product["faces"])
    }
    skus = list(pictured)[:PRODUCTS]
    if not skus:
        return {}
    (folder / FOLDER).mkdir(exist_ok=True)
    paths = {}
    for sku, rows in groupby(
        lineage_rows(release, pictured[skus[0]]["merchant"], skus), lambda row: str(row["sku"])
    ):
        paths[sku] = page_name(pictured[sku]["merchant"], sku)
        write_whole(folder / paths[sku], page(list(rows), pictured[sku], names, folder))
    return paths


def write_style(folder: Path) -> None:
    """The stylesheet of the pages: the night's, and their own."""
    css = "".join((PARTS / name).read_text(encoding="utf-8") for name in ("page.css", "lineage.css"))
    write_whole(folder / f"{FOLDER}.css", css)


def remove_others(folder: Path, products: Sequence[Mapping[str, Any]]) -> None:
    """Removes pages of an earlier run that no product of the night's page names."""
    named = {product.get("lineage") for product in products}
    for path in (folder / FOLDER).glob("*.html"):
        if f"{FOLDER}/{path.name}" not in named:
            path.unlink()


def page_name(merchant_id: str, sku: str) -> str:
    """Where a product's page lies, relative to the night's page."""
    return f"{FOLDER}/{hashlib.sha256(f'{merchant_id}/{sku}'.encode()).hexdigest()[:16]}.html"


def page(rows: Sequence[Row], product: Mapping[str, Any], names: Mapping[str, str], folder: Path) -> str:
    """A product's page: the steps that its pictures share, then each picture with its own."""
    first = rows[0]
    source = source_name(first["image_sha256"])
    has_source = (folder / source).exists()
    back = f"../index.html#product={_quoted(product['merchant'])}/{_quoted(product['sku'])}"
    pictures = "".join(_picture(row, names, back, folder) for row in rows)
    return Template((PARTS / "lineage.html").read_text(encoding="utf-8")).substitute(
        title=esc(first["title"] or first["sku"]),
        release=esc(first["release_id"]),
        back=esc(back),
        source=f'<img src="../{source}" alt="Source picture">' if has_source else "",
        root=_steps(ROOT, first),
        count=f"{len(rows)} published picture{'' if len(rows) == 1 else 's'}",
        pictures=pictures,
    )


def _picture(row: Row, names: Mapping[str, str], back: str, folder: Path) -> str:
    thumb = thumb_name(row["asset_id"])
    image = (
        f'<img src="../{thumb}" alt="{esc(row["headline"])}" loading="lazy">'
        if (folder / thumb).exists()
        else '<span class="blank">file missing</span>'
    )
    name = names.get(row["segment_id"], words(row["segment_id"]))
    return (
        f'<article id="a{esc(row["asset_id"])}"><h2>{esc(name)} <span>{esc(row["locale"])} · '
        f'{esc(words(row["placement"]))}</span></h2><a class="shown" href="{esc(back)}&amp;face='
        f'{esc(_quoted(row["segment_id"]))}">{image}</a><ol class="chain">{_steps(BRANCH, row)}</ol></article>'
    )


def _steps(steps: Mapping[str, Mapping[str, str]], row: Row) -> str:
    return "".join(
        f"<li><h3>{step}</h3><dl>"
        + "".join(
            f'<dt>{label}</dt><dd data-column="{column}">{_shown(row[column])}</dd>'
            for column, label in columns.items()
        )
        + "</dl></li>"
        for step, columns in steps.items()
    )


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return "".join(f"<span>{esc(item)}</span>" for item in value)
    return esc(f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else value)
