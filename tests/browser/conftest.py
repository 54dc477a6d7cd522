"""Fixtures of the browser tests: a Jupyter server, browsers, and notebooks made by the tests, open in them.

Nothing here needs a screen, a camera or a network. Without Chromium the tests skip and say so; where
SEGLIB_REQUIRE_BROWSER=1 is set, as in `.ci/run`, they fail instead. Firefox, WebKitGTK, Notebook 7 and nbclassic are
for `make test-browsers`, and what is not installed is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from fake_camera import film_of_the_clip
from lab import PLAIN_NAME, Lab, jupyterlab
from page import ARTIFACTS, QUIET, ClassicPage, NotebookPage, OpenNotebook
from webkit import minibrowser, webkit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

FIREFOX_SETTINGS = {"media.navigator.streams.fake": True, "media.navigator.permission.disabled": True}
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
VIEW = {"width": 1100, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> str:
    """The path of a Chromium: the system's, or the one that `playwright install chromium` has fetched."""
    own = playwright.chromium.executable_path
    found = [*filter(None, map(shutil.which, PROGRAMS)), *([own] if Path(own).exists() else [])]
    if found:
        return found[0]
    reason = "no Chromium here: install your system's package 'chromium', or run 'playwright install chromium'"
    if os.environ.get("SEGLIB_REQUIRE_BROWSER"):
        pytest.fail(f"SEGLIB_REQUIRE_BROWSER is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def launch(playwright: Playwright, chromium: str) -> Iterator[Callable[..., Browser]]:
    """A browser with these command line arguments, started at most once for the whole run."""
    browsers: dict[tuple[str, ...], Browser] = {}

    def launch(*arguments: str) -> Browser:
        if arguments not in browsers:
            plain = f"--host-resolver-rules=MAP {PLAIN_NAME} 127.0.0.1"
            browsers[arguments] = playwright.chromium.launch(
                executable_path=chromium, args=[*QUIET, plain, *arguments], chromium_sandbox=False
            )
        return browsers[arguments]

    yield launch
    for browser in browsers.values():
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("notebooks")) as running:
        yield running


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the recorded clip, for a fake camera to show."""
    return film_of_the_clip(tmp_path_factory.mktemp("film") / "clip.y4m")


@pytest.fixture(scope="session")
def firefox(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The system's Firefox; its camera is a fake one that is always allowed."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("no Firefox here: install your system's package 'firefox-esr' or 'firefox'")
    relay = tmp_path_factory.mktemp("firefox") / "firefox"
    script = Path(__file__).with_name("firefox_relay.py")
    relay.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "{program}" "$@"\n', encoding="utf-8")
    relay.chmod(0o700)
    browser = playwright.firefox.launch(
        executable_path=relay, channel="moz-firefox", firefox_user_prefs=FIREFOX_SETTINGS
    )
    yield browser
    browser.close()


@pytest.fixture
def new_page(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Call it for a page of "chromium" (with these arguments), "firefox" or "webkit"; it is closed with the test."""
    with ExitStack() as opened:

        def new_page(
            browser: str = "chromium", arguments: tuple[str, ...] = (), permissions: tuple[str, ...] = ()
        ) -> Page:
            if browser == "webkit":
                program = minibrowser()
                if not program:
                    pytest.skip("no WebKitGTK here: install Debian's packages 'webkit2gtk-driver' and 'xvfb'")
                page = opened.enter_context(webkit(program, tmp_path / "webkit.log"))
                print(f"WebKitGTK {page.version}")
                return page
            if browser == "firefox":
                running = request.getfixturevalue("firefox")
            else:
                running = request.getfixturevalue("launch")(*arguments)
            print(f"{browser} {running.version}")
            context = running.new_context(viewport=VIEW, permissions=list(permissions))
            opened.callback(context.close)
            return context.new_page()

        yield new_page


@pytest.fixture
def open_notebook(lab: Lab, new_page: Callable[..., Page], request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Call it with the code of the cells, or with the path of a notebook: it opens in a tab, kernel ready.

    chromium: further arguments for Chromium. host: the name in the address. permissions: what the page may use.
    browser: "chromium", "firefox" or "webkit". front_end: "lab", "notebook" or "nbclassic".
    A screenshot is kept at the end of every test. The kernel ends with the test.
    """
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")[:100]
    opened: list[NotebookPage] = []

    def open_notebook(
        *cells: str | Path,
        chromium: tuple[str, ...] = (),
        host: str = "localhost",
        permissions: tuple[str, ...] = (),
        browser: str = "chromium",
        front_end: str = "lab",
    ) -> NotebookPage:
        if front_end != "lab" and not find_spec(front_end):
            pytest.skip(f"{front_end} is not installed: python -m pip install {front_end}")
        place = lab.folder / f"{name}-{len(opened)}.ipynb"
        if isinstance(cells[0], Path):
            shutil.copy(cells[0], place)
        else:
            new = nbformat.v4
            kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
            book = new.new_notebook(cells=list(map(new.new_code_cell, cells)), metadata={"kernelspec": kernel})
            nbformat.write(book, place)
        kind = ClassicPage if front_end == "nbclassic" else NotebookPage
        notebook = kind(new_page(browser, chromium, permissions), ARTIFACTS, name)
        opened.append(notebook)
        notebook.open(lab.address(place.name, host, front_end))
        return notebook

    yield open_notebook
    for number, notebook in enumerate(opened):
        if not notebook.page.is_closed():
            notebook.screenshot(f"end{number or ''}")
        notebook.page.close()
        place = lab.folder / f"{name}-{number}.ipynb"
        lab.end_kernels(place.name)
        place.unlink()
