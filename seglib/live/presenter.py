"""What becomes of a result: it is recorded, laid out, encoded and shown, and kept as the last one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from seglib.live.jpeg import encode_jpeg, lay_out
from seglib.live.recorder import Recorder
from seglib.live.statistics import RollingStopwatch
from seglib.pipeline import Result


class Display(Protocol):
    """Where pictures are shown."""

    @property
    def views(self) -> int:
        """How many views show the picture."""

    @property
    def closed(self) -> bool:
        """Whether the last view was closed, as with its cell."""

    @property
    def width(self) -> int | None:
        """How many pixels the widest view can show side by side; None if that is unknown."""

    def wait_for_room(self, timeout: float, wanted: int = 1) -> bool:
        """Wait up to ``timeout`` seconds until ``wanted`` pictures may be sent; False if they may not."""

    def show(self, jpeg: bytes, captured: float, panes: tuple[str, ...]) -> None:
        """Send a picture, with the time of its frame and the names of its panes."""


class Presenter:
    """Present results, one after the other.

    Parameters
    ----------
    display
        Where pictures are shown, None for nowhere.
    stopwatch
        Times "encode" and "capture to encoded".
    encode_always
        Encode pictures that nobody watches, too.

    Attributes
    ----------
    result : Result or None
        The last one.
    jpeg : bytes
        The last picture that was encoded.
    recorder : Recorder or None
        The recording that is going on.
    """

    def __init__(self, display: Display | None, stopwatch: RollingStopwatch, encode_always: bool) -> None:
        self._display, self._stopwatch, self._encode_always = display, stopwatch, encode_always
        self._last_watched = time.perf_counter()
        self.result: Result | None = None
        self.jpeg = b""
        self.recorder: Recorder | None = None

    def present(self, result: Result, captured: float, panes: tuple[str, ...]) -> None:
        """Record and show a result whose frame was captured at this time, in seconds of ``perf_counter``."""
        self.result = result
        if self.recorder is not None and not self.recorder.write(result.output, captured):
            self.stop_recording()
        if self._display is not None and not self._is_shown() and not self._encode_always:
            return
        with self._stopwatch("encode"):
            picture = lay_out(result, panes, None if self._display is None else self._display.width)
            self.jpeg = encode_jpeg(picture)
        self._stopwatch.add("capture to encoded", time.perf_counter() - captured)
        if self._display is not None and self._is_shown():
            self._display.show(self.jpeg, captured, panes)

    @property
    def views(self) -> int | None:
        """How many views show the picture; None without a display."""
        return None if self._display is None else self._display.views

    def wait_for_room(self, timeout: float, wanted: int) -> bool:
        """Wait until the display can take so many pictures; False if it cannot in time."""
        return self._display is None or self._display.wait_for_room(timeout, wanted)

    @property
    def closed(self) -> bool:
        """Whether the last view was closed, as with its cell."""
        return self._display is not None and self._display.closed

    def seconds_unwatched(self) -> float:
        """Return for how long nobody has watched the picture, or recorded it; always 0 without a display."""
        now = time.perf_counter()
        is_recorded = self.recorder is not None and not self.closed  # else nobody could end it
        if self._display is None or self._display.views or is_recorded:
            self._last_watched = now
        return now - self._last_watched

    def start_recording(self, path: Path, on_done: Callable[[Recorder], object] = lambda recorder: None) -> None:
        """Record outputs from the next one on. ``on_done`` is called when the file is finished; see Recorder."""
        self.recorder = Recorder(path, on_done)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one, without waiting for it."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.finish()

    def _is_shown(self) -> bool:
        return self._display is not None and self._display.views > 0 and self._display.wait_for_room(0)
