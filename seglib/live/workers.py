"""Worker threads for jobs of which only the newest counts, and how to tell that a model is slow."""

import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from math import inf
from statistics import median
from threading import Event, Thread, current_thread
from typing import Generic, TypeVar

from seglib._internal.latest_value import LatestValue

SLOW = 0.25  # seconds; a model that takes longer for a frame predicts in a thread of its own
_POLL = 0.05  # seconds between two looks at a stop event

Done = TypeVar("Done")


class Worker(Generic[Done]):
    """A thread that does the newest job only. It starts with the first job.

    Parameters
    ----------
    name
        The thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: LatestValue[Callable[[], Done]] = LatestValue()
        self._results: LatestValue[Done] = LatestValue()
        self._error: BaseException | None = None
        self._thread: Thread | None = None

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller is a job of this worker."""
        return current_thread() is self._thread

    def submit(self, job: Callable[[], Done]) -> None:
        """Do a job when the thread is free, unless a newer one is submitted before."""
        self._jobs.put(job)
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def raise_error(self) -> None:
        """Raise what a job raised, if one did; the thread has ended then."""
        if self._error is not None:
            raise self._error

    def take(self, timeout: float = 0.0) -> Done | None:
        """Take the newest result; None if there is none in time. Raises what a job raised."""
        result = self._results.take(timeout)
        self.raise_error()
        return result

    def wait(self, stop: Event, timeout: float = inf) -> Done | None:
        """Wait for the next result; None if the event is set before, or the time is over."""
        deadline = time.perf_counter() + timeout
        while not stop.is_set() and time.perf_counter() < deadline:
            if (result := self.take(_POLL)) is not None:
                return result
        return None

    def close(self) -> None:
        """End the thread after the job that it is doing, without waiting for it."""
        self._jobs.close()

    def join(self) -> None:
        """End the thread and wait for it."""
        self.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._jobs.closed:
            job = self._jobs.take(timeout=None)
            try:
                if job is not None:
                    self._results.put(job())
            except BaseException as error:
                self._error = error
                return


class PacedWorker(Worker[Done]):
    """A worker whose next job is prepared while it does the one before, just in time.

    There is never a queue: a frame that waits for its turn grows old.

    Attributes
    ----------
    submitted : int
        How many jobs it was given.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.submitted = 0
        self._idle = Event()
        self._idle.set()
        self._started = 0.0  # when the last job was submitted
        self._duration = self._preparation = 0.0  # seconds, running means

    @property
    def busy(self) -> bool:
        """Whether it is doing a job."""
        return not self._idle.is_set()

    def wait_until_due(self, timeout: float) -> bool:
        """Wait until a job whose preparation starts now would not have to wait; False if that takes too long."""
        early = self._started + self._duration - self._preparation - time.perf_counter()
        if early <= 0:
            return True
        return self._idle.wait(min(early, timeout)) or early <= timeout

    def submit_next(self, job: Callable[[], Done], preparation: float, stop: Event) -> None:
        """Submit a job once the one before is done, unless the event is set.

        Parameters
        ----------
        job
            Called in the thread. Its result must not be None.
        preparation
            How long the job was prepared, in seconds.
        stop
            Ends the waiting.
        """
        self._preparation += (preparation - self._preparation) / 4
        self.wait_until_idle(stop)
        if stop.is_set():
            return
        self.submitted += 1
        self._started = time.perf_counter()
        self._idle.clear()
        self.submit(timed(job, self._finish))

    def wait_until_idle(self, stop: Event) -> None:
        """Wait until the last job is done, or the event is set. Raises what the job raised."""
        if self.submitted:
            self.wait(stop)

    def _finish(self, seconds: float) -> None:
        self._duration += (seconds - self._duration) / 4
        self._idle.set()


class Speed(Enum):
    """How long a model takes for a frame."""

    UNKNOWN = "unknown"
    FAST = "fast"
    SLOW = "slow"


class ModelSpeed:
    """Whether a model is slower than a display should be. The first prediction tells little: it prepares much."""

    def __init__(self) -> None:
        self._model: object = None
        self._seconds: deque[float] = deque(maxlen=5)
        self._speed = Speed.UNKNOWN

    def add(self, model: object, seconds: float) -> None:
        """Remember how long a prediction took."""
        if model is not self._model:
            self._model, self._speed = model, Speed.UNKNOWN if seconds > SLOW else Speed.FAST
            self._seconds.clear()
            return
        self._seconds.append(seconds)
        limit = SLOW / 2 if self._speed is Speed.SLOW else SLOW  # two limits, so that it does not change to and fro
        self._speed = Speed.SLOW if median(self._seconds) > limit else Speed.FAST

    def of(self, model: object) -> Speed:
        """Return how fast this model is, as far as is known."""
        return self._speed if model is self._model else Speed.UNKNOWN


def timed(job: Callable[[], Done], add: Callable[[float], object]) -> Callable[[], Done]:
    """Make a job that reports how many seconds it took."""

    def run() -> Done:
        start = time.perf_counter()
        done = job()
        add(time.perf_counter() - start)
        return done

    return run
