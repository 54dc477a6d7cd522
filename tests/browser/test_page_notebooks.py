"""The tutorial's own notebooks, as a learner meets them: open one, choose Run All Cells."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import nbformat
from fake_camera import ALLOWED, FAKE
from live_page import LivePage
from page import OpenNotebook

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_the_first_notebook_runs_from_top_to_bottom(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(NOTEBOOKS / "00_start.ipynb")
    notebook.run_all()
    counts = notebook.page.evaluate(
        "() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.executionCount)"
    )
    ran = [count for count in counts if count is not None]
    assert ran == list(range(1, len(ran) + 1))
    assert len(ran) >= 4
    assert notebook.errors == []


def test_pictures_are_shown_with_their_text_before_anything_has_run(open_notebook: OpenNotebook) -> None:
    """A notebook from elsewhere is not trusted, so JupyterLab cleans its HTML; it must not lose the pictures."""
    notebook = open_notebook(NOTEBOOKS / "00_start.ipynb")
    pictures = notebook.page.locator(".jp-OutputArea-output img")
    notebook.page.wait_for_function("() => document.querySelector('.jp-OutputArea-output img')?.naturalWidth > 0")
    assert pictures.count() >= 3
    for number in range(pictures.count()):
        pictures.nth(number).scroll_into_view_if_needed()
        assert re.search(r"\w", pictures.nth(number).get_attribute("alt") or "")
        box, cell = pictures.nth(number).bounding_box(), notebook.page.locator(".jp-Notebook").bounding_box()
        assert box
        assert cell
        assert 0 < box["width"] < cell["width"]
    if platform.python_version() == nbformat.read(NOTEBOOKS / "00_start.ipynb", 4).metadata.language_info.version:
        assert not notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.dirty")
    notebook.screenshot_both_themes()


def test_widgets_live_in_this_lab(open_notebook: OpenNotebook) -> None:
    """The ground under all the other tests: a control moved on the page changes a value in the kernel."""
    notebook = open_notebook("import ipywidgets\nbox = ipywidgets.Checkbox(description='agree')\nbox")
    notebook.run_all()
    notebook.page.get_by_label("agree").check()
    notebook.wait_for("box.value")


def test_the_live_notebook_runs_and_its_widget_starts(open_notebook: OpenNotebook) -> None:
    """Run All opens no camera: neither this machine's, since SEGLIB_SOURCE is set here, nor the browser's."""
    notebook = open_notebook(NOTEBOOKS / "06_live.ipynb", chromium=(FAKE, ALLOWED))
    notebook.run_all(seconds=300)
    notebook.wait_for_tracks(live=0, given=0)
    notebook.screenshot("ran")
    live = LivePage(notebook)
    live.page.locator(".seglib-live").last.scroll_into_view_if_needed()
    live.wait_for_state("stopped")
    live.start()
    live.press("Stop")
    live.wait_for_state("stopped")
    assert notebook.errors == []
