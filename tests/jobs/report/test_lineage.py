"""The lineage pages of a made-up night: the rows of the command, whatever names the products have."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from infra.releases import read_release
from jobs import ask, build_report
from jobs.report import lineage
from tests.jobs.sample_night import HOSTILE, SampleNight, make_sample_night
from tests.jobs.test_build_report import Outline, data_of

Rows = dict[str, dict[str, list[str]]]


class Pages(HTMLParser):
    """asset_id -> column -> the texts that a page shows for it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root: dict[str, list[str]] = {}
        self.rows: Rows = {}
        self._into, self._column = self.root, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "article":
            self._into = self.rows.setdefault(str(given["id"])[1:], dict(self.root))
        self._column = given.get("data-column") or (self._column if tag == "span" else "")

    def handle_endtag(self, tag: str) -> None:
        self._column = self._column if tag == "span" else ""

    def handle_data(self, data: str) -> None:
        if self._column:
            self._into.setdefault(self._column, []).append(data)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> SampleNight:
    made = make_sample_night(tmp_path_factory.mktemp("lineage"), products=2, size_px=64)
    build_report.main(made.argv())
    return made


def folder_of(night: SampleNight) -> Path:
    return night.state / "reports" / night.run_date.isoformat()


def said_by_pages(night: SampleNight) -> Rows:
    pages = [Pages(path.read_text(encoding="utf-8")) for path in (folder_of(night) / "lineage").iterdir()]
    return {asset_id: row for page in pages for asset_id, row in page.rows.items()}


def test_the_pages_say_what_the_command_says(night: SampleNight, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask.main(["lineage", "--csv", f"--state={night.state}"]) == 0
    command = {row["asset_id"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    said = said_by_pages(night)
    assert said.keys() == command.keys() and len(said) == read_release(night.state).row["asset_count"]
    for asset_id, row in command.items():
        assert said[asset_id].keys() == row.keys()
        for column, text in row.items():
            shown = said[asset_id][column]
            if column == "evidence":
                assert len(shown) == 2 and all(line in text for line in shown)
            else:
                assert shown == [text[:19] if column.endswith(("_at", "_published")) else text or "–"]


def test_every_published_picture_opens_its_lineage_and_finds_the_way_back(night: SampleNight) -> None:
    folder = folder_of(night)
    products = data_of((folder / "index.html").read_text(encoding="utf-8"))["products"]
    known = {(product["merchant"], product["sku"]) for product in products}  # type: ignore[attr-defined]
    assert {sku for sku, _ in HOSTILE} <= {sku for _, sku in known}
    for product in products:  # type: ignore[attr-defined]
        published = [face["asset"] for face in product["faces"] if face["state"] == "published"]
        assert bool(product["lineage"]) == bool(published)
        if not published:
            continue
        html = (folder / product["lineage"]).read_text(encoding="utf-8")
        outline = Outline(html)
        assert {f"a{asset}" for asset in published} == {
            a["id"] for tag, a in outline.tags if tag == "article"
        }
        assert (
            not {"script", "b"} & {tag for tag, _ in outline.tags}
            and product["title"].strip() in outline.words
        )
        for tag, given in outline.tags:
            if tag == "img":
                assert (folder / "lineage" / str(given["src"])).exists()
            if tag == "a":
                assert re.match(
                    r"\.\./index\.html#product=[^/]+/[^/]+$", str(given["href"]).split("&face=")[0]
                )
    assert (folder / "lineage.css").stat().st_size > 1000


def test_a_large_night_has_pages_for_each_merchants_first_products(
    night: SampleNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "PRODUCTS", 1)
    build_report.main(night.argv())
    products = data_of((folder_of(night) / "index.html").read_text(encoding="utf-8"))["products"]
    linked = [product["merchant"] for product in products if product["lineage"]]  # type: ignore[attr-defined]
    assert sorted(linked) == sorted(night.merchants)
    assert len(list((folder_of(night) / "lineage").iterdir())) == len(linked)
