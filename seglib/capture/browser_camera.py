"""The camera of the reader's own browser, for a kernel on another machine (a hub, Binder) or one without a camera.

    camera = open_source("browser")
    camera                              # shows a box with a button; the camera stays off until it is pressed

The page (``browser_camera.js``) takes pictures, encodes them as JPEG and sends them as binary messages. At most two are
in flight: the page sends the next one when the kernel has read one, so a slow network or a slow effect lowers the frame
rate and builds no queue. Messages arrive in whichever thread the kernel reads them, and are only stored there; another
thread, such as the one of ``seglib.Live``, reads the frames.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import cv2
import numpy as np

from seglib._internal.javascript import bundle
from seglib._internal.latest_value import LatestValue
from seglib._internal.widget_messages import let_page_choose_thread
from seglib.arrays import Frame
from seglib.capture.base import Source
from seglib.errors import CameraUnavailable, SourceError

POLL = 0.2  # seconds that a read waits for a frame before it looks at the state
ASK_AGAIN = 1.0  # seconds between two questions to a silent page
NO_ANSWER = 15.0  # seconds without a message from the page: there is none, or its messages do not arrive
NOT_STARTED = 120.0  # seconds in which nobody pressed the button


@dataclass(frozen=True)
class ReceivedFrame:
    """A frame as it arrived.

    Attributes
    ----------
    jpeg
        The encoded frame.
    received
        When it arrived, in seconds of ``time.perf_counter``.
    travel
        How long it took from the camera to here, in seconds.
    run, number
        How the page identifies it.
    """

    jpeg: bytes
    received: float
    travel: float
    run: int | None
    number: int | None

    def acknowledgement(self) -> dict[str, Any]:
        """Return the message that tells the page that it was read, and for how many milliseconds it waited here."""
        waited = 1000 * (time.perf_counter() - self.received)
        return {"kind": "read", "run": self.run, "number": self.number, "waited": waited}


class BrowserCamera(anywidget.AnyWidget):
    """The box on the page: a button that starts the camera, a small picture, and what went wrong, if anything.

    Attributes
    ----------
    frames : LatestValue
        The newest frame.
    camera_state : str
        "off", "asking", "on" or "failed".
    camera_text : str
        What the page tells the person.
    heard : float
        When the page last sent anything, in seconds of ``time.monotonic``.
    """

    _esm = bundle(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_suffix(".css")

    def __init__(self) -> None:
        super().__init__()
        self.frames: LatestValue[ReceivedFrame] = LatestValue()
        self.camera_state, self.camera_text = "off", ""
        self.heard = float("-inf")
        self.on_msg(self._receive)
        let_page_choose_thread(self)

    def ask_to_start(self) -> None:
        """Ask the page to start the camera without a press on the box's own button.

        The page does so only just after the person has pressed something on it. To be called from the click handler
        of a button that says Start, and from nowhere else.
        """
        self.send({"kind": "start"})

    def _receive(self, _: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """Called by the kernel in the main thread or a subshell's: store the message, never wait."""
        self.heard = time.monotonic()
        kind = content.get("kind")
        if kind == "frame" and buffers:
            travel = min(max(0.0, float(content.get("travel", 0))), 5000) / 1000  # of the frame before
            run, number = content.get("run"), content.get("number")
            self.frames.put(ReceivedFrame(bytes(buffers[0]), time.perf_counter(), travel, run, number))
        elif kind == "state":
            self.camera_state, self.camera_text = str(content.get("state")), str(content.get("text", ""))
            self.send({"kind": "alive"})  # the page turns the camera off when nobody answers


class BrowserSource(Source):
    """The frames of the browser's camera, always the newest one. Read it from a thread, not from a cell.

    Attributes
    ----------
    widget : BrowserCamera
        The box with the button; put it on the page, or end a cell with the source itself.
    captured : float or None
        When the last frame was captured, in seconds of ``time.perf_counter``, as well as can be known.
    """

    name = "browser camera"
    fps = 30.0
    captured: float | None = None
    _displayed = False  # by ending a cell with it

    def __init__(self) -> None:
        if not _in_notebook():
            raise CameraUnavailable(
                "The browser camera belongs to a notebook's page, and this program runs without one.\n"
                "Here, open_source(0) opens this machine's camera, and open_source('clip') the recorded clip."
            )
        self.widget = BrowserCamera()

    def read(self) -> Frame | None:
        """Wait for the newest frame; None after close() or interrupt(). See open_source for the errors."""
        widget, start, asked = self.widget, time.monotonic(), 0.0
        while not widget.frames.closed:
            frame = widget.frames.take(POLL)
            if frame is not None and widget.camera_state == "on":  # not one that arrived before the camera went off
                widget.send(frame.acknowledgement())
                self.captured = frame.received - frame.travel
                return _decode(frame.jpeg)
            now = time.monotonic()
            _check(widget, start, now)
            if now - asked > ASK_AGAIN and not widget.frames.closed:
                widget.send({"kind": "report"})
                asked = now
        return None

    def interrupt(self) -> None:
        """End a read() that waits in another thread; the source gives no frame after that."""
        self.widget.frames.close()

    def release(self) -> None:
        """Turn the camera off."""
        if hasattr(self, "widget"):
            self.interrupt()
            self.widget.send({"kind": "end"})
            if not self._displayed:  # a box in a notebook's cell stays and says what went wrong
                self.widget.close()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self._displayed = True
        display(self.widget)


def _check(widget: BrowserCamera, start: float, now: float) -> None:
    """Raise CameraUnavailable if there is nothing to wait for any more."""
    if widget.camera_state == "failed":
        raise CameraUnavailable(widget.camera_text)
    if now - max(start, widget.heard) > NO_ANSWER:
        raise CameraUnavailable(f"The browser camera's page did not answer for {NO_ANSWER:g} s.\n{_why_silent()}")
    if widget.camera_state != "on" and now - start > NOT_STARTED:
        raise CameraUnavailable(
            f"Nobody pressed 'Start camera' for {NOT_STARTED:g} s. Run the cell again and press it."
        )


def _why_silent() -> str:
    if threading.current_thread() is threading.main_thread():
        return (
            "Frames are read here in the main thread, and in many set-ups a page's messages do not arrive while a "
            "cell runs. Read them in a thread, or use seglib.Live(source='browser'), which does."
        )
    return "Show its box by ending a cell with the source, and keep that page open."


def _decode(jpeg: bytes) -> Frame:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if bgr is None:
        raise SourceError(f"the browser sent {len(jpeg)} bytes that are not an image")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
