"""The sample catalog as the files of other shop systems: `python -m infra.sample_shop.exports --out DIR`.

One catalog, five files: Google Merchant XML and tab-separated text, Shopify CSV, Magento 2 CSV, and JSON lines with
our own field names. They hold the good products of the general store, without reviews, which these formats have no
place for, and every third in two packs, each as its system writes variants. Read by the ready mappings they give the
same products.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from infra.sample_shop.catalog import Product, products, write_csv

ADDRESS = "https://shop.example/media/"
"""Where the exports say that the pictures are; an `image_paths` rule maps it to the sample shop's folder."""
_GOOGLE = "http://base.google.com/ns/1.0"


_PACK = "pack"


@dataclass(frozen=True)
class Family:
    """One product, or several that differ by their pack alone."""

    id: str
    variants: tuple[Product, ...]


def sample_families() -> tuple[Family, ...]:
    """The products whose rows have no planted fault; every third comes in two packs, of which each has its SKU."""
    families = []
    for n, product in enumerate(product for product in products("everyday") if not product.dirty):
        variants: tuple[Product, ...] = (product,)
        if n % 3 == 0:
            # With a comma and an inch sign, which each format has to protect in its own way.
            single = replace(product, specs=(*product.specs, (_PACK, "one, in paper", "")))
            gift = replace(
                product,
                sku=f"{product.sku}-G",
                price=product.price + 4.5,
                specs=(*product.specs, (_PACK, '8" gift box, with a bow', "")),
            )
            variants = (single, gift)
        families.append(Family(product.sku.lower(), variants))
    return tuple(families)


def _details(product: Product) -> list[tuple[str, str]]:
    return [(name, f"{value} {unit}".strip()) for name, value, unit in product.specs]


def google_rows(families: Sequence[Family]) -> list[dict[str, Any]]:
    """The attributes of the product data specification; product_detail as (attribute, value) pairs."""
    return [
        {
            "id": p.sku,
            "item_group_id": family.id if len(family.variants) > 1 else "",
            "title": p.name,
            "description": p.text,
            "link": f"https://shop.example/{p.sku.lower()}",
            "image_link": ADDRESS + family.variants[0].image,
            "availability": "in_stock",
            "price": f"{p.price:.2f} EUR",
            "brand": p.brand,
            "condition": "new",
            "product_type": p.category,
            "custom_label_0": ",".join(p.tags),
            "product_detail": _details(p),
        }
        for family in families
        for p in family.variants
    ]


def write_google_xml(path: Path, families: Sequence[Family]) -> None:
    """RSS 2.0 with the g: namespace."""
    items = []
    for row in google_rows(families):
        details = "".join(
            f"<g:product_detail><g:section_name>General</g:section_name><g:attribute_name>{escape(name)}"
            f"</g:attribute_name><g:attribute_value>{escape(value)}</g:attribute_value></g:product_detail>"
            for name, value in row.pop("product_detail")
        )
        cells = "".join(f"<g:{name}>{escape(str(value))}</g:{name}>" for name, value in row.items() if value)
        items.append(f"<item>{cells}{details}</item>")
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="{_GOOGLE}"><channel>'
        f"<title>Everyday General Store</title>\n{chr(10).join(items)}\n</channel></rss>\n",
        encoding="utf-8",
    )


def write_google_tsv(path: Path, families: Sequence[Family]) -> None:
    """Tab-separated text, headers with spaces; product_detail as `section:attribute:value` with commas between."""
    rows = google_rows(families)
    for row in rows:
        details = [f"General:{name}:{value}" for name, value in row["product_detail"]]
        row["product_detail"] = ",".join(_quoted(detail) if "," in detail else detail for detail in details)
    header = [name.replace("_", " ") for name in rows[0]]
    write_csv(path, header, (list(row.values()) for row in rows), delimiter="\t")


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def write_shopify(path: Path, families: Sequence[Family]) -> None:
    """A row a variant, of which the first alone tells what all share, and a row for a second picture."""
    names = sorted({name for f in families for p in f.variants for name, _ in _details(p) if name != _PACK})
    metafields = {name: f"{name} (product.metafields.custom.{name.replace(' ', '_')})" for name in names}
    rows = []
    for family in families:
        p = family.variants[0]
        shared = {
            "Handle": family.id,
            "Title": p.name,
            "Body (HTML)": f"<p>{escape(p.text)}</p>",
            "Vendor": p.brand,
            "Type": p.category,
            "Tags": ", ".join(p.tags),
            "Published": "true",
            "Option1 Name": _PACK if len(family.variants) > 1 else "Title",
            "Image Src": f"{ADDRESS}{p.image}?v=17",
            "Image Position": "1",
            "Status": "active",
        } | {metafields[name]: value for name, value in _details(p) if name != _PACK}
        for n, variant in enumerate(family.variants):
            own = {
                "Option1 Value": dict(_details(variant)).get(_PACK, "Default Title"),
                "Variant SKU": variant.sku,
                "Variant Inventory Tracker": "shopify",
                "Variant Inventory Qty": "12",
                "Variant Price": f"{variant.price:.2f}",
            }
            rows.append((shared if n == 0 else {"Handle": family.id}) | own)
        rows.append({"Handle": family.id, "Image Src": f"{ADDRESS}{p.image}?v=18", "Image Position": "2"})
    _write_dicts(path, rows)


def write_magento(path: Path, families: Sequence[Family]) -> None:
    """Simple products; a family of several is a configurable one, which tells what its variants leave out."""
    rows = []
    for family in families:
        p = family.variants[0]
        told = {
            "categories": "Default Category," + f"Default Category/{p.category.replace(' > ', '/')}",
            "description": f'<div class="text">{escape(p.text)}</div>',
            "meta_keywords": ",".join(p.tags),
            "base_image": f"/{p.image}",
        }
        several = len(family.variants) > 1
        for variant in family.variants:
            attributes = [("brand", p.brand), *_details(variant)]
            simple = {
                "sku": variant.sku,
                "store_view_code": "",
                "attribute_set_code": "Default",
                "product_type": "simple",
                "name": p.name,
                "product_online": "1",
                "price": f"{variant.price:.4f}",
                "is_in_stock": "1",
                "additional_attributes": ",".join(
                    _quoted(pair) if "," in pair else pair
                    for pair in (f"{name.replace(' ', '_')}={value}" for name, value in attributes)
                ),
            }
            rows.append(simple if several else simple | told)
        if several:
            listed = (f"sku={v.sku},{_PACK}={n}" for n, v in enumerate(family.variants))
            rows.append(
                {
                    "sku": family.id,
                    "attribute_set_code": "Default",
                    "product_type": "configurable",
                    "name": p.name,
                    "product_online": "1",
                    "configurable_variations": "|".join(listed),
                    **told,
                }
            )
    _write_dicts(path, rows)


def write_plain(path: Path, families: Sequence[Family]) -> None:
    """JSON lines with our own field names."""
    rows = (
        {
            "sku": p.sku,
            "parent_sku": family.id if len(family.variants) > 1 else None,
            "title": p.name,
            "description": p.text,
            "category": p.category,
            "brand": p.brand,
            "price": p.price,
            "currency": "EUR",
            "availability": "in stock",
            "image": family.variants[0].image,
            "tags": list(p.tags),
            "specs": [{"name": n, "value": v, "unit": u} for n, v, u in p.specs],
        }
        for family in families
        for p in family.variants
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _write_dicts(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    header = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


EXPORTS = {
    "google_merchant.xml": write_google_xml,
    "google_merchant.tsv": write_google_tsv,
    "shopify.csv": write_shopify,
    "magento2.csv": write_magento,
    "plain.jsonl": write_plain,
}
"""File name -> what writes it; the name is that of its ready mapping."""


def write_exports(out: Path, limit: int | None = None) -> None:
    """Every export below `out`, of the first `limit` families of products."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = sample_families()[:limit]
    for name, write in EXPORTS.items():
        write(out / name, chosen)


def main(arguments: list[str] | None = None) -> int:
    """Writes the files; 0 on success."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.sample_shop.exports", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--limit", type=int, help="only the first N products, with their variants")
    args = parser.parse_args(arguments)
    write_exports(args.out, args.limit)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
