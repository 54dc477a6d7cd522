"""A thread that takes frames from a source as they come, and keeps only the newest.

A camera does not wait. Whoever takes frames from it more slowly than they come, one after the other, sees an ever
older past. So one thread does nothing but take them, and the others ask it for the newest.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import Generic, TypeVar

from seglib.arrays import Frame
from seglib.capture.sources import ImageSource, Source, VideoSource
from seglib.errors import CameraUnavailable

RETRY = 1.0  # seconds between two tries to open a camera that was lost
_USUAL = 30.0  # frames per second of a file that does not say
_STILL = 10.0  # how often a second a still picture is handed out, so that controls act on it
_BEHIND = 0.25  # seconds by which a file may be late before it is given up to catch up

Item = TypeVar("Item")


@dataclass(frozen=True)
class CapturedFrame:
    """A frame from a source. number: how many came before it. time: when, in seconds of ``time.perf_counter``."""

    frame: Frame
    number: int
    time: float


class LatestValue(Generic[Item]):
    """Room for one thing. Putting another replaces it; taking it leaves the room empty.

    dropped: how many were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._item: Item | None = None
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Put the newest thing."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def take(self, timeout: float) -> Item | None:
        """The newest thing nobody has taken yet; waits for it up to ``timeout`` seconds, then gives None."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None, timeout)
            item, self._item = self._item, None
            return item


class CaptureThread:
    """The thread. ``open_source``: called in it, gives a source. ``newest``: where the frames go.

    repeat: a file that has ended starts again. A file plays at its own frame rate, a camera at the camera's.
    Before its first frame a camera that cannot be had is an error; after that it is tried again until it is back.

    error: what went wrong, or None. ended: there will be no more frames. lost: why there is no frame at the moment,
    "" if there is nothing to say. source: the one that is open.
    """

    def __init__(
        self, open_source: Callable[[], Source], newest: LatestValue[CapturedFrame], repeat: bool = True
    ) -> None:
        self._open, self._newest, self._repeat = open_source, newest, repeat
        self._stop = Event()
        self._due = 0.0  # when the next frame of a file is to be handed out
        self.count = 0
        self.error: BaseException | None = None
        self.ended = False
        self.lost = ""
        self.source: Source | None = None
        self.on_source: Callable[[Source | None], None] = lambda source: None
        self._thread = Thread(target=self._run, name="seglib grabs frames", daemon=True)

    def start(self) -> None:
        """Start; the source is opened in the thread, so this does not wait for a camera."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop, without waiting."""
        self._stop.set()
        interrupt = getattr(self.source, "interrupt", None)
        if interrupt is not None:  # a source that waits for others can be told to wait no longer
            interrupt()

    def join(self, timeout: float) -> bool:
        """Wait until the source is closed. False if a driver still holds the thread: it closes it when it lets go."""
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
        """Open the source, hand out its frames to the last one, close it."""
        try:
            with closing(self._open()) as source:
                self._announce(source)
                self._play(source)
        except CameraUnavailable as error:
            if self.count == 0:
                raise
            self.lost = str(error).splitlines()[0]
            self._stop.wait(RETRY)
        finally:
            self._announce(None)

    def _announce(self, source: Source | None) -> None:
        self.source = source
        self.on_source(source)

    def _play(self, source: Source) -> None:
        step = 1 / (source.fps or _USUAL) if isinstance(source, VideoSource) else 0.0
        while not self._stop.is_set():
            frame = next(source, None)
            if frame is None:
                return
            if step:
                self._wait_until_due(step)
            self._put(frame, getattr(source, "captured", None))
            if isinstance(source, ImageSource):
                while not self._stop.wait(1 / _STILL):
                    self._put(frame, None)

    def _put(self, frame: Frame, captured: float | None) -> None:
        self._newest.put(CapturedFrame(frame, self.count, captured or time.perf_counter()))
        self.count += 1
        self.lost = ""

    def _wait_until_due(self, step: float) -> None:
        """A file is read faster than it plays. One that is read too slowly is late, but does not hurry afterwards."""
        now = time.perf_counter()
        self._due = max(self._due + step, now - _BEHIND)
        if self.count == 0:
            self._due = now
        self._stop.wait(max(0.0, self._due - now))
