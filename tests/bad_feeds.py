"""The collection of bad input: one tiny file a kind (tests/data/bad_feeds), as a data root and shops to ingest."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

COLLECTION = Path(__file__).parent / "data" / "bad_feeds"
CSV_FIELDS = {
    "sku": "id",
    "title": "name",
    "category": "coalesce(cat, 'Kitchen')",
    "price": "price",
    "description": "text",
    "currency": "currency",
    "sale_price": "sale_price",
    "sale_dates": "sale_dates",
    "gtin": "gtin",
    "availability": "stock",
    "condition": "state",
    "parent_sku": "parent",
    "rating_mean": "rating",
    "image": "coalesce(image, 'mug.jpg')",
}
SHORT_FIELDS = {"sku": "id", "title": "name", "category": "'Kitchen'", "price": "price", "image": "'mug.jpg'"}


@dataclass(frozen=True)
class Kind:
    """One kind of bad input and what becomes of it; the fields are explained in kinds.toml."""

    name: str
    shop: str | None = None
    file: str | None = None
    made: str | None = None
    rejects: dict[str, list[int]] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()
    shows: dict[str, dict[str, Any]] = field(default_factory=dict)
    hides: tuple[str, ...] = ()
    refused: str | None = None
    feed: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where the file lies below the data root."""
        return self.feed.get("path") or self.made or str(self.file)


def load_kinds() -> list[Kind]:
    """Every kind of kinds.toml."""
    with (COLLECTION / "kinds.toml").open("rb") as file:
        read = tomllib.load(file)["kind"]
    return [
        Kind(**{key: tuple(v) if key in {"keeps", "hides"} else v for key, v in one.items()}) for one in read
    ]


def _long_csv(name: str, megabytes: int) -> Callable[[TextIO], None]:
    def write(out: TextIO) -> None:
        out.write(f"id,name,price,text\n{name}-good,Enamel mug,12.50,\n{name}-1,Bowl,9.90,")
        for _ in range(megabytes):
            out.write("x" * 1_000_000)
        out.write(f"\n{name}-2,Plate,8.50,\n")

    return write


def _long_json(out: TextIO) -> None:
    name = "json_record_of_5_mb"
    for part, text in (("good", ""), ("1", "x" * 5_000_000), ("2", "")):
        out.write(json.dumps({"id": f"{name}-{part}", "name": "Bowl", "price": 9.9, "text": text}) + "\n")


MADE = {
    "csv/cell_of_50_mb.csv": _long_csv("cell_of_50_mb", 50),
    "csv/cell_of_2_mb.csv": _long_csv("cell_of_2_mb", 2),
    "csv/description_of_5_mb.csv": _long_csv("description_of_5_mb", 5),
    "jsonl/json_record_of_5_mb.jsonl": _long_json,
}
"""Files that are too big to be kept."""


def make_data_root(root: Path) -> None:
    """The collection below `root`, with the pictures and links that its rows name."""
    shutil.copytree(COLLECTION, root)
    for name, write in MADE.items():
        with (root / name).open("w", encoding="utf-8") as out:
            write(out)
    (root.parent / "outside.csv").write_text("id,name,price\nx-1,Mug,12.50\n")
    (root / "feeds" / "link_outside.csv").symlink_to(root.parent / "outside.csv")
    images = root / "images"
    (images / "folder").mkdir(parents=True)
    (root / "secret.jpg").write_bytes(b"secret")
    (images / "mug.jpg").write_bytes(b"a picture")
    (images / "empty.jpg").touch()
    (images / "link_outside.jpg").symlink_to(root / "secret.jpg")
    with (images / "huge.jpg").open("wb") as huge:
        huge.truncate(50_000_001)


def feed_toml(path: str, format: str, fields: dict[str, str], **more: str) -> str:
    """The feed of a shop as an inline table of TOML."""
    mapped = ", ".join(f"{name} = {json.dumps(sql)}" for name, sql in fields.items())
    options = "".join(f", {name} = {json.dumps(value)}" for name, value in more.items())
    return f'{{ path = "{path}", format = "{format}", fields = {{ {mapped} }}{options} }}'


def shop_feeds(kinds: Sequence[Kind]) -> dict[str, str]:
    """Merchant -> its feed in TOML: one merchant a format for files with bad rows, one a kind for refused feeds."""
    feeds = {}
    for shop in sorted({kind.shop for kind in kinds if kind.shop}):
        fields = CSV_FIELDS if shop == "csv" else SHORT_FIELDS
        feeds[f"shop_{shop}"] = feed_toml(shop, shop, fields, image_root="images")
    for kind in kinds:
        if kind.refused:
            options = {"format": "csv"} | kind.feed | {"path": kind.path}
            feeds[kind.name] = feed_toml(options.pop("path"), options.pop("format"), SHORT_FIELDS, **options)
    return feeds


def merchant_toml(name: str, feed: str, **more: str) -> str:
    """A merchant of the configuration."""
    settings = {"name": f'"{name}"', "segment_sources": '["panel"]', "currency": '"EUR"', "feed": feed} | more
    return f'\n[[merchants]]\nid = "{name}"\n' + "".join(f"{k} = {v}\n" for k, v in settings.items())
