"""A limit in time for code that may never end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TimeIsUp(BaseException):
    """The code took too long. No Exception, so that its own ``except Exception`` lets it through."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp in the code of a ``with`` block that runs for longer than some seconds.

    It works where the system has alarms, which is Linux and macOS, and in the main thread, where cells run. Elsewhere
    it does nothing, and the kernel's own Stop button ends a loop. One long call of a library is waited for.
    """

    def ring(number: int, frame: Any) -> None:
        raise TimeIsUp

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except (AttributeError, ValueError):  # Windows, or another thread
        yield
        return
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # it rings again, for code that catches all
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - seconds, 0.001), every)
