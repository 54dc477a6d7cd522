"""The browser camera without a browser: the tests play the page. The real page is tested in tests/browser."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seglib
from seglib import CameraUnavailable, SourceError, open_source
from seglib.capture import browser_camera
from seglib.capture.browser_camera import BrowserSource

RED, GREEN = ((200, 20, 30), (20, 180, 40))
DEADLINE = 60.0


def jpeg(colour: tuple[int, int, int], height: int = 48, width: int = 64) -> bytes:
    """Encoded by Pillow, not by the library that decodes it."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "jpeg", quality=95, subsampling=0)
    return file.getvalue()


class Page:
    """What browser_camera.js sends and receives."""

    def __init__(self, source: BrowserSource) -> None:
        self.widget = source.widget
        self.received: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.widget.send = self._receive

    def _receive(self, content: dict[str, Any]) -> None:
        with self.changed:
            self.received.append(content)
            self.changed.notify_all()

    def send(self, content: dict[str, Any], *buffers: memoryview) -> None:
        message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
        self.widget.comm.handle_msg(message)

    def state(self, state: str, text: str = "") -> None:
        self.send({"kind": "state", "state": state, "text": text})

    def frame(self, number: int, data: bytes, travel: float = 0) -> None:
        self.send({"kind": "frame", "run": 1, "number": number, "travel": travel}, memoryview(data))

    def read(self) -> list[int]:
        """The numbers of the frames that the kernel says it has read."""
        return [message["number"] for message in self.received if message["kind"] == "read"]

    def wait_for(self, kind: str) -> None:
        """Wait for a message of this kind."""
        with self.changed:
            assert self.changed.wait_for(lambda: kind in [content["kind"] for content in self.received], DEADLINE)


class Reader(threading.Thread):
    """Reads a source to its end. results: its frames, and the error if there is one."""

    def __init__(self, source: BrowserSource) -> None:
        super().__init__(daemon=True)
        self.source = source
        self.results: list[Any] = []
        self.start()

    def run(self) -> None:
        try:
            self.results.extend(self.source)
        except Exception as error:
            self.results.append(error)

    def result(self) -> Any:
        """The only result, once the thread has ended; None if there is none."""
        self.join(DEADLINE)
        assert not self.is_alive()
        assert len(self.results) <= 1
        return self.results[0] if self.results else None


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserSource]:
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    monkeypatch.setattr(browser_camera, "_in_notebook", lambda: True)
    monkeypatch.setattr(browser_camera, "POLL", 0.01)
    with open_source("browser") as source:
        assert isinstance(source, BrowserSource)
        yield source


@pytest.fixture
def page(source: BrowserSource) -> Page:
    return Page(source)


# ---- frames ------------------------------------------------------------------------------------------------


def test_a_picture_of_the_page_becomes_a_frame(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.frame(1, jpeg(RED), travel=50)
    frame = next(source)
    assert (frame.shape, frame.dtype) == ((48, 64, 3), np.uint8)
    np.testing.assert_allclose(frame.mean(axis=(0, 1)), RED, atol=3)
    assert page.read() == [1]
    assert source.captured is not None
    assert 0.05 <= time.perf_counter() - source.captured < 20


def test_only_the_newest_is_read_and_the_page_is_told_of_each_that_was(source: BrowserSource, page: Page) -> None:
    page.state("on")
    for number, colour in enumerate((RED, RED, GREEN), 1):
        page.frame(number, jpeg(colour))
    np.testing.assert_allclose(next(source).mean(axis=(0, 1)), GREEN, atol=3)
    page.frame(4, jpeg(RED, 64, 48))  # a phone that was turned
    assert next(source).shape == (64, 48, 3)
    assert page.read() == [3, 4]


def test_a_frame_that_arrived_before_the_camera_went_off_is_not_read(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.frame(1, jpeg(RED))
    page.state("off")
    reader = Reader(source)
    page.wait_for("report")
    source.interrupt()
    assert reader.result() is None
    assert page.read() == []


def test_every_state_is_answered_so_that_the_page_keeps_the_camera_on(source: BrowserSource, page: Page) -> None:
    page.state("on")
    page.state("on")
    page.send({"kind": "something newer"})
    assert page.received == [{"kind": "alive"}] * 2


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg(RED)[:20]])
def test_a_picture_that_is_none_is_an_error(source: BrowserSource, page: Page, data: bytes) -> None:
    page.state("on")
    page.frame(1, data)
    with pytest.raises(SourceError, match=f"{len(data)} bytes"):
        next(source)


# ---- waiting and ending ------------------------------------------------------------------------------------


def test_a_read_that_waits_asks_the_page_and_gets_what_comes(source: BrowserSource, page: Page) -> None:
    reader = Reader(source)
    page.wait_for("report")
    page.state("on")
    page.frame(1, jpeg(GREEN))
    page.wait_for("read")
    source.interrupt()
    np.testing.assert_allclose(reader.result().mean(axis=(0, 1)), GREEN, atol=3)


@pytest.mark.parametrize("end", ["close", "interrupt"])
def test_close_and_interrupt_end_a_read_that_waits(source: BrowserSource, page: Page, end: str) -> None:
    reader = Reader(source)
    getattr(source, end)()
    assert reader.result() is None
    assert page.received.count({"kind": "end"}) == 1, "the camera is turned off, once"
    assert list(source) == []


def test_what_the_page_says_is_wrong_is_raised(source: BrowserSource, page: Page) -> None:
    reader = Reader(source)
    page.state("asking")
    page.state("failed", "The browser may not use the camera.")
    error = reader.result()
    assert isinstance(error, CameraUnavailable)
    assert str(error) == "The browser may not use the camera."
    assert {"kind": "end"} in page.received


@pytest.mark.parametrize(("in_a_thread", "way_out"), [(False, "in a thread"), (True, "ending a cell with the source")])
def test_a_silent_page_is_explained_by_where_one_reads(
    source: BrowserSource, in_a_thread: bool, way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_camera, "NO_ANSWER", 0.05)
    if in_a_thread:
        error = Reader(source).result()
    else:
        with pytest.raises(CameraUnavailable) as caught:
            next(source)
        error = caught.value
    assert isinstance(error, CameraUnavailable)
    assert "0.05 s" in str(error)
    assert way_out in str(error)
    assert list(source) == [], "the source has closed itself"


def test_a_button_that_nobody_presses_is_an_error_and_a_camera_that_is_on_is_waited_for(
    source: BrowserSource, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_camera, "NOT_STARTED", 0.0)
    page.state("on")  # a page in the background answers, but sends no frames
    reader = Reader(source)
    page.wait_for("report")
    assert reader.is_alive()
    page.state("off")
    error = reader.result()
    assert isinstance(error, CameraUnavailable)
    assert "'Start camera'" in str(error)


@pytest.mark.parametrize("displayed", [True, False])
def test_a_box_in_a_cell_stays_and_another_goes_with_its_source(
    source: BrowserSource, page: Page, displayed: bool
) -> None:
    if displayed:
        source._ipython_display_()
    source.close()
    source.close()
    assert (source.widget.comm is not None) == displayed


# ---- opening -----------------------------------------------------------------------------------------------


def test_outside_a_notebook_there_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGLIB_SOURCE", raising=False)
    with pytest.raises(CameraUnavailable, match=r"open_source\(0\)"):
        open_source("browser")


def test_the_environment_stands_in_for_the_browser_camera_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLIB_SOURCE", "clip")
    with open_source("browser") as source:
        assert source.name == seglib.sample_clip().name


def test_a_hub_may_make_the_browser_camera_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_camera, "_in_notebook", lambda: True)
    monkeypatch.setenv("SEGLIB_SOURCE", "browser")
    with open_source("auto") as source:
        assert source.name == "browser camera"
