"""Every page of the site: links, console, pictures, widths, search, accessibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag

import nbformat
import pytest

import seglib

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[3]
SITE = ROOT / "out" / "site"
CONTENTS = """() => ({
    ids: [...document.querySelectorAll('[id]')].map(element => element.id),
    links: [...document.querySelectorAll('a[href]')].map(link => link.href),
    without_text: [...document.images].filter(image => !image.alt.trim()).map(image => image.src),
    tables_as_text: [...document.querySelectorAll('p')].filter(p => p.innerText.startsWith('| ')).length,
})"""
AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(rule => ['serious', 'critical'].includes(rule.impact))
    .map(rule => `${rule.id}: ${rule.nodes.length} × ${rule.nodes[0].html.slice(0, 200)}`)"""
VARIED = ("index.html", "notebooks/03_mask.html", "docs/glossary.html", "api/effects.html", "try/index.html")


@pytest.fixture
def page(launch: Callable[..., Browser]) -> Iterator[Page]:
    context = launch().new_context()
    yield context.new_page()
    context.close()


def test_pages_are_whole_and_ask_no_other_host(page: Page, address: str) -> None:
    complaints, pages = [], {}
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda r: complaints.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None
    )
    for path in sorted(SITE.rglob("*.html")):
        name = f"{address}/{path.relative_to(SITE).as_posix()}"
        page.goto(name)
        pages[name] = page.evaluate(CONTENTS)
    assert len(pages) > 25
    assert complaints == []
    assert [source for contents in pages.values() for source in contents["without_text"]] == []
    assert [name for name, contents in pages.items() if contents["tables_as_text"]] == []
    broken = []
    for name, contents in pages.items():
        for link in filter(lambda link: link.startswith(address), contents["links"]):
            place, anchor = urldefrag(link)
            place += "index.html" if place.endswith("/") else ""
            exists = (SITE / unquote(place.removeprefix(address + "/"))).is_file()
            if not exists or (anchor and place in pages and unquote(anchor) not in pages[place]["ids"]):
                broken.append(f"{name}: {link}")
    assert broken == []


def test_each_public_name_has_its_place_in_the_reference() -> None:
    reference = "".join(path.read_text(encoding="utf-8") for path in (SITE / "api").glob("*.html"))
    names = [*seglib.__all__, *(f"video.{name}" for name in seglib.video.__all__ if name not in seglib.__all__)]
    assert [name for name in names if f'id="seglib.{name}"' not in reference] == []


def test_notebooks_can_be_downloaded(page: Page, address: str) -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        page.goto(f"{address}/notebooks/{path.stem}.html")
        with page.expect_download() as download:
            page.locator("a[download]").click()
        assert nbformat.read(download.value.path(), as_version=4).cells[0].source.startswith("# ")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("atrous", "notebooks/08_inside_deeplabv3.html"),
        ("what does output stride mean", "docs/glossary.html#term-output-stride"),
        ("what is a mask", "docs/glossary.html#term-mask"),
        ("IoU", "api/measure.html#seglib.iou"),
        ("halo around the person", "notebooks/04_blur.html"),
        ("how do I keep the cat", "cat"),
        ("only one person", "person"),
        ("how large a server", "server"),
        ("no webcam", "webcam"),
        ("licence", "licence"),
        ("which Python", "python"),
        ("blur stronger", "blur"),
        ("my own network", "network"),
        ("proxy certificate", "proxy"),
        ("remote camera", "camera"),
        ("is my video uploaded", "uploaded"),
        ("process_video", "api/live.html#seglib.process_video"),
    ],
)
def test_search_answers_in_its_first_three_hits(page: Page, address: str, question: str, answer: str) -> None:
    page.goto(f"{address}/search.html?q={question.replace(' ', '+')}")
    page.locator("#search-results li").nth(0).wait_for(timeout=20_000)
    hits = page.locator("#search-results li a").evaluate_all("links => links.slice(0, 3).map(link => link.href)")
    assert any(answer in hit for hit in hits), hits


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_pages_fit_the_screen(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in VARIED:
        page.goto(f"{address}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VARIED)
def test_pages_are_accessible(page: Page, address: str, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/{name}")
    page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    assert page.evaluate(AXE) == []
