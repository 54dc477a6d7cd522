"""The site in Firefox and in WebKitGTK: `make test-browsers` runs this, and names what is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("browser", ["firefox", "webkit"])]

PAGES = ("index.html", "notebooks/03_mask.html", "docs/glossary.html", "api/effects.html")
PIXELS = """() => {
    const {width, height} = document.getElementById('try-output');
    const bytes = document.getElementById('try-output').getContext('2d').getImageData(0, 0, width, height).data;
    return Math.max(...bytes.filter((_, index) => index % 4 < 3));
}"""


def test_pages_are_laid_out_and_the_search_answers(new_page: Callable[..., Page], address: str, browser: str) -> None:
    page = new_page(browser)
    for name in PAGES:
        page.goto(f"{address}/{name}")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("() => [...document.images].every((image) => image.complete && image.naturalWidth)"), name
    page.goto(f"{address}/search.html?q=what+does+output+stride+mean")
    page.wait_for_function("() => !!document.querySelector('#search-results li')")
    assert "output stride" in page.evaluate("() => document.querySelector('#search-results li').innerText")


@pytest.mark.parametrize("source", ["camera", "clip"])
def test_the_model_runs_in_the_page(new_page: Callable[..., Page], address: str, browser: str, source: str) -> None:
    page = new_page(browser)
    page.goto(f"{address}/try/index.html")
    page.wait_for_function("() => document.getElementById('try-status').textContent === 'Ready.'")
    page.locator(f"#try-{source}").click()
    page.wait_for_function("() => parseInt(document.getElementById('try-rate').textContent) > 0", timeout=300_000)
    print(page.evaluate("() => document.getElementById('try-rate').textContent"))
    assert page.evaluate(PIXELS) > 100
    page.locator("#try-stop").click()
