"""Two threads that share the walk of a frame: while the second makes a picture, the first prepares the next frame."""

import time
from collections.abc import Callable
from threading import Event, current_thread

from seglib.live.beside import Beside, Done, timed

_PATIENCE = 0.1  # seconds for which the first thread waits before it looks whether it shall stop


class Relay(Beside[Done]):
    """The second thread, as the first one sees it. Never a queue: a frame that waits for its turn grows old.

    given: how many jobs it was given.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.given = 0
        self._idle = Event()
        self._idle.set()
        self._since = 0.0  # when it was given the last one
        self._takes = self._ahead = 0.0  # seconds that a job, and preparing one, took lately

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return not self._idle.is_set()

    @property
    def is_here(self) -> bool:
        """Whether it is the one that asks."""
        return current_thread() is self._thread

    def too_early(self) -> bool:
        """Whether a frame that is taken now would have to wait. Waits a little for that to change."""
        early = self._since + self._takes - self._ahead - time.perf_counter()
        return early > 0 and not self._idle.wait(min(early, _PATIENCE)) and early > _PATIENCE

    def give(self, job: Callable[[], Done], took: float, stop: Event) -> None:
        """The next job, once the one before is done, unless the event is set. took: the seconds it was prepared for."""
        self._ahead += (took - self._ahead) / 4
        self.settle(stop)
        if stop.is_set():
            return
        self.given += 1
        self._since = time.perf_counter()
        self._idle.clear()
        self.offer(timed(job, self._note))

    def settle(self, stop: Event) -> None:
        """Wait until all is done, or the event is set. Raises what went wrong in the thread."""
        if self.given:
            self.wait(stop)

    def join(self) -> None:
        """End it, and wait until it has."""
        self.close()
        if self._thread is not None:
            self._thread.join()

    def _note(self, seconds: float) -> None:
        self._takes += (seconds - self._takes) / 4
        self._idle.set()
