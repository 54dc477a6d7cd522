"""A thread that reads frames from a source as they come, and keeps only the newest.

A camera does not wait. A reader that is slower than the camera falls ever further behind. So one thread does nothing
but read, and the loop takes the newest frame.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Event, Thread

from seglib._internal.latest_value import LatestValue
from seglib.arrays import Frame
from seglib.capture.base import Source
from seglib.capture.sources import ImageSource, VideoSource
from seglib.errors import CameraUnavailable

RETRY = 1.0  # seconds between two attempts to open a camera that was lost
_DEFAULT_FPS = 30.0  # of a file that does not say
_IMAGE_FPS = 10.0  # how often a still image is repeated, so that changed settings show
_UNWANTED = 0.5  # seconds without a frame being taken after which a file is held, as in a hidden tab
_MAX_DELAY = 0.25  # seconds by which a file may be late before it stops catching up


@dataclass(frozen=True)
class CapturedFrame:
    """A frame, how many were captured before it, and when it was captured, in seconds of ``time.perf_counter``."""

    frame: Frame
    number: int
    time: float


class CaptureThread:
    """Open a source in a thread, read it, and keep the newest frame in ``latest``.

    A file is played at its own frame rate, and held while nobody takes its frames. A camera that cannot be opened is an
    error before its first frame; a camera that is lost later is opened again and again until it is back.

    Parameters
    ----------
    open_source
        Called in the thread; returns an open source.
    repeat
        Play a file again when it has ended.
    on_source
        Called in the thread with the source when it is open, and with None when it is closed.

    Attributes
    ----------
    latest : LatestValue
        The newest captured frame.
    count : int
        How many frames were captured.
    last : float
        When the last one was, or when the thread was made, in seconds of ``time.perf_counter``.
    source : Source or None
        The source that is open.
    lost : str
        Why there are no frames at the moment, or "".
    ended : bool
        Whether no more frames will come.
    error : BaseException or None
        What ended the thread.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        repeat: bool = True,
        on_source: Callable[[Source | None], object] = lambda source: None,
    ) -> None:
        self.latest: LatestValue[CapturedFrame] = LatestValue()
        self.count, self.last = 0, time.perf_counter()
        self.source: Source | None = None
        self.lost = ""
        self.ended = False
        self.error: BaseException | None = None
        self._open_source, self._repeat, self._on_source = open_source, repeat, on_source
        self._stop = Event()
        self._wanted = self.last  # when it was seen last that a frame was taken
        self._due = 0.0  # when the next frame of a file is to be shown
        self._thread = Thread(target=self._run, name="seglib capture", daemon=True)

    def start(self) -> None:
        """Start, without waiting for the source."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to stop, without waiting for it."""
        self._stop.set()
        interrupt = getattr(self.source, "interrupt", None)
        if interrupt is not None:  # ends a read that waits
            interrupt()

    def join(self, timeout: float) -> bool:
        """Wait until the source is closed. False if a driver hangs; the thread closes it when the driver returns."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._play_once()
                if not self._repeat and not self.lost:
                    break
        except BaseException as error:
            self.error = error
        finally:
            self.ended = True

    def _play_once(self) -> None:
        try:
            with closing(self._open_source()) as source:
                self._set_source(source)
                self._play(source)
        except CameraUnavailable as error:
            if self.count == 0:
                raise
            self.lost = str(error).splitlines()[0]
            self._stop.wait(RETRY)
        finally:
            self._set_source(None)

    def _set_source(self, source: Source | None) -> None:
        self.source = source
        self._on_source(source)

    def _play(self, source: Source) -> None:
        interval = 1 / (source.fps or _DEFAULT_FPS) if isinstance(source, VideoSource) else 0.0
        while not self._stop.is_set():
            if interval:
                self._hold_unwanted()
            frame = next(source, None)
            if frame is None:
                return
            if interval:
                self._wait_until_due(interval)
            self._put(frame, getattr(source, "captured", None))
            if isinstance(source, ImageSource):
                while not self._stop.wait(1 / _IMAGE_FPS):
                    self._put(frame, None)

    def _put(self, frame: Frame, captured: float | None) -> None:
        self.last = time.perf_counter()
        self.latest.put(CapturedFrame(frame, self.count, captured or self.last))
        self.count += 1
        self.lost = ""

    def _hold_unwanted(self) -> None:
        """Wait until the last frame is taken, if nobody takes any: decoding is most of what a hidden picture costs."""
        if not self.latest.wait_until_taken() and time.perf_counter() - self._wanted < _UNWANTED:
            return
        while not (self._stop.is_set() or self.latest.wait_until_taken(_UNWANTED)):
            pass
        self._wanted = time.perf_counter()

    def _wait_until_due(self, interval: float) -> None:
        """Play a file at its frame rate. Where reading is too slow the file is late, and does not hurry afterwards."""
        now = time.perf_counter()
        self._due = now if self.count == 0 else max(self._due + interval, now - _MAX_DELAY)
        self._stop.wait(max(0.0, self._due - now))
