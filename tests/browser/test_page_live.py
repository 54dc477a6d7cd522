"""seglib.Live as a person meets it: in JupyterLab, in a real browser, with the mouse and the keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_camera import FAKE, NO_CAMERA, plays
from lab import PLAIN_NAME
from live_page import LIVE, LOOPS, PICTURES, LivePage
from numpy.typing import NDArray
from page import OpenNotebook

import seglib

BURST = """
import time
from seglib.live.jpeg import encode_jpeg
jpeg = encode_jpeg(seglib.sample_frame())
for _ in range(60):
    live._display.show(jpeg, time.perf_counter(), ("result",))
"""
MEMORY = "__import__('psutil').Process().memory_info().rss / 2**20"
BY_HAND = """
error = []
camera = seglib.open_source("browser")

def read():
    try:
        next(camera)
    except seglib.CameraUnavailable as problem:
        error.append(str(problem))

threading.Thread(target=read).start()
camera
"""
OpenLive = Callable[..., LivePage]


@pytest.fixture
def open_live(open_notebook: OpenNotebook) -> OpenLive:
    def open_live(arguments: str, *cells: str, **options: object) -> LivePage:
        live = LivePage(open_notebook(LIVE.format(arguments=arguments), *cells, **options))
        live.show()
        return live

    return open_live


def detail(pane: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """How much fine detail there is: the mean size of the Laplacian."""
    grey = cv2.cvtColor(np.ascontiguousarray(pane), cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_64F))[where].mean())


def shrunk(mask: NDArray[np.bool_], pane: NDArray[np.uint8], margin: int) -> NDArray[np.bool_]:
    """A mask in the size of a pane, with a margin taken off."""
    height, width = pane.shape[:2]
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.erode(small, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0


def test_frames_change_on_screen_and_stop_ends_them(open_live: OpenLive) -> None:
    live = open_live("'clip', model=Known()")
    live.wait_for_state("stopped")
    live.notebook.screenshot("stopped")
    assert live.shown == 0
    assert live.notebook.ask(LOOPS) == [], "nothing runs before Start"

    live.start()
    before = live.picture()
    live.wait_until(lambda: np.abs(live.picture().astype(float) - before).mean() > 2)  # the person in the clip moves
    live.notebook.screenshot_both_themes()
    pressed = time.monotonic()
    live.press("Stop")
    live.wait_for_state("stopped", seconds=20)
    print(f"Stop seen on the page after {time.monotonic() - pressed:.2f} s")
    live.notebook.wait_for(f"not {LOOPS}")
    shown = live.shown
    live.page.wait_for_timeout(1000)
    assert live.shown == shown
    live.start()  # and again
    assert live.notebook.errors == []


def test_controls_moved_while_it_runs_change_the_picture(open_live: OpenLive) -> None:
    """A still picture as the source, so nothing else can change it. The slider is moved with the keyboard."""
    live = open_live("seglib.samples.DATA / 'astronaut.png', panes=('result',), model=Known()")
    live.start()
    before = live.picture()
    away = shrunk(seglib.sample_mask() < 0.01, before, margin=8)
    slider = live.page.get_by_role("slider", name="strength")
    slider.focus()
    slider.press("End")
    live.wait_until(lambda: detail(live.picture(), away) < 0.8 * detail(before, away))

    blurred = live.picture().astype(float)
    live.page.get_by_role("button", name="substitute").click()
    live.page.locator(".seglib-background select").select_option("beach")
    live.wait_until(lambda: np.abs(live.picture() - blurred)[away].mean() > 20)
    live.page.get_by_label("input").check()
    live.page.locator(".seglib-canvas[data-panes='input,result']").wait_for()
    live.notebook.screenshot()
    assert live.notebook.errors == []


def test_a_slow_page_gets_fewer_pictures_and_still_stops(open_live: OpenLive) -> None:
    live = open_live("'clip', model=Known()")
    live.start()
    live.wait_for_pictures(30)
    live.notebook.slow_down(8)
    live.wait_for_pictures(5)
    first = live.notebook.ask(MEMORY, seconds=60)
    under_way = []
    for _ in range(6):
        live.wait_for_pictures(4)
        under_way.append(live.notebook.ask("live.stats()['in_flight']", seconds=60))
    grown = live.notebook.ask(MEMORY, seconds=60) - first
    pressed = time.monotonic()
    live.press("Stop")
    live.wait_for_state("stopped", seconds=30)
    waited = time.monotonic() - pressed
    live.notebook.slow_down(1)
    print(f"page 8 times slower: Stop after {waited:.2f} s, kernel grew {grown:.1f} MB, under way {under_way}")
    assert max(under_way) <= 2
    assert grown < 30


def test_of_a_burst_the_page_draws_the_newest(open_live: OpenLive) -> None:
    """As when a page was held up for a moment: it does not work through what has become old."""
    live = open_live("'clip', model=Known()", BURST)
    live.notebook.run(1)
    live.page.locator(".seglib-canvas[data-number='60']").wait_for()
    print(f"of a burst of 60 pictures {live.shown} were drawn")
    assert 1 <= live.shown < 60


def test_the_cell_run_twice_leaves_one_loop(open_live: OpenLive) -> None:
    live = open_live("'clip', model=Known()", "former = live")
    live.start()
    live.notebook.run(1)
    live.show()
    live.notebook.wait_for("former.stats()['state'] == 'stopped'")
    assert live.notebook.page.locator(".seglib-live").count() == 1
    live.start()
    assert len(live.notebook.ask(LOOPS)) == 1


def test_the_browsers_camera_comes_back_with_its_background_blurred(open_live: OpenLive, film: Path) -> None:
    masks = np.stack(list(islice(seglib.sample_clip_masks(), 60)))
    live = open_live("'browser', panes=('input', 'result')", chromium=plays(film))
    live.notebook.wait_for_tracks(live=0, given=0)
    live.press("Start")  # one press is enough
    live.wait_for_pictures(10)
    live.notebook.screenshot()
    taken, result = live.panes()
    room, person = (shrunk(where, taken, 6) for where in ((masks < 0.01).all(0), (masks > 0.99).all(0)))
    assert detail(result, room) < 0.5 * detail(taken, room)
    assert 0.8 < detail(result, person) / detail(taken, person) < 1.25
    live.press("Stop")
    live.wait_for_state("stopped")
    live.notebook.wait_for_tracks(live=0, given=1)
    live.press("Start")
    live.wait_for_pictures()
    live.notebook.wait_for_tracks(live=1, given=2)
    live.notebook.restart_kernel()
    live.notebook.wait_for_tracks(live=0, given=2)
    live.show()  # after a restart it can be had again
    live.wait_for_state("stopped")
    assert live.notebook.errors == []


@pytest.mark.slow
def test_a_long_run_of_the_browsers_camera_leaves_nothing_behind(open_live: OpenLive, film: Path) -> None:
    live = open_live("'browser', panes=('result',)", chromium=plays(film))
    live.start()
    live.wait_for_pictures(300)
    before, began = live.notebook.ask(f"({MEMORY}, threading.active_count())"), (time.monotonic(), live.shown)
    while live.shown < began[1] + PICTURES:
        live.page.wait_for_timeout(5000)
    after, rate = live.notebook.ask(f"({MEMORY}, threading.active_count())"), PICTURES / (time.monotonic() - began[0])
    print(f"{rate:.1f} fps; kernel {after[0] - before[0]:+.1f} MB, threads from {before[1]} to {after[1]}")
    assert after[0] < before[0] + 30
    assert after[1] <= before[1] + 1
    assert live.notebook.errors == []


@pytest.mark.parametrize(
    ("arguments", "host", "words"),
    [
        ((FAKE,), "localhost", "allow the camera"),
        ((NO_CAMERA, "--use-fake-ui-for-media-stream"), "localhost", "no camera on your computer"),
        ((FAKE,), PLAIN_NAME, "https"),
    ],
    ids=["refused", "no-camera", "insecure-origin"],
)
def test_a_camera_that_cannot_be_had_is_explained(
    open_live: OpenLive, arguments: tuple[str, ...], host: str, words: str
) -> None:
    """Beside the picture; and in the box and as an error, where the camera is opened by hand."""
    live = open_live("'browser', model=Known()", BY_HAND, chromium=arguments, host=host)
    live.press("Start")
    live.wait_for_state("failed")
    live.notebook.screenshot()
    assert words in live.status
    live.page.locator(".seglib-source select").select_option(label="the recorded clip")
    live.start()  # and life goes on
    live.press("Stop")

    live.notebook.run(1)
    if host == "localhost":  # elsewhere the box says so at once
        live.page.get_by_role("button", name="Start camera").click()
    live.page.locator(".seglib-camera[data-state='failed']").wait_for()
    live.notebook.wait_for("error")
    assert words in live.notebook.ask("error[0]")
    live.notebook.wait_for("camera.widget.frames.closed")
    assert words in live.page.locator(".seglib-camera-message").inner_text(), "it stays"
    assert live.notebook.errors == []
