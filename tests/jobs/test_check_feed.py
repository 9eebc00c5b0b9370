"""The look at a feed before a night: what a file is, which mapping fits it, and what the page of text says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.sample_shop.exports import EXPORTS, write_exports
from jobs import check_feed
from jobs.catalog.head import read_head, sniff
from jobs.catalog.propose import image_folder, propose

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"a;b;c\n1;2,5;3\n4;5,5;6\n", {"format": "csv", "delimiter": ";"}),
        (b'a,b\n"x;y;z",2\n', {"format": "csv"}),
        (b"a\tb\n1\t2\n", {"format": "tsv"}),
        (b"a;b\n'x;y,z';2\n'it is \"x\"';3\n", {"format": "csv", "delimiter": ";", "quote": "'"}),
        (b"a,b\n\"it's, 'x'\",2\nrock'n'roll,3\n", {"format": "csv"}),
        (gzip.compress(b"a|b\n1|2\n", mtime=0), {"format": "csv", "delimiter": "|"}),
        ("a,b\nКружка,1\n".encode("windows-1251"), {"format": "csv", "encoding": "windows-1251"}),
        ("a,b\nCafé,1\n".encode("latin-1"), {"format": "csv", "encoding": "windows-1252"}),
        ("\ufeffa,b\nCafé,1\n".encode(), {"format": "csv"}),
        (b'{"a": 1}\n{"a": 2}\n', {"format": "jsonl"}),
        (b'[\n {"a": 1}]', {"format": "json"}),
        (b"<?xml version='1.0'?><rss/>", {"format": "xml"}),
    ],
)
def test_what_a_file_is(tmp_path: Path, content: bytes, settings: dict[str, Any]) -> None:
    path = tmp_path / "feed"
    path.write_bytes(content)
    assert sniff(path, tmp_path).model_dump(exclude_unset=True) == {"path": "feed", **settings}


def test_ready_mappings_are_recognised(tmp_path: Path) -> None:
    write_exports(tmp_path, limit=3)
    for name in EXPORTS:
        head = read_head(sniff(tmp_path / name, tmp_path), tmp_path, 10)
        assert propose(head).mapping == name.split(".")[0]


def test_fields_are_proposed_in_other_languages_and_inside_records(tmp_path: Path) -> None:
    def fields(name: str, content: bytes) -> dict[str, str]:
        (tmp_path / name).write_bytes(content)
        return propose(read_head(sniff(tmp_path / name, tmp_path), tmp_path, 10)).fields

    german = fields(
        "a.csv",
        "Artikelnr;Bezeichnung;Warengruppe;Preis;Währung\n7;Kanne;Küche > Kannen;1,5;EUR\n".encode("latin-1"),
    )
    assert german == {
        "sku": "Artikelnr", "title": "Bezeichnung", "category": "Warengruppe", "price": "Preis", "currency": "`Währung`"
    }  # fmt: skip
    russian = fields("b.csv", "артикул,название,раздел,цена\n7,Чайник,Кухня,350\n".encode("windows-1251"))
    assert russian == {"sku": "`артикул`", "title": "`название`", "category": "`раздел`", "price": "`цена`"}
    compounds = "Art.-Nr.;Artikelbezeichnung;Hauptwarengruppe;VK-Preis\n7;Kanne;Küche;1,5\n"
    assert fields("d.csv", compounds.encode()) == {
        "sku": "`Art.-Nr.`", "title": "Artikelbezeichnung", "category": "Hauptwarengruppe", "price": "`VK-Preis`"
    }  # fmt: skip
    japanese = "商品コード,商品名,カテゴリ,販売価格,ブランド\n7,急須,キッチン,3000,メーカー名\n"
    for encoding in ("utf-8", "cp932"):
        found = fields("e.csv", japanese.encode(encoding))
        assert list(found) == ["sku", "title", "category", "brand", "price"]
        assert (found["sku"], found["title"], found["price"]) == ("`商品コード`", "`商品名`", "`販売価格`")
    record = {
        "id": 7,
        "texts": {"name": {"en": "Desk lamp"}},
        "taxonomy": ["Home", "Lamps"],
        "offers": [{"price": {"amount": 19.5, "currency": "EUR"}, "qty": 3}],
        "reviews": [{"stars": 5}],
    }
    assert fields("c.json", json.dumps([record] * 3).encode()) == {
        "sku": "id",
        "title": "texts.name.en",
        "category": "array_join(taxonomy, ' > ')",
        "price": "try_element_at(offers, 1).price.amount",
        "currency": "try_element_at(offers, 1).price.currency",
        "availability": "try_element_at(offers, 1).qty",
    }


def test_the_head_of_a_parquet_file_goes_beyond_its_first_row_group(tmp_path: Path) -> None:
    pq.write_table(pa.table({"sku": ["1", "2", "3"]}), tmp_path / "p.parquet", row_group_size=2)
    file = sniff(tmp_path / "p.parquet", tmp_path)
    assert [len(read_head(file, tmp_path, rows).records) for rows in (10, 3, 1)] == [3, 3, 1]


def test_fields_are_proposed_for_the_real_shops(real_shops: Path) -> None:
    def fields(name: str) -> dict[str, str]:
        path = real_shops / name
        return propose(read_head(sniff(path, path.parent), path.parent, 1000)).fields

    zava = fields("zava_diy/products.csv")
    assert (zava["sku"], zava["title"], zava["price"], zava["image"]) == (
        "sku",
        "name",
        "price",
        "image_path",
    )
    assert zava["category"] == "concat_ws(' > ', main_category, subcategory)"
    outdoor = fields("eshop_outdoor/catalog.json")
    assert (outdoor["sku"], outdoor["title"], outdoor["brand"]) == ("Id", "Name", "Brand")
    orders = fields("uci_online_retail/orders.parquet")
    assert (orders["sku"], orders["title"], orders["price"]) == ("StockCode", "Description", "UnitPrice")


def test_pictures_are_looked_for_near_the_file(tmp_path: Path) -> None:
    (tmp_path / "media" / "big").mkdir(parents=True)
    (tmp_path / "media" / "big" / "a.jpg").write_bytes(b"x")
    assert image_folder(tmp_path, ["a.jpg"]) == ("media/big", None)
    folder, remark = image_folder(tmp_path, ["https://x.example/p/a.jpg", "https://x.example/p/b.jpg"])
    assert folder == ""
    assert 'prefix = "https://x.example/p/"' in str(remark)


def test_the_page_of_a_strangers_file(
    tmp_path: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"Artikelnummer": f"A{n}", "Titel": f"Tasse {n} 0,3 l", "Preis": f"{n},90 EUR"} for n in range(1, 30)
    ]
    rows += [rows[0], rows[1] | {"Preis": "5"}, rows[2] | {"Artikelnummer": "B", "Preis": "auf Anfrage"}]
    path = tmp_path / "artikel.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert check_feed.main(["--feed", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert 'sku = "Artikelnummer" title = "Titel"' in said
    assert "32 rows -> 29 products, 2 rejected, 30 notes" in said
    assert "row rejected price_unreadable 1 rows, first in line 32" in said
    assert "for example: auf Anfrage" in said
    assert "row rejected sku_conflicting 1 rows, first in line 31" in said
    assert "facts volume: 300 ml (title)" in said
    assert check_feed.main(["--feed", str(tmp_path / "gone.csv")]) == 2
