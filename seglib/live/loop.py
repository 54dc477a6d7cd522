"""The loop: a thread takes frames, another one finds their masks, a third makes pictures and shows them.

    loop = Loop("clip", frames=60)
    loop.start()   # returns at once
    loop.wait()    # until it ends; raises what went wrong in it

While one frame is made a picture, the mask of the next is found; never of more, since a frame that waits grows old.
There are no widgets in here. One loop runs at a time in a process: starting a second one stops the first.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

from seglib._internal.allocation import keep_memory
from seglib.errors import CameraUnavailable
from seglib.live.beside import Prediction
from seglib.live.capture_thread import CapturedFrame, CaptureThread, LatestValue
from seglib.live.find import Find
from seglib.live.finish import Finish, Picture, encode_jpeg, lay_out
from seglib.live.flow_control import Display
from seglib.live.recorder import Recorder
from seglib.live.relay import Relay
from seglib.live.settings import Settings, Slot
from seglib.live.single import take_over
from seglib.live.source_choice import Choice, describe, opener, sentence
from seglib.live.statistics import Rate, RollingStopwatch

STALLED = 2.0  # seconds without a frame after which a person is told
UNWATCHED = 60.0  # seconds without a page that shows the picture, after which the camera is let go
_JOIN = 1.0  # seconds that stopping may take
_TOLD = 0.5  # seconds after which on_change is called even if nothing changed, for the rate and the latency
_PATIENCE = 0.1  # seconds for which a thread waits before it looks whether it shall stop


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
        screen: Display | None = None,
        *,
        frames: int | None = None,
        repeat: bool = True,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings or Slot(Settings())
        self.frames = _bound(frames)
        self.meter, self.made = RollingStopwatch(), Rate()
        self._farewell = "Stopped."
        self.state, self.message = "stopped", self._farewell
        self.error: BaseException | None = None
        self.picture: Picture | None = None
        self.jpeg = b""
        self.recorder: Recorder | None = None
        self.newest: LatestValue[CapturedFrame] = LatestValue()
        self.grabber = CaptureThread(opener(source), self.newest, repeat)
        self._screen, self._on_change = screen, on_change
        self._stop = Event()
        self._find, self._finish = Find(self.meter, self._stop), Finish(self.meter)
        self._second: Relay[Picture] = Relay("seglib shows")
        self._thread = Thread(target=self._run, name="seglib live loop", daemon=True)
        self._last_grab = self._last_view = self._last_told = 0.0

    def start(self) -> None:
        """Start, after stopping whichever loop is running. Returns without waiting for the camera."""
        take_over(self)
        keep_memory()
        self._last_grab = self._last_view = time.perf_counter()
        self._tell("starting", "Starting.")
        self.grabber.start()
        self._thread.start()

    def stop(self) -> bool:
        """Stop, and wait up to a second. True if all threads have ended and the source is closed.

        A driver that hangs, or a large model in the middle of a prediction, cannot be broken off: its thread is left
        behind, shows nothing more, and closes the source when it is let go.
        """
        self._stop.set()
        self.grabber.stop()
        if self._thread.ident is None or current_thread() is self._thread or self._second.is_here:
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
            while not self._stop.is_set() and (self.frames is None or self._second.given < self.frames):
                self._step()
            self._second.settle(self._stop)
        except BaseException as error:
            self.error = error
        finally:
            self._end()

    def _step(self) -> None:
        """Find the mask of one frame, if there is one and somebody wants its picture, and hand it over."""
        self._second.check()
        if not self._has_room() or self._second.too_early():
            return
        grab = self.newest.take(_PATIENCE)
        if grab is None:
            return self._explain_silence()
        self._last_grab = time.perf_counter()
        settings = self.settings.get()
        found = self._find(grab.frame, settings)
        if found is None:
            return self._tell("starting", sentence(self._find.note))
        self._second.give(partial(self._make, found, settings, grab), time.perf_counter() - self._last_grab, self._stop)

    def _make(self, found: Prediction, settings: Settings, grab: CapturedFrame) -> Picture:
        """The picture of one frame, recorded and shown. In a thread of its own: the other finds the next mask."""
        picture = self._finish(found, settings, grab.time)
        if not self._stop.is_set():
            self.picture = picture
            if self.recorder is not None and not self.recorder.write(picture.output, grab.time):
                self.stop_recording()
            self._show(picture, grab, settings.panes)
            self.made.tick()
            self._tell("running", " ".join(filter(None, (describe(self.grabber.source), sentence(self._find.note)))))
        return picture

    def _show(self, picture: Picture, grab: CapturedFrame, panes: tuple[str, ...]) -> None:
        screen = self._screen
        if screen is not None and not (screen.views and screen.wait_for_room(0)) and self.frames is None:
            return
        with self.meter("encode"):
            laid_out = lay_out(picture, panes, screen.width if screen else None)
            self.jpeg = encode_jpeg(laid_out)
        self.meter.add("capture to encoded", time.perf_counter() - grab.time)
        if screen is not None and screen.views and screen.wait_for_room(0):
            screen.show(self.jpeg, grab.time, panes)

    def _has_room(self) -> bool:
        """Whether a picture is wanted now: the page has room for it, or it is made whoever watches."""
        always = self.recorder is not None or self.frames is not None
        if not self._is_watched() or always or self._screen is None:
            return True
        return self._screen.wait_for_room(_PATIENCE, 1 + self._second.busy)  # one that is being made needs some, too

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
        self._find.close()
        self._second.join()
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


def _bound(frames: int | None) -> int | None:
    if frames is None and (word := os.environ.get("SEGLIB_FRAMES", "")):
        frames = int(word)
    if frames is not None and frames < 1:
        raise ValueError(f"frames is {frames}, but must be at least 1")
    return frames
