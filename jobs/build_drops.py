"""One drop a merchant: tonight's release as a folder and a zip, with manifest, contact sheet and what is missing.

Reads the release that tonight's publishing wrote and writes STATE/drops/<merchant_id>/<release_id>/ and the same as
<release_id>.zip; <release_id>.changes.zip has only what is new since the release before. Each picture is compared with
its SHA-256 while it is copied. The same release gives the same bytes, and a drop that is there already is left alone. A
drop always holds the whole release: --limit and --shard change nothing here.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from infra.fingerprint import code_revision
from infra.object_store import ObjectStore
from infra.stage import Stage, StageError, stage_run
from infra.tables import read_night
from jobs.drops.changes import CHANGE_COLUMNS, changes
from jobs.drops.channels import channel_files
from jobs.drops.contact_sheet import SheetFace, SheetProduct, contact_sheets, sheet_names
from jobs.drops.csv_files import csv_bytes
from jobs.drops.documents import (
    MANIFEST_COLUMNS,
    NOT_INCLUDED_COLUMNS,
    checksums,
    manifest_json,
    manifest_rows,
    not_included_rows,
    readme_text,
)
from jobs.drops.package import content_digest, finish, is_current, start_folder
from jobs.drops.preflight import read_picture
from jobs.drops.release_rows import (
    Row,
    held_release,
    night_rows,
    recalled_faces,
    release_assets,
    release_before,
    revisions_of,
    tonights_release,
    tonights_scores,
    tonights_views,
)
from jobs.drops.shortfalls import Placements, Said, Shortfall, shortfalls, wanted_faces
from jobs.wording import counted
from schemas.config import Merchant
from schemas.revisions import scorer_revision, views_revision

STAGE = "jobs.build_drops"
INPUTS = (
    "products",
    "segments",
    "product_views",
    "personas",
    "instructions",
    "work_units",
    "scores",
    "assets",
    "releases",
    "rejects",
)
OUTPUTS = ()


@dataclass(frozen=True)
class MerchantNight:
    """What one merchant's drop is made from."""

    merchant: Merchant
    placements: Placements
    release_id: str
    products: Sequence[Row]
    assets: Sequence[Row]
    earlier: tuple[str, Sequence[Row]] | None
    """The release before and its assets; None in the first."""
    personas: Sequence[Row]
    rejects: Sequence[Row]
    short: Sequence[Shortfall]


def read_merchant_night(stage: Stage, merchant: Merchant, release: Row) -> MerchantNight:
    """One merchant's rows of the release and the night, and why faces are missing."""
    rows = partial(night_rows, stage.state, run_date=stage.run_date, merchant_id=merchant.id)
    products = sorted(
        rows("products", columns=["sku", "title", "gtin", "image_sha256"]), key=lambda product: product["sku"]
    )
    assets = release_assets(stage.state, release, merchant.id)
    units = rows("work_units", columns=["asset_id", "sku", "segment_id", "locale", "placement"])
    rejects = sorted(rows("rejects"), key=lambda reject: (reject["stage"], reject["key"], reject["reason"]))
    personas = rows("personas", columns=["sku", "segment_id", "rank"])
    said = Said(
        views=tonights_views(
            stage.state,
            (product["image_sha256"] for product in products),
            *revisions_of(release, "views", views_revision(stage.config.cutout)),
        ),
        personas=personas,
        instructions=rows("instructions", columns=["sku", "segment_id", "locale"]),
        work_units=units,
        verdicts=tonights_scores(
            stage.state,
            (unit["asset_id"] for unit in units),
            *revisions_of(release, "scorer", scorer_revision(stage.config.quality)),
        ),
        rejects=rejects,
        recalled=recalled_faces(stage.state, stage.run_date, merchant.id),
    )
    short = list(shortfalls(merchant, stage.config.placements, products, assets, said))
    before = release_before(stage.state, release)
    return MerchantNight(
        merchant,
        stage.config.placements,
        release["release_id"],
        products,
        assets,
        (before["release_id"], release_assets(stage.state, before, merchant.id)) if before else None,
        personas,
        rejects,
        short,
    )


def sheet_products(
    night: MerchantNight, manifest: Sequence[Mapping[str, Any]], names: Mapping[str, str], folder: Path
) -> list[SheetProduct]:
    """The products with pictures, each with a cell for every persona: its first locale and placement."""
    files: dict[tuple[str, str], str] = {}
    order = {locale: i for i, locale in enumerate(night.merchant.locales)}
    for row in sorted(manifest, key=lambda row: (order.get(row["locale"], len(order)), row["placement"])):
        files.setdefault((row["sku"], row["segment_id"]), row["file"])
    segments: dict[str, list[str]] = defaultdict(list)
    for persona in sorted(night.personas, key=lambda persona: persona["rank"]):
        segments[persona["sku"]].append(persona["segment_id"])
    # Assets kept from the last release (the shop's feed failed tonight) have no persona of tonight.
    for asset in night.assets:
        if asset["segment_id"] not in segments[asset["sku"]]:
            segments[asset["sku"]].append(asset["segment_id"])
    titles = {row["sku"]: row["title"] for row in manifest}
    return [
        SheetProduct(
            title=titles[sku],
            sku=sku,
            faces=[
                SheetFace(
                    caption=names.get(segment_id, segment_id),
                    picture=(folder / files[sku, segment_id]).read_bytes
                    if (sku, segment_id) in files
                    else None,
                )
                for segment_id in segments[sku]
            ],
        )
        for sku in sorted(titles)
    ]


def copy_picture(store: ObjectStore, asset: Row, target: Path) -> None:
    """Copies one object and compares its hash on the way.

    The file is a copy, not a hard link: a merchant who edits it must not change the object that releases share.
    """
    remedy = (
        f"restore it from a copy of the store, or delete the asset's row ({asset['merchant_id']}/{asset['sku']}) "
        "from the table candidates and run the night again: it is drawn anew"
    )
    try:
        data = store.get(asset["uri"])
    except FileNotFoundError:
        raise StageError(f"asset {asset['asset_id']}: object {asset['uri']} is missing; {remedy}") from None
    if (found := hashlib.sha256(data).hexdigest()) != asset["sha256"]:
        raise StageError(
            f"asset {asset['asset_id']}: object {asset['uri']} has SHA-256 {found}, the release says "
            f"{asset['sha256']}; {remedy}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(data)


def write_channels(
    night: MerchantNight,
    manifest: Sequence[Mapping[str, Any]],
    gtins: Mapping[str, str | None],
    folder: Path,
) -> None:
    """Writes the files of the merchant's channels, and what kept pictures out of them, below folder/channels."""
    files = channel_files(
        night.merchant,
        night.placements,
        gtins,
        manifest,
        lambda row, look: read_picture((folder / row["file"]).read_bytes(), look),
    )
    (folder / "channels").mkdir()
    for name, text in files.texts.items():
        (folder / name).write_bytes(text)
    for name, source in files.copies.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / source, folder / name)
    (folder / "channels" / "preflight.csv").write_bytes(files.preflight())


def build_drop(night: MerchantNight, names: Mapping[str, str], store: ObjectStore, drops: Path) -> Path:
    """Makes one merchant's folder and zip unless they are there already; the path of the zip."""
    titles = {product["sku"]: product["title"] for product in night.products}
    manifest = manifest_rows(night.assets, titles, names)
    pictured = {asset["sku"] for asset in night.assets}
    products = pictured | titles.keys()
    sheets = sheet_names(len(pictured))
    texts = {
        "manifest.csv": csv_bytes(MANIFEST_COLUMNS, manifest),
        "manifest.json": manifest_json(night.merchant.id, night.release_id, manifest),
        "manifest.sha256": checksums(manifest),
        "not_included.csv": csv_bytes(NOT_INCLUDED_COLUMNS, not_included_rows(night.short, night.rejects)),
        "README.txt": readme_text(
            merchant_name=night.merchant.name,
            release_id=night.release_id,
            pictures=len(night.assets),
            pictured=len(pictured),
            products=len(products),
            complete=len(products) - len({item.sku for item in night.short}),
            wanted_each=wanted_faces(night.merchant, night.placements),
            sheets=sheets,
            sheet_is_cut=len(pictured) > 60 * len(sheets),
            channels=sorted(night.merchant.channels),
            earlier_id=night.earlier[0] if night.earlier else None,
        ),
    }
    changed = None
    if night.earlier:
        earlier_id, earlier = night.earlier
        changed = changes(manifest, manifest_rows(earlier, titles, names), earlier_id)
        texts["changes.csv"] = csv_bytes(CHANGE_COLUMNS, changed)
    gtins = {product["sku"]: product["gtin"] for product in night.products}
    told = repr((night.merchant.channels, night.placements, sorted(gtins.items())))
    folder = drops / night.merchant.id / night.release_id
    zip_path = folder.with_name(f"{night.release_id}.zip")
    digest = content_digest([code_revision(("jobs/drops",)).encode(), told.encode(), *texts.values()])
    if is_current(folder, zip_path, digest):
        return zip_path
    side = start_folder(folder)
    for asset, row in zip(night.assets, manifest, strict=True):
        copy_picture(store, asset, side / row["file"])
    for name, text in texts.items():
        (side / name).write_bytes(text)
    if night.merchant.channels:
        write_channels(night, manifest, gtins, side)
    if pictured:
        pictures, of = counted(len(night.assets), "picture"), counted(len(pictured), "product")
        heading = f"{pictures} of {of} · release {night.release_id}"
        pages = contact_sheets(night.merchant.name, heading, sheet_products(night, manifest, names, side))
        for name, page in zip(sheets, pages, strict=True):
            (side / name).write_bytes(page)
    only = {*texts, *(row["file"] for row in changed or ())}
    changed_zip = zip_path.with_name(f"{night.release_id}.changes.zip")
    finish(side, folder, zip_path, digest, None if changed is None else (changed_zip, only))
    return zip_path


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Builds the drops of the selected merchants; the paths of their zips."""
    zips: list[Path] = []
    with stage_run(STAGE, __doc__, argv) as stage:
        release = tonights_release(stage.state, stage.run_date)
        if release is None and held_release(stage.state, stage.run_date):
            stage.log.info(
                "the release of %s is kept, but another one is live; no drop is made", stage.run_date
            )
            return zips
        if release is None:
            raise StageError(f"no release of {stage.run_date} is published; run jobs.publish_release first")
        segments = read_night(stage.state, "segments", stage.run_date, columns=["segment_id", "name"])
        names = {row["segment_id"]: row["name"] for row in segments.to_pylist()}
        for merchant in stage.progress(stage.merchants, total=len(stage.merchants), unit="merchant"):
            night = read_merchant_night(stage, merchant, release)
            if not night.products and not night.assets:
                stage.log.warning("merchant %s has no products tonight; no drop is made", merchant.id)
                continue
            zips.append(build_drop(night, names, stage.store, stage.state / "drops"))
            pictured = {asset["sku"] for asset in night.assets}
            without = {item.sku: item.reason for item in night.short if item.sku not in pictured}
            rows_out = len(night.products) - len(without)
            stage.count(
                merchant.id, rows_in=len(night.products), rows_out=rows_out, **Counter(without.values())
            )
    return zips


if __name__ == "__main__":
    main()
