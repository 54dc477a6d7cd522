"""Work in a thread of its own, beside the one that asks for it; and how to tell that a model is a slow one."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from statistics import median
from threading import Event, Thread
from typing import Generic, TypeVar

from seglib.arrays import Frame, Labels, Mask
from seglib.live.capture_thread import LatestValue

SLOW = 0.25  # seconds; a prediction that takes longer is made beside the display
_PATIENCE = 0.05


Done = TypeVar("Done")


@dataclass(frozen=True)
class Prediction:
    """What a model found. frame: in which. labels: if they were asked for. mirrored: as frame is.

    view: the frame made smaller, on which the mask is worked until the end. mask: cleaned, of the view's size.
    """

    frame: Frame
    view: Frame
    mask: Mask
    labels: Labels | None
    mirrored: bool


class Beside(Generic[Done]):
    """A thread that works on the newest job only. It starts with the first one, and ends with :meth:`close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: LatestValue[Callable[[], Done]] = LatestValue()
        self._done: LatestValue[Done] = LatestValue()
        self._error: BaseException | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    def offer(self, job: Callable[[], Done]) -> None:
        """To be done when the thread is free, unless a newer one is offered before."""
        self._jobs.put(job)
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Raises what went wrong in the thread, if something did."""
        if self._error is not None:
            raise self._error

    def take(self, timeout: float = 0.0) -> Done | None:
        """The newest result that nobody has taken, if there is one. Raises what went wrong in the thread."""
        done = self._done.take(timeout)
        self.check()
        return done

    def wait(self, stop: Event, timeout: float = inf) -> Done | None:
        """The next result; None if the event is set before, or the seconds are over. Raises what went wrong."""
        until = time.perf_counter() + timeout
        while not stop.is_set() and time.perf_counter() < until:
            if (done := self.take(_PATIENCE)) is not None:
                return done
        return None

    def close(self) -> None:
        """The thread ends when it has done what it does. Nobody waits for it."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            job = self._jobs.take(2 * _PATIENCE)
            try:
                if job is not None:
                    self._done.put(job())
            except BaseException as error:
                self._error = error
                return


class Pace:
    """Whether a model is slower than a display should be. Its first prediction tells little: much is prepared in it."""

    def __init__(self) -> None:
        self._model: object = None
        self._seconds: deque[float] = deque(maxlen=5)
        self._slow: bool | None = None

    def note(self, model: object, seconds: float) -> None:
        """Remember how long a prediction took."""
        if model is not self._model:
            self._model, self._slow = model, None if seconds > SLOW else False
            self._seconds.clear()
            return
        self._seconds.append(seconds)
        # Going back to waiting needs a clear case, or it would change to and fro.
        self._slow = median(self._seconds) > (SLOW / 2 if self._slow else SLOW)

    def is_slow(self, model: object) -> bool | None:
        """None as long as that is not known."""
        return self._slow if model is self._model else None


def timed(job: Callable[[], Done], note: Callable[[float], object]) -> Callable[[], Done]:
    """A job that says how long it took."""

    def run() -> Done:
        start = time.perf_counter()
        done = job()
        note(time.perf_counter() - start)
        return done

    return run
