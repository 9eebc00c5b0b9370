"""The text files of a drop: manifest, what is not included and why, and a page in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from jobs.drops.names import safe_name, safe_names
from jobs.drops.release_rows import Row
from jobs.drops.shortfalls import Shortfall
from jobs.wording import counted

MANIFEST_COLUMNS = (
    "sku",
    "title",
    "segment_id",
    "segment_name",
    "persona_rank",
    "locale",
    "placement",
    "file",
    "sha256",
    "bytes",
    "width_px",
    "height_px",
    "headline",
    "alt_text",
    "asset_id",
    "release_id",
)
NOT_INCLUDED_COLUMNS = (
    "sku",
    "title",
    "pictures",
    "wanted",
    "missing",
    "reason",
    "explanation",
    "stage",
    "where",
)


def manifest_rows(
    assets: Sequence[Row], titles: Mapping[str, str], segment_names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One row a picture, in the assets' order, with its file below the drop's folder."""
    folders = safe_names(asset["sku"] for asset in assets)
    segments = safe_names(asset["segment_id"] for asset in assets)
    rows = []
    for asset in assets:
        place = f"{safe_name(asset['locale'])}-{safe_name(asset['placement'])}"
        suffix = PurePosixPath(asset["uri"]).suffix
        file = f"{asset['persona_rank']}-{segments[asset['segment_id']]}-{place}{suffix}"
        more = {
            "title": titles.get(asset["sku"], asset["sku"]),
            "segment_name": segment_names.get(asset["segment_id"], asset["segment_id"]),
            "file": f"pictures/{folders[asset['sku']]}/{file}",
        }
        rows.append({name: (asset | more)[name] for name in MANIFEST_COLUMNS})
    return rows


def manifest_json(merchant_id: str, release_id: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The manifest with its exact values (the CSV guards cells that a spreadsheet would run)."""
    document = {"merchant_id": merchant_id, "release_id": release_id, "pictures": list(rows)}
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()


def checksums(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One line a picture, for `sha256sum -c` in the drop's folder."""
    return "".join(f"{row['sha256']}  {row['file']}\n" for row in rows).encode()


def not_included_rows(short: Iterable[Shortfall], rejects: Iterable[Row]) -> list[dict[str, Any]]:
    """One row for each reason that a product lacks pictures, then one for each feed row that was set aside."""
    rows: list[dict[str, Any]] = []
    explained = set()
    for item in short:
        explained.add((item.stage, item.sku, item.reason))
        rows.append(
            {
                "sku": item.sku,
                "title": item.title,
                "pictures": item.faces,
                "wanted": item.wanted,
                "missing": item.missing,
                "reason": item.reason,
                "explanation": item.explanation,
                "stage": item.stage,
                "where": "",
            }
        )
    for reject in rejects:
        if reject["stage"] != "jobs.ingest_catalog" or reject["severity"] == "note":
            continue
        if (reject["stage"], reject["sku"], reject["reason"]) in explained:
            continue
        rows.append(
            {
                "sku": reject["sku"],
                "title": "",
                "pictures": "",
                "wanted": "",
                "missing": "",
                "reason": reject["reason"],
                "explanation": reject["detail"],
                "stage": reject["stage"],
                "where": reject["key"],
            }
        )
    return rows


def readme_text(
    *,
    merchant_name: str,
    release_id: str,
    pictures: int,
    pictured: int,
    products: int,
    complete: int,
    wanted_each: int,
    sheets: Sequence[str],
    sheet_is_cut: bool,
    channels: Sequence[str] = (),
    earlier_id: str | None = None,
) -> bytes:
    """README.txt: what the drop is, in words for people who did not make it."""
    sheet_lines = {0: "", 1: f"{sheets[0] if sheets else '':22} all pictures at a glance\r\n"}
    sheet_line = sheet_lines.get(len(sheets), f"{'contact_sheet_*.jpg':22} all pictures at a glance\r\n")
    if sheet_is_cut:
        sheet_line = sheet_line.replace("all pictures", "the first products")
    channel_line = (
        f"{'channels/':22} files for {', '.join(channels)}; preflight.csv there lists what\r\n"
        f"{'':22} breaks a channel's rules and was left out\r\n"
        if channels
        else ""
    )
    changes_line = (
        f"{'changes.csv':22} what was added, replaced and removed since release {earlier_id};\n"
        f"{'':22} the zip named .changes.zip holds only those pictures\n"
        if earlier_id
        else ""
    )
    text = f"""{merchant_name}
Pictures of release {release_id}

{counted(pictures, "picture")} of {pictured:,} of {counted(products, "product")}. Each product is shown to the
groups of customers who are most likely to want it, with a scene and words for each group.
Wanted for a product: {counted(wanted_each, "picture")}. Products that have all of them: {complete:,};
not_included.csv says why the others do not.

pictures/              one folder a product, named after its SKU; in it one picture for each group,
                       language and format: <rank>-<group>-<language>-<format>.jpg (rank 1: the likeliest group)
manifest.csv           one line a picture: product, group, file, SHA-256, size, headline, text alternative
manifest.json          the same for programs, with exact values
manifest.sha256        checksums of the pictures: sha256sum --ignore-missing -c manifest.sha256
not_included.csv       what is missing, why, and what to do
{changes_line}{sheet_line}{channel_line}
These pictures are made by a machine, and each file says so (IPTC Digital Source Type). The product itself is cut out
of your own picture and not redrawn; the scene around it is generated, and the words are set from your catalog.

In the CSV files, a cell that starts with = + - or @ has an apostrophe before it, so that no spreadsheet takes
it for a formula. Names that are not safe as file names are changed and end in a code; the manifest has the originals.
"""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
