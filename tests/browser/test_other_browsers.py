"""seglib.Live beyond JupyterLab in Chromium: in Firefox, in WebKitGTK, in Notebook 7 and in nbclassic.

`make test-browsers` runs this, and names what is not installed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fake_camera import ALLOWED, FAKE
from live_page import LIVE, LivePage
from page import OpenNotebook

pytestmark = pytest.mark.slow

PLACES = [
    ("firefox", "lab"),
    ("webkit", "lab"),
    ("chromium", "notebook"),
    ("firefox", "notebook"),
    ("chromium", "nbclassic"),
]
OpenLive = Callable[[str], LivePage]


@pytest.fixture(params=PLACES, ids="-".join)
def open_live(open_notebook: OpenNotebook, request: pytest.FixtureRequest) -> OpenLive:
    browser, front_end = request.param

    def open_live(arguments: str) -> LivePage:
        code = LIVE.format(arguments=arguments)
        notebook = open_notebook(code, "", browser=browser, front_end=front_end, chromium=(FAKE, ALLOWED))
        live = LivePage(notebook)
        live.show()
        return live

    return open_live


def test_pictures_are_drawn_and_stop_ends_them(open_live: OpenLive) -> None:
    live = open_live("'clip', model=Known()")
    live.wait_for_state("stopped")
    live.start()
    before = live.picture()
    assert before.std() > 20
    live.wait_until(lambda: np.abs(live.picture().astype(float) - before).mean() > 2)
    live.notebook.screenshot("running")
    live.press("Stop")
    live.wait_for_state("stopped")
    assert live.notebook.errors == []


def test_the_browsers_camera_is_used_after_start_and_off_after_stop(open_live: OpenLive) -> None:
    live = open_live("'browser', model=Known(), panes=('input', 'result')")
    live.notebook.wait_for_tracks(live=0, given=0)
    live.press("Start")
    live.wait_for_pictures()
    assert live.panes()[0].std() > 10
    live.notebook.screenshot("camera")
    live.press("Stop")
    live.wait_for_state("stopped")
    live.notebook.wait_for_tracks(live=0, given=1)
    assert live.notebook.errors == []


def test_the_keyboard_alone_is_enough(open_live: OpenLive) -> None:
    live = open_live("'clip', model=Known()")
    page = live.page
    cells = live.notebook.count()
    page.locator(".seglib-start").press("Enter")
    live.wait_for_pictures()
    slider = page.locator(".seglib-live [role='slider'][aria-label='strength']")
    before = slider.get_attribute("aria-valuenow")
    slider.press("End")
    live.wait_until(lambda: slider.get_attribute("aria-valuenow") != before)
    stop = page.locator(".seglib-stop")
    stop.press("d")
    stop.press("d")
    assert live.notebook.count() == cells, "the notebook's own keys leave the cell alone"
    stop.press("Enter")
    live.wait_for_state("stopped")
    assert live.notebook.errors == []
