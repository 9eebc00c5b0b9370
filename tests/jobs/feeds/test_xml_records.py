"""XML: RSS and Atom of Google Merchant feeds, and what each kind of damage costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.feeds import limits
from jobs.feeds.lines import Record
from tests.jobs.feeds.texts import codes, read, values

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Shop</title><link>https://shop.example</link>
%s
</channel></rss>
"""
ITEM = "<item><g:id>%d</g:id><title>Mug</title></item>"


def _read(tmp_path: Path, content: str | bytes) -> list[Record]:
    return read(tmp_path, content, "xml")


def _objects(records: list[Record]) -> list[dict[str, Any]]:
    return values(records)


def test_rss_items_become_objects(tmp_path: Path) -> None:
    item = """<item>
      <g:id>A1</g:id><title>Plain</title><g:title>Mug &amp; <![CDATA[<b>lid</b>]]></g:title>
      <description>A <b>red</b> mug</description><g:brand/>
      <g:price unit="EUR">12.50</g:price>
      <g:additional_image_link>a.jpg</g:additional_image_link>
      <g:shipping><g:country>DE</g:country><g:price>3 EUR</g:price></g:shipping>
      <category>x</category><category>y</category>
      <media:content url="m.jpg"/>
    </item>"""
    assert _objects(_read(tmp_path, RSS % item)) == [
        {
            "id": "A1",
            "title": "Mug & <b>lid</b>",
            "description": "A red mug",
            "price": "12.50",
            "price_unit": "EUR",
            "additional_image_link": ["a.jpg"],
            "shipping": [{"country": "DE", "price": "3 EUR"}],
            "category": "x",
            "category_all": ["x", "y"],
            "media_content_url": "m.jpg",
        }
    ]


def test_atom_entries_and_other_roots(tmp_path: Path) -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
      <entry><g:id>1</g:id><title>Mug</title><link href="https://shop.example/1" rel="alternate"/></entry></feed>"""
    assert _objects(_read(tmp_path, atom)) == [
        {"id": "1", "title": "Mug", "link": "https://shop.example/1", "link_rel": "alternate"}
    ]
    other = (
        '<shop><product sku="1"><name>Mug</name></product><product sku="2"><name>Jar</name></product></shop>'
    )
    assert _objects(_read(tmp_path, other)) == [{"sku": "1", "name": "Mug"}, {"sku": "2", "name": "Jar"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251", "koi8-r"])
def test_the_declared_encoding_is_used(tmp_path: Path, encoding: str) -> None:
    name = encoding.replace("-sig", "")
    declared = f'<?xml version="1.0" encoding="{name}"?><a><p><t>Кружка</t></p></a>'
    assert _objects(_read(tmp_path, declared.encode(encoding))) == [{"t": "Кружка"}]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("<item><title>Salt & pepper</title></item>", "xml_malformed"),
        ("<item><title>Mug</item>", "xml_malformed"),
        ("<item><title>Mug</titel></item>", "xml_malformed"),
        ("<item><title>a &nbsp; b</title></item>", "xml_malformed"),
        ("<item><title a=1>b</title></item>", "xml_malformed"),
        ("<item><title>M\0ug</title></item>", "xml_malformed"),
        ("<item><q:title>Mug</q:title></item>", "xml_malformed"),
        ("<item>" + "<a>" * 60 + "</a>" * 60 + "</item>", "record_too_deep"),
        ("<item>" + "<a>" * 100_000, "record_too_deep"),
        ("<item><title>" + "x" * (limits.MAX_RECORD_CHARS + 1) + "</title></item>", "record_too_large"),
        ("<item><title>" + "&lt;" * (limits.MAX_RECORD_CHARS + 1) + "</title></item>", "record_too_large"),
        ("<item><title><![CDATA[never closed</title></item>", "record_too_large"),
        ("<item><title a='" + "x" * (5 * limits.MAX_RECORD_CHARS) + "'/></item>", "record_too_large"),
    ],
)
def test_a_broken_record_costs_that_record(tmp_path: Path, broken: str, code: str) -> None:
    filler = "<item><g:id>7</g:id><title>" + "x" * 900_000 + "</title></item>"
    content = RSS % "\n".join([ITEM % 1, ITEM % 2, broken, ITEM % 4, filler * 5, ITEM % 10])
    records = _read(tmp_path, content)
    assert codes(records) == {3: code}
    assert [item["id"] for item in _objects(records)] == ["1", "2", "4", *["7"] * 5, "10"]
    assert [number for number, *_ in records] == list(range(1, 11))
    raw = records[2][3]
    assert raw is not None
    assert raw.startswith("<item>")
    assert len(raw) <= limits.RAW_CHARS


def test_bytes_of_another_encoding(tmp_path: Path) -> None:
    items = [ITEM % n for n in range(1, 41)]
    items[6] = "<item><g:id>7</g:id><title>Mög</title></item>"
    assert codes(_read(tmp_path, (RSS % "".join(items)).encode("latin-1"))) == {7: "encoding_broken"}
    wrong = [f"<item><g:id>{n}</g:id><title>Кружка</title></item>" for n in range(100)]
    assert _read(tmp_path, (RSS % "".join(wrong)).encode("windows-1251"))[-1][2] == "feed_encoding"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]><rss><channel><item><title>&lol9;</title></item></channel></rss>"
)
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><item><title>&x;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB, "feed_xml_doctype"),
        (EXTERNAL, "feed_xml_doctype"),
        ('<!DOCTYPE rss SYSTEM "http://192.168.0.1/x.dtd"><rss/>', "feed_xml_doctype"),
        (RSS % (ITEM % 1) + "<rss></rss>", "feed_xml_malformed"),
        ((RSS % (ITEM % 1)).replace("</channel>", "</chanel>"), "feed_xml_malformed"),
        ("<rss><channel><", "feed_truncated"),
        ((RSS % (ITEM % 1 + ITEM % 2))[:-40], "feed_truncated"),
        ((RSS % (ITEM % 1))[:-15], "feed_truncated"),
        (
            RSS % "".join(f"<item>{n}&</item>" for n in range(limits.MAX_LOST_RECORDS + 5)),
            "feed_xml_malformed",
        ),
        ("<rss>" + "<a>" * 6_000_000, "feed_xml_malformed"),
    ],
    ids=range(10),
)
def test_what_costs_the_whole_file(tmp_path: Path, content: str, code: str) -> None:
    assert _read(tmp_path, content)[-1][2] == code
