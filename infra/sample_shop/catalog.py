"""The two merchants' feeds: products read from the TOML files beside this module, and their feed rows."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infra.sample_shop.packshot import Label, Shot
from infra.sample_shop.shapes import Solid

HERE = Path(__file__).parent
MERCHANTS = ("everyday", "roastery")
DEFAULT_COLORS = ("#cccccc", "#888888", "#444444", "#eeeeee")
_SUFFIXES = (".jpg", ".jpg", ".jpg", ".jpg", ".png", ".jpg", ".jpg", ".jpg", ".webp")


@dataclass(frozen=True)
class Product:
    """One product as declared; `draw` says how it is pictured and what is wrong with its row, if anything."""

    merchant_id: str
    sku: str
    name: str
    brand: str
    category: str
    price: float
    text: str
    tags: tuple[str, ...]
    specs: tuple[tuple[str, str, str], ...]
    reviews: tuple[tuple[int, str], ...]
    draw: dict[str, Any]
    suffix: str

    @property
    def dirty(self) -> str:
        """What is wrong with the row, or ""."""
        return str(self.draw.get("dirty", ""))

    @property
    def awkward(self) -> str:
        """What is hard about the picture, or ""."""
        return str(self.draw.get("awkward", ""))

    @property
    def image(self) -> str:
        """The picture's path relative to the merchant's folder."""
        return f"images/{self.sku.lower()}{self.suffix}"


def _toml(name: str) -> dict[str, Any]:
    with (HERE / name).open("rb") as file:
        return tomllib.load(file)


def _spec(item: str) -> tuple[str, str, str]:
    """("capacity", "350", "ml") from "capacity=350 ml"; values that are words have no unit."""
    name, _, rest = item.partition("=")
    value, _, unit = rest.partition(" ")
    return (
        (name, value, unit) if value.replace(".", "", 1).isdigit() and " " not in unit else (name, rest, "")
    )


@cache
def products(merchant_id: str) -> tuple[Product, ...]:
    """All products of a merchant in the order of its file, awkward and dirty ones last."""
    out = []
    for i, (sku, row) in enumerate(_toml(f"{merchant_id}.toml").items()):
        name, brand, category, price = row["head"]
        reviews = tuple((int(r[0]), r[2:]) for r in row.get("reviews", ()))
        specs = tuple(_spec(s) for s in row["specs"].split("|"))
        suffix = _SUFFIXES[i % len(_SUFFIXES)] if merchant_id == "everyday" else ".jpg"
        out.append(
            Product(
                merchant_id, sku, name, brand, category, float(price), row["text"], tuple(row["tags"]), specs, reviews,
                row["draw"], suffix,
            )
        )  # fmt: skip
    return tuple(out)


def limited(merchant_id: str, limit: int | None) -> tuple[Product, ...]:
    """The first `limit` good products, with all awkward and dirty ones when there is no limit."""
    every = products(merchant_id)
    return every if limit is None else tuple(p for p in every if not p.dirty and not p.awkward)[:limit]


@cache
def _usual() -> dict[str, Any]:
    return _toml("shapes.toml")


def _four(values: Sequence[float]) -> tuple[float, float, float, float]:
    a, b, c, d = values
    return (float(a), float(b), float(c), float(d))


def shot_of(product: Product) -> Shot:
    """How to draw the product; no solids where the picture is blank."""
    draw = product.draw
    if "shape" not in draw:
        return Shot(())
    usual = _usual()[draw["shape"]]
    box = draw.get("label_box", usual.get("label", [1.0, 1.0, 0.5]))
    colors = tuple(draw["colors"])
    solid = Solid(
        draw["shape"],
        _four(draw.get("a", usual["a"])),
        _four(draw.get("b", usual.get("b", [0, 0, 0, 0]))),
        colors + DEFAULT_COLORS[len(colors) :],
        yaw_deg=draw.get("yaw", usual.get("yaw", 0)),
        pitch_deg=draw.get("pitch", usual.get("pitch", 10)),
        label_size=(box[0], box[1]),
        label_y=box[2],
    )
    label = Label(
        tuple(draw.get("label", ())), draw.get("paper", ""), draw.get("ink", "#222222"), draw.get("accent", ""),
        draw.get("style", "stack"),
    )  # fmt: skip
    return Shot(
        (solid,) * draw.get("count", 1), label, draw["bg"], draw.get("fill", 0.70), draw.get("banner", ""),
        draw.get("shadow", 1.0),
    )  # fmt: skip


def price_band(price: float) -> str:
    """The price's band: under_15, 15_to_50 or over_50 (EUR)."""
    return "under_15" if price < 15 else "15_to_50" if price < 50 else "over_50"


def segments() -> dict[str, dict[str, Any]]:
    """Segment id to its declaration, in the order of the file."""
    return _toml("segments.toml")


def own_gtin(sku: str) -> str:
    """A GTIN-13 out of the range 20 to 29, which GS1 leaves to a company's own use, with its check digit."""
    digits = "20" + "".join(character for character in sku if character.isdigit()).zfill(10)
    total = sum(int(digit) * (1, 3)[i % 2] for i, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def everyday_rows(chosen: Sequence[Product]) -> list[dict[str, Any]]:
    """The JSON lines of "everyday", with its planted faults."""
    rows = []
    for p in chosen:
        row: dict[str, Any] = {
            "id": p.draw.get("sku", p.sku),
            "name": p.name,
            "description": p.text,
            "category": p.category,
            "brand": p.brand,
            "price": p.price,
            "currency": "EUR",
            "gtin": own_gtin(p.sku),
            "image": p.image,
            "tags": list(p.tags),
            "specs": [{"name": n, "value": v, "unit": u} for n, v, u in p.specs],
            "reviews": [{"rating": r, "text": t} for r, t in p.reviews],
        }
        if p.dirty == "no_price":
            del row["price"]
        if p.dirty == "sku_twice":
            row["image"] = next(q.image for q in chosen if q.sku == row["id"])
        rows.append(row)
    return rows


def write_everyday(path: Path, chosen: Sequence[Product]) -> None:
    """Write catalog.jsonl."""
    lines = (json.dumps(row, ensure_ascii=False) for row in everyday_rows(chosen))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ","
) -> None:
    """Write one UTF-8 CSV with a header and unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_roastery(path: Path, chosen: Sequence[Product]) -> None:
    """Write products.csv; tags travel inside `attributes` as this shop has no column for them."""
    header = ("sku", "title", "text", "category", "brand", "price_eur", "image", "attributes")
    rows = []
    for p in chosen:
        specs = "|".join(f"{n}={v} {u}".rstrip() for n, v, u in p.specs)
        attributes = f"{specs}|tags={','.join(p.tags)}"
        rows.append((p.sku, p.name, p.text, p.category, p.brand, f"{p.price:.2f}", p.image, attributes))
    write_csv(path, header, rows, delimiter=";")
