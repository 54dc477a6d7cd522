"""The browser camera without a browser: a page played by the test. The real page is tested in tests/browser."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import seglib
from seglib import CameraUnavailable, SourceError, open_source
from seglib.capture import browser_camera
from seglib.capture.browser_camera import BrowserSource, Letter, Mailbox

RED, GREEN = ((200, 20, 30), (20, 180, 40))


def jpeg(colour: tuple[int, int, int], height: int = 48, width: int = 64) -> bytes:
    """Made by Pillow, not by the library that reads it."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "jpeg", quality=95, subsampling=0)
    return file.getvalue()


class Page:
    """What browser_camera.js says and hears."""

    def __init__(self, source: BrowserSource) -> None:
        self.widget = source.widget
        self.heard: list[dict[str, Any]] = []
        self.widget.send = self.heard.append

    def say(self, **content: Any) -> None:
        self.widget._handle_custom_msg(content, [])

    def state(self, state: str, text: str = "") -> None:
        self.say(kind="state", state=state, text=text)

    def picture(self, number: int, data: bytes, travel: float = 0) -> None:
        content = {"kind": "frame", "run": 1, "number": number, "travel": travel}
        self.widget._handle_custom_msg(content, [memoryview(data)])

    def taken(self) -> list[int]:
        return [message["number"] for message in self.heard if message["do"] == "taken"]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserSource]:
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    monkeypatch.setattr(browser_camera, "_in_notebook", lambda: True)
    monkeypatch.setattr(browser_camera, "STEP", 0.02)
    with open_source("browser") as source:
        assert isinstance(source, BrowserSource)
        yield source


@pytest.fixture
def page(source: BrowserSource) -> Page:
    return Page(source)


def colour(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    return frame.mean(axis=(0, 1))


# ---- frames ------------------------------------------------------------------------------------------------


def test_a_picture_of_the_page_becomes_a_frame(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.picture(1, jpeg(RED), travel=50)
    frame = next(source)
    assert (frame.shape, frame.dtype) == ((48, 64, 3), np.uint8)
    np.testing.assert_allclose(colour(frame), RED, atol=3)
    assert page.taken() == [1]
    assert source.captured is not None
    assert 0.05 <= time.perf_counter() - source.captured < 20
    assert source.name == "browser camera"


def test_only_the_newest_is_read_and_the_page_hears_of_each_that_was(source: BrowserSource, page: Page) -> None:
    page.state("on")
    for number, paint in enumerate((RED, RED, GREEN), 1):
        page.picture(number, jpeg(paint))
    np.testing.assert_allclose(colour(next(source)), GREEN, atol=3)
    page.picture(4, jpeg(RED, 64, 48))  # a phone that was turned
    assert next(source).shape == (64, 48, 3)
    assert page.taken() == [3, 4]


def test_what_was_on_its_way_when_the_camera_went_off_is_not_shown(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.picture(1, jpeg(RED))
    page.state("off")
    assert source.widget.mailbox.take(0) is None
    page.state("on")
    assert source.widget.mailbox.take(0) is None


def test_every_word_of_the_page_is_answered_so_that_it_keeps_the_camera_on(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.state("on")
    page.say(kind="something newer")
    assert page.heard == [{"do": "here"}, {"do": "here"}]


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg(RED)[:20]])
def test_a_picture_that_is_none_is_an_error(source: BrowserSource, page: Page, data: bytes) -> None:
    page.state("on")
    page.picture(1, data)
    with pytest.raises(SourceError, match=f"{len(data)} bytes that are no picture"):
        next(source)


# ---- waiting and ending ------------------------------------------------------------------------------------


def in_a_thread(source: BrowserSource) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def read() -> None:
        try:
            results.extend(source)
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, results


def test_a_waiting_read_asks_the_page_and_gets_what_comes(source: BrowserSource, page: Page) -> None:
    thread, results = in_a_thread(source)
    while {"do": "report"} not in page.heard:
        time.sleep(0.01)
    page.state("on")
    page.picture(1, jpeg(GREEN))
    while page.taken() != [1]:
        time.sleep(0.01)
    source.interrupt()
    thread.join(20)
    assert len(results) == 1
    np.testing.assert_allclose(colour(results[0]), GREEN, atol=3)


@pytest.mark.parametrize("end", ["close", "interrupt"])
def test_close_and_interrupt_end_a_read_that_waits(source: BrowserSource, page: Page, end: str) -> None:
    thread, results = in_a_thread(source)
    getattr(source, end)()
    thread.join(20)
    assert not thread.is_alive()
    assert results == []
    assert page.heard.count({"do": "end"}) == 1, "the camera is let go, once"
    assert list(source) == []


def test_what_the_page_says_is_wrong_is_raised(source: BrowserSource, page: Page) -> None:
    thread, results = in_a_thread(source)
    page.state("asking")
    page.state("failed", "The browser may not use the camera.")
    thread.join(20)
    (error,) = results
    assert isinstance(error, CameraUnavailable)
    assert str(error) == "The browser may not use the camera."
    assert {"do": "end"} in page.heard


def test_a_page_that_is_silent_is_explained_by_where_one_reads(
    source: BrowserSource, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_camera, "NO_ANSWER", 0.1)
    with pytest.raises(CameraUnavailable, match=r"did not answer for 0.1 s.\nFrames are read here in the main thread"):
        next(source)


def test_in_a_thread_the_likelier_reason_is_that_no_page_shows_it(
    source: BrowserSource, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_camera, "NO_ANSWER", 0.1)
    thread, results = in_a_thread(source)
    thread.join(20)
    (error,) = results
    assert isinstance(error, CameraUnavailable)
    assert "Show its box by ending a cell with the source" in str(error)
    assert list(source) == [], "the source has closed itself"


def test_nobody_presses(source: BrowserSource, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_camera, "NOBODY", 0.1)
    page.state("off")
    with pytest.raises(CameraUnavailable, match="Nobody pressed 'Start camera' for 0.1 s"):
        next(source)


def test_a_camera_that_is_on_is_waited_for(source: BrowserSource, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its page lies in the background, or its lid is closed: it answers, but sends nothing."""
    monkeypatch.setattr(browser_camera, "NOBODY", 0.05)
    page.state("on")
    thread, _ = in_a_thread(source)
    thread.join(0.3)
    assert thread.is_alive()
    source.interrupt()
    thread.join(20)


def test_a_box_in_a_cell_stays_to_say_what_went_wrong(source: BrowserSource, page: Page) -> None:
    source._ipython_display_()
    source.close()
    assert source.widget.comm is not None, "the page still hears of it"


def test_a_box_that_nobody_else_holds_goes_with_its_source(source: BrowserSource, page: Page) -> None:
    source.close()
    source.close()
    assert source.widget.comm is None


def test_letters_from_many_threads_are_neither_mixed_nor_kept() -> None:
    mailbox = Mailbox()
    mailbox.put(state="on")
    seen: list[bytes] = []

    def post(name: bytes) -> None:
        for _ in range(300):
            mailbox.put(Letter(name * 100, 0.0, 0.0, None, None))

    threads = [threading.Thread(target=post, args=(name,)) for name in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if letter := mailbox.take(0.01):
            seen.append(letter.jpeg)
    for thread in threads:
        thread.join()
    assert all(len(set(one)) == 1 and len(one) == 100 for one in seen)
    mailbox.take(0)
    assert mailbox.take(0) is None


# ---- opening -----------------------------------------------------------------------------------------------


def test_outside_a_notebook_there_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    with pytest.raises(CameraUnavailable, match=r"runs without one.\n.*open_source\(0\)"):
        open_source("browser")


def test_the_environment_stands_in_for_the_browsers_camera_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with open_source("browser") as source:
        assert source.name == seglib.sample_clip().name


def test_a_hub_may_make_the_browsers_camera_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_camera, "_in_notebook", lambda: True)
    monkeypatch.setenv("SEGLIB_SOURCE", "browser")
    with open_source("auto") as source:
        assert source.name == "browser camera"


def test_the_pages_half_is_in_the_package() -> None:
    for kind in (".js", ".css"):
        assert browser_camera.Path(browser_camera.__file__).with_suffix(kind).stat().st_size > 500
