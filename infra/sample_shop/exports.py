"""The sample catalog as the files of other shop systems: `python -m infra.sample_shop.exports --out DIR`.

One catalog, five files: Google Merchant XML and tab-separated text, Shopify CSV, Magento 2 CSV, and JSON lines with
our own field names. They hold the good products of the general store, without reviews, which these formats have no
place for; read by the ready mappings they give the same products.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from infra.sample_shop.catalog import Product, products, write_csv

ADDRESS = "https://shop.example/media/"
"""Where the exports say that the pictures are; an `image_paths` rule maps it to the sample shop's folder."""
_GOOGLE = "http://base.google.com/ns/1.0"


def sample_products() -> tuple[Product, ...]:
    """The products whose rows have no planted fault."""
    return tuple(product for product in products("everyday") if not product.dirty)


def _details(product: Product) -> list[tuple[str, str]]:
    return [(name, f"{value} {unit}".strip()) for name, value, unit in product.specs]


def google_rows(chosen: Sequence[Product]) -> list[dict[str, Any]]:
    """The attributes of the product data specification; product_detail as (attribute, value) pairs."""
    return [
        {
            "id": p.sku,
            "title": p.name,
            "description": p.text,
            "link": f"https://shop.example/{p.sku.lower()}",
            "image_link": ADDRESS + p.image,
            "availability": "in_stock",
            "price": f"{p.price:.2f} EUR",
            "brand": p.brand,
            "condition": "new",
            "product_type": p.category,
            "custom_label_0": ",".join(p.tags),
            "product_detail": _details(p),
        }
        for p in chosen
    ]


def write_google_xml(path: Path, chosen: Sequence[Product]) -> None:
    """RSS 2.0 with the g: namespace."""
    items = []
    for row in google_rows(chosen):
        details = "".join(
            f"<g:product_detail><g:section_name>General</g:section_name><g:attribute_name>{escape(name)}"
            f"</g:attribute_name><g:attribute_value>{escape(value)}</g:attribute_value></g:product_detail>"
            for name, value in row.pop("product_detail")
        )
        cells = "".join(f"<g:{name}>{escape(str(value))}</g:{name}>" for name, value in row.items())
        items.append(f"<item>{cells}{details}</item>")
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="{_GOOGLE}"><channel>'
        f"<title>Everyday General Store</title>\n{chr(10).join(items)}\n</channel></rss>\n",
        encoding="utf-8",
    )


def write_google_tsv(path: Path, chosen: Sequence[Product]) -> None:
    """Tab-separated text, headers with spaces; product_detail as `section:attribute:value` with commas between."""
    rows = google_rows(chosen)
    for row in rows:
        row["product_detail"] = ",".join(f"General:{name}:{value}" for name, value in row["product_detail"])
    header = [name.replace("_", " ") for name in rows[0]]
    write_csv(path, header, (list(row.values()) for row in rows), delimiter="\t")


def write_shopify(path: Path, chosen: Sequence[Product]) -> None:
    """One row a product and one more for a second picture; specifications as metafields."""
    names = sorted({name for p in chosen for name, _ in _details(p)})
    metafields = {name: f"{name} (product.metafields.custom.{name.replace(' ', '_')})" for name in names}
    rows = []
    for p in chosen:
        row = {
            "Handle": p.sku.lower(),
            "Title": p.name,
            "Body (HTML)": f"<p>{escape(p.text)}</p>",
            "Vendor": p.brand,
            "Type": p.category,
            "Tags": ", ".join(p.tags),
            "Published": "true",
            "Option1 Name": "Title",
            "Option1 Value": "Default Title",
            "Variant SKU": p.sku,
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": "12",
            "Variant Price": f"{p.price:.2f}",
            "Image Src": f"{ADDRESS}{p.image}?v=17",
            "Image Position": "1",
            "Status": "active",
        }
        rows.append({**row, **{metafields[name]: value for name, value in _details(p)}})
        rows.append({"Handle": row["Handle"], "Image Src": f"{ADDRESS}{p.image}?v=18", "Image Position": "2"})
    _write_dicts(path, rows)


def write_magento(path: Path, chosen: Sequence[Product]) -> None:
    """One simple product a row; brand and specifications in additional_attributes."""
    rows = []
    for p in chosen:
        attributes = [("brand", p.brand), *((name.replace(" ", "_"), value) for name, value in _details(p))]
        rows.append(
            {
                "sku": p.sku,
                "store_view_code": "",
                "attribute_set_code": "Default",
                "product_type": "simple",
                "categories": "Default Category," + f"Default Category/{p.category.replace(' > ', '/')}",
                "name": p.name,
                "description": f'<div class="text">{escape(p.text)}</div>',
                "product_online": "1",
                "price": f"{p.price:.4f}",
                "meta_keywords": ",".join(p.tags),
                "base_image": f"/{p.image}",
                "is_in_stock": "1",
                "additional_attributes": ",".join(f"{name}={value}" for name, value in attributes),
            }
        )
    _write_dicts(path, rows)


def write_plain(path: Path, chosen: Sequence[Product]) -> None:
    """JSON lines with our own field names."""
    rows = (
        {
            "sku": p.sku,
            "title": p.name,
            "description": p.text,
            "category": p.category,
            "brand": p.brand,
            "price": p.price,
            "currency": "EUR",
            "availability": "in stock",
            "image": p.image,
            "tags": list(p.tags),
            "specs": [{"name": n, "value": v, "unit": u} for n, v, u in p.specs],
        }
        for p in chosen
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
    """Every export below `out`, of the first `limit` products."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = sample_products()[:limit]
    for name, write in EXPORTS.items():
        write(out / name, chosen)


def main(arguments: list[str] | None = None) -> int:
    """Writes the files; 0 on success."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.sample_shop.exports", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--limit", type=int, help="only the first N products")
    args = parser.parse_args(arguments)
    write_exports(args.out, args.limit)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
