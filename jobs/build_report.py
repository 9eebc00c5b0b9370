"""The page of a night: STATE/reports/<run_date>/index.html, with funnel, times, gallery and what was set aside.

It is opened from the file system: one HTML file with its style and script inside, small pictures beside it, and the
finished pictures in the local store by relative path (with S3 only the small ones are shown). It is also written for a
night that failed, from whatever the stages left. The gallery holds at most 1,500 products; the counts are of all. Each
published picture of a merchant's first products opens its lineage, one page a product beside this one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import pyarrow.dataset as ds
from font_source_sans_pro import font_files_otf

from infra.object_store import LocalStore
from infra.records import write_whole
from infra.releases import Release, live_release
from infra.stage import Stage, stage_run
from infra.tables import open_table, read_night
from jobs.drops.release_rows import Row, tonights_release
from jobs.report import sections
from jobs.report.funnel import Step, Yield, first_yield, merchant_funnel, total_funnel
from jobs.report.gallery import drop_missing, embedded_json, gallery_products, source_name, thumb_name
from jobs.report.lineage import remove_others, write_lineage, write_style
from jobs.report.merchant_rows import MerchantRows, read_merchant_rows
from jobs.report.night_state import NightState, read_night_state
from jobs.report.set_aside_feeds import SetAside, set_aside, set_aside_section
from jobs.report.standing import standing, state_line, title
from jobs.report.thumbs import SOURCE_PX, Thumb, make_thumbs, read_source
from schemas.revisions import scorer_revision, views_revision

STAGE = "jobs.build_report"
INPUTS = (
    "products",
    "segments",
    "product_views",
    "personas",
    "instructions",
    "work_units",
    "candidates",
    "scores",
    "assets",
    "releases",
    "rejects",
)
OUTPUTS = ()
SKIPPED_WHEN_UNCHANGED = False
"""The page also tells how the night itself went, which no table says."""

GALLERY_MAX_PRODUCTS = 1500
REJECTS_SHOWN = 25
PARTS = Path(__file__).parent / "report"
FONTS = ("SourceSansProLight", "SourceSansPro", "SourceSansProSemibold")


@dataclass
class Page:
    """What the page is filled from, gathered merchant by merchant."""

    funnels: list[tuple[str, list[Step]]] = field(default_factory=list)
    products: list[dict[str, Any]] = field(default_factory=list)
    merchants: list[dict[str, Any]] = field(default_factory=list)
    segments: dict[str, dict[str, str]] = field(default_factory=dict)
    attempts: Yield = field(default_factory=Yield)
    drawn_tonight: int = 0
    drawn_before: int = 0
    reject_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reject_rows: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    pictures_missing: int = 0
    set_aside: list[SetAside] = field(default_factory=list)

    def add_rejects(self, rejects: Sequence[Row]) -> None:
        """Counts all and keeps the first of each stage and reason."""
        for reject in rejects:
            group = (reject["stage"], reject["reason"])
            self.reject_counts[group] += 1
            if len(self.reject_rows[group]) < REJECTS_SHOWN:
                self.reject_rows[group].append(reject)


def thumbs_of(stage: Stage, rows: MerchantRows, products: Sequence[Mapping[str, Any]]) -> Iterator[Thumb]:
    """The small pictures that a merchant's part of the gallery needs."""
    store = stage.store
    root = stage.data_root
    uris = {product["sku"]: product["image_uri"] for product in rows.products}
    for product in products:
        view = rows.views.get(product["image"])
        # Only what the understanding stage could open: it has looked at size and format with bounds.
        if product["image"] and uris[product["sku"]] and view is not None and view["width_px"] > 0:
            path = root / uris[product["sku"]].removeprefix("file://")
            read = partial(read_source, path, root, product["image"])
            yield Thumb(stage.report_dir / source_name(product["image"]), read, SOURCE_PX)
        for face in product["faces"]:
            yield Thumb(stage.report_dir / thumb_name(face["asset"]), partial(store.get, face["uri"]))


def gather(stage: Stage, release: Row | None) -> Page:
    """Reads the night one merchant at a time and makes the small pictures on the way."""
    page = Page()
    for row in read_night(stage.state, "segments", stage.run_date).to_pylist():
        page.segments[row["segment_id"]] = {"name": row["name"], "description": row["description"]}
    names = {segment_id: segment["name"] for segment_id, segment in page.segments.items()}
    revision, views = scorer_revision(stage.config.quality), views_revision(stage.config.cutout)
    for merchant in stage.progress(stage.merchants, total=len(stage.merchants), unit="merchant"):
        rows = read_merchant_rows(
            stage.state, stage.run_date, merchant, stage.config.placements, release, revision, views
        )
        page.funnels.append((merchant.name, merchant_funnel(rows)))
        page.merchants.append({"id": merchant.id, "name": merchant.name, "locales": list(merchant.locales)})
        page.attempts.add(first_yield(rows))
        drawn_tonight = sum(row["run_date"] == stage.run_date for row in rows.candidates.values())
        page.drawn_tonight += drawn_tonight
        page.drawn_before += len(rows.candidates) - drawn_tonight
        page.add_rejects(rows.rejects)
        if feed := set_aside(rows, stage.run_date, stage.config.ingest.keep_products_nights):
            page.set_aside.append(feed)
        room = GALLERY_MAX_PRODUCTS - len(page.products)
        products = gallery_products(rows, room)
        page.pictures_missing += make_thumbs(thumbs_of(stage, rows, products), stage.config.engines.cores)
        drop_missing(products, stage.report_dir)
        if release:
            pages = write_lineage(Release(stage.state, release), products, names, stage.report_dir)
            for product in products:
                product["lineage"] = pages.get(product["sku"])
        page.products += products
        stage.count(merchant.id, rows_in=len(rows.products), rows_out=len(products))
    tonight, unowned = ds.field("run_date") == stage.run_date, ds.field("merchant_id").is_null()
    rejects = open_table(stage.state, "rejects").to_pyarrow_dataset()
    page.add_rejects(rejects.to_table(filter=tonight & unowned).to_pylist())
    return page


def _figures(page: Page, night: NightState, release: Row | None) -> list[tuple[str, str, str]]:
    total = total_funnel(steps for _, steps in page.funnels)
    products, published = total[1].rows_in, total[-1].rows_out
    pictured = release["product_count"] if release else 0
    first = page.attempts
    unchanged = sum(record["status"] == "unchanged" for record in night.records)
    return [
        (
            sections.number(published),
            "Pictures published",
            f"of {sections.number(total[4].rows_in)} faces wanted",
        ),
        (
            sections.percent(pictured, products),
            "Products with a picture",
            f"{sections.number(pictured)} of {sections.number(products)}",
        ),
        (
            sections.number(page.drawn_tonight),
            "Drawn tonight",
            f"{sections.number(page.drawn_before)} existed already",
        ),
        (
            sections.percent(first.first_accepted, first.first),
            "First attempts passed",
            f"{sections.number(first.first)} scored",
        ),
        (
            sections.number(sum(step.set_aside for step in total)),
            "Set aside",
            "rows, products and faces",
        ),
        (
            sections.duration(night.wall_s),
            "Time in stages",
            f"{unchanged} of {len(night.records)} stages had nothing to do"
            if unchanged
            else f"peak memory {sections.memory(night.peak_rss_mb)}",
        ),
    ]


def render(stage: Stage, page: Page, night: NightState, release: Row | None) -> str:
    """The whole page."""
    word, told = standing(stage.state, stage.run_date)
    word = "failed" if night.failed else word
    js = "".join((PARTS / name).read_text(encoding="utf-8") for name in ("dom.js", "viewer.js", "gallery.js"))
    local = isinstance(stage.store, LocalStore)
    data = {
        "store": os.path.relpath(stage.state / "store", stage.report_dir) + "/" if local else None,
        "release": release["release_id"] if release else None,
        "segments": page.segments,
        "merchants": page.merchants,
        "products": page.products,
    }
    live = live_release(stage.state)
    all_products = sum(steps[1].rows_in for _, steps in page.funnels)
    notes = []
    if len(page.products) < all_products:
        notes.append(f"The first {len(page.products):,} of {all_products:,} products are shown.")
    if page.pictures_missing:
        pictures = "picture" if page.pictures_missing == 1 else "pictures"
        notes.append(
            f"{page.pictures_missing:,} {pictures} could not be read; the log of this stage says why."
        )
    if not local:
        notes.append("The store is not on this machine: pictures are shown small.")
    gate_docs = (stage.report_dir / "gate" / "index.html").exists()
    return Template((PARTS / "page.html").read_text(encoding="utf-8")).substitute(
        title=title(stage.run_date, word),
        css=(PARTS / "page.css").read_text(encoding="utf-8"),
        js=js,
        script_hash=f"'sha256-{base64.b64encode(hashlib.sha256(js.encode()).digest()).decode()}'",
        run_date=stage.run_date.isoformat(),
        night=f"{stage.run_date.day} {stage.run_date:%B %Y}",
        standing=state_line(word, told),
        failure=sections.failure_panel(night.failed, live["release_id"] if live else None)
        + set_aside_section(page.set_aside),
        figures=sections.key_figures(_figures(page, night, release)),
        gallery_note=sections.esc(" ".join(notes)),
        funnel=sections.funnel_section(total_funnel(s for _, s in page.funnels), page.funnels),
        attempts=sections.attempts_line(page.attempts),
        stages=sections.stage_section(night),
        gate=sections.expectations_section(night.records) + sections.gate_section(night.gate, gate_docs),
        rejects=sections.rejects_section(page.reject_rows, page.reject_counts),
        footer=sections.esc(
            f"State {stage.state}. Pictures are machine-made; each file says so (IPTC Digital Source Type)."
        ),
        data=embedded_json(data),
    )


def copy_fonts(reports: Path) -> None:
    """The page's typeface, once for all nights (SIL Open Font License); without it the system's is used."""
    folder = reports / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FONTS:
        target = folder / f"{name}.otf"
        if not target.exists():
            side = target.with_suffix(f".{os.getpid()}")
            shutil.copyfile(font_files_otf[name], side)
            side.replace(target)


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Writes the page; its path."""
    with stage_run(STAGE, __doc__, argv) as stage:
        release = tonights_release(stage.state, stage.run_date)
        night = read_night_state(stage.report_dir, STAGE, os.environ.get("HUNDREDFACES_NIGHT_ID"))
        page = gather(stage, release)
        copy_fonts(stage.report_dir.parent)
        write_style(stage.report_dir)
        path = stage.report_dir / "index.html"
        write_whole(path, render(stage, page, night, release))
        remove_others(stage.report_dir, page.products)
    return [path]


if __name__ == "__main__":
    main()
