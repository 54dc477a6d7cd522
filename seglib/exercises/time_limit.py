"""A time limit for code that may never end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimitExceeded(BaseException):
    """The code took too long. Not an Exception, so that its own ``except Exception`` does not catch it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitExceeded in a ``with`` block that runs longer than this.

    It works on Linux and macOS, which have timer signals, in the main thread, where cells run. Elsewhere it does
    nothing, and the kernel's Stop button ends a loop. A single long call of a library is not interrupted.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded

    try:
        handler_before = signal.signal(signal.SIGALRM, stop)
    except (AttributeError, ValueError):  # Windows, or another thread
        yield
        return
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # repeated, for code that catches all
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_before)
        if remaining:
            signal.setitimer(signal.ITIMER_REAL, max(remaining - seconds, 0.001), interval)
