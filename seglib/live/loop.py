"""The loop: a thread takes frames, another one walks them to pictures and shows those, and both can be stopped.

    loop = Loop("clip", frames=60)
    loop.start()   # returns at once
    loop.wait()    # until it ends; raises what went wrong in it

There are no widgets in here. One loop runs at a time in a process: starting a second one stops the first.
"""

import atexit
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread, current_thread
from typing import Any

from seglib.errors import CameraUnavailable
from seglib.live.grab import Grab, Grabber, Newest
from seglib.live.meter import Meter, Rate
from seglib.live.recorder import Recorder
from seglib.live.screen import Screen
from seglib.live.settings import Settings, Slot
from seglib.live.sources import Choice, describe, opener, sentence
from seglib.live.walk import Picture, Walk, encode_jpeg, lay_out

STALLED = 2.0  # seconds without a frame after which a person is told
UNWATCHED = 60.0  # seconds without a page that shows the picture, after which the camera is let go
_JOIN = 1.0  # seconds that stopping may take
_TOLD = 0.5  # seconds after which on_change is called even if nothing changed, for the rate and the latency
_PATIENCE = 0.1  # seconds for which a thread waits before it looks whether it shall stop

_changing = Lock()
_current: "Loop | None" = None


class Loop:
    """One run, from start to stop.

    source: as for :func:`open_source`, or a function that opens and returns a source; it is called in a thread.
    settings: a slot that may be changed at any time. screen: where pictures go, None for nowhere.
    frames: stop after so many; None takes the environment variable SEGLIB_FRAMES, and runs on if that is not set.
    repeat: a file that has ended starts again. on_change: called from the loop's threads when state or message change,
        and every half second.

    state: "stopped", "starting", "running", "waiting" (no frames come at the moment) or "failed".
    message: the same in a sentence. error: what ended the loop, or None. picture: the last one. jpeg: as it was sent.
    """

    def __init__(
        self,
        source: Choice,
        settings: Slot | None = None,
        screen: Screen | None = None,
        *,
        frames: int | None = None,
        repeat: bool = True,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings or Slot(Settings())
        self.frames = _bound(frames)
        self.meter, self.made = Meter(), Rate()
        self._farewell = "Stopped."
        self.state, self.message = "stopped", self._farewell
        self.error: BaseException | None = None
        self.picture: Picture | None = None
        self.jpeg = b""
        self.recorder: Recorder | None = None
        self.newest: Newest[Grab] = Newest()
        self.grabber = Grabber(opener(source), self.newest, repeat)
        self._screen, self._on_change = screen, on_change
        self._stop = Event()
        self._walk = Walk(self.meter, self._stop)
        self._thread = Thread(target=self._run, name="seglib live loop", daemon=True)
        self._last_grab = self._last_view = self._last_told = 0.0

    def start(self) -> None:
        """Start, after stopping whichever loop is running. Returns without waiting for the camera."""
        global _current
        with _changing:
            former, _current = _current, self
        if former is not None and former is not self:
            former.stop()
        self._last_grab = self._last_view = time.perf_counter()
        self._tell("starting", "Starting.")
        self.grabber.start()
        self._thread.start()

    def stop(self) -> bool:
        """Stop, and wait up to a second. True if both threads have ended and the source is closed.

        A driver that hangs, or a large model in the middle of a prediction, cannot be broken off: its thread is left
        behind, shows nothing more, and closes the source when it is let go.
        """
        self._stop.set()
        self.grabber.stop()
        if self._thread.ident is None or current_thread() is self._thread:
            return False
        deadline = time.perf_counter() + _JOIN
        ended = self.grabber.join(_JOIN)
        self._thread.join(max(0.0, deadline - time.perf_counter()))
        return ended and not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the loop has ended, at most ``timeout`` seconds; False if it has not.

        Raises what ended it, if something did. An interrupt (the notebook's Stop button) stops the loop, too.
        """
        deadline = None if timeout is None else time.perf_counter() + timeout
        try:
            while self._thread.is_alive() and (deadline is None or time.perf_counter() < deadline):
                self._thread.join(_PATIENCE)
        except BaseException:
            self.stop()
            raise
        if self._thread.is_alive():
            return False
        if self.error is not None:
            raise self.error
        return True

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def stats(self) -> dict[str, Any]:
        """Counts and times: grabbed, dropped (newer ones came first), processed, fps, median ms of every stage."""
        counts = {"grabbed": self.grabber.count, "dropped": self.newest.dropped, "processed": self.made.count}
        times = {"fps": self.made.per_second(), "stages": self.meter.milliseconds()}
        return {"state": self.state, "message": self.message, **counts, **times}

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and (self.frames is None or self.made.count < self.frames):
                self._step()
        except BaseException as error:
            self.error = error
        finally:
            self._end()

    def _step(self) -> None:
        """One frame, if there is one and somebody wants its picture."""
        watched = self._is_watched()
        busy = self.recorder is not None or self.frames is not None
        if watched and not busy and self._screen is not None and not self._screen.wait_for_room(_PATIENCE):
            return
        grab = self.newest.take(_PATIENCE)
        if grab is None:
            return self._explain_silence()
        self._last_grab = time.perf_counter()
        settings = self.settings.get()
        picture = self._walk(grab.frame, settings, grab.time)
        if picture is None:
            return self._tell("starting", sentence(self._walk.note))
        if self._stop.is_set():
            return
        self.picture = picture
        if self.recorder is not None and not self.recorder.write(picture.output, grab.time):
            self.stop_recording()
        self._show(picture, grab, settings.panes)
        self.made.tick()
        self._tell("running", " ".join(filter(None, (describe(self.grabber.source), sentence(self._walk.note)))))

    def _show(self, picture: Picture, grab: Grab, panes: tuple[str, ...]) -> None:
        screen = self._screen
        if screen is not None and not (screen.views and screen.wait_for_room(0)) and self.frames is None:
            return
        with self.meter("encode"):
            laid_out = lay_out(picture, panes, screen.width if screen else None)
            self.jpeg = encode_jpeg(laid_out)
        self.meter.add("capture to encoded", time.perf_counter() - grab.time)
        if screen is not None and screen.views and screen.wait_for_room(0):
            screen.show(self.jpeg, grab.time, panes)

    def _is_watched(self) -> bool:
        """Whether a page shows the picture. If none does for a minute, nobody needs the camera, so let it go."""
        now = time.perf_counter()
        if self._screen is None or self._screen.views or self.recorder is not None or self.frames is not None:
            self._last_view = now
            return self._screen is not None and self._screen.views > 0
        if now - self._last_view > UNWATCHED:
            self._stop.set()
            self._farewell = "Stopped, since no page has shown the picture for a minute."
        self._stop.wait(_PATIENCE)
        return False

    def _explain_silence(self) -> None:
        if self.grabber.error is not None:
            raise self.grabber.error
        if self.grabber.ended:
            self._stop.set()
        elif self.grabber.lost:
            self._tell("waiting", f"{sentence(self.grabber.lost)} Trying again every second.")
        elif (silent := time.perf_counter() - self._last_grab) > STALLED and self.grabber.count:
            self._tell("waiting", f"No new picture for {silent:.0f} s. Is the camera still plugged in?")

    def _end(self) -> None:
        self._stop.set()
        self.grabber.stop()
        self._walk.close()
        self.stop_recording()
        if self.error is None:
            self._tell("stopped", self._farewell)
        else:
            kind = "" if isinstance(self.error, CameraUnavailable) else f"{type(self.error).__name__}: "
            self._tell("failed", f"{kind}{self.error}")

    def _tell(self, state: str, message: str) -> None:
        now = time.perf_counter()
        if (state, message) != (self.state, self.message) or now - self._last_told > _TOLD:
            self.state, self.message, self._last_told = state, message, now
            self._on_change()

    def start_recording(self, path: Path, on_done: Callable[[Recorder], None] = lambda recorder: None) -> None:
        """Record outputs from the next frame on. Raises OSError if the path cannot be written."""
        self.recorder = Recorder(path, on_done)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one, beside the loop; ``on_done`` is called when the file is there."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.finish()


def running() -> Loop | None:
    """The loop that is running in this process, or None."""
    return _current if _current is not None and _current.alive else None


def stop_running() -> None:
    """Stop the loop that is running, if there is one. Called at the end of the process, too."""
    loop = running()
    if loop is not None:
        recorder = loop.recorder
        loop.stop()
        if recorder is not None:
            recorder.wait(timeout=5)


atexit.register(stop_running)


def _bound(frames: int | None) -> int | None:
    if frames is None and (word := os.environ.get("SEGLIB_FRAMES", "")):
        frames = int(word)
    if frames is not None and frames < 1:
        raise ValueError(f"frames is {frames}, but must be at least 1")
    return frames
