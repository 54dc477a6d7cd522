"""The tutorial's own notebooks, as a learner meets them: open one, choose Run All Cells."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import nbformat
import pytest
from fake_camera import ALLOWED, FAKE
from live_page import LivePage
from page import OpenNotebook

SLIDER = """
import numpy as np
from seglib import exercises
seen = []
def grey(level=128):
    seen.append(level)
    return np.full((40, 60, 3), level, np.uint8)
exercises.explore(grey, "A grey square", level=(0, 255, 5))
"""
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


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_a_slider_below_a_picture_redraws_it(open_notebook: OpenNotebook, front_end: str) -> None:
    notebook = open_notebook(SLIDER, front_end=front_end)
    notebook.run(0)
    picture, slider = notebook.page.get_by_alt_text("A grey square"), notebook.page.get_by_role("slider")
    picture.wait_for()
    assert picture.count() == 1  # not the one for pages without a kernel as well
    before = picture.get_attribute("src")
    slider.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.wait_for("seen[-1] > 128")
    notebook.page.wait_for_function("(src) => document.querySelector('.widget-html img').src !== src", arg=before)
    assert notebook.errors == []


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
