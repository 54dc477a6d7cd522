"""The camera of the reader's own browser, for a kernel on another machine (a hub, Binder) or one without a camera.

    camera = open_source("browser")
    camera                              # shows a box with a button; the camera stays off until it is pressed

The page (``browser_camera.js``) takes pictures, packs them as JPEG and sends them as binary messages. At most two are
on their way: the page sends the next one when the kernel has taken one, so a slow line or a slow effect lowers the
frame rate and builds no queue. Messages arrive in whichever thread the kernel reads them, and are only put into a
slot there; another thread, such as the one of ``seglib.Live``, reads the frames.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import cv2
import numpy as np

from seglib.arrays import Frame
from seglib.capture.base import Source
from seglib.errors import CameraUnavailable, SourceError

STEP = 0.2  # seconds: how long a read may sleep before it looks around
ASK_AGAIN = 1.0  # seconds between two questions to a silent page
NO_ANSWER = 15.0  # seconds without a word from the page: there is none, or its messages do not arrive
NOBODY = 120.0  # seconds in which nobody pressed the button


@dataclass(frozen=True)
class Letter:
    """A picture as it came. came: when. travel: how long it took from the camera to here. All in seconds."""

    jpeg: bytes
    came: float  # of time.perf_counter
    travel: float
    run: int | None  # what the page calls it
    number: int | None

    def receipt(self) -> dict[str, Any]:
        """What the page wants to hear now that it is taken. waited: for how many milliseconds it lay here."""
        waited = 1000 * (time.perf_counter() - self.came)
        return {"do": "taken", "run": self.run, "number": self.number, "waited": waited}


class Mailbox:
    """Holds the newest letter, and what the page said last. Safe to use from any thread."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._letter: Letter | None = None
        self.closed = False
        self.state, self.text = "off", ""  # "off", "asking", "on" or "failed", and what the page tells the person
        self.heard = float("-inf")  # when the page last said anything, in seconds of time.monotonic

    def put(self, letter: Letter | None = None, state: str = "", text: str = "") -> None:
        """Keep a letter, instead of an older one, or a new state."""
        with self._news:
            self.heard = time.monotonic()
            self._letter = letter or self._letter
            if state:
                self.state, self.text = state, text
            self._news.notify_all()

    def take(self, seconds: float) -> Letter | None:
        """The newest letter, waiting so long for one. What was taken before the camera went off is no news."""
        with self._news:
            self._news.wait_for(lambda: self._letter or self.closed or self.state == "failed", seconds)
            letter, self._letter = self._letter, None
            return letter if self.state == "on" and not self.closed else None

    def close(self) -> None:
        """No more letters; whoever waits for one goes on at once."""
        with self._news:
            self.closed, self._letter = True, None
            self._news.notify_all()


class BrowserCamera(anywidget.AnyWidget):
    """The box on the page: a button that starts the camera, a small picture, and what went wrong, if anything."""

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.on_msg(self._receive)

    def ask_to_start(self) -> None:
        """Ask the page to start the camera without a press on the box's own button.

        The page does so only just after the person has pressed something on it. To be called from the click handler
        of a button that says Start, and from nowhere else.
        """
        self.send({"do": "start"})

    def _receive(self, _: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """Called by the kernel in the main thread or a subshell's: put away, never wait."""
        kind = content.get("kind")
        if kind == "frame" and buffers:
            travel = min(max(0.0, float(content.get("travel", 0))), 5000) / 1000  # of the one before
            run, number = content.get("run"), content.get("number")
            self.mailbox.put(Letter(bytes(buffers[0]), time.perf_counter(), travel, run, number))
        elif kind == "state":
            self.mailbox.put(state=str(content.get("state")), text=str(content.get("text", "")))
            self.send({"do": "here"})  # the page turns the camera off when nobody answers


class BrowserSource(Source):
    """The frames of the browser's camera, the newest one each time. To be read from a thread, not from a cell.

    widget: the box with the button; put it on the page, or end a cell with the source itself.
    captured: when the last frame was taken, in seconds of time.perf_counter, as well as the line lets one know.
    """

    name = "browser camera"
    fps = 30.0
    captured: float | None = None
    _shown = False  # by ending a cell with it

    def __init__(self) -> None:
        if not _in_notebook():
            raise CameraUnavailable(
                "The browser camera belongs to a notebook's page, and this program runs without one.\n"
                "Here, open_source(0) opens this machine's camera, and open_source('clip') the recorded clip."
            )
        self.widget = BrowserCamera()

    def read(self) -> Frame | None:
        """The newest frame, waiting for one, or None after close() or interrupt(). See open_source for the errors."""
        mailbox, since, asked = self.widget.mailbox, time.monotonic(), 0.0
        while not mailbox.closed:
            letter = mailbox.take(STEP)
            if letter is not None:
                self.widget.send(letter.receipt())
                self.captured = letter.came - letter.travel
                return _decode(letter.jpeg)
            now = time.monotonic()
            _check(mailbox, since, now)
            if now - asked > ASK_AGAIN and not mailbox.closed:
                self.widget.send({"do": "report"})
                asked = now
        return None

    def interrupt(self) -> None:
        """Let a read() that waits in another thread end at once; the source gives no frame after that."""
        self.widget.mailbox.close()

    def release(self) -> None:
        if hasattr(self, "widget"):
            self.interrupt()
            self.widget.send({"do": "end"})
            if not self._shown:  # a box in a notebook's cell stays and says what went wrong
                self.widget.close()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self._shown = True
        display(self.widget)


def _check(mailbox: Mailbox, since: float, now: float) -> None:
    """Raise CameraUnavailable if there is nothing to wait for any more."""
    if mailbox.state == "failed":
        raise CameraUnavailable(mailbox.text)
    if now - max(since, mailbox.heard) > NO_ANSWER:
        raise CameraUnavailable(f"The browser camera's page did not answer for {NO_ANSWER:g} s.\n{_why_silent()}")
    if mailbox.state != "on" and now - since > NOBODY:
        raise CameraUnavailable(f"Nobody pressed 'Start camera' for {NOBODY:g} s. Run the cell again and press it.")


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
        raise SourceError(f"the browser sent {len(jpeg)} bytes that are no picture")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
