"""The page in headless Chromium: no console error, keyboard, filters, narrow and dark windows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from jobs.build_report import main
from tests.jobs import chromium
from tests.jobs.chromium import Page, chromium_page
from tests.jobs.sample_night import HOSTILE, make_sample_night

pytestmark = pytest.mark.skipif(
    chromium.BINARY is None, reason="no chromium or google-chrome in PATH: install Debian's package chromium"
)

COFFEE = "#product=north_shop/N-1000"
FACE = "document.querySelector('#v-strip [aria-current]').textContent"
IS_OPEN = "document.getElementById('viewer').open"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    night = make_sample_night(tmp_path_factory.mktemp("night"), products=26, locales=("en", "de"), size_px=64)
    return main(night.argv())[0].as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium_page() as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    browser.errors.clear()
    yield browser
    assert browser.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_sticks_out_and_text_can_be_read(
    page: Page, url: str, width: int, scheme: str, tmp_path: Path
) -> None:
    for target in (url, url + COFFEE):
        page.open(target, width=width, height=844, scheme=scheme)
        assert page.run("document.documentElement.scrollWidth") == width
        ground, ink = page.run(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        levels = [sum(map(int, colour[4:-1].split(","))) for colour in (ground, ink)]
        assert (
            (levels[0] > 700 and levels[1] < 120)
            if scheme == "light"
            else (levels[0] < 120 and levels[1] > 650)
        )
        page.screenshot(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 10_000


def test_the_error_check_sees_errors(browser: Page, url: str) -> None:
    browser.open(url)
    browser.run("(() => { const i = new Image(); i.src = 'thumbs/none.jpg'; document.body.append(i); })()")
    browser.run("setTimeout(() => { throw new Error('planted'); }, 0); console.error('said')")
    browser.run("new Promise((done) => setTimeout(done, 300))")
    found = " ".join(browser.errors)
    assert "planted" in found and "said" in found and "ERR_FILE_NOT_FOUND" in found


def test_waiting_goes_on_on_the_next_page(page: Page, url: str) -> None:
    page.open(url)
    page.run("setTimeout(() => location.assign('about:blank'), 100)")
    page.wait("new Promise((done) => setTimeout(() => done(location.href === 'about:blank'), 400))")


def test_the_large_view_by_keyboard(page: Page, url: str) -> None:
    page.open(url)
    page.run("document.querySelectorAll('.product .face')[9].focus()")
    page.press("Enter")
    page.wait(IS_OPEN)
    first = page.run(FACE)
    page.press("ArrowRight")
    assert page.run(FACE) != first and "face=" in page.run("location.hash")
    page.press("ArrowLeft")
    assert page.run(FACE) == first
    title = page.run("document.getElementById('v-title').textContent")
    page.press("ArrowRight", shift=True)
    assert page.run("document.getElementById('v-title').textContent") != title
    page.press("Escape")
    page.wait(f"!{IS_OPEN}")
    assert page.run("location.hash") == "" and page.run("document.activeElement.className") == "face"


def test_a_link_opens_the_finished_picture_with_its_lineage(page: Page, url: str) -> None:
    page.open(url + COFFEE + "&face=office")
    page.wait("document.querySelector('#v-stage img').naturalWidth > 0")
    assert page.run("document.querySelector('#v-stage img').getAttribute('src')").startswith(
        "../../store/pictures/"
    )
    assert page.run("document.querySelector('.v-source img').naturalWidth") > 0
    text = page.run("document.getElementById('v-facts').innerText")
    for part in (
        "Office workers",
        "times as often",
        "Steel inside",
        "text contrast",
        "Instruction",
        "Asset",
        "Cut-out",
        "Model's opinion\n0.0625",
        "Judge: floating\nyes; right in at least 83 % of such answers",
        "Judge: unsafe\nyes; no record, so it counts nothing",
        "Judge: wrong count\nno",
    ):
        assert part in text
    assert "judged" not in text
    page.run("document.querySelector('[data-locale=de]').click()")
    assert "für dich" in page.run("document.getElementById('v-facts').innerText")
    page.run("document.getElementById('v-compare').click()")
    assert page.run("document.querySelectorAll('#v-stage img').length") == 4
    page.run("document.getElementById('v-compare').click()")
    page.run("document.querySelector('#v-stage figcaption a').click()")
    page.wait("location.pathname.includes('/lineage/') && document.readyState === 'complete'")
    assert (
        page.run("document.querySelector('article:target dd[data-column=segment_id]').textContent")
        == "office"
    )
    assert page.run("[...document.images].every((image) => image.naturalWidth > 0 || !image.complete)")
    page.run("document.querySelector('article:target a').click()")
    page.wait("location.pathname.endsWith('/index.html') && document.querySelector('#v-stage img') !== null")
    assert "face=office" in page.run("location.hash")


def test_hostile_names_are_only_text(page: Page, url: str) -> None:
    for sku, title in HOSTILE:
        page.open(f"{url}#product=north_shop/{quote(sku, safe='')}")
        page.wait(IS_OPEN)
        assert page.run("document.getElementById('v-title').textContent") == title
    assert page.run("document.title") == "Night of 2026-11-21 · published"


def test_search_filters_and_more(page: Page, url: str) -> None:
    page.open(url)
    shown = "document.querySelectorAll('.product').length"
    assert page.run(shown) == 24 and "64 of 64 products" in page.run(
        "document.getElementById('shown').textContent"
    )
    page.run("document.getElementById('more').click()")
    assert page.run(shown) == 48

    def choose(field: str, value: str) -> int:
        page.run(
            f"(() => {{ const f = document.getElementById('f-{field}'); f.value = {value!r};"
            " f.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
        return int(page.run(shown))

    assert choose("text", "stoneware mug no. 8") == 2
    assert choose("merchant", "south_shop") == 1
    assert choose("text", "") == 24
    assert choose("state", "none") == 2
    assert choose("category", "Gifts") == 1
    assert choose("text", "nothing like it") == 0


def test_every_picture_has_a_text_alternative_and_every_control_a_name(page: Page, url: str) -> None:
    page.open(url)
    assert page.run("[...document.images].every((image) => image.alt.length > 0)")
    unnamed = "[...document.querySelectorAll('button, a, select, input')].filter((e) => !e.hidden"
    unnamed += (
        " && !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length))).length"
    )
    assert page.run(unnamed) == 0
    assert page.run("['header', 'main', 'nav', 'footer'].every((tag) => document.querySelector(tag))")
    page.press("Tab")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
