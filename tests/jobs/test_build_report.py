"""The page of a made-up night: what it holds, also for nights that failed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from infra.stage import write_record
from infra.tables import read_table
from jobs.build_report import main
from jobs.report.sections import expectations_section, gate_section
from tests.jobs.sample_night import SampleNight, make_sample_night, write_stage_records


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> SampleNight:
    made = make_sample_night(tmp_path_factory.mktemp("night"), products=2, size_px=64)
    gate = {
        "passed": True,
        "release_id": made.release_id,
        "expectations": 74,
        "failed": [],
        "docs": "gate/index.html",
    }
    write_record(page_of(made).parent / "gate.json", gate)
    (page_of(made).parent / "gate").mkdir()
    (page_of(made).parent / "gate" / "index.html").write_text("docs")
    main(made.argv())
    return made


def page_of(night: SampleNight) -> Path:
    return night.state / "reports" / night.run_date.isoformat() / "index.html"


class Outline(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in {"script", "style"}
        self.words += " "

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data


def data_of(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="night">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found.group(1))
    return data


def test_the_page_says_what_was_published(night: SampleNight) -> None:
    html = page_of(night).read_text()
    text = " ".join(Outline(html).words.split())
    assert night.release_id in text and "21 November 2026" in text and "published" in text
    assert "74 of 74 expectations hold" in text and 'href="gate/index.html"' in html
    # Two shops of eight products: one row without price, one product without picture, one refused, one face rejected.
    assert re.search(r"Feed rows read 18 16 rows 2 price missing 2", text)
    assert re.search(r"Picture usable 16 12 products 4 edges unclear 2 image missing 2", text)
    assert re.search(r"Faces accepted 72 68 faces 4 text contrast 4", text)
    assert "North Shop" in text and "ray_tasks.make_candidates done" in text


def test_the_page_is_self_contained_and_carries_nothing_that_runs(night: SampleNight) -> None:
    html = page_of(night).read_text()
    outline = Outline(html)
    assert [tag for tag, _ in outline.tags].count("script") == 2
    assert not [a for _, a in outline.tags if any(name.startswith("on") for name in a)]
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", html)
    assert "\u2028" not in html
    titles = {product["title"] for product in data_of(html)["products"]}  # type: ignore[attr-defined]
    assert "</script><script>document.title='pwned'</script>" in titles


def test_every_picture_that_the_page_names_is_there(night: SampleNight) -> None:
    data = data_of(page_of(night).read_text())
    folder = page_of(night).parent
    faces = [face for product in data["products"] for face in product["faces"]]  # type: ignore[attr-defined]
    assert len(faces) == 80 and all(face["thumb"] for face in faces)
    for face in faces:
        assert (folder / "thumbs" / f"{face['asset']}.jpg").stat().st_size > 300
        assert (folder / str(data["store"]) / face["uri"]).exists()
    sources = [product["image"] for product in data["products"] if product["image"]]  # type: ignore[attr-defined]
    assert len(sources) == 14 and all((folder / f"thumbs/source-{sha}.jpg").exists() for sha in sources)


def test_a_second_run_makes_no_small_picture_again(night: SampleNight) -> None:
    thumbs = list((page_of(night).parent / "thumbs").iterdir())
    before = {path: path.stat().st_mtime_ns for path in thumbs}
    html = page_of(night).read_bytes()
    assert main(night.argv()) == [page_of(night)]
    assert {path: path.stat().st_mtime_ns for path in thumbs} == before
    assert page_of(night).read_bytes() == html


def test_a_failed_night_says_which_stage_why_and_where_the_log_is(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, products=1, size_px=64, published=False)
    main(night.argv())
    html = page_of(night).read_text()
    text = " ".join(Outline(html).words.split())
    assert "The night stopped in jobs.gate_release" in text and "No release is live yet." in text
    assert "2 expectations failed; <b>see</b> the gate's pages" in text
    assert 'href="logs/jobs.gate_release.log"' in html and "No release of this night" in text


def test_broken_rules_of_the_gate_are_listed() -> None:
    broken = [
        {"table": "assets", "rule": "<alt>", "severity": "stop", "rows": 3},
        {"table": "assets", "rule": "any"},
    ]
    html = gate_section({"passed": False, "expectations": 9, "failed": broken}, docs_exist=False)
    assert "7 of 9" in html and "assets: &lt;alt&gt; (stop, 3 rows)" in html


def test_a_night_that_failed_at_once_has_a_page_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = make_sample_night(tmp_path, products=1, size_px=64)
    empty = SampleNight(tmp_path / "empty", night.config, night.run_date, "", night.merchants)
    write_stage_records(empty.state, empty.run_date, failed="jobs.ingest_catalog", night_id="this")
    monkeypatch.setenv("HUNDREDFACES_NIGHT_ID", "this.failed")
    main(empty.argv())
    assert "stopped in  jobs.ingest_catalog" in Outline(page_of(empty).read_text()).words
    monkeypatch.setenv("HUNDREDFACES_NIGHT_ID", "another.failed")
    main(empty.argv())
    assert "stopped in  Airflow" in Outline(page_of(empty).read_text()).words


def test_a_missing_object_costs_one_picture_not_the_page(tmp_path: Path) -> None:
    night = make_sample_night(tmp_path, merchants=("north_shop",), products=1, locales=("en",), size_px=64)
    (night.state / "store" / read_table(night.state, "assets")["uri"][0].as_py()).unlink()
    main(night.argv())
    assert "1 picture could not be read; the log" in page_of(night).read_text()


def test_expectations_are_listed_with_what_broke_them() -> None:
    broken = {
        "table": "products", "rule": "has_a_picture: image_sha256 IS NOT NULL", "severity": "warn", "rows": 2,
        "examples": ["sku=<b>1</b>", "sku=2"],
    }  # fmt: skip
    result = {"table": "products", "rows": 1200, "expectations": 9, "broken": [broken]}
    html = expectations_section([{"stage": "jobs.build_drops"}, {"stage": "a", "expectations": [result]}])
    words = " ".join(Outline(html).words.split())
    assert "products 1,200 8 of 9 warn has_a_picture: image_sha256 IS NOT NULL: 2 rows" in words
    assert "sku=&lt;b&gt;1&lt;/b&gt;; sku=2" in html
    assert expectations_section([{"stage": "jobs.build_drops"}]) == ""
