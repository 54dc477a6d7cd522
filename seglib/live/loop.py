"""The live loop: one thread captures frames, one predicts their masks, one renders and shows them.

    loop = Loop("clip", frames=60)
    loop.start()   # returns at once
    loop.wait()    # until it ends; raises what went wrong in it

While one frame is rendered, the mask of the next is predicted; never of more, since a frame that waits grows old.
There are no widgets in here. One loop runs at a time in a process: starting a second one stops the first.
"""

import atexit
import os
import time
from collections.abc import Callable
from functools import partial
from threading import Event, Lock, Thread, current_thread
from typing import Any

import numpy as np

from seglib.capture.base import Source
from seglib.live.capture_thread import CapturedFrame, CaptureThread
from seglib.live.presenter import Display, Presenter
from seglib.live.settings import CurrentSettings
from seglib.live.source_choice import SourceChoice, opener
from seglib.live.stages import PredictedFrame, PredictStage, RenderStage
from seglib.live.statistics import Rate, RollingStopwatch
from seglib.live.words import describe, explain, sentence
from seglib.live.workers import PacedWorker
from seglib.pipeline import Result

STALLED = 2.0  # seconds without a frame after which a person is told
UNWATCHED = 90.0  # seconds without a view of the picture after which the camera is closed
CLOSED = 1.5  # the same where the last view was closed, as with its cell, and did not just fall silent
JOIN = 1.0  # seconds that stopping may take
_NOTIFY = 0.5  # seconds after which on_change is called even if nothing changed, for the rate and the latency
_UNSEEN = 0.5  # seconds between two frames that nobody watches
_POLL = 0.1  # seconds between two looks at the stop event


class Status:
    """What the loop is doing. Written by its threads, read by any.

    Parameters
    ----------
    on_change
        Called when state or message change, and every half second.

    Attributes
    ----------
    state : str
        "stopped", "starting", "running", "waiting" (no frames come at the moment) or "failed".
    message : str
        The same in a sentence.
    error : BaseException or None
        What ended the loop.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self.state, self.message = "stopped", "Stopped."
        self.error: BaseException | None = None
        self._on_change, self._notified = on_change, 0.0

    def set(self, state: str, message: str) -> None:
        """Change state and message."""
        now = time.perf_counter()
        if (state, message) != (self.state, self.message) or now - self._notified > _NOTIFY:
            self.state, self.message, self._notified = state, message, now
            self._on_change()

    def set_ended(self, message: str) -> None:
        """Change to "stopped", or to "failed" if there is an error."""
        if self.error is None:
            self.set("stopped", message)
        else:
            self.set("failed", explain(self.error))


class Loop:
    """One run, from start to stop.

    Parameters
    ----------
    source
        As for :func:`open_source`, or a function that opens and returns a source; it is called in a thread.
    settings
        May be changed at any time.
    display
        Where pictures are shown, None for nowhere.
    frames
        Stop after so many; None takes the environment variable SEGLIB_FRAMES, or runs on if that is not set.
    repeat
        Play a file again when it has ended.
    on_change
        Called from the loop's threads when state or message change, and every half second.
    on_source
        Called from a thread with the source when it is open, and with None when it is closed.
    on_refused
        See :class:`PredictStage`.

    Attributes
    ----------
    status : Status
        State, message and error.
    capture : CaptureThread
        Reads the frames.
    presenter : Presenter
        Has the last result, and the recording.
    rendered : Rate
        Counts the frames that were rendered.
    """

    def __init__(
        self,
        source: SourceChoice,
        settings: CurrentSettings | None = None,
        display: Display | None = None,
        *,
        frames: int | None = None,
        repeat: bool = True,
        on_change: Callable[[], object] = lambda: None,
        on_source: Callable[[Source | None], object] = lambda source: None,
        on_refused: Callable[[str, dict[str, Any]], object] = lambda message, in_force: None,
    ) -> None:
        self.settings = settings or CurrentSettings()
        self.frames = frame_limit(frames)
        self.status = Status(on_change)
        self.capture = CaptureThread(opener(source), repeat, on_source)
        self.rendered = Rate()
        self._stopwatch = RollingStopwatch()
        self.presenter = Presenter(display, self._stopwatch, encode_always=self.frames is not None)
        self._stop = Event()
        self._end_message = "Stopped."
        self._source_note = ""
        self._predict = PredictStage(self._stopwatch, self._stop, on_refused)
        self._render = RenderStage(self._stopwatch)
        self._render_worker: PacedWorker[Result] = PacedWorker("seglib render")
        self._thread = Thread(target=self._run, name="seglib predict", daemon=True)

    @property
    def result(self) -> Result | None:
        """The last result: frame, mask, output, and labels if a pane shows them."""
        return self.presenter.result

    @property
    def alive(self) -> bool:
        """Whether it was started and has not told its end."""
        return self._thread.is_alive() and self.status.state not in ("stopped", "failed")

    def start(self) -> None:
        """Stop the loop that is running, if there is one, and start. Returns without waiting for the camera."""
        _replace_running(self)
        self.status.set("starting", "Starting.")
        self.capture.start()
        self._thread.start()

    def stop(self) -> bool:
        """Stop, and wait up to a second. True if all threads have ended and the source is closed.

        A driver that hangs, or a prediction of a large model, cannot be interrupted: its thread shows nothing more, and
        ends when it can.
        """
        self._stop.set()
        self.capture.stop()
        if self._thread.ident is None or current_thread() is self._thread or self._render_worker.is_current_thread:
            return False
        deadline = time.perf_counter() + JOIN
        closed = self.capture.join(JOIN)
        self._thread.join(max(0.0, deadline - time.perf_counter()))
        return closed and not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the loop has ended, at most ``timeout`` seconds; False if it has not.

        Raises what ended it. An interrupt, such as the notebook's Stop button, stops the loop, too.
        """
        deadline = None if timeout is None else time.perf_counter() + timeout
        try:
            while self._thread.is_alive() and (deadline is None or time.perf_counter() < deadline):
                self._thread.join(_POLL)
        except BaseException:
            self.stop()
            raise
        if self._thread.is_alive():
            return False
        if self.status.error is not None:
            raise self.status.error
        return True

    def stats(self) -> dict[str, Any]:
        """Return state, message, fps, stage times in ms; frames grabbed, dropped for newer ones, and processed."""
        return {
            "state": self.status.state,
            "message": self.status.message,
            "grabbed": self.capture.count,
            "dropped": self.capture.latest.dropped,
            "processed": self.rendered.count,
            "fps": self.rendered.per_second(),
            "stages": self._stopwatch.milliseconds(),
        }

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and (self.frames is None or self._render_worker.submitted < self.frames):
                self._step()
            self._render_worker.wait_until_idle(self._stop)
        except BaseException as error:
            self.status.error = error
        finally:
            self._end()

    def _step(self) -> None:
        """Predict the mask of the newest frame, if its picture is wanted now, and submit it for rendering."""
        self._render_worker.raise_error()
        self._stop_if_unwatched()
        if not self._wait_until_wanted():
            return
        captured = self.capture.latest.take(_POLL)
        if captured is None:
            self._explain_silence()
            return
        start = time.perf_counter()
        predicted = self._predict(captured.frame, self.settings.get())
        if predicted is None:
            self.status.set("starting", sentence(self._predict.note))
            return
        job = partial(self._render_and_present, predicted, captured)
        self._render_worker.submit_next(job, time.perf_counter() - start, self._stop)

    def _render_and_present(self, predicted: PredictedFrame, captured: CapturedFrame) -> Result:
        """Runs in the render thread."""
        result = self._render(predicted, captured.time)
        if not self._stop.is_set():
            self.presenter.present(result, captured.time, predicted.settings.panes)
            self.rendered.tick()
            if source := self.capture.source:  # None for a moment when a file is played again
                self._source_note = describe(source)
            self.status.set("running", " ".join(filter(None, (self._source_note, sentence(self._predict.note)))))
        return result

    def _wait_until_wanted(self) -> bool:
        """Wait a moment until a frame that is predicted now can be rendered and shown at once."""
        if self.frames is None and self.presenter.recorder is None:
            if self.presenter.views == 0:
                self._stop.wait(_UNSEEN)  # nobody watches: keep the last result fresh
            elif not self.presenter.wait_for_room(_POLL, 1 + self._render_worker.busy):  # one that is rendered now, too
                return False
        return self._render_worker.wait_until_due(_POLL)

    def _stop_if_unwatched(self) -> None:
        unwatched = self.presenter.seconds_unwatched()
        if self.presenter.closed and unwatched > CLOSED:
            self._end_message = "Stopped, since its cell was deleted or its output cleared."
            self._stop.set()
        elif self.frames is None and unwatched > UNWATCHED:
            self._end_message = "Stopped, since no page has shown the picture for a while. Press Start to go on."
            self._stop.set()

    def _explain_silence(self) -> None:
        """No frame came: raise why, end at the end of a file, or tell what the camera does."""
        if self.capture.error is not None:
            raise self.capture.error
        silent = time.perf_counter() - self.capture.last
        browser_camera = getattr(self.capture.source, "widget", None)
        if self.capture.ended:
            self._stop.set()
        elif self.capture.lost:
            way_out = "Press Start camera to go on." if browser_camera else "Trying again every second."
            self.status.set("waiting", f"{sentence(self.capture.lost)} {way_out}")
        elif getattr(browser_camera, "camera_state", "") == "off" and silent > STALLED:
            self.status.set("starting", "Press Start camera.")  # a browser starts it by itself only soon after a press
        elif self.capture.count and silent > STALLED and not self._predict.note:  # loading a model holds everything up
            self.status.set("waiting", "No new pictures come. Is the camera still plugged in?")

    def _end(self) -> None:
        self._stop.set()
        self.capture.stop()
        self._predict.close()
        self._render_worker.join()
        self.presenter.stop_recording()
        self.status.set_ended(self._end_message)


_lock = Lock()
_running: Loop | None = None


def running_loop() -> Loop | None:
    """Return the loop that is running in this process, or None."""
    return _running if _running is not None and _running.alive else None


def stop_running_loop() -> None:
    """Stop the loop that is running, if there is one, and finish its recording; also done at the end of the process."""
    loop = running_loop()
    if loop is not None:
        recorder = loop.presenter.recorder
        loop.stop()
        if recorder is not None:
            recorder.wait(timeout=5)


def _replace_running(loop: Loop) -> None:
    global _running
    with _lock:
        former, _running = _running, loop
    if former is not None and former is not loop:
        former.stop()


atexit.register(stop_running_loop)


def frame_limit(frames: int | None) -> int | None:
    """Return after how many frames to stop: so many, or what SEGLIB_FRAMES says, or None if neither is given."""
    name = "frames"
    if frames is None and (text := os.environ.get("SEGLIB_FRAMES", "")):
        name, frames = "SEGLIB_FRAMES", int(text) if text.isdecimal() else text  # type: ignore[assignment]
    if frames is not None and (isinstance(frames, bool) or not isinstance(frames, int | np.integer) or frames < 1):
        raise ValueError(f"{name} is {frames!r}, but must be a whole number, at least 1")
    return frames
